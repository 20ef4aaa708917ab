"""Synapses as products on arrays: all episodes, all connections into them, at once.

They are taken at the start of the step, from what was emitted before. In `fixed` numbers have the
fastest type in which every sum is exact, and registers are wrapped only where a sum can reach
their ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph.backends.brian2.bounds import exact_dtype, largest_arrival, row_sums
from hebbgraph.backends.brian2.context import Context
from hebbgraph.backends.brian2.kinds.events import listed, matrix
from hebbgraph.backends.brian2.kinds.units import outlet
from hebbgraph.backends.brian2.plan import Operation, Population, Slot
from hebbgraph.processes import BlockDense, Conv2d, Dense, Sparse, Transpose

#: A list of synapses is a matrix up to this size, or if this share of the pairs is connected.
SMALL, FULL = 2**16, 0.05


def product(ctx: Context, path: str) -> None:
    """Add the summing points, and the product that gives them their currents."""
    process, name = ctx.process(path), ctx.name[path]
    ctx.parts.populations.append(Population(**outlet(ctx, path)))
    if not ctx.graph.sources(f"{path}.s"):
        return
    if ctx.is_plastic(path):
        lines, views, prelude = _shared(ctx, path), _views(ctx, path, 0), ""
    elif isinstance(process, Conv2d):
        lines, views, prelude = _convolution(ctx, path)
    elif isinstance(process, BlockDense):
        lines, views, prelude = _blocks(ctx, path)
    elif isinstance(process, Sparse) and _is_sparse(process):
        lines, views, prelude = _list(ctx, path)
    else:
        lines, views, prelude = _matrices(ctx, path)
    target = ctx.view(name, "a")
    lines += [*register(ctx, path, bound(ctx, path)), f"{next(iter(target))}[:] = total"]
    code = "\n".join(lines)
    ctx.parts.operations.append(
        Operation(path, f"{name}_product", Slot("after_start"), code, views | target, prelude)
    )


def register(ctx: Context, path: str, largest: float) -> list[str]:
    """Return the statements that turn ``total`` into the current, as a register holds it."""
    process = ctx.process(path)
    if not ctx.fixed:
        return []
    if isinstance(process, Conv2d):
        return ["total = wrap24(total.astype(np.int64))"] if largest >= 2**23 else []
    exponent = process.exponent
    if largest < 2**31 and largest * 2.0**exponent < 2**31 and exact_dtype(largest) != np.int64:
        if exponent < 0:
            return [f"total = np.floor(total * 2.0**{exponent})"]
        return [f"total = total * 2.0**{exponent}"] if exponent else []
    shift = f" << {exponent}" if exponent > 0 else f" >> {-exponent}" if exponent else ""
    lines = ["total = wrap32(total.astype(np.int64))"]
    return [*lines, f"total = wrap32(total{shift})"] if shift else lines


def bound(ctx: Context, path: str) -> float:
    """Return a bound on every sum of the synapses at `path`; 0 in `float`."""
    process = ctx.process(path)
    if not ctx.fixed:
        return 0
    most = largest_arrival(ctx.graph, f"{path}.s")
    holder = ctx.process(process.of) if isinstance(process, Transpose) else process
    if isinstance(holder, Dense) and holder.rule is not None:
        size = max(abs(holder.rule.low), abs(holder.rule.high))
        return float(most * size * process.inputs["s"].size)
    if isinstance(process, Transpose):
        return most * row_sums(holder.weights.T)
    if isinstance(process, Dense | BlockDense):
        return most * row_sums(process.weights)
    if isinstance(process, Conv2d):
        return most * row_sums(process.weights.reshape(len(process.weights), -1))
    post, _, weights, _ = listed(ctx.graph, path)
    return most * float(np.bincount(post, np.abs(weights)).max(initial=0))


def _dtype(ctx: Context, path: str) -> Any:
    return exact_dtype(bound(ctx, path)) if ctx.fixed else np.float64


def _matrices(ctx: Context, path: str) -> tuple[list[str], dict[str, Any], str]:
    """Multiply with one matrix, or with one per delay of single synapses."""
    process, dtype = ctx.process(path), _dtype(ctx, path)
    weights = matrix(ctx.graph, path)
    delays = process.delay_matrix() if process.longest_delay else np.zeros((1, 1), np.int64)
    lags = np.unique(delays[weights != 0] if process.longest_delay else delays)
    lines: list[str] = []
    views: dict[str, tuple[str, str]] = {}
    prelude: list[str] = []
    for lag in lags if len(lags) else (0,):
        suffix = f"_{lag}" if len(lags) > 1 else ""
        name = ctx.names.take(f"{ctx.name[path]}_weights{suffix}")
        late = np.where(delays == lag, weights, 0).astype(dtype)
        key = ctx.array(f"{path}.weights{suffix}", late)
        prelude.append(f'{name} = arrays["{key}"]')
        term = f"{_converted(ctx, path, dtype, int(lag))} @ {name}.T"
        lines.append(f"total = total + {term}" if lines else f"total = {term}")
        views |= _views(ctx, path, int(lag))
    return lines, views, "\n".join(prelude)


def _blocks(ctx: Context, path: str) -> tuple[list[str], dict[str, Any], str]:
    """Multiply every group with the same small matrix."""
    process, dtype = ctx.process(path), _dtype(ctx, path)
    name = ctx.names.take(f"{ctx.name[path]}_weights")
    key = ctx.array(f"{path}.weights", process.weights.astype(dtype))
    width = process.weights.shape[1]
    x = _converted(ctx, path, dtype)
    line = f"total = ({x}.reshape(-1, {width}) @ {name}.T).reshape(COPIES, -1)"
    return [line], _views(ctx, path, 0), f'{name} = arrays["{key}"]'


def _convolution(ctx: Context, path: str) -> tuple[list[str], dict[str, Any], str]:
    """Multiply the kernel with what lies under it at every position."""
    process, dtype = ctx.process(path), _dtype(ctx, path)
    weights, under = (ctx.names.take(f"{ctx.name[path]}_{part}") for part in ("weights", "under"))
    post, pre, index = process.unrolled
    channels, positions = process.shape_out[0], int(np.prod(process.shape_out[1:]))
    taps = process.weights[0].size
    inputs = np.full((taps, positions), int(np.prod(process.shape_in)))
    inputs[index % taps, post % positions] = pre
    flat = process.weights.reshape(channels, taps).astype(dtype)
    keys = ctx.array(f"{path}.weights", flat), ctx.array(f"{path}.under", inputs)
    prelude = f'{weights} = arrays["{keys[0]}"]\n{under} = arrays["{keys[1]}"]'
    x = ctx.reads(f"{path}.s", early=True).text
    line = f"total = convolved({x}, {under}, {weights})"
    return [line], _views(ctx, path, 0), prelude


def _is_sparse(process: Sparse) -> bool:
    pairs = process.sources * process.targets
    few = process.weights.size < FULL * pairs and pairs > SMALL
    return few and not process.longest_delay


def _list(ctx: Context, path: str) -> tuple[list[str], dict[str, Any], str]:
    """Sum over listed synapses."""
    process, dtype = ctx.process(path), _dtype(ctx, path)
    post, pre, weights, _ = listed(ctx.graph, path)
    order = np.argsort(post, kind="stable")
    found, heads = np.unique(post[order], return_index=True)
    parts = {"pre": pre[order], "weights": weights[order].astype(dtype)}
    parts |= {"heads": heads, "post": found}
    if not len(found):
        return [f"total = np.zeros((COPIES, {process.targets}))"], {}, ""
    keys = [f'arrays["{ctx.array(f"{path}.{part}", a)}"]' for part, a in parts.items()]
    x = _converted(ctx, path, dtype)
    line = f"total = gathered({x}, {', '.join(keys)}, {process.targets})"
    return [line], _views(ctx, path, 0), ""


def _shared(ctx: Context, path: str) -> list[str]:
    """Multiply with weights that learn, or with their transpose."""
    process = ctx.process(path)
    holder = process.of if isinstance(process, Transpose) else path
    turned = "" if isinstance(process, Transpose) else ".T"
    learner = f"{ctx.name[holder]}_learner"
    arriving = ctx.reads(f"{path}.s", early=True).text
    lines = [f"x = ({arriving}).astype(float)"]
    if holder == path:
        lines.append(f"{learner}.pre = x")
    weights = f"{learner}.weights"
    if ctx.fixed and _dtype(ctx, path) == np.int64:
        return [*lines, f"total = x.astype(np.int64) @ {weights}.astype(np.int64){turned}"]
    return [*lines, f"total = x @ {weights}{turned}"]


def _converted(ctx: Context, path: str, dtype: Any, lag: int = 0) -> str:
    """Return what arrives at the synapses as numbers of `dtype`, in words."""
    text = ctx.reads(f"{path}.s", early=True, lag=lag).text
    return f"np.asarray({text}, np.{np.dtype(dtype).name})" if ctx.fixed else f"({text})"


def _views(ctx: Context, path: str, lag: int) -> dict[str, tuple[str, str]]:
    return ctx.reads(f"{path}.s", early=True, lag=lag).views
