"""laws: the reference's steps with one law of them altered.

An altered step is the reference's own code in which one function is replaced: `replaced` makes a
private copy of the modules of `hebbgraph.backends.reference` and puts another function in the
place of one name. Nothing of the reference itself is changed.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from hebbgraph.backends.reference import learning
from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.backends.reference.loihi import B, saturate_v, towards_zero, wrap32
from hebbgraph.backends.reference.steps import STEPS, graded, groups, spiking, synapses
from hebbgraph.backends.reference.steps.common import Array, State, Step

StepTable = Mapping[tuple[str, str], Step]
#: The modules that hold the steps, each with the name of its table.
MODULES = ((spiking, "SPIKING"), (graded, "GRADED"), (groups, "GROUPS"), (synapses, "SYNAPSES"))
#: No bound: what `fixed` never reaches.
FAR = 2**62


def replaced(**functions: Any) -> dict[tuple[str, str], Step]:
    """Return the steps of those modules that use one of `functions`, replaced by these.

    Raises KeyError for a name that no module has.
    """
    found: dict[tuple[str, str], Step] = {}
    for module, table in MODULES:
        if set(functions) & set(vars(module)):
            found.update(vars(_copy(module, tuple(functions.items())))[table])
    unknown = [name for name in functions if not any(name in vars(m) for m, _ in MODULES)]
    if unknown:
        raise KeyError(f"no step uses {', '.join(unknown)}")
    return found


def replaced_learning(**functions: Any) -> type[Plastic]:
    """Return the reference's `Plastic` with `functions` of its module replaced."""
    kind: type[Plastic] = vars(_copy(learning, tuple(functions.items())))["Plastic"]
    return kind


@functools.lru_cache(maxsize=256)
def _copy(module: ModuleType, functions: tuple[tuple[str, Any], ...]) -> ModuleType:
    """Return a copy of `module` with other functions in the place of its own."""
    spec = module.__spec__
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    for name, function in functions:
        if name in vars(module):
            setattr(copy, name, function)
    return copy


# --- spikes and resets -------------------------------------------------------------------------

#: What v becomes: (v before, v at rest where s or refractory, level, s).
Reset = Callable[[Array, Array, Array, Array], Array]


def to_zero(_v: Array, at_rest: Array, _level: Array, _s: Array) -> Array:
    """Reset as the law says."""
    return at_rest


def by_subtraction(v: Array, at_rest: Array, level: Array, s: Array) -> Array:
    """Take the threshold from v instead of setting it to 0."""
    return np.where(s != 0, v - level, at_rest)


def no_reset(v: Array, at_rest: Array, _level: Array, s: Array) -> Array:
    """Leave v as it is."""
    return np.where(s != 0, v, at_rest)


def fire(
    exceeds: Callable[[Array, Array], Array] = np.greater,
    reset: Reset = to_zero,
    *,
    resets_u: bool = False,
    late: bool = False,
    voltage: Callable[[Any, State, Array], Array] | None = None,
) -> Callable[..., Array]:
    """Return `_fire` of the reference's LIF with one of its parts altered.

    `late` resets v one step after the spike; `voltage` gives another v to compare and to keep.
    """

    def altered(
        process: Any, state: State, arriving: dict[str, Array], u: Array, v: Array, level: Array
    ) -> Array:
        if voltage is not None:
            v = voltage(process, state, u)
        ready = state["r"] == 0 if process.refractory else np.True_
        s = ready & exceeds(v + arriving["n"], level)
        on = arriving["on"] != 0
        if process.refractory:
            r = np.where(s, process.refractory, np.maximum(state["r"] - 1, 0))
            state["r"] = np.where(on, r, state["r"])
        kept = reset(v, np.where(s | ~np.asarray(ready), 0, v), level, s)
        if late:
            kept = np.where(state.get("fired", np.False_), 0, v)
            state["fired"] = s
        state["u"] = np.where(on, np.where(s, 0, u) if resets_u else u, state["u"])
        state["v"] = np.where(on, kept, state["v"])
        if process.when_off == "hold":
            state["s"] = np.where(on, s, state["s"])
            return state["s"] != 0
        return s & on

    return altered


