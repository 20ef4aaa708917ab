"""Subspace: orthonormal rows that span what a layer's old inputs were, and what is left of new."""

from __future__ import annotations

import torch
from torch import Tensor


class Subspace:
    """Rows H (M, N) of one layer: `old` ones are frozen, `new` ones learn.

    With P = rows of presynaptic signals (n, N)::

        residual(P) = P - (P H_old^T) H_old
    """

    def __init__(self, width: int, like: Tensor) -> None:
        self.old = like.new_zeros((0, width))
        self.new = like.new_zeros((0, width))
        self.momentum = like.new_zeros((0, width))
        #: Units fire bursts of so many spikes, positive or negative, for `span`; 0 if linear.
        self.burst, self.span = 0, 20.0

    def response(self, rows: Tensor, basis: Tensor) -> Tensor:
        """Return y = P H^T, or whole spikes of a burst: round(clamp(y, -span, span) / q) q."""
        y = rows @ basis.T
        if not self.burst:
            return y
        grain = self.span / self.burst
        return (y.clamp(-self.span, self.span) / grain).round() * grain

    def residual(self, rows: Tensor) -> Tensor:
        """Return `rows` (n, N) without what the old rows span."""
        if not len(self.old):
            return rows
        return torch.addmm(rows, self.response(rows, self.old), self.old, alpha=-1)

    def learn(
        self, rows: Tensor, rate: float, *, momentum: float = 0.0, relative: bool = False
    ) -> None:
        """Let the new rows learn from signals P (n, N) by Oja's subspace rule.

        ::

            Y = P H_new^T,   G = Y^T (residual(P) - Y H_new) / n,
            D = momentum D + (1 - momentum) G,   H_new = H_new + rate D

        Only new rows are computed: with old rows frozen it is the full rule, rearranged. If
        `relative`, G is divided by the mean energy of a row of P, or of Y if that is larger.
        """
        if not len(self.new):
            return
        y = self.response(rows, self.new)
        step = y.T @ (self.residual(rows) - y @ self.new) / len(rows)
        if relative:
            energy = max(float(part.square().sum(1).mean()) for part in (rows, y))
            step = step / energy if energy > 0 else step
        self.momentum = torch.lerp(step, self.momentum, momentum)
        self.new = self.new + rate * self.momentum

    def freeze(self) -> None:
        """Make the new rows old ones."""
        self.old = torch.cat([self.old, self.new])
        self.new, self.momentum = self.new[:0], self.momentum[:0]

    def orthonormality(self) -> float:
        """Return the error of the new rows, norm(H H^T - 1) / sqrt(M)."""
        gram = self.new @ self.new.T
        return float((gram - torch.eye(len(gram)).to(gram)).norm() / max(1, len(gram)) ** 0.5)

    def explained(self, rows: Tensor) -> float:
        """Return the share of the residual's energy that the new rows take away."""
        left = self.residual(rows)
        whole = float(left.square().sum())
        return 1 - float(_without(left, self.new).square().sum()) / whole if whole else 1.0


def _without(rows: Tensor, basis: Tensor) -> Tensor:
    """Return rows (n, N) minus their projection on the rows of `basis` (M, N)."""
    if not len(basis):
        return rows
    return torch.addmm(rows, rows @ basis.T, basis, alpha=-1)
