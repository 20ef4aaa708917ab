"""Synapses: weights whose update may use another presynaptic signal than the forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional, grad

from hebbgraph.continual.spiking.norm import Norm

ErrorPath = Literal["bp", "fa", "ss"]
#: What the weight update takes for the presynaptic signal: what arrived, or its trace.
Factor = Literal["arrived", "trace"]
#: Window, stride and padding of a convolution.
Window = tuple[int, int, int]


class Synapses(nn.Module):
    """Synapses without bias from a layer to the next, fully connected or a convolution.

    Forward ``a = W s``; the update of the weights uses ``p``, the spikes ``s`` themselves or the
    trace ``p[t] = leak p[t-1] + s[t]``::

        dL/dW = sum delta p^T,     dL/ds = B delta

    with B = W^T (error path ``bp``), fixed random weights (``fa``) or the signs of W (``ss``),
    scaled by 1 / sqrt(width), in a convolution by sqrt(2 / (window^2 posts)).

    A convolution is the same on its patches, which share W; then `width`, the number of inputs of
    one unit, is channels times window squared. With `norm` the currents are normalised.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        window: Window | None = None,
        error: ErrorPath = "bp",
        feedback: Tensor | None = None,
        leak: float = 0.5,
        static: bool = False,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.window, self.error, self.leak = window, error, leak
        #: Whether what arrives is the same in every step: it is then carried once.
        self.static = static
        self.norm = norm
        self.feedback: Tensor | None
        self.register_buffer("feedback", feedback)
        self.factor: Factor = "arrived"
        #: Takes part of p away before it enters the update (rows, width) -> (rows, width).
        self.filter: Callable[[Tensor], Tensor] | None = None
        #: Whether errors stop here until `finish`, so that a step's graph can be freed at once.
        self.online = False
        #: Presynaptic signals of this minibatch as rows (n, width), one tensor for each step; None
        #: if nobody listens.
        self.heard: list[Tensor] | None = None
        self._most = 0
        self._draws: np.random.Generator | None = None
        self.clear()

    @property
    def width(self) -> int:
        """Return the number of inputs of one unit."""
        return self.weight[0].numel()

    @property
    def posts(self) -> int:
        """Return the number of units, or of channels."""
        return len(self.weight)

    def clear(self) -> None:
        """Forget the trace, and what was carried once: a new minibatch begins."""
        self._trace: Tensor | None = None
        self._carried: Tensor | None = None
        self._leaf: Tensor | None = None
        if self.heard is not None:
            self.heard = []

    def listen(self, most: int = 0, draws: np.random.Generator | None = None) -> None:
        """Keep, from now on, the presynaptic signals that the update takes, as rows.

        Where a step has more than `most` rows (samples times positions) only so many are kept,
        drawn by `draws` with replacement: what is kept stays bounded. 0 keeps all.
        """
        self.heard, self._most, self._draws = [], most, draws

    def taken(self) -> Tensor:
        """Return the rows (n, width) that were heard since `clear`, and listen no more."""
        rows = torch.cat(self.heard) if self.heard else self.weight.new_zeros((0, self.width))
        self.heard = self._draws = None
        return rows

    def forward(self, s: Tensor) -> Tensor:
        """Return the currents (B, posts ...) of `s`."""
        if self._leaf is not None:
            return self._leaf
        p = self._signal(s)
        self.hear(p)
        if p is s and self.filter is None and self.error == "bp":
            carried = _carry(s, self.weight, self.window)
        else:
            used = p if self.filter is None else self._filtered(p)
            back = self.back()
            carried = _Carry.apply(s, used, self.weight, back, self.window)  # type: ignore[no-untyped-call]
        if self.norm is not None:
            carried = self.norm(carried)
        if not self.static:
            return carried
        self._carried = self._leaf = carried
        if self.online and carried.requires_grad:
            self._leaf = carried.detach().requires_grad_()
        return self._leaf

    def hear(self, p: Tensor) -> None:
        """Keep the presynaptic signal of a step, if anybody listens."""
        if self.heard is not None:
            self.heard.append(self._sampled(p.detach()))

    def hear_steps(self, p: Tensor) -> None:
        """Keep presynaptic signals of several steps (T, B, width), if anybody listens."""
        if self.heard is not None and (not self._most or p.shape[1] <= self._most):
            self.heard.append(p.flatten(0, 1))
        elif self.heard is not None:
            for step in p:
                self.hear(step)

    def finish(self) -> None:
        """Pass on the errors that gathered where a static input arrives, at the end of a sample."""
        if self._leaf is not None and self._carried is not self._leaf:
            if self._leaf.grad is not None and self._carried is not None:
                self._carried.backward(self._leaf.grad)  # type: ignore[no-untyped-call]
            self._leaf.grad = None

    def rows(self, p: Tensor) -> Tensor:
        """Return presynaptic signals as rows (B x positions, width)."""
        if self.window is None or p.ndim == 2:
            return p
        size, stride, padding = self.window
        patches = functional.unfold(p, size, stride=stride, padding=padding)
        return patches.transpose(1, 2).reshape(-1, self.width)

    def _sampled(self, p: Tensor) -> Tensor:
        """Return signals as rows, at most `most` of them; only those are copied out of patches."""
        if not self._most or self._draws is None:
            return self.rows(p)
        if self.window is None:
            if len(p) <= self._most:
                return p
            return p[torch.as_tensor(self._draws.integers(len(p), size=self._most)).to(p.device)]
        size, stride, padding = self.window
        padded = functional.pad(p, (padding,) * 4)
        views = padded.unfold(2, size, stride).unfold(3, size, stride)
        counts = (len(p), views.shape[2], views.shape[3])
        total = counts[0] * counts[1] * counts[2]
        if total <= self._most:
            return self.rows(p)
        drawn = np.unravel_index(self._draws.integers(total, size=self._most), counts)
        sample, row, column = (torch.as_tensor(index).to(p.device) for index in drawn)
        return views[sample, :, row, column].reshape(-1, self.width)

    def _signal(self, s: Tensor) -> Tensor:
        if self.factor == "arrived" or self.static:
            return s.detach() if s.requires_grad and self.factor == "trace" else s
        with torch.no_grad():
            trace = s if self._trace is None else torch.add(s, self._trace, alpha=self.leak)
        self._trace = trace.detach()
        return self._trace

    def _filtered(self, p: Tensor) -> Tensor:
        assert self.filter is not None
        if self.window is not None:
            raise TypeError("the patches of a convolution are projected in its gradient")
        with torch.no_grad():
            return self.filter(p)

    def back(self) -> Tensor:
        """Return the feedback weights, shaped as W: ``dL/ds = delta B`` for rows delta."""
        if self.error == "bp":
            return self.weight.detach()
        if self.error == "ss":
            signs = self.weight.detach().sign()
            if self.window is None:
                return signs / self.width**0.5
            return signs * (2 / (self.window[0] ** 2 * self.posts)) ** 0.5
        assert self.feedback is not None
        return self.feedback


