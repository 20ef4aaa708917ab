"""Artefact: what a user of Brian2 takes over from a program."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job
from hebbgraph.backends.brian2.plan import Layout, Plan
from hebbgraph.backends.brian2.script import script
from hebbgraph.files import write_atomic


class _Source(Protocol):
    """What an artefact reads from the executable."""

    plan: Plan
    target: str
    layout: Layout
    job: Job
    folder: Path | None

    def objects(self) -> Mapping[str, Any]: ...

    def arrays(self) -> dict[str, NDArray[Any]]: ...


class Artefact:
    """The network that ran last (before any run: the one for a single episode) and its source.

    Where episodes follow one another, each reset at its start, going on with `Network.run` begins
    another silent episode; where they lie side by side it goes on with them.

    The next run of the program resets this network and runs it again, or builds another one. After
    a run on C++ standalone the objects read their values from `folder`, while it is there.
    """

    def __init__(self, executable: _Source) -> None:
        self._executable = executable

    @property
    def objects(self) -> Mapping[str, Any]:
        """Return everything that the text of the network defines, by the name it has there."""
        return self._executable.objects()

    @property
    def network(self) -> Any:
        """Return the `brian2.Network`."""
        return self.objects["network"]

    @property
    def groups(self) -> Mapping[str, Any]:
        """Return the NeuronGroup of every process by graph path."""
        objects = self.objects
        return {p.path: objects[p.name] for p in self._executable.plan.populations if p.port}

    @property
    def synapses(self) -> Mapping[str, list[Any]]:
        """Return the Synapses of every process by graph path, one per connection into it."""
        objects, found = self.objects, dict[str, list[Any]]()
        for projection in self._executable.plan.projections:
            found.setdefault(projection.path, []).append(objects[projection.name])
        return found

    @property
    def learners(self) -> Mapping[str, Any]:
        """Return what holds the weights of plastic synapses by graph path.

        It is a Synapses with the variable ``w``, or with ``dense="blas"`` an object with the
        arrays ``weights`` and ``accumulator``.
        """
        objects, plastic = self.objects, self._executable.plan.plastic
        return {
            path: objects[p.name if p.accumulator else f"{p.name}_learner"]
            for path, p in plastic.items()
        }

    @property
    def spike_monitors(self) -> Mapping[str, Any]:
        """Return every SpikeMonitor by graph path."""
        return self._monitors("_spikes")

    @property
    def state_monitors(self) -> Mapping[str, Any]:
        """Return every StateMonitor (of probed states and graded outputs) by graph path."""
        return self._monitors("_states")

    def _monitors(self, suffix: str) -> dict[str, Any]:
        objects, monitors = self.objects, self._executable.plan.monitors
        names = {m.path: f"{m.population}{suffix}" for m in monitors}
        return {path: objects[name] for path, name in names.items() if name in objects}

    @property
    def folder(self) -> Path | None:
        """Return the folder of generated C++ until the next run or `close`; else None."""
        return self._executable.folder

    def source(self) -> str:
        """Return the network that ran last as a script in Brian2's own words.

        Its statements are those that built the network; `save` writes it, ready to run.
        """
        made = self._executable
        return script(made.plan, made.layout, made.target, made.job.first_episode)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write network.py (`source`) and arrays.npz to `folder`; return the path of network.py."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in self._executable.arrays().items():
                member = io.BytesIO()
                np.save(member, array, allow_pickle=False)
                archive.writestr(f"{name}.npy", member.getvalue())
        write_atomic(Path(folder) / "arrays.npz", buffer.getvalue())
        return write_atomic(Path(folder) / "network.py", self.source())
