"""Units that look at a group: bus, winner-take-all, softmax, dendrite."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn

from hebbgraph.backends.snntorch.arithmetic import (
    EXACT_FLOAT64,
    REGISTER,
    downwards,
    gated,
    grouped,
    looked_up,
    saturate,
    shift,
    straight_through,
)
from hebbgraph.backends.snntorch.parts.common import place
from hebbgraph.backends.snntorch.parts.neurons import GraphNeuron
from hebbgraph.processes import Bus, Domain, Process, Softmax, WinnerTakeAll


class _Groups(nn.Module):
    """What the groups of this file share: parameters, domain, sizes; they keep nothing."""

    registers: tuple[str, ...] = ()
    silenced = True

    def __init__(
        self, process: Process, domain: Domain = "float", dtype: torch.dtype = torch.float64
    ) -> None:
        super().__init__()
        self.fixed, self.size = domain == "fixed", process.output.size
        place(self, process, domain, dtype)

    def extra_repr(self) -> str:
        """Return the number of outputs."""
        return f"{self.size}"


@final
class BusGroups(_Groups):
    """`Bus`: a count has the gradient of the sum of absolute values."""

    def __init__(self, process: Bus, *args: Any) -> None:
        super().__init__(process, *args)
        self.width, self.groups, self.bits = process.width, process.groups, process.bits
        self.operation, self.spread = process.operation, process.spread

    def forward(self, x: Tensor) -> Tensor:
        """Return sum, count or maximum of each group."""
        x = grouped(x, self.groups)
        if self.operation == "max":
            out = x.amax(dim=-1)
        elif self.operation == "count":
            sizes = torch.where(x < 0, -x, x)
            out = straight_through((x != 0).to(x.dtype), sizes).sum(dim=-1)
        else:
            out = x.sum(dim=-1)
            # 32-bit values over up to 64 connections: more of them need more than 53 bits.
            if self.fixed and 64 * REGISTER * self.width >= EXACT_FLOAT64:
                out = straight_through(x.detach().long().sum(dim=-1).to(x.dtype), out)
        if self.fixed:
            out = saturate(out, self.bits)
        return out.repeat_interleave(self.width, dim=-1) if self.spread else out


@final
class WinnerTakeAllGroups(_Groups):
    """`WinnerTakeAll`: a winner has the gradient of k softmax(score) of its group."""

    floor: Tensor

    def __init__(self, process: WinnerTakeAll, *args: Any) -> None:
        super().__init__(process, *args)
        self.width, self.groups, self.k = process.width, process.groups, process.k
        self.exponent = process.exponent

    def forward(
        self,
        a: Tensor,
        *,
        gain: Tensor | None = None,
        n: Tensor | None = None,
        on: Tensor | None = None,
    ) -> Tensor:
        """Let the k highest scores of each group win, the lower index first among equals."""
        score = self._score(a, gain)
        score = score if n is None else score + n
        allowed = score > self.floor
        scores = grouped(gated(on, score, -torch.inf), self.groups)
        wins = self._first(
            torch.nan_to_num(scores.detach(), nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        ).flatten(-2)
        allowed = allowed if on is None else allowed & (on != 0)
        s = (wins & allowed).to(a.dtype)
        if not score.requires_grad:
            return s
        shares = torch.softmax(grouped(score, self.groups), dim=-1).flatten(-2)
        return straight_through(s, self.k * shares)

    def _score(self, a: Tensor, gain: Tensor | None) -> Tensor:
        score = saturate(a, 24) if self.fixed else a
        if gain is not None:
            gain = torch.clamp(gain, 0, 2.0**16) if self.fixed else gain
            score = gain.repeat_interleave(self.width, dim=-1) * score
        return shift(score, self.exponent) if self.fixed else score

    def _first(self, scores: Tensor) -> Tensor:
        """Return the k first of each group (..., width), by score and then by index."""
        if self.k == 1:
            best = scores.argmax(dim=-1, keepdim=True)  # the first of equals
            return torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, best, True)
        least = torch.topk(scores, self.k, dim=-1, sorted=False).values.amin(-1, keepdim=True)
        above, equal = scores > least, scores == least
        places = self.k - above.sum(dim=-1, keepdim=True)
        return above | (equal & (equal.cumsum(dim=-1) <= places))


@final
class SoftmaxGroups(_Groups):
    """`Softmax`: exact, or by a table whose slope is the gradient."""

    table: Tensor

    def __init__(self, process: Softmax, *args: Any) -> None:
        super().__init__(process, *args)
        self.groups, self.beta = process.groups, process.beta
        self.interval, self.bits = process.step, process.bits

    def forward(self, x: Tensor, *, on: Tensor | None = None) -> Tensor:
        """Return each unit's share of its group's exponentials."""
        x = grouped(x, self.groups)
        if not self.fixed:
            scores = self.beta * x
            # Each number is read before its place is written, so the result may take it.
            out = None if scores.requires_grad else scores
            return gated(on, torch.softmax(scores, dim=-1, out=out).flatten(-2), 0.0)
        e = looked_up(self.table, shift(x.amax(dim=-1, keepdim=True) - x, -self.interval))
        # 32 bits by at most as many: below 2**52, the floor of a rounded quotient is exact.
        shares = downwards(2.0**self.bits * e / e.sum(dim=-1, keepdim=True))
        return gated(on, shares.flatten(-2), 0.0)


@final
class DendriteNeuron(GraphNeuron):
    """`Dendrite`: the surrogate gradient reaches the segment that comes closest to firing."""

    threshold: Tensor

    def step(self, a: Tensor, states: list[Any], **ports: Tensor) -> tuple[Tensor, ...]:
        """Spike where any segment reaches its threshold."""
        margin = grouped(a - self.threshold, self.size).amax(dim=-1)
        s = (margin >= 0).to(a.dtype)
        if margin.requires_grad:
            s = straight_through(s, self.above(margin))
        return (gated(ports.get("on"), s, 0.0),)
