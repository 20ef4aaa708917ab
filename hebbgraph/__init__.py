"""hebbgraph: associative memories as process graphs, exact on every engine.

Start with `Graph` and the process kinds, `compile` one to a back end, `run` it, read the `Result`.
"""

from hebbgraph.compile import Program, compile  # noqa: A004
from hebbgraph.divergence import ParityReport, parity
from hebbgraph.errors import (
    EngineError,
    Fault,
    Gap,
    HebbgraphError,
    Invalid,
    Unavailable,
    Unsupported,
)
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.memory import Memory, NotFitted
from hebbgraph.preflight import CheckReport, check
from hebbgraph.processes import (
    LIF,
    BlockDense,
    Bus,
    Clock,
    Conv2d,
    Dendrite,
    Dense,
    Exponential,
    Graded,
    Input,
    LeakyIntegrator,
    Noise,
    Polynomial,
    SigmaDelta,
    Sign,
    Softmax,
    Sparse,
    TernaryLIF,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.result import Result
from hebbgraph.rules import Rule, Trace
from hebbgraph.serialise import load, save

__version__ = "0.1.0"

__all__ = [
    "LIF",
    "BlockDense",
    "Bus",
    "CheckReport",
    "Clock",
    "Connection",
    "Conv2d",
    "Dendrite",
    "Dense",
    "EngineError",
    "Exponential",
    "Fault",
    "Gap",
    "Graded",
    "Graph",
    "HebbgraphError",
    "Input",
    "Invalid",
    "LeakyIntegrator",
    "Memory",
    "Noise",
    "NotFitted",
    "ParityReport",
    "Polynomial",
    "Probe",
    "Program",
    "Result",
    "Rule",
    "SigmaDelta",
    "Sign",
    "Softmax",
    "Sparse",
    "TernaryLIF",
    "Trace",
    "Transpose",
    "Unavailable",
    "Unsupported",
    "WinnerTakeAll",
    "check",
    "compile",
    "load",
    "parity",
    "save",
]
