"""unnest: a NIR graph without subgraphs, and the wires between its nodes that compute.

Nodes that only pass on what they hear (Flatten, Delay, an identity, the Inputs and Outputs of
subgraphs) become part of the wires.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hebbgraph.errors import Fault, Invalid
from hebbgraph.nir.numbers import is_identity, steps_of

#: A wire between nodes: source, target, steps of delay.
Link = tuple[str, str, int]
#: Nodes whose parameters give their shape.
SHAPED = {
    **dict.fromkeys(("LIF", "CubaLIF", "IF", "I", "LI", "CubaLI"), "r"),
    "Threshold": "threshold",
    "Scale": "scale",
    "Delay": "delay",
}


@dataclass(frozen=True)
class Flat:
    """Nodes by path, the edges between them, and what they are."""

    nodes: Mapping[str, Any]
    edges: tuple[tuple[str, str], ...]
    #: The step in seconds.
    dt: float
    #: Inputs and Outputs of subgraphs.
    inner: frozenset[str] = field(default=frozenset())

    def kind(self, path: str) -> str:
        """Return the class name of a node."""
        return type(self.nodes[path]).__name__

    def before(self, path: str) -> list[str]:
        """Return what a node hears."""
        return [source for source, target in self.edges if target == path]

    def after(self, path: str) -> list[str]:
        """Return what hears a node."""
        return [target for source, target in self.edges if source == path]

    @cached_property
    def passing(self) -> Mapping[str, int]:
        """Return the nodes that only pass on what they hear, with their delay in steps."""
        found = dict.fromkeys((p for p in self.nodes if self.kind(p) == "Flatten"), 0)
        found |= dict.fromkeys(self.inner, 0)
        found |= dict.fromkeys(filter(self._is_identity, self.nodes), 0)
        for path, node in self.nodes.items():
            if self.kind(path) == "Delay":
                steps, _ = steps_of(node.delay, self.dt)
                if steps.size and (steps == steps.flat[0]).all():
                    found[path] = int(steps.flat[0])
        return found | dict.fromkeys(self.gains, 0)

    @cached_property
    def gains(self) -> Mapping[str, str]:
        """Return every Scale that is all that hears an Input, with that Input."""
        return {
            path: source
            for path in self.nodes
            if self.kind(path) == "Scale" and np.abs(self.nodes[path].scale).max(initial=0) < 2**23
            for source in self.before(path)
            if self.before(path) == [source]
            and self.after(source) == [path]
            and self.kind(source) == "Input"
            and source not in self.inner
        }

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Return the wires between nodes that compute, equal ones as often as there are."""
        found = []
        for target in self.nodes:
            if target not in self.passing:
                own = self._least_delay(target)
                for source, delay in self._origins(target, ()):
                    found.append((source, target, delay + own))
        return tuple(sorted(found))

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of what leaves every node; empty for one unit, or where unknown."""
        found: dict[str, tuple[int, ...]] = {}
        for _ in self.nodes:
            for path in self.nodes:
                if not found.get(path):
                    found[path] = self._shape(path, found)
        return found

    def heard(self, path: str) -> tuple[int, ...]:
        """Return the shape of what a node hears; empty for one unit, or where unknown."""
        return next((self.shapes[p] for p in self.before(path) if self.shapes[p]), ())

    def _origins(self, target: str, behind: tuple[str, ...]) -> list[tuple[str, int]]:
        """Return what is heard at `target` through nodes that pass it on, and the delays."""
        found = []
        for source in self.before(target):
            if source in behind:
                need = "must hold a node that computes"
                raise Invalid("NIR graph", [Fault(" -> ".join(behind), "a cycle", need)])
            if source in self.passing:
                further = self._origins(source, (*behind, source))
                found += [(origin, delay + self.passing[source]) for origin, delay in further]
            else:
                found.append((source, 0))
        return found

    def _least_delay(self, path: str) -> int:
        """Return what a Delay that differs from unit to unit delays all of them by."""
        if self.kind(path) != "Delay":
            return 0
        return max(0, int(steps_of(self.nodes[path].delay, self.dt)[0].min()))

    def _is_identity(self, path: str) -> bool:
        kind, node = self.kind(path), self.nodes[path]
        if kind == "Scale":
            return bool((node.scale == 1).all())
        if kind == "Affine" and np.any(node.bias):
            return False
        return kind in ("Linear", "Affine") and is_identity(node.weight)

    def _shape(self, path: str, known: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        from hebbgraph.nir.convolve import spread  # it reads Flat

        kind, node = self.kind(path), self.nodes[path]
        heard = next((known[p] for p in self.before(path) if known.get(p)), ())
        if kind in ("Input", "Output") and path not in self.inner:
            return _whole(next(iter(node.input_type.values())))
        if kind in SHAPED:
            own = np.shape(getattr(node, SHAPED[kind]))
            # Some programs write one parameter for all units.
            return heard if math.prod(own) == 1 and self.before(path) else own
        if kind in ("Linear", "Affine"):
            return tuple(node.weight.shape[:-1])
        if kind in ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"):
            kernel = spread(node, heard)
            return kernel.shape_out if kernel else ()
        if kind == "Flatten" and heard:
            first, last = int(node.start_dim) % len(heard), int(node.end_dim) % len(heard)
            return (*heard[:first], math.prod(heard[first : last + 1]), *heard[last + 1 :])
        return heard


def unnest(library_graph: Any, dt: float) -> Flat:
    """Return a NIR graph without subgraphs; raises `Invalid` with every edge that leads nowhere."""
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    inner: set[str] = set()
    faults: list[Fault] = []
    _unnest(library_graph, "", nodes, edges, inner, faults)
    if faults:
        raise Invalid("NIR graph", faults)
    return Flat(dict(sorted(nodes.items())), tuple(sorted(edges)), dt, frozenset(inner))


def _unnest(
    graph: Any,
    prefix: str,
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
    inner: set[str],
    faults: list[Fault],
) -> None:
    entries: dict[str, list[str]] = {}
    exits: dict[str, list[str]] = {}
    for name, node in graph.nodes.items():
        path = f"{prefix}{name}"
        if type(node).__name__ != "NIRGraph":
            if path in nodes:
                faults.append(Fault(path, "two nodes of this path", "paths must differ"))
            nodes[path] = node
            entries[name] = exits[name] = [path]
            continue
        _unnest(node, f"{path}.", nodes, edges, inner, faults)
        ends = {
            kind: [p for p, n in node.nodes.items() if type(n).__name__ == kind] for kind in ENDS
        }
        for kind, side in zip(ENDS, (entries, exits), strict=True):
            side[name] = [f"{path}.{p}" for p in ends[kind]]
            inner |= set(side[name])
    for source, target in graph.edges:
        where = f"edge {prefix}{source} -> {prefix}{target}"
        starts, stops = exits.get(source, []), entries.get(target, [])
        if len(starts) != 1 or len(stops) != 1:
            got = f"{len(starts)} sources and {len(stops)} targets"
            need = "must join two nodes of the graph, subgraphs by their only Output and Input"
            faults.append(Fault(where, got, need))
            continue
        edge = (starts[0], stops[0])
        if edge in edges:
            faults.append(Fault(where, "the same edge twice", "must be listed once"))
        edges.append(edge)


ENDS = ("Input", "Output")


def _whole(shape: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in np.atleast_1d(shape)) if shape is not None else ()
