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
binds. It does not look at traffic.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.placement.afferents import Afferent, afferents
from hebbgraph.placement.pack import LOADS, Load, Piece, limits_of, pack

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: How often populations are cut smaller because their cores have too many outgoing axons.
ATTEMPTS = 24


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
    limit, caps = limits_of(hardware), dict(sizes)
    best = pack(hardware, sizes, arriving, caps)
    sent = _sent(best, sizes, arriving)
    for _ in range(ATTEMPTS):
        tighter = _tighter(best, sent, limit.axons_out, caps)
        if tighter == caps:
            break
        pieces = pack(hardware, sizes, arriving, tighter)
        outgoing = _sent(pieces, sizes, arriving)
        if _most(pieces, outgoing) >= _most(best, sent):
            break  # smaller pieces on more cores do not help
        caps, best, sent = tighter, pieces, outgoing
    return _placement(best, sent, limit)


def _sent(
    pieces: Sequence[Piece],
    sizes: Mapping[str, int],
    arriving: Mapping[str, Sequence[Afferent]],
) -> list[NDArray[np.int64]]:
    """Return, for every piece, the outgoing axons of each of its units."""
    total = {path: np.zeros(size, np.int64) for path, size in sizes.items()}
    for piece in pieces:
        for afferent, heard in zip(arriving[piece.path], piece.heard, strict=True):
            if afferent.sender in total:
                total[afferent.sender] += heard
    return [total[piece.path][piece.first : piece.stop] for piece in pieces]


def _by_core(pieces: Sequence[Piece], sent: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the outgoing axons of every core."""
    total = np.zeros(1 + max((piece.core for piece in pieces), default=-1), np.int64)
    for piece, counts in zip(pieces, sent, strict=True):
        total[piece.core] += counts.sum()
    return total


def _most(pieces: Sequence[Piece], sent: Sequence[NDArray[np.int64]]) -> int:
    return int(_by_core(pieces, sent).max(initial=0))


def _tighter(
    pieces: Sequence[Piece],
    sent: Sequence[NDArray[np.int64]],
    limit: int,
    caps: Mapping[str, int],
) -> dict[str, int]:
    """Return smaller caps for the populations on cores with too many outgoing axons."""
    total, found = _by_core(pieces, sent), dict(caps)
    for piece, counts in zip(pieces, sent, strict=True):
        if total[piece.core] > limit and counts.any():
            units = (piece.stop - piece.first) * limit // int(total[piece.core])
            found[piece.path] = max(1, min(found[piece.path], units))
    return found


def _placement(
    pieces: Sequence[Piece], sent: Sequence[NDArray[np.int64]], limit: Load
) -> Placement:
    ranges = []
    cores = [Load() for _ in range(1 + max((piece.core for piece in pieces), default=-1))]
    for piece, counts in zip(pieces, sent, strict=True):
        load = piece.load + Load(axons_out=int(counts.sum()))
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
