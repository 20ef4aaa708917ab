"""Network: one graph as one Lava Process, with a fused model and one of standard parts."""

import numpy as np
from hebbgraph_lava.network import parts
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.run_configs import RunConfig
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

#: `num_message_bits` of a Dense at which graded values arrive (lava only asks whether it is 0).
GRADED_BITS = 24


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
        steps, episodes = (int(buffers.control[k]) for k in (parts.STEPS, parts.EPISODES))
        if buffers.control[parts.FRESH]:
            kernel.reset(episodes, buffers.peaks())
        kernel.run(*buffers.chunk(steps, episodes), steps)


@implements(proc=Network, protocol=LoihiProtocol)
class PartsModel(AbstractSubProcessModel):
    """The graph as lava's own LIF and Dense, with our sources and delay lines; one episode.

    A Dense takes one step by itself, so a delay of d into it needs a line of d - 1, and a delay
    of d into a LIF a line of d. (lava's DelayDense is not used: it sums in 64 bits where Dense
    wraps at 32, and its cost grows with the product of delay and synapses.)
    """

    def __init__(self, proc):
        plan, buffers = proc.proc_params["plan"], proc.proc_params["buffers"]
        self.ends = {}  # by path, (in port, out port)
        for index, node in enumerate(plan.nodes.values()):
            part = getattr(self, f"_{node.kind.lower()}")(plan, node, buffers)
            setattr(self, f"{node.kind.lower()}_{index}", part)  # where Lava looks for parts
        for index, (source, target, delay) in enumerate(plan.connections):
            self._connect(plan, index, source, target, delay, buffers.control)

    def _input(self, plan, node, buffers):
        source = parts.Source(buffers.inputs[node.path], buffers.control, node.path)
        self.ends[node.path] = (None, source.s_out)
        return source

    def _lif(self, plan, node, buffers):
        fixed = plan.domain == "fixed"
        lif = LIF(
            shape=(node.units,),
            du=_numbers(node.arrays["decay_u"], fixed),
            dv=_numbers(node.arrays["decay_v"], fixed),
            bias_mant=_numbers(node.arrays["bias"], fixed),
            bias_exp=np.full(node.units, node.fields["bias_exponent"]),
            vth=_numbers(node.arrays["threshold"], fixed),
            name=node.path,
            control=buffers.control,
            spikes=buffers.spikes[node.path],
            states={name: a for (path, name), a in buffers.states.items() if path == node.path},
        )
        self.ends[node.path] = (lif.a_in, lif.s_out)
        return lif

    def _dense(self, plan, node, buffers):
        dense = Dense(
            weights=_numbers(node.arrays["weights"], plan.domain == "fixed"),
            weight_exp=int(node.fields["exponent"]),
            num_message_bits=0 if plan.arrives_binary(node.path) else GRADED_BITS,
            name=node.path,
            control=buffers.control,
        )
        self.ends[node.path] = (dense.s_in, dense.a_out)
        return dense

    def _connect(self, plan, index, source, target, delay, control):
        source, target = (end.rpartition(".")[0] for end in (source, target))
        end, (start, _) = self.ends[source][1], self.ends[target]
        steps = delay - (plan.nodes[target].kind == "Dense")
        if steps:
            line = parts.Delay(plan.nodes[source].units, steps, control, f"{source}->{target}")
            setattr(self, f"delay_{index}", line)
            end.connect(line.s_in)
            end = line.s_out
        end.connect(start)


def _numbers(values, fixed):
    return np.array(values, dtype=np.int64 if fixed else np.float64)


#: By model and domain: which ProcessModel runs each Process.
FLOAT_PARTS = {
    parts.Source: parts.SourceFloat,
    parts.Delay: parts.DelayFloat,
    LIF: parts.LIFFloat,
    Dense: parts.DenseFloat,
}
FIXED_PARTS = {
    parts.Source: parts.SourceFixed,
    parts.Delay: parts.DelayFixed,
    LIF: parts.LIFFixed,
    Dense: parts.DenseFixed,
}


class GraphRunConfig(RunConfig):
    """Choose every ProcessModel by a table; nothing is left to tags."""

    def __init__(self, model, domain):
        super().__init__()
        table = FIXED_PARTS if domain == "fixed" else FLOAT_PARTS
        self.table = {**table, Network: FusedModel if model == "fused" else PartsModel}

    def select(self, process, proc_models):
        """Return the model of `process`."""
        return self.table[type(process)]
