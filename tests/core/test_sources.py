"""Sources that make their own data: the same numbers everywhere, and the right distributions."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Clock, Connection, Graph, LeakyIntegrator, Noise, Probe
from hebbgraph.processes.noise import Distribution


def draw(distribution: Distribution, scale: float, domain: str, units: int = 400) -> np.ndarray:
    noise = Noise(units, distribution, scale, seed=1)
    return noise.data(domain, "n", 0, 500).astype(float)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("distribution", "mean", "variance"),
    [
        ("logistic", 0.0, np.pi**2 / 3),
        ("gumbel", 0.5772156649, np.pi**2 / 6),
        ("uniform", 0.0, 1 / 3),
    ],
)
def test_moments(distribution: Distribution, mean: float, variance: float) -> None:
    values = draw(distribution, 1.0, "float")
    assert values.mean() == pytest.approx(mean, abs=0.02)
    assert values.var() == pytest.approx(variance, rel=0.02)
    coarse = draw(distribution, 64.0, "fixed") / 64
    assert len(np.unique(coarse)) <= 256
    assert coarse.mean() == pytest.approx(mean, abs=0.02)
    # 256 values cut the tails off.
    assert coarse.var() == pytest.approx(variance, rel=0.06)


def test_logistic_noise_is_glauber() -> None:
    for level in (-2.0, -0.5, 0.0, 1.0):
        rate = (level + draw("logistic", 1.5, "float") > 0).mean()
        assert rate == pytest.approx(1 / (1 + np.exp(-level / 1.5)), abs=0.005)


def test_bernoulli_is_exact_at_the_ends_and_alike_in_both_domains() -> None:
    assert draw("bernoulli", 0.0, "float").max() == 0
    assert draw("bernoulli", 1.0, "float").min() == 1
    half = draw("bernoulli", 0.3, "float")
    assert half.mean() == pytest.approx(0.3, abs=0.005)
    np.testing.assert_array_equal(half, draw("bernoulli", 0.3, "fixed"))


def test_fixed_noise_is_the_float_noise_made_coarse() -> None:
    fine, coarse = draw("logistic", 1.0, "float"), draw("logistic", 1000.0, "fixed") / 1000
    middle = np.abs(fine) < 3
    assert np.abs(fine - coarse)[middle].max() < 0.05


def test_numbers_depend_on_seed_path_and_episode_only() -> None:
    noise = Noise(5, seed=3)
    long, short = noise.data("float", "a", 7, 20), noise.data("float", "a", 7, 8)
    np.testing.assert_array_equal(long[:8], short)
    for other in (noise.data("float", "b", 7, 8), noise.data("float", "a", 8, 8)):
        assert not np.isin(other, long).any()
    assert not np.isin(Noise(5, seed=4).data("float", "a", 7, 8), long).any()


def test_these_very_numbers_stay() -> None:
    """A hash of numbers drawn once: a change would make every seeded result another one."""
    values = Noise(6, "bernoulli", 0.5, seed=12345).data("fixed", "layer.noise", 3, 40)
    digest = hashlib.sha256(values.astype("<i8").tobytes()).hexdigest()
    assert digest[:16] == EXPECTED_HEAD


EXPECTED_HEAD = "57cb134de86f758b"


def test_sources_can_be_recorded_and_noise_is_counted() -> None:
    graph = Graph(
        "sources",
        {
            "noise": Noise(3),
            "clock": Clock(3, ((0, 1), (1, 3))),
            "sum": LeakyIntegrator(3),
        },
        [Connection("noise.out", "sum.a")],
        [Probe("noise.out"), Probe("clock.out"), Probe("sum.out")],
    )
    result = hg.compile(graph).run(steps=7, episodes=2)
    np.testing.assert_allclose(
        np.cumsum(result.states["noise.out"], axis=1), result.states["sum.out"], atol=1e-12
    )
    assert result.spikes["clock"][1].astype(int).tolist() == [
        [1, 0], [0, 1], [0, 1], [1, 0], [0, 1], [0, 1], [1, 0]
    ]  # fmt: skip
    assert result.counters.processes["noise"].noise_draws == 2 * 7 * 3
    assert result.counters.host_in_bits == 0


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (Clock(0, ((0, 1),)), "period"),
        (Clock(3, ((2, 4),)), "0 <= start < stop <= period 3"),
        (Clock(3, ()), "windows"),
        (Clock(3, ((1, 1),)), "windows"),
        (Noise(2, "gauss"), "'logistic', 'gumbel', 'uniform', 'bernoulli'"),  # type: ignore[arg-type]
        (Noise(2, "bernoulli", 1.5), "[0, 1]"),
        (Noise(2, scale=-1), "scale"),
        (Noise(2, seed=-1), "seed"),
    ],
)
def test_bad_sources_are_named(source: Clock | Noise, part: str) -> None:
    with pytest.raises(hg.Invalid) as caught:
        Graph("bad", {"source": source})
    assert part in str(caught.value)
