"""The four ways to divide a sum by a power of two."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hebbgraph.backends.snntorch.learning.terms import Index
from hebbgraph.random import stream
from hebbgraph.rules import Rule

#: One row in so many is drawn alone; more are cheaper drawn with all the others.
FEW = 4


class Draws:
    """The random numbers of one end of an epoch, as the reference draws them.

    Word i of the stream belongs to synapse i, row by row. `Generator.random` gives the top 53 bits
    of a word; the stream is counter-based, so a few rows are drawn alone.
    """

    def __init__(self, rule: Rule, path: str, episode: int, step: int) -> None:
        self.rule = rule
        self._generator = stream(rule.seed, path, "rounding", episode=episode, step=step)
        self._block = 0
        self._all: NDArray[np.float64] | None = None

    def rows(self, rows: Index, shape: tuple[int, int], like: Tensor) -> Tensor:
        """Return numbers in [0, 1) for `rows` of the synapses (shape), one for all if shared."""
        height, width = shape
        if self.rule.rounding == "shared":
            return like.new_tensor(self._words(0, 1))
        if isinstance(rows, slice):
            first, last, _ = rows.indices(height)
            drawn = self._words(first * width, (last - first) * width).reshape(-1, width)
        elif len(rows) * FEW < height:
            drawn = np.stack([self._words(row * width, width) for row in rows.tolist()])
        else:
            if self._all is None:
                self._all = self._words(0, height * width).reshape(shape)
            drawn = self._all[rows.numpy()]
        return torch.from_numpy(drawn).to(like)

    def _words(self, first: int, count: int) -> NDArray[np.float64]:
        """Return `count` words from word `first` on, as shares of 2**64, their top 53 bits."""
        block, skipped = divmod(first, 4)  # Philox makes four words at a time
        self._generator.bit_generator.advance(block - self._block)  # type: ignore[attr-defined]
        self._block = block - (-(skipped + count) // 4)
        return self._generator.random(skipped + count)[skipped:]


def round_in_place(total: Tensor, rounding: str, bits: int, draw: Tensor | None) -> Tensor:
    """Round `total`, a multiple of 2**-bits, to whole numbers; `draw` is changed, too."""
    if bits == 0:
        return total
    if rounding == "truncate":
        return total.trunc_()
    if rounding == "nearest":
        return total.add_(0.5).floor_()
    assert draw is not None
    return total.add_(draw.mul_(2.0**bits).floor_(), alpha=2.0**-bits).floor_()
