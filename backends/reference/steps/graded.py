"""Units with graded outputs: integrators, sigma-delta, memoryless functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hebbgraph.backends.reference.loihi import saturate, saturate_v, shift, towards_zero, wrap32
from hebbgraph.backends.reference.steps.common import Array, State, Step, frozen_where_off


def leaky_integrator_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """X <- x (1 - decay) + a, from 0 where reset."""
    x = np.where(arriving["reset"] != 0, 0, state["x"])
    state["x"] = x * (1 - process.decay) + arriving["a"]
    return state["x"]


def leaky_integrator_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same in integers of 24 bits that saturate."""
    x = np.where(arriving["reset"] != 0, 0, state["x"])
    state["x"] = saturate_v(towards_zero(x * (4096 - process.decay)) + arriving["a"])
    return state["x"]


def graded_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """clip(a + bias), 0 in the dead zone."""
    x = arriving["a"] + process.bias
    return np.where(np.abs(x) >= process.dead_zone, np.clip(x, process.low, process.high), 0)


def graded_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same, then scale by a power of two and saturate."""
    return saturate(shift(graded_float(process, state, arriving), process.exponent), process.bits)


def polynomial_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """(c_0 + c_1 x + ...) / divisor, 0 in the dead zone."""
    x = np.maximum(arriving["a"], 0) if process.rectified else arriving["a"]
    y = _horner(process.coefficients, x) / process.divisor
    return np.where(np.abs(x) >= process.dead_zone, y, 0)


def polynomial_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same in integers: x is clipped first, the quotient rounded down and saturated."""
    x = np.clip(arriving["a"], -process.limit, process.limit)
    x = np.maximum(x, 0) if process.rectified else x
    y = saturate(_horner(process.coefficients, x) // process.divisor, process.bits)
    return np.where(np.abs(x) >= process.dead_zone, y, 0)


def _horner(coefficients: Array, x: Array) -> Array:
    total = np.zeros_like(x)
    for coefficient in coefficients[::-1]:
        total = total * x + coefficient
    return total


def exponential_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """exp(scale a)."""
    with np.errstate(over="ignore"):
        return np.exp(process.scale * arriving["a"])


def exponential_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Look up the interval of a in the table."""
    index = (arriving["a"] - process.origin) >> process.step
    return process.table[np.clip(index, 0, len(process.table) - 1)]


def sigma_delta_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Sum changes; send the change of the activation where it reaches the threshold."""
    sigma = state["sigma"] + arriving["a"]
    return _send(process, state, sigma, sigma + process.bias)


def sigma_delta_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same in 32-bit registers; the message loses the lowest bits."""
    sigma = wrap32(state["sigma"] + arriving["a"])
    return shift(_send(process, state, sigma, wrap32(sigma + process.bias)), -process.exponent)


def _send(process: Any, state: State, sigma: Array, activation: Array) -> Array:
    # In `fixed`, every register keeps 32 bits.
    keep: Callable[[Array], Array] = wrap32 if sigma.dtype.kind == "i" else np.asarray
    f = np.maximum(activation, 0) if process.rectified else activation
    d = keep(keep(f - state["act"]) + state["residue"])
    error = keep(state["error"] + d) if process.cumulative else state["error"]
    size = keep(np.abs(error if process.cumulative else d))
    sent = np.where(size >= process.threshold, d, 0)
    state["error"] = np.where(sent != 0, 0, error)
    state["sigma"], state["act"], state["residue"] = sigma, f, keep(d - sent)
    return sent


GRADED: dict[tuple[str, str], Step] = {
    ("LeakyIntegrator", "float"): frozen_where_off(leaky_integrator_float),
    ("LeakyIntegrator", "fixed"): frozen_where_off(leaky_integrator_fixed),
    ("Graded", "float"): frozen_where_off(graded_float),
    ("Graded", "fixed"): frozen_where_off(graded_fixed),
    ("Polynomial", "float"): frozen_where_off(polynomial_float),
    ("Polynomial", "fixed"): frozen_where_off(polynomial_fixed),
    ("Exponential", "float"): frozen_where_off(exponential_float),
    ("Exponential", "fixed"): frozen_where_off(exponential_fixed),
    ("SigmaDelta", "float"): frozen_where_off(sigma_delta_float),
    ("SigmaDelta", "fixed"): frozen_where_off(sigma_delta_fixed),
}
