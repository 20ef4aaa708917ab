"""Timing: steps of delay between hebbgraph, where a synapse takes one, and NIR, where none does.

Give every process p a level l(p), and let each wire from p to q have the delay d + l(q) - l(p)
instead of d: everything at p happens l(p) steps later, every cycle keeps its delay, and so the same
spikes occur (retiming; Leiserson and Saxe, Algorithmica 6, 1991, doi:10.1007/BF01759032). It only
takes that p is at rest until its first input arrives, or is held until step l(p).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

Edge = tuple[str, str]


@dataclass(frozen=True)
class Wire:
    """A connection between two ports, both ``path.port``."""

    source: str
    target: str
    #: Steps it takes.
    delay: int = 0
    #: Steps that it must take in the end: 1 into synapses.
    least: int = 0

    @property
    def edge(self) -> Edge:
        """Return the paths of the two processes."""
        return self.source.rpartition(".")[0], self.target.rpartition(".")[0]


def latest(wires: Iterable[Wire]) -> dict[str, int] | None:
    """Return the smallest levels of 0 or more at which no wire falls below its least delay.

    Returns None if there are none: a cycle takes fewer steps than its wires must.
    """
    edges = [(*wire.edge, wire.least - wire.delay) for wire in wires]
    levels = {path: 0 for *ends, _ in edges for path in ends}
    for _ in range(len(levels) + 1):
        moved = False
        for source, target, rise in edges:
            if levels[source] + rise > levels[target]:
                levels[target] = levels[source] + rise
                moved = True
        if not moved:
            return levels
    return None


def earliest(wires: Iterable[Wire], starts: Mapping[str, int]) -> dict[str, int]:
    """Return the largest levels with which no delay d + l(p) - l(q) is below 0.

    No level exceeds that in `starts`. What nothing in `starts` reaches is silent; it starts at 0.
    """
    edges = [(*wire.edge, wire.delay) for wire in wires]
    silent = {path for *ends, _ in edges for path in ends}
    levels: dict[str, int] = {}
    for fixed in (starts, dict.fromkeys(silent, 0)):
        for path, level in fixed.items():
            levels.setdefault(path, level)
        moved = True
        while moved:
            moved = False
            for source, target, delay in edges:
                if source not in levels:
                    continue
                bound = levels[source] + delay
                if levels.get(target, bound + 1) > bound:
                    levels[target] = bound
                    moved = True
    return levels


def closing(edges: Iterable[Edge], others: Iterable[Edge]) -> set[Edge]:
    """Return the edges that close a cycle of `edges`, seen from where `others` enter the cycle.

    The search is depth-first, in the order of names.
    """
    edges, others = set(edges), set(others)
    found: set[Edge] = set()
    for component in components(edges):
        inside = sorted(edge for edge in edges if set(edge) <= component)
        entries = sorted(b for a, b in others | edges if b in component and a not in component)
        found |= _closing_from([*entries, *sorted(component)], inside)
    return found


def _closing_from(roots: Iterable[str], edges: Iterable[Edge]) -> set[Edge]:
    following: dict[str, list[str]] = {}
    for source, target in edges:
        following.setdefault(source, []).append(target)
    found: set[Edge] = set()
    done: set[str] = set()
    for root in roots:
        if root in done:
            continue
        path, walk = {root}, [(root, iter(following[root]))]
        while walk:
            node, rest = walk[-1]
            target = next(rest, "")
            if not target:
                walk.pop()
                path.remove(node)
                done.add(node)
            elif target in path:
                found.add((node, target))
            elif target not in done:
                path.add(target)
                walk.append((target, iter(following[target])))
    return found


def components(edges: Iterable[Edge]) -> list[set[str]]:
    """Return the sets of nodes that lie on common cycles."""
    following: dict[str, set[str]] = {}
    for source, target in edges:
        following.setdefault(source, set()).add(target)
        following.setdefault(target, set())
    reach = {node: _reached(following, node) for node in following}
    found: list[set[str]] = []
    for node in sorted(following):
        if node in reach[node] and not any(node in other for other in found):
            found.append({other for other in reach[node] if node in reach[other]})
    return found


def _reached(following: Mapping[str, Iterable[str]], node: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(following[node])
    while waiting:
        other = waiting.pop()
        if other not in reached:
            reached.add(other)
            waiting += following[other]
    return reached


def slowed(wires: list[Wire]) -> tuple[list[Wire], set[str]]:
    """Return `wires` with every cycle that is too short made longer, and the paths on these.

    On such a cycle, each wire takes at least what it must.
    """
    tight: set[str] = set()
    longer = list(wires)
    for component in components(wire.edge for wire in wires):
        inside = [wire for wire in wires if set(wire.edge) <= component]
        if latest(inside) is not None:
            continue
        tight |= component
        longer = [
            replace(wire, delay=max(wire.delay, wire.least)) if wire in inside else wire
            for wire in longer
        ]
    return longer, tight
