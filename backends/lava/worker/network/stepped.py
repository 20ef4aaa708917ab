"""What lava does not have: Processes whose models execute the reference's own step.

Ports are named after those of the graph: ``a_in`` for its port a, and so on; only those exist to
which something is connected. lava wants the type of every port on the class of a model, so
`typed` derives one that has them.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hebbgraph.backends.lava.worker.network.moment import begins_episode, record
from hebbgraph.backends.reference.steps import STEPS


def typed(model, process, domain):
    """Return `model` with a type for every port of `process`.

    What is sent fits 32 bits in the fixed domain; sums of it are taken in 64.
    """
    sent, summed = (float, float) if domain == "float" else (np.int32, np.int64)
    types = {port.name: LavaPyType(PyInPort.VEC_DENSE, summed) for port in process.in_ports}
    types |= {port.name: LavaPyType(PyOutPort.VEC_DENSE, sent) for port in process.out_ports}
    return type(model.__name__, (model,), {"__module__": model.__module__, **types})


class Units(AbstractProcess):
    """Units of one kind of the graph's, `node`, with the ports that are `connected`."""

    def __init__(self, node, connected, **parameters):
        super().__init__(node=node, connected=connected, **parameters)
        for name in connected:
            setattr(self, f"{name}_in", InPort(shape=(node.inputs[name].size,)))
        self.s_out = OutPort(shape=(node.units,))


@implements(proc=Units, protocol=LoihiProtocol)
@requires(CPU)
class UnitsModel(PyLoihiProcessModel):
    """Receive, execute the step of the kind, send."""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.node, domain = proc_params["node"], proc_params["domain"]
        self.number = np.float64 if domain == "float" else np.int64
        self.step = STEPS[self.node.kind, domain]
        self.state = {}

    def run_spk(self):
        """Do one step of one episode."""
        if begins_episode(self):
            shape = (1, self.node.units)
            self.state = {name: np.zeros(shape, self.number) for name in self.node.registers}
        emitted = self.step(self.node.process, self.state, self._arriving())[0]
        self.s_out.send(emitted)
        record(self, emitted, {name: values[0] for name, values in self.state.items()})

    def _arriving(self):
        """Return what arrives at every port, (1, units)."""
        return {
            name: getattr(self, f"{name}_in").recv()[np.newaxis]
            if name in self.proc_params["connected"]
            else np.full((1, port.size), port.default, self.number)
            for name, port in self.node.inputs.items()
        }


class Synapses(AbstractProcess):
    """Synapses of one kind of the graph's, `node`, whose `weights` and `delays` are constant."""

    def __init__(self, node, weights, delays, **parameters):
        super().__init__(node=node, weights=weights, delays=delays, **parameters)
        self.s_in = InPort(shape=(weights.shape[1],))
        self.a_out = OutPort(shape=(weights.shape[0],))


@implements(proc=Synapses, protocol=LoihiProtocol)
@requires(CPU)
class SynapsesModel(PyLoihiProcessModel):
    """Send what was summed in the step before; only then receive, and sum by the kind's step."""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.node, domain = proc_params["node"], proc_params["domain"]
        self.number = np.float64 if domain == "float" else np.int64
        self.step = STEPS[self.node.kind, domain]
        self.state = {}
        self.buffered = np.zeros(self.node.units, self.number)

    def run_spk(self):
        """Do one step of one episode."""
        if begins_episode(self):
            self.buffered = np.zeros_like(self.buffered)
            self.state = {name: self.proc_params[name] for name in ("weights", "delays")}
            self.state["past"] = []
        self.a_out.send(self.buffered)
        record(self, self.buffered)
        s = self.s_in.recv()[np.newaxis]
        self.buffered = self.step(self.node.process, self.state, {"s": s})[0]
