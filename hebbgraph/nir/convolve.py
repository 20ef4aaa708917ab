"""convolve: convolutions and pools of NIR as one form, and the synapses of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.processes import Conv2d, Sparse

Pair = tuple[int, int]


@dataclass(frozen=True)
class Kernel:
    """A two-dimensional convolution in its most general form, as NIR (and PyTorch) has it."""

    #: Weights (O, C / groups, kernel height, kernel width).
    weights: NDArray[np.float64]
    #: (C, H, W) of what it hears.
    shape_in: tuple[int, int, int]
    stride: Pair
    #: Zeros before and after, vertical and horizontal.
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int
    #: Whether height is one that NIR does not have (Conv1d).
    flat: bool = False

    @property
    def sides(self) -> Pair:
        """Return height and width of what it gives."""
        high, wide = (
            (side + sum(pad) - dilation * (kernel - 1) - 1) // stride + 1
            for side, pad, dilation, kernel, stride in zip(
                self.shape_in[1:],
                self.padding,
                self.dilation,
                self.weights.shape[2:],
                self.stride,
                strict=True,
            )
        )
        return high, wide

    @property
    def shape_out(self) -> tuple[int, ...]:
        """Return the shape of what it gives, in NIR."""
        high, wide = self.sides
        return (len(self.weights), wide) if self.flat else (len(self.weights), high, wide)

    def process(self) -> Conv2d | Sparse:
        """Return the same synapses: Conv2d, or Sparse where that has no such option."""
        even = all(before == after for before, after in self.padding)
        if self.groups == 1 and self.dilation == (1, 1) and even:
            padding = (self.padding[0][0], self.padding[1][0])
            return Conv2d(self.weights, self.shape_in[1:], self.stride, padding)
        post, pre, weights = self.synapses()
        return Sparse(int(np.prod(self.shape_in)), int(np.prod(self.shape_out)), pre, post, weights)

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (post, pre, weight) of every synapse inside the image."""
        outs, channels, high, wide = self.weights.shape
        rows, columns = self.sides
        o, c, k, m, y, x = np.ogrid[:outs, :channels, :high, :wide, :rows, :columns]
        (top, _), (left, _) = self.padding
        row = y * self.stride[0] + k * self.dilation[0] - top
        column = x * self.stride[1] + m * self.dilation[1] - left
        channel = o // (outs // self.groups) * channels + c
        inside = (row >= 0) & (row < self.shape_in[1]) & (column >= 0) & (column < self.shape_in[2])
        post = (o * rows + y) * columns + x
        pre = (channel * self.shape_in[1] + row) * self.shape_in[2] + column
        shape = (outs, channels, high, wide, rows, columns)
        keep = np.broadcast_to(inside, shape)
        weights = self.weights[:, :, :, :, np.newaxis, np.newaxis]
        post, pre, weights = (np.broadcast_to(a, shape)[keep] for a in (post, pre, weights))
        return post, pre, weights


def spread(node: Any, heard: tuple[int, ...]) -> Kernel | None:
    """Return the convolution that a Conv1d, Conv2d or pool is on what it hears, if that is known.

    A pool is a convolution of every channel for itself; the zeros at the border count.
    """
    kind = type(node).__name__
    if kind in ("SumPool2d", "AvgPool2d"):
        if len(heard) != 3:
            return None
        high, wide = _pair(node.kernel_size)
        share = 1.0 if kind == "SumPool2d" else 1 / (high * wide)
        weights = np.full((heard[0], 1, high, wide), share)
        stride, pads = _pair(node.stride), _pair(node.padding)
        padding = ((pads[0], pads[0]), (pads[1], pads[1]))
        return Kernel(weights, (heard[0], heard[1], heard[2]), stride, padding, (1, 1), heard[0])
    weights, flat = np.asarray(node.weight, np.float64), kind == "Conv1d"
    groups = int(np.ravel(node.groups)[0])
    given = node.input_shape
    sides = heard[1:] if given is None else tuple(int(side) for side in np.atleast_1d(given))
    if len(sides) != (1 if flat else 2):
        return None
    if flat:
        weights, sides = weights[:, :, np.newaxis], (1, *sides)
    stride, dilation = _pair(node.stride, flat), _pair(node.dilation, flat)
    padding = _padding(node.padding, weights.shape[2:], dilation, flat)
    shape = (weights.shape[1] * groups, sides[0], sides[1])
    return Kernel(weights, shape, stride, padding, dilation, groups, flat)


def _padding(given: Any, kernel: tuple[int, ...], dilation: Pair, flat: bool) -> tuple[Pair, Pair]:
    """Return the zeros before and after; "same" puts the odd one behind, as PyTorch does."""
    if isinstance(given, str) and given == "valid":
        return (0, 0), (0, 0)
    if isinstance(given, str):
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return (total[0] // 2, -(-total[0] // 2)), (total[1] // 2, -(-total[1] // 2))
    high, wide = _pair(given, flat, 0)
    return (high, high), (wide, wide)


def _pair(value: Any, flat: bool = False, other: int = 1) -> Pair:
    """Return two numbers: those given, one for both, or with `flat` one and `other`."""
    given = [int(part) for part in np.ravel(value)]
    if flat:
        return other, given[0]
    return (given[0], given[0]) if len(given) == 1 else (given[0], given[1])
