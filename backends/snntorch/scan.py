"""Recurrences, over all time steps at once or of one step, with hand-written gradients.

Tensors are (steps, episodes, units). Values are bit for bit those of the step-by-step modules:
every step multiplies and adds in the same order (a fused multiply-add would round once less).
Gradients of gradients are an error.
Spikes are kept as numbers: comparisons into bool, and masks, take many times as long on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hebbgraph.backends.snntorch.surrogates import Surrogate, asked

#: Steps whose surrogate gradients are taken at once: as many as hold this many numbers, so that
#: what they need stays in a CPU's cache.
BLOCK = 2**16


def leaky(a: Tensor, leak: Tensor) -> Tensor:
    """Return x(t) = leak x(t-1) + a(t), from x = 0; gradients reach a and leak."""
    x: Tensor = Leak.apply(a, leak)  # type: ignore[no-untyped-call]
    return x


def fired(
    u: Tensor,
    leak: Tensor,
    drive: Tensor,
    level: Tensor,
    spike_grad: Callable[[Tensor], Tensor],
    *,
    late: int,
    steps: int,
    keep_v: bool,
) -> tuple[Tensor, Tensor | None]:
    """Return s and v of all steps, v after the reset, or None unless `keep_v`.

    With the equations::

        v(t) = leak v(t-1) + u(t) + drive;  s(t) = [v(t) > level];  v(t) <- 0 where s(t)

    The reset is detached. The first of u arrives at step `late`. Gradients reach u, leak, drive
    and level.
    """
    found: tuple[Tensor, Tensor | None] = Fire.apply(  # type: ignore[no-untyped-call]
        u, leak, drive, level, spike_grad, late, steps, keep_v
    )
    return found


def stepped(
    a: Tensor,
    u: Tensor,
    v: Tensor,
    leaks: tuple[Tensor, Tensor],
    drive: Tensor,
    level: Tensor,
    spike_grad: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return s, u and v of one step, with u = leak_u u + a and v as in `fired`.

    One node of autograd's graph instead of ten; gradients reach everything.
    """
    found: tuple[Tensor, Tensor, Tensor] = Step.apply(  # type: ignore[no-untyped-call]
        a, u, v, *leaks, drive, level, spike_grad
    )
    return found


@final
class Leak(torch.autograd.Function):
    """See `leaky`."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, leak: Tensor) -> Tensor:
        """Return x for `a` (steps, ..., units)."""
        x = torch.empty_like(a)
        rows = x.unbind(0)
        before: Tensor | None = None
        for arriving, row in zip(a.unbind(0), rows, strict=True):
            if before is None:
                row.copy_(arriving)
            else:
                torch.mul(before, leak, out=row).add_(arriving)
            before = row
        ctx.save_for_backward(x, leak)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Run the recurrence backwards."""
        x, leak = ctx.saved_tensors
        total = grads[0].clone(memory_format=torch.contiguous_format)
        _accumulate(total, leak)
        of_leak = _summed(total[1:] * x[:-1], leak) if ctx.needs_input_grad[1] else None
        return total, of_leak


