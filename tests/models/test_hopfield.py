from __future__ import annotations

import itertools

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.models.hopfield import Rule, build, couplings, cue
from hebbgraph.random import stream

RULES: tuple[Rule, ...] = ("hebbian", "centred", "pseudo_inverse", "storkey")


def patterns(count: int, units: int, seed: int = 0) -> np.ndarray:
    return np.where(stream(seed, "test", "patterns").random((count, units)) < 0.5, 1, -1)


def states(graph: hg.Graph, cues: np.ndarray, steps: int, domain: str = "float") -> np.ndarray:
    with hg.compile(graph, domain=domain) as program:  # type: ignore[arg-type]
        raster = program.run({"cue": cue(cues)}, steps).spikes["memory"]
    return 2 * raster.astype(int) - 1


@pytest.mark.parametrize("tie", ["keep", "low"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_dynamics_are_the_textbooks(rule: Rule, tie: str, domain: str) -> None:
    """Compare with sigma <- sign(J sigma + theta) computed from the graph's integers alone."""
    stored = patterns(6, 40)
    graph = build(stored, rule, tie=tie)  # type: ignore[arg-type]
    weights = graph.processes["recurrent"].weights  # type: ignore[union-attr]
    bias = graph.processes["memory"].bias  # type: ignore[union-attr]
    total = weights / 2
    field_of = total.sum(axis=1) + bias
    sigma = np.where(stream(1, "test", "cues").random((9, 40)) < 0.5, 1, -1)
    got = states(graph, sigma, 6, domain)
    for t in range(6):
        assert np.array_equal(got[:, t], sigma), t
        field = sigma @ total.T + field_of
        sigma = np.where(field > 0, 1, -1)


def test_ties_keep_their_state_or_fall() -> None:
    # Two opposite couplings cancel at unit 0 whenever units 1 and 2 agree.
    stored = np.array([[1, 1, -1], [1, -1, 1]])
    kept = states(build(stored, "hebbian"), np.array([[1, 1, 1], [-1, 1, 1]]), 2)
    low = states(build(stored, "hebbian", tie="low"), np.array([[1, 1, 1], [-1, 1, 1]]), 2)
    assert kept[:, 1, 0].tolist() == [1, -1]
    assert low[:, 1, 0].tolist() == [-1, -1]


def test_storkey_against_the_triple_loop() -> None:
    stored = patterns(4, 9)
    units = stored.shape[1]
    weights = np.zeros((units, units))
    for xi in stored:
        new = weights.copy()
        for i, j in itertools.product(range(units), repeat=2):
            h_ij = sum(weights[i, k] * xi[k] for k in range(units) if k not in (i, j))
            h_ji = sum(weights[j, k] * xi[k] for k in range(units) if k not in (i, j))
            new[i, j] += (xi[i] * xi[j] - xi[i] * h_ji - h_ij * xi[j]) / units
        weights = new
    np.fill_diagonal(weights, 0)
    got, _ = couplings(stored, "storkey")
    assert np.allclose(got, weights, atol=1e-12)


def test_pseudo_inverse_makes_every_pattern_a_fixed_point_at_high_load() -> None:
    stored = patterns(50, 100)
    got = states(build(stored), stored, 3)
    assert np.array_equal(got[:, -1], stored)


def test_hebbian_weights_are_the_outer_products() -> None:
    stored = patterns(3, 12)
    weights = build(stored, "hebbian", tie="low").processes["recurrent"].weights  # type: ignore[union-attr]
    expected = 2 * stored.T @ stored
    np.fill_diagonal(expected, 0)
    assert np.array_equal(weights, expected)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("count", "units"), [(1, 8), (30, 100), (90, 400)])
@pytest.mark.parametrize("bits", [3, 5, 8])
def test_fixed_is_exact_at_every_size(rule: Rule, count: int, units: int, bits: int) -> None:
    stored = patterns(count, units)
    graph = build(stored, rule, weight_bits=bits)
    fixed = hg.compile(graph, domain="fixed").graph
    assert fixed.notes == ()
    assert np.abs(fixed.processes["recurrent"].weights).max() < 2**bits  # type: ignore[union-attr]


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        build([[0, 1], [1, 1]], "hebb", weight_bits=25, tie="up")  # type: ignore[arg-type]
    text = str(caught.value)
    assert len(caught.value.faults) == 4
    for part in ("values must be -1 or +1", "'hebb'", "pseudo_inverse", "3..24", "'up'"):
        assert part in text
    with pytest.raises(hg.Invalid, match="equally long"):
        build([[1, -1], [1]])
    with pytest.raises(hg.Invalid, match="at least one"):
        build(np.ones((0, 5)))
