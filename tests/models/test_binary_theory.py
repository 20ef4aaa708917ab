"""Laws of the binary memories and of dendrites, against exact sums and known figures."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from hebbgraph import theory
from hebbgraph.random import stream


def exact(n: int, a: int, s: int, threshold: int) -> float:
    """Return the hypergeometric tail in whole numbers."""
    hits = sum(math.comb(s, b) * math.comb(n - s, a - b) for b in range(threshold, min(s, a) + 1))
    return float(Fraction(hits, math.comb(n, a)))


@pytest.mark.parametrize(
    ("n", "a", "s", "threshold", "figure"),
    [
        # Effect of n at s = 24, theta = 12 (code beside arXiv:1601.00720).
        *((n, 64, 24, 12, f) for n, f in ((300, 1.0946e-3), (500, 5.6957e-6), (700, 1.4125e-7))),
        (300, 128, 24, 12, 0.292078),
        (500, 128, 24, 12, 0.00736789),
        (700, 128, 24, 12, 3.2011e-4),
        (900, 128, 24, 12, 2.5026e-5),
        (500, 256, 24, 12, 0.629373),
        (700, 256, 24, 12, 0.121088),
        (900, 256, 24, 12, 0.0193598),
        (1500, 256, 24, 12, 1.8651e-4),
        (500, 250, 24, 12, 0.582595),  # a = n / 2: not the dashed line of that figure
        # Effect of s at a = 32, n = 2000.
        (2000, 32, 4, 2, 1.459e-3),
        (2000, 32, 10, 5, 1.807e-7),
        (2000, 32, 20, 10, 3.904e-14),
        (200000, 2000, 20, 10, 1.65e-15),
    ],
)
def test_false_positives_of_a_segment(
    n: int, a: int, s: int, threshold: int, figure: float
) -> None:
    found = theory.segment_false_positive(n, a, s, threshold)
    assert found == pytest.approx(exact(n, a, s, threshold), rel=1e-10)
    assert found == pytest.approx(figure, rel=2e-4)


def test_sets_neurons_and_unions() -> None:
    for threshold, figure in ((4, 0.1447), (5, 0.002826), (6, 2.037e-5)):
        assert theory.set_false_positive(100, 7, 7, threshold, 500) == pytest.approx(
            figure, rel=3e-4
        )
    assert theory.neuron_false_positive(0.01, 3) == pytest.approx(1 - 0.99**3)
    assert theory.neuron_false_positive(1e-18, 100) == pytest.approx(1e-16)
    assert theory.union_active(100, 20, 2) == pytest.approx(36)
    assert theory.union_false_positive(100, 20, 2, 7, 4) == theory.segment_false_positive(
        100, 36, 7, 4
    )


@pytest.mark.parametrize(
    ("noise", "published"),
    [(0.4, 0.00225), (0.5, 0.06385), (0.6, 0.35247), (0.7, 0.81887), (0.8, 0.99172)],
)
def test_the_published_noise_figure_lets_cells_come_back(noise: float, published: float) -> None:
    """a = 128, n = 6000, s = 30, theta = 12; 10**5 trials a point."""
    replaced = int(noise * 128)
    found = theory.segment_false_negative(128, 30, 12, replaced, units=6000)
    assert found == pytest.approx(published, abs=4 * math.sqrt(published * (1 - published) / 1e5))
    moved = theory.segment_false_negative(128, 30, 12, replaced)
    assert moved > found
    assert moved == pytest.approx(1 - exact(128, 128 - replaced, 30, 12), rel=1e-10)


def test_willshaw_laws() -> None:
    assert theory.willshaw_density(20, 5, 1) == pytest.approx(5 * 4 / (20 * 19))
    assert theory.willshaw_density(20, 5, 1, auto=False) == pytest.approx(25 / 400)
    count = round(theory.willshaw_best_count(1000, 10))
    assert theory.willshaw_density(1000, 10, count, auto=False) == pytest.approx(0.5, abs=1e-4)
    assert theory.willshaw_false_ones(20, 5, 1) == pytest.approx(15 * (20 / 380) ** 5)
    # With one pattern nothing is false; with two, by counting: both hold the unit and the cue.
    assert theory.willshaw_false_ones_exact(20, 5, 1) == 0
    two = 15 * math.comb(20 - 4, 5 - 4) / math.comb(20, 5)
    assert theory.willshaw_false_ones_exact(20, 5, 2, 3) == pytest.approx(two)
    pairs = (20 - 5) * (5 / 20) * math.comb(20 - 3, 5 - 3) / math.comb(20, 5)
    assert theory.willshaw_false_ones_exact(20, 5, 2, 3, auto=False) == pytest.approx(pairs)
    many = [
        theory.willshaw_false_ones_exact(1000, 10, 3000),
        theory.willshaw_false_ones(1000, 10, 3000),
    ]
    assert many[0] > many[1] > 0


def test_willshaw_information_tends_to_ln_2() -> None:
    held = []
    for power in (10, 20, 40, 80, 160):
        n = 2**power
        p = math.log(2) * (n / power) ** 2
        held.append(theory.willshaw_information(n, power, p, 1.0))  # type: ignore[arg-type]
    assert np.all(np.diff(held) > 0)
    assert 0.62 < held[-1] < math.log(2)
    assert theory.willshaw_information(50, 4, 9, 0.0) == pytest.approx(
        9 * math.log2(math.comb(50, 4)) / 2500
    )


def test_kanerva_shares() -> None:
    assert theory.kanerva_share(1000, 451) == pytest.approx(1.07e-3, rel=0.02)  # Kanerva 1988
    assert theory.kanerva_common(64, 25, 0) == pytest.approx(theory.kanerva_share(64, 25))
    assert theory.kanerva_common(64, 25, 64) == 0
    draw = stream(0, "test", "kanerva")
    addresses = draw.integers(0, 2, (200_000, 24))
    near = addresses.sum(axis=1) <= 9
    other = np.arange(24) < 5
    both = (near & ((addresses != other).sum(axis=1) <= 9)).mean()
    assert theory.kanerva_common(24, 9, 5) == pytest.approx(both, abs=0.003)


def test_kanerva_error_is_least_at_the_best_share() -> None:
    errors = [theory.kanerva_error(1000, 5000, r, 300) for r in range(446, 484, 2)]
    best = theory.kanerva_share(1000, 446 + 2 * int(np.argmin(errors)))
    wanted = theory.kanerva_best_share(5000, 300)
    assert wanted / 2 < best < wanted * 2


def test_kanerva_errors_in_order() -> None:
    simple = theory.kanerva_error(256, 2000, 110, 200, simple=True)
    p = theory.kanerva_share(256, 110)
    z = p * 2000 / math.sqrt(199 * (p**2 * 2000 + p**4 * 2000**2))
    assert simple == pytest.approx(math.erfc(z / math.sqrt(2)) / 2)
    clean, spoiled = (theory.kanerva_error(256, 2000, 110, 200, d) for d in (0, 25))
    assert simple / 1.5 < clean < simple * 1.5
    assert clean < spoiled < 0.5
    assert theory.kanerva_error(256, 2000, 110, 1) < 1e-9


@pytest.mark.parametrize("distance", [0, 6])
def test_kanerva_error_is_that_of_reads(distance: int) -> None:
    units, locations, radius, count = 64, 500, 25, 60
    draw = stream(1, "test", "kanerva reads")
    wrong = []
    for _ in range(20):
        addresses = draw.integers(0, 2, (locations, units)) * 2 - 1
        patterns = draw.integers(0, 2, (count, units)) * 2 - 1
        cue = patterns.copy()
        cue[:, :distance] *= -1
        written, read = (x @ addresses.T >= units - 2 * radius for x in (patterns, cue))
        sums = read.astype(float) @ written.T.astype(float) @ patterns * patterns
        wrong.append((sums < 0).mean() + (sums == 0).mean() / 2)
    law = theory.kanerva_error(units, locations, radius, count, distance)
    assert np.mean(wrong) == pytest.approx(law, rel=0.1)
