"""Growing grid: a self-organising map that inserts rows and columns where it is used most.

B. Fritzke, "Growing grid - a self-organizing network with constant neighborhood range and
adaptation strength", Neural Processing Letters 2(5), 1995, doi:10.1007/BF02332159; as a layer of
action recognition Z. Gharaee, "Action in Mind", 2018, arXiv:2104.14870.

The lessons are those of `som`, with a constant Gaussian width and, while the grid grows, a constant
rate. A grid of R rows and C columns begins as 2 x 2. After ``period`` R C lessons, q the unit that
has won most of them and f the one of its direct neighbours whose prototype is farthest from its
own, a row (or column) is inserted between q and f, each of its prototypes the mean of the two
beside it, and all counts start again. Once the next line would exceed the most units, the rate
falls from ``rate`` to ``last_rate`` for ``finish`` R C lessons.

Spiking realisation. It is that of `som` with room for more units: those outside the grid are
switched off by spikes on ``alive``, neither win nor learn, and are switched on as the grid grows.
Winners are counted from their spikes. What is not local, moving prototypes to make room for a line,
happens between two runs, on the accumulators of `fixed` in whole numbers: learned maps are
bit-equal on all engines there, growth included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import whole_faults
from hebbgraph.compile import Program, compile  # noqa: A004
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Graph
from hebbgraph.maps import (
    LEAST_RATE,
    MOST_UNITS,
    Floats,
    Map,
    falling,
    in_a_row,
    learning_graph,
    lesson_order,
    pair_faults,
    plastic_only,
    positions,
    recall_graph,
    scale_of,
    schedule,
    to_grains,
    won_in_a_row,
)
from hebbgraph.maps.growth import Grid, Learned, inserted, prototypes_of
from hebbgraph.processes import Domain
from hebbgraph.random import stream


def train(
    patterns: ArrayLike,
    units: int = 25,
    *,
    period: int = 30,
    finish: int = 100,
    rate: float = 0.1,
    last_rate: float = 0.005,
    width: float = 0.9,
    room: tuple[int, int] | None = None,
    seed: int = 0,
    backend: str = "reference",
    domain: Domain = "float",
    options: Mapping[str, Any] | None = None,
) -> Map:
    """Return the map of `patterns` (K, N) that grows to at most `units`.

    `room` is the most rows and columns, by default half as many again as a square grid has; a side
    that is full gets no more lines. Defaults of the rest are Fritzke's. The four first prototypes
    are patterns, drawn at random. All learning is done by the graph, on `backend`.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "real")
    faults += _faults(units, period, finish, rate, last_rate, width, room)
    faults += whole_faults("seed", seed, 0, 2**63 - 1)
    if faults:
        raise Invalid("growing_grid.train", faults)
    sides = room or usual_room(units)
    plan = _Plan(stored, sides, seed)
    graph = plan.graph(width)
    grid, held, shapes, done = Grid(2, 2, sides), None, [(2, 2)], 0
    with compile(graph, backend, domain=domain, **(options or {})) as program:
        while True:
            rates = np.full(period * grid.rows * grid.cols, rate)
            held, counts = plan.learn(program, grid, held, done, rates)
            done += len(rates)
            line = grid.line(grid.own(counts), grid.own(prototypes_of(held, program)), units)
            if line is None:
                break
            held = inserted(grid, line, held, program)
            grid = grid.with_line(line)
            shapes.append((grid.rows, grid.cols))
        lessons = finish * grid.rows * grid.cols
        if lessons:
            rates = falling((rate, last_rate), (np.arange(lessons) + 0.5) / lessons)
            held, _ = plan.learn(program, grid, held, done, rates)
        weights = grid.own(prototypes_of(held, program))
    places = positions(grid.rows, grid.cols)
    return Map(weights, places, plan.scale, done + lessons, tuple(shapes))


