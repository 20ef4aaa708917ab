"""Spiking units: snnTorch's Leaky with a soft reset before the leak, and surrogate gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from hebbgraph.errors import Fault, Invalid


class Box(torch.autograd.Function):
    """The step [v > 0] with the derivative [abs(v) < width], of height 1."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, width: float) -> Tensor:
        """Return the step."""
        ctx.save_for_backward(v)
        ctx.width = width
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Return the error through the box."""
        (v,) = ctx.saved_tensors
        return grads[0] * (v.abs() < ctx.width), None


def spike_gradient(name: str, width: float) -> Callable[[Tensor], Tensor]:
    """Return the surrogate gradient `name`: ``box`` of half-width `width`, or one of snnTorch's.

    Those are ``sigmoid``, ``fast_sigmoid`` and ``atan``, of slope 2 / width. Raises `Invalid`.
    """
    if name == "box":
        return lambda v: Box.apply(v, width)  # type: ignore[no-untyped-call]
    shapes = {"sigmoid": surrogate.sigmoid, "fast_sigmoid": surrogate.fast_sigmoid}
    if name in shapes:
        return shapes[name](slope=2 / width)
    if name == "atan":
        return surrogate.atan(alpha=2 / width)
    need = "must be one of box, sigmoid, fast_sigmoid, atan"
    raise Invalid("surrogate", [Fault("surrogate", repr(name), need)])


class Spiking(nn.Module):
    """Units with a soft reset.

    ::

        v[t] = leak (v[t-1] - threshold s[t-1]) + a[t],     s[t] = [v[t] > threshold]

    The reset passes no error. With `online` the membrane passes none from step to step either.
    """

    def __init__(
        self,
        leak: float = 0.5,
        threshold: float = 1.0,
        width: float = 0.5,
        surrogate: str = "box",
    ) -> None:
        super().__init__()
        self.leak, self.threshold, self.width = leak, threshold, width
        self.unit = snntorch.Leaky(
            beta=leak,
            threshold=threshold,
            spike_grad=spike_gradient(surrogate, width),
            reset_mechanism="none",
        )
        self.online = False
        #: Multiplies the spikes, e.g. a task's mask of units (posts ...); None for none.
        self.gate: Tensor | None = None
        #: Weighted firing rates of a minibatch, see `Rates`; None while it fires.
        self.rate: Tensor | None = None
        self.clear()

    def clear(self) -> None:
        """Forget the states: a new minibatch begins."""
        self._v: Tensor | None = None
        self._s: Tensor | None = None

    def spikes(self) -> Tensor:
        """Return the spikes of the last step."""
        assert self._s is not None
        return self._s

    def forward(self, a: Tensor) -> Tensor:
        """Return the spikes of this step, or the rates where they are set."""
        if self.rate is not None:
            return _rate(a, self.rate, self.leak * self.threshold)
        v, s = self._v, self._s
        if v is None or s is None:
            v = torch.zeros_like(a)
        else:
            a = torch.sub(a, s.detach(), alpha=self.leak * self.threshold)
        s, v = self.unit(a, v.detach() if self.online else v)
        self._v, self._s = v, s
        return s if self.gate is None else s * self.gate


class _Rate(torch.autograd.Function):
    """The recorded rate; its derivative is that of clamp(a / grain, 0, 1)."""

    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,  # noqa: ARG004 - torch leads the error back to it
        rate: Tensor,
        grain: float,
    ) -> Tensor:
        ctx.save_for_backward(rate)
        ctx.grain = grain
        return rate

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (rate,) = ctx.saved_tensors
        return grads[0] * ((rate > 0) & (rate < 1)) / ctx.grain, None, None


def _rate(a: Tensor, rate: Tensor, grain: float) -> Tensor:
    found: Tensor = _Rate.apply(a, rate, grain)  # type: ignore[no-untyped-call]
    return found