def fire_ternary(
    above: Callable[[Array, Array], Array] = np.greater,
    below: Callable[[Array, Array], Array] = np.less,
    reset: Reset = to_zero,
    *,
    resets_u: bool = False,
) -> Callable[..., Array]:
    """Return `_fire_ternary` of the reference with one of its parts altered."""

    def altered(
        state: State, arriving: dict[str, Array], u: Array, v: Array, upper: Array, lower: Array
    ) -> Array:
        field = v + arriving["n"]
        s = above(field, upper).astype(v.dtype) - below(field, lower)
        level = np.where(s > 0, upper, lower)
        state["u"] = np.where(s != 0, 0, u) if resets_u else u
        state["v"] = reset(v, np.where(s != 0, 0, v), level, s)
        return s

    return altered


def firing(**parts: Any) -> dict[tuple[str, str], Step]:
    """Return LIF and TernaryLIF with `fire` and `fire_ternary` altered alike."""
    return replaced(_fire=fire(**parts), _fire_ternary=fire_ternary(**parts))


def shown_before_reset() -> dict[tuple[str, str], Step]:
    """Return LIF whose v is recorded as it was before the reset, which comes a moment later."""
    steps = replaced(_fire=fire(reset=no_reset))

    def altered(step: Step) -> Step:
        def taken(process: Any, state: State, arriving: dict[str, Array]) -> Array:
            state["v"] = np.where(state.get("fired", np.False_), 0, state["v"])
            s = step(process, state, arriving)
            state["fired"] = s != 0
            return s

        return taken

    return {key: altered(step) for key, step in steps.items() if key[0] == "LIF"}


def old_current(process: Any, state: State, _u: Array) -> Array:
    """Return v that integrates u of the step before."""
    return _integrate(process, state["v"], state["u"])


def _integrate(process: Any, v: Array, u: Array) -> Array:
    if v.dtype.kind == "f":
        return v * (1 - process.decay_v) + u + process.bias
    bias = process.bias << process.bias_exponent
    return saturate_v(wrap32(towards_zero(v * (4096 - process.decay_v)) + u + bias))


def compares_first() -> dict[tuple[str, str], Step]:
    """Return LIF that compares v with the threshold before it integrates this step's input."""

    def altered(
        process: Any, state: State, arriving: dict[str, Array], u: Array, v: Array, level: Array
    ) -> Array:
        s = state["v"] + arriving["n"] > level
        after = np.where(s, v - state["v"] * (1 - process.decay_v), v)
        if v.dtype.kind == "i":
            after = np.where(s, _integrate(process, np.zeros_like(v), u), v)
        on = arriving["on"] != 0
        state["u"] = np.where(on, u, state["u"])
        state["v"] = np.where(on, after, state["v"])
        return s & on

    return {k: step for k, step in replaced(_fire=altered).items() if k[0] == "LIF"}


# --- arithmetic --------------------------------------------------------------------------------


def rounded_down(x: Array) -> Array:
    """Return floor(x / 4096)."""
    return x >> 12


def rounded_to_nearest(x: Array) -> Array:
    """Return x / 4096 to the nearest integer, halves up."""
    return (x + 2048) >> 12


def rounded_away(x: Array) -> Array:
    """Return x / 4096 rounded away from zero."""
    return np.sign(x) * ((np.abs(x) + 4095) >> 12)


def shift_to_nearest(x: Array, exponent: int) -> Array:
    """Return 2**exponent x to the nearest integer, halves up."""
    return x << exponent if exponent >= 0 else (x + (1 << (-exponent - 1))) >> -exponent


def shift_towards_zero(x: Array, exponent: int) -> Array:
    """Return 2**exponent x without its fraction."""
    return x << exponent if exponent >= 0 else np.sign(x) * (np.abs(x) >> -exponent)


