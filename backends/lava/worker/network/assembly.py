"""Assembly: the parts of a graph, one Lava Process each, and how they are connected.

Where lava has the kind its own Process is used, unless our arithmetic could differ from it: the
reference keeps more than 32 bits where lava wraps, shifts a sum where lava shifts its terms, or
a unit has a port that lava's lacks. All that is decided here, by fields and by bounds.
"""

import numpy as np
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.process import LIF, LIFRefractory
from lava.proc.sdn.process import ActivationMode
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from hebbgraph.backends.lava.worker.bounds import REGISTER, Bounds
from hebbgraph.backends.lava.worker.fused.synapses import ConvProduct
from hebbgraph.backends.lava.worker.network import plastic, stepped, units, wires

#: `num_message_bits` of synapses at which graded values arrive (lava only asks whether it is 0).
GRADED_BITS = 24
#: What lava keeps of kernel sizes, strides and paddings: 8 bits with a sign.
SMALL = 127


class Assembly:
    """The parts of a plan, for one episode at a time.

    Synapses take one step by themselves, so a delay of d into them needs a line of d - 1, and a
    delay of d into anything else a line of d.
    """

    def __init__(self, plan, buffers):
        self.plan, self.buffers, self.bounds = plan, buffers, Bounds(plan)
        self.fixed = plan.domain == "fixed"
        self.parts = []
        #: By path, what makes the out port to connect from; by target port, the in port.
        self.outs, self.ins = {}, {}
        for node in plan.nodes.values():
            if node.kind == "Transpose" and plan.holder(node).rule is not None:
                continue  # part of the Process that learns
            self.parts.append(self._part(node))
        for source, target, delay in plan.connections:
            self._connect(source.rpartition(".")[0], target, delay)

    # --- parts -----------------------------------------------------------------------------

    def _part(self, node):
        if node.rule is not None:
            return self._plastic(node)
        makers = {
            "Input": self._source,
            "LIF": self._lif,
            "TernaryLIF": self._ternary,
            "SigmaDelta": self._sigma_delta,
            "Graded": self._graded,
            "Conv2d": self._conv,
        }
        default = self._matrix if node.role == "synapses" else self._units
        return makers.get(node.kind, default)(node)

    def _source(self, node):
        source = wires.Source(self.buffers.inputs[node.path], self.buffers.control, node.path)
        self.outs[node.path] = lambda: source.s_out
        return source

    def _lif(self, node):
        refractory = node.fields["refractory"]
        decay_v = node.arrays["decay_v"]
        if self.plan.connected(node.path, "n", "on") or (refractory and not self._as_lava(node)):
            return self._units(node)
        parameters = {"vth": node.arrays["threshold"]}
        if refractory:  # lava takes one decay for all units there
            parameters |= {"dv": float(decay_v[0]), "refractory_period": refractory}
            return self._own(node, LIFRefractory(**{**self._leaky(node), **parameters}))
        return self._own(node, LIF(**self._leaky(node), **parameters))

    def _as_lava(self, node):
        """Return whether LIFRefractory is this unit: a float one that is silent at v = 0."""
        decay_v, threshold = node.arrays["decay_v"], node.arrays["threshold"]
        return not self.fixed and bool((decay_v == decay_v[0]).all() and (threshold >= 0).all())

    def _ternary(self, node):
        if self.plan.connected(node.path, "n", "on"):
            return self._units(node)
        high, low = node.arrays["threshold"], node.arrays["lower"]
        return self._own(node, units.TernaryLIF(vth_hi=high, vth_lo=low, **self._leaky(node)))

    def _leaky(self, node):
        return {
            "shape": (node.units,),
            "du": node.arrays["decay_u"],
            "dv": node.arrays["decay_v"],
            "bias_mant": node.arrays["bias"],
            "bias_exp": np.full(node.units, node.fields["bias_exponent"]),
        }

    def _sigma_delta(self, node):
        if self.plan.connected(node.path, "on"):
            return self._units(node)
        rectified = node.fields["rectified"]
        unit = units.SigmaDelta(
            shape=(node.units,),
            vth=node.arrays["threshold"],
            bias=node.arrays["bias"],
            act_mode=ActivationMode.RELU if rectified else ActivationMode.UNIT,
            cum_error=node.fields["cumulative"],
            state_exp=node.fields["exponent"],
        )
        return self._own(node, unit)

    def _graded(self, node):
        """Return lava's GradedVec or GradedReluVec where nothing is clipped, shifted or added."""
        if not self.fixed or self.plan.connected(node.path, "on"):
            return self._units(node)
        arrays, bound = node.arrays, self.bounds.arriving(node.path, "a")
        room = min(REGISTER, 2.0 ** (node.fields["bits"] - 1))
        plain = bound < room and not (arrays["bias"].any() or node.fields["exponent"])
        plain = plain and (arrays["high"] >= bound).all()
        plain = plain and (arrays["dead_zone"] < REGISTER).all()
        whole, rectified = (arrays["low"] <= -bound).all(), (arrays["low"] == 0).all()
        if not plain or not (whole or rectified):
            return self._units(node)
        kind = units.GradedVec if whole else units.GradedReluVec
        return self._own(node, kind((node.units,), arrays["dead_zone"] - 1))

    def _units(self, node):
        connected = [name for name in node.inputs if self.plan.connected(node.path, name)]
        part = stepped.Units(node, connected, **self._observed(node))
        self.outs[node.path] = lambda: part.s_out
        self.ins |= {f"{node.path}.{name}": getattr(part, f"{name}_in") for name in connected}
        return part

    def _own(self, node, part):
        """Return a unit of lava's, with what our models read beside what lava's do."""
        part.name = node.path
        _give(part, self._observed(node))
        self.outs[node.path] = lambda: part.s_out
        self.ins[f"{node.path}.a"] = part.a_in
        return part

    def _observed(self, node):
        """Return the parameters by which a part is told where it is and what to record."""
        path, buffers = node.path, self.buffers
        kinds = ("active", "spikes")
        rasters = {
            k: buffers.rasters[f"{k}/{path}"] for k in kinds if f"{k}/{path}" in buffers.rasters
        }
        states = {name: array for (p, name), array in buffers.states.items() if p == path}
        return {
            "name": path,
            "domain": self.plan.domain,
            "control": buffers.control,
            "rasters": rasters,
            "states": states,
            "output": node.output,
        }

    # --- synapses --------------------------------------------------------------------------

    def _matrix(self, node):
        """Return lava's Dense or Sparse, with or without delays, or the reference's step."""
        listed = node.kind in ("Sparse", "BlockDense")
        weights = self.plan.holder(node).matrix
        weights = weights.T if node.kind == "Transpose" else weights
        common = {
            "weight_exp": node.exponent,
            "num_message_bits": 0 if self.plan.arrives_binary(node.path, "s") else GRADED_BITS,
            **self._observed(node),
        }
        if node.longest_delay:
            if self.fixed and node.exponent < 0:  # lava shifts what each delay adds, we the sum
                return self._stepped_synapses(node, weights, node.delays)
            kind, delays = (
                (DelaySparse, _listed(node, "delays")) if listed else (DelayDense, node.delays)
            )
            common["delays"] = delays
            common["max_delay"] = node.longest_delay
        else:
            kind = Sparse if listed else Dense
        weights = _listed(node, "weights") if node.kind == "Sparse" else weights
        if node.kind == "BlockDense":
            weights = csr_matrix(weights)
        return self._lavas_synapses(node, kind(weights=_numbers(weights, self.fixed), **common))

    def _lavas_synapses(self, node, part):
        self.outs[node.path] = lambda: part.a_out
        self.ins[f"{node.path}.s"] = part.s_in
        return part

    def _stepped_synapses(self, node, weights, delays):
        part = stepped.Synapses(node, weights=weights, delays=delays, **self._observed(node))
        return self._lavas_synapses(node, part)

    def _conv(self, node):
        """Return lava's Conv, which has channels last and mirrors kernels, within 32 bits."""
        weights, image = node.arrays["weights"], tuple(node.fields["image"])
        sizes = (*weights.shape[2:], *node.fields["stride"], *node.fields["padding"])
        if max(sizes) > SMALL or (self.fixed and self.bounds.sums(node) >= REGISTER):
            one_by_one = np.eye(node.inputs["s"].size, dtype=weights.dtype)
            matrix = ConvProduct(node, weights.dtype)(one_by_one).T
            return self._stepped_synapses(node, matrix, None)
        conv = Conv(
            weight=_numbers(weights[:, :, ::-1, ::-1].transpose(0, 2, 3, 1), self.fixed),
            input_shape=(*image, weights.shape[1]),
            padding=tuple(node.fields["padding"]),
            stride=tuple(node.fields["stride"]),
            num_message_bits=GRADED_BITS,
            name=node.path,
        )
        _give(conv, self._observed(node))
        self.outs[node.path] = lambda: conv.a_out.transpose((2, 0, 1)).flatten()
        self.ins[f"{node.path}.s"] = conv.s_in
        return conv

    def _plastic(self, node):
        ties = [n for n in self.plan.of_kind("Transpose") if self.plan.holder(n) is node]
        ports = (*node.rule.ports, "gate")
        connected = [name for name in ports if self.plan.connected(node.path, name)]
        part = plastic.PlasticDense(
            node,
            ties,
            connected,
            [self._observed(tie) for tie in ties],
            learned=self.buffers.learned[node.path],
            **self._observed(node),
        )
        self._lavas_synapses(node, part)
        self.ins |= {f"{node.path}.{name}": getattr(part, f"{name}_in") for name in connected}
        for k, tie in enumerate(ties):
            self.outs[tie.path] = lambda k=k: getattr(part, f"a_out_{k}")
            self.ins[f"{tie.path}.s"] = getattr(part, f"s_in_{k}")
        return part

    # --- wires -----------------------------------------------------------------------------

    def _connect(self, source, target, delay):
        path, _, name = target.rpartition(".")
        node, start = self.plan.nodes[path], self.ins[target]
        port = node.inputs[name]
        steps = delay - (node.role == "synapses" and not port.learning)
        out, sent = self.outs[source](), self.plan.nodes[source].units
        if steps or sent != port.size:
            label = f"{source}->{target}"
            line = wires.Delay(sent, port.size, steps, self.buffers.control, label)
            self.parts.append(line)
            out.connect(line.s_in)
            out = line.s_out
        if len(start.shape) == 3:  # an image, channels last
            rows, columns, channels = start.shape
            out = out.reshape((channels, rows, columns)).transpose((1, 2, 0))
        out.connect(start)


def _give(part, parameters):
    """Hand `parameters` to the model of a Process that does not take them itself."""
    for name, value in parameters.items():
        part.proc_params.overwrite(name, value)


def _numbers(values, fixed):
    return values.astype(np.int64 if fixed else np.float64)


def _listed(node, name):
    """Return the weights or delays of a Sparse as a sparse matrix, zeros among them kept."""
    shape = (node.units, node.inputs["s"].size)
    values = np.broadcast_to(node.arrays[name], node.arrays["weights"].shape)
    return csr_matrix((values, (node.arrays["post"], node.arrays["pre"])), shape)
