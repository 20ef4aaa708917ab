"""Streams of tasks: what is permuted, turned and split, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from hebbgraph.continual.streams import Labelled, held_out, permuted, rotated, split
from hebbgraph.errors import Invalid

RNG = np.random.default_rng(0)
X, Y = RNG.random((60, 12)), np.arange(60) % 6
TRAIN, TEST = held_out(X, Y, 0.2, seed=1)


def test_every_class_is_held_out_alike() -> None:
    assert len(TRAIN) + len(TEST) == 60
    assert np.array_equal(np.bincount(TEST.y), [2] * 6)
    again, _ = held_out(X, Y, 0.2, seed=1)
    assert np.array_equal(again.x, TRAIN.x)
    assert not np.array_equal(held_out(X, Y, 0.2, seed=2)[0].x, TRAIN.x)
    with pytest.raises(ValueError, match="read-only"):
        TRAIN.x[0, 0] = 1


def test_permuted_tasks_hold_the_same_values_in_another_order() -> None:
    made = permuted(TRAIN, TEST, 3, seed=4)
    assert (len(made), made.inputs, made.outputs, made.scenario) == (3, 12, 6, "domain")
    assert np.array_equal(made.tasks[0].train.x, TRAIN.x)
    for task in made.tasks[1:]:
        assert np.array_equal(np.sort(task.train.x, axis=1), np.sort(TRAIN.x, axis=1))
        assert not np.array_equal(task.train.x, TRAIN.x)
        assert np.array_equal(task.train.y, TRAIN.y)
    longer = permuted(TRAIN, TEST, 5, seed=4)  # more tasks only add
    assert np.array_equal(longer.tasks[2].test.x, made.tasks[2].test.x)


def test_rotated_tasks_turn_images() -> None:
    images = np.zeros((12, 3, 3))
    images[:, 0, 1] = 1.0
    data = Labelled(images.reshape(12, 9), np.arange(12) % 2)
    made = rotated(data, data, (0, 90), (3, 3))
    assert np.array_equal(made.tasks[0].train.x, data.x)
    turned = made.tasks[1].train.x[0].reshape(3, 3)
    assert turned[1, 0] == pytest.approx(1)
    assert np.abs(turned).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("scenario", "columns", "outputs"),
    [("task", [(0, 1), (2, 3)], 4), ("class", [(0, 1), (2, 3)], 4), ("domain", [(0, 1)] * 2, 2)],
)
def test_split_names_its_columns(
    scenario: str, columns: list[tuple[int, ...]], outputs: int
) -> None:
    made = split(TRAIN, TEST, [(4, 1), (0, 5)], scenario)  # type: ignore[arg-type]
    assert [task.classes for task in made.tasks] == columns
    assert made.outputs == outputs
    for task, group in zip(made.tasks, [(4, 1), (0, 5)], strict=True):
        assert set(task.train.y) == set(task.classes)
        assert len(task.train) == sum((TRAIN.y == label).sum() for label in group)
    first = made.tasks[0]
    assert np.array_equal(first.train.x[first.train.y == 0], TRAIN.x[TRAIN.y == 4])


def test_what_makes_no_task_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        split(TRAIN, TEST, [(0,), (1, 9), (1, 2, 3)], "domains")  # type: ignore[arg-type]
    text = str(caught.value)
    for part in ("scenario", "class 1 twice", "two or more classes", "class 9", "is not in train"):
        assert part in text
    with pytest.raises(Invalid, match="equally large"):
        split(TRAIN, TEST, [(0, 1), (2, 3, 4)], "domain")
    one = Labelled(X[:5], np.zeros(5, dtype=np.int64))
    with pytest.raises(Invalid, match="only class 0"):
        permuted(one, one, 2)
    with pytest.raises(Invalid, match="tasks"):
        permuted(TRAIN, TEST, 0)
    with pytest.raises(Invalid, match="must hold 12 pixels"):
        rotated(TRAIN, TEST, (0,), (3, 3))
    with pytest.raises(Invalid, match="finite"):
        held_out(np.full((4, 2), np.nan), np.zeros(4))
