"""LavaExecutable: a graph on the shared worker, rebuilt there whenever that was replaced."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job, Progress
from hebbgraph.backends.lava.artefact import LavaNetwork, Part
from hebbgraph.backends.lava.client import CLOSE_SECONDS, Worker, shared_worker
from hebbgraph.backends.lava.document import describe
from hebbgraph.errors import EngineError, Gap, Unsupported
from hebbgraph.graph import Graph
from hebbgraph.recording import Learned, Recording

Array = NDArray[Any]
_names = itertools.count()


class LavaExecutable:
    """A graph compiled by Lava in the worker."""

    def __init__(self, graph: Graph, model: str, chunk: int, timeout: float) -> None:
        self.graph, self.model, self.chunk, self.timeout = graph, model, chunk, timeout
        self._document, self._arrays = describe(graph)
        self._name = f"graph{next(_names)}"
        self._worker: Worker | None = None
        self._parts: tuple[Part, ...] = ()
        #: How many episodes the worker has room for side by side.
        self._room = 1
        self._built_on()

    @property
    def artefact(self) -> LavaNetwork:
        """Return the Lava network: its parts, their source, the worker, all of it to export."""
        worker = self._built_on()
        python = worker.environment.python
        return LavaNetwork(
            self.model, self._parts, python, worker.pid, self._document, self._arrays
        )

    def run(self, job: Job, progress: Progress | None = None) -> Recording:
        """Run every episode of `job` from zero states.

        Raises `EngineError` if Lava fails, dies or is silent for longer than the option timeout,
        `Unsupported` if more episodes are to learn together than can.
        """
        worker = self._built_on()
        self._require_room(job.batch)
        request = {
            "request": "run",
            "graph": self._name,
            "episodes": job.episodes,
            "steps": job.steps,
            "batch": job.batch,
            "first_episode": job.first_episode,
        }
        recording = self._empty_recording(job.episodes, job.steps)
        records: dict[str, Mapping[str, Array]] = {
            kind: getattr(recording, kind) for kind in ("spikes", "active", "states")
        }
        learned: dict[str, Learned] = {}
        with closing(worker.ask(request, self._sent(job), self.timeout)) as frames:
            for header, arrays in frames:
                if header["kind"] != "chunk":
                    learned = _learned(header["counts"], arrays)
                    continue
                first, t = header["episode"], header["step"]
                episodes = slice(first, first + header["episodes"])
                for key, values in arrays.items():
                    kind, _, target = key.partition("/")
                    records[kind][target][episodes, t : t + values.shape[1]] = values
                if progress:
                    progress(header["done"] // job.episodes, job.steps)
        return Recording(recording.spikes, recording.active, recording.states, learned)

    def close(self) -> None:
        """Stop the Lava network; the worker stays for other graphs. Safe to call twice."""
        worker, self._worker = self._worker, None
        if worker is not None and worker.alive:
            _release(worker, self._name)
            try:
                _flush(worker)
            except EngineError:
                worker.kill()  # it did not stop in time, so it was ended

    def _built_on(self) -> Worker:
        """Return the worker, with the graph built on it."""
        worker = shared_worker()
        if worker is self._worker:
            return worker
        _flush(worker)
        request = {
            "request": "build",
            "graph": self._name,
            "document": self._document,
            "model": self.model,
            "chunk": self.chunk,
        }
        header, _ = worker.tell(request, self._arrays, self.timeout)
        self._parts = tuple(Part(*entry) for entry in header["parts"])
        self._room = header["room"]
        self._worker = worker
        weakref.finalize(self, _release, worker, self._name).atexit = False
        return worker

    def _require_room(self, batch: int) -> None:
        """Raise `Unsupported` if `batch` episodes cannot learn side by side."""
        if not self.graph.plastic or batch == 1:
            return
        if self.model == "parts":
            lacking = "model='parts' learns from one episode at a time"
            raise Unsupported("lava", [Gap("batch", lacking, "use batch=1, or model='fused'")])
        if batch > self._room:
            lacking = f"there is room for {self._room} episodes side by side, not {batch}"
            raise Unsupported("lava", [Gap("batch", lacking, "use a smaller batch")])

    def _sent(self, job: Job) -> dict[str, Array]:
        """Return what the worker is given for one run."""
        wire = np.float64 if self.graph.domain == "float" else np.int32
        sent: dict[str, Array] = {
            f"inputs/{path}": values.astype(wire) for path, values in job.inputs.items()
        }
        for path, held in job.learned.items():
            sent[f"learned/{path}/accumulator"] = held.accumulator
            sent[f"learned/{path}/momentum"] = held.momentum
        return sent

    def _empty_recording(self, episodes: int, steps: int) -> Recording:
        dtype = np.float64 if self.graph.domain == "float" else np.int64
        spikes: dict[str, Array] = {}
        active: dict[str, Array] = {}
        for path in self.graph.observed:
            output = self.graph.flat_processes[path].output
            kept = active if output.signal == "graded" else spikes
            signed = output.signal == "ternary"
            kept[path] = np.zeros((episodes, steps, output.size), np.int8 if signed else bool)
        states: dict[str, Array] = {}
        for probe in self.graph.state_probes:
            weights = probe.variable == "weights" and probe.path in self.graph.plastic
            size = self.graph.flat_processes[probe.path].output.size
            units = self.graph.plastic[probe.path].weights.size if weights else size
            states[probe.target] = np.zeros((episodes, steps, units), dtype)
        return Recording(spikes, active, states)


def _learned(counts: Mapping[str, list[int]], arrays: Mapping[str, Array]) -> dict[str, Learned]:
    """Return what plastic synapses hold, from the last frame of a run."""
    return {
        path: Learned(arrays[f"{path}/accumulator"], arrays[f"{path}/momentum"], events, changed)
        for path, (events, changed) in counts.items()
    }


def _release(worker: Worker, name: str) -> None:
    """Note that the network `name` is no longer needed; it is stopped with the next request."""
    worker.dropped.append(name)


def _flush(worker: Worker) -> None:
    """Stop the networks that are no longer needed."""
    names, worker.dropped = list(dict.fromkeys(worker.dropped)), []
    if names:
        worker.tell({"request": "close", "graphs": names}, timeout=CLOSE_SECONDS)
