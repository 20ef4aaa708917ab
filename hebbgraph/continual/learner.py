"""Learner: what the harness asks of a method of continual learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from hebbgraph.continual.streams import Labelled, Stream, Task

#: Everything that decides how a learner goes on, as arrays by name.
State = dict[str, NDArray[Any]]


class Learner(Protocol):
    """A method of continual learning, deterministic for its seed.

    The harness calls ``start``, then for every task ``begin``, ``epoch`` once per epoch, ``end``,
    and ``scores`` in between. A learner that is given what ``state`` returned goes on as the one
    that returned it would have, to the last bit; the harness stops and resumes between epochs.
    """

    @property
    def name(self) -> str:
        """Return what it is called in tables."""

    def settings(self) -> Mapping[str, Any]:
        """Return its hyper-parameters, JSON types."""

    def start(self, stream: Stream, seed: int) -> None:
        """Begin anew, untrained, for a stream."""

    def begin(self, number: int, task: Task) -> None:
        """Begin a task."""

    def epoch(self, number: int, epoch: int, samples: Labelled) -> Mapping[str, float]:
        """Learn all samples once, in their order; return what is worth a line of progress."""

    def end(self, number: int, task: Task) -> None:
        """End a task."""

    def scores(self, x: NDArray[Any], number: int) -> NDArray[Any]:
        """Return the readout (samples, outputs) for inputs (samples, N) of task `number`."""

    def state(self) -> State:
        """Return everything that decides how it goes on."""

    def restore(self, number: int, task: Task, state: State, *, begun: bool) -> None:
        """Go on from `state`, within task `number` if it was begun, else before it."""

    def costs(self) -> Mapping[str, float]:
        """Return what learning took so far: counts and bytes by name."""
