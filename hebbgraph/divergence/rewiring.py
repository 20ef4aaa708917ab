"""rewiring: the graph with connections or synapses of another delay."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Array, State, Step
from hebbgraph.divergence.altered import Altered, Site
from hebbgraph.errors import Invalid
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import DOMAINS, BlockDense, Conv2d, Dense, Port, Process, Sparse

#: Which connections a change is about.
Choice = Callable[[Connection], bool]


def delayed(connection: Connection) -> bool:
    """Return whether a connection has a delay."""
    return bool(connection.delay)


def immediate(connection: Connection) -> bool:
    """Return whether a connection is a same-step wire."""
    return not connection.delay


def by(steps: int, choice: Choice) -> Callable[[Site], Iterator[Altered]]:
    """Return what tries other delays of the connections in question: all, some, each."""

    def tried(site: Site) -> Iterator[Altered]:
        every = [c for c in site.graph.flat_connections if choice(c)]
        near = [c for c in site.into(site.suspects) if choice(c)]
        if not near:
            return
        groups = [("everywhere", every)] if len(every) > len(near) else []
        names = " and ".join(dict.fromkeys(c.target.rpartition(".")[0] for c in near))
        groups.append((f"into {names}", near))
        if len(near) > 1:
            groups += [(f"from {c.source} to {c.target}", [c]) for c in near]
        for where, connections in groups:
            with contextlib.suppress(Invalid):  # a cycle without delay, or one that is too long
                yield Altered(where, graph=_moved(site.graph, connections, steps), steps=_steps)

    return tried


def synapses_by(change: Callable[[Any, Any], Any]) -> Callable[[Site], Iterator[Altered]]:
    """Return what tries other delays of each synapse: ``change(delays, weights)``."""

    def tried(site: Site) -> Iterator[Altered]:
        changed: dict[str, Process] = {}
        for path in site.suspects:
            process = site.graph.flat_processes[path]
            if isinstance(process, Dense | Sparse) and process.longest_delay:
                delays = np.broadcast_to(process.delays, process.weights.shape)
                delays = np.maximum(change(delays, process.weights), 0)
                changed[path] = replace(process, delays=delays)
        if changed:
            with contextlib.suppress(Invalid):
                yield Altered(f"in {' and '.join(changed)}", graph=_with(site.graph, changed))

    return tried


def _with(graph: Graph, changed: Mapping[str, Process]) -> Graph:
    return replace(graph, processes={**graph.flat_processes, **changed})


def _moved(graph: Graph, connections: list[Connection], steps: int) -> Graph:
    """Return `graph` with other delays; synapses that are reached in the same step become units."""
    moved = {c: replace(c, delay=int(c.delay or 0) + steps) for c in connections}
    changed: dict[str, Process] = {}
    for connection in moved.values():
        path = connection.target.rpartition(".")[0]
        process = graph.flat_processes[path]
        plain = isinstance(process, Dense | Sparse | BlockDense | Conv2d)
        if connection.delay == 0 and plain and path not in graph.plastic:
            changed[path] = Immediate(process)
    wires = tuple(moved.get(c, c) for c in graph.flat_connections)
    return replace(_with(graph, changed) if changed else graph, connections=wires)


@final
@dataclass(frozen=True, eq=False)
class Immediate(Process):
    """Synapses that may be reached in the step in which a spike was sent, which no law allows."""

    inner: Any

    SIZES: ClassVar[tuple[str, ...]] = ()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return those of the synapses."""
        return dict(self.inner.inputs)

    @property
    def outputs(self) -> dict[str, Port]:
        """Return those of the synapses."""
        return dict(self.inner.outputs)


def _immediate(process: Immediate, state: State, arriving: dict[str, Array]) -> Array:
    inner = process.inner
    if "synapses" not in state:
        delays = inner.delay_matrix() if inner.longest_delay else None
        state["synapses"] = {"weights": inner.matrix(), "delays": delays, "past": []}
    domain = "float" if arriving["s"].dtype.kind == "f" else "fixed"
    return STEPS[type(inner).__name__, domain](inner, state["synapses"], arriving)


def _steps() -> dict[tuple[str, str], Step]:
    return {("Immediate", domain): _immediate for domain in DOMAINS}
