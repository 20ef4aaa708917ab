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


def wrap24(x: Integers) -> Integers:
    """Return x as a 24-bit register holds it."""
    return (x + B) % (2 * B) - B


def wrap_u(u: Integers) -> Integers:
    """Wrap u by one turn of 2**24 at most: +B stays, -B becomes +B, far values stay outside."""
    u = np.where(u > B, u - 2 * B, u)
    return np.where(u <= -B, u + 2 * B, u)


def saturate(x: Integers, bits: int) -> Integers:
    """Clip x to what `bits` hold with a sign, symmetric about 0."""
    largest = 2 ** (bits - 1) - 1
    return np.clip(x, -largest, largest)


def saturate_v(v: Integers) -> Integers:
    """Clip v to -B + 1 .. B - 1."""
    return saturate(v, 24)


def shift(x: Integers, exponent: int) -> Integers:
    """Return floor(2**exponent x)."""
    return x << exponent if exponent >= 0 else x >> -exponent
