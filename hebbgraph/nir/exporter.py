"""exporter: a graph as nir.NIRGraph."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.nir import metadata
from hebbgraph.nir.fidelity import Entry, Fidelity, require
from hebbgraph.nir.images import shapes
from hebbgraph.nir.inference import Inference
from hebbgraph.nir.library import library
from hebbgraph.nir.timing import Edge, Wire, closing, components, earliest
from hebbgraph.nir.to_nodes import NODES, Made, Site, none

#: The step in seconds that snnTorch assumes, and most files have.
STEP = 1e-4


def to_nir(graph: Graph, dt: float = STEP, *, lossy: bool = False) -> tuple[Any, Fidelity]:
    """Return `graph` as a nir.NIRGraph, with steps of `dt` seconds, and what became of each node.

    A program that runs NIR within one step, with one step around each cycle that has no Delay,
    gives the same spikes, each output by a constant number of steps (`Fidelity.shifts`) earlier.
    The weights are those of the graph; what NIR has no place for (rules, the fixed domain, names)
    is in the metadata, from which `from_nir` makes the same graph again.

    Raises `Lossy` with every process that NIR cannot hold, or without `lossy` not exactly;
    `Unavailable` if nir is not installed.
    """
    if not isinstance(graph, Graph):
        raise Invalid("NIR export", [Fault("graph", type(graph).__name__, "must be a Graph")])
    check_step(dt)
    nir = library()
    part = Inference(graph.flat())
    formed, levels = shapes(part), _levels(part)
    made = _made(part, nir, dt, formed)
    nodes = _Nodes(nir, dt, part, made, formed)
    fidelity = Fidelity(
        dt, tuple(_entries(part, made, levels)), nodes.outputs(levels), _remarks(graph)
    )
    require(f"NIR export of {graph.name!r}", fidelity, lossy)
    nodes.connect(levels)
    held = metadata.pack(graph, nodes.nodes, nodes.edges, dt)
    return nir.NIRGraph(nodes=nodes.nodes, edges=nodes.edges, metadata=held), fidelity


def check_step(dt: Any) -> None:
    """Raise `Invalid` if `dt` is no step in seconds."""
    number = isinstance(dt, int | float | np.number) and not isinstance(dt, bool)
    if not number or not 0 < dt < np.inf:
        raise Invalid("NIR", [Fault("dt", repr(dt), "must be a number of seconds above 0")])


def _made(
    part: Inference, nir: Any, dt: float, formed: Mapping[str, tuple[int, ...]]
) -> dict[str, Made]:
    """Return the nodes of every process that is not left out."""
    found = {}
    for path, process in part.graph.walk():
        if path in part.left_out:
            continue
        form = part.forms[path]
        kind, ports = type(process).__name__, part.spare_ports(path)
        if type(form.process) not in NODES:
            made = none(f"NIR has no {kind}", "export a graph without it")
        elif ports:
            listed = " and ".join(ports)
            made = none(f"NIR has no place for its port {listed}", f"leave {listed} unconnected")
        else:
            made = NODES[type(form.process)](form.process, Site(nir, dt, formed[path], form.gain))
        found[path] = _without_integers(made, form.lost) if form.lost else made
    return found


def _without_integers(made: Made, lost: str) -> Made:
    """Return `made` with what the fixed domain does that NIR does not."""
    if made.grade == "unsupported":
        return made
    remark = f"NIR has no fixed domain, in which {lost}"
    remark = f"{made.remark}; {remark}" if made.remark else remark
    remedies = [*([made.remedy] if made.remedy else []), "export the float graph"]
    return replace(made, grade="approximate", remark=remark, remedy=", ".join(remedies))


def _levels(part: Inference) -> dict[str, int]:
    """Return by how many steps a reader of NIR is ahead at every process.

    What acts of itself acts from step 0 on, or from where a clock switches it on.
    """
    paths = [path for path, _ in part.graph.walk() if path not in part.left_out]
    sources = [path for path in paths if not part.before(path)]
    acting = [path for path in paths if not part.at_rest(path)]
    return earliest(part.wires, dict.fromkeys([*sources, *acting], 0) | dict(part.starts))


def _entries(part: Inference, made: Mapping[str, Made], levels: Mapping[str, int]) -> list[Entry]:
    entries = []
    for path, process in part.graph.walk():
        kind = type(process).__name__
        if path in part.left_out:
            entries.append(Entry(path, kind, "", remark=f"left out: {part.left_out[path]}"))
            continue
        form = made[path]
        remark = form.remark
        grade, remedy = form.grade, form.remedy
        if path in part.graph.plastic:
            learns = "its weights as they are; its rule is in the metadata"
            remark = f"{remark}; {learns}" if remark else learns
        if grade != "unsupported" and levels.get(path, 0) < part.starts.get(path, 0):
            grade, remedy = "unsupported", "switch it on from step 0"
            remark = "is held still although its first input has arrived"
        became = " + ".join(
            " -> ".join(type(node).__name__ for _, node in branch) for branch in form.branches
        )
        entries.append(Entry(path, kind, became, grade, remark, remedy))
    return entries


def _remarks(graph: Graph) -> tuple[str, ...]:
    states = [probe.target for probe in graph.flat_probes if not _is_output(graph, probe.target)]
    remarks = [f"NIR records no states: {', '.join(states)}"] if states else []
    if graph.domain == "fixed":
        remarks.append("values are those of the float domain; beyond 24 bits the fixed one differs")
    return tuple(remarks)


def _is_output(graph: Graph, target: str) -> bool:
    path, _, name = target.rpartition(".")
    return name in graph.flat_processes[path].outputs


@dataclass
class _Nodes:
    """The nodes and edges of a NIR graph in the making."""

    nir: Any
    dt: float
    part: Inference
    made: Mapping[str, Made]
    shapes: Mapping[str, tuple[int, ...]]
    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    #: Names of the nodes that a process begins and ends with.
    first: dict[str, list[str]] = field(default_factory=dict)
    last: dict[str, list[str]] = field(default_factory=dict)

    def outputs(self, levels: Mapping[str, int]) -> dict[str, int]:
        """Return by how many steps each output of NIR is ahead, by process."""
        graph, left = self.part.graph, [*self.made]
        probed = {p.path for p in graph.flat_probes if _is_output(graph, p.target)}
        units = [path for path in left if graph.flat_processes[path].ROLE == "units"]
        ends = {p for p in left if not self.part.after(p) and p not in self._inputs()}
        found = sorted((probed | ends) & set(left)) or sorted(units)
        return {path: levels.get(path, 0) for path in found}

    def connect(self, levels: Mapping[str, int]) -> None:
        """Make all nodes and edges."""
        self.nodes.update(dict.fromkeys(self.made))  # their names are theirs
        for path, made in self.made.items():
            self._place(path, made)
        for wire in self._retimed(levels):
            source, target = wire.edge
            for end in self._bridge(source, target, wire.delay):
                self.edges += [(end, first) for first in self.first[target]]
        self._feed_roots()
        outputs = self.outputs(levels)
        for path in outputs:
            shape = np.array(self.shapes[path])
            name = self._name("output" if len(outputs) == 1 else f"{path}_output")
            self.nodes[name] = self.nir.Output({"output": shape})
            self.edges += [(end, name) for end in self.last[path]]

    def _inputs(self) -> list[str]:
        walk = self.part.graph.walk()
        return [path for path, process in walk if process.ROLE == "source" and path in self.made]

    def _place(self, path: str, made: Made) -> None:
        self.first[path], self.last[path] = [], []
        for branch in made.branches:
            names = [self._name(f"{path}_{suffix}") if suffix else path for suffix, _ in branch]
            self.nodes.update(zip(names, (node for _, node in branch), strict=True))
            self.edges += itertools.pairwise(names)
            self.first[path].append(names[0])
            self.last[path].append(names[-1])

    def _retimed(self, levels: Mapping[str, int]) -> list[Wire]:
        """Return the wires with the delays that they have in NIR.

        The last step of a cycle is left to the reader, who takes one around a cycle without Delay:
        but only where it would take it on the same wire as `from_nir` does.
        """
        wires = [
            replace(w, delay=w.delay + levels.get(w.edge[0], 0) - levels.get(w.edge[1], 0))
            for w in self.part.wires
        ]
        edges = [wire.edge for wire in wires if wire.delay <= 1]
        others = [wire.edge for wire in wires if wire.delay > 1]
        back = closing(edges, [*others, *(("", root) for root in self._roots())])
        slack: set[Edge] = set()
        for component in components(edges):
            inside = [wire for wire in wires if set(wire.edge) <= component]
            steps = {wire.edge for wire in inside if wire.delay == 1}
            single = len({wire.edge for wire in inside}) == len(inside)
            delayed = any(self.part.graph.flat_processes[p].longest_delay for p in component)
            if (
                single
                and not delayed
                and steps == {edge for edge in back if set(edge) <= component}
            ):
                slack |= steps
        return [replace(w, delay=0) if w.delay == 1 and w.edge in slack else w for w in wires]

    def _bridge(self, source: str, target: str, delay: int) -> list[str]:
        """Return the nodes that carry what leaves `source` to `target`, made where needed."""
        ends, shape, wanted = self.last[source], self.shapes[source], self._expected(target)
        if shape != wanted and len(shape) > 1:
            ends = self._through(ends, f"{source}_flat", self._flatten(shape))
            shape = (int(np.prod(shape)),)
        if shape != wanted:
            copies = self.nir.Linear(weight=np.ones((int(np.prod(wanted)), 1)))
            ends = self._through(ends, f"{source}_to_{wanted[0]}", copies)
        if delay:
            late = self.nir.Delay(delay=np.full(wanted, delay * self.dt))
            size = "x".join(map(str, wanted))
            ends = self._through(ends, f"{source}_delay{delay}_{size}", late)
        return ends

    def _through(self, ends: list[str], name: str, node: Any) -> list[str]:
        """Return a node after `ends`, the same for the same ends and name."""
        for known in [n for n in self.nodes if n.rstrip("_") == name]:
            if [(end, known) for end in ends] == [e for e in self.edges if e[1] == known]:
                return [known]
        name = self._name(name)
        self.nodes[name] = node
        self.edges += [(end, name) for end in ends]
        return [name]

    def _expected(self, path: str) -> tuple[int, ...]:
        """Return the shape that the first node of a process takes."""
        process = self.part.graph.flat_processes[path]
        if len(self.shapes[path]) > 1 and process.ROLE == "synapses":
            image: tuple[int, ...] = process.shape_in  # type: ignore[attr-defined]
            return image
        if len(self.shapes[path]) > 1:
            return self.shapes[path]
        return (next(iter(process.inputs.values())).size,)

    def _feed_roots(self) -> None:
        """Feed what no Input reaches with zeros: NIR wants everything to follow an Input."""
        inputs = self._inputs()
        if inputs:
            first, size = inputs[0], self.shapes[inputs[0]]
        else:
            first, size = self._name("silence"), (1,)
            self.nodes[first] = self.nir.Input({"input": np.array(size)})
            self.last[first] = [first]
        for path in self._roots():
            ends = self.last[first]
            if len(size) > 1:
                ends = self._through(ends, f"{first}_flat", self._flatten(size))
            weight = np.zeros((int(np.prod(self._expected(path))), int(np.prod(size))))
            silence = self._through(ends, f"{path}_silence", self.nir.Linear(weight=weight))
            self.edges += [(silence[0], entry) for entry in self.first[path]]

    def _roots(self) -> list[str]:
        """Return what hears nothing, and one process of each cycle that nothing else feeds."""
        found = [p for p in self.made if not self.part.before(p) and p not in self._inputs()]
        for component in components(wire.edge for wire in self.part.wires):
            if all(self.part.before(path) <= component for path in component):
                processes = self.part.graph.flat_processes
                units = [path for path in sorted(component) if processes[path].ROLE == "units"]
                found += [*units, *sorted(component)][:1]
        return found

    def _flatten(self, shape: tuple[int, ...]) -> Any:
        return self.nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)

    def _name(self, wanted: str) -> str:
        while wanted in self.nodes:
            wanted += "_"
        return wanted
