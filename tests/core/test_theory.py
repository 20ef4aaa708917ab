from __future__ import annotations

import numpy as np
import pytest

from hebbgraph import theory
from hebbgraph.theory import hopfield_capacity, hopfield_overlap


def test_capacity_and_overlap_at_it() -> None:
    assert hopfield_capacity() == pytest.approx(0.137906, abs=2e-6)
    assert hopfield_overlap(0.137905) == pytest.approx(0.9674, abs=1e-3)
    assert hopfield_overlap(0.1380) == 0.0


@pytest.mark.parametrize(
    ("alpha", "overlap"),
    [(0.05, 0.99999), (0.08, 0.99956), (0.10, 0.99800), (0.12, 0.99322), (0.13, 0.98721)],
)
def test_published_overlaps(alpha: float, overlap: float) -> None:
    assert hopfield_overlap(alpha) == pytest.approx(overlap, abs=6e-6)


def test_theory_at_a_temperature() -> None:
    assert theory.low_load_overlap(0.7) == pytest.approx(0.829, abs=5e-4)
    assert theory.hopfield_overlap(1e-9, 0.7) == pytest.approx(0.8286, abs=1e-3)
    assert theory.hopfield_overlap(0.05, 0.03) == pytest.approx(hopfield_overlap(0.05), abs=1e-5)
    assert theory.hopfield_overlap(0.05, 0.7) == theory.hopfield_overlap(0.01, 1.2) == 0.0
    # The phase line and the capacity are inverse to each other.
    line = theory.hopfield_critical_temperature(0.05)
    assert theory.hopfield_capacity(line) == pytest.approx(0.05, abs=1e-5)
    assert theory.hopfield_critical_temperature(0) == 1.0
    assert theory.hopfield_critical_temperature(0.14) == 0.0


def test_overlap_solves_the_equations_of_amit_gutfreund_and_sompolinsky() -> None:
    """Iterate them with averages over random numbers, from the solution on: it stays there."""
    alpha, temperature = 0.04, 0.4
    m = theory.hopfield_overlap(alpha, temperature)
    z = np.linspace(-8, 8, 20001)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    found, r = 1.0, 1.0
    for _ in range(400):
        t = np.tanh((found + np.sqrt(alpha * r) * z) / temperature)
        found, q = float(weights @ t), float(weights @ t**2)
        r = q / (1 - (1 - q) / temperature) ** 2
    assert found == pytest.approx(m, abs=1e-9)


def test_clipped_couplings() -> None:
    delta = theory.clipping_noise(1)
    assert delta == pytest.approx(np.pi / 2 - 1)
    # 0.1015 by iteration close to the fold; the fold itself is at 0.1018 (0.102 in textbooks).
    assert hopfield_capacity(0, delta) == pytest.approx(0.1018, abs=1e-4)
    assert hopfield_overlap(0.1015, 0, delta) == pytest.approx(0.956, abs=1e-3)
    capacities = [hopfield_capacity(0, theory.clipping_noise(bits)) for bits in range(2, 9)]
    assert np.all(np.diff(capacities) > 0)
    assert capacities[0] < hopfield_capacity(0, delta)  # two bits are worse than the sign
    assert capacities[-1] == pytest.approx(hopfield_capacity(), abs=1e-4)


def test_other_lines_of_the_hopfield_network() -> None:
    assert theory.one_step_overlap(0.138) == pytest.approx(0.9929, abs=1e-3)
    assert theory.error_free_capacity(1000) == pytest.approx(72.4, abs=0.1)
    assert theory.error_free_capacity(1000, all_patterns=True) == pytest.approx(36.2, abs=0.1)
    assert theory.gardner_capacity() == pytest.approx(2)
    assert theory.gardner_capacity(theory.gardner_margin(0.5)) == pytest.approx(0.5)
    assert theory.glauber_overlap(0.7, "logistic") == pytest.approx(0.829, abs=5e-4)
    assert theory.glauber_overlap(0.7, "uniform") < 0.25
    assert theory.glauber_overlap(0.7, "gaussian") == pytest.approx(0.78, abs=0.01)
