"""Emitter: one process during a run, and what is recorded of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import final

from torch import Tensor

from hebbgraph.backends.snntorch.inference.lines import Arrivals, Line, Speaker


class Emitter(Speaker):
    """One process during a run.

    `outputs` are tensors (steps, episodes, units) of any dtype, zero at first, that take what it
    emits at every step, `states` those that take its registers; of more episodes than run side by
    side, where those of each batch begin is told to `begin`.
    """

    def __init__(
        self, line: Line, outputs: Sequence[Tensor] = (), states: Mapping[str, Tensor] | None = None
    ) -> None:
        self.line = line
        self.arrivals: dict[str, Arrivals] = {}
        self._recorded, self._probed = tuple(outputs), dict(states or {})
        self._outputs: list[Tensor] = []
        self._rows: list[tuple[Tensor, ...]] = []
        self._states: dict[str, tuple[Tensor, ...]] = {}
        #: The steps at which it turned out to emit nothing.
        self._silent: set[int] = set()

    @abstractmethod
    def move(self, t: int) -> None:
        """Update the process and write what it emits at step `t` into its line."""

    def begin(self, place: int = 0) -> None:
        """Begin a batch, recorded from episode `place` on: nothing is left of the one before."""
        self.line.begin()
        self._silent.clear()
        batch = slice(place, place + len(self.line.row(0)))
        self._outputs = [output[:, batch] for output in self._recorded]
        self._rows = [output.unbind(0) for output in self._outputs]
        self._states = {name: rows[:, batch].unbind(0) for name, rows in self._probed.items()}

    def hear(self, arrivals: Mapping[str, Arrivals]) -> None:
        """Take what arrives, by port; called once, after those it hears are there."""
        self.arrivals = dict(arrivals)

    def step(self, t: int) -> None:
        """Do step `t` and record it."""
        self.move(t)
        emitted = self.emitted(t) if self._rows else None
        if emitted is not None:
            for rows in self._rows:
                rows[t].copy_(emitted)

    def advance(self, first: int, last: int) -> None:
        """Do the steps of a whole chunk."""
        for t in range(first, last):
            self.move(t)
        self._record(first, last)

    def emitted(self, t: int) -> Tensor | None:
        """Return what was emitted at step `t`; None if that is nothing."""
        return None if t in self._silent else self.line.row(t)

    def slab(self, first: int, last: int) -> Tensor:
        """Return what was emitted from step `first` to before `last`."""
        return self.line.slab(first, last)

    def _record(self, first: int, last: int) -> None:
        for output in self._outputs:
            output[first:last].copy_(self.line.slab(first, last))


@final
class Given(Speaker):
    """An Input: its data, then nothing."""

    def __init__(self, data: Tensor) -> None:
        self.until = data.shape[1]
        self.begin(data)

    def begin(self, data: Tensor) -> None:
        """Take the data of some episodes, (episodes, steps given, units)."""
        self._data = data.transpose(0, 1)
        self._rows = self._data.unbind(0)
        self._levels: list[bool | None] | None = None

    def level(self, t: int) -> bool | None:
        """Return False where all data of step `t` are 0, True where none is, else None."""
        if self._levels is None:
            active = self._data.flatten(1) != 0
            pairs = zip(active.any(1).tolist(), active.all(1).tolist(), strict=True)
            self._levels = [None if some != every else every for some, every in pairs]
        return self._levels[t] if t < len(self._levels) else False

    def emitted(self, t: int) -> Tensor | None:
        """Return row `t` of the data."""
        return self._rows[t] if t < len(self._rows) else None

    def slab(self, first: int, last: int) -> Tensor:
        """Return some rows of the data."""
        return self._data[first:last]
