"""plan: a graph as populations, synapses and products; plain data, no engine.

Every process becomes one population of units with the port's variable: ``out`` (Input), ``s``
(LIF), ``a`` (Dense, whose units are the summing points of its synapses). A value emitted k > 0
steps ago is the variable ``out_k``, ``s_k`` or ``a_k``, moved on at the start of each step; a
connection into a LIF is a linked variable, one into a Dense is a `Projection` or a `Product`.

Order within one step of the network, by Brian2's slots::

    before_start   clear every variable, when a new episode starts (`dense="synapses"`)
    start          move emitted values on by one step
    after_start    products (`dense="blas"`)
    before_groups  inputs
    groups         update, in topological order of the same-step wires
    thresholds, synapses, resets, end     spikes, their delivery, v = 0, recording

A `Projection` with a delay of d steps has a delay of d - 1 in Brian2, since what arrives is read
in the next step. Its events are delivered with the value that left d - 1 steps ago; that is 0 for
an event of the episode before, so nothing crosses from one episode into the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.brian2.equations import dense_step, lif_step, lif_threshold
from hebbgraph.backends.brian2.names import Names
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import LIF, Dense, Domain, Input, Process

Array = NDArray[Any]


@dataclass(frozen=True)
class Population:
    """One process as a NeuronGroup."""

    path: str
    name: str
    units: int
    #: The variable that leaves through the process's port: out, s or a.
    port: str
    #: How many steps back a value of the port is still needed.
    reach: int
    #: Other state variables.
    states: tuple[str, ...] = ()
    #: Constants by variable name, shape (units,).
    parameters: Mapping[str, Array] = field(default_factory=dict)
    #: Variables linked to (population, its variable).
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: Code of one step, and its place among the populations.
    step: str = ""
    order: int = 0
    threshold: str = ""
    reset: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Return every state variable, all 0 at the start of an episode."""
        return (*self.states, self.port, *(f"{self.port}_{k + 1}" for k in range(self.reach)))

    def equations(self, domain: Domain) -> str:
        """Return the model in Brian2's words; values without units, integers in `fixed`."""
        unit = "1" if domain == "float" else "integer"
        lines = [f"{name} : {unit}" for name in self.variables]
        lines += [f"{name} : {unit} (constant)" for name in self.parameters]
        lines += [f"{name} : {unit} (linked)" for name in self.links]
        return "\n".join(lines)

    @property
    def shift(self) -> str:
        """Return the code that moves emitted values on by one step."""
        names = [self.port, *(f"{self.port}_{k + 1}" for k in range(self.reach))]
        pairs = zip(names[:0:-1], names[-2::-1], strict=True)
        return "\n".join(f"{late} = {early}" for late, early in pairs)

    @property
    def clear(self) -> str:
        """Return the code that starts an episode."""
        return "\n".join(f"{name} = 0" for name in self.variables)


@dataclass(frozen=True)
class Projection:
    """One connection into a Dense as Synapses: a synapse per nonzero weight, at least one."""

    path: str
    name: str
    source: str
    target: str
    #: Nonzero weights and their ends.
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    weights: Array
    #: Code at the arrival of an event.
    on_pre: str
    #: Delay in Brian2's terms, one step less than the graph's.
    delay: int


@dataclass(frozen=True)
class Product:
    """A Dense as one matrix product: all episodes, all connections into it."""

    path: str
    name: str
    target: str
    #: (population, variable) whose values are summed and multiplied.
    sources: tuple[tuple[str, str], ...]
    #: float64, or float32 where every sum is exact in it; shape (post, pre).
    weights: Array
    #: Power of two on the sum, and whether to keep 32 bits; None in `float`.
    exponent: int | None


@dataclass(frozen=True)
class Plan:
    """A graph in Brian2's terms."""

    domain: Domain
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    products: tuple[Product, ...]
    #: Recorded state variables by process path.
    probes: Mapping[str, tuple[str, ...]]

    def population(self, path: str) -> Population:
        """Return the population of the process at `path`."""
        return next(p for p in self.populations if p.path == path)


def make_plan(graph: Graph, dense: str) -> Plan:
    """Return `graph` (flat) as a plan, its Dense as products (``blas``) or Projections."""
    return _Planner(graph, dense == "synapses").plan()


