"""numbers: parameters of NIR nodes as numbers of a step, and how exactly a file can hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: How far from a whole number a ratio may lie and still mean it: files come from single precision.
CLOSE = 1e-6


def floats(value: Any, size: int) -> Floats:
    """Return a parameter as a vector of `size`; one value stands for all."""
    return np.broadcast_to(np.asarray(value, np.float64).ravel(), size).copy()


def ratio(dt: float, tau: Any, size: int) -> Floats:
    """Return the share dt / tau that is lost per step, in the precision in which tau is given.

    1 where that is what it means.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = dt / floats(tau, size)
    if np.asarray(tau).dtype == np.float32:
        share = share.astype(np.float32).astype(np.float64)
    return close_to_one(share)


def close_to_one(values: Floats) -> Floats:
    """Return `values` with those that differ from 1 by rounding only set to 1."""
    return np.where(np.abs(values - 1) <= CLOSE, 1.0, values)


def steps_of(delay: Any, dt: float) -> tuple[NDArray[np.int64], bool]:
    """Return delays in whole steps, and whether they are whole."""
    exact = np.asarray(delay, np.float64) / dt
    steps = np.rint(np.clip(exact, -(2.0**31), 2.0**31))
    whole = bool((np.abs(exact - steps) <= CLOSE * np.maximum(1, np.abs(steps))).all())
    return steps.astype(np.int64), whole


def is_identity(weights: Any) -> bool:
    """Return whether weights pass on what they are given."""
    array = np.asarray(weights)
    return bool(array.ndim == 2 and np.array_equal(array, np.eye(*array.shape)))
