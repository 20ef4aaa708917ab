from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import summed_hidden
from hebbgraph.memory import Memory
from hebbgraph.models import archetypes, dense
from hebbgraph.models.archetypes import FAMILY, build, draw_examples, from_examples
from hebbgraph.random import stream

ENGINES = ("brian2", "snntorch", "lava")


def signs(*shape: int, name: str = "patterns", seed: int = 0) -> np.ndarray:
    return np.where(stream(seed, "test archetypes", name).random(shape) < 0.5, 1, -1)


def spoiled(patterns: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    draws = stream(seed, "test archetypes", "cues").random(patterns.shape)
    return np.where(draws < share, -patterns, patterns)


def run(graph: hg.Graph, cues: np.ndarray, steps: int, **options: Any) -> np.ndarray:
    with hg.compile(graph, **options) as program:
        return FAMILY.read(program.run(FAMILY.present(cues), steps))


def elementary(values: list[int], k: int) -> int:
    """Return e_k by the product of (1 + t y), in whole numbers of any size."""
    e = [1] + [0] * k
    for y in values:
        for j in range(k, 0, -1):
            e[j] += y * e[j - 1]
    return e[k]


def textbook(weights: np.ndarray, sigma: np.ndarray, p: int, variant: str) -> np.ndarray:
    """Return sign(h) with h_i = sum_h w_hi P({w_hj sigma_j, j != i}), unit by unit."""
    found = sigma.copy()
    for i in range(len(sigma)):
        field = 0
        for w in weights.tolist():
            others = [w[j] * int(sigma[j]) for j in range(len(sigma)) if j != i]
            value = elementary(others, p - 1) if variant == "distinct" else sum(others) ** (p - 1)
            field += w[i] * value
        found[i] = np.sign(field) or sigma[i]
    return found


@pytest.mark.parametrize("variant", ["distinct", "krotov"])
@pytest.mark.parametrize("p", [2, 3, 4, 6])
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_unsupervised_dynamics_are_those_of_p_body_couplings(
    p: int, variant: Any, domain: str
) -> None:
    stored = signs(3, 16)
    graph = build(stored, p, teaching="unsupervised", examples=4, variant=variant)
    weights = draw_examples(stored, 0.8, 4).reshape(-1, 16)
    cues = spoiled(stored, 0.25)
    got = run(graph, cues, 5, domain=domain)
    for start, states in zip(cues, got, strict=True):
        sigma = start
        for step in (2, 4):
            sigma = textbook(weights, sigma, p, variant)
            assert np.array_equal(states[step], sigma)
            assert np.array_equal(states[step], states[min(step + 1, 4)])


@pytest.mark.parametrize("p", [2, 3, 4])
def test_a_class_of_perfect_examples_is_one_pattern(p: int) -> None:
    """Of equal examples, sums are M times the pattern: the dense memory of the archetypes."""
    stored = signs(8, 40)
    cues = spoiled(stored, 0.2)
    one = run(build(stored, p, quality=1.0, examples=5), cues, 9)
    other = run(dense.build(stored, p), cues, 9)
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("p", "variant", "share"),
    [(2, "distinct", 0), (3, "distinct", 0.005), (4, "distinct", 0.04), (4, "krotov", 0.03)],
)
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_class_sums_are_nearly_what_the_couplings_say(
    p: int, variant: Any, share: float, domain: str
) -> None:
    """Where squares are replaced by means, few decisions differ; ties of sums are no exception."""
    stored = signs(3, 40)
    cues = spoiled(stored, 0.2)
    for examples in (2, 9):
        weights = draw_examples(stored, 0.8, examples).sum(axis=1, dtype=np.int64)
        got = run(build(stored, p, examples=examples, variant=variant), cues, 3, domain=domain)
        want = np.array([textbook(weights, cue, p, variant) for cue in cues])
        assert (got[:, 2] != want).mean() <= share


@pytest.mark.parametrize("p", [2, 4])
def test_self_term_can_stay(p: int) -> None:
    stored = signs(3, 20)
    weights = draw_examples(stored, 0.8, 4).reshape(-1, 20).astype(float)
    cues = spoiled(stored, 0.25)
    graph = build(stored, p, teaching="unsupervised", examples=4, variant="krotov", self_term=True)
    got = run(graph, cues, 3)[:, 2]
    field = (cues @ weights.T) ** (p - 1) @ weights
    assert np.array_equal(got, np.where(field == 0, cues, np.sign(field)))


