"""OWM: orthogonal weight modification (Zeng et al., Nature Machine Intelligence 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Options, Setting
from hebbgraph.continual.methods.projection import Projection
from hebbgraph.continual.streams import Task


@dataclass(frozen=True)
class OwmOptions(Options):
    """Options of OWM."""

    wholes: ClassVar = {"group": (1, 10**9), "rows_per_step": (0, 10**9)}
    reals: ClassVar = {"alpha": (1e-12, 1e12), "decay": (1e-12, 1.0)}

    #: Weighs a new input against the projector: the smaller, the more exact the projection.
    alpha: float = 0.1
    #: lambda: alpha shrinks by this factor from a task's first group of samples to its last.
    decay: float = 1.0
    #: Samples whose presynaptic signals are averaged.
    group: int = 32
    #: As in `RowOptions`.
    rows_per_step: int = 4096


class Owm(Projection):
    """Updates ``g P`` with P the projector off the mean inputs of old tasks (arXiv:1810.01256).

    At the end of a task the samples are shown once more; for the mean presynaptic signal x of each
    group of them (over samples, steps and positions), in turn::

        k = P x / (alpha_i + x^T P x),     P <- P - k x^T P

    which is recursive least squares, P = (1 + sum_i x_i x_i^T / alpha_i)^-1 from P = 1, and the
    exact projector off the span of all x_i as alpha -> 0. alpha_i = alpha decay^(i / n). P is
    kept in double precision.
    """

    name = "owm"
    options_type = OwmOptions

    def start(self, setting: Setting) -> None:
        """Begin with P = 1 for every layer."""
        super().start(setting)
        for layer in self.layers:
            layer.filter = None
        widths = [layer.width for layer in self.layers]
        self._set([torch.eye(n, dtype=torch.float64, device=setting.device) for n in widths])

    def gradients(self, batch: Batch) -> None:
        """Project the gradients."""
        for layer, used in zip(self.layers, self._used, strict=True):
            grad = layer.weight.grad
            if grad is not None:
                layer.weight.grad = (grad.reshape(layer.posts, layer.width) @ used).reshape(
                    grad.shape
                )

    def end(self, number: int, task: Task) -> None:
        """Take the mean inputs of the task into the projectors."""
        given: OwmOptions = self.options
        count = -(-len(task.train) // given.group)
        found = self.projectors
        for i, rows in enumerate(self.presented(task, given.group)):
            alpha = given.alpha * given.decay ** (i / count)
            found = [
                without(p, signals.double().mean(0), alpha)
                for p, signals in zip(found, rows, strict=True)
            ]
        self._set(found)

    def state(self) -> State:
        """Return the projectors."""
        return {f"projector/{i}": p.cpu().numpy() for i, p in enumerate(self.projectors)}

    def restore(self, state: State) -> None:
        """Take the projectors of `state`."""
        device = self.setting.device
        names = [f"projector/{i}" for i in range(len(self.projectors))]
        self._set([torch.tensor(state[name], device=device) for name in names])

    def work(self) -> tuple[float, float]:
        """Return one presentation, and the products g P."""
        return 1.0, float(sum(layer.posts * layer.width**2 for layer in self.layers))

    def memory(self) -> dict[str, float]:
        """Return the count of numbers in the projectors."""
        return {"projectors": sum(p.numel() for p in self.projectors)}

    def _set(self, projectors: list[Tensor]) -> None:
        self.projectors = projectors
        self._used = [p.to(self.setting.dtype) for p in projectors]


def without(projector: Tensor, x: Tensor, alpha: float) -> Tensor:
    """Return P (N, N) after one step of recursive least squares with x (N,)."""
    response = projector @ x
    return projector - torch.outer(response, response) / (alpha + torch.dot(x, response))


LEARNS = Owm
