"""Theory of learning from examples, of multitasking and of the glass, against check numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hebbgraph import theory


@pytest.mark.parametrize("alpha", [0.05, 0.10, 0.13, 0.135])
def test_perfect_examples_are_the_hopfield_network(alpha: float) -> None:
    got = theory.archetype_overlap("supervised", 1.0, 1, alpha, 2)
    assert got == pytest.approx(theory.hopfield_overlap(alpha), abs=1e-8)


@pytest.mark.parametrize(
    ("p", "capacity", "half"),
    [(3, 0.252190, 0.99467), (4, 0.197860, 0.99845), (5, 0.172773, 0.99931)],
)
def test_perfect_examples_are_the_dense_memory(p: int, capacity: float, half: float) -> None:
    assert theory.archetype_overlap("supervised", 1.0, 1, capacity / 2, p) == pytest.approx(
        half, abs=1e-5
    )
    assert theory.archetype_overlap("unsupervised", 1.0, 1, 0.999 * capacity, p) > 0.8
    assert theory.archetype_overlap("supervised", 1.0, 1, 1.01 * capacity, p) == 0


def test_supervised_overlap_in_the_variables_of_class_means() -> None:
    """n is the overlap with the normalised class mean."""
    for r, m_examples, load, p in ((0.5, 20, 0.05, 4), (0.8, 5, 0.03, 3)):
        rho = theory.archetype_entropy(r, m_examples)
        n = 1.0
        for _ in range(2000):
            d = math.sqrt(rho * n ** (2 * p - 2) / (1 + rho) + load)
            a = n ** (p - 1) / (math.sqrt(1 + rho) * d)
            m = math.erf(a / math.sqrt(2))
            tail = math.sqrt(2 / math.pi) * math.exp(-(a**2) / 2)
            n = (m + rho * n ** (p - 1) / (math.sqrt(1 + rho) * d) * tail) / math.sqrt(1 + rho)
        got = theory.archetype_overlap("supervised", r, m_examples, load, p)
        assert got == pytest.approx(m, abs=1e-9)


def test_thresholds_with_and_without_a_teacher() -> None:
    assert theory.archetype_threshold("supervised", 0.5, 4) == pytest.approx(3)
    assert theory.archetype_threshold("unsupervised", 0.5, 4) == pytest.approx(255)
    few = theory.archetype_examples("supervised", 0.5, 0.05, 4, 0.95)
    many = theory.archetype_examples("unsupervised", 0.5, 0.05, 4, 0.95)
    assert theory.archetype_one_step("unsupervised", 0.5, many, 0.05, 4) == pytest.approx(0.95)
    assert many > 4 * few
    assert theory.archetype_examples("supervised", 0.5, 10.0, 4, 0.95) == math.inf
    # With few archetypes there is nothing to tell apart, and no price.
    bare = theory.archetype_one_step("supervised", 0.5, 50, 0.0, 4)
    assert theory.archetype_one_step("unsupervised", 0.5, 50, 0.0, 4) == bare
    assert bare == pytest.approx(math.erf(1 / math.sqrt(2 * 3 / 50)))
    # Two examples: right together with probability 9/16, wrong with 1/16, else undecided.
    few_of_them = theory.archetype_one_step("supervised", 0.5, 2, 0.0, 4, counted=True)
    assert few_of_them == pytest.approx(0.5)
    many_of_them = theory.archetype_one_step("supervised", 0.5, 400, 0.05, 4, counted=True)
    gaussian = theory.archetype_one_step("supervised", 0.5, 400, 0.05, 4)
    assert many_of_them == pytest.approx(gaussian, abs=1e-4)
    with pytest.raises(ValueError, match="p = 2"):
        theory.archetype_overlap("unsupervised", 0.5, 50, 0.1, 2)


def test_multitasking_check_numbers() -> None:
    found = [theory.multitasking_critical_dilution(k) for k in range(3, 9)]
    assert np.round(found, 4).tolist() == [0.6180, 0.5437, 0.5188, 0.5087, 0.5041, 0.5020]
    assert theory.multitasking_critical_dilution(2) == 1
    for d in (0.1, 0.3, 0.5, 0.6):
        m = theory.multitasking_amplitudes(3, d)
        np.testing.assert_allclose(m, theory.multitasking_hierarchy(3, d), atol=1e-9)
    deformed = {
        0.65: (0.9388, 0.7112, 0.4838),
        0.7: (0.955, 0.745, 0.535),
        0.8: (0.98, 0.82, 0.66),
        0.9: (0.995, 0.905, 0.815),
    }
    for d, line in deformed.items():
        np.testing.assert_allclose(theory.multitasking_amplitudes(3, d), line, atol=2e-4)
    five = (0.862, 0.718, 0.604, 0.474, 0.367)
    np.testing.assert_allclose(theory.multitasking_amplitudes(5, 0.7), five, atol=6e-4)


@pytest.mark.parametrize(
    ("count", "dilution", "low"), [(3, 0.7, 0.35), (3, 0.9, 0.14), (5, 0.7, 0.37), (5, 0.9, 0.19)]
)
def test_window_of_equal_amplitudes(count: int, dilution: float, low: float) -> None:
    window = theory.multitasking_window(count, dilution)
    assert window is not None
    assert window[0] == pytest.approx(low, abs=0.01)
    assert window[1] == 1
    assert theory.multitasking_window(count, 0.5) is None


def test_examples_of_a_hierarchy() -> None:
    assert theory.multitasking_examples(3, 0.3, 0.5) == pytest.approx(3 / 0.61**2)
    assert theory.multitasking_examples(3, 0.7, 0.5) == math.inf
    with pytest.raises(ValueError, match="enumerated"):
        theory.multitasking_amplitudes(13, 0.5)


def test_glass_line_of_the_ising_p_spin() -> None:
    """With J**2 = 2 alpha' / p: p = 3 has 0.651 and 0.682; p to infinity the random energies."""
    line = theory.glass_line(1.5, 3)
    assert line.static == pytest.approx(0.651, abs=1e-3)
    assert line.dynamic == pytest.approx(0.682, abs=1e-3)
    assert 0.8 < line.overlap < 0.83
    limit = theory.glass_line(6.0, 12)
    assert limit.static == pytest.approx(1 / (2 * math.sqrt(math.log(2))), abs=1e-3)
    assert limit.overlap > 0.999
    assert theory.glass_line(4.0, 4).static == pytest.approx(2 * theory.glass_line(1.0, 4).static)
    assert theory.glass_line(0.25, 2) == (1.5, 1.5, 0.0)
    with pytest.raises(ValueError, match="above 0"):
        theory.glass_line(0.0, 3)
