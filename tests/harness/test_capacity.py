"""capacity_curve: retrieval against load, at sizes that take a second."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hebbgraph.data import random_patterns
from hebbgraph.errors import Invalid
from hebbgraph.family import Family
from hebbgraph.harness import capacity_curve
from hebbgraph.models import hopfield

HEBBIAN = hopfield.FAMILY.bound(rule="hebbian")
PSEUDO_INVERSE = hopfield.FAMILY.bound(rule="pseudo_inverse")


def test_hebbian_retrieval_breaks_down_past_its_capacity() -> None:
    curve = capacity_curve(300, (0.05, 0.1, 0.3), HEBBIAN, seeds=range(4), tested=40)
    low, middle, high = curve.points
    assert [point.count for point in curve.points] == [15, 30, 90]
    assert [point.tested for point in curve.points] == [15, 30, 40]
    # Replica-symmetric overlap at alpha = 0.05 is 0.99999, at 0.1 it is 0.998.
    assert low.overlap.mean > 0.999
    assert middle.overlap.mean == pytest.approx(0.998, abs=0.01)
    assert high.overlap.high < 0.6
    assert low.overlap.n == 4
    assert high.overlap.low < high.overlap.mean < high.overlap.high


def test_pseudo_inverse_holds_where_hebbian_cannot() -> None:
    loads = (0.5,)
    ours = capacity_curve(200, loads, PSEUDO_INVERSE, seeds=(0, 1), tested=30, level=0.02)
    theirs = capacity_curve(200, loads, HEBBIAN, seeds=(0, 1), tested=30, level=0.02)
    assert ours.points[0].overlap.mean > 0.999
    assert theirs.points[0].overlap.mean < 0.6


def test_one_step_of_one_pattern_is_worked_by_hand() -> None:
    # One pattern: every unit's field is (N - 1) or so of its sign; a few flips are undone at once.
    curve = capacity_curve(50, (0.02,), HEBBIAN, seeds=(3,), level=0.2, steps=2)
    (point,) = curve.points
    assert (point.count, point.tested, point.overlap.mean, point.exact.mean) == (1, 1, 1.0, 1.0)
    assert point.settled.mean == 0.0  # the cue, then the pattern: no repetition was seen
    assert np.isnan(point.overlap.low)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = capacity_curve(80, (0.3,), HEBBIAN, seeds=(0, 1), level=0.05)
    monkeypatch.setattr("hebbgraph.harness.sweep.BATCH", 7)
    assert capacity_curve(80, (0.3,), HEBBIAN, seeds=(0, 1), level=0.05) == whole
    assert 0.1 < whole.points[0].overlap.mean < 0.99


def test_patterns_of_a_seed_nest_over_loads_and_differ_over_seeds() -> None:
    seen: list[Any] = []

    def build(patterns: Any) -> Any:
        seen.append(patterns)
        return HEBBIAN.build(patterns)

    capacity_curve(40, (0.1, 0.2), Family(build), seeds=(0, 5), steps=2)
    assert [len(patterns) for patterns in seen] == [4, 4, 8, 8]
    assert np.array_equal(seen[0], seen[2][:4])
    assert np.array_equal(seen[3], random_patterns(8, 40, seed=5).patterns)
    assert not np.array_equal(seen[0], seen[1])


def test_the_curve_is_json_and_progress_counts_networks() -> None:
    told: list[tuple[int, int, str]] = []
    curve = capacity_curve(
        30, (0.1, 0.2), HEBBIAN, seeds=(0, 1), domain="fixed", progress=lambda *a: told.append(a)
    )
    document = json.loads(json.dumps(curve.as_dict(), allow_nan=False))
    assert document["domain"] == "fixed"
    assert [row["count"] for row in document["points"]] == [3, 6]
    assert set(document["points"][0]["overlap"]) == {"mean", "low", "high", "n"}
    assert [one[:2] for one in told] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert "load 0.2, seed 1" in told[3][2]


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Invalid) as error:
        capacity_curve(0, (), HEBBIAN, seeds=(1, 1), level=2, steps=1, tested=0)
    wheres = [fault.where for fault in error.value.faults]
    assert wheres == ["size", "steps", "tested", "loads", "seeds", "level"]


def test_loads_above_zero_only() -> None:
    for loads in ((0.1, 0.0), (-1.0,), (float("nan"),), (float("inf"),)):
        with pytest.raises(Invalid, match="loads: must be one or more numbers above 0"):
            capacity_curve(20, loads, HEBBIAN)
