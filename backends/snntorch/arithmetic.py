"""Loihi's integer arithmetic on integers carried in float64 tensors, where all of it is exact.

Exact because no value reaches 2**53: what arrives anywhere is a sum of at most 32-bit values, a
state has at most 32 bits, a decay factor 13, and sums of products that could get there are taken
in two halves (`in_halves`). The values are those of the reference (`backends/reference/loihi.py`);
gradients pass straight through as if nothing had been rounded or wrapped, for quantisation-aware
training, and stop where a value saturates.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Bound of u and v: 24 bits with sign.
B = 2.0**23
#: Integers below these are exact in float32 and in float64.
EXACT_FLOAT32, EXACT_FLOAT64 = 2.0**24, 2.0**53
#: Integers as wide as numbers.
WHOLE = {torch.float32: torch.int32, torch.float64: torch.int64}
#: No process emits more in the fixed domain.
REGISTER = 2.0**31


def straight_through(value: Tensor, x: Tensor) -> Tensor:
    """Return `value` with the gradient of `x`."""
    return x + (value - x).detach() if x.requires_grad else value


def towards_zero(x: Tensor) -> Tensor:
    """Return x without its fraction; gradient 1."""
    return straight_through(torch.trunc(x), x)


def downwards(x: Tensor) -> Tensor:
    """Return the largest integers not above x; gradient 1."""
    return straight_through(torch.floor(x), x)


def half_even(x: Tensor) -> Tensor:
    """Return the nearest integers, halves to even; gradient 1."""
    return straight_through(torch.round(x), x)


def shift(x: Tensor, exponent: int) -> Tensor:
    """Return floor(2**exponent x); gradient 2**exponent."""
    return downwards(x * 2.0**exponent) if exponent < 0 else x * 2.0**exponent


def saturate(x: Tensor, bits: int) -> Tensor:
    """Clip x to what `bits` hold with a sign, symmetric about 0; no gradient outside."""
    largest = 2.0 ** (bits - 1) - 1
    return torch.clamp(x, -largest, largest)


def wrap(x: Tensor, bits: int) -> Tensor:
    """Return x as a register of `bits` holds it; gradient 1."""
    half = 2.0 ** (bits - 1)
    return x - 2 * half * torch.floor((x.detach() + half) * (0.5 / half))


def wrap32(x: Tensor) -> Tensor:
    """Return x as a 32-bit register holds it; gradient 1."""
    return wrap(x, 32)


def in_halves(product: Callable[[Tensor], Tensor], s: Tensor, bits: int = 32) -> Tensor:
    """Return ``wrap(product(s), bits)`` of a linear `product` whose sums may pass 2**53.

    Not 2**68: the sums of s / 2**16 must be exact.
    """
    high = torch.floor(s * 2.0**-16).detach()
    low = s - 2.0**16 * high
    return wrap(2.0**16 * wrap(product(high), bits) + product(low), bits)


def wrap_u(u: Tensor) -> Tensor:
    """Wrap u by one turn of 2**24 at most: +B stays, -B becomes +B; gradient 1."""
    return u - 2 * B * turns(u.detach())


def turns(u: Tensor) -> Tensor:
    """Return by how many turns of 2**24 `wrap_u` lowers u: -1, 0 or 1."""
    return torch.sub(u, B).mul_(0.5 / B).ceil_().clamp_(-1.0, 1.0)


def gated(on: Tensor | None, value: Tensor, otherwise: Tensor | float) -> Tensor:
    """Return `value` where `on` is not 0 (everywhere without `on`), else `otherwise`."""
    if on is None:
        return value
    silent = not isinstance(otherwise, Tensor) and otherwise == 0
    alike = value.dtype in WHOLE and on.shape == value.shape
    if silent and alike and torch.is_inference_mode_enabled():
        return masked(on, value)
    return torch.where(on != 0, value, otherwise)


def masked(on: Tensor, value: Tensor) -> Tensor:
    """Return `value` where `on` is not 0, else 0, without gradients.

    It is chosen bit by bit, exact for every number and several times as fast as with a mask.
    """
    whole = WHOLE[value.dtype]
    bits = torch.ne(on, 0, out=torch.empty_like(value)).to(whole).neg_()  # all ones where it is on
    return bits.bitwise_and_(value.view(whole)).view(value.dtype)


def grouped(x: Tensor, groups: int) -> Tensor:
    """Return x (..., groups * width) as (..., groups, width)."""
    return x.reshape(*x.shape[:-1], groups, -1)


def looked_up(table: Tensor, index: Tensor) -> Tensor:
    """Return the table's entry at each whole `index`, clipped to its ends.

    The gradient is the slope between the two neighbours of the entry.
    """
    last = len(table) - 1
    entry = index.detach().clamp(0, last).long()
    value = table[entry]
    if not index.requires_grad:
        return value
    above, below = (entry + 1).clamp(max=last), (entry - 1).clamp(min=0)
    slope = (table[above] - table[below]) / (above - below).clamp(min=1)
    return value + slope * (index - index.detach())