def unbounded(x: Array, *_bits: int) -> Array:
    """Return x as it is: nothing saturates, nothing wraps."""
    return x


def clipped_at(bits: int) -> Callable[..., Array]:
    """Return what clips where the law wraps, to the two's complement of `bits`."""
    return lambda x: np.clip(x, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def wrapped_v(x: Array) -> Array:
    """Return x as a 24-bit register holds it that wraps where the law saturates."""
    return (x + B) % (2 * B) - B


def wrapped(x: Array, bits: int) -> Array:
    """Return x as a register of `bits` holds it that wraps where the law saturates."""
    half = 2 ** (bits - 1)
    return (x + half) % (2 * half) - half


def lowest_kept(x: Array, bits: int = 24) -> Array:
    """Return x clipped to the two's complement, which has one value more below 0."""
    return np.clip(x, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def integer_division(process: Any, _state: State, arriving: dict[str, Array]) -> Array:
    """Take a `Polynomial` step whose quotient is rounded towards zero instead of down."""
    x = np.clip(arriving["a"], -process.limit, process.limit)
    x = np.maximum(x, 0) if process.rectified else x
    total = np.zeros_like(x)
    for coefficient in process.coefficients[::-1]:
        total = total * x + coefficient
    quotient = np.sign(total) * (np.abs(total) // process.divisor)
    limit = 2 ** (process.bits - 1) - 1
    y = np.where(np.abs(x) >= process.dead_zone, np.clip(quotient, -limit, limit), 0)
    return np.where(arriving["on"] != 0, y, 0)


# --- ties --------------------------------------------------------------------------------------


def winners_from_the_end(process: Any, score: Array, on: Array, least: float) -> Array:
    """Return the winners of `WinnerTakeAll` where among equals the higher index comes first."""
    on = np.broadcast_to(on != 0, score.shape)
    shape = (len(score), process.groups, -1)
    backwards = (slice(None), slice(None), slice(None, None, -1))
    ranked = np.where(on, score, least).reshape(shape)[backwards]
    order = np.lexsort((-ranked, ~on.reshape(shape)[backwards]), axis=-1)
    rank = np.argsort(order, axis=-1)[backwards].reshape(score.shape)
    return on & (rank < process.k) & (score > process.floor)


def decided_as(sign: int) -> Callable[..., Array]:
    """Return `_decide` of the reference's `Sign` where a field of 0 decides for `sign`."""

    def altered(process: Any, state: State, arriving: dict[str, Array], h: Array) -> Array:
        sigma = state["sigma"]
        field = np.sign(h + process.bias + arriving["n"])
        decided = np.where(field != 0, field, sign)
        decided = np.where(arriving["set"] != 0, np.sign(arriving["set"]), decided)
        decided = np.where(arriving["on"] != 0, decided, sigma)
        state["h"], state["sigma"] = h + np.zeros_like(sigma), decided
        return decided - sigma if process.integrates else decided

    return altered


# --- other parameters --------------------------------------------------------------------------


def with_fields(
    kinds: tuple[str, ...], change: Callable[[Any], Mapping[str, Any]]
) -> dict[tuple[str, str], Step]:
    """Return the steps of `kinds` taken as if their processes had other parameters."""

    def altered(step: Step) -> Step:
        held: dict[int, Any] = {}

        def taken(process: Any, state: State, arriving: dict[str, Array]) -> Array:
            if id(process) not in held:
                held[id(process)] = process, replace(process, **change(process))
            return step(held[id(process)][1], state, arriving)

        return taken

    return {key: altered(step) for key, step in STEPS.items() if key[0] in kinds}


def just_above(values: Array) -> Array:
    """Return the next value above: of integers, or of float64."""
    return values + 1 if values.dtype.kind == "i" else np.nextafter(values, np.inf)


def just_below(values: Array) -> Array:
    """Return the next value below."""
    return values - 1 if values.dtype.kind == "i" else np.nextafter(values, -np.inf)
