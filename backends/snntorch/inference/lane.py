"""Lane: a built network that runs one batch of episodes after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import final

from torch import Tensor

from hebbgraph.backends.snntorch.inference.build import Built
from hebbgraph.backends.snntorch.plan import Stage

#: Runs one stage from a first step to before a last one.
Worker = Callable[[int, int], None]


@final
class Lane:
    """What runs `steps` of a batch, in chunks of `chunk`; `stages` are those of its network."""

    def __init__(self, built: Built, stages: Sequence[Stage], steps: int, chunk: int) -> None:
        self.built, self._steps, self._chunk = built, steps, chunk
        self._work = list(self._workers(stages))

    def run(self, data: Mapping[str, Tensor], number: int, place: int) -> Iterator[int]:
        """Run the episodes that have `data`; yield how many steps were done, bit by bit.

        The first has `number` among all and is recorded at `place`.
        """
        for path, given in self.built.given.items():
            given.begin(data[path])
        for emitter in self.built.emitters.values():
            emitter.begin(place)
        for learner in self.built.learners.values():
            learner.begin(number, place)
        for first in range(0, self._steps, self._chunk):
            last = min(first + self._chunk, self._steps)
            for emitter in self.built.emitters.values():
                emitter.line.turn(first)
            for work in self._work:
                work(first, last)
            yield last - first

    def _workers(self, stages: Sequence[Stage]) -> Iterator[Worker]:
        """Yield what runs each stage."""
        emitters, learners = self.built.emitters, self.built.learners
        for stage in stages:
            paths = [path for path in stage.paths if path in emitters]
            if stage.stepwise:
                moves: list[Callable[[int], None]] = [emitters[path].step for path in paths]
                moves += [learners[path].step for path in paths if path in learners]
                yield _loop(moves)
            elif paths:
                yield emitters[paths[0]].advance


def _loop(moves: list[Callable[[int], None]]) -> Worker:
    """Return what runs some processes step by step."""

    def work(first: int, last: int) -> None:
        for t in range(first, last):
            for move in moves:
                move(t)

    return work
