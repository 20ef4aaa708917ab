"""Measures: what has to fit, and to be whole, when a port gets its scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.passes.quantise.bounds import Bounds
from hebbgraph.passes.quantise.mantissas import Mantissas
from hebbgraph.passes.quantise.numerics import Numerics
from hebbgraph.passes.quantise.plastic import coefficients
from hebbgraph.processes import (
    LIF,
    Dendrite,
    Dense,
    Exponential,
    Graded,
    Input,
    LeakyIntegrator,
    Noise,
    Polynomial,
    Process,
    SigmaDelta,
    Sign,
    TernaryLIF,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.rules import Rule
from hebbgraph.rules.rule import POST, PRE

#: A current of 1 at a LIF's port is 64 in its registers u and v (Loihi shifts by 6).
REGISTER = 64
#: Largest payload, bias and state of units with 24 bits.
BITS24 = 2**23 - 1
#: Levels between 0 and a threshold (or the largest value) that are fine enough: rounding then is
#: below that of weights of 8 bits, and currents of 32 thresholds do not wrap.
FINE = 2.0**12
#: Largest gain that, times 64, fits in 24 bits.
GAIN = 2**17 - 1
#: Largest gain of a group of winners.
WINNERS_GAIN = 2**16

ScaleOf = Callable[[str], float]


@dataclass(frozen=True)
class Measure:
    """One thing that is measured in the scale g of `port`."""

    port: str
    #: The largest g at which it fits.
    limit: Callable[[ScaleOf], float]
    #: Whether it is a whole number at g; None where that is not asked for.
    is_exact: Callable[[float, ScaleOf], bool] | None = None
    #: The largest g at which it fits without any of the means that cost precision.
    exact_limit: Callable[[ScaleOf], float] = lambda _scale: math.inf
    #: The g at which weights use all their bits, or half of it, and so on; none for others.
    full: Callable[[ScaleOf], float] | None = None
    #: The g below which weights cannot use all their bits, whatever the power of two on sums.
    least: Callable[[ScaleOf], float] = lambda _scale: 0.0
    #: The g from which on rounding in each step no longer matters; 0 where nothing is rounded.
    fine: float = 0.0


def measures(path: str, process: Process, numerics: Numerics, bounds: Bounds) -> Iterator[Measure]:
    """Yield everything about the process at `path` that is measured in the scale of a port."""
    if isinstance(process, Transpose):
        dense = bounds.graph.flat_processes[process.of]
        yield _transpose(path, process, dense, numerics, bounds)
        yield from _carried(path, process, dense, numerics, bounds)
    elif process.ROLE == "synapses":
        yield _synapses(path, process, numerics, bounds)
        if isinstance(process, Dense) and process.rule is not None and process.rule.momentum:
            yield from _signals(path, process.rule, bounds)
    elif isinstance(process, LIF | TernaryLIF):
        yield _lif(path, process, numerics)
        yield _register(path, process, numerics, bounds)
    elif isinstance(process, Input):
        if process.signal == "graded":
            yield _parameter(f"{path}.out", process.gain, GAIN)
            if path in bounds.sample:
                yield _sample(f"{path}.out", bounds.sample[path])
    elif isinstance(process, Noise):
        yield Measure(f"{path}.out", lambda _: 2.0**19 / magnitude(process.scale))
    elif process.ROLE == "units":
        yield from _units(path, process, bounds)


def _units(path: str, process: Process, bounds: Bounds) -> Iterator[Measure]:
    port = f"{path}.{next(iter(process.inputs))}"
    most = {Sign: BITS24, Graded: BITS24, SigmaDelta: 2**15 - 1}.get(type(process), 2**31)
    names = {
        Sign: ("bias",),
        Graded: ("bias", "low", "high", "dead_zone"),
        SigmaDelta: ("bias", "threshold"),
        WinnerTakeAll: ("floor",),
        Dendrite: ("threshold",),
        Polynomial: ("dead_zone",),
    }.get(type(process), ())
    for name in names:
        values = getattr(process, name)
        finite = values[np.isfinite(values)]
        if finite.any():
            yield _parameter(port, finite, 2**31 if name in ("low", "high") else most)
    largest = bounds.emitted(path) if process.output.signal == "graded" else 0.0
    if 0 < largest < np.inf:
        yield Measure(f"{path}.out", lambda _: BITS24 / largest)
    if isinstance(process, LeakyIntegrator | SigmaDelta | WinnerTakeAll | Sign):
        arriving = bounds.arriving(port)
        if 0 < arriving < np.inf:
            leaky = isinstance(process, LeakyIntegrator) and bool((process.decay % 1 > 0).any())
            fine = FINE / arriving if leaky else 0.0
            yield Measure(port, lambda _: BITS24 / arriving, fine=fine)
    if isinstance(process, WinnerTakeAll):
        gain = bounds.arriving(f"{path}.gain")
        if 0 < gain < np.inf:
            yield Measure(f"{path}.gain", lambda _: WINNERS_GAIN / gain)
    if isinstance(process, Polynomial):
        yield Measure(f"{path}.out", lambda _: math.inf, _polynomial_exact(path, process))
    if isinstance(process, Exponential):
        known = 0 < largest < np.inf
        yield Measure(
            f"{path}.out",
            lambda _: math.inf,
            lambda _g, _s: False,
            fine=FINE / largest if known else 1,
        )


def _polynomial_exact(path: str, process: Polynomial) -> Callable[[float, ScaleOf], bool]:
    def is_exact(g: float, scale: ScaleOf) -> bool:
        into = scale(f"{path}.a") ** np.arange(len(process.coefficients), dtype=float)
        return is_whole(process.coefficients * g / into) and float(process.divisor).is_integer()

    return is_exact


def _parameter(port: str, values: NDArray[Any], most: float) -> Measure:
    return Measure(
        port,
        limit=lambda _: most / magnitude(values),
        exact_limit=lambda _: most / magnitude(values),
        is_exact=lambda g, _: is_whole(values * g),
    )


def _sample(port: str, values: NDArray[Any]) -> Measure:
    """Return what data ask for: whole numbers as they are, others finely enough."""
    largest = magnitude(values)
    whole = any(is_whole(values * 2.0**power) for power in (0, 1, 2, 3, 4))
    return Measure(
        port,
        limit=lambda _: BITS24 / largest,
        exact_limit=lambda _: BITS24 / largest,
        is_exact=lambda g, _: is_whole(values * g),
        fine=0.0 if whole else FINE / largest,
    )


def _lif(path: str, process: LIF | TernaryLIF, numerics: Numerics) -> Measure:
    levels = [process.threshold, *([process.lower] if isinstance(process, TernaryLIF) else [])]
    mantissa = 2 ** (numerics.bias_mantissa_bits - 1) - 1
    largest_bias = mantissa * 2**numerics.max_bias_exponent / REGISTER
    limit = min(
        largest_bias / magnitude(process.bias),
        (2**numerics.threshold_mantissa_bits - 1) / max(map(magnitude, levels)),
    )

    def is_exact(g: float, _: ScaleOf) -> bool:
        bias = process.bias * g * REGISTER
        grain = 2 ** bias_exponent(bias, numerics)
        return all(is_whole(level * g) for level in levels) and is_whole(bias / grain)

    leaky = bool((process.decay_u < 1).any() or (process.decay_v < 1).any())
    sizes = np.abs(np.concatenate(levels))
    least = float(sizes[sizes > 0].min(initial=np.inf))
    fine = FINE / least if leaky and np.isfinite(least) else 0.0
    return Measure(f"{path}.a", lambda _: limit, is_exact, lambda _: limit, fine=fine)


def _register(path: str, process: LIF | TernaryLIF, numerics: Numerics, bounds: Bounds) -> Measure:
    """Return the scale at which u, which wraps, cannot need more than its bits."""
    if path in bounds.currents:
        largest = bounds.currents[path]
    else:
        largest = bounds.arriving(f"{path}.a") / float(np.clip(process.decay_u, 1 / 4096, 1).min())
    most = 2 ** (numerics.state_bits - 1)
    known = 0 < largest < np.inf
    return Measure(f"{path}.a", lambda _: most / (REGISTER * largest) if known else math.inf)


def _synapses(path: str, process: Process, numerics: Numerics, bounds: Bounds) -> Measure:
    """Return what the weights of synapses ask of the scale of their output."""
    held = Mantissas(path, process, numerics, bounds)
    largest = max(held.largest, 1e-300)

    def full(scale: ScaleOf) -> float:
        return scale(f"{path}.s") * held.most / largest

    def limit(scale: ScaleOf) -> float:
        return full(scale) * 2.0 ** held.exponents[1]

    def is_exact(g: float, scale: ScaleOf) -> bool:
        factor = g / scale(f"{path}.s")
        if held.plastic and not _is_whole_rule(process, path, factor, scale):
            return False
        exponent = held.exponent(factor)
        return exponent >= 0 and held.is_exact(factor, exponent)

    def least(scale: ScaleOf) -> float:
        graded = any(bounds.graph.port(c.source).signal == "graded" for c in sources)
        return full(scale) * 2.0 ** held.exponents[0] if graded else 0.0

    sources = bounds.graph.sources(f"{path}.s")
    if not held.largest:
        return Measure(f"{path}.a", limit, is_exact, limit)
    return Measure(f"{path}.a", limit, is_exact, limit, full, least)


def _transpose(
    path: str, process: Transpose, dense: Process, numerics: Numerics, bounds: Bounds
) -> Measure:
    """Return what weights that are shared ask: a scale that theirs reaches by a power of two."""
    held = Mantissas(process.of, dense, numerics, bounds)

    def one(scale: ScaleOf) -> float:
        """Return the scale of the output at an exponent of 0."""
        factor = scale(f"{process.of}.a") / scale(f"{process.of}.s")
        return scale(f"{path}.s") * factor / 2.0 ** held.exponent(factor)

    def limit(scale: ScaleOf) -> float:
        return one(scale) * 2.0 ** held.exponents[1]

    def is_exact(g: float, scale: ScaleOf) -> bool:
        power = math.log2(g / one(scale))
        return power.is_integer() and held.exponents[0] <= power <= held.exponents[1]

    # Exact as its scale is, sums may be rounded down to it.
    fine = 0.0 if is_whole(held.weights) else FINE / held.largest
    return Measure(f"{path}.a", limit, is_exact, limit, fine=fine)


def _carried(
    path: str, process: Transpose, dense: Process, numerics: Numerics, bounds: Bounds
) -> Iterator[Measure]:
    """Yield what shared weights ask of the scale of graded values that they carry back.

    It is no finer than what leaves them can follow with the smallest power of two on sums.
    """
    sources = bounds.graph.sources(f"{path}.s")
    if all(bounds.graph.port(connection.source).signal != "graded" for connection in sources):
        return
    held = Mantissas(process.of, dense, numerics, bounds)

    def limit(scale: ScaleOf) -> float:
        factor = scale(f"{process.of}.a") / scale(f"{process.of}.s")
        weight = factor / 2.0 ** held.exponent(factor)
        return scale(f"{path}.a") / weight / 2.0 ** held.exponents[0]

    arriving = bounds.arriving(f"{path}.s")
    fine = FINE / arriving if 0 < arriving < np.inf and not is_whole(held.weights) else 0.0
    yield Measure(f"{path}.s", limit, exact_limit=limit, fine=fine)


def _signals(path: str, rule: Rule, bounds: Bounds) -> Iterator[Measure]:
    """Yield the scales at which signals that a rule reads fit its bits."""
    used = {symbol for term in (*rule.terms, *rule.products.values()) for symbol, _ in term.powers}
    most = 2 ** (rule.signal_bits - 1) - 1
    for name in used & {PRE, *rule.ports}:
        target = f"{path}.{'s' if name == PRE else name}"
        for connection in bounds.graph.sources(target):
            largest = bounds.emitted(connection.source.rpartition(".")[0])
            if bounds.graph.port(connection.source).signal == "graded" and 0 < largest < np.inf:
                bound = _at_most(most / largest)
                yield Measure(connection.source, bound, exact_limit=bound)


def _at_most(limit: float) -> Callable[[ScaleOf], float]:
    return lambda _scale: limit


def _is_whole_rule(process: Any, path: str, weight: float, scale: ScaleOf) -> bool:
    """Return whether a rule changes weights of `weight` units by whole numbers, traces apart."""
    rule: Rule = process.rule
    units = {PRE: scale(f"{path}.s"), POST: 1.0}
    changes = coefficients(rule, units | dict.fromkeys((*rule.factors, *rule.traces), 1.0), weight)
    bounds = [b * weight for b in (rule.low, rule.high) if np.isfinite(b)]
    return is_whole(np.array([*changes, *bounds])) and not rule.traces and not rule.momentum


def bias_exponent(bias: NDArray[Any], numerics: Numerics) -> int:
    """Return the smallest power of two with which the largest bias fits its mantissa."""
    largest = np.abs(np.rint(bias)).max() / (2 ** (numerics.bias_mantissa_bits - 1) - 1)
    return max(0, min(numerics.max_bias_exponent, math.ceil(math.log2(max(largest, 1)))))


def is_whole(values: NDArray[Any]) -> bool:
    """Return whether all values are whole numbers."""
    return bool((values == np.rint(values)).all())


def magnitude(values: Any) -> float:
    """Return the largest magnitude; tiny instead of 0, which no scale can make too large."""
    return max(float(np.abs(np.asarray(values)).max(initial=0)), 1e-300)
