"""Growing grid: where it grows, what is inserted, and that every engine grows the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.maps import learning_graph, positions, quantisation_error, to_grains
from hebbgraph.maps.growth import Grid, Line, inserted, prototypes_of
from hebbgraph.models import growing_grid
from hebbgraph.random import stream

ENGINES = sorted(discover())
SMALL: dict[str, Any] = {"units": 8, "period": 4, "finish": 3, "room": (4, 4)}


def plane(count: int, name: str = "plane") -> np.ndarray[Any, Any]:
    return to_grains(
        (1.8 * stream(0, "test_growing_grid", name).random((count, 2)) - 0.9) * [1, 0.3], 1.0
    )


def textbook(patterns: Any, order: Any, start: Any, units: int, period: int, finish: int) -> Any:
    """Return prototypes (rows, columns, N) of a growing grid in plain NumPy."""
    grid, done = start.copy(), 0

    def learn(lessons: int, rates: Any) -> Any:
        nonlocal done
        counts = np.zeros(grid.shape[:2], dtype=int)
        for rate, x in zip(rates, patterns[order[done : done + lessons]], strict=True):
            flat = ((x - grid) ** 2).sum(axis=2)
            won = np.unravel_index(flat.argmin(), flat.shape)
            counts[won] += 1
            row, col = np.indices(flat.shape)
            d2 = (row - won[0]) ** 2 + (col - won[1]) ** 2
            kernel = np.rint(64 * np.exp(-d2 / (2 * 0.81))) / 64
            strength = np.rint(rate * 1024) / 1024
            grid[...] += (strength * kernel)[..., np.newaxis] * (x - grid)
        done += lessons
        return counts

    while True:
        lessons = period * grid.shape[0] * grid.shape[1]
        counts = learn(lessons, np.full(lessons, 0.1))
        q = np.unravel_index(counts.argmax(), counts.shape)
        options = []
        for axis, step in ((0, -1), (0, 1), (1, -1), (1, 1)):
            f = list(q)
            f[axis] += step
            size = grid.shape[0] * grid.shape[1] // grid.shape[axis] * (grid.shape[axis] + 1)
            if 0 <= f[axis] < grid.shape[axis] and size <= units:
                apart = ((grid[q] - grid[tuple(f)]) ** 2).sum()
                options.append((apart, axis, max(f[axis], q[axis])))
        if not options:
            break
        _, axis, at = max(options, key=lambda option: option[0])
        new = (np.take(grid, at - 1, axis) + np.take(grid, at, axis)) / 2
        grid = np.insert(grid, at, new, axis)
    lessons = finish * grid.shape[0] * grid.shape[1]
    learn(lessons, 0.1 * 0.05 ** ((np.arange(lessons) + 0.5) / lessons))
    return grid


def test_grows_as_the_textbook_says() -> None:
    from hebbgraph.maps import lesson_order

    patterns = plane(60)
    found = growing_grid.train(patterns, **SMALL)
    first = patterns[lesson_order(60, 4, 1)].reshape(2, 2, 2)
    order = lesson_order(60, found.lessons, 0)
    wanted = textbook(patterns, order, first, units=8, period=4, finish=3)
    assert found.shape == wanted.shape[:2]
    assert found.shapes[0] == (2, 2)
    assert all(rows * cols <= 8 for rows, cols in found.shapes)
    np.testing.assert_allclose(found.weights, wanted.reshape(-1, 2), atol=1e-12)


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_engines_grow_alike(domain: Any) -> None:
    patterns = plane(60)
    maps = [
        growing_grid.train(patterns, **SMALL, backend=backend, domain=domain) for backend in ENGINES
    ]
    for found in maps[1:]:
        assert found.shapes == maps[0].shapes
        if domain == "fixed":
            assert np.array_equal(found.weights, maps[0].weights)
        else:
            np.testing.assert_allclose(found.weights, maps[0].weights, atol=1e-12)


def test_the_next_line_goes_to_the_farthest_neighbour_of_who_wins_most() -> None:
    grid = Grid(2, 3, (3, 4))
    counts = np.array([1, 5, 2, 0, 5, 0])
    prototypes = np.array([[0.0], [1.0], [3.0], [9.0], [2.5], [9.0]])
    assert grid.line(counts, prototypes, most=12) == Line(1, 1)
    # A column would make 8 units, a row 9.
    assert grid.line(counts, prototypes, most=8) == Line(1, 1)
    assert grid.line(counts, prototypes, most=7) is None
    assert Grid(2, 3, (3, 3)).line(counts, prototypes, most=12) == Line(0, 0)
    assert grid.with_line(Line(0, 0)) == Grid(3, 3, (3, 4))
    assert grid.alive.tolist() == [1, 1, 1, 0] * 2 + [0] * 4


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_line_is_the_mean_of_those_beside_it(axis: int, domain: Any) -> None:
    room = (3, 3)
    start = plane(9, "start").reshape(3, 3, 2)
    graph = learning_graph(
        start.reshape(9, 2),
        positions(*room),
        scale=1.0,
        length=1.0,
        neighbourhood="gaussian",
        width=0.9,
        switched=True,
    )
    with hg.compile(graph, domain=domain) as program:
        plastic = program.graph.plastic
        held = {
            f"{path}.accumulator": dense.weights * 2**dense.rule.fraction
            for path, dense in plastic.items()
            if dense.rule is not None
        }
        moved = inserted(Grid(2, 2, room), Line(axis, 0), held, program)
        weights = prototypes_of(moved, program).reshape(3, 3, 2)
    lines, was = np.moveaxis(weights, axis, 0), np.moveaxis(start, axis, 0)
    np.testing.assert_array_equal(lines[[0, 2]], was[[0, 1]])
    np.testing.assert_allclose(lines[1], (was[0] + was[1]) / 2, atol=1e-4)
    v = np.moveaxis(moved["norms.accumulator"].reshape(3, 3), axis, 0)[1]
    assert (v < 0).all()


def test_memory_recalls_prototypes() -> None:
    patterns = plane(60)
    memory = hg.Memory("growing_grid", units=8, period=4, finish=3).fit(patterns)
    recalled = memory.recall(patterns)
    assert len(np.unique(recalled, axis=0)) <= 8
    assert np.sqrt(((recalled - patterns) ** 2).sum(axis=1)).mean() < quantisation_error(
        patterns, patterns[:4]
    )
    with pytest.raises(hg.Unsupported, match="no local rule"):
        memory.partial_fit(patterns)


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        growing_grid.train(
            [[0.0, np.inf]], 3, period=0, finish=-1, rate=2.0, width=0.0, room=(1, 2**13)
        )
    text = str(caught.value)
    for part in ("finite", "units", "period", "finish", "rate", "width", "room"):
        assert part in text
    with pytest.raises(hg.Invalid, match="room"):
        growing_grid.train([[0.0]], 9, room=(100, 100))
