"""Units without neighbours, and sources, as populations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hebbgraph.backends.brian2.context import Context
from hebbgraph.backends.brian2.kinds import graded, spiking
from hebbgraph.backends.brian2.kinds.unit import Ports, Unit
from hebbgraph.backends.brian2.plan import Code, Event, Link, Operation, Population, Slot
from hebbgraph.processes import (
    LIF,
    Exponential,
    Graded,
    LeakyIntegrator,
    Polynomial,
    Process,
    SigmaDelta,
    Sign,
    TernaryLIF,
)

FEEDING = Slot("before_groups")
#: Copies a row of data, (ROUNDS, COPIES, steps given, units), into a population.
FEED = """\
turn, step = divmod(int(timestep[0]), STEPS)
given = turn < ROUNDS and step < {data}.shape[2]
{out}[:] = {data}[turn, :, step] if given else 0"""

UNITS: dict[type[Process], Callable[[Any, Ports, bool], Unit]] = {
    LIF: spiking.lif,
    TernaryLIF: spiking.ternary_lif,
    Sign: spiking.sign,
    LeakyIntegrator: graded.leaky_integrator,
    SigmaDelta: graded.sigma_delta,
    Graded: graded.graded,
    Polynomial: graded.polynomial,
    Exponential: graded.exponential,
}


def units(ctx: Context, path: str) -> None:
    """Add one population, and its table if it looks something up."""
    process = ctx.process(path)
    arrivals = {name: ctx.arrives(f"{path}.{name}") for name in process.inputs}
    texts = {name: arrival.text for name, arrival in arrivals.items()}
    unit = UNITS[type(process)](process, texts, ctx.fixed)
    links = {name: link for arrival in arrivals.values() for name, link in arrival.links.items()}
    codes = [Code(unit.code, ctx.slot(path))]
    if unit.table is not None:
        table, entry = lookup(ctx, path, unit.table)
        links[entry] = table
        codes.append(Code(unit.then.format(entry=entry), ctx.slot(path, 1), "look"))
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, path, unit.condition),
            states=unit.states,
            parameters=ctx.parameters(path, unit.parameters),
            links=links,
            codes=tuple(codes),
            reset=unit.reset,
        )
    )


def lookup(ctx: Context, path: str, table: Any) -> tuple[Link, str]:
    """Add a population that holds a table; return the link to the entry ``k``, and its name."""
    name = ctx.names.take(f"{ctx.name[path]}_table")
    value = {"value": ctx.array(f"{path}.table", table)}
    ctx.parts.populations.append(Population(path, name, len(table), parameters=value, single=True))
    return Link(name, "value", '"k"'), f"{name}_value"


def source(ctx: Context, path: str) -> None:
    """Add the population of an Input; compiled code takes its data from a TimedArray."""
    name, fields = ctx.name[path], outlet(ctx, path)
    data = f"{name}_data"
    if ctx.compiled:
        # Inputs in `fixed` have 24 bits: int(), which keeps 32, is exact.
        value = f"int({data}(t, i))" if ctx.fixed else f"{data}(t, i)"
        fields["codes"] = (Code(f"out = {value}", FEEDING, "feed"),)
        fields["timed"] = {data: path}
    else:
        out = ctx.view(name, "out")
        code = FEED.format(out=next(iter(out)), data=data)
        feed = Operation(path, f"{name}_feed", FEEDING, code, views=out)
        ctx.parts.operations.append(feed)
    ctx.parts.populations.append(Population(**fields))


def outlet(ctx: Context, path: str, condition: str = "") -> dict[str, Any]:
    """Return the fields of a population that its process's port decides.

    It has events where it spikes, when `condition` holds or it emits something but 0, and where
    synapses are delivered from them.
    """
    process = ctx.process(path)
    port, output = next(iter(process.outputs.items()))
    spikes = process.ROLE == "units" and output.signal != "graded"
    fires = spikes or ctx.drives_events(path)
    return {
        "path": path,
        "name": ctx.name[path],
        "units": output.size,
        "port": port,
        "reach": ctx.reach(path),
        "events": {"spike": Event(condition or f"{port} != 0")} if fires else {},
    }
