"""Graphs as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph.graph import Graph
from hebbgraph.processes import LIF, Dense, Input, Process


def tree(graph: Graph) -> str:
    """Return `graph` as a readable tree: processes, sizes, parameters, where each one sends."""
    connections = graph.flat_connections
    count = len(graph.flat_processes)
    head = f"{graph.name}  {graph.domain}  {count} process{'es' if count != 1 else ''}"
    lines = [f"{head}, {len(connections)} connections  #{graph.content_hash[:12]}"]
    lines += _branches(graph, "", "", graph)
    if graph.flat_probes:
        lines.append("records " + ", ".join(probe.target for probe in graph.flat_probes))
    lines += [f"note: {note}" for note in graph.notes]
    return "\n".join(lines)


def _branches(graph: Graph, indent: str, prefix: str, root: Graph) -> list[str]:
    lines: list[str] = []
    width = max(len(name) for name in graph.processes)
    for index, (name, node) in enumerate(graph.processes.items()):
        last = index == len(graph.processes) - 1
        branch, deeper = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if isinstance(node, Graph):
            lines.append(f"{indent}{branch}{name}/")
            lines += _branches(node, indent + deeper, f"{prefix}{name}.", root)
            continue
        targets = [
            f"{c.target}" + (f" (delay {c.delay})" if c.delay else "")
            for c in root.flat_connections
            if c.source.rpartition(".")[0] == prefix + name
        ]
        arrow = f"  -> {', '.join(targets)}" if targets else ""
        kind = type(node).__name__
        lines.append(f"{indent}{branch}{name:<{width}}  {kind:<6} {_summary(node)}{arrow}")
    return lines


def _summary(process: Process) -> str:
    if isinstance(process, LIF):
        names = ("decay_u", "decay_v", "bias", "threshold")
        values = "  ".join(f"{name} {_range(getattr(process, name))}" for name in names)
        power = f" * 2^{process.bias_exponent}" if process.bias_exponent else ""
        return f"{process.size} units  {values}{power}"
    if isinstance(process, Dense):
        rows, columns = process.weights.shape
        synapses = np.count_nonzero(process.weights)
        power = f" * 2^{process.exponent}" if process.exponent else ""
        span = _range(process.weights)
        return f"{columns} -> {rows} units  {synapses} synapses  weights {span}{power}"
    if isinstance(process, Input):
        return f"{process.size} channels  {process.signal}  gain {_range(process.gain)}"
    return ""


def _range(values: Any) -> str:
    array = np.asarray(values)
    low, high = array.min(), array.max()
    digits = "d" if np.issubdtype(array.dtype, np.integer) else ".4g"
    return f"{low:{digits}}" if low == high else f"{low:{digits}}..{high:{digits}}"
