"""Engine: where a memory runs, and the contract between a memory and the harness.

A memory is anything that follows this contract: an `Input` (``cue``) that is given the cue in
{-1, +1} at step 0 only, and a `LIF` (``memory``) of as many units whose spikes s are the state
sigma = 2 s - 1; step 0 shows the cue itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Progress
from hebbgraph.compile import Program, compile  # noqa: A004
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.hardware import Hardware
from hebbgraph.metrics import states_of
from hebbgraph.processes import LIF, Domain, Input
from hebbgraph.result import Result

#: Makes the memory of stored patterns (K, N), values -1 and +1.
Build = Callable[[NDArray[np.int8]], Graph]
#: Called with (done, total, what is being done).
Teller = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Engine:
    """A back end with its settings, and which processes take the cue and show the state."""

    backend: str = "reference"
    domain: Domain = "float"
    hardware: Hardware | str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Path of the Input.
    cue: str = "cue"
    #: Path of the LIF.
    memory: str = "memory"

    def compile(self, build: Build, patterns: NDArray[np.int8]) -> Program:
        """Return the memory of `patterns`, compiled; raises `Invalid` if it breaks the contract."""
        graph = build(patterns)
        faults = self._contract_faults(graph, patterns.shape[1])
        if faults:
            raise Invalid(f"memory {graph.name!r}", faults)
        return compile(
            graph, self.backend, domain=self.domain, hardware=self.hardware, **self.options
        )

    def recall(
        self,
        program: Program,
        cues: NDArray[np.int8],
        steps: int,
        progress: Progress | None = None,
    ) -> tuple[NDArray[np.int8], Result]:
        """Return the states (episodes, steps, N) from `cues` (episodes, N), and the result."""
        result = program.run({self.cue: cues[:, np.newaxis]}, steps, progress=progress)
        return states_of(result.spikes[self.memory]), result

    def _contract_faults(self, graph: Graph, units: int) -> list[Fault]:
        inputs = {path: process.size for path, process in graph.of_kind(Input).items()}
        populations = {path: process.size for path, process in graph.of_kind(LIF).items()}
        faults = _end_faults(self.cue, "an Input", inputs, units)
        faults += _end_faults(self.memory, "a LIF", populations, units)
        others = ", ".join(path for path in inputs if path != self.cue)
        if others:
            need = f"must not be there: {self.cue} is the only Input that is given data"
            faults.append(Fault(others, "another Input", need, "build the graph without it"))
        return faults


def _end_faults(path: str, kind: str, sizes: Mapping[str, int], units: int) -> list[Fault]:
    if path not in sizes:
        need = f"must be the path of {kind} in the graph; there are {', '.join(sizes) or 'none'}"
        return [Fault(path, "no such process", need, "name the one to use")]
    if sizes[path] != units:
        need = f"must have {units} units, as the patterns have"
        return [Fault(path, f"{sizes[path]} units", need)]
    return []
