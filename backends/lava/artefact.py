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

from hebbgraph.files import write_atomic

_WORKER = Path(__file__).parent / "worker"
#: What of the worker an exported network needs, beside the folder of Lava Processes.
_MODULES = ("__init__.py", "plan.py", "kernel.py", "memory.py", "shim.py", "guard.py", "engine.py")


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
    #: What the worker was given, as `hebbgraph.serialise.to_document` writes it.
    document: Mapping[str, Any] = field(repr=False)
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)

    @property
    def sources(self) -> tuple[Path, ...]:
        """Return the files that define the Network Process, its two models, and our parts."""
        return (_WORKER / "network" / "network.py", _WORKER / "network" / "parts.py")

    def export(self, folder: str | os.PathLike[str]) -> Path:
        """Write the network to `folder` as a program for lava alone, and return the program.

        It needs lava-nc and NumPy, not hebbgraph: ``python run.py`` runs it on zero inputs and
        counts spikes. `folder` must not exist; raises FileExistsError.
        """
        target = Path(folder)
        package = target / "hebbgraph_lava"
        package.mkdir(parents=True)
        for name in _MODULES:
            shutil.copy(_WORKER / name, package / name)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_WORKER / "network", package / "network", ignore=ignored)
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
