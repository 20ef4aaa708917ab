"""Every metric against examples worked by hand and a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.errors import Invalid
from hebbgraph.metrics import Interval, bootstrap, settling


def signs(*rows: str) -> NDArray[np.int8]:
    """Return rows of + and - as -1 and +1."""
    return np.array([[1 if c == "+" else -1 for c in row] for row in rows], dtype=np.int8)


def coin(*shape: int) -> NDArray[np.int8]:
    return np.where(np.random.default_rng(7).random(shape) < 0.5, 1, -1).astype(np.int8)


def test_overlap_hamming_and_exact_by_hand() -> None:
    states, target = signs("++++", "+++-", "++--", "----"), signs("++++")
    assert metrics.hamming(states, target).tolist() == [0, 1, 2, 4]
    assert metrics.overlap(states, target).tolist() == [1.0, 0.5, 0.0, -1.0]
    assert metrics.exact(states, target).tolist() == [True, False, False, False]


def test_overlaps_equal_the_sum_in_their_definition() -> None:
    states, stored = coin(5, 33), coin(4, 33)[::-1]
    expected = [
        [sum(int(a) * int(b) for a, b in zip(s, x, strict=True)) / 33 for x in stored]
        for s in states
    ]
    assert np.array_equal(metrics.overlaps(states, stored), expected)
    by_row = metrics.overlap(states[:, None], stored[None])
    assert np.allclose(by_row, expected, rtol=0, atol=1e-15)


def test_overlap_of_a_state_with_itself_is_one_at_any_size() -> None:
    for units in (3, 7, 49, 64, 99, 784, 1000):
        state = coin(1, units)
        assert metrics.overlaps(state, state)[0, 0] == 1.0
        assert not metrics.spurious(state, state).any()


def test_identification_counts_a_tie_as_wrong() -> None:
    stored = signs("++++", "----", "++--")
    states = signs("+++-", "---+", "++--", "+-+-")
    # Row 0 is as near to pattern 0 as to pattern 2, row 3 (overlap 0) as near to any.
    assert metrics.overlaps(states, stored)[0].tolist() == [0.5, -0.5, 0.5]
    right = metrics.identified(states, stored, np.array([0, 1, 2, 0]))
    assert right.tolist() == [False, True, True, False]
    assert metrics.identified(stored, stored, np.array([0, 1, 2])).all()
    assert not metrics.identified(stored, stored, np.array([1, 2, 0])).any()


# --- settling ----------------------------------------------------------------------------------


def plain_settling(run: NDArray[np.int8]) -> tuple[int, bool, bool]:
    """Say the same of one run (T, N) in plain Python."""
    total = len(run)
    for t in range(total - 1):
        if all((run[later] == run[t]).all() for later in range(t, total)):
            return t, True, False
    cycle = total > 2 and (run[-1] == run[-3]).all() and (run[-1] != run[-2]).any()
    return total, False, bool(cycle)


def test_settling_by_hand() -> None:
    a, b, c, d = (row for row in signs("++++", "+++-", "++--", "+---"))
    runs = np.array(
        [
            [a, a, a, a],  # at rest from the cue on
            [a, b, b, b],
            [a, b, c, c],  # seen twice only at the very end
            [a, b, c, d],  # still moving
            [a, b, a, b],  # a cycle of two
            [a, a, b, c],  # paused, then moved on
            [a, b, b, a],  # came back, but only once: neither at rest nor a seen cycle
        ]
    )
    found = settling(runs)
    assert found.steps.tolist() == [0, 1, 2, 4, 4, 4, 4]
    assert found.settled.tolist() == [True, True, True, False, False, False, False]
    assert found.period_two.tolist() == [False] * 4 + [True, False, False]


@pytest.mark.parametrize("total", [1, 2, 3, 6])
def test_settling_equals_the_plain_loop(total: int) -> None:
    # Two units and short runs: every kind of ending occurs.
    runs = coin(300, total, 2)
    found = settling(runs)
    rows = zip(found.steps, found.settled, found.period_two, strict=True)
    assert [tuple(row) for row in rows] == [plain_settling(run) for run in runs]
    assert found.settled.any() == (total > 1)
    assert found.period_two.any() == (total > 2)


# --- spurious states ---------------------------------------------------------------------------


def test_spurious_spares_patterns_and_their_negatives() -> None:
    stored = signs("++++----", "+-+-+-+-")
    states = np.concatenate([stored, -stored, signs("+++-----")])
    assert metrics.spurious(states, stored).tolist() == [False] * 4 + [True]


def test_mean_image_and_its_overlap_by_hand() -> None:
    stored = signs("+++-", "++--")
    assert metrics.mean_image(stored).tolist() == [1, 1, 0, -1]  # no majority at unit 2
    states = signs("+++-", "++--", "---+", "+-+-")
    overlaps = metrics.mean_image_overlap(states, stored)
    assert np.allclose(overlaps, [1, 1, -1, 1 / 3], rtol=0, atol=1e-15)
    assert np.isnan(metrics.mean_image_overlap(states, signs("++++", "----"))).all()


def test_the_symmetric_mixture_of_three_is_a_mixture_state() -> None:
    stored = coin(3, 101)
    centre = metrics.mean_image(stored)
    states = np.stack([centre, stored[0], -stored[1], coin(9, 101)[8]])
    assert metrics.mixture(states, stored).tolist() == [True, False, False, False]
    assert metrics.spurious(states, stored).tolist() == [True, False, False, True]


def test_a_pattern_that_is_the_mean_image_is_no_mixture() -> None:
    stored = signs("++--", "++--", "+++-")
    assert not metrics.mixture(stored, stored).any()


@pytest.mark.parametrize(
    "call",
    [metrics.hamming, metrics.overlap, metrics.overlaps, metrics.spurious, metrics.mixture],
)
def test_widths_that_differ_are_named(call: object) -> None:
    assert callable(call)
    with pytest.raises(Invalid, match=r"\(2, 5\) and \(3, 1\)"):
        call(coin(2, 5), coin(3, 1))


# --- bootstrap ---------------------------------------------------------------------------------


def test_bootstrap_of_one_seed_is_nan_and_says_so() -> None:
    interval = bootstrap([0.75])
    assert interval.mean == 0.75
    assert interval.n == 1
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert str(interval) == "0.75 [nan, nan]"
    assert interval.as_dict() == {"mean": 0.75, "low": None, "high": None, "n": 1}


def test_bootstrap_of_equal_values_has_no_width() -> None:
    assert bootstrap([0.1] * 7) == Interval(0.1, 0.1, 0.1, 7)


def test_bootstrap_leaves_undefined_seeds_out() -> None:
    assert bootstrap([0.2, math.nan, 0.4]) == bootstrap([0.2, 0.4])
    nothing = bootstrap([math.nan, math.nan])
    assert nothing.n == 0
    assert math.isnan(nothing.mean)
    assert nothing.as_dict()["mean"] is None


def test_bootstrap_repeats_and_depends_on_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=12)
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values) != bootstrap(values, seed=1)


def test_bootstrap_of_symmetric_data_is_the_percentile_interval() -> None:
    # Symmetric data has no acceleration, and few resamples lie off centre: BCa ~ percentile.
    values = np.concatenate([np.arange(1.0, 21.0), -np.arange(1.0, 21.0)])
    interval = bootstrap(values, resamples=20_000)
    half = 1.96 * values.std() / math.sqrt(values.size)
    assert interval.low == pytest.approx(-half, rel=0.05)
    assert interval.high == pytest.approx(half, rel=0.05)
    narrow = bootstrap(values, resamples=20_000, confidence=0.5)
    assert interval.low < narrow.low < narrow.high < interval.high


def test_bootstrap_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="SciPy comes with scikit-learn")
    # Few and skewed: each of the terms of BCa moves a bound by more than is allowed here.
    values = np.random.default_rng(3).lognormal(sigma=1.5, size=12)
    ours = bootstrap(values, resamples=100_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=100_000, method="BCa", random_state=1
    ).confidence_interval
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.01 * width
    assert abs(ours.high - theirs.high) < 0.01 * width


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_bootstrap_covers_the_mean_as_often_as_it_says(draw: str) -> None:
    rng, trials = np.random.default_rng(11), 600
    truth = 0.0 if draw == "normal" else 1.0
    hits = 0
    for _ in range(trials):
        interval = bootstrap(getattr(rng, draw)(size=30), resamples=500, confidence=0.9)
        hits += interval.low <= truth <= interval.high
    # 0.9 within four standard errors (0.012 each), a little too narrow being known for n = 30.
    assert 0.83 < hits / trials < 0.95


def test_bootstrap_names_every_fault() -> None:
    with pytest.raises(Invalid) as error:
        bootstrap([[1.0]], confidence=1.5, resamples=0)
    assert [fault.where for fault in error.value.faults] == ["values", "confidence", "resamples"]
    with pytest.raises(Invalid, match="one number per seed"):
        bootstrap([])
