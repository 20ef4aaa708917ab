"""Weights that learn anew each time, so that gradients flow through what they learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import straight_through, towards_zero
from hebbgraph.backends.snntorch.learning.plastic import Plastic
from hebbgraph.backends.snntorch.learning.regions import ALL
from hebbgraph.backends.snntorch.learning.rounding import Draws, round_in_place
from hebbgraph.backends.snntorch.learning.terms import Vectors, factors, summed
from hebbgraph.rules import Rule


@final
class Differentiable(Plastic):
    """Gradients of what a network emits reach the first weights and everything the rule read.

    They pass roundings, and stop at the bounds of the weights.
    """

    def __init__(
        self, path: str, rule: Rule, accumulator: Tensor, momentum: Tensor, *, fixed: bool
    ) -> None:
        super().__init__(path, rule, accumulator, momentum, fixed=fixed)
        self._changed = 0

    @property
    def changed(self) -> int:
        """Return how many weights have changed at one of the events."""
        return self._changed

    def apply(self, terms: Sequence[Vectors], bits: int, draws: Draws | None) -> None:
        """Change the weights."""
        base = self.accumulator
        total = summed(factors(terms, self.shape), ALL, ALL, base, torch.empty_like(base))
        if not self.rule.self_connections:
            own = torch.eye(*self.shape, dtype=torch.bool, device=base.device)
            total = torch.where(own, 0.0, total)
        if self.rule.momentum:
            total = self._averaged(total, bits)
        if self.fixed:
            draw = self.draw(draws, ALL, ALL, base)
            whole = round_in_place(total.detach().clone(), self.rule.rounding, bits, draw)
            total = straight_through(whole, total)
        new = torch.clamp(base + total, self.low, self.high) if self.bounded else base + total
        self._changed += int(torch.count_nonzero(new.detach() != base.detach()))
        self.accumulator, self.weights = new, self.effective(new)

    def _averaged(self, total: Tensor, bits: int) -> Tensor:
        """Return the running mean, in which `total` takes part."""
        kept = self.rule.momentum
        if not self.fixed:
            self.momentum = kept * self.momentum + (1 - kept) * total
            return self.momentum
        mean = kept * self.momentum + (4096 - kept) * total
        self.momentum = towards_zero(mean / 4096)
        return self.momentum * 2.0**-bits
