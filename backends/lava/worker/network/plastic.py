"""Plastic: synapses that learn by a rule of the graph's, forwards and backwards in one Process.

lava's LearningDense knows Loihi's rules only; this one executes the reference's `Plastic`. Every
`Transpose` of the same weights is part of it, so that both directions have one matrix.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hebbgraph.backends.lava.worker.network import moment
from hebbgraph.backends.lava.worker.plan import learns_at
from hebbgraph.backends.reference.learning import Plastic as Learning
from hebbgraph.backends.reference.steps import STEPS


class PlasticDense(AbstractProcess):
    """Synapses `node` that learn, and those tied to them, `ties`.

    Ports: ``s_in`` and ``a_out``; ``s_in_0``, ``a_out_0`` and so on for the ties, backwards;
    ``gate_in``, ``post_in`` and one per third factor, read when everything was sent. `learned` is
    where the weights are at the start and at the end of a run; `records` hold what is recorded of
    each tie.
    """

    def __init__(self, node, ties, connected, records, **parameters):
        super().__init__(node=node, ties=ties, connected=connected, records=records, **parameters)
        self.s_in = InPort(shape=(node.inputs["s"].size,))
        self.a_out = OutPort(shape=(node.units,))
        for k, tie in enumerate(ties):
            setattr(self, f"s_in_{k}", InPort(shape=(node.units,)))
            setattr(self, f"a_out_{k}", OutPort(shape=(tie.units,)))
        for name in connected:
            setattr(self, f"{name}_in", InPort(shape=(node.inputs[name].size,)))


@implements(proc=PlasticDense, protocol=LoihiProtocol)
@requires(CPU)
class PlasticDenseModel(PyLoihiProcessModel):
    """Send sums of what arrived before, by the weights of now; receive; learn in the last phase."""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.node, self.ties = proc_params["node"], proc_params["ties"]
        self.domain, self.rule = proc_params["domain"], self.node.rule
        self.number = np.float64 if self.domain == "float" else np.int64
        self.learning = self.gate = None
        #: What arrived at ``s_in``, and at that of each tie, in the step before.
        self.arrived, self.arrived_at_ties = None, []
        self.due = False

    def run_spk(self):
        """Send, receive, advance the traces; nothing is learned yet."""
        if moment.begins_run(self):
            held = self.proc_params["learned"]
            given = (held.accumulator, held.momentum)
            self.learning = Learning(self.node.path, self.rule, self.domain, *given)
        if moment.begins_episode(self):
            self.learning.begin(1)
            self.arrived = np.zeros((1, self.node.inputs["s"].size), self.number)
            self.arrived_at_ties = [np.zeros((1, self.node.units), self.number) for _ in self.ties]
        self._send()
        signals = {"pre": self.arrived}
        self.arrived = self._received("s_in")
        self.arrived_at_ties = [self._received(f"s_in_{k}") for k in range(len(self.ties))]
        found = {name: self._learning_port(name) for name in (*self.rule.ports, "gate")}
        self.gate = found.pop("gate")
        self.learning.read({**signals, **found})
        self.due = learns_at(self.rule, *moment.step_of_episode(self))
        if not self.due:
            self._finish()

    def lrn_guard(self):
        """Return whether an epoch ends with this step."""
        return self.due

    def run_lrn(self):
        """Change the weights; the new ones act from the next step."""
        step, _ = moment.step_of_episode(self)
        self.learning.learn(self.gate, moment.episode(self), step)
        self._finish()

    def _send(self):
        """Send both directions, by the weights as they are in this step."""
        weights = self.learning.weights
        state = {"weights": weights, "delays": None, "past": []}
        emitted = STEPS["Dense", self.domain](self.node.process, state, {"s": self.arrived})[0]
        self.a_out.send(emitted)
        moment.record(self, emitted)
        backwards = {**state, "weights": weights.T}
        for k, (tie, s) in enumerate(zip(self.ties, self.arrived_at_ties, strict=True)):
            emitted = STEPS["Transpose", self.domain](tie.process, backwards, {"s": s})[0]
            getattr(self, f"a_out_{k}").send(emitted)
            moment.record(self, emitted, parameters=self.proc_params["records"][k])

    def _received(self, port):
        return getattr(self, port).recv()[np.newaxis]

    def _learning_port(self, name):
        if name in self.proc_params["connected"]:
            return self._received(f"{name}_in")
        port = self.node.inputs[name]
        return np.full((1, port.size), port.default, self.number)

    def _finish(self):
        """Record the weights as this step leaves them, and keep them when the run ends."""
        states = self.proc_params["states"]
        if "weights" in states:
            states["weights"][moment.position(self)] = self.learning.weights.ravel()
        if moment.ends_run(self):
            self.proc_params["learned"].put(self.learning)
