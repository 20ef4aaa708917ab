"""Plan: the graph document that the worker is given, indexed for execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
#: How rasters are kept, by what a process emits; of graded values only where they are not 0.
RASTER_DTYPES = {"spike": np.bool_, "ternary": np.int8, "graded": np.bool_}


@dataclass(frozen=True)
class Port:
    """An input port: its width, what it receives unconnected, whether only learning reads it."""

    size: int
    default: float
    learning: bool


@dataclass(frozen=True)
class Wire:
    """One connection into a port: the path of the source process and the delay in steps."""

    source: str
    delay: int


@dataclass(frozen=True)
class Node:
    """One process: its kind, its plain fields and its arrays by name, what it says of itself."""

    path: str
    kind: str
    role: str
    fields: Mapping[str, Any]
    arrays: Mapping[str, Any]
    inputs: Mapping[str, Port]
    #: Name of the output port, its width, and what passes through it.
    output: str
    units: int
    signal: str
    registers: Sequence[str]
    longest_delay: int
    #: The `hebbgraph.rules.Rule` of plastic synapses, as far as learning reads it.
    rule: Any

    @cached_property
    def process(self) -> Any:
        """Return what a step of the reference reads: every field and array as an attribute."""
        return SimpleNamespace(**{**self.fields, **self.arrays})

    @property
    def exponent(self) -> int:
        """Return the power of two on the sums of synapses."""
        return int(self.fields.get("exponent", 0))

    @cached_property
    def matrix(self) -> Array:
        """Return the weights (postsynaptic, presynaptic) of a Dense, Sparse or BlockDense."""
        weights: Array = self.arrays["weights"]
        if self.kind == "Sparse":
            return self._full(weights)
        if self.kind == "BlockDense":
            return np.kron(np.eye(self.fields["copies"], dtype=weights.dtype), weights)
        return weights

    @cached_property
    def delays(self) -> Array:
        """Return the delay of every synapse beyond its connection's, as a matrix."""
        delays: Array = self.arrays["delays"]
        if self.kind == "Sparse":
            return self._full(np.broadcast_to(delays, self.arrays["weights"].shape))
        return np.broadcast_to(delays, self.matrix.shape)

    def _full(self, values: Array) -> Array:
        full = np.zeros((self.units, self.inputs["s"].size), values.dtype)
        full[self.arrays["post"], self.arrays["pre"]] = values
        return full


