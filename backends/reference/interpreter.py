"""The interpreter: the law of the tick in plain NumPy, the definition for all other back ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Progress
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.graph import Graph
from hebbgraph.processes import Input
from hebbgraph.result import Trace

Array = NDArray[Any]


class Interpreter:
    """Executes a graph step by step; episodes are the first axis of every array."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.dtype = np.float64 if graph.domain == "float" else np.int64

    @property
    def artefact(self) -> Interpreter:
        """Return this interpreter."""
        return self

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def run(
        self, inputs: Mapping[str, Array], steps: int, progress: Progress | None = None
    ) -> Trace:
        """Run every episode for `steps` steps from zero states."""
        episodes = next((len(values) for values in inputs.values()), 1)
        states = self._zero_states(episodes)
        emitted: dict[str, list[Array]] = {}  # by source port, one array (episodes, units) a step
        recorded: dict[str, list[Array]] = {probe.target: [] for probe in self.graph.flat_probes}
        for t in range(steps):
            for path in self.graph.order:
                process = self.graph.flat_processes[path]
                if isinstance(process, Input):
                    outputs = {"out": self._datum(inputs[path], t)}
                else:
                    arriving = {
                        port: self._arrival(f"{path}.{port}", emitted, t, episodes)
                        for port in process.inputs
                    }
                    step = STEPS[type(process).__name__, self.graph.domain]
                    outputs = step(process, states[path], arriving)
                for port, values in outputs.items():
                    emitted.setdefault(f"{path}.{port}", []).append(values)
            self._record(recorded, states)
            self._forget(emitted, t)
            if progress:
                progress(t + 1, steps)
        return self._trace(emitted, recorded)

    def _arrival(
        self, target: str, emitted: Mapping[str, list[Array]], t: int, episodes: int
    ) -> Array:
        """Deliver: the sum over connections of what the source emitted at t - delay."""
        total = np.zeros((episodes, self.graph.port(target).size), self.dtype)
        for connection in self.graph.sources(target):
            sent_at = t - (connection.delay or 0)
            if sent_at >= 0:
                total = total + emitted[connection.source][sent_at]
        return total

    def _datum(self, values: Array, t: int) -> Array:
        return values[:, t] if t < values.shape[1] else np.zeros_like(values[:, 0])

    def _zero_states(self, episodes: int) -> dict[str, dict[str, Array]]:
        return {
            path: {
                name: np.zeros((episodes, next(iter(process.outputs.values())).size), self.dtype)
                for name in process.STATES
            }
            for path, process in self.graph.walk()
        }

    def _record(
        self, recorded: Mapping[str, list[Array]], states: Mapping[str, Mapping[str, Array]]
    ) -> None:
        for probe in self.graph.flat_probes:
            if probe.variable in states[probe.path]:
                recorded[probe.target].append(states[probe.path][probe.variable])

    def _forget(self, emitted: Mapping[str, list[Array]], t: int) -> None:
        """Drop graded values that no connection can still deliver; spikes are the result."""
        old = t - self.graph.max_delay
        for source, history in emitted.items():
            if old >= 0 and self.graph.port(source).signal == "graded":
                history[old] = None  # type: ignore[call-overload]

    def _trace(
        self, emitted: Mapping[str, list[Array]], recorded: Mapping[str, list[Array]]
    ) -> Trace:
        spikes = {}
        for source, history in emitted.items():
            path = source.rpartition(".")[0]
            inside = not isinstance(self.graph.flat_processes[path], Input)
            if inside and self.graph.port(source).signal == "spike":
                spikes[path] = np.stack(history, axis=1).astype(bool)
        states = {target: np.stack(h, axis=1) for target, h in recorded.items() if h}
        return Trace(spikes, states)
