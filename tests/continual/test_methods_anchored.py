"""Penalties on weights (EWC, SI) and distillation (LwF), against their equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from hebbgraph.continual import Labelled, Stream, permuted, split
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods import Batch
from hebbgraph.continual.spiking.settings import NetSettings


def samples(count: int = 24, seed: int = 0) -> Labelled:
    draws = np.random.default_rng(seed)
    y = np.arange(count) % 4
    return Labelled(np.eye(4, 8)[y] + 0.3 * draws.random((count, 8)), y)


def tasks(scenario: str) -> Stream:
    if scenario == "domain":
        return permuted(samples(), samples(), 2)
    return split(samples(), samples(), [(0, 1), (2, 3)], scenario)  # type: ignore[arg-type]


def started(name: str, scenario: str = "domain", trainer: str = "bptt", **options: Any) -> Any:
    settings = NetSettings(hidden=(10,), steps=4, batch=8, dtype="float64", trainer=trainer)
    learner = SpikingLearner(settings, name, options)
    learner.start(tasks(scenario), seed=1)
    return learner


def batch(count: int = 6, task: int = 1) -> Batch:
    found = samples(count, seed=5)
    return Batch(torch.tensor(found.x), torch.tensor(found.y) % 2, torch.full((count,), task))


def test_ewc_adds_lambda_fisher_times_the_way_from_the_anchor() -> None:
    learner = started("ewc", strength=7.0, stiffest=7.0)
    ewc, draws = learner.method, torch.Generator().manual_seed(0)
    expected = {}
    for name, w in ewc.weights.items():
        ewc.importance[name] = torch.rand(w.shape, generator=draws, dtype=w.dtype)
        ewc.anchor[name] = torch.rand(w.shape, generator=draws, dtype=w.dtype)
        w.grad = torch.rand(w.shape, generator=draws, dtype=w.dtype)
        way = w.detach().clone().requires_grad_()
        penalty = 7.0 / 2 * (ewc.importance[name] * (way - ewc.anchor[name]) ** 2).sum()
        penalty.backward()
        expected[name] = w.grad + way.grad
    ewc.gradients(batch())
    for name, w in ewc.weights.items():
        torch.testing.assert_close(w.grad, expected[name])


def test_a_penalty_is_no_stiffer_than_told() -> None:
    ewc = started("ewc", strength=100.0, stiffest=4.0).method
    for name, w in ewc.weights.items():
        ewc.importance[name] = torch.ones_like(w)
        ewc.anchor[name] = w.detach() - 0.5
        w.grad = torch.zeros_like(w)
    ewc.gradients(batch())
    for w in ewc.weights.values():
        torch.testing.assert_close(w.grad, torch.full_like(w, 2.0))


def test_the_fisher_information_is_that_of_a_softmax() -> None:
    # Without hidden units and with one step, log p is that of logistic regression, whose Fisher
    # information of w_ij is mean_n p_i (1 - p_i) x_j^2.
    settings = NetSettings(hidden=(), steps=1, batch=8, dtype="float64", trainer="bptt")
    learner = SpikingLearner(settings, "ewc", {"samples": 4000})
    many = samples(4000)
    stream = permuted(many, samples(), 1)
    learner.start(stream, seed=1)
    x = torch.tensor(many.x)
    chances = torch.softmax(learner.net(x), 1)
    expected = (chances * (1 - chances)).T @ x**2 / len(x)
    ewc: Any = learner.method
    (found,) = ewc.fisher(0, stream.tasks[0]).values()
    torch.testing.assert_close(found, expected, rtol=0.15, atol=0.002)


def test_old_fisher_information_decays_and_new_is_added() -> None:
    learner = started("ewc", decay=0.25, samples=3)
    ewc, task = learner.method, tasks("domain").tasks[0]
    ewc.end(0, task)
    first = {name: f.clone() for name, f in ewc.importance.items()}
    second = ewc.fisher(1, task)
    ewc.end(1, task)
    for name, total in ewc.importance.items():
        assert first[name].max() > 0
        torch.testing.assert_close(total, 0.25 * first[name] + second[name])


def test_the_path_integral_of_si_is_the_loss_that_went() -> None:
    learner = started("si", strength=0.5, damping=0.1)
    si = learner.method
    curves = {n: torch.linspace(0.5, 2, w.numel()).reshape(w.shape) for n, w in si.weights.items()}

    def loss() -> torch.Tensor:
        return torch.stack(
            [(curves[n] / 2 * (w - 1) ** 2).sum() for n, w in si.weights.items()]
        ).sum()

    start, optimiser = loss().item(), torch.optim.SGD(si.weights.values(), lr=0.005)
    for _ in range(200):
        optimiser.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        si.gradients(batch())
        optimiser.step()
        si.stepped(batch())
    path = sum(float(p.sum()) for p in si.path.values())
    assert path == pytest.approx(start - loss().item(), rel=0.01)
    name, w = next(iter(si.weights.items()))
    expected = (si.path[name] / ((w.detach() - si.anchor[name]) ** 2 + 0.1)).clamp(min=0)
    si.end(0, tasks("domain").tasks[0])
    torch.testing.assert_close(si.importance[name], expected)
    assert si.pull == 1.0
    assert all(not p.any() for p in si.path.values())


def test_the_path_leaves_the_penalty_out() -> None:
    si = started("si", strength=100.0, stiffest=1e3).method
    for name, w in si.weights.items():
        si.importance[name] = torch.ones_like(w)
        si.anchor[name] = w.detach() - 1
        w.grad = torch.full_like(w, 2.0)
    si.gradients(batch())
    with torch.no_grad():
        for w in si.weights.values():
            torch.testing.assert_close(w.grad, torch.full_like(w, 202.0))
            w -= 0.5
    si.stepped(batch())
    for path in si.path.values():
        torch.testing.assert_close(path, torch.full_like(path, 1.0))


@pytest.mark.parametrize("scenario", ["domain", "task", "class"])
def test_lwf_asks_the_frozen_network_about_old_columns(scenario: str) -> None:
    learner = started("lwf", scenario, strength=3.0, temperature=2.0)
    lwf, stream = learner.method, tasks(scenario)
    lwf.begin(1, stream.tasks[1])
    with torch.no_grad():
        for w in learner.net.parameters():
            w += 0.1
    shown = batch()
    lwf.extended(shown)
    currents = torch.randn(6, stream.outputs, generator=torch.Generator().manual_seed(1)).double()
    said = lwf.frozen(shown.x)
    assert not torch.allclose(said, learner.net(shown.x))
    columns = list(stream.tasks[0].classes)
    old = torch.softmax(said[:, columns] / 2, 1)
    wanted = (
        functional.kl_div(
            torch.log_softmax(currents[:, columns] / 2, 1), old, reduction="batchmean"
        )
        - (old * old.log()).sum(1).mean()
    )
    new = functional.cross_entropy(currents + lwf.setting.columns(shown.task), shown.y)
    torch.testing.assert_close(lwf.loss(currents, shown), new + 3 * 4 * wanted)
