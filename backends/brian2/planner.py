"""planner: a graph (flat) as a plan."""

from __future__ import annotations

from hebbgraph.backends.brian2.context import Context
from hebbgraph.backends.brian2.kinds import groups, groups_arrays
from hebbgraph.backends.brian2.kinds.events import synapses
from hebbgraph.backends.brian2.kinds.plastic_arrays import learner
from hebbgraph.backends.brian2.kinds.plastic_events import plastic
from hebbgraph.backends.brian2.kinds.products import product
from hebbgraph.backends.brian2.kinds.units import UNITS, source, units
from hebbgraph.backends.brian2.plan import Monitor, Plan
from hebbgraph.graph import Graph
from hebbgraph.processes import Transpose


def make_plan(graph: Graph, dense: str, compiled: bool = False) -> Plan:
    """Return `graph` as a plan: synapses and groups as arrays (``blas``) or as Synapses.

    `compiled` is for C++ standalone: no Python runs beside the network.
    """
    ctx = Context(graph, dense == "synapses", compiled)
    for path in graph.order:
        _add(ctx, path)
    parts = ctx.parts
    return Plan(
        domain=graph.domain,
        in_turn=ctx.in_turn,
        compiled=compiled,
        populations=tuple(parts.populations),
        projections=tuple(parts.projections),
        operations=tuple(parts.operations),
        monitors=tuple(_monitors(ctx)),
        plastic=parts.plastic,
        sources={p: ctx.name[p] for p, process in graph.walk() if process.ROLE == "source"},
        arrays=parts.arrays,
    )


def _add(ctx: Context, path: str) -> None:
    """Add what the process at `path` becomes."""
    process = ctx.process(path)
    if process.ROLE == "source":
        source(ctx, path)
    elif type(process) in UNITS:
        units(ctx, path)
    elif type(process).__name__ in groups.GROUPS:
        table = groups.GROUPS if ctx.in_turn else groups_arrays.GROUPS
        table[type(process).__name__](ctx, path)
    elif not ctx.in_turn:
        product(ctx, path)
        if path in ctx.graph.plastic:
            learner(ctx, path)
    elif not ctx.is_plastic(path):
        synapses(ctx, path)
    elif not isinstance(process, Transpose):
        plastic(ctx, path)  # with its transposes


def _monitors(ctx: Context) -> list[Monitor]:
    """Return what is recorded: all spikes, what is probed, and graded outputs that count."""
    graph, found = ctx.graph, []
    probed: dict[str, list[str]] = {}
    for probe in graph.state_probes:
        if probe.variable != "weights":
            probed.setdefault(probe.path, []).append(probe.variable)
    for path in sorted({*graph.observed, *probed}):
        process, port = graph.flat_processes[path], next(iter(graph.flat_processes[path].outputs))
        spikes = process.ROLE == "units" and process.output.signal != "graded"
        watched = "" if spikes or path not in graph.observed else port
        ternary = process.output.signal == "ternary"
        variables = tuple(probed.get(path, ()))
        found.append(Monitor(path, ctx.name[path], spikes, ternary, variables, watched))
    return found
