"""from_nodes: one NIR node as processes, kind by kind.

A neuron of NIR is taken by forward Euler, current before voltage (see `to_nodes`)::

    decay_u = dt / tau_syn,  decay_v = dt / tau_mem,  bias = decay_v v_leak / g
    threshold = v_threshold / g,  g = w_in dt / tau_syn * R dt / tau_mem

where voltages are divided by the gain g of the input, so that the weights stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hebbgraph.nir.convolve import spread
from hebbgraph.nir.fidelity import Grade
from hebbgraph.nir.numbers import Floats, close_to_one, floats, is_identity, ratio, steps_of
from hebbgraph.processes import LIF, Dense, Graded, Input, LeakyIntegrator, Process, Sparse

#: A process and what is appended to the name of its node; the main process has "".
Named = tuple[str, Process]


@dataclass(frozen=True)
class Place:
    """Where a node stands."""

    #: The step in seconds.
    dt: float
    #: Shapes of what it hears and of what leaves it; empty where unknown.
    heard: tuple[int, ...]
    shape: tuple[int, ...]
    #: Factor on the data of an Input.
    gain: Any = 1.0

    @property
    def size(self) -> int:
        """Return the number of units."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Read:
    """Processes in place of one node: one after the other, joined by same-step wires."""

    chain: tuple[Named, ...]
    #: Processes that feed the last of the chain beside the one before it.
    beside: tuple[Named, ...] = field(default=())
    grade: Grade = "faithful"
    remark: str = ""
    remedy: str = ""


def none(remark: str, remedy: str) -> Read:
    """Return that there are no processes for a node, and why."""
    return Read((), (), "unsupported", remark, remedy)


def input_(_node: Any, place: Place) -> Read:
    """Return Input."""
    return Read((("", Input(place.size, gain=floats(place.gain, place.size))),))


def linear(node: Any, _place: Place) -> Read:
    """Return Dense, and Graded for the bias of Affine."""
    weights = np.asarray(node.weight, np.float64)
    if weights.ndim != 2:
        return none(f"its weights have {weights.ndim} dimensions", "use a matrix")
    if is_identity(weights):
        unit = Graded(len(weights), bias=floats(node.bias, len(weights)))
        return Read((("", unit),), remark="as units: its weights are the identity")
    return Read((("", Dense(weights)), *_bias(getattr(node, "bias", 0), len(weights))))


