"""The process kinds: each a frozen dataclass whose docstring is its equation.

The law of the tick, which every back end obeys. Time is synchronous, steps t = 0, 1, 2, ...
Within one step, in this order:

1. *Deliver.* The value at an input port is the sum over its connections of what the source
   emitted at t - d, d >= 0 the connection's delay (nothing was emitted before step 0).
   Connections into synapses carry d >= 1; d = 0 is a same-step wire, and every cycle must contain
   a delay of 1 or more.
2. *Update* each process's state, in topological order of the same-step wires.
3. *Emit* spikes (0 or 1) or graded values.
4. *Learn.* Rules read this step's signals; new weights act from the next step.

An episode is one presented sample: states are zero at its start, and nothing that was emitted in
the episode before it arrives.
"""

from hebbgraph.processes.base import DOMAINS, Domain, Port, Process, Signal
from hebbgraph.processes.dense import Dense
from hebbgraph.processes.input import Input
from hebbgraph.processes.lif import LIF

#: Every kind by name: what a file may contain and a back end may implement.
KINDS: dict[str, type[Process]] = {kind.__name__: kind for kind in (Input, LIF, Dense)}

__all__ = ["DOMAINS", "KINDS", "LIF", "Dense", "Domain", "Input", "Port", "Process", "Signal"]
