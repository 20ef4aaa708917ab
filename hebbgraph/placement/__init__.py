"""Placement: which units go to which core, and what each core then holds.

The accounting, which any mapper must obey (`Placement.overruns` says where it is not):

- *units*: every unit of a population takes one neuron of its core;
- *synaptic memory*: synapses lie in the core of the unit they end at, all those of one axon
  together (`hebbgraph.placement.memory`), in the cheaper of a dense and a sparse format;
- *incoming axons*: a core needs one for each (connection into synapses, sending unit) of which it
  holds a synapse, axons of plastic synapses take more places;
- *outgoing axons*: each of them is also an outgoing axon of the core that hosts the sending unit.

This is the accounting of nengo-loihi's block.py. What comes from outside takes incoming axons
only. `place` is a plain mapper: populations in the order of the graph, each cut where a limit
binds. It does not look at traffic, and a better mapper may fit what it does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.placement.afferents import Afferent, afferents
from hebbgraph.placement.pack import LOADS, Load, Piece, limits_of, pack

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: By population, a count for each unit.
Counts = dict[str, NDArray[np.int64]]
#: How often populations are cut anew, with what is known about outgoing axons.
ATTEMPTS = 8


@dataclass(frozen=True)
class Range:
    """Units ``first`` to ``stop`` - 1 of one population, on one core."""

    path: str
    first: int
    stop: int
    core: int
    load: Load
    #: What ended it, a field of `Load`; empty where the population itself ended.
    bound: str = ""


@dataclass(frozen=True)
class Overrun:
    """A limit that one core exceeds, and by which population most."""

    core: int
    path: str
    #: A field of `Load`.
    what: str
    got: int
    limit: int


@dataclass(frozen=True)
class Placement:
    """Ranges of units by core, what each core holds, and where a limit is exceeded."""

    ranges: tuple[Range, ...]
    cores: tuple[Load, ...]
    overruns: tuple[Overrun, ...] = ()

    def of(self, path: str) -> tuple[Range, ...]:
        """Return the ranges of one population, in order."""
        return tuple(found for found in self.ranges if found.path == path)

    def core_of(self, path: str) -> NDArray[np.int64]:
        """Return the core of every unit of one population."""
        found = self.of(path)
        return np.repeat([r.core for r in found], [r.stop - r.first for r in found])

    def chips(self, cores_per_chip: int) -> int:
        """Return how many chips the cores fill."""
        return -(-len(self.cores) // cores_per_chip)


def place(graph: Graph, hardware: Hardware, host: Collection[str] = ()) -> Placement:
    """Return the units of `graph`, but for the processes in `host`, placed on cores of `hardware`.

    Cores are numbered from 0, chip after chip; there may be more than one chip has. What does not
    fit any core is placed all the same and listed in ``overruns``.
    """
    sizes = {
        path: process.output.size
        for path, process in graph.walk()
        if process.ROLE == "units" and path not in host
    }
    arriving = {path: afferents(graph, hardware, path, host) for path in sizes}
    limit = limits_of(hardware)
    # How many cores a unit reaches is known once there is a placement; cut anew until it holds.
    known = {path: np.zeros(size, np.int64) for path, size in sizes.items()}
    best: tuple[list[Piece], Counts] | None = None
    for _ in range(ATTEMPTS):
        pieces = pack(hardware, arriving, known)
        sent = _sent(pieces, sizes, arriving)
        if best is None or _most(pieces, sent) < _most(*best):
            best = pieces, sent
        more = {path: np.maximum(known[path], counts) for path, counts in sent.items()}
        if _most(*best) <= limit.axons_out or all((more[p] == known[p]).all() for p in more):
            break
        known = more
    assert best is not None
    return _placement(*best, limit)


def _sent(
    pieces: Sequence[Piece],
    sizes: Mapping[str, int],
    arriving: Mapping[str, Sequence[Afferent]],
) -> Counts:
    """Return, by population, the outgoing axons of each unit."""
    total = {path: np.zeros(size, np.int64) for path, size in sizes.items()}
    for piece in pieces:
        for afferent, heard in zip(arriving[piece.path], piece.heard, strict=True):
            if afferent.sender in total:
                total[afferent.sender] += heard
    return total


def _most(pieces: Sequence[Piece], sent: Counts) -> int:
    """Return the most outgoing axons that a core has."""
    total = np.zeros(1 + max((piece.core for piece in pieces), default=0), np.int64)
    for piece in pieces:
        total[piece.core] += sent[piece.path][piece.first : piece.stop].sum()
    return int(total.max())


def _placement(pieces: Sequence[Piece], sent: Counts, limit: Load) -> Placement:
    ranges = []
    cores = [Load() for _ in range(1 + max((piece.core for piece in pieces), default=-1))]
    for piece in pieces:
        outgoing = int(sent[piece.path][piece.first : piece.stop].sum())
        load = replace(piece.load, axons_out=outgoing)
        cores[piece.core] = cores[piece.core] + load
        ranges.append(Range(piece.path, piece.first, piece.stop, piece.core, load, piece.bound))
    overruns = []
    for core, load in enumerate(cores):
        for what in load.over(limit):
            here = [r for r in ranges if r.core == core]
            worst = max(here, key=lambda r: int(getattr(r.load, what)))
            got, most = getattr(load, what), getattr(limit, what)
            overruns.append(Overrun(core, worst.path, what, got, most))
    return Placement(tuple(ranges), tuple(cores), tuple(overruns))


__all__ = ["LOADS", "Load", "Overrun", "Placement", "Range", "limits_of", "place"]
