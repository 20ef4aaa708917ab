"""Spiking units: snnTorch's Leaky with a soft reset before the leak, and surrogate gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import snntorch
import torch
from torch import Tensor, nn

from hebbgraph.errors import Fault, Invalid

#: Derivative that stands for that of a spike, of v - threshold and the width; all have it at 0.
SURROGATES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "box": lambda v, width: (v.abs() < width).to(v.dtype),
    "sigmoid": lambda v, width: 2 / width * _bell(torch.sigmoid(2 / width * v)),
    "fast_sigmoid": lambda v, width: (1 + 2 / width * v.abs()) ** -2,
    "atan": lambda v, width: 1 / width / (1 + (math.pi / width * v) ** 2),
}


def _bell(rise: Tensor) -> Tensor:
    return rise * (1 - rise)


class _Spike(torch.autograd.Function):
    """The step [v > 0] with another derivative, in the type of `v`."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, name: str, width: float) -> Tensor:
        ctx.save_for_backward(v)
        ctx.name, ctx.width = name, width
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (v,) = ctx.saved_tensors
        return grads[0] * SURROGATES[ctx.name](v, ctx.width), None, None


def spike_gradient(name: str, width: float) -> Callable[[Tensor], Tensor]:
    """Return the step with the surrogate derivative `name`.

    ``box`` is 1 within `width` of the threshold; ``sigmoid``, ``fast_sigmoid`` and ``atan`` are
    those of snnTorch with slope, or alpha, 2 / width. Raises `Invalid`.
    """
    if name not in SURROGATES:
        need = f"must be one of {', '.join(SURROGATES)}"
        raise Invalid("surrogate", [Fault("surrogate", repr(name), need)])
    return lambda v: _Spike.apply(v, name, width)  # type: ignore[no-untyped-call]


class Spiking(nn.Module):
    """Units with a soft reset.

    ::

        v[t] = leak (v[t-1] - threshold s[t-1]) + a[t],     s[t] = [v[t] > fires threshold]

    with ``fires`` the share of the threshold at which a spike begins, 1 unless told. The reset
    passes no error. With `online` the membrane passes none from step to step either.
    """

    def __init__(
        self,
        leak: float = 0.5,
        threshold: float = 1.0,
        width: float = 0.5,
        surrogate: str = "box",
        fires: float = 1.0,
    ) -> None:
        super().__init__()
        self.leak, self.threshold, self.width = leak, threshold, width
        self.surrogate, self.fires = surrogate, fires
        self.unit = snntorch.Leaky(
            # Numbers of snnTorch would be float32, also where membranes are float64.
            beta=torch.tensor(leak, dtype=torch.float64),
            threshold=torch.tensor(fires * threshold, dtype=torch.float64),
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
            rate = _rate(a, self.rate, self.threshold)
            return rate if self.gate is None else rate * self.gate
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
    def forward(ctx: Any, a: Tensor, rate: Tensor, grain: float) -> Tensor:
        ctx.save_for_backward(a)
        ctx.grain = grain
        return rate

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (a,) = ctx.saved_tensors
        return grads[0] * ((a > 0) & (a < ctx.grain)) / ctx.grain, None, None


def _rate(a: Tensor, rate: Tensor, grain: float) -> Tensor:
    found: Tensor = _Rate.apply(a, rate, grain)  # type: ignore[no-untyped-call]
    return found
