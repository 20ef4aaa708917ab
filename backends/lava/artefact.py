"""LavaNetwork: what a user of lava can take over."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph.random
from hebbgraph.files import write_atomic

_WORKER = Path(__file__).parent / "worker"
_BACKENDS = Path(__file__).parent.parent
#: What an exported network needs, from the folder of back ends; a folder with all that is in it.
_NEEDED = (
    *(f"lava/worker/{name}.py" for name in ("__init__", "plan", "bounds", "buffers", "memory")),
    *(f"lava/worker/{name}.py" for name in ("shim", "guard", "engine")),
    *("lava/worker/fused", "lava/worker/network"),
    *("reference/loihi.py", "reference/learning.py", "reference/steps"),
)
#: The packages above them, of which it needs the names alone.
_NAMED = (
    "hebbgraph",
    "hebbgraph/backends",
    "hebbgraph/backends/lava",
    "hebbgraph/backends/reference",
)


@dataclass(frozen=True)
class Part:
    """One leaf process of the Lava network: an operating system process of its own."""

    #: The path in the graph (``a->b`` for a delay line).
    name: str
    #: The Lava Process, dotted.
    process: str
    #: The ProcessModel that runs it, dotted.
    model: str


@dataclass(frozen=True)
class LavaNetwork:
    """A graph on Lava: its leaf processes, their interpreter, and all of it to export."""

    #: ``"fused"`` or ``"parts"``.
    model: str
    #: The leaf processes that Lava runs.
    parts: tuple[Part, ...]
    #: The interpreter with lava in it.
    python: Path
    #: The worker; the parts are its children.
    pid: int
    #: What the worker was given, as `document.describe` writes it.
    document: Mapping[str, Any] = field(repr=False)
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)

    @property
    def sources(self) -> tuple[Path, ...]:
        """Return the files that define the Network Process, its two models, and its parts."""
        return tuple(sorted((_WORKER / "network").glob("*.py")))

    def export(self, folder: str | os.PathLike[str]) -> Path:
        """Write the network to `folder` as a program for lava alone, and return the program.

        It needs lava-nc and NumPy, not hebbgraph: ``python run.py`` runs it on zero inputs and
        counts what is emitted. `folder` must not exist; raises FileExistsError.
        """
        target = Path(folder)
        target.mkdir(parents=True)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in _NEEDED:
            source, copy = _BACKENDS / name, target / "hebbgraph" / "backends" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=ignored)
            else:
                shutil.copy(source, copy)
        for name in _NAMED:
            text = '"""Part of an exported network: only what it needs of the package is here."""\n'
            write_atomic(target / name / "__init__.py", text)
        shutil.copy(hebbgraph.random.__file__, target / "hebbgraph" / "random.py")
        shutil.copy(_WORKER / "exported.py", target / "run.py")
        document = {**self.document, "model": self.model}
        write_atomic(target / "graph.json", json.dumps(document, indent=1))
        buffer = io.BytesIO()
        np.savez(buffer, **dict(self.arrays))  # type: ignore[arg-type]
        write_atomic(target / "arrays.npz", buffer.getvalue())
        return target / "run.py"

    def __str__(self) -> str:
        rows = [f"{part.name}: {part.process} run by {part.model}" for part in self.parts]
        where = [f"source: {path}" for path in self.sources]
        return "\n".join([f"Lava network ({self.model})", *rows, *where])
