"""Synapses of every kind: a matrix of weights, which `state` holds as it is in this step.

Registers: ``weights`` (postsynaptic, presynaptic), ``delays`` of the same shape, or None, and
``past``, what arrived in this and earlier steps, the newest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph.backends.reference.loihi import shift, wrap24, wrap32
from hebbgraph.backends.reference.steps.common import Array, State, Step


def synapses_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """a_i = sum_j w_ij s_j(t - d_ij)."""
    return _summed(state, arriving["s"], np.matmul)


def synapses_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Keep 32 bits of the integer sum, shift it (not the terms), keep 32 bits of that."""
    total = _summed(state, arriving["s"], exact_product)
    return wrap32(shift(wrap32(total), process.exponent))


def conv2d_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Keep 24 bits of the integer sum."""
    return wrap24(_summed(state, arriving["s"], exact_product))


def _summed(state: State, s: Array, product: Any) -> Array:
    weights, delays, past = state["weights"], state["delays"], state["past"]
    if delays is None:
        return product(s, weights.T)
    past.insert(0, s)
    del past[int(delays.max()) + 1 :]
    total = np.zeros((len(s), len(weights)), s.dtype)
    for delay, values in enumerate(past):
        total = total + product(values, np.where(delays == delay, weights, 0).T)
    return total


def exact_product(s: Array, weights: Array) -> Array:
    """Return the integer product s @ weights.

    It is taken in float64 while that is exact (sums below 2**53), as NumPy multiplies integer
    matrices a hundred times slower.
    """
    largest = float(np.abs(s).max(initial=0)) * float(np.abs(weights).sum(axis=0).max(initial=0))
    if largest < 2**53:
        return (s.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)
    return s @ weights


SYNAPSES: dict[tuple[str, str], Step] = {
    **{
        (kind, "float"): synapses_float
        for kind in ("Dense", "Transpose", "Sparse", "BlockDense", "Conv2d")
    },
    **{(kind, "fixed"): synapses_fixed for kind in ("Dense", "Transpose", "Sparse", "BlockDense")},
    ("Conv2d", "fixed"): conv2d_fixed,
}