@dataclass(frozen=True)
class Plan:
    """A flat graph: nodes in topological order of the same-step wires, wires by target port."""

    domain: str
    nodes: Mapping[str, Node]
    #: As (source port, target port, delay), in the order in which arrivals are summed.
    connections: Sequence[tuple[str, str, int]]
    #: What is recorded, as (path, variable): states, graded outputs, weights.
    states: Sequence[tuple[str, str]]
    #: Paths of which the activity is recorded.
    observed: Sequence[str]
    #: Nodes of other parts whose constant weights a Transpose of this one has.
    elsewhere: Mapping[str, Node] = field(default_factory=dict)

    @property
    def dtype(self) -> Any:
        """Return the type of emitted values and recorded states."""
        return np.float64 if self.domain == "float" else np.int32

    @property
    def number(self) -> Any:
        """Return the type in which the reference computes."""
        return np.float64 if self.domain == "float" else np.int64

    @cached_property
    def plastic(self) -> Mapping[str, Node]:
        """Return the synapses that learn, by path."""
        return {path: node for path, node in self.nodes.items() if node.rule is not None}

    def holder(self, node: Node) -> Node:
        """Return the node whose weights `node` has: itself, or what a Transpose is tied to."""
        if node.kind != "Transpose":
            return node
        return {**self.elsewhere, **self.nodes}[node.fields["of"]]

    def of_kind(self, kind: str) -> list[Node]:
        """Return the nodes of one kind."""
        return [node for node in self.nodes.values() if node.kind == kind]

    def wires(self, path: str, port: str) -> list[Wire]:
        """Return what arrives at one input port, in summation order."""
        return self._wires.get(f"{path}.{port}", [])

    def connected(self, path: str, *ports: str) -> bool:
        """Return whether anything arrives at one of `ports`."""
        return any(self.wires(path, port) for port in ports)

    def arrives_binary(self, path: str, port: str) -> bool:
        """Return whether only spikes (0 and 1) of one source arrive at a port."""
        wires = self.wires(path, port)
        return len(wires) == 1 and self.nodes[wires[0].source].signal == "spike"

    def depth(self, path: str) -> int:
        """Return the longest delay with which the output of `path` is read."""
        delays = [w.delay for wires in self._wires.values() for w in wires if w.source == path]
        return max(delays, default=0)

    def rasters(self) -> dict[str, tuple[int, Any]]:
        """Return (units, dtype) of what is recorded of activity, ``spikes/path`` and so on."""
        found = {}
        for path in self.observed:
            node = self.nodes[path]
            kind = "active" if node.signal == "graded" else "spikes"
            found[f"{kind}/{path}"] = (node.units, RASTER_DTYPES[node.signal])
        return found

    def components(self) -> list[Plan]:
        """Return the connected parts, without what nothing recorded depends on.

        Weights that learn connect a Transpose to its Dense: one Lava Process holds both.
        """
        ends = [(_path(source), _path(target)) for source, target, _ in self.connections]
        ties = [(self.holder(n), n) for n in self.of_kind("Transpose")]
        ends += [(holder.path, n.path) for holder, n in ties if holder.rule is not None]
        kept = {*self.observed, *self.plastic, *(path for path, _ in self.states)}
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
            [path for path in self.observed if path in paths],
            self.nodes,
        )

    @cached_property
    def _wires(self) -> dict[str, list[Wire]]:
        found: dict[str, list[Wire]] = {}
        for source, target, delay in self.connections:
            found.setdefault(target, []).append(Wire(_path(source), delay))
        return found


def read_plan(document: Mapping[str, Any], arrays: Mapping[str, Any]) -> Plan:
    """Return the plan of a graph document with its arrays; `order` lists the paths."""
    probes = [target.rpartition(".") for target in document["probes"]]
    return Plan(
        document["domain"],
        {path: _node(document, arrays, path) for path in document["order"]},
        [(source, target, int(delay)) for source, target, delay in document["connections"]],
        [(path, name) for path, _, name in probes],
        list(document["observed"]),
    )


def learns_at(rule: Any, step: int, steps: int) -> bool:
    """Return whether an epoch of `rule` ends with `step` of an episode of `steps`."""
    if rule.epoch == "episode":
        return step == steps - 1
    return bool((step + 1) % rule.epoch == 0)


def _path(port: str) -> str:
    return port.rpartition(".")[0]


def _node(document: Mapping[str, Any], arrays: Mapping[str, Any], path: str) -> Node:
    entry = document["processes"][path]
    prefix = f"{path}."
    own = {
        key[len(prefix) :]: array
        for key, array in arrays.items()
        if key.startswith(prefix) and "." not in key[len(prefix) :]
    }
    output, units, signal = entry["output"]
    inputs = {name: Port(*port) for name, port in entry["inputs"].items()}
    return Node(
        path=path,
        kind=entry["kind"],
        role=entry["role"],
        fields={key: value for key, value in entry["fields"].items() if key != "rule"},
        arrays=own,
        inputs=inputs,
        output=output,
        units=int(units),
        signal=signal,
        registers=tuple(entry["registers"]),
        longest_delay=int(entry["longest_delay"]),
        rule=_rule(entry["rule"]),
    )


def _rule(entry: Mapping[str, Any] | None) -> Any:
    """Return a rule as learning reads it."""
    if entry is None:
        return None
    low, high = entry["low"], entry["high"]
    fields = {
        **entry,
        "terms": [SimpleNamespace(**term) for term in entry["terms"]],
        "products": {name: SimpleNamespace(**t) for name, t in entry["products"].items()},
        "traces": {name: SimpleNamespace(**trace) for name, trace in entry["traces"].items()},
        "low": -np.inf if low is None else low,
        "high": np.inf if high is None else high,
    }
    return SimpleNamespace(**fields)
