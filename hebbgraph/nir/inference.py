"""inference: which part of a graph NIR is to hold, and what is known about it there.

Left out is what only learning hears, and clocks that do no more than hold processes still until
their first input arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from hebbgraph.graph import Connection, Graph
from hebbgraph.nir.equivalent import Equivalent, equivalent
from hebbgraph.nir.timing import Wire
from hebbgraph.nir.to_nodes import NODES
from hebbgraph.processes import LIF, Clock, Dendrite, Graded, Process, Transpose

#: Period of a clock that switches something on for good, in steps: longer than any episode.
ONCE = 2**31 - 1


@dataclass(frozen=True)
class Inference:
    """A flat graph, seen as what NIR can hold of it."""

    graph: Graph

    @cached_property
    def forms(self) -> Mapping[str, Equivalent]:
        """Return the float form of every process."""
        found = {}
        for path, process in self.graph.walk():
            weights = None
            if isinstance(process, Transpose):
                weights = self.graph.flat_processes[process.of].matrix()
            found[path] = equivalent(process, self.graph.domain, weights)
        return found

    @cached_property
    def starts(self) -> Mapping[str, int]:
        """Return the step until which a clock holds a process, by path of the process."""
        found = {}
        for connection in self.graph.flat_connections:
            step = self._switched_on_at(connection)
            if step is not None and len(self.graph.sources(connection.target)) == 1:
                found[_end(connection)] = step
        return found

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Return why a process is not in NIR's graph, by path."""
        found: dict[str, str] = {}
        while True:
            more = {
                path: self._needless(path, found)
                for path, process in self.graph.walk()
                if path not in found and (process.ROLE == "source" or type(process) not in NODES)
            }
            if not any(more.values()):
                return found
            found |= {path: why for path, why in more.items() if why}

    @cached_property
    def wires(self) -> tuple[Wire, ...]:
        """Return the connections between what is left that NIR has: into main ports."""
        return tuple(
            Wire(c.source, c.target, int(c.delay or 0))
            for c in self.graph.flat_connections
            if c.target.rpartition(".")[2] == self._main_port(_end(c))
            and not {_end(c), _beginning(c)} & set(self.left_out)
        )

    def spare_ports(self, path: str) -> list[str]:
        """Return the ports of a process at which something arrives for which NIR has no place."""
        ports = self.graph.flat_processes[path].inputs
        spare = set(ports) - {self._main_port(path)} - ({"on"} if path in self.starts else set())
        return [
            name
            for name in ports
            if name in spare and not ports[name].learning and self.graph.sources(f"{path}.{name}")
        ]

    def at_rest(self, path: str) -> bool:
        """Return whether a process stays as it is, and silent, until something arrives."""
        return at_rest(self.forms[path].process)

    def before(self, path: str) -> set[str]:
        """Return what a process hears."""
        return {wire.edge[0] for wire in self.wires if wire.edge[1] == path}

    def after(self, path: str) -> set[str]:
        """Return what hears a process."""
        return {wire.edge[1] for wire in self.wires if wire.edge[0] == path}

    def _main_port(self, path: str) -> str:
        return next(iter(self.graph.flat_processes[path].inputs), "")

    def _switched_on_at(self, connection: Connection) -> int | None:
        """Return the step at which a clock switches a process on for good, if it does."""
        clock = self.graph.flat_processes[_beginning(connection)]
        if not isinstance(clock, Clock) or len(clock.windows) != 1 or clock.period < ONCE:
            return None
        start, stop = clock.windows[0]
        if not connection.target.endswith(".on") or stop != clock.period:
            return None
        return int(start) + int(connection.delay or 0)

    def _needless(self, path: str, left_out: Mapping[str, str]) -> str:
        """Return why a process is not needed, given others that are not; empty if it is."""
        leaving = [c for c in self.graph.flat_connections if _beginning(c) == path]
        if not leaving and self.graph.flat_processes[path].ROLE == "source":
            return "nothing hears it"
        if leaving and all(self._switched_on_at(c) is not None for c in leaving):
            return "holds processes still until their first input arrives"
        if leaving and all(
            self.graph.port(c.target).learning or _end(c) in left_out for c in leaving
        ):
            return "only learning hears it"
        return ""


def at_rest(process: Process) -> bool:
    """Return whether `process` stays as it is, and silent, until something arrives."""
    match process:
        case LIF():
            forgets = (process.decay_v == 1) & (process.bias <= process.threshold)
            return bool((forgets | ((process.bias == 0) & (process.threshold >= 0))).all())
        case Graded():
            return not process.bias.any()
        case Dendrite():
            return bool((process.threshold > 0).all())
    return True


def _beginning(connection: Connection) -> str:
    return connection.source.rpartition(".")[0]


def _end(connection: Connection) -> str:
    return connection.target.rpartition(".")[0]
