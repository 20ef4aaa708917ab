"""Plan: the graph document that the worker is given, indexed for execution."""

from __future__ import annotations

from collections.abc import Mapping
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


class Plan:
    """A flat graph: nodes in topological order of the same-step wires, wires by target."""

    def __init__(self, document: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        self.domain: str = document["domain"]
        self.nodes = {path: _node(document, arrays, path) for path in document["order"]}
        self.connections = [(s, t, int(d)) for s, t, d in document["connections"]]
        probes = [target.rpartition(".") for target in document["probes"]]
        #: Recorded state variables, as (path, variable).
        self.states = [(path, name) for path, _, name in probes if name in ("u", "v")]

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
            wire = Wire(source.rpartition(".")[0], delay)
            found.setdefault(target.rpartition(".")[0], []).append(wire)
        return found


def _node(document: Mapping[str, Any], arrays: Mapping[str, Any], path: str) -> Node:
    entry = document["processes"][path]
    if entry["kind"] not in ARRAYS:
        raise ValueError(f"{path}: no process kind {entry['kind']!r} on Lava")
    own = {name: arrays[f"{path}.{name}"] for name in ARRAYS[entry["kind"]]}
    return Node(path, entry["kind"], entry["fields"], own)
