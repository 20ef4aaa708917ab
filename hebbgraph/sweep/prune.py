"""prune: a memory with a share of its synapses, the largest, and the rest taken away.

In every matrix of fixed weights (a Dense or Sparse from several units onto several, that is not one
to one), the ``1 - density`` smallest synapses by size are set to 0, which makes them no synapses:
they take no memory and no operation. Among equal ones chance decides. It happens in the float
graph, before weights are rounded to the chip's. The diagonal of a square matrix stays: it holds
what a unit does at a tie, not what is stored.

Where a unit of +-1 is a spike or none, sigma = 2 s - 1, its weights come with half their sum in the
bias, ``w sigma = 2 w s - w``. What is taken away is taken from both, hence from the coupling.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Graph
from hebbgraph.processes import Dense, Input, Sparse
from hebbgraph.random import stream


def pruned_family(family: Family, density: float, seed: int, paths: Collection[str]) -> Family:
    """Return a family whose graphs are pruned as they are built; the family itself at density 1."""
    if density >= 1:
        return family
    build: Callable[..., Graph] = family.build
    signed = family.alphabet == "bipolar"

    @wraps(build)
    def built(*args: Any, **given: Any) -> Graph:
        return pruned(build(*args, **given), density, seed, paths, signed=signed)

    return replace(family, build=built)


def pruned(
    graph: Graph,
    density: float,
    seed: int = 0,
    paths: Collection[str] = (),
    *,
    signed: bool = False,
) -> Graph:
    """Return `graph` with the share `density` of the synapses of each matrix.

    `paths` names the matrices, by default all. `signed` says that spikes stand for +1 and -1.
    Raises `Invalid` for a path that is no matrix of fixed weights.
    """
    flat = graph.flat()
    matrices = {p for p, process in flat.walk() if is_matrix(process)}
    unknown = [path for path in paths if path not in matrices]
    if unknown or not matrices:
        need = f"must be among the matrices of fixed weights: {', '.join(sorted(matrices))}"
        raise Invalid("prune", [Fault("prune", ", ".join(unknown) or graph.name, need)])
    processes = dict(flat.flat_processes)
    for path in sorted(paths or matrices):
        process: Any = processes[path]
        taken = _smallest(process.matrix(), density, path, seed)
        kept = np.where(taken, 0.0, process.matrix())
        processes[path] = _with(process, kept)
        if signed and _spiking(flat, path):
            _mend_bias(flat, processes, path, np.where(taken, process.matrix(), 0.0))
    return replace(flat, processes=processes)


def is_matrix(process: object) -> bool:
    """Return whether this is a matrix of fixed weights that can be pruned."""
    if not isinstance(process, Dense | Sparse) or getattr(process, "rule", None) is not None:
        return False
    weights = process.matrix()
    if weights.ndim != 2 or min(weights.shape) < 2:
        return False
    each = np.count_nonzero(weights, axis=1)
    return bool((each > 1).any() or not each.any())  # all 0: nothing to take, yet no encoder


def _smallest(weights: NDArray[Any], density: float, path: str, seed: int) -> NDArray[np.bool_]:
    """Return which synapses go: the smallest, chance deciding among equal ones."""
    there = weights != 0
    if weights.shape[0] == weights.shape[1]:
        there = there & ~np.eye(len(weights), dtype=bool)
    post, pre = np.nonzero(there)
    count = len(post) - round(density * len(post))
    draws = stream(seed, path, "pruning").random(len(post))
    order = np.lexsort((draws, np.abs(weights[post, pre])))[:count]
    found = np.zeros(weights.shape, dtype=bool)
    found[post[order], pre[order]] = True
    return found


def _with(process: Any, weights: NDArray[Any]) -> Any:
    if isinstance(process, Dense):
        return replace(process, weights=weights)
    held = weights[process.post, process.pre]
    return replace(process, weights=held)


def _spiking(graph: Graph, path: str) -> bool:
    """Return whether what arrives at synapses are spikes without a sign."""
    return all(graph.port(c.source).signal == "spike" for c in graph.sources(f"{path}.s"))


def _mend_bias(graph: Graph, processes: dict[str, Any], path: str, taken: NDArray[Any]) -> None:
    """Give the units that `path` ends at what the taken weights had in their bias.

    An Input that outweighs the bias, as a cue must, goes on to outweigh it.
    """
    for connection in graph.flat_connections:
        target = connection.target.rpartition(".")[0]
        bias = getattr(processes[target], "bias", None)
        if connection.source != f"{path}.a" or bias is None or not np.any(bias != 0):
            continue
        mended = np.asarray(bias, dtype=np.float64) + taken.sum(axis=1) / 2
        processes[target] = replace(processes[target], bias=mended)
        more = np.maximum(np.abs(mended) - np.abs(bias), 0.0)
        for entering in graph.sources(connection.target):
            source = entering.source.rpartition(".")[0]
            shown = processes[source]
            if isinstance(shown, Input):
                processes[source] = replace(shown, gain=np.asarray(shown.gain) + more)
