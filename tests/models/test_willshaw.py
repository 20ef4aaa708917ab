"""Willshaw memory: its law in plain NumPy, what engines say, what it learns one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hebbgraph import Memory
from hebbgraph.data import sparse_patterns
from hebbgraph.errors import Invalid
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import willshaw

ENGINES = ("reference", "brian2", "snntorch", "lava")
STORED = sparse_patterns(15, 40, seed=3, active=5).patterns


def plain(stored: np.ndarray, cue: np.ndarray, values: int = 0, slack: int = 0) -> np.ndarray:
    """Recall by the definition, one unit after another."""
    keys = range(stored.shape[1] - values)
    outputs = range(stored.shape[1] - values, stored.shape[1]) if values else keys
    size = sum(int(cue[j]) for j in keys)
    state = cue.copy()
    fired = {}
    for i in outputs:
        reached = sum(any(p[i] and p[j] for p in stored) for j in keys if cue[j])
        fired[i] = size > 0 and reached >= max(size - slack, 1)
    if any(fired.values()):
        for i, one in fired.items():
            state[i] = one
    return state


def spoiled(kind: str = "hide", level: float = 0.4) -> np.ndarray:
    return cues(STORED, kind, level, seed=1, alphabet="binary")[:, 0]


@pytest.mark.parametrize("values", [0, 13])
@pytest.mark.parametrize("slack", [0, 2])
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_recall_is_the_definition(values: int, slack: int, domain: Any) -> None:
    stored = sparse_patterns(9, 40, seed=1, active=8).patterns.copy()
    stored[:, [0, 39]] = 1  # something in every key and value
    cue = cues(stored, "move", 0.2, seed=1, alphabet="binary")[:, 0]
    cue = np.concatenate([cue, np.zeros((1, 40), np.int8)])
    memory = Memory("willshaw", domain=domain, values=values, slack=slack).fit(stored)
    wanted = [plain(stored, one, values, slack) for one in cue]
    assert np.array_equal(memory.recall(cue), wanted)


def test_weights_are_the_or_of_outer_products() -> None:
    wanted = np.zeros((40, 40), int)
    for pattern in STORED:
        wanted |= np.outer(pattern, pattern).astype(int)
    assert np.array_equal(willshaw.weights_of(STORED), wanted)
    pairs = willshaw.weights_of(STORED, 10)
    assert np.array_equal(pairs[:, :30], wanted[30:, :30])
    assert not pairs[:, 30:].any()


@pytest.mark.parametrize("backend", ENGINES[1:])
@pytest.mark.parametrize(
    ("domain", "readout", "values"),
    [
        ("fixed", "threshold", 12),
        ("float", "winners", 0),
    ],
)
def test_engines_recall_alike(backend: str, domain: Any, readout: Any, values: int) -> None:
    arguments: dict[str, Any] = {"values": values, "readout": readout}
    stored = STORED.copy()
    if values:
        stored[:, [0, -1]] = 1  # something in every key and value
        arguments |= {"winners": 2} if readout == "winners" else {}
    cue = cues(stored, "hide", 0.3, seed=1, alphabet="binary")[:8, 0]
    by_definition = Memory("willshaw", **arguments).fit(stored).trajectory(cue, 5)
    found = Memory("willshaw", backend=backend, domain=domain, **arguments).fit(stored)
    assert np.array_equal(found.trajectory(cue, 5), by_definition)


def test_a_whole_pattern_is_always_recalled_with_what_is_falsely_added() -> None:
    states = Memory("willshaw").fit(STORED).recall(STORED)
    assert ((states - STORED) >= 0).all()
    one = Memory("willshaw").fit(STORED[:1])
    assert np.array_equal(one.recall(spoiled()[0]), STORED[0])


def test_winners_complete_what_is_hidden_and_throw_out_what_is_wrong() -> None:
    stored = sparse_patterns(40, 120, seed=0, active=6).patterns
    memory = Memory("willshaw", readout="winners").fit(stored)
    assert memory.score(stored, corruption="hide", level=0.3) > 0.98
    assert memory.score(stored, corruption="move", level=0.33) > 0.95
    assert memory.recall(stored[0]).sum() == 6


def test_values_are_recalled_from_keys() -> None:
    pairs = np.concatenate(
        [sparse_patterns(12, size, seed=2, active=4).patterns for size in (50, 30)], axis=1
    )
    memory = Memory("willshaw", values=30).fit(pairs)
    assert memory.graph_.processes["synapses"].weights.shape == (30, 80)  # type: ignore[union-attr]
    keys_only = pairs.copy()
    keys_only[:, 50:] = 0
    assert np.array_equal(memory.recall(keys_only), pairs)
    assert np.array_equal(memory.recall(pairs), pairs)  # what the cue says of values is unheard


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(("domain", "values"), [("fixed", 0), ("float", 15)])
def test_patterns_learned_one_by_one_are_the_programmed_weights(
    backend: str, domain: Any, values: int
) -> None:
    stored = STORED.copy()
    stored[:, [0, -1]] = 1
    memory = Memory("willshaw", backend=backend, domain=domain, values=values)
    memory.partial_fit(stored[:9]).partial_fit(stored[9]).partial_fit(stored[10:])
    programmed = willshaw.build(stored, values=values)
    assert memory.graph_.content_hash == programmed.content_hash
    assert np.array_equal(
        memory.recall(stored), Memory("willshaw", values=values).fit(stored).recall(stored)
    )


def test_surveys_spoil_cues_as_the_family_says() -> None:
    memory = Memory("willshaw").fit(STORED[:4])
    assert memory.basin((0.0, 0.3), cues_per_pattern=1).mean() == 1
    curve = memory.capacity_curve((0.1,), seeds=(0,), level=0.3)
    assert (curve.corruption, curve.points[0].overlap.mean) == ("hide", 1.0)


def test_events_are_two_volleys() -> None:
    memory = Memory("willshaw").fit(STORED)
    state = memory.recall(STORED[:1])
    counters = memory.result_.counters
    assert counters.processes["memory"].spikes == state.sum()
    assert counters.total("graded_events") == 1  # the size of the cue


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(Invalid) as caught:
        willshaw.build([[0, 2], [1, 1]], values=-1, readout="best", slack=-1, winners=0)  # type: ignore[arg-type]
    assert len(caught.value.faults) == 5
    with pytest.raises(Invalid, match="no active unit in the value of pattern 1"):
        willshaw.build([[1, 0, 1], [1, 1, 0]], values=1)
    with pytest.raises(Invalid, match="must be given where values differ in size"):
        willshaw.build([[1, 0, 1], [1, 0, 0]], readout="winners")
    with pytest.raises(Invalid, match="leave units for the key"):
        willshaw.build([[1, 0, 1]], values=3)
    with pytest.raises(Invalid, match="say how many units of a value are active"):
        Memory("willshaw", readout="winners").partial_fit(STORED)
