"""Actions: the sequences that are made, and what recognises them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.data.actions import JOINTS, LIMBS, MOVES, actions
from hebbgraph.maps.actions import Recogniser, ordered_vector, postures
from hebbgraph.models import growing_grid, som


def test_sequences_are_skeletons_and_do_not_depend_on_how_many_there_are() -> None:
    made, more = actions(2, seed=3), actions(3, seed=3, classes=("bow", "kick"))
    assert len(made) == 24
    assert made.classes == tuple(MOVES)
    assert made.labels.tolist() == np.repeat(np.arange(12), 2).tolist()
    assert all(s.shape[1:] == (13, 3) and 25 <= len(s) <= 90 for s in made.sequences)
    bow = made.classes.index("bow")
    assert np.array_equal(made.sequences[2 * bow + 1], more.sequences[1])
    assert not np.array_equal(made.sequences[0][:5], made.sequences[1][:5])


def test_limbs_keep_their_length_but_for_noise_and_what_is_out_of_reach() -> None:
    made = actions(1, noise=0.0, frames=(30, 30), rest=0.0)
    for sequence in made.sequences:
        at = dict(zip(JOINTS, np.moveaxis(sequence, 1, 0), strict=True))
        trunk = np.linalg.norm(at["neck"] - at["hip"], axis=1)
        np.testing.assert_allclose(trunk, trunk[0])
        for end, (root, middle, length, _) in LIMBS.items():
            upper = np.linalg.norm(at[middle] - at[root], axis=1) / (2 * trunk)
            lower = np.linalg.norm(at[end] - at[middle], axis=1) / (2 * trunk)
            np.testing.assert_allclose(upper, lower, atol=1e-9)
            assert (upper >= length - 1e-9).all()
            assert upper.max() < 0.5


def test_bad_arguments_of_actions_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        actions(0, classes=("fly",), noise=-1, frames=(2, 1), rest=-1)
    text = str(caught.value)
    for part in ("per_class", "'fly'", "noise", "frames", "rest"):
        assert part in text


def test_postures_do_not_depend_on_place_direction_and_size() -> None:
    sequence = actions(1, classes=("throw",)).sequences[0]
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])
    moved = 1.3 * sequence @ turn.T + [3.0, -1.0, 2.0]
    np.testing.assert_allclose(postures(moved), postures(sequence), atol=1e-9)
    assert postures(sequence).shape == (len(sequence), 36)


def test_ordered_vector_by_hand() -> None:
    path = [[0, 0], [0, 0], [0, 2], [0, 2], [0, 2], [2, 2]]
    wanted = [[0, 0], [0, 1], [0, 2], [1, 2], [2, 2]]
    assert ordered_vector(path, 5).tolist() == np.array(wanted).ravel().tolist()
    slower = np.repeat(path, [1, 4, 1, 2, 2, 9], axis=0)
    assert np.array_equal(ordered_vector(slower, 5), ordered_vector(path, 5))
    assert ordered_vector([[1, 3]], 2).tolist() == [1, 3, 1, 3]


MADE = actions(5, classes=("wave", "kick", "bow"), frames=(20, 30))
#: Trainers that take a second or so in all.
SMALL: dict[str, Any] = {
    "som": functools.partial(som.train, rows=3, cols=4, lessons=150, phases=3),
    "growing_grid": functools.partial(growing_grid.train, units=12, period=2, finish=5),
}


@pytest.mark.parametrize("name", list(SMALL))
def test_recognises_three_actions(name: str) -> None:
    one = Recogniser(SMALL[name], SMALL[name], points=6, backend="snntorch", most_postures=150)
    train = [i for i in range(15) if i % 5 < 3]
    test = [i for i in range(15) if i % 5 >= 3]
    one.fit([MADE.sequences[i] for i in train], MADE.labels[train])
    assert one.score([MADE.sequences[i] for i in test], MADE.labels[test]) >= 5 / 6
    paths = one.paths(MADE.sequences[:2])
    assert [len(p) for p in paths] == [len(s) for s in MADE.sequences[:2]]


def test_bad_sequences_are_all_named() -> None:
    one = Recogniser(SMALL["som"], SMALL["som"])
    with pytest.raises(hg.NotFitted, match="call fit"):
        one.predict(MADE.sequences)
    bad = [MADE.sequences[0], MADE.sequences[0][:, :5], np.full((4, 13, 3), np.nan)]
    with pytest.raises(hg.Invalid) as caught:
        one.fit(bad, [0, 1])
    text = str(caught.value)
    for part in ("sequences[1]", "sequences[2]", "finite", "3 whole numbers"):
        assert part in text
    with pytest.raises(hg.Invalid, match="at least one"):
        one.fit([], [])


@pytest.mark.slow
def test_engines_recognise_alike_in_fixed() -> None:
    found = []
    for backend in ("reference", "snntorch", "brian2", "lava"):
        one = Recogniser(
            SMALL["som"], SMALL["som"], points=6, backend=backend, domain="fixed", most_postures=40
        )
        one.fit(MADE.sequences[::2], MADE.labels[::2])
        found.append((one.maps[0].weights, one.readout, one.predict(MADE.sequences[::2])))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))
