"""A-GEM: averaged gradient episodic memory (Chaudhry et al., ICLR 2019, arXiv:1812.00420)."""

from __future__ import annotations

import torch
from torch import Tensor

from hebbgraph.continual.methods.method import Batch, weights
from hebbgraph.continual.methods.replay import Replay


class Agem(Replay):
    """Updates that would raise the loss of a draw from earlier tasks lose that part.

    With g the minibatch's gradient and r that of samples drawn from the buffer::

        g <- g - (g . r / r . r) r     where g . r < 0
    """

    name = "agem"

    def gradients(self, batch: Batch) -> None:
        """Project the gradient where it conflicts with the memory's."""
        kept = self.drawn("reference")
        if kept is None:
            return
        held = {n: w for n, w in weights(self.setting.net).items() if w.grad is not None}
        own = {name: w.grad for name, w in held.items()}
        reference = self.reference(kept[0])
        flat = projected(_flat(own, own), _flat(reference, own))
        sizes = [w.numel() for w in held.values()]
        for w, part in zip(held.values(), torch.split(flat, sizes), strict=True):
            w.grad = part.reshape(w.shape)

    def work(self) -> tuple[float, float]:
        """Return the presentations, and three operations for each weight."""
        count = sum(w.numel() for w in weights(self.setting.net).values())
        return super().work()[0], 3.0 * count

    def reference(self, batch: Batch) -> dict[str, Tensor | None]:
        """Return the gradient of the loss of samples, by weight."""
        net = self.setting.net
        net.zero_grad(set_to_none=True)
        self.setting.trainer.gradients(net, batch.x, lambda a: self.loss(a, batch))
        return {name: w.grad for name, w in weights(net).items()}


def projected(gradient: Tensor, reference: Tensor) -> Tensor:
    """Return a gradient without the part that opposes the reference, both flat."""
    along = torch.dot(gradient, reference)
    energy = torch.dot(reference, reference)
    if along >= 0 or energy == 0:
        return gradient
    return gradient - (along / energy) * reference


def _flat(parts: dict[str, Tensor | None], like: dict[str, Tensor | None]) -> Tensor:
    found = []
    for name, shape in like.items():
        part = parts.get(name)
        assert shape is not None
        found.append((torch.zeros_like(shape) if part is None else part).flatten())
    return torch.cat(found)


LEARNS = Agem
