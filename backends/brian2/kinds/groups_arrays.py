"""Units that look at a group, on arrays of all episodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hebbgraph.backends.brian2.context import Arrival, Context
from hebbgraph.backends.brian2.kinds.units import outlet
from hebbgraph.backends.brian2.plan import Operation, Population


def bus(ctx: Context, path: str) -> None:
    """Sum, count or take the maximum of each group."""
    process, x = ctx.process(path), _whole(ctx, f"{path}.x")
    bits = f", bits={process.bits}" if ctx.fixed else ""
    spread = ", spread=True" if process.spread else ""
    _add(ctx, path, f"bus({x.text}, {process.groups}, {process.operation!r}{spread}{bits})", x)


def winner_take_all(ctx: Context, path: str) -> None:
    """Let the k highest scores of each group win."""
    process = ctx.process(path)
    a = _whole(ctx, f"{path}.a")
    gain, n, on = (ctx.reads(f"{path}.{name}") for name in ("gain", "n", "on"))
    score = a.text
    if ctx.fixed:
        score = f"np.clip({score}, {1 - 2**23}, {2**23 - 1})"
        score += f" * np.repeat(np.clip({gain.text}, 0, 65536), {process.width}, 1)" if gain else ""
        score = f"({score} >> {-process.exponent})" if process.exponent else score
    elif gain:
        score = f"np.repeat({gain.text}, {process.width}, 1) * ({score})"
    score += f" + {n.text}" if n else ""
    options = ""
    if (process.floor > (-(2**46) if ctx.fixed else -np.inf)).any():
        ctx.array(f"{path}.floor", process.floor)
        options += f', floor=arrays["{path}.floor"]'
    options += f", on={on.text}" if on else ""
    code = f"winners({score}, {process.groups}, {process.k}{options})"
    _add(ctx, path, code, a, gain, n, on)


def softmax(ctx: Context, path: str) -> None:
    """Take each unit's share of its group's exponentials."""
    process, x, on = ctx.process(path), _whole(ctx, f"{path}.x"), ctx.reads(f"{path}.on")
    gate = f"*({on.text} != 0)" if on else ""
    if ctx.fixed:
        table = ctx.array(f"{path}.table", process.table)
        numbers = f'arrays["{table}"], {process.step}, {process.bits}'
        _add(ctx, path, f"shares({x.text}, {process.groups}, {numbers}){gate}", x, on)
    else:
        numbers = repr(float(process.beta))
        _add(ctx, path, f"softmax({x.text}, {process.groups}, {numbers}){gate}", x, on)


def dendrite(ctx: Context, path: str) -> None:
    """Spike where any segment reaches its threshold."""
    process, a, on = ctx.process(path), _whole(ctx, f"{path}.a"), ctx.reads(f"{path}.on")
    threshold = ctx.array(f"{path}.threshold", process.threshold)
    gate = f", on={on.text}" if on else ""
    _add(ctx, path, f'dendrite({a.text}, arrays["{threshold}"], {process.size}{gate})', a, on)


def _whole(ctx: Context, target: str) -> Arrival:
    """Return what arrives at a port, zeros if nothing is connected."""
    size = ctx.graph.port(target).size
    zeros = f"np.zeros((COPIES, {size}), {'np.int64' if ctx.fixed else 'float'})"
    return ctx.reads(target) or Arrival(zeros)


def _add(ctx: Context, path: str, value: str, *arrivals: Arrival) -> None:
    """Add the units, and the operation that gives them `value`."""
    fields = outlet(ctx, path)
    ctx.parts.populations.append(Population(**fields))
    target = ctx.view(ctx.name[path], fields["port"])
    views = {name: key for arrival in arrivals for name, key in arrival.views.items()} | target
    ctx.parts.operations.append(
        Operation(
            path,
            f"{ctx.name[path]}_step",
            ctx.slot(path),
            f"{next(iter(target))}[:] = {value}",
            views=views,
        )
    )


#: By kind: what looks at a group on arrays.
GROUPS: dict[str, Callable[[Context, str], None]] = {
    "Bus": bus,
    "WinnerTakeAll": winner_take_all,
    "Softmax": softmax,
    "Dendrite": dendrite,
}
