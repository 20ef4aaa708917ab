"""summed_hidden: hidden units whose weights are sums of signs, not signs.

The graph is that of `hebbgraph.visible_hidden`. With y = w_hi sigma_i and S_h = sum_j w_hj sigma_j,
the field sum_h w_hi P(S_h - y) is expanded in y with y**2 = v, the mean square::

    h_i = sum_h w_hi even(S_h) - sigma_i B_i,      B_i = sum_h w_hi**2 odd(S_h)

For signs B is one number (`parts`); for sums it comes from a second matrix of squares. With their
mean instead, units at which a sum is 0 would be turned against their own sign.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.processes import Dense, Polynomial
from hebbgraph.visible_hidden import WEIGHT, Hidden, Parts, Ratio, Variant, parts

#: What sums of own contributions may reach in 32 bits.
SUMMED = 2**30


def hidden_units(
    weights: NDArray[Any], v: int, p: int, variant: Variant, self_term: bool
) -> Hidden:
    """Return the hidden units of `weights` (H, N) whose squares are `v`, or nearly."""
    count, units = weights.shape
    coefficients = polynomial(p, v * (units if self_term else units - 1), v, variant)
    reach = math.ceil(np.abs(weights).sum(axis=1, dtype=np.float64).max())
    if self_term:
        return Hidden(count, units, Ratio(tuple(coefficients)), reach=reach)
    even, odd = split(coefficients, v)
    own = Ratio(tuple(c // v for c in odd))  # each has the factor v
    if v > 1:
        most = own.at(reach) * float(weights.max()) ** 2
        own = Ratio(own.coefficients, 2 ** max(0, math.ceil(math.log2(max(most, 1) / SUMMED))))
    # Not divided by (p-1)!: with unknown units in a cue it would leave remainders.
    return Hidden(count, units, Ratio(tuple(even)), own, reach=reach)


def polynomial(p: int, total: int, v: int, variant: Variant) -> list[int]:
    """Return the coefficients of P of degree p - 1, with Q = `total` the sum of squares."""
    if variant == "krotov":
        return [0] * (p - 1) + [1]
    before, now = [0], [1]
    for k in range(1, p):
        following = [0, *now]
        for power, c in enumerate(before):
            following[power] -= (k - 1) * (total - (k - 2) * v) * c
        before, now = now, following
    return now


def split(coefficients: list[int], v: int) -> tuple[list[int], list[int]]:
    """Return `even` and `odd` with w P(S - w s) = w even(S) - s odd(S) for w**2 = v, s**2 = 1."""
    degree = len(coefficients) - 1
    even, odd = [0] * (degree + 1), [0] * max(degree, 1)
    for power, c in enumerate(coefficients):
        for k in range(power + 1):
            term = c * math.comb(power, k)
            if k % 2:
                odd[power - k] += term * v ** ((k + 1) // 2)
            else:
                even[power - k] += term * v ** (k // 2)
    return even, odd


def weighed_parts(hidden: Hidden, weights: NDArray[Any], bits: int) -> Parts:
    """Return `parts` whose B is each unit's own, weighed by the squares of `weights` (H, N)."""
    processes, wires = parts(hidden, bits)
    if not hidden.own or np.abs(weights).max() <= 1:
        return processes, wires
    kept = [w for w in wires if "bus" not in w[0] + w[1] and w[0] not in ("take.out", "give.out")]
    grain = hidden.grain(bits)
    rails = {
        name: Polynomial(
            hidden.units, (0, sign * WEIGHT * hidden.own.divisor), grain, limit=2**31 - 1, bits=32
        )
        for name, sign in (("take", -1), ("give", 1))
    }
    squares = Dense(np.square(weights, dtype=np.float64).T)
    more: list[tuple[str, str] | tuple[str, str, int]] = [
        ("hidden_self.out", "squares.s"),
        *(("squares.a", f"{rail}.a") for rail in rails),
        *((f"{rail}.out", "memory.a") for rail in rails),
    ]
    held = {name: process for name, process in processes.items() if name != "bus"}
    return held | rails | {"squares": squares}, kept + more
