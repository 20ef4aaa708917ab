"""Loihi's integer arithmetic on int64 arrays, as lava-nc 0.10.0 computes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

#: Bound of u and v: 24 bits with sign.
B = 2**23


def towards_zero(x: Integers) -> Integers:
    """Return x / 4096, truncated towards zero."""
    quotient: Integers = np.sign(x) * (np.abs(x) >> 12)
    return quotient


def wrap32(x: Integers) -> Integers:
    """Return x as a 32-bit register holds it."""
    return (x + 2**31) % 2**32 - 2**31


def wrap_u(u: Integers) -> Integers:
    """Wrap u by one turn of 2**24 at most: +B stays, -B becomes +B, far values stay outside."""
    u = np.where(u > B, u - 2 * B, u)
    return np.where(u <= -B, u + 2 * B, u)


def saturate_v(v: Integers) -> Integers:
    """Clip v to -B + 1 .. B - 1."""
    return np.clip(v, -B + 1, B - 1)


def shift(x: Integers, exponent: int) -> Integers:
    """Return floor(2**exponent x)."""
    return x << exponent if exponent >= 0 else x >> -exponent
