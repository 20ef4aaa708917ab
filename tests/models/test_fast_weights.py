"""Fast weights: both rules against plain loops, on-line on every engine, and their noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.backend import discover
from hebbgraph.data import random_patterns
from hebbgraph.divergence import first_divergence
from hebbgraph.memory import Memory
from hebbgraph.models import fast_weights as fw
from hebbgraph.passes.quantise import quantise
from hebbgraph.processes import Domain

ENGINES = [name for name, found in discover().items() if found.availability().usable]


def pairs(count: int, units: int, seed: int = 0) -> Any:
    return random_patterns(count, units, seed).patterns.astype(float)


def asked(patterns: Any, keys: int) -> Any:
    cues = patterns.copy()
    cues[:, keys:] = 0
    return cues


def test_one_pair_by_hand() -> None:
    pattern = np.array([[1, -1, 1, 1, -1]])
    assert fw.written(pattern, keys=2).tolist() == [[1, -1], [1, -1], [-1, 1]]
    assert fw.written(pattern, "delta", keys=2).tolist() == [[0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]]
    twice = fw.written(np.repeat(pattern, 2, axis=0), keys=2, decay=0.5)
    assert twice.tolist() == [[1.5, -1.5], [1.5, -1.5], [-1.5, 1.5]]


@pytest.mark.parametrize("rule", ["hebb", "delta"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("keys", [None, 14])
def test_recall_is_the_sign_of_what_the_matrix_answers(rule: Any, decay: float, keys: Any) -> None:
    patterns = pairs(5, 34)
    width = keys or 17
    fast = np.zeros((34 - width, width))
    for key, value in zip(patterns[:, :width], patterns[:, width:], strict=True):
        rate = 1 / width if rule == "delta" else 1
        told = value - fast @ key if rule == "delta" else value
        fast = fast - decay * fast + rate * np.outer(told, key)
    assert np.allclose(fw.written(patterns, rule, keys=keys, decay=decay), fast)
    memory = Memory("fast_weights", rule=rule, decay=decay, keys=keys).fit(patterns)
    got = memory.recall(asked(patterns, width))
    assert np.array_equal(got[:, :width], patterns[:, :width])
    answer = patterns[:, :width] @ fast.T
    sure = np.abs(answer) > 1e-9
    assert np.array_equal(got[:, width:][sure], np.sign(answer)[sure])


def test_whole_numbers_are_exact_in_fixed() -> None:
    graph = fw.build(pairs(20, 40))
    assert quantise(graph).notes == ()
    floating = Memory("fast_weights").fit(pairs(20, 40)).recall(asked(pairs(20, 40), 20))
    fixed = Memory("fast_weights", domain="fixed").fit(pairs(20, 40))
    assert np.array_equal(floating, fixed.recall(asked(pairs(20, 40), 20)))


def test_delta_overwrites_and_stores_independent_keys() -> None:
    patterns = pairs(12, 80)
    again = patterns[3].copy()
    again[40:] *= -1  # the same key with another value
    fast = fw.written(np.concatenate([patterns, again[None]]), "delta")
    assert np.allclose(fast @ again[:40], again[40:])
    many = fw.written(np.tile(patterns, (60, 1)), "delta")
    assert np.allclose(patterns[:, :40] @ many.T, patterns[:, 40:], atol=1e-6)


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("rule", ["hebb", "delta"])
def test_lessons_are_what_is_programmed(backend: str, domain: Domain, rule: Any) -> None:
    patterns = pairs(4, 12, seed=1)
    memory = Memory("fast_weights", backend=backend, domain=domain, rule=rule, keys=5)
    memory.partial_fit(patterns[:3]).partial_fit(patterns[3])
    whole = memory.graph_.processes["fast"].weights  # type: ignore[union-attr]
    programmed = fw.build(patterns, rule, keys=5).processes["fast"].weights  # type: ignore[union-attr]
    tolerance = 0.0 if rule == "hebb" else 1e-12 if domain == "float" else 0.1
    assert np.abs(whole - programmed).max() <= tolerance
    memory.close()


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("parameters", [{"decay": 0.125}, {"rule": "delta", "decay": 0.05}])
def test_every_engine_writes_alike(backend: str, parameters: Any) -> None:
    patterns = pairs(5, 10, seed=2)
    blank = fw.blank(10, **parameters).with_probes("fast.weights", "fast.a")
    for domain in ("float", "fixed"):
        results = []
        for name in ("reference", backend):
            with hg.compile(blank, name, domain=domain) as program:
                results.append(program.run(fw.teach(patterns), 2))
                graph = program.graph
        tolerance = 1e-9 if domain == "float" else 0.0
        assert first_divergence(graph, *results, tolerance=tolerance) is None


def test_energy_is_least_at_what_is_recalled() -> None:
    patterns = pairs(6, 60, seed=3)
    memory = Memory("fast_weights").fit(patterns)
    recalled = memory.recall(asked(patterns, 30))
    other = recalled.astype(float)
    other[:, 31] *= -1
    assert (np.asarray(memory.energy_(recalled)) <= np.asarray(memory.energy_(other))).all()
    fast = patterns[:, 30:].T @ patterns[:, :30]
    assert np.isclose(memory.energy_(patterns[0]), -patterns[0, 30:] @ fast @ patterns[0, :30])


def test_noise_is_that_of_theory() -> None:
    keys, values, count = 128, 64, 60
    wrong, old, right = [], [], []
    for seed in range(12):
        patterns = pairs(count, keys + values, seed)
        key, value = patterns[:, :keys], patterns[:, keys:]
        answer = key @ fw.written(patterns, keys=keys).T
        wrong.append((np.sign(answer) != value).mean())
        right.append((np.argmax(answer @ value.T, axis=1) == np.arange(count)).mean())
        fading = fw.written(patterns, keys=keys, decay=0.05)
        old.append((np.sign(fading @ key[-21]) != value[-21]).mean())
    assert np.mean(wrong) == pytest.approx(theory.fast_weights_error(keys, count), abs=0.005)
    expected = theory.fast_weights_error(keys, count, decay=0.05, age=20)
    assert np.mean(old) == pytest.approx(expected, abs=0.03)
    assert np.mean(right) == pytest.approx(
        theory.fast_weights_lookup(keys, values, count), abs=0.02
    )
    assert theory.fast_weights_snr(64, 33) == 2.0
    assert theory.fast_weights_snr(64, 1) == np.inf
    assert theory.fast_weights_error(64, 1) == 0.0
    assert theory.fast_weights_lookup(8, 8, 1) == 1.0


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        fw.build([[1, 0, 1]], "oja", keys=3, decay=1.0, rate=0)  # type: ignore[arg-type]
    text = str(caught.value)
    assert len(caught.value.faults) == 4 + 1
    for part in ("-1 or +1", "'oja'", "keys", "decay", "rate"):
        assert part in text
    with pytest.raises(hg.Invalid, match="a key and a value"):
        fw.build([[1]])
    with pytest.raises(hg.Invalid, match="decay"):
        fw.blank(4, decay=-1)
    with pytest.raises(hg.Invalid, match="synapses"):
        fw.blank(10_000_000)
