"""Plan: the graph document that the worker is given, indexed for execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

#: The arrays that each process kind needs here (the gain of an Input is applied beforehand).
ARRAYS = {"Input": (), "LIF": ("decay_u", "decay_v", "bias", "threshold"), "Dense": ("weights",)}


@dataclass(frozen=True)
class Node:
    """One process: its kind, its plain fields and its arrays by name."""

    path: str
    kind: str
    fields: Mapping[str, Any]
    arrays: Mapping[str, Any]

    @property
    def units(self) -> int:
        """Return the width of its output."""
        return int(self.arrays["weights"].shape[0] if self.kind == "Dense" else self.fields["size"])

    @property
    def spikes(self) -> bool:
        """Return whether it emits 0 and 1 only."""
        return self.kind == "LIF" or self.fields.get("signal") == "spike"


@dataclass(frozen=True)
class Wire:
    """One connection into a port: the source process and the delay in steps."""

    source: str
    delay: int


@dataclass(frozen=True)
class Plan:
    """A flat graph: nodes in topological order of the same-step wires, wires by target."""

    domain: str
    nodes: Mapping[str, Node]
    #: As (source port, target port, delay), in the order in which arrivals are summed.
    connections: Sequence[tuple[str, str, int]]
    #: Recorded state variables, as (path, variable).
    states: Sequence[tuple[str, str]]

    def components(self) -> list[Plan]:
        """Return the connected parts that hold a population, without what cannot reach one."""
        ends = [(_path(source), _path(target)) for source, target, _ in self.connections]
        kept = {node.path for node in self.of_kind("LIF")}
        while more := {source for source, target in ends if target in kept} - kept:
            kept |= more
        groups: list[set[str]] = [{path} for path in kept]
        for pair in ends:
            if kept.issuperset(pair):
                touching = [group for group in groups if not group.isdisjoint(pair)]
                groups = [group for group in groups if group not in touching]
                groups.append(set().union(*touching))
        return [self._restricted(group) for group in sorted(groups, key=min)]

    def _restricted(self, paths: set[str]) -> Plan:
        return Plan(
            self.domain,
            {path: node for path, node in self.nodes.items() if path in paths},
            [c for c in self.connections if _path(c[0]) in paths and _path(c[1]) in paths],
            [state for state in self.states if state[0] in paths],
        )

    @property
    def dtype(self) -> Any:
        """Return the type of emitted values and recorded states."""
        return np.float64 if self.domain == "float" else np.int32

    def of_kind(self, kind: str) -> list[Node]:
        """Return the nodes of one kind."""
        return [node for node in self.nodes.values() if node.kind == kind]

    def wires(self, path: str) -> list[Wire]:
        """Return what arrives at the one input port of `path`, in summation order."""
        return self._wires.get(path, [])

    def arrives_binary(self, path: str) -> bool:
        """Return whether only spikes of one source arrive at `path`."""
        wires = self.wires(path)
        return len(wires) == 1 and self.nodes[wires[0].source].spikes

    def depth(self, path: str) -> int:
        """Return the longest delay with which the output of `path` is read."""
        delays = [w.delay for wires in self._wires.values() for w in wires if w.source == path]
        return max(delays, default=0)

    @cached_property
    def _wires(self) -> dict[str, list[Wire]]:
        found: dict[str, list[Wire]] = {}
        for source, target, delay in self.connections:
            found.setdefault(_path(target), []).append(Wire(_path(source), delay))
        return found


def read_plan(document: Mapping[str, Any], arrays: Mapping[str, Any]) -> Plan:
    """Return the plan of a graph document with its arrays; `order` lists the paths."""
    probes = [target.rpartition(".") for target in document["probes"]]
    return Plan(
        document["domain"],
        {path: _node(document, arrays, path) for path in document["order"]},
        [(source, target, int(delay)) for source, target, delay in document["connections"]],
        [(path, name) for path, _, name in probes if name in ("u", "v")],
    )


def _path(port: str) -> str:
    return port.rpartition(".")[0]


def _node(document: Mapping[str, Any], arrays: Mapping[str, Any], path: str) -> Node:
    entry = document["processes"][path]
    if entry["kind"] not in ARRAYS:
        raise ValueError(f"{path}: no process kind {entry['kind']!r} on Lava")
    own = {name: arrays[f"{path}.{name}"] for name in ARRAYS[entry["kind"]]}
    return Node(path, entry["kind"], entry["fields"], own)
