"""Network: one graph as one Lava Process, with a fused model and one of standard parts."""

from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.run_configs import RunConfig
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.process import LIF, LIFRefractory
from lava.proc.sparse.process import DelaySparse, Sparse

from hebbgraph.backends.lava.worker import buffers as shared
from hebbgraph.backends.lava.worker.fused.kernel import Moment
from hebbgraph.backends.lava.worker.network import (
    assembly,
    plastic,
    stepped,
    synapses,
    units,
    wires,
)


class Network(AbstractProcess):
    """One graph: `plan` says what is in it, `kernel` executes it, `buffers` carry the data."""

    def __init__(self, plan, kernel, buffers):
        super().__init__(plan=plan, kernel=kernel, buffers=buffers, name="network")


@implements(proc=Network, protocol=LoihiProtocol)
@requires(CPU)
class FusedModel(PyLoihiProcessModel):
    """The whole graph in one process: a chunk of steps of a batch of episodes per Lava step."""

    def run_spk(self):
        """Run the chunk that the worker put into the shared buffers."""
        kernel, buffers = self.proc_params["kernel"], self.proc_params["buffers"]
        control = buffers.control
        steps, episodes = int(control[shared.STEPS]), int(control[shared.EPISODES])
        if control[shared.BEGIN]:
            held = {p: (own.accumulator, own.momentum) for p, own in buffers.learned.items()}
            kernel.load(held, episodes)
        if control[shared.FRESH]:
            kernel.reset(episodes, buffers.peaks())
        place = (int(control[k]) for k in (shared.STEP, shared.LENGTH, shared.EPISODE))
        kernel.run(*buffers.chunk(steps, episodes), steps, Moment(*place))
        if control[shared.END]:
            for path, own in buffers.learned.items():
                own.put(kernel.learning[path])


@implements(proc=Network, protocol=LoihiProtocol)
class PartsModel(AbstractSubProcessModel):
    """The graph as lava's own parts, and ours where lava has none, for one episode."""

    def __init__(self, proc):
        plan, buffers = proc.proc_params["plan"], proc.proc_params["buffers"]
        built = assembly.Assembly(plan, buffers)
        for index, part in enumerate(built.parts):
            setattr(self, f"part_{index}", part)  # where lava looks for them


#: By domain, the ProcessModel that runs each Process; of the Stepped ones, `typed` makes it.
FLOAT = {
    wires.Source: wires.SourceFloat,
    wires.Delay: wires.DelayFloat,
    LIF: units.LIFFloat,
    LIFRefractory: units.LIFRefractoryFloat,
    units.TernaryLIF: units.TernaryLIFFloat,
    units.SigmaDelta: units.SigmaDeltaFloat,
    Dense: synapses.DenseFloat,
    Sparse: synapses.SparseFloat,
    DelayDense: synapses.DelayDenseFloat,
    DelaySparse: synapses.DelaySparseFloat,
    Conv: synapses.ConvFloat,
}
FIXED = {
    wires.Source: wires.SourceFixed,
    wires.Delay: wires.DelayFixed,
    LIF: units.LIFFixed,
    units.TernaryLIF: units.TernaryLIFFixed,
    units.SigmaDelta: units.SigmaDeltaFixed,
    units.GradedVec: units.GradedVecFixed,
    units.GradedReluVec: units.GradedReluVecFixed,
    Dense: synapses.DenseFixed,
    Sparse: synapses.SparseFixed,
    DelayDense: synapses.DelayDenseFixed,
    DelaySparse: synapses.DelaySparseFixed,
    Conv: synapses.ConvFixed,
}
STEPPED = {
    stepped.Units: stepped.UnitsModel,
    stepped.Synapses: stepped.SynapsesModel,
    plastic.PlasticDense: plastic.PlasticDenseModel,
}


class GraphRunConfig(RunConfig):
    """Choose every ProcessModel by a table; nothing is left to tags, and nothing searched for.

    lava asks a run config for `exception_proc_model_map` before it looks for models, and this one
    answers for every Process.
    """

    def __init__(self, model, domain):
        super().__init__()
        table = FIXED if domain == "fixed" else FLOAT
        self.table = {**table, Network: FusedModel if model == "fused" else PartsModel}
        self.domain = domain
        self.exception_proc_model_map = self

    def __contains__(self, process):
        return True

    def __getitem__(self, process):
        kind = type(process)
        if kind in STEPPED:
            return stepped.typed(STEPPED[kind], process, self.domain)
        return self.table[kind]
