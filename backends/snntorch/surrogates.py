"""snnTorch's surrogate gradients, and for some their slope as a formula, for scans over time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import torch
from snntorch import surrogate
from torch import Tensor

#: Multiplies a gradient, in place, by the slope at what is given, which is changed, too.
Slope = Callable[[Tensor, Tensor], None]


@final
class Surrogate:
    """A spike function with a surrogate gradient, called as snnTorch's own.

    `slope` computes what snnTorch's backward does (held to it by a test); without it, backward is
    asked.
    """

    def __init__(self, spike: Callable[[Tensor], Tensor], slope: Slope | None = None) -> None:
        self._spike, self._slope = spike, slope

    def __call__(self, x: Tensor) -> Tensor:
        """Return 1 where x > 0, else 0, in float32."""
        return self._spike(x)

    def scale(self, grad: Tensor, x: Tensor) -> None:
        """Multiply `grad` by the slope at `x`, both changed in place."""
        if self._slope is None:
            grad.copy_(asked(self._spike, grad, x))
        else:
            self._slope(grad, x)


def asked(spike: Callable[[Tensor], Tensor], grad: Tensor, x: Tensor) -> Tensor:
    """Return the gradient of `x` that backward of `spike` makes of that of the spikes."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        spikes = spike(x)
        return torch.autograd.grad(spikes, x, grad.to(spikes.dtype))[0].to(x.dtype)


def _atan(grad: Tensor, x: Tensor) -> None:
    # alpha = 2: 1 / (1 + (pi x)**2)
    grad.div_(x.mul_(math.pi).square_().add_(1))


def _fast_sigmoid(grad: Tensor, x: Tensor) -> None:
    # slope = 25: 1 / (25 |x| + 1)**2
    grad.div_(x.abs_().mul_(25).add_(1).square_())


def _straight_through(grad: Tensor, x: Tensor) -> None:
    pass


#: By the names that option ``spike_grad`` takes.
SURROGATES: dict[str, Surrogate] = {
    "atan": Surrogate(surrogate.atan(), _atan),
    "fast_sigmoid": Surrogate(surrogate.fast_sigmoid(), _fast_sigmoid),
    "sigmoid": Surrogate(surrogate.sigmoid()),
    "straight_through": Surrogate(surrogate.straight_through_estimator(), _straight_through),
    "triangular": Surrogate(surrogate.triangular()),
}
