"""Metadata: the exact graph beside its NIR form, in places that other readers pass over.

`nir.NIRGraph.metadata["hebbgraph"]` holds the document of `hebbgraph.serialise` as JSON, rules
included, and the arrays for which the nodes have no place. A digest of the nodes tells whether
they are still those that were written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.serialise import from_document, to_document

#: Where it is kept.
KEY = "hebbgraph"
#: What a node is not told apart by.
DERIVED = ("metadata", "input_type", "output_type")


def pack(graph: Graph, nodes: Mapping[str, Any], edges: Sequence[Any], dt: float) -> dict[str, Any]:
    """Return what `unpack` restores `graph` from, given the nodes that it became."""
    from hebbgraph import __version__

    document, arrays = to_document(graph)
    manifest: dict[str, Any] = {}
    stored: dict[str, Any] = {}
    for key, array in arrays.items():
        manifest[key] = {"dtype": array.dtype.str, "shape": list(array.shape)}
        path, _, name = key.rpartition(".")
        if name == "weights" and _is_weight_of(nodes.get(path), array):
            manifest[key]["node"] = path
        elif array.size:
            stored[key] = array.ravel()
    held = {"version": __version__, "dt": dt, "digest": digest(nodes, edges)}
    text = json.dumps({"document": document, "arrays": manifest})
    return {KEY: {**held, "graph": text, **({"arrays": stored} if stored else {})}}


def step_of(library_graph: Any) -> float | None:
    """Return the step in seconds with which hebbgraph wrote a NIR graph, if it did."""
    held = library_graph.metadata.get(KEY)
    return float(held["dt"]) if isinstance(held, Mapping) and "dt" in held else None


def unchanged(library_graph: Any) -> bool:
    """Return whether the nodes and edges are those that hebbgraph wrote."""
    held = library_graph.metadata.get(KEY, {})
    return bool(held.get("digest") == digest(library_graph.nodes, library_graph.edges))


def unpack(library_graph: Any) -> Graph:
    """Return the graph that was packed; raises `Invalid` if its metadata is damaged."""
    held = library_graph.metadata[KEY]
    try:
        description = json.loads(held["graph"])
        arrays = {}
        for key, form in description["arrays"].items():
            shape, dtype = form["shape"], np.dtype(form["dtype"])
            if "node" in form:
                values = library_graph.nodes[form["node"]].weight
            else:
                values = held["arrays"][key] if np.prod(shape) else []
            arrays[key] = np.asarray(values).astype(dtype).reshape(shape)
        return from_document(description["document"], arrays)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        need = "must be as hebbgraph wrote it"
        remedy = "write the file again, or delete this entry to read the nodes alone"
        fault = Fault(f"metadata[{KEY!r}]", f"{type(error).__name__} {error}", need, remedy)
        raise Invalid("NIR graph", [fault]) from None


def digest(nodes: Mapping[str, Any], edges: Sequence[Any]) -> str:
    """Return SHA-256 over the nodes and edges, the same before writing and after reading."""
    found = hashlib.sha256(json.dumps(sorted(map(list, edges))).encode())
    for name in sorted(nodes):
        node = nodes[name]
        found.update(f"{name}\0{type(node).__name__}\0".encode())
        if type(node).__name__ == "NIRGraph":
            found.update(digest(node.nodes, node.edges).encode())
            continue
        if type(node).__name__ in ("Input", "Output"):
            found.update(_bytes(next(iter(node.input_type.values()))))
        for entry in dataclasses.fields(node):
            if entry.name not in DERIVED:
                found.update(entry.name.encode() + _bytes(getattr(node, entry.name)))
    return found.hexdigest()


def _bytes(value: Any) -> bytes:
    """Return a value as bytes: numbers as float64, whatever type a file gave them."""
    array = np.asarray(value)
    if array.dtype.kind in "biuf":
        return str(array.shape).encode() + array.astype(np.float64).tobytes()
    return str(value).encode()


def _is_weight_of(node: Any, array: Any) -> bool:
    """Return whether `node` holds exactly `array`, so that it need not be stored twice."""
    weight = getattr(node, "weight", None)
    if weight is None or weight.shape != array.shape:
        return False
    return bool(weight.tobytes() == array.astype(weight.dtype).tobytes())