def usual_room(units: int) -> tuple[int, int]:
    """Return the most rows and columns that `train` makes room for, unless told otherwise."""
    side = int(np.ceil(1.5 * np.sqrt(units)))
    return side, side


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is learned, and in which order."""

    patterns: Floats
    room: tuple[int, int]
    seed: int

    @property
    def scale(self) -> float:
        """Return the largest magnitude that values may have."""
        return scale_of(self.patterns)

    def graph(self, width: float) -> Graph:
        """Return the graph with all units there is room for, the first four as patterns."""
        weights = np.zeros((self.room[0] * self.room[1], self.patterns.shape[1]))
        first = self.patterns[lesson_order(len(self.patterns), 4, self.seed + 1)]
        weights[[0, 1, self.room[1], self.room[1] + 1]] = to_grains(first, self.scale)
        return learning_graph(
            weights,
            positions(*self.room),
            scale=self.scale,
            length=float(np.sqrt((self.patterns**2).sum(axis=1).max())),
            neighbourhood="gaussian",
            width=width,
            switched=True,
            name="growing_grid_learning",
        )

    def learn(
        self, program: Program, grid: Grid, held: Learned | None, done: int, rates: Floats
    ) -> tuple[Learned, NDArray[np.int64]]:
        """Give one lesson per rate after those done; returns what it led to, and all wins."""
        order = lesson_order(len(self.patterns), done + len(rates), self.seed)[done:]
        alive = np.broadcast_to(grid.alive, (len(rates), len(grid.alive)))
        signals = schedule(rates, rates, "gaussian")
        inputs = in_a_row(self.patterns[order], alive=alive, **signals)
        result = program.run(inputs, weights=held)
        won = won_in_a_row(result.spikes["winner"]).sum(axis=0)
        return plastic_only(result.weights, "prototypes", "norms"), won


def build(
    patterns: ArrayLike,
    units: int = 25,
    *,
    period: int = 30,
    finish: int = 100,
    rate: float = 0.1,
    last_rate: float = 0.005,
    width: float = 0.9,
    seed: int = 0,
    name: str = "growing_grid",
) -> Graph:
    """Return the map that `train` makes of `patterns` (K, N), as the graph that recalls.

    Raises `Invalid` with every fault of the arguments.
    """
    found = train(
        patterns,
        units,
        period=period,
        finish=finish,
        rate=rate,
        last_rate=last_rate,
        width=width,
        seed=seed,
    )
    return recall_graph(found.weights, found.scale, name)


def _faults(
    units: Any, period: Any, finish: Any, rate: Any, last_rate: Any, width: Any, room: Any
) -> list[Fault]:
    faults = whole_faults("units", units, 4, MOST_UNITS // 2)
    faults += whole_faults("period", period, 1, 2**20) + whole_faults("finish", finish, 0, 2**20)
    faults += pair_faults("(rate, last_rate)", (rate, last_rate), LEAST_RATE, 1.0)
    faults += pair_faults("(width, width)", (width, width), 0.1, float(MOST_UNITS))
    if room is not None:
        sides = room if isinstance(room, tuple) and len(room) == 2 else (0, 0)
        most = whole_faults("room", sides[0], 2, 2**16) + whole_faults("room", sides[1], 2, 2**16)
        if not most and sides[0] * sides[1] > MOST_UNITS:
            need = f"must make at most {MOST_UNITS} units"
            most = [Fault("room", repr(room), need)]
        faults += most
    return faults


FAMILY = Family(
    build,
    alphabet="real",
    steps=4,
    corruption=("noise", 0.3),
    # A narrow neighbourhood: each stored pattern shall be a prototype of its own.
    survey_parameters={"units": 12, "period": 10, "finish": 20, "width": 0.3},
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite.

    A grid of 2 x 3 that learns, with room for 3 x 3.
    """
    draw = stream(0, "growing_grid", "example")
    patterns = to_grains(2 * draw.random((8, 3)) - 1, 1.0)
    plan = _Plan(patterns, (3, 3), seed=0)
    graph = plan.graph(0.9).with_probes("prototypes.weights", "norms.weights", "eta.out")
    rates = falling((0.5, 0.125), np.arange(8) / 8)
    alive = np.broadcast_to(Grid(2, 3, (3, 3)).alive, (8, 9))
    return graph, in_a_row(patterns, alive=alive, **schedule(rates, rates, "gaussian")), 18
