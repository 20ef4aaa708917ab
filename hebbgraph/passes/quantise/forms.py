"""Forms: each process kind in the fixed domain, once its ports have scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.passes.quantise.bounds import Bounds
from hebbgraph.passes.quantise.mantissas import Mantissas
from hebbgraph.passes.quantise.measures import (
    REGISTER,
    bias_exponent,
)
from hebbgraph.passes.quantise.numerics import Numerics
from hebbgraph.passes.quantise.plastic import fixed_rule
from hebbgraph.passes.quantise.scales import Scales
from hebbgraph.processes import (
    LIF,
    Bus,
    Clock,
    Conv2d,
    Dendrite,
    Exponential,
    Graded,
    Input,
    LeakyIntegrator,
    Noise,
    Polynomial,
    Process,
    SigmaDelta,
    Sign,
    Softmax,
    TernaryLIF,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.processes.polynomial import LARGEST

#: Entries of the tables that stand for exponentials, and the value of the first of a softmax.
TABLE, TOP = 256, 255


@dataclass(frozen=True)
class Context:
    """What the forms read beside the process: scales, bounds, widths; and where notes go."""

    graph: Graph
    scales: Scales
    bounds: Bounds
    numerics: Numerics
    notes: list[str]
    #: Fixed units per float unit of every weight, by ``path.weights``.
    weights: dict[str, float] = field(default_factory=dict)

    def note_rounding(self, where: str, wanted: Any, got: Any, scale: float = 1.0) -> None:
        """Note by how much `got` differs from `wanted`, in float units."""
        error = np.abs(np.asarray(wanted) - got)
        if error.max(initial=0) > 0:
            count = int(np.count_nonzero(error))
            largest = error.max() / scale
            text = f"{where}: {count} of {error.size} values rounded, by up to {largest:.2g}"
            self.notes.append(text)


def fixed_form(context: Context, path: str, process: Process) -> Process:
    """Return the process at `path` in the fixed domain; adds notes to the context."""
    if isinstance(process, Transpose):
        return _transpose(context, path, process)
    if isinstance(process, Clock):
        return process
    if process.ROLE == "synapses":
        return _synapses(context, path, process)
    return FORMS[type(process)](context, path, process)


def _input(context: Context, path: str, process: Input) -> Process:
    gain = process.gain * context.scales.scale(f"{path}.out")
    return replace(process, gain=gain if process.signal == "graded" else process.gain)


def _noise(context: Context, path: str, process: Noise) -> Process:
    if process.distribution == "bernoulli":
        return process
    scale = context.scales.scale(f"{path}.out")
    context.notes.append(f"{path}.out: drawn from 256 values, in steps of {1 / scale:.2g}")
    return replace(process, scale=process.scale * scale)


def _lif(context: Context, path: str, process: LIF | TernaryLIF) -> Process:
    scale, numerics = context.scales.scale(f"{path}.a"), context.numerics
    coarse = 2 ** (12 - numerics.decay_bits)
    # The chip's factor on u is (4095 - decay_u) / 4096, on v it is (4096 - decay_v) / 4096.
    decay_u = np.clip(coarse * np.rint(4096 * process.decay_u / coarse) - 1, 0, 4095)
    decay_v = np.clip(coarse * np.rint(4096 * process.decay_v / coarse), 0, 4095)
    context.note_rounding(f"{path}.decay_u", process.decay_u, (decay_u + 1) / 4096)
    # A decay_v of 1 becomes 4095; what that leaves behind is judged by the residue notes.
    held = np.where(process.decay_v == 1, 1, decay_v / 4096)
    context.note_rounding(f"{path}.decay_v", process.decay_v, held)
    wanted = process.bias * scale * REGISTER
    exponent = bias_exponent(wanted, numerics)
    limit = 2 ** (numerics.bias_mantissa_bits - 1) - 1
    bias = np.clip(np.rint(wanted / 2**exponent), -limit, limit)
    context.note_rounding(f"{path}.bias", wanted, bias * 2**exponent, scale * REGISTER)
    most = 2**numerics.threshold_mantissa_bits - 1
    levels = {}
    for name in ("threshold", "lower") if isinstance(process, TernaryLIF) else ("threshold",):
        level = getattr(process, name) * scale
        levels[name] = np.clip(np.rint(level), -most, most)
        context.note_rounding(f"{path}.{name}", level, levels[name], scale)
    return replace(
        process,
        decay_u=decay_u,
        decay_v=decay_v,
        bias=bias,
        bias_exponent=exponent,
        **levels,
    )


def _leaky_integrator(context: Context, path: str, process: LeakyIntegrator) -> Process:
    coarse = 2 ** (12 - context.numerics.decay_bits)
    decay = coarse * np.rint(4096 * process.decay / coarse)
    context.note_rounding(f"{path}.decay", process.decay, decay / 4096)
    _note_range(context, path, f"{path}.out", "x")
    return replace(process, decay=decay)


def _scaled(
    context: Context,
    path: str,
    process: Any,
    port: str,
    rounding: Mapping[str, Callable[[Any], Any]],
) -> dict[str, Any]:
    """Return parameters times the scale of `port`, rounded, and note what was rounded."""
    scale = context.scales.scale(f"{path}.{port}")
    found = {}
    for name, round_ in rounding.items():
        wanted = getattr(process, name)
        finite = np.isfinite(wanted)
        scaled = np.where(finite, wanted, 0) * scale
        rounded = round_(scaled)
        found[name] = np.where(finite, rounded, wanted)
        if round_ is np.rint:  # rounding a level up, for whole numbers that reach it, is exact
            context.note_rounding(f"{path}.{name}", scaled, rounded, scale)
    return found


def _sign(context: Context, path: str, process: Sign) -> Process:
    return replace(process, **_scaled(context, path, process, "a", {"bias": np.rint}))


def _graded(context: Context, path: str, process: Graded) -> Process:
    names = {"bias": np.rint, "low": np.rint, "high": np.rint, "dead_zone": np.ceil}
    _note_range(context, path, f"{path}.out", "out")
    return replace(process, **_scaled(context, path, process, "a", names))


def _sigma_delta(context: Context, path: str, process: SigmaDelta) -> Process:
    names = {"bias": np.rint, "threshold": np.ceil}
    return replace(process, **_scaled(context, path, process, "a", names))


def _winner_take_all(context: Context, path: str, process: WinnerTakeAll) -> Process:
    gain = context.scales.scale(f"{path}.gain") if context.graph.sources(f"{path}.gain") else 1.0
    exponent = -round(math.log2(gain))
    floor = _scaled(context, path, process, "a", {"floor": np.floor})
    return replace(process, **floor, exponent=min(0, exponent))


def _dendrite(context: Context, path: str, process: Dendrite) -> Process:
    return replace(process, **_scaled(context, path, process, "a", {"threshold": np.ceil}))


def _bus(context: Context, path: str, process: Bus) -> Process:
    _note_range(context, path, f"{path}.out", "out", process.bits)
    return process


def _softmax(context: Context, path: str, process: Softmax) -> Process:
    scale = context.scales.scale(f"{path}.x")
    # The table ends where an exponential has fallen below half of its last bit.
    reach = math.log(2 * TOP) / process.beta * scale
    step = max(0, min(23, math.ceil(math.log2(max(reach / TABLE, 1)))))
    distance = np.arange(TABLE) * 2.0**step
    middle = distance + (2**step - 1) / 2
    table = np.rint(TOP * np.exp(-process.beta * middle / scale))
    table[0] = TOP
    text = f"{path}.out: shares from a table of {TABLE} exponentials, rounded down to"
    context.notes.append(f"{text} {process.bits} bits")
    return replace(process, table=table, step=step)


def _exponential(context: Context, path: str, process: Exponential) -> Process:
    into, out = context.scales.scale(f"{path}.a"), context.scales.scale(f"{path}.out")
    reach = context.bounds.arriving(f"{path}.a")
    if not np.isfinite(reach) or reach == 0:
        reach = 8.0 / max(abs(process.scale), 1e-12)
        text = f"{path}.a: no bound is known, so the table covers +-{reach:.3g}"
        context.notes.append(f"{text}; calibrate on data")
    low, high = math.floor(-reach * into), math.ceil(reach * into)
    step = max(0, min(23, math.ceil(math.log2(max((high - low + 1) / TABLE, 1)))))
    origin = low
    x = origin + np.arange(TABLE) * 2.0**step + (2**step - 1) / 2
    table = np.clip(np.rint(out * np.exp(process.scale * x / into)), 0, 2**23 - 1)
    text = f"{path}.out: exponential from a table of {TABLE} values, in steps of {1 / out:.2g}"
    context.notes.append(text)
    return replace(process, scale=1.0, table=table, origin=origin, step=step)


def _polynomial(context: Context, path: str, process: Polynomial) -> Process:
    """c_k becomes c_k G / into**k, G the scale of the output times a common divisor."""
    into, out = context.scales.scale(f"{path}.a"), context.scales.scale(f"{path}.out")
    limit = process.limit * into
    if process.limit == 1:  # not given
        reach = context.bounds.arriving(f"{path}.a")
        limit = reach * into if np.isfinite(reach) and reach > 0 else 2.0**10
    limit = max(1, math.ceil(limit))
    powers = into ** np.arange(len(process.coefficients), dtype=float)
    wanted = process.coefficients * out / powers / process.divisor
    coefficients, divisor = _integers(wanted, process, out / powers, limit)
    context.note_rounding(f"{path}.coefficients", wanted, coefficients / divisor)
    _note_range(context, path, f"{path}.out", "out", process.bits)
    zone = _scaled(context, path, process, "a", {"dead_zone": np.ceil})
    return replace(process, coefficients=coefficients, divisor=divisor, limit=limit, **zone)


def _integers(
    wanted: NDArray[Any], process: Polynomial, factors: NDArray[Any], limit: int
) -> tuple[NDArray[Any], int]:
    """Return integers and a divisor whose quotients are `wanted`, as exactly as 52 bits allow."""
    divisor = float(process.divisor)
    given = process.coefficients * factors
    if divisor.is_integer() and (given == np.rint(given)).all():
        return given, int(divisor)
    room = LARGEST / 4 / max(np.abs(wanted) @ float(limit) ** np.arange(len(wanted)), 1e-300)
    power = int(np.clip(math.floor(math.log2(max(room, 1))), 0, 40))
    whole = (p for p in range(power) if (wanted * 2.0**p == np.rint(wanted * 2.0**p)).all())
    power = next(whole, power)
    return np.rint(wanted * 2.0**power), 2**power


def _synapses(context: Context, path: str, process: Any) -> Process:
    factor = context.scales.scale(f"{path}.a") / context.scales.scale(f"{path}.s")
    held = Mantissas(path, process, context.numerics, context.bounds)
    exponent = held.exponent(factor)
    mantissas = held.rounded(factor, exponent)
    scale = context.weights[f"{path}.weights"] = factor / 2.0**exponent
    context.note_rounding(f"{path}.weights", process.weights, mantissas / scale)
    if exponent < 0:
        text = f"{path}.a: sums are rounded down to multiples of"
        context.notes.append(f"{text} {1 / context.scales.scale(f'{path}.a'):.2g}")
    changes: dict[str, Any] = {"weights": mantissas}
    if not isinstance(process, Conv2d):
        changes["exponent"] = exponent
    if held.plastic:
        rule, notes = fixed_rule(context, path, process.rule, scale)
        changes["rule"] = rule
        changes["weights"] = np.clip(changes["weights"], rule.low, rule.high).astype(np.int64)
        context.notes.extend(notes)
    return replace(process, **changes)


def _transpose(context: Context, path: str, process: Transpose) -> Process:
    dense, scales = context.graph.flat_processes[process.of], context.scales
    held = Mantissas(process.of, dense, context.numerics, context.bounds)
    weight = scales.scale(f"{process.of}.a") / scales.scale(f"{process.of}.s")
    weight /= 2.0 ** held.exponent(weight)
    exponent = math.log2(scales.scale(f"{path}.a") / scales.scale(f"{path}.s") / weight)
    low, high = context.numerics.min_weight_exponent, context.numerics.max_weight_exponent
    if exponent != round(exponent) or not low <= exponent <= high:
        text = f"{path}.a: its scale is that of {process.of} only up to a factor"
        kept = int(np.clip(round(exponent), low, high))
        context.notes.append(f"{text} of {2 ** (exponent - kept):.3g}")
    return replace(process, exponent=int(np.clip(round(exponent), low, high)))


def _note_range(context: Context, path: str, port: str, what: str, bits: int = 24) -> None:
    """Say where values may exceed their bits, and saturate."""
    largest = context.bounds.emitted(path) * context.scales.scale(port)
    if largest > 2 ** (bits - 1) - 1:
        shown = "without a bound" if np.isinf(largest) else f"up to {largest:.3g}"
        text = f"{path}.{what}: may grow ({shown}) past {bits} bits and saturate"
        context.notes.append(f"{text}, worst case; calibrate on data to know")


FORMS: dict[type[Process], Callable[[Context, str, Any], Process]] = {
    Input: _input,
    Noise: _noise,
    LIF: _lif,
    TernaryLIF: _lif,
    Sign: _sign,
    LeakyIntegrator: _leaky_integrator,
    SigmaDelta: _sigma_delta,
    Graded: _graded,
    Polynomial: _polynomial,
    Exponential: _exponential,
    Bus: _bus,
    WinnerTakeAll: _winner_take_all,
    Softmax: _softmax,
    Dendrite: _dendrite,
}
