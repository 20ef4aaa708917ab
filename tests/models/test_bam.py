from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import hebbgraph as hg
from hebbgraph.backend import names
from hebbgraph.family import show_first
from hebbgraph.memory import Memory
from hebbgraph.models import bam
from hebbgraph.random import stream
from hebbgraph.theory import bam_capacity, bam_overlap


def pairs(count: int, units: int, seed: int = 0) -> np.ndarray:
    return np.where(stream(seed, "test", "pairs").random((count, units)) < 0.5, 1, -1)


def states(graph: hg.Graph, cues: np.ndarray, steps: int = 9) -> np.ndarray:
    with hg.compile(graph) as program:
        return bam.read(program.run(show_first(cues), steps))


@pytest.mark.parametrize("event", [False, True])
def test_layers_decide_in_turns_as_kosko_has_it(event: bool) -> None:
    stored = pairs(4, 30)
    cues = pairs(6, 30, seed=1)
    cues[:3, 18:] = 0
    got = states(bam.build(stored, split=18, event=event), cues)
    weights = stored[:, 18:].T @ stored[:, :18]
    x, y = cues[:, :18], cues[:, 18:]
    assert not got[:, 0].any()
    assert np.array_equal(got[:, 1], cues)
    for t in range(2, 9):
        if t % 2 == 0:
            field = x @ weights.T
            y = np.where(field == 0, y, np.sign(field))
        else:
            field = y @ weights
            x = np.where(field == 0, x, np.sign(field))
        assert np.array_equal(got[:, t], np.concatenate([x, y], axis=1)), t


def test_one_pair_by_hand() -> None:
    memory = Memory("bam", split=2).fit(np.array([[1, -1, 1, 1, -1]]))
    assert memory.recall(np.array([1, -1, 0, 0, 0])).tolist() == [1, -1, 1, 1, -1]
    assert memory.recall(np.array([0, 0, -1, -1, 1])).tolist() == [-1, 1, -1, -1, 1]
    assert memory.energy_(np.array([1, -1, 1, 1, -1])) == -6


def test_energy_falls_until_it_rests() -> None:
    stored = pairs(8, 40)
    trajectory = states(bam.build(stored), pairs(20, 40, seed=2), 16)[:, 1:]
    energies = bam.energy(stored, trajectory)
    assert (np.diff(energies, axis=1) <= 0).all()
    assert np.array_equal(trajectory[:, -1], trajectory[:, -3])


@pytest.mark.parametrize("backend", names())
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_pairs_learned_one_by_one_are_those_stored_at_once(domain: str, backend: str) -> None:
    if not hg.backend.get(backend).availability().usable:
        pytest.skip(f"{backend} is not there")
    stored = pairs(4, 30)
    arguments: dict[str, Any] = {"split": 18, "backend": backend, "domain": domain}
    learned = Memory("bam", event=True, **arguments).partial_fit(stored[0]).partial_fit(stored[1:])
    fitted = Memory("bam", event=True, **arguments).fit(stored)
    one, other = (m.graph_.processes["forward"].weights for m in (learned, fitted))  # type: ignore[union-attr]
    assert np.array_equal(one, other)
    scores = [m.score(stored, corruption="hide_end", level=0.4) for m in (learned, fitted)]
    assert scores[0] == scores[1] > 0.9
    assert learned.result_.provenance.approximations == ()


def test_weights_saturate() -> None:
    graph = bam.build(np.repeat(pairs(1, 8), 200, axis=0), weight_bits=4)
    assert np.abs(graph.processes["forward"].weights).max() == 7  # type: ignore[union-attr]


def test_theory() -> None:
    assert bam_capacity() == pytest.approx(0.1998, abs=1e-4)
    assert bam_overlap(0.21) == 0.0
    assert bam_overlap(1e-4) == 1.0
    # The solution solves the equations that it is the solution of.
    m, alpha = bam_overlap(0.15), 0.15
    y = float(special.erfinv(m))
    c = 2 / np.sqrt(np.pi) * y * np.exp(-(y**2)) / m
    assert m**2 / (2 * y**2 * alpha) == pytest.approx((1 + c**2) / (1 - c**2) ** 2)


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        bam.build(pairs(2, 8), split=8, weight_bits=1, event=2)  # type: ignore[arg-type]
    assert len(caught.value.faults) == 3
    assert "both layers need units" in str(caught.value)
    with pytest.raises(hg.Invalid, match="for two layers"):
        bam.build([[1], [-1]])
    with pytest.raises(hg.Invalid, match="values must be"):
        bam.build([[1, 0, 2]])
    with pytest.raises(hg.Invalid, match="split"):
        Memory("bam", split=0).partial_fit(pairs(1, 8))
