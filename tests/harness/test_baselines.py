"""The baselines against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from hebbgraph.data import PatternSet, choose, load, random_patterns
from hebbgraph.harness.baselines import (
    MEANS_OF_CLASSES,
    MEANS_OF_STORED,
    baselines,
    class_right,
    nearest_mean,
)
from hebbgraph.harness.corrupt import cues


def test_nearest_mean_is_the_nearest_in_distance_and_a_tie_is_wrong() -> None:
    rng = np.random.default_rng(0)
    points = np.where(rng.random((40, 12)) < 0.5, 1, -1).astype(np.int8)
    means = rng.uniform(-1, 1, (5, 12))
    right = rng.integers(5, size=40)
    distances = ((points[:, None] - means[None]) ** 2).sum(axis=2)
    found = nearest_mean(points, means, right)
    assert np.array_equal(found, distances.argmin(axis=1) == right)
    assert 0 < found.sum() < 40
    assert not nearest_mean(points, np.repeat(means[:1], 2, axis=0), np.zeros(40, np.int64)).any()


def test_class_right_allows_a_tie_within_the_class_only() -> None:
    stored = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [-1, -1, -1, -1]], dtype=np.int8)
    states = np.array([[1, 1, 1, -1], [-1, -1, -1, 1]], dtype=np.int8)  # row 0: ties 0 and 1
    targets = np.array([0, 2])
    same = class_right(states, stored, np.array([7, 7, 8]), targets)
    apart = class_right(states, stored, np.array([7, 8, 8]), targets)
    assert same.tolist() == [True, True]
    assert apart.tolist() == [False, True]


def test_without_labels_the_means_are_the_stored_patterns() -> None:
    pool = random_patterns(30, 40, seed=0)
    rows = choose(pool, 12, seed=0)
    made = cues(pool.patterns[rows], "flip", 0.4, seed=0)[:, 0]
    found = baselines(pool, rows, made, np.arange(12))
    assert found.means == MEANS_OF_STORED
    assert found.nearest_stored_class is None
    assert np.array_equal(found.nearest_mean, found.nearest_stored)
    assert 0 < found.nearest_stored.sum() < 12


def test_with_labels_the_means_are_those_of_the_whole_data_set() -> None:
    patterns = np.array([[1, 1, 1], [1, 1, -1], [1, -1, -1], [-1, -1, -1]], dtype=np.int8)
    pool = PatternSet("four", patterns, labels=np.array([5, 5, 9, 9]))
    rows = np.array([3, 0])  # the stored one of class 9, then of class 5
    points = np.array([[1, -1, -1], [1, 1, -1]], dtype=np.int8)
    found = baselines(pool, rows, points, np.array([0, 1]))
    # Means: class 5 (1, 1, 0), class 9 (0, -1, -1); the unstored patterns count.
    assert found.means == MEANS_OF_CLASSES
    assert found.nearest_mean.tolist() == [True, True]
    assert found.nearest_stored.tolist() == [True, True]
    swapped = baselines(pool, rows, points[::-1], np.array([0, 1]))
    assert swapped.nearest_mean.tolist() == [False, False]
    assert swapped.nearest_stored_class is not None
    assert swapped.nearest_stored_class.tolist() == [False, False]


def test_on_clean_digits_one_nearest_neighbour_is_perfect_and_the_mean_is_not() -> None:
    pytest.importorskip("sklearn", reason="digits need scikit-learn")
    pool = load("digits")
    rows = choose(pool, 500, seed=0)
    found = baselines(pool, rows, pool.patterns[rows], np.arange(500))
    assert found.nearest_stored.all()
    assert 0.75 < found.nearest_mean.mean() < 0.95
