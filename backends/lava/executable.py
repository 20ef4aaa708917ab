"""LavaExecutable: a graph on the shared worker, rebuilt there whenever that was replaced."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Progress
from hebbgraph.backends.lava.artefact import LavaNetwork, Part
from hebbgraph.backends.lava.client import CLOSE_SECONDS, Worker, shared_worker
from hebbgraph.errors import EngineError
from hebbgraph.graph import Graph
from hebbgraph.processes import LIF
from hebbgraph.result import Trace
from hebbgraph.serialise import to_document

Array = NDArray[Any]
_names = itertools.count()


class LavaExecutable:
    """A graph compiled by Lava in the worker."""

    def __init__(self, graph: Graph, model: str, chunk: int, timeout: float) -> None:
        self.graph, self.model, self.chunk, self.timeout = graph, model, chunk, timeout
        document, self._arrays = to_document(graph.flat())
        self._document = {**document, "order": list(graph.order)}
        self._name = f"graph{next(_names)}"
        self._worker: Worker | None = None
        self._parts: tuple[Part, ...] = ()
        self._built_on()

    @property
    def artefact(self) -> LavaNetwork:
        """Return the Lava network: its parts, their source, the worker, all of it to export."""
        worker = self._built_on()
        python = worker.environment.python
        return LavaNetwork(
            self.model, self._parts, python, worker.pid, self._document, self._arrays
        )

    def run(
        self, inputs: Mapping[str, Array], steps: int, progress: Progress | None = None
    ) -> Trace:
        """Run every episode for `steps` steps from zero states.

        Raises `EngineError` if Lava fails, dies or is silent for longer than the option timeout.
        """
        worker = self._built_on()
        episodes = next((len(values) for values in inputs.values()), 1)
        wire = np.float64 if self.graph.domain == "float" else np.int32
        sent = {path: values.astype(wire) for path, values in inputs.items()}
        request = {"request": "run", "graph": self._name, "episodes": episodes, "steps": steps}
        trace = self._empty_trace(episodes, steps)
        records = {"spikes": trace.spikes, "states": trace.states}
        with closing(worker.ask(request, sent, self.timeout)) as frames:
            for header, arrays in frames:
                if header["kind"] != "chunk":
                    continue
                e, t = header["episode"], header["step"]
                for key, values in arrays.items():
                    kind, _, target = key.partition("/")
                    records[kind][target][e : e + len(values), t : t + values.shape[1]] = values
                if progress:
                    progress(header["done"] // episodes, steps)
        return trace

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
        self._worker = worker
        weakref.finalize(self, _release, worker, self._name).atexit = False
        return worker

    def _empty_trace(self, episodes: int, steps: int) -> Trace:
        lifs = self.graph.of_kind(LIF)
        dtype = np.float64 if self.graph.domain == "float" else np.int64
        spikes = {path: np.zeros((episodes, steps, lif.size), bool) for path, lif in lifs.items()}
        states: dict[str, Array] = {
            probe.target: np.zeros((episodes, steps, lifs[probe.path].size), dtype)
            for probe in self.graph.flat_probes
            if probe.variable in LIF.STATES
        }
        return Trace(spikes, states)


def _release(worker: Worker, name: str) -> None:
    """Note that the network `name` is no longer needed; it is stopped with the next request."""
    worker.dropped.append(name)


def _flush(worker: Worker) -> None:
    """Stop the networks that are no longer needed."""
    names, worker.dropped = list(dict.fromkeys(worker.dropped)), []
    if names:
        worker.tell({"request": "close", "graphs": names}, timeout=CLOSE_SECONDS)
