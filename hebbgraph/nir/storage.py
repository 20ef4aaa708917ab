"""storage: NIR files, which are HDF5."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.graph import Graph
from hebbgraph.nir.exporter import STEP, to_nir
from hebbgraph.nir.fidelity import Fidelity
from hebbgraph.nir.importer import assessed, from_nir
from hebbgraph.nir.library import library


def write(
    graph: Graph, path: str | os.PathLike[str], dt: float = STEP, *, lossy: bool = False
) -> Fidelity:
    """Write `graph` to a NIR file, whole or not at all; see `to_nir`.

    Raises `Invalid` if the file cannot be written.
    """
    nir_graph, fidelity = to_nir(graph, dt, lossy=lossy)
    buffer = io.BytesIO()
    library().write(buffer, nir_graph)
    try:
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        need = "must be a file that can be written"
        raise Invalid("NIR file", [Fault(os.fspath(path), str(error.strerror), need)]) from None
    return fidelity


def read(
    path: str | os.PathLike[str], dt: float | None = None, *, lossy: bool = False
) -> tuple[Graph, Fidelity]:
    """Read a NIR file, whoever wrote it; see `from_nir`. Raises `Invalid` if it is none."""
    return from_nir(_loaded(path), dt, lossy=lossy, name=Path(path).stem)


def assess(path: str | os.PathLike[str], dt: float | None = None) -> Fidelity:
    """Return what would become of each node of a NIR file."""
    return assessed(_loaded(path), dt)


def _loaded(path: str | os.PathLike[str]) -> Any:
    """Return the nir.NIRGraph in a file, its types not checked: we look at them ourselves."""
    nir = library()
    try:
        with open(path, "rb") as file:
            found = nir.read(io.BytesIO(file.read()), type_check=False)
    except (OSError, KeyError, ValueError, TypeError, AssertionError, AttributeError) as error:
        need = "must be a NIR file that the package nir can read"
        got = f"{type(error).__name__} {error}".strip()
        raise Invalid("NIR file", [Fault(os.fspath(path), got, need)]) from None
    if not isinstance(found, nir.NIRGraph):
        need = "must hold a NIRGraph"
        raise Invalid("NIR file", [Fault(os.fspath(path), type(found).__name__, need)])
    return found
