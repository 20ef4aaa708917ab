from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.models import sparsey, sparsey_sequences
from hebbgraph.models.sparsey_sequences import blank, build, teach
from hebbgraph.processes import Noise
from hebbgraph.random import stream


def films(count: int, length: int, units: int, active: int, seed: int = 0) -> np.ndarray:
    draws = stream(seed, "test", "films").random((count, length, units))
    return (draws.argsort(axis=2).argsort(axis=2) < active).astype(int)


def by_hand(given: np.ndarray, modules: int, width: int, floor: float, gain: float) -> Any:
    """Return both matrices of weights and the codes (S, L, Q), by the model's equations."""
    hidden, eta = modules * width, sparsey_sequences.share(modules)
    up, across = np.zeros((hidden, given.shape[2])), np.zeros((hidden, hidden))
    noise, won = Noise(hidden, "gumbel"), []
    for episode, frames in enumerate(given.astype(float)):
        draws = noise.data("float", "noise", episode, len(frames) + 1)
        before = None
        for t, x in enumerate(frames):
            context = eta * modules if before is None else eta * (across @ before)
            evidence = (up @ x / x.sum() + context).reshape(modules, width)
            familiar = evidence.max(axis=1).mean() / (1 + eta * modules)
            beta = gain * (max(familiar - floor, 0) / (1 - floor)) ** 2
            winners = (beta * evidence + draws[t + 1].reshape(modules, width)).argmax(axis=1)
            code = np.eye(width)[winners].ravel()
            up = np.maximum(up, np.outer(code, x))
            if before is not None:
                across = np.maximum(across, np.outer(code, before))
            before = code
            won.append(winners)
    return up, across, np.reshape(won, (*given.shape[:2], modules))


def similar() -> np.ndarray:
    given = films(5, 4, 20, 5)
    given[1, 2] = given[0, 2]
    given[2] = given[0]
    given[3, :2] = given[1, 1:3]
    return given


def test_lessons_are_the_equations() -> None:
    given = similar()
    up, across, won = by_hand(given, 4, 5, 0.625, 60.0)
    graph = blank(20, 4, modules=4, width=5, floor=0.625)
    with hg.compile(graph) as program:
        result = program.run(teach(given), 5)
    got = [sparsey.codes(result, 4, step) for step in range(5)]
    assert (got[0] == -1).all()
    assert np.array_equal(np.stack(got[1:], axis=1), won)
    assert np.array_equal(result.weights["up.weights"], up)
    assert np.array_equal(result.weights["across.weights"], across / 4)


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("engine", ["reference", "brian2", "snntorch", "lava"])
def test_one_frame_recalls_the_rest(engine: str, domain: str) -> None:
    given = films(3, 4, 40, 6)
    graph = build(given, modules=8, width=12)
    with hg.compile(graph, engine, domain=domain) as program:  # type: ignore[arg-type]
        result = program.run({"cue": given[:, :1].astype(float)}, 6)
    assert program.graph.notes == ()
    assert np.array_equal(result.spikes["memory"][:, 2:], given)


def test_sequences_that_share_a_frame_are_kept_apart() -> None:
    given = films(3, 5, 48, 6)
    given[1, 2] = given[2, 2] = given[0, 2]
    graph = build(given, modules=16, width=16)
    with hg.compile(graph) as program:
        result = program.run({"cue": given[:, :1].astype(float)}, 7)
    assert np.array_equal(result.spikes["memory"][:, 2:], given)
    shared = sparsey.codes(result, 16, 3)
    assert (shared[0] == shared[1]).mean() < 0.5


def test_a_known_sequence_is_familiar_and_the_same_frames_in_another_order_are_not() -> None:
    given = films(4, 5, 48, 6)
    graph = blank(48, 5)
    shown = np.concatenate([given, given, given[:, ::-1]])
    with hg.compile(graph) as program:
        result = program.run(teach(shown), 6)
    familiar = result.states["sum.out"][:, 1:, 0].reshape(3, 4, 5) / (2 * 16)
    assert familiar[0, :, 1:].max() < 0.75
    assert familiar[1] == pytest.approx(np.ones((4, 5)), abs=1e-12)
    assert familiar[2, :, 1:].max() < 0.75


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        build(np.ones((2, 4)), modules=0, floor=2)
    text = str(caught.value)
    assert len(caught.value.faults) == 3
    assert "(sequences, frames, units)" in text
    with pytest.raises(hg.Invalid, match="every frame"):
        build([[[0, 1], [0, 0]]])
    with pytest.raises(hg.Invalid, match="values must be 0"):
        build([[[0, 1], [2, 0]]])
    with pytest.raises(hg.Invalid, match="equally long"):
        build([[[0, 1]], [[0, 1], [0, 1]]])
