from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.data import diluted_patterns
from hebbgraph.memory import Memory
from hebbgraph.models import multitasking
from hebbgraph.models.multitasking import FAMILY, amplitudes, build, draw_examples, from_examples
from hebbgraph.random import stream

ENGINES = ("brian2", "snntorch", "lava")


def diluted(count: int, units: int, dilution: float, seed: int = 0) -> np.ndarray:
    return diluted_patterns(count, units, seed, dilution).patterns


def recalled(graph: hg.Graph, cues: np.ndarray, steps: int = 21, **options: Any) -> np.ndarray:
    with hg.compile(graph, **options) as program:
        return FAMILY.read(program.run(FAMILY.present(cues), steps))


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_dynamics_are_the_textbooks(domain: str) -> None:
    stored = diluted(4, 30, 0.5)
    coupling = stored.T.astype(int) @ stored
    np.fill_diagonal(coupling, 0)
    cues = np.where(stored == 0, np.roll(stored, 1, axis=0), stored)
    got = recalled(build(stored), cues, 7, domain=domain)
    sigma = cues.astype(int)
    for step in (2, 4, 6):
        field = sigma @ coupling
        sigma = np.where(field == 0, sigma, np.sign(field))
        assert np.array_equal(got[:, step], sigma)


def test_two_patterns_are_retrieved_at_once() -> None:
    """Worked out: where the first is 0 the second decides, and where both are the cue stays."""
    one = np.array([1, -1, 1, -1, 1, -1, 0, 0, 0, 0])
    two = np.array([0, 0, 0, 0, 1, 1, 1, -1, 1, 0])
    cue = np.concatenate([one[:6], [1, -1, -1, 1]])
    final = recalled(build(np.array([one, two])), cue[np.newaxis])[0, -1]
    assert final.tolist() == [1, -1, 1, -1, 1, -1, 1, -1, 1, 1]
    assert amplitudes(final, [one, two]).tolist() == [1.0, 0.6]


@pytest.mark.parametrize(("count", "dilution"), [(3, 0.4), (3, 0.8)])
def test_amplitudes_are_those_of_theory(count: int, dilution: float) -> None:
    line = theory.multitasking_amplitudes(count, dilution)
    found = []
    for seed in range(4):
        stored = diluted(count, 1500, dilution, seed)
        final = recalled(build(stored), stored[:1])[0, -1]
        found.append(np.sort(np.abs(amplitudes(final, stored)))[::-1])
    assert np.abs(np.mean(found, axis=0) - line).max() < 0.06


@pytest.mark.slow
def test_a_temperature_makes_amplitudes_equal() -> None:
    line = theory.multitasking_amplitudes(3, 0.9, 0.5, "symmetric")
    found = []
    for seed in range(4):
        stored = diluted(3, 2000, 0.9, seed)
        first = np.sign(stored.sum(axis=0, dtype=int))[np.newaxis]
        states = recalled(build(stored, temperature=0.5, seed=seed), first, 41)
        found.append(amplitudes(states[0, 11::2], stored).mean(axis=0))
    assert np.abs(np.mean(found, axis=0) - line).max() < 0.1
    assert abs(np.mean(found) - line[0]) < 0.03


def test_zeros_are_no_synapses() -> None:
    """A step of all units costs 2 N K (1 - d) operations, and one per unit for itself."""
    for dilution in (0.0, 0.5, 0.9):
        stored = diluted(4, 300, dilution)
        cues = np.where(stored == 0, 1, stored)[:1]
        with hg.compile(build(stored)) as program:
            counters = program.run(FAMILY.present(cues), 3).counters
        held = np.count_nonzero(stored)
        assert counters.total("synops_mac") + counters.total("synops_ac") == (
            2 * held + np.count_nonzero(stored.any(axis=0))
        )


def test_examples_are_learned_with_and_without_a_teacher() -> None:
    stored = diluted(3, 1000, 0.3)
    shown = draw_examples(stored, 0.7, 60)
    assert ((shown == 0) == (stored == 0)[:, np.newaxis]).all()
    labels = np.repeat(np.arange(3), 60)
    for given in (labels, None):
        graph = from_examples(shown.reshape(-1, 1000), given)
        final = recalled(graph, stored[:1])[0, -1]
        assert np.abs(np.sort(np.abs(amplitudes(final, stored))) - [0.09, 0.3, 1]).max() < 0.08


def test_energy_falls_by_twice_the_field() -> None:
    stored = diluted(4, 20, 0.5)
    coupling = stored.T.astype(float) @ stored / (np.count_nonzero(stored) / 4)
    np.fill_diagonal(coupling, 0)
    sigma = np.where(stream(0, "test", "sigma").random(20) < 0.5, -1, 1)
    for i in range(20):
        flipped = sigma.copy()
        flipped[i] *= -1
        rise = multitasking.energy(stored, flipped) - multitasking.energy(stored, sigma)
        assert rise == pytest.approx(2 * sigma[i] * (coupling @ sigma)[i])


def test_engines_agree() -> None:
    stored = diluted(3, 24, 0.5)
    graph = build(stored, temperature=0.4, update=0.6).with_probes("memory.h")
    cues = np.where(stream(0, "test", "hide").random(stored.shape) < 0.2, 0, stored)
    for domain in ("float", "fixed"):
        want = recalled(graph, cues, 8, domain=domain)
        for backend in ENGINES:
            assert np.array_equal(recalled(graph, cues, 8, backend=backend, domain=domain), want)


def test_memory_round_trip() -> None:
    stored = diluted(3, 200, 0.2)
    memory = Memory("multitasking").fit(stored)
    assert memory.score(stored, level=0.2) > 0.97 * np.sqrt(0.8)
    assert memory.energy_(memory.recall(stored[0])) < memory.energy_(-memory.recall(stored)[0] * 0)


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        build([[2, 1], [1, 1]], temperature=-1, update=2, seed=-1)
    assert len(caught.value.faults) == 4
    with pytest.raises(hg.Invalid, match="must hold a -1 or a 1"):
        build([[0, 0]])
    with pytest.raises(hg.Invalid, match="one label per example"):
        from_examples([[1, 0]], [1, 2])
