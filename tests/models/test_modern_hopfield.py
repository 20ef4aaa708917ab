"""Modern Hopfield: the update against plain NumPy, its bounds, its fixed form, on-line learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.backend import discover
from hebbgraph.data import random_patterns, sphere_patterns
from hebbgraph.divergence import first_divergence
from hebbgraph.memory import Memory
from hebbgraph.models import modern_hopfield as mh
from hebbgraph.passes.quantise import quantise
from hebbgraph.processes import Domain

ENGINES = [name for name, found in discover().items() if found.availability().usable]


def shares(x: Any, xi: Any, beta: float) -> Any:
    scores = beta * xi @ x.T
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def spoiled(x: Any, size: float, seed: int = 5) -> Any:
    return x + size * sphere_patterns(len(x), x.shape[1], seed).patterns


def states(graph: hg.Graph, cues: Any, steps: int, domain: Domain = "float", on: str = "") -> Any:
    with hg.compile(graph, on or "reference", domain=domain) as program:
        return program.run({"cue": cues[:, np.newaxis]}, steps).value("memory.x")


@pytest.mark.parametrize("beta", [0.5, 4.0, 32.0])
def test_two_steps_are_one_update(beta: float) -> None:
    x = sphere_patterns(12, 30, seed=1).patterns
    xi = spoiled(x, 0.6)
    got = states(mh.build(x, beta=beta), xi, 9)
    for update in range(5):
        assert np.allclose(got[:, 2 * update], xi, atol=1e-12)
        if update < 4:
            assert np.array_equal(got[:, 2 * update + 1], got[:, 2 * update])  # it is held
        xi = shares(x, xi, beta) @ x


def test_the_default_beta_does_not_depend_on_the_unit_of_the_patterns() -> None:
    x = sphere_patterns(5, 16, seed=2).patterns
    one, hundred = Memory("modern_hopfield").fit(x), Memory("modern_hopfield").fit(100 * x)
    cue = spoiled(x, 0.4)
    assert np.allclose(100 * one.recall(cue), hundred.recall(100 * cue))
    assert one.score(x, level=0.3) > 0.999


@pytest.mark.parametrize("winners", [1, 3])
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_winners_answer_with_their_mean(winners: int, domain: Domain) -> None:
    x = random_patterns(9, 33, seed=3).patterns.astype(float)
    if winners > 1:  # so that no two overlaps are equal
        x = x + np.rint(64 * sphere_patterns(9, 33, seed=3).patterns) / 64
    cue = x * np.where(sphere_patterns(9, 33, seed=4).patterns > 0.15, -1, 1)
    graph = mh.build(x, readout="winner", winners=winners)
    got = states(graph, cue, 3, domain)[:, -1]
    best = np.argsort(-(cue @ x.T), axis=1, kind="stable")[:, :winners]
    tolerance = 1e-12 if winners == 1 else 0.02
    assert np.abs(got - x[best].mean(axis=1)).max() <= tolerance
    if winners == 1:
        assert quantise(graph).notes == ()


def test_patterns_that_are_close_are_recalled_as_their_mean() -> None:
    base = sphere_patterns(6, 40, seed=6).patterns
    pair = base[0] + 0.3 * base[4:6]
    x = np.concatenate([base[:4] * [[0], [1], [1], [1]], pair])[1:]
    got = Memory("modern_hopfield", beta=10.0).fit(x).recall(x[-1], steps=41)
    assert np.linalg.norm(got - pair.mean(axis=0)) < 0.05
    assert theory.metastable_size(shares(x, got, 10.0)) == 2
    sharp = Memory("modern_hopfield", beta=300.0).fit(x).recall(x[-1], steps=41)
    assert np.linalg.norm(sharp - x[-1]) < 1e-6


def test_energy_falls_and_is_the_papers() -> None:
    x = sphere_patterns(20, 15, seed=7).patterns
    memory = Memory("modern_hopfield", beta=3.0).fit(x)
    path = memory.trajectory(spoiled(x, 1.0), steps=15)[:, ::2]
    energies = np.asarray(memory.energy_(path))
    assert (np.diff(energies, axis=1) <= 1e-12).all()
    assert (energies >= 0).all()
    xi = path[0, 0]
    lse = np.log(np.exp(3.0 * x @ xi).sum()) / 3.0
    by_hand = xi @ xi / 2 - lse + np.log(20) / 3.0 + (x**2).sum(1).max() / 2
    assert np.isclose(memory.energy_(xi), by_hand)


def test_continuous_dynamics_rest_where_updates_do() -> None:
    x = sphere_patterns(7, 12, seed=8).patterns
    cue = spoiled(x, 0.3)
    updates = states(mh.build(x, beta=5.0), cue, 1001)[:, -1]
    flow = states(mh.build(x, beta=5.0, rate=0.25), cue, 1001)
    assert np.abs(flow[:, -1] - updates).max() < 1e-9
    assert np.abs(flow[:, 1] - (0.75 * cue + 0.25 * x.mean(axis=0))).max() < 1e-12


def test_keys_of_few_bits() -> None:
    x = sphere_patterns(6, 50, seed=9).patterns
    assert np.unique(mh.rounded(x, 1)).size == 2
    assert np.unique(mh.rounded(x, 2)).size == 3
    errors = [np.abs(mh.rounded(x, bits) - x).max() for bits in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-5
    graph = mh.build(x, weight_bits=4)
    weights = graph.processes["keys"].weights  # type: ignore[union-attr]
    assert np.unique(weights).size <= 15


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize(
    "parameters",
    [{"readout": "winner"}, {"readout": "winner", "winners": 2}, {"rate": 0.5}],
    ids=["winner", "winners", "continuous"],
)
def test_every_mode_on_every_engine(backend: str, domain: Domain, parameters: Any) -> None:
    x = sphere_patterns(5, 14, seed=10).patterns
    graph = mh.build(x, beta=6.0, **parameters)
    inputs = {"cue": spoiled(x, 0.5)[:, np.newaxis]}
    results = []
    for name in ("reference", backend):
        with hg.compile(graph, name, domain=domain) as program:
            results.append(program.run(inputs, 6))
            final = program.graph
    tolerance = 1e-9 if domain == "float" else 0.0
    assert first_divergence(final, *results, tolerance=tolerance) is None
    assert results[0].counters == results[1].counters


def test_fixed_recalls_what_float_recalls() -> None:
    x = sphere_patterns(40, 64, seed=11).patterns
    cue = spoiled(x, 0.5)
    graph = mh.build(x, beta=16.0)
    floating, fixed = states(graph, cue, 3)[:, -1], states(graph, cue, 3, "fixed")[:, -1]
    assert np.linalg.norm(floating - fixed, axis=1).max() < 0.03
    assert (np.argmax(fixed @ x.T, axis=1) == np.arange(40)).all()


# --- on-line learning ----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_lessons_are_what_is_programmed(backend: str, domain: Domain) -> None:
    x = sphere_patterns(4, 10, seed=12).patterns
    memory = Memory("modern_hopfield", backend=backend, domain=domain, capacity=6)
    memory.partial_fit(x[:3]).partial_fit(x[3])
    keys = memory.graph_.processes["keys"].weights  # type: ignore[union-attr]
    expected = x if domain == "float" else np.rint(128 * x) / 128
    assert np.array_equal(keys, expected)
    memory.close()


def test_a_full_memory_says_so() -> None:
    memory = Memory("modern_hopfield", capacity=2)
    with pytest.raises(hg.Invalid, match="no free unit for 1 of 3 patterns"):
        memory.partial_fit(sphere_patterns(3, 8, seed=13).patterns)


def test_large_values_learn_within_their_limit() -> None:
    x = 40 * sphere_patterns(3, 9, seed=14).patterns
    memory = Memory("modern_hopfield", domain="fixed", limit=40.0).partial_fit(x)
    keys = memory.graph_.processes["keys"].weights  # type: ignore[union-attr]
    assert np.array_equal(keys, np.rint(4 * x) / 4)


# --- what its paper proves -----------------------------------------------------------------------


def test_constants_of_the_paper() -> None:
    assert theory.sphere_base(20, 1.0, 3.0, 0.001) == pytest.approx(3.1546, abs=1e-4)
    assert theory.sphere_base(75, 1.0, 1.0, 0.001) == pytest.approx(1.3718, abs=1e-4)
    assert theory.sphere_capacity(20, 1.0, 3.0, 0.001) == pytest.approx(7.413, abs=1e-3)
    assert theory.exponential_capacity() == pytest.approx(0.3466, abs=1e-4)


def test_bounds_hold_where_patterns_are_well_separated() -> None:
    x = 10 * sphere_patterns(8, 50, seed=15).patterns
    beta, largest = 1.0, 10.0
    delta = theory.separation(x)
    assert np.isclose(delta[2], x[2] @ x[2] - max(x[2] @ x[j] for j in range(8) if j != 2))
    assert (delta > theory.least_separation(8, beta, largest)).all()
    xi = spoiled(x, 0.5)
    star = states(mh.build(x, beta=beta), x, 61)[:, -1]
    once = states(mh.build(x, beta=beta), xi, 3)[:, -1]
    far = np.maximum(np.linalg.norm(xi - x, axis=1), np.linalg.norm(star - x, axis=1))
    error = np.linalg.norm(once - x, axis=1)
    assert (error <= theory.retrieval_error(delta, 8, beta, largest, far)).all()
    nearer = np.linalg.norm(once - star, axis=1) / np.linalg.norm(xi - star, axis=1)
    assert (nearer <= theory.contraction(delta, 8, beta, largest, far) + 1e-9).all()


def test_metastable_size_counts_the_largest_shares() -> None:
    found = theory.metastable_size([[0.05, 0.9, 0.05], [0.5, 0.25, 0.25], [0.4, 0.2, 0.4]])
    assert found.tolist() == [1, 3, 3]
    assert theory.metastable_size([0.4, 0.2, 0.4], mass=0.8) == 2


# --- bad input -----------------------------------------------------------------------------------


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        mh.build(
            [[1.0, np.nan]],
            beta=0,
            readout="soft",  # type: ignore[arg-type]
            winners=2,
            rate=0,
            weight_bits=0,
            capacity=0,
            limit=-1,
        )
    text = str(caught.value)
    assert len(caught.value.faults) == 8
    for part in ("finite", "beta", "softmax, winner", "winners", "rate", "weight_bits", "capacity"):
        assert part in text
    with pytest.raises(hg.Invalid, match="equally long"):
        mh.build([[1.0, -1.0], [1.0]])
    with pytest.raises(hg.Invalid, match="capacity"):
        mh.blank(4, capacity=0)


def test_a_memory_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda _: 100)  # pages, and bytes of each
    with pytest.raises(hg.Invalid, match="30 hidden units"):
        mh.build(sphere_patterns(30, 20, seed=16).patterns)
