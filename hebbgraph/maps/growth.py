"""Growth: rows and columns that are inserted into a grid between two runs of its graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.compile import Program
from hebbgraph.maps.graphs import Floats, Whole
from hebbgraph.processes import Graded, Input

Learned = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Line:
    """A place for a new row (axis 0) or column (axis 1): between `after` and `after` + 1."""

    axis: int
    after: int


@dataclass(frozen=True)
class Grid:
    """The units of a graph that are on: the first rows and columns of all there is room for."""

    rows: int
    cols: int
    #: Most rows and columns.
    room: tuple[int, int]

    @property
    def alive(self) -> NDArray[np.int64]:
        """Return 1 for each of all units that is on, 0 for others, row by row."""
        row, col = np.divmod(np.arange(self.room[0] * self.room[1]), self.room[1])
        return ((row < self.rows) & (col < self.cols)).astype(np.int64)

    def own(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return of `values` (all units, ...) those of the units that are on, row by row."""
        return np.asarray(values[self.alive == 1])

    def line(self, counts: Whole, prototypes: Floats, most: int) -> Line | None:
        """Return where the next line belongs, None if there is no room for it.

        It is between the unit that won most, the first of several, and the direct neighbour with
        the farthest prototype. `counts` and `prototypes` are of the units that are on; `most` is
        how many units there may be. A side that is full, or too long already, gets none.
        """
        shape = (self.rows, self.cols)
        row, col = divmod(int(counts.argmax()), self.cols)
        places = prototypes.reshape(self.rows, self.cols, -1)
        found: list[tuple[float, Line]] = []
        for axis, step in ((0, -1), (0, 1), (1, -1), (1, 1)):
            place = [row, col]
            place[axis] += step
            larger = (self.rows + 1 - axis) * (self.cols + axis)
            if not 0 <= place[axis] < shape[axis] or shape[axis] == self.room[axis]:
                continue
            if larger <= most:
                apart = float(((places[row, col] - places[tuple(place)]) ** 2).sum())
                found.append((apart, Line(axis, min((row, col)[axis], place[axis]))))
        return max(found, key=lambda entry: entry[0])[1] if found else None

    def with_line(self, line: Line) -> Grid:
        """Return the grid with one more row or column."""
        if line.axis == 0:
            return replace(self, rows=self.rows + 1)
        return replace(self, cols=self.cols + 1)


def inserted(
    grid: Grid, line: Line, learned: Mapping[str, NDArray[Any]], program: Program
) -> Learned:
    """Return what `program` goes on from: `learned` with a line in it, the mean of those beside it.

    In `fixed` means are of accumulators, rounded down, and v = -|w|^2 / 2 of the new units is
    rounded to its accumulator.
    """
    moved = {}
    for path in ("prototypes", "norms"):
        raw = raw_of(learned, path)
        held = np.moveaxis(raw.reshape(*grid.room, -1), line.axis, 0).copy()
        held[line.after + 2 :] = held[line.after + 1 : -1].copy()
        pair = held[line.after] + held[line.after + 2]
        held[line.after + 1] = pair // 2 if raw.dtype == np.int64 else pair / 2
        moved[path] = np.moveaxis(held, 0, line.axis).reshape(raw.shape)
    new = np.zeros(grid.room, dtype=bool)
    new[(slice(None),) * line.axis + (line.after + 1,)] = True
    moved["norms"][new.ravel()] = _norms(moved["prototypes"][new.ravel()], program)
    return {f"{path}.accumulator": raw for path, raw in moved.items()}


def raw_of(learned: Mapping[str, NDArray[Any]], path: str) -> NDArray[Any]:
    """Return the accumulators of the synapses at `path`, or their weights where that is one."""
    key = f"{path}.accumulator"
    return learned[key] if key in learned else learned[f"{path}.weights"]


def prototypes_of(learned: Mapping[str, NDArray[Any]], program: Program) -> Floats:
    """Return the prototypes of all units in float units, with all the bits they are learned in."""
    return np.asarray(raw_of(learned, "prototypes") / _units(program, "prototypes"))


def _units(program: Program, path: str) -> float:
    """Return how many units of an accumulator a weight of 1 is."""
    rule = program.graph.plastic[path].rule
    assert rule is not None
    return float(program.graph.scales.get(f"{path}.weights", 1.0) * 2**rule.fraction)


def _norms(raw: NDArray[Any], program: Program) -> NDArray[Any]:
    """Return v of prototypes that are given as accumulators, as an accumulator."""
    x, base = (program.source.flat_processes[path] for path in ("x", "base"))
    assert isinstance(x, Input)
    assert isinstance(base, Graded)
    weights = raw / _units(program, "prototypes")
    values = -(weights**2).sum(axis=1, keepdims=True) * x.gain[0] / (2 * base.bias[0])
    scaled = values * _units(program, "norms")
    return np.rint(scaled).astype(np.int64) if raw.dtype == np.int64 else scaled
