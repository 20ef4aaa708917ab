"""EWC: elastic weight consolidation (Kirkpatrick et al., PNAS 2017, arXiv:1612.00796)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hebbgraph.continual.methods.anchored import Anchored, AnchorOptions
from hebbgraph.continual.methods.method import Batch
from hebbgraph.continual.streams import Task
from hebbgraph.random import stream


@dataclass(frozen=True)
class EwcOptions(AnchorOptions):
    """Options of EWC."""

    wholes: ClassVar = {"samples": (1, 10**9)}
    reals: ClassVar = AnchorOptions.reals | {"decay": (0.0, 1.0)}

    #: lambda, the factor of the penalty.
    strength: float = 100.0
    #: gamma, what is left of the old Fisher information after each task.
    decay: float = 1.0
    #: Samples of a task that estimate its Fisher information.
    samples: int = 200


class Ewc(Anchored):
    """Weights that the old tasks' likelihoods depend on are held by a quadratic penalty.

    ::

        L = L_task + (lambda / 2) sum_i F_i (w_i - w*_i)^2
        F <- gamma F + mean_n (d log p(y_n | x_n) / dw)^2

    The Fisher information is the online one (Schwarz et al. 2018, arXiv:1805.06370; gamma = 1 is
    Huszar's sum, arXiv:1712.03847): one F and one anchor for all old tasks. It is the diagonal of
    the true one: for x of the task, y is drawn from the softmax of the network's readout, and the
    gradient is that of the network's trainer, sample by sample.
    """

    name = "ewc"
    options_type = EwcOptions

    @property
    def pull(self) -> float:
        """Return lambda."""
        return float(self.options.strength)

    def end(self, number: int, task: Task) -> None:
        """Add the task's Fisher information, and anchor the weights."""
        found = self.fisher(number, task)
        decay = self.options.decay
        self.fasten({name: decay * old + found[name] for name, old in self.importance.items()})

    def fisher(self, number: int, task: Task) -> dict[str, Tensor]:
        """Return the mean of squared gradients of log p for samples of a task, by weight."""
        setting = self.setting
        draws = stream(setting.seed, "continual.ewc", "fisher", episode=number)
        count = min(self.options.samples, len(task.train))
        total = {name: torch.zeros_like(w) for name, w in self.anchor.items()}
        of = torch.tensor([number], device=setting.device)
        for row in draws.permutation(len(task.train))[:count]:
            x = setting.tensor(task.train.x[row : row + 1])
            readout = (setting.net(x) + setting.columns(of)).double()
            chances = torch.softmax(readout, 1).cpu().numpy()[0]
            drawn = int(
                np.searchsorted(np.cumsum(chances), draws.random() * chances.sum(), "right")
            )
            y = torch.tensor([min(drawn, len(chances) - 1)], device=setting.device)
            self._add_square(Batch(x, y, of), total)
        return {name: square / count for name, square in total.items()}

    def _add_square(self, sample: Batch, total: dict[str, Tensor]) -> None:
        setting = self.setting
        setting.net.zero_grad(set_to_none=True)
        setting.trainer.gradients(setting.net, sample.x, lambda a: self.loss(a, sample))
        for name, w in self.weights.items():
            if w.grad is not None:
                total[name] += w.grad.square()
        setting.net.zero_grad(set_to_none=True)


LEARNS = Ewc
