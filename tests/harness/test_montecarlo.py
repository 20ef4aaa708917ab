from __future__ import annotations

import itertools

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.harness import montecarlo
from hebbgraph.harness.replicas import overlap_distribution, replicas
from hebbgraph.models import hopfield
from hebbgraph.models.archetypes import FAMILY, build
from hebbgraph.random import stream


def signs(*shape: int, name: str = "w") -> np.ndarray:
    return np.where(stream(0, "test montecarlo", name).random(shape) < 0.5, 1, -1)


def direct_energy(weights: np.ndarray, states: np.ndarray, p: int) -> np.ndarray:
    """Return -sum over all sets of p different units, as it is written."""
    found = np.zeros(len(states))
    for chosen in itertools.combinations(range(states.shape[1]), p):
        found -= states[:, chosen].prod(axis=1) * weights[:, chosen].prod(axis=1).sum()
    return found


@pytest.mark.parametrize("p", [2, 3, 4])
def test_fields_and_energies_are_those_of_the_couplings(p: int) -> None:
    weights = signs(5, 9)
    numbers = np.arange(512)
    states = 2 * ((numbers[:, np.newaxis] >> np.arange(9)) & 1) - 1
    energies = direct_energy(weights, states, p)
    np.testing.assert_allclose(montecarlo.all_energies(weights, p), energies)
    fields = montecarlo.fields(weights, states, p)
    for i in range(9):
        np.testing.assert_allclose(
            energies[numbers ^ (1 << i)] - energies, 2 * states[:, i] * fields[:, i]
        )
    np.testing.assert_allclose(energies, -(states * fields).sum(axis=1) / p)


def test_glauber_samples_the_boltzmann_distribution() -> None:
    weights = signs(4, 6)
    temperature = montecarlo.signal(6, 3)
    states = montecarlo.glauber(weights, signs(200, 6, name="s"), 3, temperature, 300, every=2)
    numbers = (states[:, 25:] > 0) @ (1 << np.arange(6))
    found = np.bincount(numbers.ravel(), minlength=64) / numbers.size
    energies = montecarlo.all_energies(weights, 3)
    wanted = np.exp(-energies / temperature)
    wanted /= wanted.sum()
    assert np.abs(found - wanted).sum() / 2 < 0.04
    drawn = montecarlo.boltzmann(energies, temperature, 20_000)
    exact = np.bincount((drawn > 0) @ (1 << np.arange(6)), minlength=64) / 20_000
    assert np.abs(exact - wanted).sum() / 2 < 0.03


def test_glauber_at_no_temperature_never_climbs_and_keeps_its_numbers() -> None:
    weights, starts = signs(30, 20), signs(6, 20, name="s")
    states = montecarlo.glauber(weights, starts, 3, 0.0, 8)
    energies = np.stack([direct_energy(weights, s, 3) for s in states])
    assert (np.diff(energies, axis=1) <= 0).all()
    warm = montecarlo.glauber(weights, starts, 3, 40.0, 6, seed=3)
    assert np.array_equal(warm[:2], montecarlo.glauber(weights, starts[:2], 3, 40.0, 6, seed=3))
    assert np.array_equal(
        warm[:, 1::2], montecarlo.glauber(weights, starts, 3, 40.0, 6, every=2, seed=3)
    )


def test_the_graph_samples_what_monte_carlo_does() -> None:
    """Masked updates of few units at a time; p = 3, magnetisations unit by unit."""
    weights = signs(3, 24)
    graph = build(weights, 3, quality=1.0, examples=1, temperature=0.3, update=0.2)
    starts = np.repeat(weights[:1], 24, axis=0)
    with hg.compile(graph) as program:
        raster = FAMILY.read(program.run(FAMILY.present(starts), 400))
    got = raster[:, 100:].mean(axis=(0, 1))
    # (p-1)! e_{p-1} of the graph against N**(p-1), in units of which its temperature is
    temperature = 0.3 * 24**2 / 2
    states = montecarlo.glauber(weights, starts, 3, temperature, 150)
    want = states[:, 30:].mean(axis=(0, 1))
    assert np.abs(got - want).max() < 0.1
    assert abs((got - want) @ weights[0]) / 24 < 0.02