class _Planner:
    """Holds the names while a plan is made."""

    def __init__(self, graph: Graph, events: bool) -> None:
        self.graph = graph
        self.events = events
        self.names = Names()
        self.name = {path: self.names.take(path) for path in sorted(graph.flat_processes)}

    def plan(self) -> Plan:
        """Return the whole plan."""
        populations = tuple(map(self._population, self.graph.order))
        dense = self.graph.of_kind(Dense)
        projections: list[Projection] = []
        products: list[Product] = []
        for path in sorted(dense):
            sources = self.graph.sources(f"{path}.s")
            if self.events and dense[path].weights.any():
                projections += [self._projection(path, dense[path], c) for c in sources]
            elif sources and not self.events:
                products.append(self._product(path, dense[path], sources))
        probes: dict[str, tuple[str, ...]] = {}
        for probe in self.graph.flat_probes:
            if probe.variable in self.graph.flat_processes[probe.path].STATES:
                probes[probe.path] = (*probes.get(probe.path, ()), probe.variable)
        return Plan(self.graph.domain, populations, tuple(projections), tuple(products), probes)

    def _population(self, path: str) -> Population:
        process, domain = self.graph.flat_processes[path], self.graph.domain
        port, output = next(iter(process.outputs.items()))
        common: dict[str, Any] = {
            "path": path,
            "name": self.name[path],
            "units": output.size,
            "port": port,
            "reach": self._reach(path),
            "order": self.graph.order.index(path),
        }
        if isinstance(process, LIF):
            links = self._links(path)
            return Population(
                **common,
                states=process.STATES,
                parameters={name: getattr(process, name) for name in process.PARAMETERS},
                links=links,
                step=lif_step(process, tuple(links), domain),
                threshold=lif_threshold(domain),
                reset="v = 0",
            )
        event = f"{port} != 0" if self.events and self._drives_synapses(path) else ""
        if isinstance(process, Dense) and self.events:
            step = dense_step(process, domain)
            return Population(**common, states=("total",), step=step, threshold=event)
        assert isinstance(process, Input | Dense), type(process)
        return Population(**common, threshold=event)

    def _links(self, path: str) -> dict[str, tuple[str, str]]:
        """Return the linked variables that stand for the connections into a LIF, in order."""
        links = {}
        for connection in self.graph.sources(f"{path}.a"):
            source, variable = self._emitted(connection, int(connection.delay or 0))
            links[f"{source}_{variable}"] = (source, variable)
        return links

    def _emitted(self, connection: Connection, age: int) -> tuple[str, str]:
        """Return (population, variable) of what the source emitted `age` steps ago."""
        path, _, port = connection.source.rpartition(".")
        return self.name[path], f"{port}_{age}" if age else port

    def _targets(self, path: str) -> list[tuple[Process, int]]:
        """Return (target process, delay) of every connection that leaves `path`."""
        return [
            (self.graph.flat_processes[c.target.rpartition(".")[0]], int(c.delay or 0))
            for c in self.graph.flat_connections
            if c.source.rpartition(".")[0] == path
        ]

    def _drives_synapses(self, path: str) -> bool:
        return any(isinstance(target, Dense) for target, _ in self._targets(path))

    def _reach(self, path: str) -> int:
        """Return how many steps back the output of `path` is read."""
        ages = [0]
        for target, delay in self._targets(path):
            if not isinstance(target, Dense):
                ages.append(delay)
            elif self.events:
                ages.append(delay - 1)
            else:
                ages.append(delay if delay > 1 else 0)
        return max(ages)

    def _projection(self, path: str, process: Dense, connection: Connection) -> Projection:
        delay = int(connection.delay or 0)
        source, value = self._emitted(connection, delay - 1)
        binary = self.graph.port(connection.source).signal == "spike"
        effect = "w" if binary and delay == 1 else f"w*{value}_pre"
        suffix = f"_delay_{delay}" if delay > 1 else ""
        post, pre = np.nonzero(process.weights)
        return Projection(
            path=path,
            name=self.names.take(f"{self.name[path]}_from_{source}{suffix}"),
            source=source,
            target=self.name[path],
            pre=pre,
            post=post,
            weights=process.weights[post, pre],
            on_pre=f"total_post += {effect}",
            delay=delay - 1,
        )

    def _product(self, path: str, process: Dense, sources: tuple[Connection, ...]) -> Product:
        # Products run before the step's updates: the port's variable is one step old by itself.
        ages = [int(c.delay or 0) for c in sources]
        values = [
            self._emitted(c, age if age > 1 else 0) for c, age in zip(sources, ages, strict=True)
        ]
        dtype: type[np.number[Any]] = np.float64
        if self.graph.domain == "fixed":
            largest = self._largest_sum(process, sources)
            dtype = np.float32 if largest < 2**24 else dtype if largest < 2**53 else np.int64
        return Product(
            path=path,
            name=self.name[path],
            target=self.name[path],
            sources=tuple(values),
            weights=process.weights.astype(dtype),
            exponent=process.exponent if self.graph.domain == "fixed" else None,
        )

    def _largest_sum(self, process: Dense, sources: tuple[Connection, ...]) -> int:
        """Return a bound on every partial sum: spikes have 1 bit, inputs 24, currents 32."""
        arriving = 0
        for connection in sources:
            source = self.graph.flat_processes[connection.source.rpartition(".")[0]]
            if self.graph.port(connection.source).signal == "spike":
                arriving += 1
            else:
                arriving += 2**23 if isinstance(source, Input) else 2**31
        return int(np.abs(process.weights).sum(axis=1).max()) * arriving
