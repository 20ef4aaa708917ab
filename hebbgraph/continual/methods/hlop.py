"""HLOP: Hebbian orthogonal projection (Xiao et al., ICLR 2024, arXiv:2402.11984)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hebbgraph.continual.methods.method import Batch, Setting
from hebbgraph.continual.methods.projection import Projection, RowOptions
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.streams import Task
from hebbgraph.models.hlop import fresh_rows


@dataclass(frozen=True)
class HlopOptions(RowOptions):
    """Options of HLOP."""

    #: Rate of each layer's rows, for signals of energy 1 where `relative`.
    rates: tuple[float, ...] = (0.01,)
    #: Whether the rate is divided by the mean energy of the signals.
    relative: bool = True
    momentum: float = 0.9
    #: How often rows learn from the same minibatch.
    iterations: int = 1


class Hlop(Projection):
    """Rows learn, during training, what the task presents, by lateral Hebbian synapses."""

    name = "hlop"
    options_type = HlopOptions

    def start(self, setting: Setting) -> None:
        """Listen to what arrives at the synapses."""
        super().start(setting)
        for layer in self.layers:
            layer.heard = []

    def begin(self, number: int, task: Task) -> None:
        """Add a block of random orthonormal rows."""
        counts = self.counts(number)
        for i, (count, subspace) in enumerate(zip(counts, self.subspaces, strict=True)):
            width = subspace.old.shape[1]
            drawn = fresh_rows(count, width, self.setting.seed, i + 1, number)
            if drawn is not None:
                subspace.new = self.setting.tensor(drawn)
                subspace.momentum = torch.zeros_like(subspace.new)

    @torch.no_grad()
    def gradients(self, batch: Batch) -> None:
        """Project the gradients, and let the rows learn from what was heard."""
        super().gradients(batch)
        options: HlopOptions = self.options
        rates = options.rates if len(options.rates) > 1 else options.rates * len(self.layers)
        for layer, subspace, rate in zip(self.layers, self.subspaces, rates, strict=False):
            if layer.heard and len(subspace.new):
                rows = _heard(layer)
                energy = float(rows.square().sum(1).mean()) if options.relative else 1.0
                if energy > 0:
                    subspace.learn(
                        rows, rate / energy, momentum=options.momentum, times=options.iterations
                    )

    def epoch_done(self) -> dict[str, float]:
        """Return the worst error of the new rows from orthonormal."""
        held = [s.orthonormality() for s in self.subspaces if len(s.new)]
        return {"orthonormality_error": max(held)} if held else {}

    def end(self, number: int, task: Task) -> None:
        """Merge the new rows into the old ones."""
        for subspace in self.subspaces:
            subspace.freeze()


def _heard(layer: Synapses) -> torch.Tensor:
    assert layer.heard
    return torch.cat([layer.rows(p.detach()) for p in layer.heard])


LEARNS = Hlop