@final
class Fire(torch.autograd.Function):
    """See `fired`."""

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        leak: Tensor,
        drive: Tensor,
        level: Tensor,
        spike_grad: Callable[[Tensor], Tensor],
        late: int,
        steps: int,
        keep_v: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Return (s, v after the reset, or None unless `keep_v`)."""
        ctx.set_materialize_grads(False)
        v = u.new_empty(steps, *u.shape[1:])
        s = torch.empty_like(v)
        leaks, drives = bool(leak.any()), bool(drive.any())
        arriving = [None] * late + list(u.unbind(0))
        arriving += [None] * (steps - len(arriving))
        before: tuple[Tensor, Tensor] | None = None
        for a, row, spikes in zip(arriving[:steps], v.unbind(0), s.unbind(0), strict=True):
            if before is None or not leaks:
                row.zero_() if a is None else row.copy_(a)
            else:
                torch.mul(before[0], leak, out=row)
                row.addcmul_(row, before[1], value=-1)  # 0 where it spiked
                if a is not None:
                    row.add_(a)
            if drives:
                row.add_(drive)
            torch.gt(row, level, out=spikes)
            before = row, spikes
        ctx.save_for_backward(v, s, leak, level)
        ctx.spike_grad, ctx.late, ctx.given = spike_grad, late, len(u)
        return s, torch.addcmul(v, v, s, value=-1) if keep_v else None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        """Run the recurrence backwards, the surrogate standing for the step from 0 to 1."""
        v, s, leak, level = ctx.saved_tensors
        of_s, of_v = grads
        needs = ctx.needs_input_grad
        total = torch.zeros_like(v) if of_s is None else torch.empty_like(v)
        of_level = torch.zeros_like(level) if needs[3] else None
        leaks = bool(leak.any())
        length = max(1, BLOCK // max(1, v[0].numel()))
        for last in range(len(v), 0, -length):
            block = slice(max(0, last - length), last)
            if of_s is not None:
                part = total[block].copy_(of_s[block])
                _scale(ctx.spike_grad, part, v[block] - level)
                if of_level is not None:
                    of_level -= _summed(part, level)
            if of_v is not None:
                total[block] += of_v[block] * (1 - s[block])
            if leaks:
                _accumulate(total[block.start : last + 1], leak, s[block.start : last + 1])
        of_leak = None
        if needs[1]:
            of_leak = _summed(total[1:] * torch.addcmul(v[:-1], v[:-1], s[:-1], value=-1), leak)
        of_drive = _summed(total, leak) if needs[2] else None
        of_u = total[ctx.late :][: ctx.given] if needs[0] else None
        return of_u, of_leak, of_drive, of_level, None, None, None, None


@final
class Step(torch.autograd.Function):
    """See `stepped`."""

    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        u: Tensor,
        v: Tensor,
        leak_u: Tensor,
        leak_v: Tensor,
        drive: Tensor,
        level: Tensor,
        spike_grad: Callable[[Tensor], Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (s, u, v after the reset)."""
        ctx.set_materialize_grads(False)
        current = torch.mul(u, leak_u).add_(a)
        voltage = torch.mul(v, leak_v).add_(current).add_(drive)
        s = torch.gt(voltage, level, out=torch.empty_like(voltage))
        # Infinity times 0 is not 0.
        bounded = voltage.clamp(max=torch.finfo(voltage.dtype).max)
        ctx.save_for_backward(u, v, voltage, s, leak_u, leak_v, level)
        ctx.spike_grad = spike_grad
        return s, current, bounded.addcmul_(bounded, s, value=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        """Let the surrogate stand for the step from 0 to 1."""
        u, v, voltage, s, leak_u, leak_v, level = ctx.saved_tensors
        of_s, of_u, of_v = grads
        needs = ctx.needs_input_grad
        total = torch.zeros_like(voltage) if of_s is None else of_s.clone()
        if of_s is not None:
            _scale(ctx.spike_grad, total, voltage - level)
        of_level = -_summed(total, level) if needs[6] else None
        if of_v is not None:
            total.add_(of_v).addcmul_(of_v, s, value=-1)
        of_current = total if of_u is None else total + of_u
        return (
            of_current,
            of_current * leak_u if needs[1] else None,
            total * leak_v if needs[2] else None,
            _summed(of_current * u, leak_u) if needs[3] else None,
            _summed(total * v, leak_v) if needs[4] else None,
            _summed(total, leak_v) if needs[5] else None,
            of_level,
            None,
        )


def _scale(spike_grad: Callable[[Tensor], Tensor], grad: Tensor, x: Tensor) -> None:
    """Multiply `grad`, in place, by the slope of a surrogate at `x`."""
    if isinstance(spike_grad, Surrogate):
        spike_grad.scale(grad, x)
    else:
        grad.copy_(asked(spike_grad, grad, x))


def _accumulate(total: Tensor, leak: Tensor, s: Tensor | None = None) -> None:
    """Add to each step's gradient the leak's share of the next one's, but not across a spike."""
    rows = total.unbind(0)
    spikes = s.unbind(0) if s is not None else rows
    share = torch.empty_like(rows[0])
    for t in range(len(rows) - 2, -1, -1):
        after = rows[t + 1]
        if s is not None:
            after = torch.addcmul(after, after, spikes[t], value=-1, out=share)
        rows[t].addcmul_(after, leak)


def _summed(values: Tensor, like: Tensor) -> Tensor:
    """Return the sum of `values` over all but the dimensions of `like`."""
    return values.sum_to_size(like.shape)