def _carry(s: Tensor, weight: Tensor, window: Window | None) -> Tensor:
    if window is None:
        return functional.linear(s, weight)
    _, stride, padding = window
    return functional.conv2d(s, weight, stride=stride, padding=padding)


class _Carry(torch.autograd.Function):
    """W s forward; the gradient of W is taken with p, that of s with the feedback weights."""

    @staticmethod
    def forward(
        ctx: Any, s: Tensor, p: Tensor, weight: Tensor, back: Tensor, window: Window | None
    ) -> Tensor:
        ctx.save_for_backward(p, back)
        ctx.window, ctx.shape = window, s.shape
        return _carry(s, weight, window)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (delta,) = grads
        p, back = ctx.saved_tensors
        to_s = to_w = None
        if ctx.window is None:
            if ctx.needs_input_grad[0]:
                to_s = delta @ back
            if ctx.needs_input_grad[2]:
                to_w = delta.T @ p
        else:
            _, stride, padding = ctx.window
            if ctx.needs_input_grad[0]:
                to_s = grad.conv2d_input(  # type: ignore[no-untyped-call]
                    ctx.shape, back, delta, stride, padding
                )
            if ctx.needs_input_grad[2]:
                to_w = grad.conv2d_weight(  # type: ignore[no-untyped-call]
                    p, back.shape, delta, stride, padding
                )
        return to_s, None, to_w, None, None
