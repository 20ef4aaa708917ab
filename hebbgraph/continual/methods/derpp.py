"""DER++: dark experience replay (Buzzega et al., NeurIPS 2020, arXiv:2004.07211)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from hebbgraph.continual.methods.method import Batch
from hebbgraph.continual.methods.replay import Replay, ReplayOptions
from hebbgraph.continual.streams import Task


@dataclass(frozen=True)
class DerppOptions(ReplayOptions):
    """Options of DER++."""

    reals: ClassVar = {"alpha": (0.0, 1e12), "beta": (0.0, 1e12)}

    #: Factor of the distance from stored readouts.
    alpha: float = 0.5
    #: Factor of the cross entropy of stored samples.
    beta: float = 0.5


class Derpp(Replay):
    """Samples of earlier tasks come with what the network said of them after their task.

    With two draws (x', z') and (x'', y'') from the buffer, a the class currents::

        L = CE(a(x), y) + alpha mean (a(x') - z')^2 + beta CE(a(x''), y'')

    z is the readout at the end of the sample's task; the paper takes it while the task is learned,
    which with one visit of each sample in the first of many epochs keeps what the network said
    before it had learned. The mean is over the columns of the sample's head. Where the trainer asks
    for the loss of every step, z is what each step's currents are compared with.
    """

    name = "derpp"
    options_type = DerppOptions
    draws = 2

    def extended(self, batch: Batch) -> Batch:
        """Return the minibatch, then both draws from the buffer."""
        whole = super().extended(batch)
        first, second = self.drawn("readouts"), self.drawn("classes")
        self._stored = None
        if first is None or second is None:
            return whole
        self._stored = first[1]
        return whole + first[0] + second[0]

    def loss(self, currents: Tensor, batch: Batch) -> Tensor:
        """Return the loss of new samples and of both draws."""
        if self._stored is None:
            return super().loss(currents, batch)
        cut = (self._own, self._own + len(self._stored))
        parts = [slice(0, cut[0]), slice(*cut), slice(cut[1], len(batch))]
        new, like, old = (
            (currents[part], Batch(batch.x[part], batch.y[part], batch.task[part]))
            for part in parts
        )
        shown = (self.setting.columns(like[1].task) == 0).to(currents.dtype).expand_as(like[0])
        distance = ((like[0] - self._stored).square() * shown).sum() / shown.sum()
        given: DerppOptions = self.options
        return super().loss(*new) + given.alpha * distance + given.beta * super().loss(*old)

    def end(self, number: int, task: Task) -> None:
        """Keep the readouts of the task's samples."""
        self.buffer.note(number, self.setting.net)


LEARNS = Derpp
