"""Weights that learn in place: only what can change is touched, a cache's worth at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from hebbgraph.backends.snntorch.learning.plastic import Plastic, units
from hebbgraph.backends.snntorch.learning.regions import ALL, Region, blocks, regions
from hebbgraph.backends.snntorch.learning.rounding import Draws, round_in_place
from hebbgraph.backends.snntorch.learning.terms import Factors, Index, Vectors, factors, summed
from hebbgraph.rules import Rule

#: Sums of accumulators and multiples of 2**-bits stay exact while both together need no more.
TOGETHER = 50


class Change(NamedTuple):
    """What changes the weights at the end of an epoch."""

    sums: Sequence[Factors]
    #: The sums are multiples of 2**-bits, in `fixed`.
    bits: int
    draws: Draws | None
    #: Whether the half that makes the floor round to the nearest is among the sums.
    halved: bool


@final
class InPlace(Plastic):
    """Without gradients; some rows and columns change, or all."""

    def __init__(
        self, path: str, rule: Rule, accumulator: Tensor, momentum: Tensor, *, fixed: bool
    ) -> None:
        super().__init__(path, rule, accumulator.clone(), momentum.clone(), fixed=fixed)
        self._scratch = torch.empty_like(self.accumulator)
        self._on_cpu = accumulator.device.type == "cpu"
        self._changed = accumulator.new_zeros((), dtype=torch.int64)

    @property
    def changed(self) -> int:
        """Return how many weights have changed at one of the events."""
        return int(self._changed)

    def apply(self, terms: Sequence[Vectors], bits: int, draws: Draws | None) -> None:
        """Change the weights."""
        rule = self.rule
        halved = bits > 0 and rule.rounding == "nearest" and bits + 9 + rule.fraction <= TOGETHER
        halved = halved and bool(terms) and rule.self_connections and not rule.momentum
        sums = factors(terms, self.shape, 0.5 if halved else 0.0)
        change = Change(sums, bits, draws, halved)
        # Looking for zeros waits for the device: worth it on a CPU only.
        some = regions(terms, self.shape) if self._on_cpu and not rule.momentum else None
        if some is None:
            self._change_all(change)
            return
        for region in some:
            base = _taken(self.accumulator, region)
            new = self._new(base, torch.empty_like(base), region, change)
            _placed(self.accumulator, region, new)
            if rule.fraction:
                _placed(self.weights, region, self.effective(new))

    def _change_all(self, change: Change) -> None:
        """Change all weights, a block of rows at a time."""
        fraction = self.rule.fraction
        for region in blocks(ALL, ALL, self.shape) if self._on_cpu else [Region(ALL, ALL)]:
            base = self.accumulator[region.rows]
            new = self._new(base, self._scratch[: len(base)], region, change)
            base.copy_(new)
            if fraction:  # as `effective`
                weights = self.weights[region.rows]
                torch.add(new, 2.0 ** (fraction - 1), out=weights).mul_(2.0**-fraction).floor_()

    def _new(self, base: Tensor, out: Tensor, region: Region, change: Change) -> Tensor:
        """Write the new accumulators of one region into `out`, given the present ones, `base`."""
        (rows, columns), rule = region, self.rule
        total = summed(change.sums, rows, columns, base, out)
        if not rule.self_connections:
            _clear_diagonal(total, rows, columns)
        if rule.momentum:
            self._average(total, self.momentum[rows], change.bits)
        if change.halved:  # the half is in the sum, and base is whole
            total.add_(base).floor_()
        else:
            if self.fixed:
                draw = self.draw(change.draws, rows, columns, total)
                round_in_place(total, rule.rounding, change.bits, draw)
            total.add_(base)
        if self.bounded:
            total.clamp_(self.low, self.high)
        self._count(total, base)
        return total

    def _average(self, total: Tensor, mean: Tensor, bits: int) -> None:
        """Let `total` take part in the running mean, and be it."""
        kept = self.rule.momentum
        if self.fixed:
            mean.mul_(kept).add_(total, alpha=4096 - kept).div_(4096).trunc_()
            torch.mul(mean, 2.0**-bits, out=total)
        else:
            mean.mul_(kept).add_(total, alpha=1 - kept)
            total.copy_(mean)

    def _count(self, new: Tensor, base: Tensor) -> None:
        """Count what changed."""
        if self._on_cpu:  # NumPy compares ten times as fast
            self._changed += int(np.count_nonzero(new.numpy() != base.numpy()))
        else:
            self._changed += torch.count_nonzero(new != base)


def _clear_diagonal(total: Tensor, rows: Index, columns: Index) -> None:
    """Set to 0 the synapse of each unit onto the unit of the same index."""
    ends = zip((rows, columns), total.shape, strict=True)
    post, pre = (units(index, count, total.device) for index, count in ends)
    total.masked_fill_(post[:, None] == pre, 0.0)


def _taken(matrix: Tensor, region: Region) -> Tensor:
    """Return one region of `matrix`, a view where it can be."""
    rows, columns = region
    if isinstance(rows, slice):
        part = matrix[rows]
        return part if isinstance(columns, slice) else part.index_select(1, columns)
    if isinstance(columns, slice):
        return matrix.index_select(0, rows)
    return matrix[rows[:, None], columns]


def _placed(matrix: Tensor, region: Region, values: Tensor) -> None:
    """Write one region of `matrix`."""
    rows, columns = region
    if isinstance(rows, slice):
        if isinstance(columns, slice):
            matrix[rows].copy_(values)
        else:
            matrix[rows].index_copy_(1, columns, values)
    elif isinstance(columns, slice):
        matrix.index_copy_(0, rows, values)
    else:
        matrix[rows[:, None], columns] = values
