"""problem: what is to be placed where: populations, what arrives at them, how often they send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.placement.afferents import Afferent, afferents
from hebbgraph.placement.loads import Core, Load, limits_of

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: By population, a number for each unit.
Counts = Mapping[str, NDArray[np.int64]]
#: By sender, how many packets it sends to each core: (cores, units), 0 or more.
Reach = dict[str, NDArray[np.int64]]


@dataclass
class Piece:
    """Units of one population on one core."""

    path: str
    core: int
    #: Sorted.
    units: NDArray[np.int64]
    load: Load
    #: What ended it, a field of `Load`; empty where the population itself ended.
    bound: str
    #: By afferent, which sending units have an axon into it.
    heard: list[NDArray[np.bool_]] = field(default_factory=list)


@dataclass(frozen=True)
class Problem:
    """Populations of a graph that are to be placed on cores of a machine."""

    graph: Graph
    hardware: Hardware
    #: Processes that are not on the chip.
    host: frozenset[str]
    #: Spikes of senders by path, one number for each unit; 1 where they are not known.
    spikes: Counts = field(default_factory=dict)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Return the units of every population."""
        return {
            path: process.output.size
            for path, process in self.graph.walk()
            if process.ROLE == "units" and path not in self.host
        }

    @cached_property
    def arriving(self) -> dict[str, list[Afferent]]:
        """Return what arrives at every population."""
        return {p: afferents(self.graph, self.hardware, p, self.host) for p in self.sizes}

    @cached_property
    def limit(self) -> Load:
        """Return the most that one core holds."""
        return limits_of(self.hardware)

    @property
    def by_axon(self) -> bool:
        """Return whether a spike is one packet for each outgoing axon, not for each core."""
        return self.hardware.mesh is not None and self.hardware.mesh.packets == "axon"

    def weight(self, sender: str, units: int) -> NDArray[np.float64]:
        """Return how often each unit of a sender spikes, or 1."""
        known = self.spikes.get(sender)
        return np.ones(units) if known is None else known.astype(np.float64)

    def core(self, sending: Counts) -> Core:
        """Return an empty core; `sending` is what is known of the outgoing axons of each unit."""
        return Core(self.hardware, self.arriving, sending)

    def pieces(self, cores: Iterable[Core]) -> list[Piece]:
        """Return what cores hold, each core's populations in order."""
        found: list[Piece] = []
        for number, core in enumerate(cores):
            for path in core.paths:
                units = np.sort(np.array(core.units[path], np.int64))
                bound, heard = core.bound.get(path, ""), core.heard(path)
                found.append(Piece(path, number, units, core.load(path), bound, heard))
        return found

    def hearing(self, path: str, units: Iterable[int]) -> list[NDArray[np.bool_]]:
        """Return, by afferent, which sending units have a synapse onto some of `units`."""
        found = []
        for afferent in self.arriving[path]:
            heard = np.zeros(afferent.senders, dtype=bool)
            for unit in units:
                heard[afferent.rows(unit)] = True
            found.append(heard)
        return found

    def sent(self, pieces: Sequence[Piece]) -> dict[str, NDArray[np.int64]]:
        """Return, by population, the outgoing axons of each unit."""
        total = {path: np.zeros(size, np.int64) for path, size in self.sizes.items()}
        for piece in pieces:
            for afferent, heard in zip(self.arriving[piece.path], piece.heard, strict=True):
                if afferent.sender in total:
                    total[afferent.sender] += heard
        return total

    def reach(self, pieces: Sequence[Piece]) -> Reach:
        """Return how many packets a spike of each sender is to each core."""
        cores = 1 + max((piece.core for piece in pieces), default=-1)
        found: Reach = {}
        for piece in pieces:
            for afferent, heard in zip(self.arriving[piece.path], piece.heard, strict=True):
                empty = np.zeros((cores, afferent.senders), np.int64)
                here = found.setdefault(afferent.sender, empty)[piece.core]
                here[:] = here + heard if self.by_axon else here | heard
        return found

    def packets(self, pieces: Sequence[Piece]) -> float:
        """Return the packets of all spikes: the weighted connectivity of the hypergraph."""
        return float(
            sum(
                counts.sum(axis=0) @ self.weight(sender, counts.shape[1])
                for sender, counts in self.reach(pieces).items()
            )
        )
