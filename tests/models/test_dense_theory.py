"""Theory of dense memories against figures worked out elsewhere, and against one update."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.data import random_patterns
from hebbgraph.models import dense

#: p, alpha'_c, m_c, alpha_c distinct, alpha_c Krotov, m at half of it.
TABLE = (
    (3, 0.252190, 0.8385, 0.126095, 0.084063, 0.99467),
    (4, 0.197860, 0.9179, 0.0329767, 0.0131907, 0.99845),
    (5, 0.172773, 0.9472, 0.00719886, 0.00164545, 0.99931),
    (6, 0.157680, 0.9620, 0.00131400, 0.000166857, 0.99962),
)


@pytest.mark.parametrize(("p", "load", "overlap", "distinct", "krotov", "half"), TABLE)
def test_capacities(
    p: int, load: float, overlap: float, distinct: float, krotov: float, half: float
) -> None:
    critical, at_it = theory.dense_capacity(p)
    assert math.isclose(critical, load, rel_tol=5e-6)
    assert math.isclose(at_it, overlap, abs_tol=5e-5)
    units = 100
    for variant, alpha in (("distinct", distinct), ("krotov", krotov)):
        count = theory.dense_count(p, critical, units, variant)  # type: ignore[arg-type]
        assert math.isclose(count / units ** (p - 1), alpha, rel_tol=1e-5)
        assert math.isclose(theory.dense_load(p, count, units, variant), critical)  # type: ignore[arg-type]
    assert math.isclose(theory.dense_overlap(p, critical / 2), half, abs_tol=5e-6)
    assert theory.dense_overlap(p, 1.001 * critical) == 0
    assert theory.dense_overlap(p, 0.999 * critical) > at_it


def test_roots_solve_the_equation() -> None:
    for p, load in ((3, 0.08), (4, 0.05), (4, 0.19), (6, 0.1)):
        for m in (theory.dense_overlap(p, load), theory.dense_basin(p, load)):
            assert math.isclose(m, theory.dense_one_step(p, load, m), abs_tol=1e-10)
    assert math.isclose(theory.dense_basin(4, 0.05), 0.5546, abs_tol=1e-4)
    assert math.isclose(theory.dense_basin(3, 0.08), 0.368, abs_tol=2e-4)
    assert (theory.dense_basin(3, 0), theory.dense_basin(3, 1)) == (0, 1)


def test_finite_sizes_tend_to_the_limit() -> None:
    for p in (3, 4, 5):
        for variant in ("distinct", "krotov"):
            limit = theory.dense_load(p, 1e6, 1000, variant)
            finite = theory.dense_load(p, 1e6, 1000, variant, finite=True)
            assert math.isclose(limit, finite, rel_tol=0.025)
        assert math.isclose(theory.dense_load(p, 7, 30, finite=True), 7 / math.comb(29, p - 1))
        assert math.isclose(theory.dense_overlap(p, theory.dense_load_at(p, 0.97)), 0.97)


def test_a_temperature_lowers_the_overlap() -> None:
    for p in (3, 4):
        cold = theory.dense_overlap(p, 0.1)
        assert math.isclose(theory.dense_overlap(p, 0.1, 0.01), cold, abs_tol=1e-4)
        # Without load the equation is m = tanh(m**(p - 1) / T).
        m = theory.dense_overlap(p, 0, 0.4)
        assert math.isclose(m, math.tanh(m ** (p - 1) / 0.4), abs_tol=1e-9)
        assert theory.dense_overlap(p, 0.1, 2) < 1e-6
    with pytest.raises(hg.Invalid, match="hopfield_overlap"):
        theory.dense_overlap(2, 0.1)


def test_events_and_zones() -> None:
    found = [theory.dense_events(count, 3.5) for count in (4266, 8533, 12799)]
    np.testing.assert_allclose(found, (2.98, 4.97, 6.95), atol=0.01)
    # 5 coins: overlaps of 3 or more, either way, in 2 (5 + 1) of 32 cases.
    assert math.isclose(theory.dense_events(320, 2.9 / math.sqrt(5), 5), 121)
    assert math.isclose(
        theory.dense_events(100_000, 3.0, 10**6), theory.dense_events(100_000, 3.0), rel_tol=0.02
    )
    low, high = theory.dense_theta_window(12799, 80, 0.8)
    assert (round(low, 2), round(high, 2)) == (4.35, 7.16)
    edge = math.exp(0.8**2 * 80 / 2)
    assert np.isclose(*theory.dense_theta_window(edge, 80, 0.8))  # type: ignore[arg-type]


@pytest.mark.parametrize(("p", "variant"), [(3, "distinct"), (3, "krotov"), (4, "distinct")])
def test_one_update_is_what_signal_and_noise_say(p: int, variant: str) -> None:
    """Within the error of 2 networks, 60 patterns each; signal and noise of finite N."""
    units, load, found = {3: 80, 4: 40}[p], 0.2, []
    count = round(theory.dense_count(p, load, units, variant))  # type: ignore[arg-type]
    load = theory.dense_load(p, count, units, variant, finite=True)  # type: ignore[arg-type]
    for seed in range(2):
        patterns = random_patterns(count, units, seed).patterns
        graph = dense.build(patterns, p, variant=variant)  # type: ignore[arg-type]
        with hg.compile(graph) as program:
            out = program.run({"cue": patterns[:60, np.newaxis].astype(float)}, 3).spikes["memory"]
        found.append((out[:, 2] * patterns[:60]).mean())
    assert abs(np.mean(found) - theory.dense_one_step(p, load)) < 0.01