@pytest.mark.parametrize("p", [3, 4])
def test_effective_dynamics_agree_with_monte_carlo_at_low_load(p: int) -> None:
    weights = signs(12, 40)
    temperature = 0.3 * montecarlo.signal(40, p)
    states = montecarlo.glauber(weights, np.repeat(weights[:1], 40, axis=0), p, temperature, 40)
    sampled = states[:, 10:].mean(axis=(0, 1))
    for order in (1, 2):
        soft = montecarlo.mean_field(weights, 0.9 * weights[:1], p, temperature, order=order)[0]
        assert np.abs(soft - sampled).max() < 0.1
        assert abs((soft - sampled) @ weights[0]) / 40 < 0.02


@pytest.mark.slow
def test_the_reaction_matters_at_high_load() -> None:
    """p = 2, K = N: naive equations freeze below T = 3, with reaction below 2.6, in truth at 2."""
    weights, starts = signs(200, 200), signs(1, 200, name="s")
    temperature = 2.75 * montecarlo.signal(200, 2)
    naive, full = (
        montecarlo.mean_field(weights, 0.9 * starts, 2, temperature, 600, order=k)[0]
        for k in (1, 2)
    )
    states = montecarlo.glauber(weights, np.repeat(starts, 30, axis=0), 2, temperature, 24)
    sampled = states[:, 4:].mean(axis=(0, 1))
    assert np.sqrt((naive**2).mean()) > 0.15
    assert np.sqrt((full**2).mean()) < 0.1
    assert np.sqrt((sampled**2).mean()) < 0.1


def test_overlaps_of_replicas() -> None:
    same = np.ones((3, 2, 10))
    same[0, 1] *= -1
    found = overlap_distribution([same])
    assert found.overlaps[0].tolist() == [[1, 1, 1], [-1, -1, 1]]
    assert found.binder == 1
    middles, density = found.histogram(5)
    assert middles.tolist() == pytest.approx([-0.8, -0.4, 0, 0.4, 0.8])
    assert density.tolist() == pytest.approx([5 / 6, 0, 0, 0, 5 / 3])
    noise = overlap_distribution([signs(8, 50, 400, name=str(k)) for k in range(3)])
    assert abs(noise.binder) < 0.1
    assert noise.moment(2).mean == pytest.approx(1 / 400, rel=0.1)
    with pytest.raises(hg.Invalid, match="2 or more replicas"):
        overlap_distribution([np.ones((1, 5))])


def test_replicas_are_episodes_with_their_own_noise() -> None:
    stored = signs(2, 60)
    starts = np.repeat(stored[:1], 6, axis=0)
    cold = replicas(build(stored, 2, quality=1.0, examples=1), FAMILY, starts, 9, burn=3, every=2)
    assert cold.shape == (6, 3, 60)
    assert overlap_distribution([cold]).binder == 1
    warm = build(stored, 2, quality=1.0, examples=1, temperature=3.0)
    apart = overlap_distribution([replicas(warm, FAMILY, starts, 60, burn=20)])
    assert apart.moment(1).mean < 0.2
    with pytest.raises(hg.Invalid, match="burn"):
        replicas(warm, hopfield.FAMILY, starts, 9, burn=9)


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        montecarlo.glauber(signs(3, 5), signs(2, 6), 1, -1, 5)
    assert len(caught.value.faults) == 2
    with pytest.raises(hg.Invalid, match="must be as many"):
        montecarlo.glauber(signs(3, 5), signs(2, 6), 2, 1, 5)
    with pytest.raises(hg.Invalid, match="sweeps"):
        montecarlo.glauber(signs(3, 5), signs(2, 5), 2, 1, 0)
    with pytest.raises(hg.Invalid, match="naive"):
        montecarlo.mean_field(signs(3, 5), signs(2, 5), 2, 1.0, order=3)
    with pytest.raises(hg.Invalid, match="use glauber"):
        montecarlo.boltzmann([0.0, 1.0], 0.0, 3)
    with pytest.raises(hg.Invalid, match="units"):
        montecarlo.all_energies(signs(2, 21), 3)
