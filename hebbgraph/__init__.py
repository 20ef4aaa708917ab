"""hebbgraph: associative memories as process graphs, exact on every engine.

Start with `Graph` and the process kinds, `compile` one to a back end, `run` it, read the `Result`.
"""

from hebbgraph.compile import Program, compile  # noqa: A004
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
from hebbgraph.processes import LIF, Dense, Input
from hebbgraph.result import Result
from hebbgraph.serialise import load, save

__version__ = "0.1.0"

__all__ = [
    "LIF",
    "Connection",
    "Dense",
    "EngineError",
    "Fault",
    "Gap",
    "Graph",
    "HebbgraphError",
    "Input",
    "Invalid",
    "Probe",
    "Program",
    "Result",
    "Unavailable",
    "Unsupported",
    "compile",
    "load",
    "save",
]
