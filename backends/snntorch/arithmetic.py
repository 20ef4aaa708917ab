"""Loihi's integer arithmetic on integers carried in float64 tensors, where all of it is exact.

Exact because no value reaches 2**53: a state has at most 32 bits, a decay factor 13, and sums
that could get there are taken in two halves (`product32`). The values are those of the reference
(`backends/reference/loihi.py`); gradients pass straight through as if nothing had been rounded or
wrapped, for quantisation-aware training.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Bound of u and v: 24 bits with sign.
B = 2.0**23


def towards_zero(x: Tensor) -> Tensor:
    """Return x without its fraction; gradient 1."""
    return x + (torch.trunc(x) - x).detach()


def downwards(x: Tensor) -> Tensor:
    """Return the largest integers not above x; gradient 1."""
    return x + (torch.floor(x) - x).detach()


def half_even(x: Tensor) -> Tensor:
    """Return the nearest integers, halves to even; gradient 1."""
    return x + (torch.round(x) - x).detach()


def wrap32(x: Tensor) -> Tensor:
    """Return x as a 32-bit register holds it; gradient 1."""
    return x - 2.0**32 * torch.floor((x + 2.0**31) * 2.0**-32).detach()


def product32(s: Tensor, weights: Tensor) -> Tensor:
    """Return ``wrap32(s @ weights.T)`` where the sums may pass 2**53, but not 2**68."""
    high = torch.floor(s * 2.0**-16).detach()
    low = s - 2.0**16 * high
    return wrap32(2.0**16 * wrap32(high @ weights.t()) + low @ weights.t())


def wrap_u(u: Tensor) -> Tensor:
    """Wrap u by one turn of 2**24 at most: +B stays, -B becomes +B; gradient 1."""
    return u - 2 * B * turns(u.detach())


def turns(u: Tensor) -> Tensor:
    """Return by how many turns of 2**24 `wrap_u` lowers u: -1, 0 or 1."""
    return torch.sub(u, B).mul_(0.5 / B).ceil_().clamp_(-1.0, 1.0)
