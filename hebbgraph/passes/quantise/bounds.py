"""Bounds: how large the values get that processes emit, by proof or from sample data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.processes import (
    Bus,
    Exponential,
    Graded,
    Input,
    LeakyIntegrator,
    Noise,
    Polynomial,
    Process,
    Sign,
    Softmax,
    Transpose,
    WinnerTakeAll,
)

#: Sample data are not all data: what is observed may be exceeded by this factor.
MARGIN = 2.0
#: The largest logarithm of 1 / p that noise of 52 bits can have.
LONGEST_TAIL = 37.0


class Bounds:
    """Bounds of what every process of a float `graph` emits.

    With `data` (inputs of some episodes), `MARGIN` times what a run of the reference shows; without
    them what can be proved for inputs within +-1, infinite where nothing can.
    """

    def __init__(self, graph: Graph, data: Mapping[str, Any] | None, steps: int | None) -> None:
        self.graph = graph
        self.calibrated = data is not None
        #: What every Input emits in the sample, gain included; empty without data.
        self.sample: dict[str, NDArray[Any]] = {}
        self._found: dict[str, float] = {}
        #: Largest |u| of every LIF, if there are data.
        self.currents: dict[str, float] = {}
        self._learned: dict[str, float] = {}
        if data is not None:
            self._observe(data, steps)

    def emitted(self, path: str) -> float:
        """Return a bound on what the process at `path` emits."""
        if path not in self._found:
            self._found[path] = np.inf  # met again while it is worked out: a loop
            self._found[path] = self._proved(path, self.graph.flat_processes[path])
        return self._found[path]

    def arriving(self, target: str) -> float:
        """Return a bound on what arrives at a port."""
        sources = self.graph.sources(target)
        if not sources:
            return self.graph.port(target).default
        return sum(self.emitted(c.source.rpartition(".")[0]) for c in sources)

    def weight(self, path: str) -> float:
        """Return a bound on the weights of the plastic synapses at `path`.

        It is that of their rule; without one, `MARGIN` times what a run with data learns, or four
        times the largest weight at the start (at least 1).
        """
        dense = self.graph.plastic[path]
        assert dense.rule is not None
        bound = max(abs(dense.rule.low), abs(dense.rule.high))
        if np.isfinite(bound):
            return float(bound)
        if path in self._learned:
            return self._learned[path]
        return max(1.0, 4 * float(np.abs(dense.weights).max()))

    def _proved(self, path: str, process: Process) -> float:
        port = process.output
        if port.signal != "graded":
            return 1.0
        if isinstance(process, Input):
            return float(np.abs(process.gain).max())
        if isinstance(process, Noise):
            return float(np.max(process.scale)) * LONGEST_TAIL
        if process.ROLE == "synapses":
            shared = self._shared(path)
            if shared is not None:
                return self._sum(path, process, largest=True) * shared
            return self._sum(path, process) * self.arriving(f"{path}.s")
        return self._units(path, process)

    def _shared(self, path: str) -> int | None:
        """Return the sum of shares or winners that arrive at synapses, if nothing else does."""
        sources = self.graph.sources(f"{path}.s")
        if len(sources) != 1:
            return None
        process = self.graph.flat_processes[sources[0].source.rpartition(".")[0]]
        if isinstance(process, WinnerTakeAll):
            return process.groups * process.k
        return process.groups if isinstance(process, Softmax) else None

    def _sum(self, path: str, process: Process, *, largest: bool = False) -> float:
        """Return the largest sum of weights that one postsynaptic unit can have, or weight."""
        transposed = isinstance(process, Transpose)
        holder = process.of if isinstance(process, Transpose) else path
        dense = self.graph.flat_processes[holder]
        weights = np.abs(dense.matrix())
        if holder in self.graph.plastic:
            weights = np.full(weights.shape, self.weight(holder))
        if largest:
            return float(weights.max())
        return float(weights.sum(axis=0 if transposed else 1).max())

    def _units(self, path: str, process: Process) -> float:
        (port, *_) = process.inputs
        arriving = self.arriving(f"{path}.{port}")
        if isinstance(process, LeakyIntegrator):
            decay = float(np.min(process.decay))
            return arriving / decay if decay else np.inf
        if isinstance(process, Graded):
            bound = np.maximum(np.abs(process.low), np.abs(process.high)).max()
            return float(min(bound, arriving + np.abs(process.bias).max()))
        if isinstance(process, Softmax):
            return 1.0
        if isinstance(process, Bus):
            if process.operation == "count":
                return float(process.width)
            return arriving * (process.width if process.operation == "sum" else 1)
        if isinstance(process, Polynomial):
            limit = min(arriving, process.limit) if process.limit > 1 else arriving
            powers = np.abs(process.coefficients) * limit ** np.arange(len(process.coefficients))
            return float(powers.sum() / process.divisor)
        if isinstance(process, Exponential):
            with np.errstate(over="ignore"):
                return float(np.exp(abs(process.scale) * arriving))
        if isinstance(process, Sign):
            return 2.0  # a change of sign
        return 1.0 if process.output.signal != "graded" else np.inf

    def _observe(self, data: Mapping[str, Any], steps: int | None) -> None:
        from hebbgraph.compile import compile  # noqa: A004 - compile needs quantise

        for path, process in self.graph.of_kind(Input).items():
            if path in data:
                self.sample[path] = np.asarray(data[path], dtype=np.float64) * process.gain
        outputs = {f"{p}.{next(iter(n.outputs))}": p for p, n in self.graph.walk()}
        currents = [f"{p}.u" for p, n in self.graph.walk() if "u" in n.states]
        with compile(self.graph.with_probes(*outputs, *currents)) as program:
            result = program.run(data, steps)
        for target, path in outputs.items():
            if target in result.states:
                self._found[path] = MARGIN * float(np.abs(result.states[target]).max(initial=0))
        for path in self.graph.plastic:
            seen = (self.graph.plastic[path].weights, result.weights[f"{path}.weights"])
            self._learned[path] = MARGIN * max(float(np.abs(w).max()) for w in seen)
        for target in currents:
            largest = float(np.abs(result.states[target]).max(initial=0))
            self.currents[target.rpartition(".")[0]] = MARGIN * largest
