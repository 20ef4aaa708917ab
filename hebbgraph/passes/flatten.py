"""flatten: nesting gone, processes and connections sorted by path."""

from __future__ import annotations

from hebbgraph.graph import Graph


def flatten(graph: Graph) -> Graph:
    """Return `graph` without nesting; its content hash does not change."""
    return graph.flat()
