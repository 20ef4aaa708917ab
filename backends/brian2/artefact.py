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

from hebbgraph.backends.brian2.build import Layout, Simulation, rows_of
from hebbgraph.backends.brian2.plan import Plan
from hebbgraph.backends.brian2.script import script
from hebbgraph.files import write_atomic


class _Source(Protocol):
    """What an artefact reads from the executable."""

    plan: Plan
    target: str
    layout: Layout
    inputs: Mapping[str, NDArray[Any]]
    folder: Path | None

    def simulation(self) -> Simulation: ...


class Artefact:
    """The network that ran last (before any run: the one for a single episode) and its source.

    With ``dense="synapses"`` episodes follow one another, each reset at its start, so going on with
    `Network.run` begins another silent episode; with ``dense="blas"`` it goes on with this one.

    The next run of the program resets this network and runs it again, or builds another one. After
    a run on C++ standalone the objects read their values from `folder`, while it is there.
    """

    def __init__(self, executable: _Source) -> None:
        self._executable = executable

    @property
    def network(self) -> Any:
        """Return the `brian2.Network`."""
        return self._executable.simulation().network

    @property
    def groups(self) -> Mapping[str, Any]:
        """Return every NeuronGroup by graph path."""
        return self._executable.simulation().groups

    @property
    def synapses(self) -> Mapping[str, list[Any]]:
        """Return the Synapses of every Dense by graph path, one per connection into it."""
        return self._executable.simulation().synapses

    @property
    def spike_monitors(self) -> Mapping[str, Any]:
        """Return every SpikeMonitor by graph path."""
        return self._executable.simulation().spike_monitors

    @property
    def state_monitors(self) -> Mapping[str, Any]:
        """Return every StateMonitor (of probed states) by graph path."""
        return self._executable.simulation().state_monitors

    @property
    def folder(self) -> Path | None:
        """Return the folder of generated C++ until the next run or `close`; else None."""
        return self._executable.folder

    def source(self) -> str:
        """Return the network that ran last as a script in Brian2's own words.

        It differs in one point: data is read from a TimedArray, where the network itself reads
        arrays in place, so that new data needs no compilation. `save` writes it, ready to run.
        """
        executable = self._executable
        return script(executable.plan, executable.layout, executable.target)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write network.py (`source`) and arrays.npz to `folder`; return the path of network.py."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in self._arrays().items():
                member = io.BytesIO()
                np.save(member, array, allow_pickle=False)
                archive.writestr(f"{name}.npy", member.getvalue())
        write_atomic(Path(folder) / "arrays.npz", buffer.getvalue())
        return write_atomic(Path(folder) / "network.py", self.source())

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that the script reads: constants, weights, data of the last run."""
        executable = self._executable
        plan, layout = executable.plan, executable.layout
        arrays: dict[str, NDArray[Any]] = {}
        for population in plan.populations:
            for name, values in population.parameters.items():
                arrays[f"{population.path}.{name}"] = values
        for projection in plan.projections:
            arrays[f"{projection.name}.pre"] = projection.pre
            arrays[f"{projection.name}.post"] = projection.post
            arrays[f"{projection.name}.w"] = projection.weights
        for product in plan.products:
            arrays[f"{product.path}.weights"] = product.weights
        for path, data in executable.inputs.items():
            arrays[path] = rows_of(data, layout)
        return arrays
