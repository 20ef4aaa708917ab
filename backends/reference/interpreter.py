"""The interpreter: the law of the tick in plain NumPy, the definition for all other back ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job, Progress
from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Step
from hebbgraph.graph import Graph
from hebbgraph.processes import Process, Transpose
from hebbgraph.recording import Learned, Recording

Array = NDArray[Any]


class Interpreter:
    """Executes a graph step by step; episodes are the first axis of every array.

    `steps` is the table of what each kind does in a step, `plastic` makes what learns; others may
    watch, or alter, both.
    """

    def __init__(
        self,
        graph: Graph,
        steps: Mapping[tuple[str, str], Step] = STEPS,
        plastic: Callable[..., Plastic] = Plastic,
    ) -> None:
        self.graph, self.steps, self.plastic = graph, steps, plastic
        self.dtype = np.float64 if graph.domain == "float" else np.int64
        #: The process whose weights each synapse process has: itself, or what it is tied to.
        self.holder = {
            path: process.of if isinstance(process, Transpose) else path
            for path, process in graph.walk()
            if process.ROLE == "synapses"
        }

    @property
    def artefact(self) -> Interpreter:
        """Return this interpreter."""
        return self

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def run(self, job: Job, progress: Progress | None = None) -> Recording:
        """Run every episode: all at once, or where weights learn, `job.batch` by `job.batch`."""
        plastic = {
            path: self.plastic(
                path,
                dense.rule,
                self.graph.domain,
                job.learned[path].accumulator,
                job.learned[path].momentum,
            )
            for path, dense in self.graph.plastic.items()
        }
        size = job.batch if plastic else job.episodes
        parts = []
        for first in range(0, job.episodes, size):
            batch = _Batch(self, job, plastic, range(first, min(first + size, job.episodes)))
            parts.append(batch.run(progress if first + size >= job.episodes else None))
        learned = {
            path: Learned(p.accumulator, p.momentum, p.events, p.changed)
            for path, p in plastic.items()
        }
        return Recording.joined(parts, learned)


class _Batch:
    """Some episodes, side by side, from zero states."""

    def __init__(
        self, interpreter: Interpreter, job: Job, plastic: Mapping[str, Plastic], episodes: range
    ) -> None:
        self.graph, self.dtype = interpreter.graph, interpreter.dtype
        self.steps = interpreter.steps
        self.job, self.plastic, self.episodes = job, plastic, episodes
        self.holder = interpreter.holder
        self.states = {path: self._registers(path, p) for path, p in self.graph.walk()}
        #: By source port, one array (episodes, units) a step.
        self.emitted: dict[str, list[Array | None]] = {}
        self.active: dict[str, list[Array]] = {path: [] for path in self.graph.observed}
        self.recorded: dict[str, list[Array]] = {p.target: [] for p in self.graph.state_probes}

    def run(self, progress: Progress | None) -> Recording:
        """Run all steps: deliver, update, emit, learn."""
        for synapses in self.plastic.values():
            synapses.begin(len(self.episodes))
        for t in range(self.job.steps):
            for path in self.graph.order:
                values = self._emission(path, t)
                self.emitted.setdefault(self._port(path), []).append(values)
                if path in self.active:
                    self.active[path].append(values)
            for path, synapses in self.plastic.items():
                self._learn(path, synapses, t)
            self._record(t)
            self._forget(t)
            if progress:
                progress(t + 1, self.job.steps)
        return self._recording()

    def _emission(self, path: str, t: int) -> Array:
        """Deliver to the process at `path`, update it, return what it emits."""
        process = self.graph.flat_processes[path]
        if process.ROLE == "source":
            values = self.job.inputs[path][self.episodes.start : self.episodes.stop]
            return values[:, t] if t < values.shape[1] else np.zeros_like(values[:, 0])
        arriving = {
            name: self._arrival(f"{path}.{name}", t)
            for name, port in process.inputs.items()
            if not port.learning
        }
        state = self.states[path]
        if process.ROLE == "synapses":
            state["weights"] = self._weights(path)
        return self.steps[type(process).__name__, self.graph.domain](process, state, arriving)

    def _arrival(self, target: str, t: int) -> Array:
        """Deliver: the sum over connections of what the source emitted at t - delay."""
        port, sources = self.graph.port(target), self.graph.sources(target)
        default = 0 if sources else port.default
        total = np.full((len(self.episodes), port.size), default, self.dtype)
        for connection in sources:
            sent_at = t - (connection.delay or 0)
            if sent_at >= 0:
                values = self.emitted[connection.source][sent_at]
                assert values is not None
                total = total + values
        return total

    def _learn(self, path: str, synapses: Plastic, t: int) -> None:
        """Let one set of synapses read this step's signals and, at the end of an epoch, learn."""
        ports = {"pre": "s", **{name: name for name in synapses.rule.ports}}
        synapses.read({name: self._arrival(f"{path}.{port}", t) for name, port in ports.items()})
        if synapses.rule.learns_at(t, self.job.steps):
            episode = self.job.first_episode + self.episodes.start
            synapses.learn(self._arrival(f"{path}.gate", t), episode, t)

    def _weights(self, path: str) -> Array:
        """Return the matrix of the synapses at `path` as it is now."""
        holder = self.holder[path]
        if holder in self.plastic:
            weights = self.plastic[holder].weights
        else:
            weights = self.states[holder]["matrix"]
        return weights if holder == path else weights.T

    def _registers(self, path: str, process: Process) -> dict[str, Any]:
        """Return the registers of a process at the start of an episode."""
        if process.ROLE != "synapses":
            shape = (len(self.episodes), process.output.size)
            return {name: np.zeros(shape, self.dtype) for name in process.registers}
        delays = process.delay_matrix() if process.longest_delay else None
        registers: dict[str, Any] = {"delays": delays, "past": []}
        if self.holder[path] == path and path not in self.plastic:
            registers["matrix"] = process.matrix()
        return registers

    def _record(self, t: int) -> None:
        for probe in self.graph.state_probes:
            process = self.graph.flat_processes[probe.path]
            if probe.variable in process.outputs:
                values = self.emitted[probe.target][t]
            elif probe.variable == "weights":
                weights = self.plastic[probe.path].weights
                values = np.broadcast_to(weights.ravel(), (len(self.episodes), weights.size))
            else:
                values = self.states[probe.path][probe.variable]
            assert values is not None
            self.recorded[probe.target].append(values)

    def _forget(self, t: int) -> None:
        """Drop what no connection can still deliver."""
        old = t - self.graph.max_delay
        if old >= 0:
            for history in self.emitted.values():
                history[old] = None

    def _recording(self) -> Recording:
        spikes, active = {}, {}
        for path, history in self.active.items():
            signal = self.graph.flat_processes[path].output.signal
            values = np.stack(history, axis=1)
            if signal == "graded":
                active[path] = values != 0
            else:
                spikes[path] = values.astype(bool if signal == "spike" else np.int8)
        states = {target: np.stack(h, axis=1) for target, h in self.recorded.items()}
        return Recording(spikes, active, states)

    def _port(self, path: str) -> str:
        return f"{path}.{next(iter(self.graph.flat_processes[path].outputs))}"
