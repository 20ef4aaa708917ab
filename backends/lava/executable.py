"""LavaExecutable: a graph on the shared worker, rebuilt there whenever that was replaced."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Progress
from hebbgraph.backends.lava.client import CLOSE_SECONDS, WORKER, Worker, shared_worker
from hebbgraph.errors import EngineError
from hebbgraph.graph import Graph
from hebbgraph.processes import LIF
from hebbgraph.result import Trace
from hebbgraph.serialise import to_document

Array = NDArray[Any]
_names = itertools.count()


@dataclass(frozen=True)
class Part:
    """One leaf process of the Lava network: an operating system process of its own."""

    #: The path in the graph (``a -> b`` for a delay line).
    name: str
    #: The Lava Process, dotted.
    process: str
    #: The ProcessModel that runs it, dotted.
    model: str


@dataclass(frozen=True)
class LavaNetwork:
    """What there is to take over: the leaf processes, their source, the interpreter, the graph."""

    #: ``"fused"`` or ``"parts"``.
    model: str
    #: The leaf processes that Lava runs.
    parts: tuple[Part, ...]
    #: The interpreter with lava in it.
    python: Path
    #: Source of the Network Process with its two models, and of the parts.
    sources: tuple[Path, ...]
    #: What the worker was given: ``worker/plan.py`` reads it.
    document: Mapping[str, Any]
    arrays: Mapping[str, Array]
    #: The worker, a process whose children are the parts.
    worker: Worker = field(repr=False)

    def __str__(self) -> str:
        rows = [f"{part.name}: {part.process} run by {part.model}" for part in self.parts]
        where = [f"source: {path}" for path in self.sources]
        return "\n".join([f"Lava network ({self.model})", *rows, *where])


class LavaExecutable:
    """A graph compiled by Lava in the worker."""

    def __init__(self, graph: Graph, model: str, chunk: int, timeout: float) -> None:
        self.graph, self.model, self.chunk, self.timeout = graph, model, chunk, timeout
        document, self._arrays = to_document(graph.flat())
        self._document = {**document, "order": list(graph.order)}
        self._dtype = np.float64 if graph.domain == "float" else np.int64
        self._name = f"graph{next(_names)}"
        self._worker: Worker | None = None
        self._parts: tuple[Part, ...] = ()
        self._finalizer: Callable[[], Any] | None = None
        self._built_on()

    @property
    def artefact(self) -> LavaNetwork:
        """Return the Lava network: its parts, their source, the worker."""
        worker = self._built_on()
        folder = WORKER.parent / "network"
        return LavaNetwork(
            model=self.model,
            parts=self._parts,
            python=worker.environment.python,
            sources=(folder / "network.py", folder / "parts.py"),
            document=self._document,
            arrays=self._arrays,
            worker=worker,
        )

    def run(
        self, inputs: Mapping[str, Array], steps: int, progress: Progress | None = None
    ) -> Trace:
        """Run every episode for `steps` steps from zero states.

        Raises `EngineError` if Lava fails, dies or is silent for longer than the option timeout.
        """
        episodes = next((len(values) for values in inputs.values()), 1)
        sent = {path: values.astype(self._wire_dtype) for path, values in inputs.items()}
        request = {"request": "run", "graph": self._name, "episodes": episodes, "steps": steps}
        trace = self._empty_trace(episodes, steps)
        kinds: dict[str, Mapping[str, Array]] = {"spikes": trace.spikes, "states": trace.states}
        done = 0
        for header, arrays in self._built_on().ask(request, sent, self.timeout):
            for key, values in arrays.items():
                kind, _, target = key.partition("/")
                e, t = header["episode"], header["step"]
                kinds[kind][target][e : e + len(values), t : t + values.shape[1]] = values
            if header["kind"] == "chunk":
                done += _episode_steps(arrays)
                if progress:
                    progress(steps * done // max(1, episodes * steps), steps)
        return trace

    def close(self) -> None:
        """Stop the Lava network; the worker stays for other graphs. Safe to call twice."""
        if self._worker is not None and self._worker.alive:
            _release(self._worker, self._name)
            try:
                _flush(self._worker)
            except EngineError:
                self._worker.kill()  # it would not stop, so it was ended
        self._worker = None

    @property
    def _wire_dtype(self) -> Any:
        return np.float64 if self.graph.domain == "float" else np.int32

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
        header, _ = next(iter(list(worker.ask(request, self._arrays, self.timeout))))
        self._parts = tuple(Part(*entry) for entry in header["parts"])
        self._worker = worker
        weakref.finalize(self, _release, worker, self._name).atexit = False
        return worker

    def _empty_trace(self, episodes: int, steps: int) -> Trace:
        lifs = self.graph.of_kind(LIF)
        spikes = {path: np.zeros((episodes, steps, lif.size), bool) for path, lif in lifs.items()}
        states = {
            probe.target: np.zeros((episodes, steps, lifs[probe.path].size), self._dtype)
            for probe in self.graph.flat_probes
            if probe.variable in LIF.STATES
        }
        return Trace(spikes, states)


def _episode_steps(arrays: Mapping[str, Array]) -> int:
    return next((len(values) * values.shape[1] for values in arrays.values()), 0)


def _release(worker: Worker, name: str) -> None:
    """Note that the network `name` is no longer needed; it is stopped with the next request."""
    worker.dropped.append(name)


def _flush(worker: Worker) -> None:
    """Stop the networks that are no longer needed."""
    names, worker.dropped = list(dict.fromkeys(worker.dropped)), []
    if names:
        list(worker.ask({"request": "close", "graphs": names}, timeout=CLOSE_SECONDS))
