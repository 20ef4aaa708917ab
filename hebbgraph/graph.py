"""Graph: named processes and connections between their ports, nested where it helps.

An invalid graph cannot be built: `Graph(...)` raises `Invalid` with every fault at once, each with
its path. A path is dotted: ``layer1.memory`` is process ``memory`` of the nested graph ``layer1``,
``layer1.memory.s`` its port.
"""

from __future__ import annotations

import hashlib
import json
import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from hebbgraph.checks import DOMAINS, Domain, is_whole
from hebbgraph.errors import Fault, Invalid
from hebbgraph.processes import Dense, Port, Process, Signal, Transpose

P = TypeVar("P", bound=Process)

#: The longest delay a connection may have, in steps (Loihi's limit).
MAX_DELAY = 62


@dataclass(frozen=True, order=True)
class Connection:
    """Carry what `source` emitted `delay` steps ago to `target`, both ``path.port``.

    Without a delay, a connection into a synapse gets 1 and any other gets 0 (a same-step wire).
    """

    source: str
    target: str
    delay: int | None = None


@dataclass(frozen=True, order=True)
class Probe:
    """Record an output port (``memory.s``) or a state variable (``memory.v``) at every step.

    A state is recorded as the step left it, after any reset; so are the ``weights`` of plastic
    synapses, row by row, after any learning.
    """

    target: str

    @property
    def path(self) -> str:
        """Return the path of the recorded process."""
        return self.target.rpartition(".")[0]

    @property
    def variable(self) -> str:
        """Return the recorded port or state variable."""
        return self.target.rpartition(".")[2]