def test_examples_belong_to_the_seed_and_the_quality() -> None:
    stored = signs(3, 5000)
    few, many = draw_examples(stored[:2], 0.6, 2), draw_examples(stored, 0.6, 4)
    assert few.dtype == np.int8
    assert np.array_equal(few, many[:2, :2])
    assert abs((many * stored[:, np.newaxis]).mean() - 0.6) < 0.01
    better = draw_examples(stored, 0.8, 4)
    assert ((better != stored[:, np.newaxis]) <= (many != stored[:, np.newaxis])).all()
    assert not np.array_equal(draw_examples(stored, 0.6, 4, seed=1), many)


def test_given_examples_equal_drawn_ones() -> None:
    stored = signs(3, 30)
    shown = draw_examples(stored, 0.8, 6).reshape(-1, 30)
    labels = np.repeat([7, 2, 5], 6)
    order = np.argsort(labels, kind="stable")
    one = from_examples(shown, labels, 3)
    other = build(stored[[1, 2, 0]], 3, examples=6, quality=0.8)
    sums = draw_examples(stored, 0.8, 6).sum(axis=1)[[1, 2, 0]]
    assert np.array_equal(one.processes["patterns"].weights, 2 * sums)  # type: ignore[union-attr]
    assert other.processes.keys() == one.processes.keys()
    alone = from_examples(shown[order], None, 3)
    assert np.array_equal(alone.processes["patterns"].weights, 2 * shown[order])  # type: ignore[union-attr]
    # A class with fewer examples weighs as much.
    lopsided = from_examples(shown[:9], labels[:9], 2).processes["patterns"]
    np.testing.assert_allclose(lopsided.weights[0], 4.0 * shown[6:9].sum(axis=0))  # type: ignore[union-attr]


@pytest.mark.parametrize("variant", ["distinct", "krotov"])
def test_energy_falls_by_twice_the_field(variant: Any) -> None:
    stored = signs(3, 14)
    kept: dict[str, Any] = {"teaching": "unsupervised", "examples": 4, "quality": 0.8}
    sigma = spoiled(stored[:1], 0.3)[0]
    weights = draw_examples(stored, 0.8, 4).reshape(-1, 14)
    unit = archetypes._unit("unsupervised", 0.8, 4, 14, 3)
    before = archetypes.energy(stored, sigma, 3, variant=variant, **kept)
    for i in range(14):
        flipped = sigma.copy()
        flipped[i] *= -1
        after = archetypes.energy(stored, flipped, 3, variant=variant, **kept)
        others = weights @ sigma - weights[:, i] * sigma[i]
        e2 = others**2 - 13 if variant == "distinct" else others**2 + 1 / 3
        field = float((weights[:, i] * e2).sum())
        assert 14 * unit * (after - before) == pytest.approx(2 * sigma[i] * field)
    few = archetypes.energy(signs(1, 400), signs(1, 400), 4, quality=0.9, examples=30)
    assert few[0] == pytest.approx(-1 / 4, rel=0.1)


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_learning_in_the_graph_equals_the_programmed_weights(domain: Any) -> None:
    """On every engine: a teacher opens a class, its synapses sum what arrives."""
    stored = signs(3, 12)
    shown = draw_examples(stored, 0.7, 5).reshape(-1, 12)
    labels = np.repeat([0, 1, 2], 5)
    order = stream(0, "test archetypes", "order").permutation(15)
    lessons = archetypes.lessons(shown[order], labels[order], 3)
    graph = archetypes.learner(12, 3)
    inputs = {name: lessons[name] for name in ("example", "teacher")}
    sums = draw_examples(stored, 0.7, 5).sum(axis=1)
    for backend in ("reference", *ENGINES):
        with hg.compile(graph, backend, domain=domain) as program:
            result = program.run(inputs, archetypes.LESSON)
        assert np.array_equal(result.value("up.weights"), sums), backend
    memory = archetypes.from_learned(result, 3)
    programmed = build(stored, 3, quality=0.7, examples=5)
    assert memory.content_hash == programmed.content_hash


def test_learning_the_mean_while_examples_come() -> None:
    stored = signs(2, 10)
    shown = draw_examples(stored, 0.7, 6)
    lessons = archetypes.lessons(shown.reshape(-1, 10), np.repeat([0, 1], 6), 2)
    with hg.compile(archetypes.learner(10, 2, average=True)) as program:
        half = program.run({k: v[:9] for k, v in lessons.items()}, archetypes.LESSON)
        rest = {k: v[9:] for k, v in lessons.items()}
        full = program.run(rest, archetypes.LESSON, weights=half.weights)
    np.testing.assert_allclose(full.weights["up.weights"], shown.mean(axis=1))
    with pytest.raises(hg.Invalid, match="must be sums"):
        archetypes.from_learned(full)
    with pytest.raises(hg.Invalid, match="from 0 to 1"):
        archetypes.lessons(shown[0], np.full(6, 2), 2)
    with pytest.raises(hg.Invalid, match="units"):
        archetypes.learner(0, 2)


