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


def convolved(x: NDArray[Any], under: NDArray[np.int64], weights: NDArray[Any]) -> NDArray[Any]:
    """Return the convolution of images with weights (channels, entries of the kernel).

    `under` tells which input lies under each entry of the kernel at each position; the one after
    the last is the 0 outside the image.
    """
    padded = np.zeros((len(x), x.shape[1] + 1), weights.dtype)
    padded[:, :-1] = x
    total = np.empty((len(x), len(weights), under.shape[1]), weights.dtype)
    some = max(1, 2**22 // under.size)  # episodes at a time, or the patches take much memory
    for first in range(0, len(x), some):
        total[first : first + some] = weights @ padded[first : first + some, under]
    return total.reshape(len(x), -1)


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