@dataclass(frozen=True, eq=False)
class Graph:
    """Processes by name, the connections between their ports, and what is recorded.

    Raises `Invalid` with all faults: unknown paths, ports of different width (a source of one unit
    fits every width), parameters out of range, delays outside 0 to 62 or below 1 into a synapse,
    cycles without a delay.
    """

    #: What the graph is called; not part of its content.
    name: str
    #: Processes, or nested graphs, by name (a Python identifier; dotted once flattened).
    processes: Mapping[str, Process | Graph]
    connections: Sequence[Connection] = ()
    probes: Sequence[Probe] = ()
    #: ``"float"`` or ``"fixed"``: the arithmetic in which the parameters are to be read.
    domain: Domain = "float"
    #: What passes approximated on the way here, in words; not part of the content.
    notes: tuple[str, ...] = field(default=())
    #: In `fixed`, how many units of a value one unit of the float graph became, by ``path.port``,
    #: ``path.state`` or ``path.weights``, where that is not 1; not part of the content either.
    scales: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        faults = _structure_faults(self)
        if faults:
            raise Invalid(f"graph {self.name!r}", faults)
        cast = {
            name: node.cast(self.domain) if isinstance(node, Process) else node
            for name, node in self.processes.items()
        }
        object.__setattr__(self, "processes", MappingProxyType(cast))
        object.__setattr__(self, "connections", tuple(map(self._resolved, self.connections)))
        object.__setattr__(self, "probes", tuple(self.probes))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "scales", MappingProxyType(dict(self.scales)))
        faults = [*self._connection_faults(), *self._probe_faults(), *self._tie_faults()]
        faults = faults or self._cycle_faults()
        if faults:
            raise Invalid(f"graph {self.name!r}", faults)

    # --- what is in it ---------------------------------------------------------------------

    def walk(self) -> Iterator[tuple[str, Process]]:
        """Yield (path, process) over all nesting levels, in the order of definition."""
        yield from self.flat_processes.items()

    @cached_property
    def flat_processes(self) -> Mapping[str, Process]:
        """Return every process by its path, over all nesting levels."""
        found: dict[str, Process] = {}
        for name, node in self.processes.items():
            if isinstance(node, Graph):
                for path, process in node.walk():
                    found[f"{name}.{path}"] = process.relocated(name)
            else:
                found[name] = node
        return MappingProxyType(found)

    @cached_property
    def flat_connections(self) -> tuple[Connection, ...]:
        """Return every connection with full paths, in the order in which arrivals are summed."""
        found = list(self.connections)
        for name, node in self.processes.items():
            if isinstance(node, Graph):
                found += [
                    Connection(f"{name}.{c.source}", f"{name}.{c.target}", c.delay)
                    for c in node.flat_connections
                ]
        return tuple(sorted(found))

    @cached_property
    def flat_probes(self) -> tuple[Probe, ...]:
        """Return every probe with its full path, sorted, each once."""
        found = set(self.probes)
        for name, node in self.processes.items():
            if isinstance(node, Graph):
                found |= {Probe(f"{name}.{probe.target}") for probe in node.flat_probes}
        return tuple(sorted(found))

    @cached_property
    def flat_scales(self) -> Mapping[str, float]:
        """Return every scale by its full path."""
        found = dict(self.scales)
        for name, node in self.processes.items():
            if isinstance(node, Graph):
                found |= {f"{name}.{target}": s for target, s in node.flat_scales.items()}
        return MappingProxyType(found)

    @cached_property
    def state_probes(self) -> tuple[Probe, ...]:
        """Return the probes of states and graded outputs that an engine is to record.

        It records spikes in any case; what sources emit is known without it.
        """
        return tuple(
            probe
            for probe in self.flat_probes
            for process in (self.flat_processes[probe.path],)
            if process.ROLE != "source"
            and (probe.variable not in process.outputs or process.output.signal == "graded")
        )

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Return the process paths in topological order of the same-step wires, ties by name."""
        sorter = self._same_step_sorter()
        sorter.prepare()
        order: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            order += ready
            sorter.done(*ready)
        return tuple(order)

    def sources(self, target: str) -> tuple[Connection, ...]:
        """Return the connections that arrive at port `target`, in summation order."""
        return tuple(c for c in self.flat_connections if c.target == target)

    def arrives_as(self, target: str) -> Signal:
        """Return the signal that arrives at port `target`: graded unless it has one source only."""
        sources = self.sources(target)
        return self.port(sources[0].source).signal if len(sources) == 1 else "graded"

    @cached_property
    def plastic(self) -> Mapping[str, Dense]:
        """Return the synapses that learn, by path."""
        found = {path: dense for path, dense in self.of_kind(Dense).items() if dense.rule}
        return MappingProxyType(found)

    @cached_property
    def observed(self) -> tuple[str, ...]:
        """Return the paths whose activity every engine returns: all units, synapses into synapses.

        From the activity, which units emitted something when, `hebbgraph.counters` counts events.
        """
        heard = {
            c.source.rpartition(".")[0]
            for c in self.flat_connections
            if self.flat_processes[c.target.rpartition(".")[0]].synaptic
        }
        return tuple(
            path
            for path, process in self.walk()
            if process.ROLE == "units" or (process.ROLE == "synapses" and path in heard)
        )

    def port(self, target: str) -> Port:
        """Return the input or output port at ``path.port``; raises KeyError if there is none."""
        path, _, name = target.rpartition(".")
        process = self.flat_processes[path]
        return {**process.inputs, **process.outputs}[name]

    def of_kind(self, kind: type[P]) -> dict[str, P]:
        """Return the processes of one kind by path."""
        return {path: node for path, node in self.walk() if isinstance(node, kind)}

    @cached_property
    def max_delay(self) -> int:
        """Return the longest delay in the graph, in steps."""
        return max((int(c.delay or 0) for c in self.flat_connections), default=0)

    @cached_property
    def content_hash(self) -> str:
        """Return SHA-256 over what decides the behaviour: domain, processes, connections, probes.

        The name, the notes, the scales, the nesting and the order of definition do not count, so a
        flattened graph has the hash of the nested one.
        """
        from hebbgraph.serialise import to_document  # serialise needs Graph

        document, arrays = to_document(self.flat())
        for key in ("name", "notes", "scales"):
            del document[key]
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
        for key in sorted(arrays):
            array = arrays[key]
            digest.update(f"{key} {array.dtype.str} {array.shape}\0".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def flat(self) -> Graph:
        """Return the same graph without nesting, processes and connections sorted by path."""
        processes = dict(sorted(self.flat_processes.items()))
        parts = (self.flat_connections, self.flat_probes, self.domain, self.notes)
        return Graph(self.name, processes, *parts, scales=self.flat_scales)

    def with_probes(self, *targets: str) -> Graph:
        """Return a copy that records `targets` too."""
        return replace(self, probes=tuple({*self.probes, *map(Probe, targets)}))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy, and send to other processes, by building it again."""
        parts = (self.connections, self.probes, self.domain, self.notes, dict(self.scales))
        return Graph, (self.name, dict(self.processes), *parts)

    def __str__(self) -> str:
        from hebbgraph.draw import tree  # draw needs Graph

        return tree(self)

    # --- what can be wrong with it ---------------------------------------------------------

    def _resolved(self, connection: Connection) -> Connection:
        """Return `connection` with its default delay filled in."""
        if is_whole(connection.delay):
            return replace(connection, delay=int(connection.delay or 0))
        if connection.delay is not None:
            return connection
        return replace(connection, delay=self._least_delay(connection.target))

    def _least_delay(self, target: str) -> int:
        """Return the shortest delay of a connection to port `target`: 1 where synapses take it."""
        path, _, port = target.rpartition(".")
        process = self.flat_processes.get(path)
        if process is None or not process.synaptic or port not in process.inputs:
            return 0
        return 0 if process.inputs[port].learning else 1

    def _connection_faults(self) -> list[Fault]:
        faults: list[Fault] = []
        seen: set[Connection] = set()
        for connection in self.connections:
            where = f"connection {connection.source} -> {connection.target}"
            ends = [
                self._end_faults(where, connection.source, "outputs"),
                self._end_faults(where, connection.target, "inputs"),
            ]
            faults += [fault for end in ends for fault in end]
            faults += self._delay_faults(where, connection)
            if connection in seen:
                need = "must be listed once"
                faults.append(Fault(where, "the same connection twice", need, "remove one"))
            seen.add(connection)
            if any(ends):
                continue
            source, target = self.port(connection.source), self.port(connection.target)
            if source.size not in (1, target.size):
                got = f"{source.size} units into {target.size}"
                need = "both ports must have the same width, or the source one unit"
                faults.append(Fault(where, got, need, "check the shape of the weights"))
        return faults

    def _end_faults(self, where: str, end: str, side: str) -> list[Fault]:
        path, _, port = end.rpartition(".")
        process = self.flat_processes.get(path)
        if process is None:
            known = ", ".join(self.flat_processes)
            need = f"must name a process and its port, as in path.port; there are {known}"
            return [Fault(where, repr(end), need)]
        ports = getattr(process, side)
        if port not in ports:
            names = ", ".join(ports) or "none"
            need = f"{side[:-1]} ports of {path} ({type(process).__name__}) are: {names}"
            return [Fault(where, repr(end), need)]
        return []

    def _delay_faults(self, where: str, connection: Connection) -> list[Fault]:
        process = self.flat_processes.get(connection.target.rpartition(".")[0])
        least = self._least_delay(connection.target)
        delay = connection.delay
        whole = is_whole(delay)
        most = MAX_DELAY - (process.longest_delay if process is not None else 0)
        if whole and least <= int(delay or 0) <= most:
            return []
        need = f"delay must be a whole number of steps in [{least}, {most}]"
        remedy = "synapses take at least one step" if least and whole and delay == 0 else ""
        if most < MAX_DELAY:
            remedy = f"its synapses add up to {MAX_DELAY - most} steps; shorten one of the two"
        return [Fault(where, f"delay {delay!r}", need, remedy)]

    def _probe_faults(self) -> list[Fault]:
        faults: list[Fault] = []
        for probe in self.probes:
            where = f"probe {probe.target}"
            process = self.flat_processes.get(probe.path)
            if process is None:
                known = ", ".join(self.flat_processes)
                need = f"must name a process and a variable, as in path.v; there are {known}"
                faults.append(Fault(where, repr(probe.target), need))
                continue
            names = self._recordable(probe.path)
            if probe.variable not in names:
                listed = ", ".join(names) or "nothing"
                need = f"{probe.path} ({type(process).__name__}) can record: {listed}"
                faults.append(Fault(where, repr(probe.variable), need))
        return faults

    def _recordable(self, path: str) -> list[str]:
        process = self.flat_processes[path]
        return [*process.outputs, *process.states, *(["weights"] if path in self.plastic else [])]

    def _tie_faults(self) -> list[Fault]:
        """Return the faults of every Transpose: its Dense is there and fits it."""
        faults: list[Fault] = []
        for path, process in self.flat_processes.items():
            if not isinstance(process, Transpose):
                continue
            dense = self.flat_processes.get(process.of)
            if not isinstance(dense, Dense):
                known = ", ".join(self.of_kind(Dense)) or "none"
                need = f"must be the path of a Dense; there are {known}"
                faults.append(Fault(f"{path}.of", repr(process.of), need))
            elif (process.post, process.pre) != dense.weights.shape:
                got = f"post {process.post}, pre {process.pre}"
                need = f"must be those of {process.of}, {dense.weights.shape}"
                faults.append(Fault(f"{path}.post", got, need))
        return faults

    def _same_step_sorter(self) -> TopologicalSorter[str]:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for path in self.flat_processes:
            sorter.add(path)
        for connection in self.flat_connections:
            if connection.delay == 0 and not self.port(connection.target).learning:
                target = connection.target.rpartition(".")[0]
                sorter.add(target, connection.source.rpartition(".")[0])
        return sorter

    def _cycle_faults(self) -> list[Fault]:
        try:
            self._same_step_sorter().prepare()
        except CycleError as error:
            cycle = " -> ".join(error.args[1])
            need = "every cycle must contain a delay of 1 or more"
            remedy = "give one of these connections delay=1"
            return [Fault("same-step cycle", cycle, need, remedy)]
        return []


