"""loads: what a core holds of the four things it has limits for, while units are added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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


class Core:
    """One core while units are added: all four limits are checked at every unit.

    Populations stand in it in the order of `arriving`, their units by number. `sending` gives, by
    population, the outgoing axons of each unit, as far as they are known.
    """

    def __init__(
        self,
        hardware: Hardware,
        arriving: Mapping[str, Sequence[Afferent]],
        sending: Mapping[str, NDArray[np.int64]],
    ) -> None:
        self.hardware, self.arriving, self.sending = hardware, arriving, sending
        self.limit = limits_of(hardware)
        self.units: dict[str, list[int]] = {}
        self.bound: dict[str, str] = {}
        self._held: dict[str, _Held] = {}
        self._loads: dict[str, Load] = {}
        #: Bits of an index of its last unit, by population.
        self._index_bits: dict[str, int] = {}

    def add(self, path: str, unit: int) -> str:
        """Add one unit, or return the limit that it would exceed.

        What a unit exceeds alone, on an empty core, no cut can keep: the core takes it all the
        same, and more of its population.
        """
        count = sum(map(len, self.units.values()))
        if count + 1 > max(self.limit.units, 1):
            return "units"
        held = self._of(path)
        held.add(unit, int(self.sending[path][unit]))
        loads, index_bits = self._measured(path)
        over = sum(loads.values(), Load()).over(replace(self.limit, **held.lifted))
        if over and count:
            held.remove(unit, int(self.sending[path][unit]))
            if not held.count:
                del self._held[path]
            return over[0]
        held.lifted |= dict.fromkeys(over, UNLIMITED)
        self.units.setdefault(path, []).append(unit)
        self._loads, self._index_bits = loads, index_bits
        return ""

    def load(self, path: str) -> Load:
        """Return what the units of one population take."""
        return self._loads[path]

    def heard(self, path: str) -> list[NDArray[np.bool_]]:
        """Return, by afferent of the population, which sending units have an axon into it."""
        return [group.counts > 0 for group in self._held[path].groups]

    @property
    def paths(self) -> list[str]:
        """Return the populations that have units here, in order."""
        return [path for path in self.arriving if path in self.units]

    def _of(self, path: str) -> _Held:
        if path not in self._held:
            most = max(1, min(self.limit.units, len(self.sending[path])))
            groups = [_Axons(afferent, self.hardware, most + 1) for afferent in self.arriving[path]]
            self._held[path] = _Held(groups)
        return self._held[path]

    def _measured(self, changed: str) -> tuple[dict[str, Load], dict[str, int]]:
        """Return by population its load, and the bits of an index of its last unit.

        What stands before the population that changed is as it was.
        """
        loads: dict[str, Load] = {}
        index_bits: dict[str, int] = {}
        last = 0
        for path in self.arriving if len(self._held) > 1 else (changed,):
            held = self._held.get(path)
            if held is None:
                continue
            last += held.count
            index_bits[path] = (last - 1).bit_length()
            same = path != changed and index_bits[path] == self._index_bits.get(path)
            loads[path] = self._loads[path] if same else held.load(index_bits[path])
        return loads, index_bits


class _Held:
    """The units of one population on one core."""

    def __init__(self, groups: list[_Axons]) -> None:
        self.groups = groups
        self.count = self.axons_out = 0
        #: Limits that one of its units exceeds alone.
        self.lifted: dict[str, int] = {}

    def add(self, unit: int, axons_out: int) -> None:
        for group in self.groups:
            group.move(unit, 1)
        self.count, self.axons_out = self.count + 1, self.axons_out + axons_out

    def remove(self, unit: int, axons_out: int) -> None:
        for group in self.groups:
            group.move(unit, -1)
        self.count, self.axons_out = self.count - 1, self.axons_out - axons_out

    def load(self, index_bits: int) -> Load:
        """Return what the units take; an index of the last of them has `index_bits`."""
        bits = sum(group.bits(index_bits) for group in self.groups)
        return Load(self.count, bits, sum(g.slots() for g in self.groups), self.axons_out)


class _Axons:
    """The axons of one afferent into one core."""

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

    def move(self, unit: int, by: int) -> None:
        """Add the synapses of one unit, or take them away with `by` -1."""
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

    def bits(self, index_bits: int) -> int:
        """Return the bits taken, in the cheaper format; indices have at least `index_bits`."""
        if index_bits != self.index_bits:
            self.sparse, self.index_bits = self.memory.sparse(2**index_bits), index_bits
        sparse = int(self.histogram[1:] @ self.sparse[1:])
        dense = int(self.histogram[1:].sum()) * int(self.dense[self.units])
        return min(sparse, dense)
