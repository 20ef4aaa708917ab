"""Units with spikes and a state: LIF, TernaryLIF, Sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph.backends.reference.loihi import saturate_v, towards_zero, wrap32, wrap_u
from hebbgraph.backends.reference.steps.common import Array, State, Step, frozen_where_off


def lif_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Leak, integrate, fire where v > threshold, reset v to 0."""
    u = state["u"] * (1 - process.decay_u) + arriving["a"]
    v = state["v"] * (1 - process.decay_v) + u + process.bias
    return _fire(process, state, arriving, u, v, process.threshold)


def lif_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same in Loihi's integers: u wraps, v saturates, division truncates towards zero."""
    u, v = _integrated_fixed(process, state, arriving)
    return _fire(process, state, arriving, u, v, process.threshold << 6)


def _integrated_fixed(
    process: Any, state: State, arriving: dict[str, Array]
) -> tuple[Array, Array]:
    u = wrap32(towards_zero(state["u"] * (4095 - process.decay_u)) + wrap32(arriving["a"] << 6))
    u = wrap_u(u)
    bias = process.bias << process.bias_exponent
    v = saturate_v(wrap32(towards_zero(state["v"] * (4096 - process.decay_v)) + u + bias))
    return u, v


def _fire(
    process: Any, state: State, arriving: dict[str, Array], u: Array, v: Array, level: Array
) -> Array:
    ready = state["r"] == 0 if process.refractory else True
    s = ready & (v + arriving["n"] > level)
    on = arriving["on"] != 0
    if process.refractory:
        r = np.where(s, process.refractory, np.maximum(state["r"] - 1, 0))
        state["r"] = np.where(on, r, state["r"])
    state["u"] = np.where(on, u, state["u"])
    state["v"] = np.where(on, np.where(s | ~np.asarray(ready), 0, v), state["v"])
    if process.when_off == "hold":
        state["s"] = np.where(on, s, state["s"])
        return state["s"] != 0
    return s & on


def ternary_lif_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Leak, integrate, fire 1 above `threshold` and -1 below `lower`, reset v to 0."""
    u = state["u"] * (1 - process.decay_u) + arriving["a"]
    v = state["v"] * (1 - process.decay_v) + u + process.bias
    return _fire_ternary(state, arriving, u, v, process.threshold, process.lower)


def ternary_lif_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same in Loihi's integers."""
    u, v = _integrated_fixed(process, state, arriving)
    return _fire_ternary(state, arriving, u, v, process.threshold << 6, process.lower << 6)


def _fire_ternary(
    state: State, arriving: dict[str, Array], u: Array, v: Array, upper: Array, lower: Array
) -> Array:
    level = v + arriving["n"]
    s = (level > upper).astype(v.dtype) - (level < lower)
    state["u"], state["v"] = u, np.where(s != 0, 0, v)
    return s


def sign_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Take the sign of the field, keep it on 0; send it, or its change."""
    h = state["h"] + arriving["a"] if process.integrates else arriving["a"]
    return _decide(process, state, arriving, h)


def sign_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same with a field of 24 bits."""
    h = state["h"] + arriving["a"] if process.integrates else arriving["a"]
    return _decide(process, state, arriving, saturate_v(h))


def _decide(process: Any, state: State, arriving: dict[str, Array], h: Array) -> Array:
    sigma = state["sigma"]
    field = np.sign(h + process.bias + arriving["n"])
    decided = np.where(field != 0, field, sigma)
    decided = np.where(arriving["set"] != 0, np.sign(arriving["set"]), decided)
    decided = np.where(arriving["on"] != 0, decided, sigma)
    state["h"], state["sigma"] = h + np.zeros_like(sigma), decided
    return decided - sigma if process.integrates else decided


SPIKING: dict[tuple[str, str], Step] = {
    ("LIF", "float"): lif_float,
    ("LIF", "fixed"): lif_fixed,
    ("TernaryLIF", "float"): frozen_where_off(ternary_lif_float),
    ("TernaryLIF", "fixed"): frozen_where_off(ternary_lif_fixed),
    ("Sign", "float"): sign_float,
    ("Sign", "fixed"): sign_fixed,
}
