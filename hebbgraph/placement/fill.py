"""fill: the order in which units are put on cores: population after population, or by overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.placement.loads import Core
from hebbgraph.placement.problem import Counts, Piece, Problem

if TYPE_CHECKING:
    from scipy import sparse

#: Puts units on cores, given what is known of their outgoing axons.
Fill = Callable[[Problem, Counts], list[Piece]]
#: Units in turn: population, unit, and whether a new core is to be begun.
Order = Sequence[tuple[str, int, bool]]

#: A population whose units hear more than this share of all its axons gains nothing by overlap.
ALIKE = 0.5
#: More synapses than this are not searched for overlap.
MOST_SYNAPSES = 20_000_000
#: A core is full once so many units in a row did not fit.
PATIENCE = 8


def sequential(problem: Problem, sending: Counts) -> list[Piece]:
    """Fill cores population after population; a core is left when the next unit does not fit."""
    order = ((path, unit, False) for path, size in problem.sizes.items() for unit in range(size))
    return problem.pieces(_filled(problem, sending, order))


def in_order(order: Order) -> Fill:
    """Return what fills cores in a given order."""
    return lambda problem, sending: problem.pieces(_filled(problem, sending, iter(order)))


def _filled(
    problem: Problem, sending: Counts, order: Iterator[tuple[str, int, bool]]
) -> list[Core]:
    cores: list[Core] = []
    for path, unit, anew in order:
        if not cores or (anew and cores[-1].units):
            cores.append(problem.core(sending))
        bound = cores[-1].add(path, unit)
        if bound:
            _close(cores[-1], path, bound)
            cores.append(problem.core(sending))
            cores[-1].add(path, unit)
    return cores


def _close(core: Core, path: str, bound: str) -> None:
    """Note what ended a population on a core: the unit that did not fit was one of `path`."""
    if path in core.units:
        core.bound[path] = bound


def by_overlap(problem: Problem, sending: Counts) -> list[Piece]:
    """Fill each core with the units that need the fewest axons it does not have yet.

    A core begins with the first unit left. The next is always the one of which the largest share
    of incoming packets reaches the core anyhow, ties in order.
    """
    homes = [(path, unit) for path, size in problem.sizes.items() for unit in range(size)]
    needs = needed_packets(problem)
    columns = needs.tocsc()
    total = np.asarray(needs.sum(axis=1)).ravel()
    left = np.ones(len(homes), dtype=bool)
    cores: list[Core] = []
    while left.any():
        core = problem.core(sending)
        cores.append(core)
        present = np.zeros(needs.shape[1], dtype=bool)
        shared = np.zeros(len(homes))
        tried = left.copy()
        following, refused = int(np.argmax(left)), 0
        while refused < PATIENCE:
            path, unit = homes[following]
            bound = core.add(path, unit)
            tried[following] = False
            if bound:
                refused += 1
                if path in core.units:
                    core.bound.setdefault(path, bound)
            else:
                refused, left[following] = 0, False
                fresh = _fresh(needs, following, present)
                present[fresh] = True
                for column in fresh:
                    part = slice(columns.indptr[column], columns.indptr[column + 1])
                    shared[columns.indices[part]] += columns.data[part]
            if not tried.any():
                break
            share = np.where(total > 0, shared / np.maximum(total, 1e-300), 1.0)
            following = int(np.argmax(np.where(tried, share, -1.0)))
        for path in core.bound.keys() - {homes[i][0] for i in np.flatnonzero(left)}:
            del core.bound[path]  # all the rest of it was taken after all
    return problem.pieces(cores)


def _fresh(needs: sparse.csr_array, unit: int, present: NDArray[np.bool_]) -> NDArray[np.int64]:
    wanted = needs.indices[needs.indptr[unit] : needs.indptr[unit + 1]]
    return np.asarray(wanted[~present[wanted]], np.int64)


def needed_packets(problem: Problem) -> sparse.csr_array:
    """Return which packets each unit needs: (units, senders), in spikes of the sender.

    Senders are the nets of a hypergraph whose nodes are units. One that never spikes counts a
    little: its axon takes a place all the same.
    """
    from scipy import sparse  # on use: importing hebbgraph is to be light

    nets: dict[tuple[str, str], int] = {}
    weights: list[NDArray[np.float64]] = []
    rows: list[NDArray[np.int64]] = []
    counts: list[int] = []
    for path, size in problem.sizes.items():
        starts = []
        for afferent in problem.arriving[path]:
            key = (afferent.sender, afferent.synapses if problem.by_axon else "")
            if key not in nets:
                nets[key] = sum(map(len, weights))
                weights.append(problem.weight(afferent.sender, afferent.senders))
            starts.append((nets[key], afferent))
        for unit in range(size):
            heard = [start + afferent.rows(unit) for start, afferent in starts]
            row = np.unique(np.concatenate(heard)) if heard else np.zeros(0, np.int64)
            rows.append(row)
            counts.append(len(row))
    columns = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    weight = np.concatenate(weights) if weights else np.zeros(0)
    least = 1e-3 * (weight.mean() if len(weight) and weight.any() else 1.0)
    starts_of = np.concatenate(([0], np.cumsum(counts)))
    data = np.maximum(weight, least)[columns]
    return sparse.csr_array((data, columns, starts_of), shape=(len(counts), len(weight)))


def worth_searching(problem: Problem) -> bool:
    """Return whether units differ enough in what they hear for their order to matter."""
    synapses, differing = 0, False
    for path, size in problem.sizes.items():
        for afferent in problem.arriving[path]:
            sample = [len(afferent.rows(unit)) for unit in range(0, size, max(1, size // 64))]
            mean = float(np.mean(sample))
            synapses += int(mean * size)
            differing |= 0 < mean <= ALIKE * afferent.senders and afferent.senders > 1
    return differing and synapses <= MOST_SYNAPSES
