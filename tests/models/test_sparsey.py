from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.memory import Memory
from hebbgraph.models import sparsey
from hebbgraph.models.sparsey import blank, build, codes, familiarity, recalling, show_twice, teach
from hebbgraph.processes import Noise
from hebbgraph.random import stream

ENGINES = ("reference", "brian2", "snntorch", "lava")
SMALL: dict[str, Any] = {"modules": 4, "width": 5, "floor": 0.25}


def items(count: int, units: int, active: int, seed: int = 0) -> np.ndarray:
    draws = stream(seed, "test", "sparsey").random((count, units))
    return (draws.argsort(axis=1).argsort(axis=1) < active).astype(np.int8)


def by_hand(
    stored: np.ndarray,
    modules: int,
    width: int,
    floor: float,
    gain: float = 60.0,
    power: int = 2,
    saturation: float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights, codes and G by the equations of the model, in plain NumPy."""
    weights = np.zeros((modules, width, stored.shape[1]))
    noise = Noise(modules * width, "gumbel")
    won, seen = [], []
    for episode, x in enumerate(stored.astype(float)):
        evidence = weights @ x / x.sum()
        familiar = evidence.max(axis=1).mean()
        beta = gain * (max(familiar - floor, 0) / (1 - floor)) ** power
        draw = noise.data("float", "noise", episode, 2)[1].reshape(modules, width)
        winners = (beta * evidence + draw).argmax(axis=1)
        for module, unit in enumerate(winners):
            if saturation == 1 or weights[module, unit].mean() < saturation:
                weights[module, unit] = np.maximum(weights[module, unit], x)
        won.append(winners)
        seen.append(familiar)
    return weights.reshape(modules * width, -1), np.array(won), np.array(seen)


def similar(count: int = 14, units: int = 24) -> np.ndarray:
    """Return items of which many are like one before, of several sizes."""
    made = np.concatenate([items(count // 2, units, 6), items(count - count // 2, units, 9, 1)])
    made[3:6, :12] = made[:3, :12]
    made[-1] = made[0]
    return made


@pytest.mark.parametrize("saturation", [1.0, 0.375])
def test_a_lesson_is_the_code_selection_algorithm(saturation: float) -> None:
    stored = similar()
    weights, won, seen = by_hand(stored, 4, 5, 0.25, saturation=saturation)
    graph = blank(24, saturation=saturation, **SMALL)
    with hg.compile(graph) as program:
        result = program.run(teach(stored), sparsey.LESSON)
    assert np.array_equal(codes(result, 4), won)
    assert np.array_equal(result.weights["up.weights"], weights)
    assert np.allclose(result.states["sum.out"][:, 1, 0] / 4, seen, atol=1e-12)
    assert np.array_equal(
        build(stored, saturation=saturation, **SMALL).of_kind(hg.Dense)["up"].weights, weights
    )


def test_one_lesson_worked_out() -> None:
    """The winners of a first item get its bits; shown again, it is wholly familiar."""
    x = np.array([[1, 0, 1, 1, 0, 0]])
    graph = blank(6, modules=3, width=4)
    with hg.compile(graph) as program:
        result = program.run(teach(np.repeat(x, 2, axis=0)), sparsey.LESSON)
    first, again = codes(result, 3)
    assert np.array_equal(first, again)
    assert result.states["sum.out"][:, 1, 0] == pytest.approx([0, 3], abs=1e-12)
    weights = result.weights["up.weights"].reshape(3, 4, 6)
    assert weights.sum() == 3 * 3
    assert all(np.array_equal(weights[q, first[q]], x[0]) for q in range(3))


def test_a_saturated_unit_learns_no_more() -> None:
    stored = items(40, 24, 8)
    free = build(stored, modules=4, width=4).of_kind(hg.Dense)["up"].weights.mean(axis=1)
    frozen = build(stored, modules=4, width=4, saturation=0.5).of_kind(hg.Dense)["up"].weights
    assert free.max() > 0.9
    # A unit with less than half of its weights may learn one more item of a third.
    assert frozen.mean(axis=1).max() < 0.5 + 8 / 24


def test_stored_items_are_recognised_and_others_are_not() -> None:
    stored, novel = items(12, 64, 8), items(30, 64, 8, 1)
    with hg.compile(build(stored)) as program:
        known = program.run(show_twice(stored), 2)
        other = program.run(show_twice(novel), 2)
    assert familiarity(known).tolist() == [1.0] * 12
    assert familiarity(other).max() < 0.8


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_lessons_in_fixed_are_the_same_on_every_engine(engine: str) -> None:
    stored = similar()
    graph = blank(24, saturation=0.5, **SMALL)
    found = []
    for name in ("reference", engine):
        with hg.compile(graph, name, domain="fixed") as program:
            found.append(program.run(teach(stored), sparsey.LESSON))
    assert np.array_equal(codes(found[0], 4), codes(found[1], 4))
    assert np.array_equal(found[0].weights["up.weights"], found[1].weights["up.weights"])
    assert len(np.unique(codes(found[0], 4), axis=0)) >= 5


@pytest.mark.parametrize("engine", ENGINES)
def test_learning_on_line_gives_what_build_programs(engine: str) -> None:
    stored = items(6, 32, 6)
    with Memory("sparsey", backend=engine, modules=4, width=6) as memory:
        memory.partial_fit(stored[:4]).partial_fit(stored[4:])
        weights = memory.graph_.of_kind(hg.Dense)["up"].weights
        assert np.array_equal(
            weights, build(stored, modules=4, width=6).of_kind(hg.Dense)["up"].weights
        )
        assert np.array_equal(memory.recall(stored), stored)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_recall_completes_and_fixed_is_float(engine: str, domain: str) -> None:
    stored = items(8, 48, 8)
    cues = stored.copy()
    for cue in cues:
        cue[np.flatnonzero(cue)[:2]] = 0
    memory = Memory("sparsey", backend=engine, domain=domain, modules=8, width=8)  # type: ignore[arg-type]
    with memory.fit(stored):
        states = memory.trajectory(cues)
    assert np.array_equal(states[:, 0], cues)
    assert np.array_equal(states[:, 1], cues)
    assert np.array_equal(states[:, 2], states[:, 3])
    assert np.array_equal(states[:, -1], stored)
    assert hg.compile(memory.graph_, domain="fixed").graph.notes == ()


def test_recall_against_plain_numpy() -> None:
    """Winners have the largest sum, the first where several have; three quarters of votes count."""
    draws = stream(3, "test", "weights").random((24, 20))
    weights = (draws < 0.3).astype(float)
    cues = items(5, 20, 6)
    with hg.compile(recalling(weights, 4, readout=0.75)) as program:
        states = program.run(show_twice(cues), 6).spikes["memory"]
    x = cues.astype(float)
    for step in (2, 4):
        sums = (x @ weights.T).reshape(5, 4, 6)
        code = np.eye(6)[sums.argmax(axis=2)] * (sums.max(axis=2) > 0)[:, :, np.newaxis]
        x = (code.reshape(5, 24) @ weights >= 3).astype(float)
        assert np.array_equal(states[:, step], x)


def test_memory_goes_round() -> None:
    stored = items(10, 64, 8)
    memory = Memory("sparsey").fit(stored)
    assert memory.score(stored) == 1.0
    assert memory.score(stored, level=0.125) > 0.95
    assert memory.recall(stored[0]).tolist() == stored[0].tolist()


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        build(
            [[0, 1, 2]],
            modules=0,
            floor=1.0,
            gain=-1,
            power=3,
            saturation=0,
            readout=1.5,
            seed=-1,
        )
    text = str(caught.value)
    assert len(caught.value.faults) == 8
    for part in ("values must be", "modules", "floor", "gain", "power", "saturation", "readout"):
        assert part in text
    with pytest.raises(hg.Invalid, match="all 0"):
        build([[0, 1], [0, 0]])
    with pytest.raises(hg.Invalid, match="equally long"):
        build([[1, 0], [1]])
    with pytest.raises(hg.Invalid, match="2 GiB"):
        build(np.ones((1, 5000)), modules=1024, width=1024)
    with pytest.raises(hg.Invalid, match="units"):
        blank(0)
