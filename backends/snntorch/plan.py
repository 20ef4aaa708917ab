"""The order of work: strongly connected parts of a graph, each after all that it hears.

A part without a cycle can be run for all time steps at once; a cycle, or what learns, takes one
step after another, but only inside its part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hebbgraph.graph import Graph
from hebbgraph.processes import Transpose


@dataclass(frozen=True)
class Stage:
    """Processes that hear each other, in the order of a step."""

    paths: tuple[str, ...]
    #: Whether it takes one step after another: a cycle, or weights that learn.
    stepwise: bool


def stages(graph: Graph) -> tuple[Stage, ...]:
    """Return the stages of `graph` (flat), each after those it hears."""
    heard = {path: set[str]() for path in graph.flat_processes}
    for connection in graph.flat_connections:
        target = connection.target.rpartition(".")[0]
        heard[target].add(connection.source.rpartition(".")[0])
    for path, tied in graph.of_kind(Transpose).items():
        if tied.of in graph.plastic:  # its weights change between steps: in step with each other
            heard[path].add(tied.of)
            heard[tied.of].add(path)
    place = {path: index for index, path in enumerate(graph.order)}
    found = []
    for paths in _strongly_connected(heard):
        cyclic = len(paths) > 1 or paths[0] in heard[paths[0]] or paths[0] in graph.plastic
        found.append(Stage(tuple(sorted(paths, key=place.__getitem__)), cyclic))
    return tuple(found)


def one_stage(graph: Graph) -> tuple[Stage, ...]:
    """Return everything as one stage: the plain loop over steps."""
    return (Stage(graph.order, stepwise=True),)


def _strongly_connected(heard: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components, each after those it hears.

    Tarjan, SIAM J. Comput. 1(2), 1972, doi:10.1137/0201010, without recursion.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_paths: list[str] = []
    for root in sorted(heard):
        if root in index:
            continue
        work = [(root, iter(sorted(heard[root])))]
        index[root] = low[root] = len(index)
        open_paths.append(root)
        while work:
            path, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    open_paths.append(other)
                    work.append((other, iter(sorted(heard[other]))))
                    break
                if other in open_paths:
                    low[path] = min(low[path], index[other])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[path])
                if low[path] == index[path]:
                    cut = open_paths.index(path)
                    yield open_paths[cut:]
                    del open_paths[cut:]
