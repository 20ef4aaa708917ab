"""Labelled map: its winners and its delta rule, on every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.maps import positions, to_grains, winners
from hebbgraph.models import labelled_map
from hebbgraph.random import stream

ENGINES = sorted(discover())
PLACES = positions(2, 3)


def draws(name: str, *shape: int) -> np.ndarray[Any, Any]:
    return to_grains(1.8 * stream(0, "test_labelled_map", name).random(shape) - 0.9, 1.0)


PROTOTYPES, PATTERNS = draws("prototypes", 6, 3), draws("patterns", 20, 3)
LABELS = (PATTERNS[:, 0] > 0).astype(int)


def textbook() -> tuple[Any, Any]:
    """Return the winners, and the read-out after a lesson each."""
    bump = np.rint(16 * np.exp(-((PLACES[:, np.newaxis] - PLACES) ** 2).sum(axis=2) / 0.98))
    weights = np.zeros((2, 6))
    won = winners(PATTERNS, PROTOTYPES)[:, 0]
    for unit, label in zip(won, LABELS, strict=True):
        error = 512 * np.eye(2)[label] - weights @ bump[unit]
        weights += 0.25 / (bump**2).sum(axis=0).max() * np.outer(error, bump[unit])
    return won, weights


@pytest.mark.parametrize("backend", ENGINES)
def test_lessons_are_the_delta_rule(backend: str) -> None:
    graph = labelled_map.build(PROTOTYPES, 2, places=PLACES, scale=1.0)
    lessons = labelled_map.teach(PATTERNS, LABELS, 2)
    won, wanted = textbook()
    with hg.compile(graph, backend) as program:
        result = program.run(lessons)
    assert np.array_equal(result.spikes["winner"][:, 1:].argmax(axis=2), np.tile(won, (3, 1)).T)
    np.testing.assert_allclose(result.weights["readout.weights"], wanted, atol=1e-10)
    with hg.compile(graph, backend, domain="fixed") as program:
        fixed = program.run(lessons)
    assert np.array_equal(fixed.spikes["winner"], result.spikes["winner"])
    assert np.abs(fixed.value("readout.weights") - wanted).max() < 1.0


def test_answers_with_given_weights() -> None:
    _, weights = textbook()
    graph = labelled_map.build(
        PROTOTYPES, 2, places=PLACES, scale=1.0, learns=False, weights=weights
    )
    with hg.compile(graph) as program:
        answers = program.run(labelled_map.ask(PATTERNS)).spikes["answer"][:, -1].argmax(axis=1)
    assert (answers == LABELS).mean() > 0.8


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        labelled_map.build([[np.nan]], 1, width=0.0, rate=2.0)
    text = str(caught.value)
    for part in ("finite", "classes", "width", "rate"):
        assert part in text
    with pytest.raises(hg.Invalid, match="places"):
        labelled_map.build(PROTOTYPES, 2, places=[[0, 0]])
    with pytest.raises(hg.Invalid, match=r"must be \(2, 6\)"):
        labelled_map.build(PROTOTYPES, 2, weights=np.zeros((2, 5)))
