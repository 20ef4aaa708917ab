"""The process kinds: each a frozen dataclass whose docstring is its equation.

The law of the tick, which every back end obeys. Time is synchronous, steps t = 0, 1, 2, ...
Within one step, in this order:

1. *Deliver.* The value at an input port is the sum over its connections of what the source
   emitted at t - d, d >= 0 the connection's delay (nothing was emitted before step 0). A port
   with no connection receives its default, 0 unless the kind says otherwise. A source of one
   unit may be connected to a port of any width: every unit of it receives the value.
   Connections into synapses carry d >= 1; d = 0 is a same-step wire, and every cycle must contain
   a delay of 1 or more.
2. *Update* each process's state, in topological order of the same-step wires.
3. *Emit* spikes (0 or 1), ternary (-1, 0, 1) or graded values.
4. *Learn.* Rules read this step's signals; new weights act from the next step. Ports that only
   learning reads take what was emitted in this very step without being part of a cycle.

An episode is one presented sample: states are zero at its start, and nothing that was emitted in
the episode before it arrives. Weights that learn persist from episode to episode, so with rules
episodes run in order, or in batches whose mean change is learned.
"""

from hebbgraph.checks import DOMAINS, Domain
from hebbgraph.processes.base import Port, Process, Role, Signal
from hebbgraph.processes.block_dense import BlockDense
from hebbgraph.processes.bus import Bus
from hebbgraph.processes.clock import Clock
from hebbgraph.processes.conv2d import Conv2d
from hebbgraph.processes.dendrite import Dendrite
from hebbgraph.processes.dense import Dense
from hebbgraph.processes.exponential import Exponential
from hebbgraph.processes.graded import Graded
from hebbgraph.processes.input import Input
from hebbgraph.processes.leaky_integrator import LeakyIntegrator
from hebbgraph.processes.lif import LIF
from hebbgraph.processes.noise import Noise
from hebbgraph.processes.polynomial import Polynomial
from hebbgraph.processes.sigma_delta import SigmaDelta
from hebbgraph.processes.sign import Sign
from hebbgraph.processes.softmax import Softmax
from hebbgraph.processes.sparse import Sparse
from hebbgraph.processes.ternary_lif import TernaryLIF
from hebbgraph.processes.transpose import Transpose
from hebbgraph.processes.winner_take_all import WinnerTakeAll

#: Every kind by name: what a file may contain and a back end may implement.
KINDS: dict[str, type[Process]] = {
    kind.__name__: kind
    for kind in (
        # sources
        *(Input, Clock, Noise),
        # units
        *(LIF, TernaryLIF, Sign, LeakyIntegrator, SigmaDelta),
        *(Graded, Polynomial, Exponential),
        *(Bus, WinnerTakeAll, Softmax, Dendrite),
        # synapses
        *(Dense, Transpose, Sparse, BlockDense, Conv2d),
    )
}

__all__ = [
    "DOMAINS",
    "KINDS",
    "LIF",
    "BlockDense",
    "Bus",
    "Clock",
    "Conv2d",
    "Dendrite",
    "Dense",
    "Domain",
    "Exponential",
    "Graded",
    "Input",
    "LeakyIntegrator",
    "Noise",
    "Polynomial",
    "Port",
    "Process",
    "Role",
    "SigmaDelta",
    "Sign",
    "Signal",
    "Softmax",
    "Sparse",
    "TernaryLIF",
    "Transpose",
    "WinnerTakeAll",
]
