"""Units that look at a group, as synapses within it: sums, the largest, ranks.

A sum over a group is a summed variable of Synapses from its members to the group. The rank of a
member counts those of its group that come before it, so the largest is what the first one holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hebbgraph.backends.brian2.context import Context
from hebbgraph.backends.brian2.kinds.unit import saturated, shifted
from hebbgraph.backends.brian2.kinds.units import lookup, outlet
from hebbgraph.backends.brian2.plan import Code, Link, Population, Projection

#: What each operation of a Bus sums over the members of a group.
SUMMANDS = {"sum": "x_pre", "count": "int(x_pre != 0)", "max": "x_pre*int(rank_pre == 0)"}


def bus(ctx: Context, path: str) -> None:
    """Add the members, what they are summed to, and, if it is handed back, the units that emit."""
    process, name = ctx.process(path), ctx.name[path]
    arrival = ctx.arrives(f"{path}.x")
    members = ctx.names.take(f"{name}_members")
    ranked = process.operation == "max"
    ctx.parts.populations.append(
        Population(
            path,
            members,
            process.groups * process.width,
            states=("x", "rank") if ranked else ("x",),
            links=arrival.links,
            codes=(Code(f"x = {arrival.text or 0}", ctx.slot(path)),),
        )
    )
    if ranked:
        ranks(ctx, path, members, "x")
    hub = name
    fields: dict[str, Any] = {"states": ("total",)}
    if process.spread:
        hub = ctx.names.take(f"{name}_groups")
        ctx.parts.populations.append(Population(path, hub, process.groups, ("total",)))
        fields = {"links": {"total": Link(hub, "total", of_group(process))}}
    total = saturated("total", process.bits) if ctx.fixed else "total"
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, path), **fields, codes=(Code(f"out = {total}", ctx.slot(path, 3)),)
        )
    )
    summed = {"total_post": Code(SUMMANDS[process.operation], ctx.slot(path, 2))}
    sums(ctx, path, members, hub, summed, (process.groups, process.width))


def winner_take_all(ctx: Context, path: str) -> None:
    """Add units with a score and a rank in their group."""
    process = ctx.process(path)
    size = process.groups * process.width
    arrivals = {name: ctx.arrives(f"{path}.{name}") for name in ("a", "n", "on")}
    arrivals["gain"] = ctx.arrives(f"{path}.gain", units=size, index=of_group(process))
    score = arrivals["a"].text or "0"
    gain = arrivals["gain"].text
    if ctx.fixed:
        score = saturated(score, 24)
        score = f"({score}*clip({gain}, 0, 65536))" if gain else score
        score = shifted(score, process.exponent)
    elif gain:
        score = f"({gain})*({score})"
    score += f" + {arrivals['n'].text}" if arrivals["n"] else ""
    lines, wins, states = [f"score = {score}"], [f"int(rank < {process.k})"], ["score", "rank"]
    if arrivals["on"]:
        lines.append(f"on = int(({arrivals['on'].text}) != 0)")
        wins, states = ["on", *wins], [*states, "on"]
    limited = bool((process.floor > (-(2**46) if ctx.fixed else -np.inf)).any())
    if limited:
        wins.append("int(score > least)")
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, path),
            states=tuple(states),
            parameters={"least": ctx.array(f"{path}.floor", process.floor)} if limited else {},
            links={n: link for a in arrivals.values() for n, link in a.links.items()},
            codes=(
                Code("\n".join(lines), ctx.slot(path)),
                Code(f"s = {'*'.join(wins)}", ctx.slot(path, 2), "look"),
            ),
        )
    )
    ranks(ctx, path, ctx.name[path], "score", on=bool(arrivals["on"]))


def softmax(ctx: Context, path: str) -> None:
    """Add units that take the exponential of their distance from the largest, and its sum."""
    process, name = ctx.process(path), ctx.name[path]
    arrival, on = ctx.arrives(f"{path}.x"), ctx.arrives(f"{path}.on")
    gate = f"*int(({on.text}) != 0)" if on else ""
    hub = ctx.names.take(f"{name}_groups")
    ctx.parts.populations.append(Population(path, hub, process.groups, ("largest", "total")))
    links = {v: Link(hub, v, of_group(process)) for v in ("largest", "total")}
    links |= arrival.links | on.links
    states = ["x", "rank", "part"]
    if ctx.fixed:
        table, entry = lookup(ctx, path, process.table)
        links[entry] = table
        states.append("k")
        index = shifted("(largest - x)", -process.step)
        codes = [
            Code(f"k = clip({index}, 0, {len(process.table) - 1})", ctx.slot(path, 3), "look"),
            Code(f"part = {entry}", ctx.slot(path, 4), "gather"),
            Code(f"out = part*{2**process.bits}//total{gate}", ctx.slot(path, 6), "signals"),
        ]
    else:
        beta = repr(float(process.beta))
        codes = [
            Code(f"part = exp({beta}*(x - largest))", ctx.slot(path, 3), "look"),
            Code(f"out = part/total{gate}", ctx.slot(path, 6), "signals"),
        ]
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, path),
            states=tuple(states),
            links=links,
            codes=(Code(f"x = {arrival.text or 0}", ctx.slot(path)), *codes),
        )
    )
    ranks(ctx, path, name, "x")
    summed = {
        "largest_post": Code(SUMMANDS["max"], ctx.slot(path, 2)),
        "total_post": Code("part_pre", ctx.slot(path, 5)),
    }
    sums(ctx, path, name, hub, summed, (process.groups, process.width))


def dendrite(ctx: Context, path: str) -> None:
    """Add the segments, and the units that count their active ones."""
    process, name = ctx.process(path), ctx.name[path]
    arrival, on = ctx.arrives(f"{path}.a"), ctx.arrives(f"{path}.on")
    segments = ctx.names.take(f"{name}_segments")
    ctx.parts.populations.append(
        Population(
            path,
            segments,
            process.size * process.segments,
            states=("active",),
            parameters=ctx.parameters(path, ("threshold",)),
            links=arrival.links,
            codes=(Code(f"active = int({arrival.text or 0} >= threshold)", ctx.slot(path)),),
        )
    )
    fires = f"int(({on.text}) != 0)*int(hits > 0)" if on else "int(hits > 0)"
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, path),
            states=("hits",),
            links=on.links,
            codes=(Code(f"s = {fires}", ctx.slot(path, 2)),),
        )
    )
    summed = {"hits_post": Code("active_pre", ctx.slot(path, 1))}
    sums(ctx, path, segments, name, summed, (process.size, process.segments))


def of_group(process: Any) -> str:
    """Return the group of every member, in Python's words."""
    return f"np.repeat(np.arange({process.groups}), {process.width})"


