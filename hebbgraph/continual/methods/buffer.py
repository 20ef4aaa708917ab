"""Buffer: a uniform sample of everything that was learned, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Setting


class Buffer:
    """At most `size` samples, by reservoir sampling.

    The n-th sample seen, n from 0, takes place n while there is room; then a place drawn from
    0 ... n, if that is below `size`. So each sample seen is kept with the same probability (Vitter
    1985, doi:10.1145/3147.3165).
    """

    def __init__(self, size: int) -> None:
        self.size, self.seen = size, 0
        self._kept: Batch | None = None
        self._readout: Tensor | None = None

    def __len__(self) -> int:
        return 0 if self._kept is None else len(self._kept)

    def add(self, batch: Batch, draws: np.random.Generator) -> None:
        """Show the buffer samples."""
        ends = np.arange(self.seen, self.seen + len(batch))
        drawn = np.floor(draws.random(len(batch)) * (ends + 1)).astype(np.int64)
        places = np.where(ends < self.size, ends, drawn)
        self.seen += len(batch)
        last = {int(place): row for row, place in enumerate(places) if place < self.size}
        if not last:
            return
        device = batch.y.device
        to = torch.tensor(list(last), device=device)
        of = torch.tensor(list(last.values()), device=device)
        count = min(self.size, self.seen)
        kept = self._kept
        shown = (batch.x, batch.y, batch.task)
        held = (None, None, None) if kept is None else (kept.x, kept.y, kept.task)
        parts = zip(held, shown, strict=True)
        self._kept = Batch(*(_placed(old, new[of], to, count) for old, new in parts))
        if self._readout is not None:
            nothing = self._readout.new_zeros((len(to), *self._readout.shape[1:]))
            self._readout = _placed(self._readout, nothing, to, count)

    def note(self, task: int, say: Callable[[Tensor], Tensor]) -> None:
        """Keep what a network says (n, classes) of the samples of a task beside them."""
        if self._kept is None:
            return
        rows = torch.nonzero(self._kept.task == task)[:, 0]
        if len(rows):
            said = say(self._kept.x[rows])
            self._readout = _placed(self._readout, said, rows, len(self._kept))

    def draw(
        self, count: int, before: int, draws: np.random.Generator
    ) -> tuple[Batch, Tensor | None] | None:
        """Return up to `count` different samples of tasks below `before`, and their readouts.

        None where there are none.
        """
        if self._kept is None:
            return None
        rows = np.flatnonzero((self._kept.task < before).cpu().numpy())
        if not len(rows):
            return None
        chosen = draws.permutation(rows)[:count]
        at = torch.tensor(chosen, device=self._kept.y.device)
        kept = Batch(self._kept.x[at], self._kept.y[at], self._kept.task[at])
        return kept, None if self._readout is None else self._readout[at]

    def state(self) -> State:
        """Return the samples as arrays."""
        found: State = {"buffer/seen": np.array(self.seen)}
        if self._kept is not None:
            for name in ("x", "y", "task"):
                found[f"buffer/{name}"] = getattr(self._kept, name).cpu().numpy()
        if self._readout is not None:
            found["buffer/readout"] = self._readout.cpu().numpy()
        return found

    def restore(self, state: State, setting: Setting) -> None:
        """Take the samples of `state`."""
        self.seen = int(state["buffer/seen"])
        self._kept = self._readout = None
        if "buffer/x" in state:
            y, task = (
                torch.tensor(state[f"buffer/{name}"], device=setting.device)
                for name in ("y", "task")
            )
            self._kept = Batch(setting.tensor(state["buffer/x"]), y, task)
        if "buffer/readout" in state:
            self._readout = setting.tensor(state["buffer/readout"])

    def memory(self) -> dict[str, float]:
        """Return the count of numbers kept: inputs, classes, tasks, readouts."""
        kept = self._kept
        found = 0 if kept is None else kept.x.numel() + kept.y.numel() + kept.task.numel()
        return {"buffer": found + (0 if self._readout is None else self._readout.numel())}


def _placed(old: Tensor | None, new: Tensor, places: Tensor, count: int) -> Tensor:
    """Return `old`, grown to `count` rows, with `new` rows at `places`."""
    grown = new.new_zeros((count, *new.shape[1:]))
    if old is not None:
        grown[: len(old)] = old
    grown[places] = new
    return grown
