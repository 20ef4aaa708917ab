"""Replay: methods that keep samples of old tasks and learn from them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.buffer import Buffer
from hebbgraph.continual.methods.method import Batch, Method, Options, Setting
from hebbgraph.continual.streams import Labelled
from hebbgraph.random import stream


@dataclass(frozen=True)
class ReplayOptions(Options):
    """A buffer, and how much of it is drawn."""

    wholes: ClassVar = {"size": (1, 10**9), "replayed": (1, 10**9)}

    #: Samples in the buffer.
    size: int = 200
    #: Samples drawn from it for each minibatch.
    replayed: int = 32


class Replay(Method):
    """Shows each sample to a `Buffer` once, in the first epoch of its task.

    Only samples of earlier tasks are drawn: those of the present one are learned anyway. All draws
    are keyed by seed, task and update.
    """

    options_type: type[Options] = ReplayOptions
    #: How often samples are drawn for a minibatch.
    draws = 1

    def start(self, setting: Setting) -> None:
        """Begin with an empty buffer."""
        super().start(setting)
        self.buffer = Buffer(self.options.size)
        self._updates = 0

    def samples(self, number: int, epoch: int, samples: Labelled) -> list[tuple[int, Labelled]]:
        """Return the task's samples, and note whether they are new."""
        self._number, self._new = number, epoch == 0
        return super().samples(number, epoch, samples)

    def extended(self, batch: Batch) -> Batch:
        """Note how many samples are the task's own."""
        self._own = len(batch)
        return batch

    def drawn(self, purpose: str) -> tuple[Batch, Tensor | None] | None:
        """Return samples of earlier tasks and their readouts; None where there are none."""
        draws = self._draws(purpose)
        return self.buffer.draw(self.options.replayed, self._number, draws)

    def stepped(self, batch: Batch) -> None:
        """Show the buffer the samples."""
        if self._new:
            own = Batch(batch.x[: self._own], batch.y[: self._own], batch.task[: self._own])
            self.buffer.add(own, self._draws("reservoir"))
        self._updates += 1

    def state(self) -> State:
        """Return the buffer, and the count of updates that keys the draws."""
        return self.buffer.state() | {"updates": np.array(self._updates)}

    def restore(self, state: State) -> None:
        """Take the buffer of `state`."""
        self.buffer.restore(state, self.setting)
        self._updates = int(state["updates"])

    def work(self) -> tuple[float, float]:
        """Return the presentations of a minibatch and of what is drawn with it, by sample."""
        return 1 + self.draws * self.options.replayed / self.setting.batch, 0.0

    def memory(self) -> dict[str, float]:
        """Return the count of numbers in the buffer."""
        return self.buffer.memory()

    def _draws(self, purpose: str) -> np.random.Generator:
        path, number = f"continual.{self.name}", self._number
        return stream(self.setting.seed, path, purpose, episode=number, step=self._updates)
