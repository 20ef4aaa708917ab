"""A graph as one file: JSON and arrays in a zip archive, no pickle.

`to_document` and `from_document` are also what back ends in other processes are sent.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import KINDS, Process
from hebbgraph.rules import Rule

#: Version of the file layout; a reader refuses what it does not know.
FORMAT = 1

#: What reading a damaged archive can raise.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
)

Arrays = dict[str, NDArray[Any]]


def to_document(graph: Graph) -> tuple[dict[str, Any], Arrays]:
    """Return (document, arrays): everything about `graph` as JSON types, and its arrays by path.

    An array of process ``memory`` named ``bias`` has the key ``memory.bias``.
    """
    arrays: Arrays = {}
    processes = {}
    for name, node in graph.processes.items():
        if isinstance(node, Graph):
            document, nested = to_document(node)
            arrays |= {f"{name}.{key}": array for key, array in nested.items()}
            processes[name] = {"kind": "Graph", "graph": document}
        else:
            arrays |= {f"{name}.{key}": getattr(node, key) for key in node.PARAMETERS}
            processes[name] = {"kind": type(node).__name__, "fields": _plain_fields(node)}
    document = {
        "format": FORMAT,
        "name": graph.name,
        "domain": graph.domain,
        "processes": processes,
        "connections": [[c.source, c.target, c.delay] for c in graph.connections],
        "probes": [probe.target for probe in graph.probes],
        "notes": list(graph.notes),
        "scales": dict(graph.scales),
    }
    return document, arrays


def from_document(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Graph:
    """Return the graph that `to_document` described; raises `Invalid` on an unknown layout."""
    if document.get("format") != FORMAT:
        need = f"must be {FORMAT}, the only layout this version reads"
        fault = Fault("format", repr(document.get("format")), need, "write it again, or update")
        raise Invalid("graph document", [fault])
    processes: dict[str, Process | Graph] = {}
    for name, entry in document["processes"].items():
        prefix = f"{name}."
        own = {k[len(prefix) :]: a for k, a in arrays.items() if k.startswith(prefix)}
        if entry["kind"] == "Graph":
            processes[name] = from_document(entry["graph"], own)
            continue
        if entry["kind"] not in KINDS:
            need = f"process kinds are {', '.join(KINDS)}"
            fault = Fault(name, repr(entry["kind"]), need, "update hebbgraph")
            raise Invalid("graph document", [fault])
        kind = KINDS[entry["kind"]]
        fields = dict(entry["fields"])
        if fields.get("rule") is not None:
            fields["rule"] = Rule.from_dict(fields["rule"])
        processes[name] = kind(**fields, **{key: own[key] for key in kind.PARAMETERS})
    connections = tuple(Connection(*entry) for entry in document["connections"])
    probes = tuple(map(Probe, document["probes"]))
    notes, scales = tuple(document["notes"]), document.get("scales", {})
    name, domain = document["name"], document["domain"]
    return Graph(name, processes, connections, probes, domain, notes, scales)


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write `graph` to one file (by convention ``.hgraph``), whole or not at all."""
    document, arrays = to_document(graph)
    write_atomic(path, pack(document, arrays))


def load(path: str | os.PathLike[str]) -> Graph:
    """Read a graph that `save` wrote; raises `Invalid` if the file is damaged or not a graph."""
    where = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        need = "must be a file that can be read"
        raise Invalid("graph file", [Fault(where, str(error.strerror), need)]) from None
    try:
        document, arrays = unpack(data)
        return from_document(document, arrays)
    except DAMAGE as error:
        need = "must be a whole graph file, a zip with graph.json and arrays"
        fault = Fault(
            where,
            f"{len(data)} bytes: {type(error).__name__} {error}",
            need,
            "save the graph again",
        )
        raise Invalid("graph file", [fault]) from None


def pack(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a zip archive of `document` as graph.json and `arrays` as .npy members.

    Equal content gives equal bytes: members are sorted and carry no date.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {"graph.json": json.dumps(document, indent=1, sort_keys=False).encode()}
        for key in sorted(arrays):
            member = io.BytesIO()
            np.save(member, arrays[key], allow_pickle=False)
            members[f"arrays/{key}.npy"] = member.getvalue()
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[dict[str, Any], Arrays]:
    """Return what `pack` was given."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        document = json.loads(archive.read("graph.json"))
        arrays = {}
        for name in archive.namelist():
            if name.startswith("arrays/"):
                key = name.removeprefix("arrays/").removesuffix(".npy")
                arrays[key] = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    return document, arrays


def _plain_fields(process: Process) -> dict[str, Any]:
    names = [f.name for f in dataclasses.fields(process) if f.name not in process.PARAMETERS]  # type: ignore[arg-type]
    values = {name: getattr(process, name) for name in names}
    return {k: v.as_dict() if isinstance(v, Rule) else v for k, v in values.items()}
