"""notes: what passes approximated, by process."""

from __future__ import annotations

from collections.abc import Iterable

from hebbgraph.graph import Graph
from hebbgraph.preflight.finding import WHOLE, Finding


def note_findings(graph: Graph, further: Iterable[str] = ()) -> list[Finding]:
    """Return one finding per note of `graph` and of `further`, each with its process path."""
    return [_finding(graph, note) for note in dict.fromkeys((*graph.notes, *further))]


def _finding(graph: Graph, note: str) -> Finding:
    where, _, text = note.partition(": ")
    path = max((p for p in graph.flat_processes if where.startswith(f"{p}.")), key=len, default="")
    if not path and where in graph.flat_processes:
        path = where
    if not path:
        return Finding(WHOLE, "approximation", "note", "note", note)
    aspect = where[len(path) + 1 :] or "note"
    return Finding(path, "approximation", aspect, "note", text)
