"""Corruption: exact counts, statistics, and one cue drawn alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph.data import random_patterns, sparse_patterns, sphere_patterns
from hebbgraph.errors import Invalid
from hebbgraph.harness.corrupt import CORRUPTIONS, corrupt, cues

KINDS = [name for name, kind in CORRUPTIONS.items() if "bipolar" in kind.alphabets]
DRAWN = [name for name in KINDS if name != "hide_end"]
SHAPES: list[tuple[int, int] | None] = [None, (8, 8), (4, 16)]
PATTERNS = random_patterns(5, 64, seed=2).patterns
WHITE = np.ones((1, 64), dtype=np.int8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_one_cue_drawn_alone_is_the_one_in_the_batch(
    kind: str, shape: tuple[int, int] | None
) -> None:
    batch = cues(PATTERNS, kind, 0.3, seed=9, per_pattern=4, image_shape=shape)
    assert batch.shape == (5, 4, 64)
    for k, c in [(0, 0), (3, 2), (4, 3)]:
        alone = corrupt(
            PATTERNS[k], kind, 0.3, seed=9, pattern_index=k, cue_index=c, image_shape=shape
        )
        assert np.array_equal(alone, batch[k, c])


@pytest.mark.parametrize("kind", DRAWN)
def test_cues_differ_by_seed_pattern_and_cue(kind: str) -> None:
    copies = np.repeat(WHITE, 6, axis=0)
    one, two = (cues(copies, kind, 0.3, seed=s, per_pattern=6) for s in (0, 1))
    assert not np.array_equal(one, two)
    # Blocks have 46 places only, so not all 36 cues can differ; most do.
    assert len(np.unique(one.reshape(36, 64), axis=0)) > 15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_level_zero_changes_nothing_and_the_input_is_kept(
    kind: str, shape: tuple[int, int] | None
) -> None:
    before = PATTERNS.copy()
    assert np.array_equal(cues(PATTERNS, kind, 0.0, seed=0, image_shape=shape)[:, 0], PATTERNS)
    cues(PATTERNS, kind, 1.0, seed=0, image_shape=shape)
    assert np.array_equal(PATTERNS, before)


@pytest.mark.parametrize("level", [0.1, 0.25, 0.5, 1.0, 0.12])
def test_flip_negates_exactly_the_rounded_share(level: float) -> None:
    made = cues(PATTERNS, "flip", level, seed=0, per_pattern=20)
    flipped = np.count_nonzero(made != PATTERNS[:, None], axis=2)
    assert (flipped == round(level * 64)).all()


def test_flip_hits_every_unit_equally_often() -> None:
    made = cues(WHITE, "flip", 0.25, seed=0, per_pattern=2000)[0]
    hits = np.count_nonzero(made < 0, axis=0)
    assert abs(hits - 500).max() < 4.5 * np.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize("kind", ["flip", "salt_and_pepper"])
def test_a_higher_level_spoils_more_of_the_same_cue(kind: str) -> None:
    changed = [cues(PATTERNS, kind, x, seed=0)[:, 0] != PATTERNS for x in (0.1, 0.3, 0.6)]
    for less, more in pairwise(changed):
        assert (more >= less).all()
        assert more.sum() > less.sum()


@pytest.mark.parametrize("level", [0.1, 0.3, 0.77])
def test_occlusion_of_a_vector_is_one_block_of_the_rounded_length(level: float) -> None:
    made = cues(WHITE, "occlusion", level, seed=0, per_pattern=300)[0]
    length = round(level * 64)
    starts = set()
    for cue in made:
        hidden = np.flatnonzero(cue < 0)
        assert len(hidden) == length
        assert hidden[-1] - hidden[0] == length - 1
        starts.add(int(hidden[0]))
    assert min(starts) == 0
    assert max(starts) == 64 - length


@pytest.mark.parametrize(
    ("level", "rows", "columns"), [(0.25, 4, 4), (0.3, 4, 5), (0.5, 6, 5), (1.0, 8, 8)]
)
def test_occlusion_of_an_image_is_a_rectangle(level: float, rows: int, columns: int) -> None:
    made = cues(WHITE, "occlusion", level, seed=0, per_pattern=200, image_shape=(8, 8))[0]
    corners = set()
    for cue in made.reshape(-1, 8, 8):
        down, across = np.nonzero(cue < 0)
        assert len(down) == rows * columns
        assert np.ptp(down) == rows - 1
        assert np.ptp(across) == columns - 1
        corners.add((int(down.min()), int(across.min())))
    assert len(corners) == (8 - rows + 1) * (8 - columns + 1)  # every position occurs


def test_occlusion_leaves_background_as_it_is() -> None:
    made = cues(PATTERNS, "occlusion", 0.5, seed=0)[:, 0]
    assert (made <= PATTERNS).all()


def test_salt_and_pepper_sets_half_of_the_share_to_each_value() -> None:
    made = cues(PATTERNS, "salt_and_pepper", 0.5, seed=0, per_pattern=400)
    changed = np.count_nonzero(made != PATTERNS[:, None], axis=2)
    assert changed.max() <= 32
    # 32 units drawn, each changed with probability 1/2: mean 16, variance 8.
    assert abs(changed.mean() - 16) < 4 * np.sqrt(8 / changed.size)
    assert changed.var() == pytest.approx(8, rel=0.15)
    black = cues(-WHITE, "salt_and_pepper", 1.0, seed=0, per_pattern=400)
    assert abs((black > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(black.size)


@pytest.mark.parametrize("level", [-0.1, 1.01, float("nan"), "much", True, None])
def test_a_level_outside_0_to_1_is_named(level: float) -> None:
    with pytest.raises(Invalid, match=r"level: must be in \[0, 1\]"):
        cues(PATTERNS, "flip", level, seed=0)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Invalid) as error:
        cues(PATTERNS, "flop", 2, seed=0, per_pattern=0, image_shape=(8, 9))
    wheres = [fault.where for fault in error.value.faults]
    assert wheres == ["corruption", "level", "image_shape", "per_pattern"]
    assert "corruptions of bipolar patterns are flip, occlusion, salt_and_pepper" in str(
        error.value
    )


@pytest.mark.parametrize("patterns", [PATTERNS[0], np.full((2, 4), 0.5), np.ones((0, 4))])
def test_patterns_that_are_none_are_named(patterns: NDArray[Any]) -> None:
    with pytest.raises(Invalid, match=r"patterns: (must be an array|values must be)"):
        cues(patterns, "flip", 0.1, seed=0)


# --- other alphabets ---------------------------------------------------------------------------


def test_move_keeps_the_number_of_active_units() -> None:
    patterns = sparse_patterns(6, 50, seed=1, active=10).patterns
    made = cues(patterns, "move", 0.3, seed=0, per_pattern=4, alphabet="binary")
    assert (made.sum(axis=2) == 10).all()
    assert ((made * patterns[:, None]).sum(axis=2) == 7).all()
    crowded = np.array([[1, 1, 1, 0]])
    assert cues(crowded, "move", 1.0, seed=0, alphabet="binary").sum() == 3


def test_hidden_units_are_0() -> None:
    made = cues(PATTERNS, "hide", 0.25, seed=0, per_pattern=3)
    assert (np.count_nonzero(made == 0, axis=2) == 16).all()
    assert (made[made != 0] == np.broadcast_to(PATTERNS[:, None], made.shape)[made != 0]).all()
    end = cues(PATTERNS, "hide_end", 0.25, seed=0)[:, 0]
    assert (end[:, 48:] == 0).all()
    assert (end[:, :48] == PATTERNS[:, :48]).all()


def test_noise_is_a_share_of_the_size_of_the_pattern() -> None:
    patterns = 7 * sphere_patterns(3, 400, seed=0).patterns
    made = cues(patterns, "noise", 0.5, seed=0, per_pattern=50, alphabet="real")
    assert made.dtype == np.float64
    added = (made - patterns[:, None]) / (7 / 20)
    assert added.std() == pytest.approx(0.5, rel=0.02)
    assert added.mean() == pytest.approx(0, abs=0.01)


def test_a_corruption_is_for_its_alphabets() -> None:
    with pytest.raises(Invalid, match="corruptions of binary patterns are hide, hide_end, move"):
        cues(np.eye(4, dtype=int), "flip", 0.1, seed=0, alphabet="binary")
