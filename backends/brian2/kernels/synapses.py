"""Products of synapses, for all episodes side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def wrap32(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return x as a 32-bit register holds it."""
    return (x + 2**31) % 2**32 - 2**31


def wrap24(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return x as a 24-bit register holds it."""
    return (x + 2**23) % 2**24 - 2**23


def patches(x: NDArray[Any], index: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
    """Return the inputs under the kernel at every position, (episodes, kernel, positions).

    `index` tells which input each is; the one after the last is the 0 outside the image.
    """
    padded = np.zeros((len(x), x.shape[1] + 1), dtype)
    padded[:, :-1] = x
    return padded[:, index]


def gathered(
    x: NDArray[Any],
    pre: NDArray[np.int64],
    weights: NDArray[Any],
    heads: NDArray[np.int64],
    post: NDArray[np.int64],
    units: int,
) -> NDArray[Any]:
    """Return the sums over listed synapses, sorted by postsynaptic unit.

    `heads` is where the synapses of each unit in `post` begin.
    """
    total = np.zeros((len(x), units), weights.dtype)
    total[:, post] = np.add.reduceat(x[:, pre] * weights, heads, axis=1)
    return total
