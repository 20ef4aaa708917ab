"""Rules whose sums may pass 53 bits: the reference's own integers, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np
import torch
from torch import Tensor

from hebbgraph.backends.reference.learning import Plastic as ReferencePlastic
from hebbgraph.backends.snntorch.learning.differentiable import Differentiable
from hebbgraph.backends.snntorch.learning.in_place import InPlace
from hebbgraph.backends.snntorch.learning.plastic import Learning
from hebbgraph.rules import Rule

#: Sums below this, and half of what divides them, add up exactly in float64.
LIMIT, LIMIT_BITS = 2.0**52, 52


@final
class Far(Learning):
    """Plastic synapses in 64-bit integers; no gradients."""

    def __init__(self, path: str, rule: Rule, accumulator: Tensor, momentum: Tensor) -> None:
        super().__init__(path, rule, accumulator.detach(), momentum.detach())
        whole = (t.cpu().numpy().astype(np.int64) for t in (self.accumulator, self.momentum))
        self._plastic = ReferencePlastic(path, rule, "fixed", *whole)
        self._episodes = 1
        self._take()

    @property
    def changed(self) -> int:
        """Return how many weights have changed at one of the events."""
        return self._plastic.changed

    def begin(self, episodes: int) -> None:
        """Begin `episodes` episodes side by side: zero traces."""
        self._episodes = episodes
        self._plastic.begin(episodes)

    def read(self, signals: Mapping[str, Tensor]) -> None:
        """Take this step's signals and advance the traces."""
        read = {name: v.detach().cpu().numpy().astype(np.int64) for name, v in signals.items()}
        self._plastic.read(read)

    def learn(self, gate: Tensor | None, episode: int, step: int) -> None:
        """End an epoch."""
        is_open = np.ones((self._episodes, 1)) if gate is None else gate.detach().cpu().numpy()
        self._plastic.learn(is_open, episode, step)
        self._take()

    def _take(self) -> None:
        """Take what the integers are."""
        held = (self._plastic.accumulator, self._plastic.momentum, self._plastic.weights)
        tensors = (torch.from_numpy(values).to(self.accumulator) for values in held)
        self.accumulator, self.momentum, self.weights = tensors
        self.events = self._plastic.events


def plastic_of(
    path: str,
    rule: Rule,
    accumulator: Tensor,
    momentum: Tensor,
    *,
    fixed: bool,
    episodes: int,
    in_place: bool = True,
) -> Learning:
    """Return the leanest form of plastic synapses that is exact for `episodes` side by side."""
    if fixed:
        largest = rule.largest_sum() * episodes
        if rule.momentum:
            largest = 4096 * max(largest, float(momentum.detach().abs().max()))
        bits = rule.shift + episodes.bit_length() - 1
        if largest > LIMIT or bits > LIMIT_BITS:
            return Far(path, rule, accumulator, momentum)
    form = InPlace if in_place else Differentiable
    return form(path, rule, accumulator, momentum, fixed=fixed)
