"""Norm: batch normalisation of the currents of channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Norm(nn.BatchNorm2d):
    """Normalises currents (B, C, H, W) channel by channel.

    ::

        a' = gamma (a - mean) / sqrt(variance + eps) + beta

    While training, the statistics are those of the minibatch in this one step, and their running
    averages take ``share / steps`` of them, so that each of the `steps` steps of a minibatch counts
    alike: 1 / share should be well below the number of minibatches.
    Otherwise the running averages are taken. S. Ioffe and C. Szegedy, arXiv:1502.03167.
    """

    def __init__(
        self, channels: int, steps: int, share: float = 0.1, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__(channels, momentum=share / steps, dtype=dtype)
        #: Mean and variance of each step of this minibatch, while they are gathered.
        self.gathered: list[tuple[Tensor, Tensor]] | None = None
        #: Mean and variance that take the place of the minibatch's; constants for the gradient.
        self.held: tuple[Tensor, Tensor] | None = None

    def hold(self) -> None:
        """Use, from now on, the statistics of all gathered steps together."""
        if self.gathered:
            means = torch.stack([mean for mean, _ in self.gathered])
            variances = torch.stack([variance for _, variance in self.gathered])
            mean = means.mean(0)
            self.held = mean, (variances + means.square()).mean(0) - mean.square()
        self.gathered = None

    def release(self) -> None:
        """Gather no more and use the minibatch's statistics again."""
        self.gathered = self.held = None

    def forward(self, a: Tensor) -> Tensor:
        """Return the normalised currents."""
        if self.held is not None:
            mean, variance = self.held
            return functional.batch_norm(a, mean, variance, self.weight, self.bias, eps=self.eps)
        if self.training and self.gathered is not None:
            kept = a.detach()
            self.gathered.append((kept.mean((0, 2, 3)), kept.var((0, 2, 3), correction=0)))
        if a.numel() == a.shape[1]:  # one value a channel has no variance
            return functional.batch_norm(
                a, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        normalised: Tensor = super().forward(a)
        return normalised
