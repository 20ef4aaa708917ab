"""Buffers, and the methods that replay from them, against their equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from hebbgraph.continual import Labelled, Stream, permuted, split
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods import Batch
from hebbgraph.continual.methods.agem import projected
from hebbgraph.continual.methods.buffer import Buffer
from hebbgraph.continual.spiking.settings import NetSettings


def samples(count: int = 24, seed: int = 0) -> Labelled:
    draws = np.random.default_rng(seed)
    y = np.arange(count) % 4
    return Labelled(np.eye(4, 8)[y] + 0.3 * draws.random((count, 8)), y)


def tasks(scenario: str) -> Stream:
    if scenario == "domain":
        return permuted(samples(), samples(), 2)
    return split(samples(), samples(), [(0, 1), (2, 3)], "task")


def after_one_task(name: str, scenario: str = "domain", **options: Any) -> Any:
    """Return a learner in the first epoch of its second task."""
    settings = NetSettings(hidden=(10,), steps=4, batch=8, dtype="float64", rate=0.5)
    learner = SpikingLearner(settings, name, options)
    stream = tasks(scenario)
    learner.start(stream, seed=1)
    learner.begin(0, stream.tasks[0])
    for epoch in range(3):
        learner.epoch(0, epoch, stream.tasks[0].train)
    learner.end(0, stream.tasks[0])
    learner.begin(1, stream.tasks[1])
    learner.method.samples(1, 0, stream.tasks[1].train)
    return learner


def numbered(first: int, count: int, task: int = 0) -> Batch:
    x = torch.arange(first, first + count, dtype=torch.float64)[:, None]
    return Batch(x, torch.zeros(count, dtype=torch.long), torch.full((count,), task))


def new_batch(scenario: str = "domain", count: int = 8) -> Batch:
    train = tasks(scenario).tasks[1].train
    x, y = torch.tensor(train.x[:count]), torch.tensor(train.y[:count])
    return Batch(x, y, torch.full((count,), 1))


def test_a_reservoir_keeps_each_sample_with_the_same_chance() -> None:
    counts = np.zeros(40)
    for seed in range(600):
        buffer, draws = Buffer(10), np.random.default_rng(seed)
        for first in range(0, 40, 8):
            buffer.add(numbered(first, 8), draws)
        kept = buffer.draw(100, 1, draws)
        assert kept is not None
        values = kept[0].x[:, 0].numpy().astype(int)
        assert len(buffer) == len(values) == len(set(values)) == 10
        counts[values] += 1
    # Binomial of mean 150 and standard deviation 10.6.
    assert counts.mean() == 150
    assert np.abs(counts - 150).max() < 45


def test_readouts_stay_with_their_samples() -> None:
    buffer, draws = Buffer(7), np.random.default_rng(0)
    for task in range(3):
        buffer.add(numbered(20 * task, 20, task), draws)
        buffer.note(task, lambda x: 10 * x)
    found = buffer.draw(7, 3, draws)
    assert found is not None
    kept, readout = found
    assert readout is not None
    assert len(kept) == 7
    assert torch.equal(readout, 10 * kept.x)
    assert torch.equal(kept.task, kept.x[:, 0].long() // 20)


def test_only_samples_of_earlier_tasks_are_drawn() -> None:
    buffer, draws = Buffer(30), np.random.default_rng(0)
    assert buffer.draw(3, 1, draws) is None
    buffer.add(numbered(0, 10, 0), draws)
    buffer.add(numbered(10, 10, 1), draws)
    assert buffer.draw(3, 0, draws) is None
    found = buffer.draw(30, 1, draws)
    assert found is not None
    assert sorted(found[0].x[:, 0].tolist()) == list(range(10))


def test_samples_enter_once_and_in_the_first_epoch_alone() -> None:
    learner = after_one_task("er", size=100, replayed=4)
    assert learner.method.buffer.seen == len(tasks("domain").tasks[0].train)


def test_er_joins_old_samples() -> None:
    learner = after_one_task("er", size=12, replayed=5)
    whole = learner.method.extended(new_batch())
    assert whole.task.tolist() == [1] * 8 + [0] * 5
    old = tasks("domain").tasks[0].train
    for x, y in zip(whole.x[8:].numpy(), whole.y[8:].tolist(), strict=True):
        (row,) = np.flatnonzero((old.x == x).all(1))
        assert old.y[row] == y


@pytest.mark.parametrize("scenario", ["domain", "task"])
def test_the_loss_of_derpp(scenario: str) -> None:
    learner = after_one_task("derpp", scenario, size=10, replayed=4, alpha=0.3, beta=0.7)
    whole = learner.method.extended(new_batch(scenario))
    a = torch.randn(len(whole), 4, generator=torch.Generator().manual_seed(0)).double()
    said = learner.method._stored
    assert said.shape == (4, 4)
    own = [0, 1, 2, 3] if scenario == "domain" else [0, 1]
    new = [0, 1, 2, 3] if scenario == "domain" else [2, 3]
    expected = functional.cross_entropy(a[:8, new], whole.y[:8] - new[0])
    expected += 0.3 * ((a[8:12] - said)[:, own] ** 2).mean()
    expected += 0.7 * functional.cross_entropy(a[12:, own], whole.y[12:])
    torch.testing.assert_close(learner.method.loss(a, whole), expected)


def test_a_projected_gradient_never_opposes_the_reference() -> None:
    draws = torch.Generator().manual_seed(0)
    conflicts = 0
    for _ in range(50):
        g, r = torch.randn(2, 6, generator=draws, dtype=torch.float64)
        found = projected(g, r)
        assert torch.dot(found, r) > -1e-12
        if torch.dot(g, r) < 0:
            conflicts += 1
            assert abs(float(torch.dot(found, r))) < 1e-12
            torch.testing.assert_close(found + (torch.dot(g, r) / torch.dot(r, r)) * r, g)
        else:
            assert torch.equal(found, g)
    assert 10 < conflicts < 40


def test_agem_takes_from_the_network_what_opposes_its_memory() -> None:
    learner = after_one_task("agem", size=24, replayed=24)
    method, net = learner.method, learner.net
    kept, _ = method.drawn("reference")
    reference = method.reference(kept)
    reference = {name: r.clone() for name, r in reference.items()}
    opposed = {name: 0.1 - 2 * r for name, r in reference.items()}
    for name, w in net.named_parameters():
        w.grad = opposed[name].clone()

    def along() -> float:
        return sum(float((w.grad * reference[n]).sum()) for n, w in net.named_parameters())

    assert along() < -1e-3
    method.gradients(new_batch())
    assert abs(along()) < 1e-12
