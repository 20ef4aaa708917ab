"""Memory: fit, recall and surveys of any family, and its errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hebbgraph import Memory, NotFitted
from hebbgraph.data import random_patterns
from hebbgraph.errors import Invalid

PATTERNS = random_patterns(5, 60, seed=0).patterns


def test_fit_and_recall_one_cue_or_many() -> None:
    memory = Memory("hopfield", rule="pseudo_inverse").fit(PATTERNS)
    spoiled = PATTERNS.copy()
    spoiled[:, ::9] *= -1
    assert np.array_equal(memory.recall(spoiled), PATTERNS)
    assert np.array_equal(memory.recall(spoiled[2]), PATTERNS[2])
    assert memory.result_.counters.total("spikes") > 0
    assert memory.score(PATTERNS, level=0.1) == 1
    assert memory.trajectory(spoiled, steps=7).shape == (5, 7, 60)


def test_engines_recall_alike() -> None:
    cues = PATTERNS * np.where(np.arange(60) % 4, 1, -1)
    runs = [
        Memory("hopfield", rule="hebbian", backend=backend, domain=domain).fit(PATTERNS)
        for backend in ("reference", "snntorch")
        for domain in ("float", "fixed")
    ]
    first = runs[0].trajectory(cues)
    for memory in runs[1:]:
        assert np.array_equal(memory.trajectory(cues), first)


def test_energy_falls_along_a_recall_one_unit_at_a_time() -> None:
    memory = Memory("hopfield", rule="hebbian").fit(PATTERNS)
    state = PATTERNS[0].copy()
    state[:12] *= -1
    energies = [float(memory.energy_(state))]
    for unit in range(12):
        state[unit] *= -1
        energies.append(float(memory.energy_(state)))
    assert np.all(np.diff(energies) < 0)
    assert np.shape(memory.energy_(PATTERNS)) == (5,)


def test_surveys() -> None:
    memory = Memory("hopfield", rule="hebbian").fit(PATTERNS[:3])
    basin = memory.basin((0.0, 0.2), cues_per_pattern=2)
    assert basin.shape == (2, 3)
    assert (basin[0] == 1).all()
    states, counts = memory.spurious(50)
    assert len(states) == len(counts)
    assert (np.diff(counts) <= 0).all()
    three = np.sign(PATTERNS[:3].sum(axis=0, dtype=int))
    assert any((state == three).all() for state in np.concatenate([states, -states]))
    curve = memory.capacity_curve((0.05,), seeds=(0,))
    assert (curve.size, curve.points[0].overlap.mean) == (60, 1.0)


def test_parameters_are_get_and_set() -> None:
    memory = Memory("hopfield", rule="storkey", backend="lava", random_state=3)
    assert memory.get_params()["rule"] == "storkey"
    again = Memory(**memory.get_params())
    assert again.get_params() == memory.get_params()
    memory.set_params(rule="hebbian", backend="reference").fit(PATTERNS)
    memory.set_params(rule="storkey")
    with pytest.raises(NotFitted):
        memory.recall(PATTERNS)
    assert "rule='storkey'" in repr(memory)


def test_an_unfitted_memory_says_what_to_do() -> None:
    memory = Memory("hopfield")
    asking: list[Callable[[], object]] = [
        lambda: memory.recall(PATTERNS[0]),
        lambda: memory.score(PATTERNS),
        lambda: memory.energy_(PATTERNS[0]),
        lambda: memory.basin(),
        lambda: memory.spurious(),
        lambda: memory.graph_,
    ]
    for ask in asking:
        with pytest.raises(NotFitted, match=r"call fit\(X\) or partial_fit\(X\) first"):
            ask()


@pytest.mark.parametrize(
    ("patterns", "need"),
    [
        ([[1, -1], [1]], "make all patterns equally long"),
        ([[1, 0]], "values must be -1 or"),
        ([1, -1], "write \\[pattern\\] for a single one"),
        ([["a", "b"]], "must be real numbers"),
        ([[1j, -1]], "must be real numbers"),
        (np.zeros((0, 4)), "at least one of each"),
    ],
)
def test_bad_patterns_are_named(patterns: object, need: str) -> None:
    with pytest.raises(Invalid, match=need):
        Memory("hopfield").fit(patterns)  # type: ignore[arg-type]


def test_bad_settings_and_cues_are_named() -> None:
    with pytest.raises(Invalid, match="models are"):
        Memory("hopfeild").fit(PATTERNS)
    with pytest.raises(Invalid, match="parameters of hopfield are"):
        Memory("hopfield", rul=3).fit(PATTERNS)
    with pytest.raises(Invalid, match="domain"):
        Memory("hopfield", domain="int8").fit(PATTERNS)  # type: ignore[arg-type]
    memory = Memory("hopfield").fit(PATTERNS)
    with pytest.raises(Invalid, match=r"must be \(60,\) or \(cues, 60\)"):
        memory.recall(PATTERNS[:, :7])
    with pytest.raises(Invalid, match="values must be"):
        memory.recall(np.full(60, 0.5))
    with pytest.raises(Invalid, match="rows of mixed length"):
        memory.recall([[1, -1], [1]])
    with pytest.raises(Invalid, match="must have the shape of X"):
        memory.score(PATTERNS, PATTERNS[:2])
    with pytest.raises(Invalid, match="must have 60 units"):
        memory.energy_(PATTERNS[0, :7])
