"""Projections by energy (GPM) and by recursive least squares (OWM), against their equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hebbgraph.continual import Labelled, permuted
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods.gpm import further_rows, smallest_count
from hebbgraph.continual.methods.owm import without
from hebbgraph.continual.spiking.settings import NetSettings


def samples(count: int = 24, seed: int = 0) -> Labelled:
    draws = np.random.default_rng(seed)
    y = np.arange(count) % 4
    return Labelled(np.eye(4, 8)[y] + 0.3 * draws.random((count, 8)), y)


@pytest.mark.parametrize(
    ("wanted", "held", "count"),
    [(0.5, 0.0, 1), (4.0, 0.0, 1), (4.1, 0.0, 2), (7.0, 0.0, 3), (7.5, 0.0, 3), (5.0, 5.0, 0)],
)
def test_the_fewest_rows_that_hold_the_energy(wanted: float, held: float, count: int) -> None:
    assert smallest_count(np.array([4.0, 2.0, 1.0]), held, wanted) == count


def test_rows_are_the_singular_vectors_and_no_fewer_would_do() -> None:
    draws = np.random.default_rng(0)
    signals = draws.normal(size=(50, 9)) * np.array([5, 4, 3, 2, 1, 0.5, 0.2, 0.1, 0.1])
    moment, energy = signals.T @ signals, float((signals**2).sum())
    rows = further_rows(moment, np.zeros((0, 9)), 0.9)
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-12)
    _, values, right = np.linalg.svd(signals)
    np.testing.assert_allclose(np.abs((rows * right[: len(rows)]).sum(1)), 1, atol=1e-9)
    assert (values[: len(rows)] ** 2).sum() >= 0.9 * energy
    assert (values[: len(rows) - 1] ** 2).sum() < 0.9 * energy

    other = draws.normal(size=(50, 9)) * np.arange(1, 10)
    further = further_rows(other.T @ other, rows, 0.95)
    both = np.concatenate([rows, further])
    np.testing.assert_allclose(both @ both.T, np.eye(len(both)), atol=1e-12)
    whole = (other**2).sum()
    assert ((other @ both.T) ** 2).sum() >= 0.95 * whole
    assert ((other @ both[:-1].T) ** 2).sum() < 0.95 * whole
    assert not len(further_rows(moment, rows, 0.9))


@pytest.mark.parametrize("name", ["gpm", "owm"])
def test_old_readouts_stay_while_a_new_task_is_learned(name: str) -> None:
    # Old inputs have rank 4 of 8, so exact projectors protect them wholly and leave room to learn.
    options = {"threshold": 1.0} if name == "gpm" else {"alpha": 1e-9, "group": 1}
    settings = NetSettings(hidden=(40,), steps=6, batch=8, rate=0.5, dtype="float64")
    draws = np.random.default_rng(0)
    few = Labelled(draws.random((4, 8)), np.arange(4) % 2)
    stream = permuted(few, few, 2)
    learner = SpikingLearner(settings, name, options)
    learner.start(stream, seed=0)
    learner.begin(0, stream.tasks[0])
    learner.epoch(0, 0, few)
    learner.end(0, stream.tasks[0])
    before = {n: w.detach().clone() for n, w in learner.net.named_parameters()}
    learner.begin(1, stream.tasks[1])
    for epoch in range(3):
        learner.epoch(1, epoch, stream.tasks[1].train)
    first, w = next(iter(learner.net.named_parameters()))
    moved = w.detach() - before[first]
    assert moved.abs().max() > 1e-3
    old = torch.tensor(stream.tasks[0].train.x)
    assert (old @ moved.T).abs().max() < 1e-6 * moved.abs().max()


def test_recursive_least_squares_is_the_inverse_and_tends_to_the_projector() -> None:
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(4, 7, generator=draws, dtype=torch.float64)

    def projector(alpha: float) -> torch.Tensor:
        found = torch.eye(7, dtype=torch.float64)
        for row in x:
            found = without(found, row, alpha)
        return found

    gram = x.T @ x
    torch.testing.assert_close(
        projector(0.3), torch.linalg.inv(torch.eye(7, dtype=torch.float64) + gram / 0.3)
    )
    _, _, right = torch.linalg.svd(x)
    exact = torch.eye(7, dtype=torch.float64) - right[:4].T @ right[:4]
    torch.testing.assert_close(projector(1e-9), exact, rtol=0, atol=1e-6)
    assert (projector(1e-9) @ x.T).abs().max() < 1e-6


def test_owm_takes_the_mean_signal_of_each_group() -> None:
    settings = NetSettings(hidden=(6,), steps=3, batch=8, dtype="float64", trainer="bptt")
    learner = SpikingLearner(settings, "owm", {"alpha": 0.5, "decay": 0.1, "group": 7})
    stream = permuted(samples(), samples(), 2)
    learner.start(stream, seed=0)
    learner.end(0, stream.tasks[0])
    expected = torch.eye(8, dtype=torch.float64)
    x = torch.tensor(stream.tasks[0].train.x)
    for i, group in enumerate(torch.split(x, 7)):
        expected = without(expected, group.mean(0), 0.5 * 0.1 ** (i / 4))
    owm: Any = learner.method
    torch.testing.assert_close(owm.projectors[0], expected)
