"""Units with graded outputs: integrators, sigma-delta, memoryless functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hebbgraph.backends.snntorch.arithmetic import (
    downwards,
    gated,
    looked_up,
    saturate,
    shift,
    towards_zero,
    wrap32,
)
from hebbgraph.backends.snntorch.parts.common import place
from hebbgraph.backends.snntorch.scan import leaky
from hebbgraph.processes import Domain, Exponential, Graded, Polynomial, Process, SigmaDelta


class _Unit(nn.Module):
    """What the units of this file share: parameters, domain, registers."""

    silenced = True

    def __init__(
        self, process: Process, domain: Domain = "float", dtype: torch.dtype = torch.float64
    ) -> None:
        super().__init__()
        self.fixed, self.size = domain == "fixed", process.output.size
        self.registers = process.registers
        place(self, process, domain, dtype)

    def extra_repr(self) -> str:
        """Return the number of units."""
        return f"{self.size}"


@final
class LeakyIntegratorUnit(_Unit):
    """`LeakyIntegrator`: call it with (a, x), get (out, x)."""

    decay: Tensor

    def leak(self) -> Tensor:
        """Return the share of x that one step keeps, before any rounding."""
        return (4096 - self.decay) / 4096 if self.fixed else 1 - self.decay

    def scanned(
        self, a: Tensor, late: int, steps: int, probed: Sequence[str]
    ) -> tuple[Tensor, dict[str, Tensor]] | None:
        """Return the output of all steps at once; see `LIFNeuron.scanned`."""
        if self.fixed:
            return None
        x = leaky(functional.pad(a, (0, 0, 0, 0, 0, steps - late - len(a))), self.leak())
        x = functional.pad(x, (0, 0, 0, 0, late, 0))
        return x, {"x": x}

    def forward(
        self,
        a: Tensor,
        x: Tensor | None = None,
        *,
        reset: Tensor | None = None,
        on: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Leak and add."""
        before = torch.zeros_like(a) if x is None else x
        x = before if reset is None else torch.where(reset != 0, 0.0, before)
        x = x * self.leak()
        x = saturate(towards_zero(x) + a, 24) if self.fixed else x + a
        return gated(on, x, 0.0), gated(on, x, before)


@final
class SigmaDeltaUnit(_Unit):
    """`SigmaDelta`: call it with (a, sigma, act, residue, error), get (out, ...) back."""

    threshold: Tensor
    bias: Tensor

    def __init__(self, process: SigmaDelta, *args: Any) -> None:
        super().__init__(process, *args)
        self.rectified, self.cumulative = process.rectified, process.cumulative
        self.exponent = process.exponent

    def forward(
        self, a: Tensor, *registers: Tensor, on: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Sum changes; send the change of the activation where it reaches the threshold."""
        before = registers or (torch.zeros_like(a),) * 4
        sigma, act, residue, error = before
        keep = wrap32 if self.fixed else torch.positive
        sigma = keep(sigma + a)
        f = keep(sigma + self.bias)
        f = torch.relu(f) if self.rectified else f
        d = keep(keep(f - act) + residue)
        error = keep(error + d) if self.cumulative else error
        size = keep((error if self.cumulative else d).abs())
        sent = torch.where(size >= self.threshold, d, 0.0)
        error = torch.where(sent != 0, 0.0, error)
        after = (sigma, f, keep(d - sent), error)
        out = shift(sent, -self.exponent) if self.fixed else sent
        kept = (gated(on, new, old) for new, old in zip(after, before, strict=True))
        return gated(on, out, 0.0), *kept


@final
class GradedUnit(_Unit):
    """`Graded`: clipping stops gradients, rounding does not."""

    bias: Tensor
    low: Tensor
    high: Tensor
    dead_zone: Tensor

    def __init__(self, process: Graded, *args: Any) -> None:
        super().__init__(process, *args)
        self.exponent, self.bits = process.exponent, process.bits

    def constants(self) -> bool:
        """Return whether there is a dead zone, for calls without gradients."""
        return bool(self.dead_zone.any())

    def forward(
        self,
        a: Tensor,
        *,
        on: Tensor | None = None,
        constants: bool = True,
        out: Tensor | None = None,
    ) -> Tensor:
        """Return clip(a + bias), 0 in the dead zone; without gradients `out` may take it."""
        x = torch.add(a, self.bias, out=None if constants else out)
        y = torch.clamp(x, self.low, self.high, out=out)
        if constants:
            y = torch.where(x.abs() >= self.dead_zone, y, 0.0)
        else:  # what is no number is not outside of a dead zone either
            y = torch.nan_to_num(y, nan=0.0, posinf=torch.inf, neginf=-torch.inf, out=out)
        if self.fixed:
            y = saturate(shift(y, self.exponent), self.bits)
        return _taken(gated(on, y, 0.0), out)


@final
class PolynomialUnit(_Unit):
    """`Polynomial`: a Horner scheme, exact in the fixed domain (every sum is below 2**52)."""

    coefficients: Tensor
    divisor: Tensor
    dead_zone: Tensor

    def __init__(self, process: Polynomial, *args: Any) -> None:
        super().__init__(process, *args)
        self.rectified, self.limit, self.bits = process.rectified, process.limit, process.bits

    def constants(self) -> tuple[list[float], float, bool]:
        """Return coefficients, divisor, if there is a dead zone, for calls without gradients."""
        return self.coefficients.tolist(), float(self.divisor), bool(self.dead_zone.any())

    def forward(
        self,
        a: Tensor,
        *,
        on: Tensor | None = None,
        constants: tuple[list[float], float, bool] | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        """Return (c_0 + c_1 x + ...) / divisor, 0 in the dead zone.

        Without gradients `out` may take it.
        """
        x = torch.clamp(a, -self.limit, self.limit) if self.fixed else a
        x = torch.relu(x) if self.rectified else x
        known = constants or (list(self.coefficients), self.divisor, bool(self.dead_zone.any()))
        (*lower, highest), divisor, dead = known
        y = torch.mul(x, highest, out=out) if lower else torch.ones_like(x) * highest
        while lower:
            coefficient = lower.pop()
            if not constants or coefficient:
                y = torch.add(y, coefficient, out=out)
            y = torch.mul(y, x, out=out) if lower else y
        # Below 2**52, the floor of a rounded quotient is the quotient's.
        y = torch.div(y, divisor, out=out)
        if self.fixed:
            y = saturate(downwards(y), self.bits)
        if dead:
            y = torch.where(x.abs() >= self.dead_zone, y, 0.0)
        return _taken(gated(on, y, 0.0), out)


def _taken(y: Tensor, out: Tensor | None) -> Tensor:
    """Return `y`, copied into `out` unless it is there."""
    return y if out is None or y is out else out.copy_(y)


@final
class ExponentialUnit(_Unit):
    """`Exponential`: in the fixed domain a table, whose slope is the gradient."""

    table: Tensor

    def __init__(self, process: Exponential, *args: Any) -> None:
        super().__init__(process, *args)
        self.scale, self.origin, self.interval = process.scale, process.origin, process.step

    def forward(self, a: Tensor, *, on: Tensor | None = None) -> Tensor:
        """Return exp(scale a), or what the table says."""
        if self.fixed:
            out = looked_up(self.table, shift(a - self.origin, -self.interval))
        else:
            out = torch.exp(self.scale * a)
        return gated(on, out, 0.0)
