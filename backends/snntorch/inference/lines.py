"""What one port emitted lately, and what arrives at another from there."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import final

from torch import Tensor


class Speaker(ABC):
    """What can be heard: it may emit something from step `starts` to before step `until`."""

    starts: int = 0
    until: float = math.inf

    @abstractmethod
    def emitted(self, t: int) -> Tensor | None:
        """Return what was emitted at step `t`, (episodes, units); None if that is nothing."""

    @abstractmethod
    def slab(self, first: int, last: int) -> Tensor:
        """Return steps `first` to before `last`, all of them steps at which it may emit."""

    def level(self, t: int) -> bool | None:
        """Return False if it is known to emit 0 alone at step `t`, True if it is to emit no 0."""
        return None


@final
class Line:
    """The rows of the last steps: `history` of them, and those of the present chunk of steps.

    Without a chunk only single rows can be asked for, and they go round in a ring.
    """

    def __init__(self, like: Tensor, size: int, history: int, chunk: int = 0) -> None:
        episodes = like.shape[0]
        self._buffer = like.new_empty(history + max(1, chunk), episodes, size)
        self._rows = list(self._buffer.unbind(0))
        self._history, self._ring = history, len(self._rows) if not chunk else 0
        self._base = -history

    def begin(self) -> None:
        """Begin at step 0."""
        self._base = -self._history

    def turn(self, first: int) -> None:
        """Begin the chunk that starts with step `first`."""
        moved = first - self._history - self._base
        if self._ring or not moved:
            return
        if self._history:
            kept = self._buffer[moved : moved + self._history]
            overlaps = moved < self._history
            self._buffer[: self._history] = kept.clone() if overlaps else kept
        self._base += moved

    def row(self, t: int) -> Tensor:
        """Return the row of step `t`."""
        return self._rows[t % self._ring if self._ring else t - self._base]

    def put(self, t: int, values: Tensor) -> None:
        """Let `values`, which nothing changes afterwards, be the row of step `t`."""
        row = self.row(t)
        if self._ring and values.shape == row.shape and values.dtype == row.dtype:
            self._rows[t % self._ring] = values
        else:
            row.copy_(values)

    def skip(self, t: int) -> None:
        """Say that nothing is emitted at step `t`: its row is not going to be asked for."""
        if not self._ring:  # but slabs may be
            self.row(t).zero_()

    def slab(self, first: int, last: int) -> Tensor:
        """Return the rows of steps `first` to before `last`."""
        return self._buffer[first - self._base : last - self._base]


@final
class Arrivals:
    """Deliver: the sum over connections of what each source emitted `delay` steps ago."""

    def __init__(self, sources: Sequence[tuple[Speaker, int]], size: int, like: Tensor) -> None:
        self._sources, self._size, self._like = tuple(sources), size, like
        self.size, self.dtype = size, like.dtype
        several = len(self._sources) > 1
        self._total = like.new_empty(like.shape[0], size if several else 0)
        self._slab = like.new_empty(0)

    @cached_property
    def _nothing(self) -> Tensor:
        """Return zeros for every unit."""
        return self._like.new_zeros(1, 1).expand(self._like.shape[0], self._size)

    @property
    def starts(self) -> int:
        """Return the first step at which something may arrive."""
        return min((source.starts + delay for source, delay in self._sources), default=0)

    @property
    def until(self) -> float:
        """Return the step from which on nothing arrives."""
        return max((source.until + delay for source, delay in self._sources), default=0)

    def at(self, t: int) -> Tensor | None:
        """Return what arrives at step `t`, not to be changed; None if that is nothing.

        It may have one unit for all, and any dtype.
        """
        live = None
        summing = False
        for source, delay in self._sources:
            values = source.emitted(t - delay) if t >= delay else None
            if values is None:
                continue
            if live is None:
                live = values
            elif summing:
                self._total.add_(values)
            else:
                self._total.copy_(live).add_(values)
                live, summing = self._total, True
        return live

    def level(self, t: int) -> bool | None:
        """Return False if 0 alone is known to arrive at step `t`, True if no 0 is."""
        if len(self._sources) != 1:
            return None
        source, delay = self._sources[0]
        return source.level(t - delay) if t >= delay else False

    def whole(self, t: int) -> Tensor:
        """Return what arrives at step `t` at every unit, in the dtype of the network."""
        return self.filled(self.at(t))

    def filled(self, values: Tensor | None) -> Tensor:
        """Return what `at` returned for every unit, in the dtype of the network."""
        if values is None:
            return self._nothing
        values = values if values.shape[-1] == self._size else values.expand(-1, self._size)
        return values.to(self._like.dtype)

    def slab(self, first: int, last: int) -> Tensor:
        """Return what arrives from step `first` to before `last`, not to be changed."""
        parts = []
        for source, delay in self._sources:
            begin = max(first, source.starts + delay)
            end = int(min(last, source.until + delay))
            if begin < end:
                parts.append((begin, end, source.slab(begin - delay, end - delay)))
        if len(parts) == 1 and parts[0][:2] == (first, last):
            return parts[0][2]
        if len(self._slab) < last - first:
            shape = (last - first, self._like.shape[0], self._size)
            self._slab = self._like.new_empty(shape)
        total = self._slab[: last - first].zero_()
        for begin, end, values in parts:
            total[begin - first : end - first].add_(values)
        return total

    def whole_slab(self, first: int, last: int) -> Tensor:
        """Return `slab` with every unit, in the dtype of the network."""
        values = self.slab(first, last)
        values = values if values.shape[-1] == self._size else values.expand(-1, -1, self._size)
        return values.to(self._like.dtype)
