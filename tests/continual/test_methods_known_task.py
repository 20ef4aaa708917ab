"""Methods that are told the task: masks of units (HAT), generated weights (hypernet)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hebbgraph.continual import Labelled, Stream, permuted, split
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods import Batch
from hebbgraph.continual.methods.generator import Generator
from hebbgraph.continual.spiking.settings import NetSettings
from hebbgraph.errors import Invalid


def samples(count: int = 48, seed: int = 0) -> Labelled:
    draws = np.random.default_rng(seed)
    y = np.arange(count) % 6
    return Labelled(np.eye(6, 10)[y] + 0.3 * draws.random((count, 10)), y)


def tasks(scenario: str = "task") -> Stream:
    if scenario == "domain":
        return permuted(samples(), samples(), 3)
    return split(samples(), samples(), [(0, 1), (2, 3), (4, 5)], scenario)  # type: ignore[arg-type]


def started(name: str, scenario: str = "task", trainer: str = "ottt", **options: Any) -> Any:
    settings = NetSettings(
        hidden=(20,), steps=4, batch=8, rate=0.5, dtype="float64", trainer=trainer
    )
    learner = SpikingLearner(settings, name, options)
    learner.start(tasks(scenario), seed=2)
    return learner


def learn(learner: Any, number: int, epochs: int, scenario: str = "task") -> None:
    task = tasks(scenario).tasks[number]
    learner.begin(number, task)
    for epoch in range(epochs):
        learner.epoch(number, epoch, task.train)
    learner.end(number, task)


@pytest.mark.parametrize("scenario", ["domain", "class"])
def test_masks_need_heads_of_their_own(scenario: str) -> None:
    with pytest.raises(Invalid, match=r"stream.scenario: .*must be 'task'"):
        started("hat", scenario)


def test_weights_between_units_of_old_tasks_do_not_change() -> None:
    learner = started("hat", sparsity=0.1, rate=1.0)
    learn(learner, 0, 4)
    x = tasks().tasks[0].test.x
    before = {n: w.detach().clone() for n, w in learner.net.named_parameters()}
    old, said = learner.method.masks(0)[0], learner.scores(x, 0)
    used = old > 0.999
    assert 0 < int(used.sum()) < len(used)
    learn(learner, 1, 4)
    first, second = (w.detach() - before[n] for n, w in learner.net.named_parameters())
    assert first[used].abs().max() < 1e-3 * first.abs().max()
    assert first[~used].abs().max() > 0
    assert second[:2].abs().max() == 0
    assert second[2:4].abs().max() > 0
    np.testing.assert_allclose(learner.scores(x, 0)[:, :2], said[:, :2], atol=1e-3)


def test_gradients_are_shut_by_the_smaller_of_both_masks() -> None:
    settings = NetSettings(hidden=(3, 4), steps=2, batch=8, dtype="float64")
    learner = SpikingLearner(settings, "hat")
    learner.start(tasks(), seed=2)
    hat: Any = learner.method
    hat.used = [torch.tensor([1.0, 0.5, 0.0]).double(), torch.tensor([0.0, 0.2, 0.7, 1.0]).double()]
    hat.samples(0, 0, tasks().tasks[0].train)
    x = torch.zeros(2, 10, dtype=torch.float64)
    shown = hat.extended(Batch(x, torch.zeros(2).long(), torch.zeros(2).long()))
    for layer in hat.layers:
        layer.weight.grad = torch.ones_like(layer.weight)
    hat.gradients(shown)
    one, two, head = (layer.weight.grad for layer in hat.layers)
    assert torch.equal(one, (1 - hat.used[0])[:, None].expand(3, 10))
    for i, j in np.ndindex(4, 3):
        assert float(two[i, j]) == 1 - min(float(hat.used[1][i]), float(hat.used[0][j]))
    assert (head == 1).all()


@pytest.mark.parametrize("trainer", ["ottt", "bptt", "dsr"])
def test_embedding_gradients_are_those_of_the_loss_compensated(trainer: str) -> None:
    learner = started("hat", trainer=trainer, sparsity=0.3, steepness=5.0)
    hat, stream = learner.method, tasks()
    hat.used[0] = torch.linspace(0, 1, 20).double()
    hat.enter(1)
    hat.samples(1, 0, stream.tasks[1].train)
    train = stream.tasks[1].train
    shown = Batch(torch.tensor(train.x[:8]), torch.tensor(train.y[:8]), torch.ones(8).long())
    hat.extended(shown)
    hat.extended(shown)
    s = hat._steepness
    assert s == 5  # the second minibatch of two

    learner._optimiser.zero_grad()
    learner._trainer.gradients(learner.net, shown.x, lambda a: hat.loss(a, shown))
    (gate,) = hat._gates
    assert gate.grad is not None
    e = hat.embeddings[0][1].clone().requires_grad_()
    a = torch.sigmoid(s * e)
    free = 1 - hat.used[0]
    ((a * gate.grad.flatten()).sum() + 0.3 * (a * free).sum() / free.sum()).backward()
    factor = (5 / s) * (torch.cosh(s * e) + 1) / (torch.cosh(e) + 1)
    hat.gradients(shown)
    torch.testing.assert_close(hat._steps[0], (factor * e.grad).detach())


def test_what_is_generated_for_old_tasks_holds_under_the_regulariser() -> None:
    moved, learned = {}, {}
    for strength in (0.0, 10.0):
        learner = started("hypernet", "domain", strength=strength, rate=0.01, chunk=64)
        learn(learner, 0, 3, "domain")
        with torch.no_grad():
            before = learner.method.generator([0, 1])
        learn(learner, 1, 6, "domain")
        with torch.no_grad():
            after = learner.method.generator([0, 1])
        moved[strength], learned[strength] = (after - before).norm(dim=1).tolist()
    assert moved[10.0] < 0.1 * moved[0.0]
    assert learned[10.0] > 5 * moved[10.0]


def test_the_generator_gets_the_gradient_of_the_weights_it_made() -> None:
    learner = started("hypernet", "domain", strength=0.5, chunk=64)
    learn(learner, 0, 1, "domain")
    hyper, task = learner.method, tasks("domain").tasks[1]
    learner.begin(1, task)
    with torch.no_grad():
        hyper.generator.write.bias += 0.01
    shown = Batch(torch.tensor(task.train.x), torch.tensor(task.train.y), torch.ones(48).long())
    hyper.extended(shown)
    given = torch.cat([w.detach().flatten() for w in learner.net.parameters()])
    torch.testing.assert_close(given, hyper.first + hyper.scale * hyper._made[0].detach())
    learner._trainer.gradients(learner.net, shown.x, lambda a: hyper.loss(a, shown))
    to_weights = torch.cat([w.grad.flatten() for w in learner.net.parameters()])
    made = hyper.generator([1, 0])
    loss = (made[0] * hyper.scale * to_weights).sum()
    loss = loss + 0.5 * ((made[1] - hyper.targets[0]) ** 2).sum()
    assert float(hyper.drift(made[1:]).detach()) > 0
    bias = hyper.generator.write.bias
    (expected,) = torch.autograd.grad(loss, bias)
    hyper.gradients(shown)
    torch.testing.assert_close(bias.grad, expected)
    assert all(w.grad is None for w in learner.net.parameters())


def test_later_chunks_depend_on_earlier_ones_alone() -> None:
    made = Generator(30, 2, 0, embedding=4, hidden=5, chunk=10)
    assert made([0, 1]).shape == (2, 30)
    before = made([0])[0].detach()
    with torch.no_grad():
        made.chunks[1] += 1
    after = made([0])[0].detach()
    assert torch.equal(after[:10], before[:10])
    assert (after[10:20] - before[10:20]).abs().max() > 1e-3
    assert (after[20:] - before[20:]).abs().max() > 1e-3
