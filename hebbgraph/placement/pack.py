"""pack: populations cut into ranges of units that fill cores one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.placement.afferents import Afferent
from hebbgraph.placement.memory import AxonMemory

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Stands for a limit that is not known.
UNLIMITED = 2**62


@dataclass(frozen=True)
class Load:
    """What some units take of one core."""

    units: int = 0
    synaptic_bits: int = 0
    axons_in: int = 0
    axons_out: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.units + other.units,
            self.synaptic_bits + other.synaptic_bits,
            self.axons_in + other.axons_in,
            self.axons_out + other.axons_out,
        )

    def over(self, limit: Load) -> list[str]:
        """Return the names of what exceeds `limit`."""
        return [name for name in LOADS if getattr(self, name) > getattr(limit, name)]


#: What a core has limits for, by field of `Load`.
LOADS: tuple[str, ...] = ("units", "synaptic_bits", "axons_in", "axons_out")


def limits_of(hardware: Hardware) -> Load:
    """Return the most that one core holds."""
    limits = hardware.limits
    given = (
        (
            limits.neurons_per_core,
            limits.synaptic_bits_per_core,
            limits.axons_in_per_core,
            limits.axons_out_per_core,
        )
        if limits
        else (None,) * 4
    )
    return Load(*(UNLIMITED if value is None else value for value in given))


@dataclass
class Piece:
    """Units ``first`` to ``stop`` - 1 of one population on one core, while cores are filled."""

    path: str
    first: int
    core: int
    stop: int = 0
    load: Load = field(default_factory=Load)
    #: What ended it, a field of `Load`; empty where the population itself ended.
    bound: str = ""
    #: By afferent, which sending units have an axon into it.
    heard: list[NDArray[np.bool_]] = field(default_factory=list)


def pack(
    hardware: Hardware,
    arriving: Mapping[str, Sequence[Afferent]],
    sending: Mapping[str, NDArray[np.int64]],
) -> list[Piece]:
    """Return pieces that fill cores, population after population.

    `sending` gives, by population, the outgoing axons of each unit, as far as they are known. A
    core is left when the next unit would exceed a limit. One that a unit exceeds alone is not kept
    on its core.
    """
    limit = limits_of(hardware)
    pieces: list[Piece] = []
    core, held = 0, Load()
    for path, axons_out in sending.items():
        unit = 0
        while unit < len(axons_out):
            piece = Piece(path, unit, core)
            _grow(piece, hardware, arriving[path], axons_out, held, limit)
            if piece.stop > unit:
                pieces.append(piece)
                held, unit = held + piece.load, piece.stop
            if piece.bound:  # the core is full
                core, held = core + 1, Load()
    return pieces


def _grow(
    piece: Piece,
    hardware: Hardware,
    arriving: Sequence[Afferent],
    axons_out: NDArray[np.int64],
    held: Load,
    limit: Load,
) -> None:
    """Add units to `piece` until one would exceed `limit`, or there are no more."""
    most = max(1, min(limit.units, len(axons_out) - piece.first))
    groups = [_Axons(afferent, hardware, most + 1) for afferent in arriving]
    piece.stop = piece.first
    for unit in range(piece.first, len(axons_out)):
        units = unit - piece.first + 1
        if held.units + units > max(limit.units, 1):
            piece.bound = "units"
            break
        for group in groups:
            group.add(unit)
        load = Load(
            units,
            sum(group.bits(held.units + units) for group in groups),
            sum(group.slots() for group in groups),
            piece.load.axons_out + int(axons_out[unit]),
        )
        over = (held + load).over(limit)
        if over and (held.units or units > 1):
            for group in groups:
                group.remove(unit)
            piece.bound = over[0]
            break
        if over:  # what one unit exceeds alone, no cut can keep: it no longer counts here
            limit = replace(limit, **dict.fromkeys(over, UNLIMITED))
        piece.stop, piece.load = unit + 1, load
    piece.heard = [group.counts > 0 for group in groups]


class _Axons:
    """The axons of one afferent into one core, while units are added."""

    def __init__(self, afferent: Afferent, hardware: Hardware, most: int) -> None:
        self.afferent = afferent
        self.memory = AxonMemory(hardware.synaptic_memory, afferent.synapse_bits, most)
        self.counts = np.zeros(afferent.senders, np.int64)
        #: How many axons have so many synapses.
        self.histogram = np.zeros(most + 1, np.int64)
        self.histogram[0] = afferent.senders
        self.units = 0
        self.dense = self.memory.dense()
        self.sparse, self.index_bits = self.dense, -1

    def add(self, unit: int) -> None:
        """Add the synapses of one unit."""
        self._move(unit, 1)

    def remove(self, unit: int) -> None:
        """Take the synapses of one unit away."""
        self._move(unit, -1)

    def _move(self, unit: int, by: int) -> None:
        rows = self.afferent.rows(unit)
        before = self.counts[rows]
        size = len(self.histogram)
        self.histogram -= np.bincount(before, minlength=size)
        self.histogram += np.bincount(before + by, minlength=size)
        self.counts[rows] = before + by
        self.units += by

    def slots(self) -> int:
        """Return the places taken in the table of incoming axons."""
        return int(self.histogram[1:].sum()) * self.afferent.slots

    def bits(self, position: int) -> int:
        """Return the bits taken, in the cheaper format, the last unit being the `position`-th."""
        index_bits = (position - 1).bit_length()
        if index_bits != self.index_bits:
            self.sparse, self.index_bits = self.memory.sparse(2**index_bits), index_bits
        sparse = int(self.histogram[1:] @ self.sparse[1:])
        dense = int(self.histogram[1:].sum()) * int(self.dense[self.units])
        return min(sparse, dense)
