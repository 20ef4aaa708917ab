"""feed_sources: sources that make their own data become Inputs that are given it."""

from __future__ import annotations

from dataclasses import replace

from hebbgraph.graph import Graph
from hebbgraph.processes import Clock, Input, Noise, Process


def feed_sources(graph: Graph) -> Graph:
    """Return `graph` (flat) with an `Input` of the same path for every `Clock` and `Noise`.

    What they emit is computed once, by `Program.run`, so that no engine draws a number and all
    are fed alike.
    """
    made = {**graph.of_kind(Clock), **graph.of_kind(Noise)}
    if not made:
        return graph
    processes: dict[str, Process] = dict(graph.flat_processes)
    for path, process in made.items():
        processes[path] = Input(process.output.size, signal=process.output.signal)
    return replace(graph, processes=processes)
