"""One step of each process kind: the definition of what it does, in both domains.

Arrays have shape (episodes, units). A step is given the process, its state variables (changed in
place) and what arrives at its ports, and returns what it emits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.reference.loihi import saturate_v, shift, towards_zero, wrap32, wrap_u
from hebbgraph.processes import LIF, Dense

Array = NDArray[Any]
State = dict[str, Array]


def lif_float(process: LIF, state: State, arriving: dict[str, Array]) -> dict[str, Array]:
    """Leak, integrate, fire where v > threshold, reset v to 0."""
    u = state["u"] * (1 - process.decay_u) + arriving["a"]
    v = state["v"] * (1 - process.decay_v) + u + process.bias
    s = v > process.threshold
    state["u"], state["v"] = u, np.where(s, 0.0, v)
    return {"s": s}


def lif_fixed(process: LIF, state: State, arriving: dict[str, Array]) -> dict[str, Array]:
    """Do the same in Loihi's integers: u wraps, v saturates, division truncates towards zero."""
    u = wrap32(towards_zero(state["u"] * (4095 - process.decay_u)) + wrap32(arriving["a"] << 6))
    u = wrap_u(u)
    bias = process.bias << process.bias_exponent
    v = saturate_v(wrap32(towards_zero(state["v"] * (4096 - process.decay_v)) + u + bias))
    s = v > process.threshold << 6
    state["u"], state["v"] = u, np.where(s, 0, v)
    return {"s": s}


def dense_float(process: Dense, state: State, arriving: dict[str, Array]) -> dict[str, Array]:
    """a_i = sum_j weights_ij s_j."""
    return {"a": arriving["s"] @ process.weights.T}


def dense_fixed(process: Dense, state: State, arriving: dict[str, Array]) -> dict[str, Array]:
    """Keep 32 bits of the integer sum, shift it (not the terms), keep 32 bits of that.

    The product is taken in float64 while that is exact (sums below 2**53), as NumPy multiplies
    integer matrices a hundred times slower.
    """
    s, weights = arriving["s"], process.weights
    largest = float(np.abs(s).max(initial=0)) * float(np.abs(weights).sum(axis=1).max())
    if largest < 2**53:
        total = (s.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)
    else:
        total = s @ weights.T
    return {"a": wrap32(shift(wrap32(total), process.exponent))}


Step = Callable[[Any, State, dict[str, Array]], dict[str, Array]]

#: The step of each (kind, domain). `Input` has none: it emits what it is given.
STEPS: dict[tuple[str, str], Step] = {
    ("LIF", "float"): lif_float,
    ("LIF", "fixed"): lif_fixed,
    ("Dense", "float"): dense_float,
    ("Dense", "fixed"): dense_fixed,
}
