"""importer: a nir.NIRGraph as a graph."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import MAX_DELAY, Connection, Graph, Probe
from hebbgraph.nir import metadata
from hebbgraph.nir.exporter import STEP, check_step
from hebbgraph.nir.fidelity import Entry, Fidelity, require
from hebbgraph.nir.from_nodes import PROCESSES, STATELESS, Place, Read, none, rounded
from hebbgraph.nir.inference import ONCE, at_rest
from hebbgraph.nir.library import library
from hebbgraph.nir.numbers import steps_of
from hebbgraph.nir.timing import Edge, Wire, closing, latest, slowed
from hebbgraph.nir.unnest import Flat, unnest
from hebbgraph.processes import LIF, Clock, Dense, Graded, Process, Sparse


def from_nir(
    nir_graph: Any, dt: float | None = None, *, lossy: bool = False, name: str = "nir"
) -> tuple[Graph, Fidelity]:
    """Return a nir.NIRGraph as a graph with steps of `dt` seconds, and what became of each node.

    What `to_nir` made becomes the very graph it was made of, unless its nodes were changed or
    another `dt` is asked for. Anything else is taken by forward Euler, at the step with which it
    was written or 1e-4 s, snnTorch's. Each Output becomes a probe.

    Raises `Lossy` with every node that cannot be read, or without `lossy` not exactly; `Invalid`
    if it is no graph; `Unavailable` if nir is not installed.
    """
    fidelity, plan = _translated(nir_graph, dt)
    require(f"import of NIR graph {name!r}", fidelity, lossy)
    return (plan if isinstance(plan, Graph) else plan.graph(name, fidelity)), fidelity


def assessed(nir_graph: Any, dt: float | None = None) -> Fidelity:
    """Return what would become of each node of a nir.NIRGraph, without raising `Lossy`."""
    return _translated(nir_graph, dt)[0]


def _translated(nir_graph: Any, dt: float | None) -> tuple[Fidelity, Graph | _Plan]:
    if not isinstance(nir_graph, library().NIRGraph):
        need = "must be a nir.NIRGraph"
        raise Invalid("NIR import", [Fault("graph", type(nir_graph).__name__, need)])
    if dt is not None:
        check_step(dt)
    written = metadata.step_of(nir_graph)
    remarks: tuple[str, ...] = ()
    if written is not None:
        changed = not metadata.unchanged(nir_graph)
        if not changed and dt in (None, written):
            graph = metadata.unpack(nir_graph)
            entries = [Entry(p, type(q).__name__, type(q).__name__) for p, q in graph.walk()]
            remarks = ("as hebbgraph wrote it, from the metadata",)
            return Fidelity(written, tuple(entries), remarks=remarks), graph
        why = "its nodes were changed" if changed else "another step is asked for"
        remarks = (f"read from the nodes alone: hebbgraph wrote it, but {why}",)
    plan = _Plan(unnest(nir_graph, dt or written or STEP))
    plan.make()
    return Fidelity(plan.flat.dt, plan.entries(), plan.shifts, remarks), plan


@dataclass
class _Plan:
    """The processes and wires of a graph in the making."""

    flat: Flat
    reads: dict[str, Read] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    #: Names of the processes of each node, first to last.
    names: dict[str, list[str]] = field(default_factory=dict)
    #: Probes by Output.
    probes: dict[str, str] = field(default_factory=dict)
    #: Affine nodes whose bias its neurons took over.
    taken: dict[str, list[str]] = field(default_factory=dict)
    #: Links that enter behind the gain of units, as their weights include it.
    past_gain: set[Edge] = field(default_factory=set)
    levels: Mapping[str, int] = field(default_factory=dict)
    #: Processes on cycles that take longer than in NIR.
    slow: set[str] = field(default_factory=set)

    def make(self) -> None:
        """Make processes and wires, as far as every node can be read."""
        for path in self._computing():
            self.reads[path] = self._read(path)
        if any(read.grade == "unsupported" for read in self.reads.values()):
            return
        links = self._links()
        self._fold_gains(links)
        self._take_biases(links)
        for path, read in self.reads.items():
            self._place(path, read)
        for source, target, delay in links:
            if not self._is_output(target):
                first = self.names[target][int((source, target) in self.past_gain)]
                self._join(self.names[source][-1], first, delay)
        for path in self.flat.nodes:
            if self._is_output(path):
                self._end(path)
        levels = latest(self.wires)
        if levels is None:
            self.wires, self.slow = slowed(self.wires)
            levels = latest(self.wires)
        assert levels is not None
        self.levels = levels

    @property
    def shifts(self) -> dict[str, int]:
        """Return by how many steps each Output comes later than in NIR."""
        ends = {path: probe.rpartition(".")[0] for path, probe in self.probes.items()}
        return {path: self.levels.get(end, 0) for path, end in ends.items()}

    def entries(self) -> tuple[Entry, ...]:
        """Return what became of every node."""
        return tuple(self._entry(path) for path in self.flat.nodes)

    def graph(self, name: str, fidelity: Fidelity) -> Graph:
        """Return the graph."""
        processes, connections = dict(self.processes), []
        for wire in self.wires:
            source, target = wire.edge
            delay = wire.delay + self.levels[target] - self.levels[source]
            connections += self._connected(wire, delay, processes)
        for path, process in self.processes.items():
            level = self.levels.get(path, 0)
            if level and not at_rest(process):
                clock = f"start{level}"
                processes[clock] = Clock(ONCE, ((level, ONCE),))
                connections.append(Connection(f"{clock}.out", f"{path}.on"))
        notes = [str(entry) for entry in fidelity.below("faithful")]
        probes = sorted({Probe(target) for target in self.probes.values()})
        return Graph(name, processes, connections, probes, notes=tuple(notes))

    # --- nodes -----------------------------------------------------------------------------

    def _computing(self) -> list[str]:
        return [p for p in self.flat.nodes if p not in self.flat.passing and not self._is_output(p)]

    def _is_output(self, path: str) -> bool:
        return self.flat.kind(path) == "Output" and path not in self.flat.inner

    def _read(self, path: str) -> Read:
        kind, flat = self.flat.kind(path), self.flat
        if kind not in PROCESSES:
            return none(f"hebbgraph cannot read {kind}", f"use one of {', '.join(PROCESSES)}")
        gains = [flat.nodes[scale].scale for scale, source in flat.gains.items() if source == path]
        place = Place(flat.dt, flat.heard(path), flat.shapes[path], *gains)
        return PROCESSES[kind](flat.nodes[path], place)

    def _place(self, path: str, read: Read) -> None:
        """Name the processes of one node and join them."""
        base = _identifier(path, self.flat.kind(path))
        chain = read.chain[:-1] if path in self.taken else read.chain
        self.names[path] = [self._add(base, suffix, process) for suffix, process in chain]
        for source, target in zip(self.names[path], self.names[path][1:], strict=False):
            self._join(source, target, 0)
        for suffix, process in read.beside:
            name = self._add(base, suffix, process)
            self._join(name, self.names[path][-1], 0)

    def _add(self, base: str, suffix: str, process: Process) -> str:
        name = f"{base}_{suffix}" if suffix else base
        while name in self.processes:
            name += "_"
        self.processes[name] = process
        return name

    def _end(self, path: str) -> None:
        """Make a probe of an Output, of a unit that sums where it hears several things."""
        heard = [(source, delay) for source, target, delay in self.flat.links if target == path]
        if len(heard) == 1 and not heard[0][1]:
            self.probes[path] = self._out(self.names[heard[0][0]][-1])
            return
        base = _identifier(path, "Output")
        size = int(np.prod(self.flat.shapes[path]))
        self.names[path] = [self._add(base, "", Graded(size))]
        for source, delay in heard:
            self._join(self.names[source][-1], self.names[path][0], delay)
        self.probes[path] = self._out(self.names[path][0])

    def _entry(self, path: str) -> Entry:
        kind, node = self.flat.kind(path), self.flat.nodes[path]
        if path in self.flat.passing:
            became, read = self._wiring(path), Read(())
            if kind == "Delay" and not steps_of(node.delay, self.flat.dt)[1]:
                read = rounded(read)
        elif self._is_output(path):
            became, read = f"probe {self.probes.get(path, '')}".rstrip(), Read(())
        else:
            names, read = self.names.get(path, []), self.reads[path]
            became = ", ".join(f"{type(self.processes[n]).__name__} {n}" for n in names)
            became += "".join(f", bias of {name}" for name in self.taken.get(path, []))
        if self.slow & set(self.names.get(path, [])):
            remark = "its cycle takes as many steps as it has synapses, and one step in NIR"
            return Entry(path, kind, became, "approximate", remark, "put Delay nodes in the cycle")
        return Entry(path, kind, became, read.grade, read.remark, read.remedy)

    def _wiring(self, path: str) -> str:
        if path in self.flat.gains:
            return f"gain of {self.flat.gains[path]}"
        steps = self.flat.passing[path]
        return f"{steps} step{'s' * (steps != 1)} on its wires" if steps else "wires"

    # --- wires -----------------------------------------------------------------------------

    def _join(self, source: str, target: str, delay: int) -> None:
        """Add a wire; where there is an equal one, through units that repeat what they hear."""
        process = self.processes[target]
        port = f"{target}.{next(iter(process.inputs))}"
        wire = Wire(self._out(source), port, delay, int(process.synaptic))
        if wire not in self.wires:
            self.wires.append(wire)
            return
        again = self._add(source, "again", Graded(self.processes[source].output.size))
        self.wires.append(Wire(self._out(source), f"{again}.a", delay))
        self._join(again, target, 0)

    def _out(self, name: str) -> str:
        return f"{name}.{next(iter(self.processes[name].outputs))}"

    def _links(self) -> list[tuple[str, str, int]]:
        """Return the wires between nodes, with a step around each cycle that has no Delay.

        It is taken where the cycle closes, seen from the inputs; if there what leaves a node
        without a state goes nowhere else, where it is entered, as snnTorch does.
        """
        links = list(self.flat.links)
        edges = [(source, target) for source, target, delay in links if not delay]
        back = closing(edges, [(source, target) for source, target, delay in links if delay])
        steps: set[Edge] = set()
        seen = set(back)
        while back:
            edge = back.pop()
            entering = {(source, target) for source, target, _ in links if target == edge[0]}
            alone = self.flat.kind(edge[0]) in STATELESS and len(_leaving(links, edge[0])) == 1
            if alone and not entering & seen:
                back |= entering
                seen |= entering
            else:
                steps.add(edge)
        return [(a, b, d + 1) if (a, b) in steps and not d else (a, b, d) for a, b, d in links]

    def _fold_gains(self, links: list[tuple[str, str, int]]) -> None:
        """Multiply the gain of units into the weights of what they hear and nothing else hears.

        A synapse for the gain takes a step of its own; it is left for the rest.
        """
        for path, read in self.reads.items():
            if not read.chain or read.chain[0][0] != "gain":
                continue
            gain = read.chain[0][1]
            assert isinstance(gain, Sparse)
            sources = {source for source, target, _ in links if target == path}
            lone = {s for s in sources if self._is_matrix(s) and len(_leaving(links, s)) == 1}
            if lone == sources:
                self.reads[path] = replace(read, chain=read.chain[1:])
            else:
                self.past_gain |= {(source, path) for source in lone}
            for source in lone:
                chain = tuple(
                    (suffix, _multiplied(process, gain.weights))
                    for suffix, process in self.reads[source].chain
                )
                remark = f"its weights times the gain of {path}"
                self.reads[source] = replace(self.reads[source], chain=chain, remark=remark)

    def _is_matrix(self, path: str) -> bool:
        """Return whether a node became a Dense, with a bias or without."""
        chain = self.reads[path].chain
        return bool(chain) and isinstance(chain[0][1], Dense)

    def _take_biases(self, links: list[tuple[str, str, int]]) -> None:
        """Let LIF units without a filter take over the bias of the Affine nodes they hear."""
        for path, read in self.reads.items():
            if not read.chain or read.chain[-1][0] != "bias":
                continue
            leaving = [(target, delay) for source, target, delay in links if source == path]
            targets = [target for target, _ in leaving]
            if any(delay for _, delay in leaving) or not all(map(self._takes_bias, targets)):
                continue
            bias = read.chain[-1][1]
            assert isinstance(bias, Graded)
            self.taken[path] = targets
            for target in targets:
                unit = self.reads[target].chain[0][1]
                assert isinstance(unit, LIF)
                biased = replace(unit, bias=unit.bias + bias.bias)
                self.reads[target] = replace(self.reads[target], chain=(("", biased),))

    def _takes_bias(self, path: str) -> bool:
        """Return whether a bias of what a node hears can as well be one of its own."""
        read = self.reads.get(path)
        if read is None or not read.chain:
            return False
        first = read.chain[0][1]
        return isinstance(first, LIF) and bool((first.decay_u == 1).all())

    def _connected(self, wire: Wire, delay: int, processes: dict[str, Process]) -> list[Connection]:
        """Return the connection for a wire, with relays where it takes longer than one may."""
        found, source = [], wire.source
        target = self.processes[wire.edge[1]]
        while delay > MAX_DELAY - target.longest_delay:
            hop = min(MAX_DELAY, delay - 1)
            base, size = wire.edge[0], self.processes[wire.edge[0]].output.size
            relay = next(n for k in range(2**31) if (n := f"{base}_relay{k}") not in processes)
            processes[relay] = Graded(size)
            found.append(Connection(source, f"{relay}.a", hop))
            source, delay = f"{relay}.out", delay - hop
        return [*found, Connection(source, wire.target, delay)]


def _leaving(links: list[tuple[str, str, int]], path: str) -> list[tuple[str, str, int]]:
    return [link for link in links if link[0] == path]


def _multiplied(process: Process, gain: Any) -> Process:
    """Return a Dense, or its bias, times a factor per unit."""
    if isinstance(process, Dense):
        return replace(process, weights=process.weights * gain[:, np.newaxis])
    assert isinstance(process, Graded)
    return replace(process, bias=process.bias * gain)


def _identifier(path: str, kind: str) -> str:
    """Return a path that Python can spell: ``lif1.w_rec`` as it is, ``0`` as ``affine_0``."""
    parts = []
    for part in path.split("."):
        word = re.sub(r"\W", "_", part)
        if not word.isidentifier() or keyword.iskeyword(word):
            word = f"{kind.lower()}_{word}"
        parts.append(word)
    return ".".join(parts)
