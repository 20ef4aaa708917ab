"""context: what the plans of all kinds share: names, places in a step, and what arrives where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.backends.brian2.names import Names
from hebbgraph.backends.brian2.plan import Link, Operation, Plasticity, Population, Projection, Slot
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import Process, Transpose

#: Places in the slot ``groups`` that a process has for itself.
PLACES = 10


@dataclass
class Parts:
    """What the processes of a graph become."""

    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    plastic: dict[str, Plasticity] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrival:
    """What arrives at a port, in words, and the variables or arrays that stand in them."""

    text: str
    links: dict[str, Link] = field(default_factory=dict)
    views: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.text)


class Context:
    """Holds a graph, its names and the parts made so far."""

    def __init__(self, graph: Graph, in_turn: bool, compiled: bool) -> None:
        self.graph, self.domain = graph, graph.domain
        self.in_turn, self.compiled = in_turn, compiled
        self.fixed = graph.domain == "fixed"
        self.dtype = np.int64 if self.fixed else np.float64
        self.names = Names()
        self.name = {path: self.names.take(path) for path in sorted(graph.flat_processes)}
        self.parts = Parts()
        self._views: dict[tuple[str, str], str] = {}

    def process(self, path: str) -> Any:
        """Return the process at `path`."""
        return self.graph.flat_processes[path]

    def slot(self, path: str, place: int = 0) -> Slot:
        """Return a place of the process at `path` in the slot ``groups``."""
        return Slot("groups", PLACES * self.graph.order.index(path) + place)

    def array(self, key: str, values: ArrayLike) -> str:
        """Keep `values` for the network and return their key."""
        self.parts.arrays[key] = np.asarray(values)
        return key

    def parameters(self, path: str, names: Sequence[str]) -> dict[str, str]:
        """Keep fields of the process at `path`, one per unit, and return their keys by name."""
        process, found = self.process(path), {}
        for name in names:
            values = np.asarray(getattr(process, name))
            values = values if values.ndim else np.full(process.output.size, values)
            found[name] = self.array(f"{path}.{name}", values)
        return found

    # --- what arrives ----------------------------------------------------------------------

    def arrives(
        self, target: str, *, early: bool = False, units: int = 0, index: str = ""
    ) -> Arrival:
        """Return the sum that arrives at port `target` in terms of linked variables.

        It is empty without a connection. `early` is before this step's values were emitted.
        `index` is that of the port's unit for each of `units` units, if those are not the same.
        """
        size = units or self.graph.port(target).size
        links: dict[str, Link] = {}
        for connection in self.graph.sources(target):
            population, variable = self.emitted(connection, early)
            wide = self.graph.port(connection.source).size
            each = "" if wide == size else index
            if wide == 1 and size != 1:
                each = f"np.repeat(np.arange(COPIES), {size})"
            links[f"{population}_{variable}"] = Link(population, variable, each)
        return Arrival(" + ".join(links), links)

    def reads(self, target: str, *, early: bool = False, lag: int = 0) -> Arrival:
        """Return the sum that arrived at port `target` `lag` steps ago, in terms of raw arrays.

        It is empty without a connection.
        """
        views: dict[str, tuple[str, str]] = {}
        sizes = set()
        for connection in self.graph.sources(target):
            views |= self.view(*self.emitted(connection, early, lag))
            sizes.add(self.graph.port(connection.source).size)
        text, size = " + ".join(views), self.graph.port(target).size
        if text and size not in sizes:
            text = f"np.broadcast_to({text}, (COPIES, {size}))"
        return Arrival(text, views=views)

    def view(self, population: str, variable: str) -> dict[str, tuple[str, str]]:
        """Return a variable of a population under the name of its array."""
        key = population, variable
        if key not in self._views:
            self._views[key] = self.names.take(f"{population}_{variable}")
        return {self._views[key]: key}

    def emitted(self, connection: Connection, early: bool = False, lag: int = 0) -> tuple[str, str]:
        """Return (population, variable) of what a connection delivers in this step, or did.

        Before this step's values were emitted, the port's variable is one step old by itself;
        not that of other synapses, which may just have been computed.
        """
        path, _, port = connection.source.rpartition(".")
        age = int(connection.delay or 0) + lag
        old = early and age == 1 and not self.process(path).synaptic
        return self.name[path], aged(port, 0 if old else age)

    # --- who needs it ----------------------------------------------------------------------

    def leaving(self, path: str) -> list[tuple[Connection, Process, str]]:
        """Return (connection, target process, its port) of everything that leaves `path`."""
        found = []
        for connection in self.graph.flat_connections:
            if connection.source.rpartition(".")[0] == path:
                target, _, port = connection.target.rpartition(".")
                found.append((connection, self.process(target), port))
        return found

    def delivers_events(self, connection: Connection) -> bool:
        """Return whether Synapses of Brian2 deliver a connection from its source's events."""
        target, _, port = connection.target.rpartition(".")
        process = self.process(target)
        into_synapses = process.synaptic and not process.inputs[port].learning
        return self.in_turn and into_synapses and not self.is_plastic(target)

    def is_plastic(self, path: str) -> bool:
        """Return whether the weights of the synapses at `path`, perhaps of others, learn."""
        process = self.process(path)
        holder = process.of if isinstance(process, Transpose) else path
        return holder in self.graph.plastic

    def drives_events(self, path: str) -> bool:
        """Return whether synapses are delivered from events of `path`."""
        return any(self.delivers_events(c) for c, _, _ in self.leaving(path))

    def reach(self, path: str) -> int:
        """Return how many steps back the output of `path` is read."""
        ages = [0]
        for connection, process, port in self.leaving(path):
            delay = int(connection.delay or 0)
            if not process.synaptic or process.inputs[port].learning:
                ages.append(delay)
            elif self.delivers_events(connection):
                ages.append(delay + process.longest_delay - 1)
            else:
                most = delay + process.longest_delay
                ages.append(most if most > 1 or self.process(path).synaptic else 0)
        return max(ages)


def aged(port: str, age: int) -> str:
    """Return the variable of what a port emitted `age` steps ago."""
    return f"{port}_{age}" if age else port