def sums(
    ctx: Context,
    path: str,
    members: str,
    groups: str,
    summed: dict[str, Code],
    shape: tuple[int, int],
) -> None:
    """Add one synapse from every member to its group; `shape` is (groups, members of each)."""
    count, width = shape
    name = ctx.names.take(f"{ctx.name[path]}_sums")
    pre = ctx.array(f"{name}.pre", np.arange(count * width))
    post = ctx.array(f"{name}.post", np.repeat(np.arange(count), width))
    ctx.parts.projections.append(Projection(path, name, members, groups, pre, post, summed=summed))


def ranks(ctx: Context, path: str, members: str, variable: str, on: bool = False) -> None:
    """Add synapses between all members of a group that count who comes before whom."""
    process = ctx.process(path)
    if process.width == 1:
        return
    post, pre = np.nonzero(~np.eye(process.width, dtype=bool))
    first = process.width * np.arange(process.groups)[:, np.newaxis]
    name = ctx.names.take(f"{ctx.name[path]}_ranks")
    ends = (
        ctx.array(f"{name}.pre", (first + pre).ravel()),
        ctx.array(f"{name}.post", (first + post).ravel()),
    )
    here, there = f"{variable}_pre", f"{variable}_post"
    before = f"int({here} > {there}) + int({here} == {there})*int(i < j)"
    before = f"on_pre*({before})" if on else before
    summed = {"rank_post": Code(before, ctx.slot(path, 1))}
    ctx.parts.projections.append(Projection(path, name, members, members, *ends, summed=summed))


#: By kind: what looks at a group, as synapses.
GROUPS: dict[str, Callable[[Context, str], None]] = {
    "Bus": bus,
    "WinnerTakeAll": winner_take_all,
    "Softmax": softmax,
    "Dendrite": dendrite,
}