def convolution(node: Any, place: Place) -> Read:
    """Return Conv2d or Sparse, and Graded for the bias of every channel."""
    kernel = spread(node, place.heard)
    if kernel is None:
        return none("the shape of what it hears is not known", "set its input_shape")
    process = kernel.process()
    channels = len(kernel.weights)
    bias = floats(getattr(node, "bias", 0), channels)
    remark = "" if type(process).__name__ == "Conv2d" else "as a list of synapses"
    each = np.repeat(bias, process.output.size // channels)
    return Read((("", process), *_bias(each, process.output.size)), remark=remark)


def scale(node: Any, place: Place) -> Read:
    """Return one synapse per unit."""
    return Read((("", _each(floats(node.scale, place.size))),), remark="one synapse per unit")


def delay(node: Any, place: Place) -> Read:
    """Return one synapse per unit, with its own delay."""
    steps, whole = steps_of(node.delay, place.dt)
    steps = np.broadcast_to(steps.ravel(), place.size)
    own = steps - steps.min()
    if own.max() > 61 or steps.min() < 0:
        span = f"its delays range from {steps.min()} to {steps.max()} steps, and 61 apart is most"
        return none(span, "use a larger dt")
    read = Read((("", _each(np.ones(place.size), own)),), remark="one synapse per unit")
    return read if whole else rounded(read)


def rounded(read: Read) -> Read:
    """Return `read` with a word about delays that are no whole steps."""
    remark = "its delays are rounded to whole steps"
    return Read(read.chain, read.beside, "approximate", remark, "choose a dt that divides them")


def lif(node: Any, place: Place) -> Read:
    """Return LIF for LIF, CubaLIF and IF."""
    size, kind = place.size, type(node).__name__
    current, voltage, gain = _step(node, place)
    fault = _overshoot(node, place, current, voltage)
    if fault:
        return fault
    reset = floats(node.v_reset, size)
    leak = floats(node.v_leak, size) if kind != "IF" else reset
    front: tuple[Named, ...] = ()
    if (gain <= 0).any():
        front, gain = (("gain", _each(gain)),), np.ones(size)
    bias = voltage * (leak - reset) / gain
    threshold = (floats(node.v_threshold, size) - reset) / gain
    chain = (*front, ("", LIF(size, current, voltage, bias, threshold)))
    remark = "" if (gain == 1).all() else f"voltages in units of {_span(gain)}, its input's gain"
    if not reset.any():
        return Read(chain, remark=remark)
    begins = "voltages are relative to v_reset, where they begin and not at 0"
    return Read(chain, (), "approximate", begins, "use v_reset=0")


def li(node: Any, place: Place) -> Read:
    """Return LeakyIntegrator for LI, CubaLI and I: two for CubaLI, with what its bias takes."""
    size, kind = place.size, type(node).__name__
    current, voltage, gain = _step(node, place)
    fault = _overshoot(node, place, current, voltage)
    if fault:
        return fault
    leak = voltage * floats(node.v_leak, size) if kind != "I" else np.zeros(size)
    chain: list[Named] = [] if (gain == 1).all() else [("gain", _each(gain))]
    if kind == "CubaLI":
        chain.append(("current", LeakyIntegrator(size, current)))
    chain.append(("", LeakyIntegrator(size, voltage)))
    beside = (("leak", Graded(size, bias=leak)),) if leak.any() else ()
    return Read(tuple(chain), beside)


def threshold(node: Any, place: Place) -> Read:
    """Return LIF without memory: a spike where what arrives exceeds the threshold."""
    return Read((("", LIF(place.size, threshold=floats(node.threshold, place.size))),))


def _step(node: Any, place: Place) -> tuple[Floats, Floats, Floats]:
    """Return decay_u, decay_v and the gain of the input."""
    size, dt, kind = place.size, place.dt, type(node).__name__
    resistance = floats(node.r, size)
    current, gain = np.ones(size), np.ones(size)
    if kind.startswith("Cuba"):
        current = ratio(dt, node.tau_syn, size)
        gain = floats(node.w_in, size) * current
    if kind in ("I", "IF"):
        return current, np.zeros(size), close_to_one(resistance * dt)
    voltage = ratio(dt, node.tau_mem if kind.startswith("Cuba") else node.tau, size)
    return current, voltage, close_to_one(gain * resistance * voltage)


def _overshoot(node: Any, place: Place, current: Floats, voltage: Floats) -> Read | None:
    """Return that a step is too long for a time constant, if one is."""
    decays = np.concatenate([current, voltage])
    if ((decays >= 0) & (decays <= 1)).all():
        return None
    names = ("tau_syn", "tau_mem", "tau")
    constants = [np.min(getattr(node, name)) for name in names if hasattr(node, name)]
    least = float(min(constants))
    remark = f"a step of {place.dt:g} s overshoots its time constant of {least:g} s"
    remedy = f"use dt={least:g} or less" if least > 0 else "use time constants above 0"
    return none(remark, remedy)


def _bias(bias: Any, size: int) -> tuple[Named, ...]:
    values = floats(bias, size)
    return (("bias", Graded(size, bias=values)),) if values.any() else ()


def _each(weights: Floats, delays: Any = 0) -> Sparse:
    """Return one synapse per unit."""
    units = np.arange(len(weights))
    return Sparse(len(units), len(units), units, units, weights, delays=delays)


def _span(values: Sequence[float] | Floats) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


#: How each kind becomes processes; what is not here cannot be read.
PROCESSES: dict[str, Callable[[Any, Place], Read]] = {
    "Input": input_,
    **dict.fromkeys(("Linear", "Affine"), linear),
    **dict.fromkeys(("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"), convolution),
    "Scale": scale,
    "Delay": delay,
    **dict.fromkeys(("LIF", "CubaLIF", "IF"), lif),
    **dict.fromkeys(("LI", "CubaLI", "I"), li),
    "Threshold": threshold,
}
#: Linear kinds without a state: a delay before them is as good as one behind them.
STATELESS = ("Linear", "Affine", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Scale")
