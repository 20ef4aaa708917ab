"""Distances between rasters and between learned weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hebbgraph.divergence.learned import learned_distances
from hebbgraph.divergence.measures import TAU, jaccard, rate_cosine, relative_difference, van_rossum
from tests.parity import graphs
from tests.parity.test_parity_event import Run

SHAPE = (1, 50, 3)


def raster(*spikes: tuple[int, int], sign: int = 1) -> Any:
    made = np.zeros(SHAPE, np.int8)
    for step, unit in spikes:
        made[0, step, unit] = sign
    return made


def test_jaccard_counts_spikes_of_the_same_step() -> None:
    one = raster((3, 0), (5, 0), (7, 1))
    assert jaccard([(one, one)]) == 1
    assert jaccard([(one, raster((3, 0), (6, 0), (7, 1)))]) == pytest.approx(2 / 4)
    assert jaccard([(one, raster())]) == 0
    assert jaccard([(raster(), raster())]) == 1
    assert jaccard([(raster((3, 0)), raster((3, 0), sign=-1))]) == 0
    assert jaccard([(one, one), (one, raster())]) == pytest.approx(3 / 6)


def test_van_rossum_equals_its_integral() -> None:
    ours, theirs = raster((3, 0), (10, 0), (7, 1)), raster((4, 0), (10, 0), (20, 2))
    t = np.arange(0, 400, 0.01)
    total = 0.0
    for unit in range(3):
        f = np.zeros_like(t)
        for spikes, sign in ((ours, 1), (theirs, -1)):
            for step in np.flatnonzero(spikes[0, :, unit]):
                f += sign * np.where(t >= step, np.exp(-(t - step) / TAU), 0)
        total += (f**2).sum() * 0.01 / TAU
    assert van_rossum([(ours, theirs)]) == pytest.approx(math.sqrt(total), rel=1e-3)


def test_van_rossum_of_simple_trains() -> None:
    assert van_rossum([(raster((3, 0)), raster())]) == pytest.approx(math.sqrt(0.5))
    late = van_rossum([(raster((3, 0)), raster((4, 0)))])
    assert late == pytest.approx(math.sqrt(1 - math.exp(-1 / TAU)))
    assert van_rossum([(raster((3, 0)), raster((3, 1)))]) == pytest.approx(1)
    assert van_rossum([]) == 0


def test_a_rate_cosine_sees_neither_time_nor_scale() -> None:
    ours, theirs = raster((3, 0), (5, 1)), raster((40, 0), (2, 1))
    assert jaccard([(ours, theirs)]) == 0
    assert rate_cosine([(ours, theirs)]) == 1
    twice = raster((3, 0), (4, 0), (5, 1), (6, 1))
    assert rate_cosine([(ours, twice)]) == pytest.approx(1)
    assert rate_cosine([(ours, raster())]) == 0
    assert rate_cosine([(raster(), raster())]) == 1


def test_relative_difference() -> None:
    ours = np.array([1.0, 100.0, np.nan, np.inf])
    assert relative_difference(ours, ours) == 0
    assert relative_difference(ours, np.array([1.0, 101.0, np.nan, np.inf])) == pytest.approx(0.01)
    assert relative_difference(ours, np.array([1.0, 100.0, 1.0, np.inf])) == np.inf


def test_learned_distances_over_steps_and_over_episodes() -> None:
    graph = graphs.hebb()[0]
    ours = Run({}, {"w.weights": np.ones((4, 5, 4))}, {"w.weights": np.ones((2, 2))})
    theirs = Run({}, {"w.weights": np.ones((4, 5, 4))}, {"w.weights": np.ones((2, 2))})
    theirs.states["w.weights"][2:, 3, 1] = 3  # a batch of two
    (one,) = learned_distances(graph, [ours], [theirs], 2)
    assert (one.every, one.at) == ("step", tuple(range(10)))
    assert one.largest == (0,) * 8 + (2, 0)
    assert one.relative[8] == pytest.approx(1)
    for run in (ours, theirs):
        run.states = {"w.a": np.zeros((2, 5, 2))}
    (one,) = learned_distances(graph, [ours, ours], [ours, theirs], 2)
    assert (one.every, one.at, one.largest) == ("episode", (1, 3), (0, 0))


def test_long_runs_keep_the_largest_distance_of_each_span() -> None:
    graph = graphs.hebb()[0]
    ours, theirs = (Run({}, {"w.weights": np.ones((1, 5000, 4))}) for _ in range(2))
    theirs.states["w.weights"][0, 1234, 2] = 5
    (one,) = learned_distances(graph, [ours], [theirs], 1)
    assert len(one.at) == 400
    assert one.at[-1] == 4999
    assert max(one.largest) == 4
    again = type(one).from_dict(one.as_dict())
    assert again == one
