"""Rounding: weights and rows on grids of a few bits while they learn.

A grid of b bits has the values k step, abs(k) < 2^(b-1), with step = span / 2^(b-1). Rounding is
to the ``nearest`` value or stochastic, so that the mean is exact: with an ``independent`` random
number for each synapse, or one that all ``shared``, as Lava's emulator of Loihi draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from hebbgraph.errors import Fault
from hebbgraph.random import stream

Mode = Literal["nearest", "independent", "shared"]


def rounded(
    values: Tensor, bits: int, span: float, mode: str, path: str, seed: int, step: int
) -> Tensor:
    """Return `values` on the grid of `bits` bits up to `span`; 0 bits for no grid.

    Stochastic rounding draws for (seed, path, step).
    """
    if not bits:
        return values
    top = 2 ** (bits - 1)
    scaled = values * (top / span)
    if mode == "nearest":
        whole = scaled.round()
    else:
        draws = stream(seed, path, "rounding", step=step)
        drawn = draws.random(None if mode == "shared" else tuple(values.shape), dtype="float32")
        whole = (scaled + torch.as_tensor(drawn).to(scaled)).floor()
    return whole.clamp(1 - top, top - 1) * (span / top)


class WeightGrid:
    """Weights of a network that act at some bits and are accumulated at others.

    After each update ``A <- round(A + dA)`` on the grid of `accumulator` bits and
    ``W = round(A)``, nearest, on that of `weight` bits; both up to `span` times the largest first
    weight of each layer.
    """

    def __init__(
        self, net: nn.Module, weight: int, accumulator: int, mode: str, span: float, seed: int
    ) -> None:
        self.weight, self.accumulator, self.mode, self.seed = weight, accumulator, mode, seed
        self.parameters = dict(net.named_parameters())
        self.spans = {
            name: span * float(p.detach().abs().max()) for name, p in self.parameters.items()
        }
        self.held = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.act()

    @torch.no_grad()
    def restore(self) -> None:
        """Put the accumulators in place of the weights, for an update."""
        for name, p in self.parameters.items():
            p.copy_(self.held[name])

    @torch.no_grad()
    def settle(self, update: int) -> None:
        """Round what the update made of the accumulators, and let weights act."""
        for name, p in self.parameters.items():
            grid = self.accumulator, self.spans[name], self.mode, f"continual.{name}", self.seed
            self.held[name] = rounded(p.detach().clone(), *grid, update)
        self.act()

    @torch.no_grad()
    def act(self) -> None:
        """Put the rounded weights in place."""
        for name, p in self.parameters.items():
            grid = self.weight, self.spans[name], "nearest", name, self.seed
            p.copy_(rounded(self.held[name], *grid, 0))

    def state(self) -> dict[str, Tensor]:
        """Return the accumulators."""
        return dict(self.held)

    def load(self, held: Mapping[str, Tensor]) -> None:
        """Take accumulators, and let weights act."""
        self.held = {name: held[name].clone() for name in self.parameters}
        self.act()


def rounding_faults(bits: Mapping[str, int], mode: object) -> list[Fault]:
    """Return what is wrong with numbers of bits by name, and a way to round."""
    faults = [
        Fault(name, str(count), "must be 0 (no grid) or 2 to 24 bits")
        for name, count in bits.items()
        if count != 0 and not 2 <= count <= 24
    ]
    if mode not in get_args(Mode):
        faults.append(Fault("rounding", repr(mode), f"must be one of {', '.join(get_args(Mode))}"))
    return faults