def _structure_faults(graph: Graph) -> list[Fault]:
    """Return faults of the parts alone: domain, names, process parameters, nesting."""
    faults: list[Fault] = []
    if graph.domain not in DOMAINS:
        faults.append(Fault("domain", repr(graph.domain), 'must be "float" or "fixed"'))
        return faults
    if not isinstance(graph.processes, Mapping):
        need = "must be a mapping of names to processes"
        return [Fault("processes", type(graph.processes).__name__, need)]
    if not graph.processes:
        faults.append(Fault("processes", "none", "must hold at least one process"))
    for name, node in graph.processes.items():
        parts = name.split(".") if isinstance(name, str) else [""]
        if not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
            need = "a name must be a Python identifier"
            faults.append(Fault("processes", repr(name), need, "use letters, digits and _"))
        if isinstance(node, Graph):
            if node.domain != graph.domain:
                need = f"must be in the domain of the graph around it, {graph.domain!r}"
                faults.append(Fault(f"{name}.domain", repr(node.domain), need))
        elif isinstance(node, Process):
            faults += node.faults(name, graph.domain)
        else:
            faults.append(Fault(name, type(node).__name__, "must be a Process or a Graph"))
    for kind, items in (("connections", graph.connections), ("probes", graph.probes)):
        wanted = Connection if kind == "connections" else Probe
        for item in items:
            if not isinstance(item, wanted):
                faults.append(Fault(kind, repr(item), f"must be {wanted.__name__} objects"))
            elif not all(
                isinstance(end, str) for end in (item.target, getattr(item, "source", ""))
            ):
                faults.append(Fault(kind, repr(item), "must name ports as text, path.port"))
    faults += [
        Fault(path, "two processes of this path", "paths must differ", "rename one")
        for path in _repeated(graph)
    ]
    return faults


def _repeated(graph: Graph) -> list[str]:
    paths: list[str] = []
    for name, node in graph.processes.items():
        paths += [f"{name}.{p}" for p, _ in node.walk()] if isinstance(node, Graph) else [name]
    return sorted({path for path in paths if paths.count(path) > 1})
