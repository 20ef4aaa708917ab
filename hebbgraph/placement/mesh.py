"""mesh: which place of the chips each core takes: row by row, then swaps that lower hops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.placement.problem import Piece, Problem

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: At most so many swaps for each core.
SWAPS = 8


@dataclass(frozen=True)
class Layout:
    """Where the places of the chips are, numbered chip by chip, tile by tile, row by row.

    Chips stand side by side from west to east, which is assumed: a packet to another chip crosses
    every border between the two.
    """

    width: int
    height: int
    cores_per_tile: int
    #: Places on one chip.
    per_chip: int
    #: Column and row of the tile at which spikes from outside enter, on the first chip.
    entry: tuple[int, int]

    @classmethod
    def of(cls, hardware: Hardware) -> Layout | None:
        """Return the layout of a machine, None where its mesh is not known."""
        mesh = hardware.mesh
        if mesh is None:
            return None
        places = mesh.width * mesh.height * mesh.cores_per_tile
        cores = hardware.limits.cores if hardware.limits else None
        return cls(mesh.width, mesh.height, mesh.cores_per_tile, cores or places, mesh.entry)

    def chip(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the chip of each place."""
        return places // self.per_chip

    def tile(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tile of each place, counted through all chips."""
        tiles = self.width * self.height
        return self.chip(places) * tiles + places % self.per_chip // self.cores_per_tile

    def columns(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the column of each place, counted through all chips."""
        return self.chip(places) * self.width + self.tile(places) % self.width

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each place."""
        return self.tile(places) % (self.width * self.height) // self.width

    def crossings(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the borders between chips that a packet crosses."""
        return np.abs(self.chip(one) - self.chip(other))

    def hops_x(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the hops east and west; the step over a border is none of them."""
        return np.abs(self.columns(one) - self.columns(other)) - self.crossings(one, other)

    def hops_y(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the hops north and south."""
        return np.abs(self.rows(one) - self.rows(other))

    def from_entry(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return hops east and west, hops north and south, and crossings from the entry."""
        crossings = self.chip(places)
        x = np.abs(self.columns(places) - self.entry[0]) - crossings
        return x, np.abs(self.rows(places) - self.entry[1]), crossings


def arranged(problem: Problem, pieces: list[Piece]) -> tuple[int, ...]:
    """Return the place of every core: as numbered, then swapped while that lowers hops.

    Each chip by itself, by the steepest descent over all pairs of places, empty ones too; hops
    are weighted by their energies where they have any. It ends in a local minimum.
    """
    cores = 1 + max((piece.core for piece in pieces), default=-1)
    places = np.arange(cores)
    layout = Layout.of(problem.hardware)
    if layout is None:
        return tuple(range(cores))
    between, entering = _flows(problem, pieces, cores)
    cost_x, cost_y = hop_costs(problem.hardware)
    for first in range(0, cores, layout.per_chip):
        slots = np.arange(first, first + layout.per_chip)
        here = slots[slots < cores]
        distance = cost_x * layout.hops_x(slots[:, None], slots)
        distance += cost_y * layout.hops_y(slots[:, None], slots)
        flow = np.zeros((len(slots), len(slots)))
        flow[: len(here), : len(here)] = between[np.ix_(here, here)]
        # What comes from elsewhere pulls a core towards where it comes from.
        x, y, _ = layout.from_entry(slots)
        pull = np.zeros((len(slots), len(slots)))
        pull[: len(here)] = entering[here, None] * (cost_x * x + cost_y * y)
        others = np.setdiff1d(np.arange(cores), here)
        if len(others):
            away = cost_x * layout.hops_x(slots[:, None], places[others])
            away += cost_y * layout.hops_y(slots[:, None], places[others])
            pull[: len(here)] += between[np.ix_(here, others)] @ away.T
        places[here] = first + _swapped(flow, distance, pull)[: len(here)]
    return tuple(int(place) for place in places)


def hop_costs(hardware: Hardware) -> tuple[float, float]:
    """Return the energies of hops east-west and north-south in joules, 1 each where unknown."""
    found = [hardware.costs.get(name) for name in ("hops_x", "hops_y")]
    if not all(found):
        return 1.0, 1.0
    x, y = (sum(cost.value for cost in costs or ()) for costs in found)
    return (x, y) if x + y > 0 else (1.0, 1.0)


def _flows(
    problem: Problem, pieces: list[Piece], cores: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return packets between every two cores, both ways together, and from outside to each."""
    between = np.zeros((cores, cores))
    entering = np.zeros(cores)
    homes = {path: np.zeros(size, np.int64) for path, size in problem.sizes.items()}
    for piece in pieces:
        homes[piece.path][piece.units] = piece.core
    for sender, counts in problem.reach(pieces).items():
        sent = counts * problem.weight(sender, counts.shape[1])
        if sender not in homes:
            entering += sent.sum(axis=1)
            continue
        for target in range(cores):
            between[:, target] += np.bincount(homes[sender], sent[target], minlength=cores)
    return between + between.T, entering


def _swapped(
    flow: NDArray[np.float64], distance: NDArray[Any], pull: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the place of each core after the swaps: a quadratic assignment, best swap first.

    ``cost = sum_ij flow_ij distance(p_i, p_j) / 2 + sum_i pull(i, p_i)``
    """
    count = len(flow)
    place = np.arange(count)
    least = 1e-9 * float((flow * distance).sum() + np.trace(pull))
    for _ in range(SWAPS * count):
        at = flow @ distance[place] + pull  # cost of core i at place s, the others where they are
        now = at[np.arange(count), place]
        moved = at[:, place]
        # Where two cores change places, the flow between them keeps its distance.
        gain = now[:, None] + now - moved - moved.T - 2 * flow * distance[np.ix_(place, place)]
        one, other = divmod(int(np.argmax(gain)), count)
        if gain[one, other] <= least:
            break
        place[[one, other]] = place[[other, one]]
    return place
