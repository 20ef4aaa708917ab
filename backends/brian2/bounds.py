"""bounds: how large values can get in `fixed`, so that products are exact where they are fast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.processes import Exponential, Input, LeakyIntegrator, Process, Sign, Softmax

#: Below these every whole number is exact in float32 and float64.
SINGLE, DOUBLE = 2**24, 2**53


def largest_output(process: Process) -> int:
    """Return a bound on the size of what a process emits in `fixed`."""
    if process.output.signal != "graded":
        return 1
    if isinstance(process, Input | LeakyIntegrator):
        return 2**23
    if isinstance(process, Softmax):
        return int(2**process.bits)
    if isinstance(process, Sign):
        return 2
    if isinstance(process, Exponential):
        return int(np.abs(process.table).max())
    return 2**31


def largest_arrival(graph: Graph, target: str) -> int:
    """Return a bound on the size of what arrives at one unit of port `target` in `fixed`."""
    senders = (c.source.rpartition(".")[0] for c in graph.sources(target))
    return sum(largest_output(graph.flat_processes[path]) for path in senders)


def exact_dtype(largest: float) -> Any:
    """Return the fastest type in which whole sums up to `largest` are exact."""
    if largest < SINGLE:
        return np.float32
    return np.float64 if largest < DOUBLE else np.int64


def row_sums(weights: NDArray[Any]) -> float:
    """Return the largest sum of absolute weights of a row (postsynaptic, presynaptic)."""
    return float(np.abs(weights).sum(axis=1).max(initial=0))