KROTOV = {"teaching": "unsupervised", "variant": "krotov", "temperature": 0.1}
MODES = [
    pytest.param(2, {"temperature": 0.2, "update": 0.5}, marks=pytest.mark.slow),
    pytest.param(4, {"update": 0.5}),
    pytest.param(4, KROTOV, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("p", "mode"), MODES)
def test_engines_agree(p: int, mode: dict[str, Any]) -> None:
    graph = build(signs(3, 20), p, examples=3, **mode).with_probes("memory.h")
    cues = spoiled(signs(3, 20), 0.2)
    for domain in ("float", "fixed"):
        with hg.compile(graph, domain=domain) as program:
            want = program.run(FAMILY.present(cues), 6)
        for backend in ENGINES:
            with hg.compile(graph, backend, domain=domain) as program:
                got = program.run(FAMILY.present(cues), 6)
            assert np.array_equal(got.spikes["memory"], want.spikes["memory"]), (backend, domain)


def test_fixed_recalls_what_float_recalls() -> None:
    """Also where payloads are rounded: a note says so, and hardly a unit differs."""
    stored = signs(6, 80)
    cues = spoiled(stored, 0.15)
    for kept in ({"teaching": "supervised"}, {"teaching": "unsupervised"}):
        graph = build(stored, 4, examples=40, quality=0.6, **kept)  # type: ignore[arg-type]
        floating, fixed = (run(graph, cues, 11, domain=d)[:, -1] for d in ("float", "fixed"))
        assert bool(graph.notes) == (kept["teaching"] == "supervised")
        assert (floating != fixed).mean() <= 0.01
        assert (floating * stored).mean() > 0.97


def test_a_temperature_is_glauber_dynamics() -> None:
    """One archetype, perfect examples, p = 2: m = tanh(m / T)."""
    stored = signs(1, 400)
    graph = build(stored, 2, quality=1.0, examples=3, temperature=0.7)
    states = run(graph, np.repeat(stored, 8, axis=0), 101)
    m = float((states[:, 20:] * stored).mean())
    assert m == pytest.approx(0.829, abs=0.02)


def test_memory_round_trip() -> None:
    stored = signs(4, 60)
    memory = Memory("archetypes", p=4, quality=0.7, examples=30).fit(stored)
    assert memory.score(stored, level=0.1) > 0.97
    assert memory.energy_(stored[0]) < memory.energy_(signs(60, name="other"))
    without = Memory("archetypes", p=4, quality=0.7, examples=30, teaching="unsupervised")
    assert without.fit(stored).score(stored, level=0.1) > 0.97
    teacher = memory.graph_.processes["patterns"].weights.shape  # type: ignore[union-attr]
    alone = without.graph_.processes["patterns"].weights.shape  # type: ignore[union-attr]
    assert alone == (30 * teacher[0], teacher[1])


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        build(
            [[0, 1], [1, 1]],
            1,
            teaching="none",  # type: ignore[arg-type]
            quality=1.5,
            examples=0,
            variant="x",  # type: ignore[arg-type]
            temperature=-1,
            update=0,
        )
    assert len(caught.value.faults) == 8
    with pytest.raises(hg.Invalid, match="GiB of memory"):
        build(signs(100, 100), teaching="unsupervised", examples=10**7)
    with pytest.raises(hg.Invalid, match="one label per example"):
        from_examples(signs(4, 6), [0, 1])
    with pytest.raises(hg.Invalid, match="equally long"):
        build([[1, -1], [1]])


def test_expansion_of_the_own_contribution() -> None:
    """w P(S - w s) = w even(S) - s odd(S) for every S, s and w**2 = v."""
    for p, v in itertools.product(range(2, 8), (1, 9)):
        coefficients = summed_hidden.polynomial(p, 5 * v, v, "distinct")
        even, odd = summed_hidden.split(coefficients, v)
        values = np.polynomial.polynomial.polyval
        for total, s, w in itertools.product((-3, 0, 4), (-1, 1), (math.isqrt(v), -math.isqrt(v))):
            left = w * values(total - w * s, coefficients)
            assert left == w * values(total, even) - s * values(total, odd)
