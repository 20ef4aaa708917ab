"""Gradients of single kinds: exact where a process is smooth, a surrogate where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.processes import Process

FOUND = discover()["snntorch"].availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from hebbgraph.backends.snntorch.network import GraphNetwork  # noqa: E402
from hebbgraph.backends.snntorch.surrogates import SURROGATES, asked  # noqa: E402

RNG = np.random.default_rng(8)
LIST = np.nonzero(RNG.random((600, 500)) < 0.005)

SMOOTH: dict[str, Process] = {
    "leaky": hg.LeakyIntegrator(4, [0, 0.3, 0.9, 1]),
    "graded": hg.Graded(4, 0.1, low=-50, high=50),
    "rectified": hg.Graded(4, [9, 9, 9, -9], low=0),
    "clipped": hg.Graded(4, [9, -9, 0.5, 30], low=-8, high=8),
    "polynomial": hg.Polynomial(4, [0.5, -1, 0.2, 0.1], 3.0),
    "exponential": hg.Exponential(4, 0.3),
    "sum": hg.Bus(2, 2, spread=True),
    "maximum": hg.Bus(4, operation="max"),
    "softmax": hg.Softmax(2, 2, beta=0.7),
    "changes": hg.SigmaDelta(4, 0.0, 0.3),
    "lif": hg.LIF(4, 0.3, 0.6, 0.1, 99),
    "dense": hg.Dense(RNG.normal(0, 1, (3, 4))),
    "late": hg.Dense(RNG.normal(0, 1, (3, 4)), delays=RNG.integers(0, 4, (3, 4))),
    "sparse": hg.Sparse(4, 3, [0, 1, 3], [2, 0, 2], [0.5, -1, 2], delays=[0, 2, 1]),
    "blocks": hg.BlockDense(RNG.normal(0, 1, (3, 2)), 2),
    "conv": hg.Conv2d(RNG.normal(0, 1, (2, 1, 2, 1)), (2, 2), padding=1, stride=(1, 2)),
}


def alone(process: Process, domain: Any = "float", gain: float = 1.0) -> GraphNetwork:
    """Return a network of one process between an Input and a readout of its output and states."""
    main = next(iter(process.inputs))
    port = next(iter(process.outputs))
    variables = {port, *process.states} if process.output.signal == "graded" else process.states
    graph = hg.Graph(
        "alone",
        {"x": hg.Input(process.inputs[main].size, gain=gain), "p": process},
        [hg.Connection("x.out", f"p.{main}")],
        [hg.Probe(f"p.{variable}") for variable in sorted(variables)],
        domain,
    )
    return lowered(graph)


def lowered(graph: hg.Graph, **options: Any) -> GraphNetwork:
    with hg.compile(graph, "snntorch", **options) as program:
        network = program.artefact
    assert isinstance(network, GraphNetwork)
    return network


@pytest.mark.parametrize("stepwise", [False, True])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_exact_where_a_process_is_smooth(name: str, stepwise: bool) -> None:
    network = alone(SMOOTH[name])
    size = network.graph.flat_processes["x"].output.size
    data = torch.tensor(np.random.default_rng(2).normal(0, 1, (2, 5, size))).requires_grad_()

    def states(data: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        found = network(data, 7, stepwise=stepwise)
        return tuple(found.states.values())

    assert torch.autograd.gradcheck(states, (data, *network.parameters()))


def test_a_long_list_of_synapses_is_no_matrix_and_has_the_gradients_of_one() -> None:
    post, pre = LIST
    weights = RNG.normal(0, 1, len(pre))
    listed = alone(hg.Sparse(500, 600, pre, post, weights))
    (_, weights_of_list), *_ = listed.node("p").matrices()
    assert weights_of_list.layout == torch.sparse_coo
    assert not listed.node("p").dense
    full = np.zeros((600, 500))
    full[post, pre] = weights
    matrix = alone(hg.Dense(full))
    data = torch.tensor(RNG.normal(0, 1, (2, 4, 500)))
    found = []
    for network in (listed, matrix):
        x = data.clone().requires_grad_()
        out = network(x, 6).states["p.a"]
        (out**2).sum().backward()
        assert x.grad is not None
        found.append((out, x.grad, network.node("p").weights.grad))
    (out, of_x, of_list), (expected, of_x_too, of_matrix) = found
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(of_x, of_x_too)
    torch.testing.assert_close(of_list, of_matrix[post, pre])


@pytest.mark.parametrize("name", SURROGATES)
def test_slopes_are_those_of_snntorch(name: str) -> None:
    surrogate = SURROGATES[name]
    x = torch.linspace(-1.5, 1.5, 301, dtype=torch.float64)
    grad = torch.rand(301, generator=torch.Generator().manual_seed(0)).double()
    expected = asked(surrogate, grad, x)
    assert expected.any()
    scaled = grad.clone()
    surrogate.scale(scaled, x.clone())
    torch.testing.assert_close(scaled, expected, rtol=1e-6, atol=1e-9)
    assert torch.equal(surrogate(x), (x > 0).float())


ROUGH: dict[str, tuple[Process, Process]] = {
    "lif": (hg.LIF(4, 0.5, 0.5, 0.1, 0.7), hg.LIF(4, 2000, 2000, 9, 40)),
    "resting": (hg.LIF(4, 1, 0, 0.1, 2, refractory=1), hg.LIF(4, 4095, 0, 9, 90, refractory=1)),
    "ternary": (hg.TernaryLIF(4, 1, 0.5), hg.TernaryLIF(4, 4095, 2000, 0, 40, -30)),
    "sign": (hg.Sign(4, 0.1), hg.Sign(4, 3)),
    "flips": (hg.Sign(4, integrates=True), hg.Sign(4, integrates=True)),
    "winners": (hg.WinnerTakeAll(4, k=2), hg.WinnerTakeAll(4, k=2, exponent=-3)),
    "cells": (hg.Dendrite(2, 2, 0.3), hg.Dendrite(2, 2, 5)),
    "count": (hg.Bus(4, operation="count"), hg.Bus(4, operation="count")),
    "changes": (hg.SigmaDelta(4, 0.5), hg.SigmaDelta(4, 9, exponent=1)),
    "integrator": (hg.LeakyIntegrator(4, 0.5), hg.LeakyIntegrator(4, 1000)),
    "graded": (hg.Graded(4, dead_zone=0.1), hg.Graded(4, exponent=-2)),
    "polynomial": (hg.Polynomial(4, [0, 1, 1]), hg.Polynomial(4, [0, 3, 1], 5, limit=400)),
    "exponential": (
        hg.Exponential(4),
        hg.Exponential(4, table=np.arange(64) ** 2, origin=-32, step=1),
    ),
    "softmax": (hg.Softmax(4), hg.Softmax(4, table=255 >> np.arange(8), step=2)),
    "dense": (hg.Dense(np.ones((2, 4))), hg.Dense(2 * np.ones((2, 4)), exponent=-2)),
    "conv": (hg.Conv2d(np.ones((1, 1, 2, 2)), (2, 2)), hg.Conv2d(np.ones((1, 1, 2, 2)), (2, 2))),
}


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("name", ROUGH)
def test_gradients_pass_every_kind_in_both_domains(name: str, domain: str) -> None:
    process = ROUGH[name][domain == "fixed"]
    network = alone(process, domain, gain=1 if domain == "float" else 20)
    data = torch.tensor(np.random.default_rng(5).normal(0, 1, (2, 6, 4))).requires_grad_()
    spikes, states = network(data, 9)
    emitted = next(iter([*spikes.values(), *states.values()]))
    weigh = torch.linspace(0.5, 1.5, emitted[0].numel(), dtype=torch.float64)
    (emitted * weigh.reshape(emitted.shape[1:])).sum().backward()
    assert data.grad is not None
    assert torch.isfinite(data.grad).all()
    assert data.grad.any()


def autoencoder(weights: Any) -> hg.Graph:
    """Return 6 -> 3 -> 6 graded units whose way back is the way there, transposed."""
    return hg.Graph(
        "tied",
        {
            "x": hg.Input(6),
            "w": hg.Dense(weights),
            "hidden": hg.Graded(3),
            "back": hg.Transpose("w", 3, 6),
            "out": hg.Graded(6),
        },
        [
            hg.Connection("x.out", "w.s"),
            hg.Connection("w.a", "hidden.a"),
            hg.Connection("hidden.out", "back.s"),
            hg.Connection("back.a", "out.a"),
        ],
        [hg.Probe("out.out")],
    )


def test_tied_synapses_train_one_parameter_from_both_ways() -> None:
    rng = np.random.default_rng(6)
    network = lowered(autoencoder(rng.normal(0, 0.3, (3, 6))))
    names = [name for name, _ in network.named_parameters()]
    assert names == ["hidden.bias", "out.bias", "w.weights"]
    assert network.node("back").tied is network.node("w")
    x = torch.tensor(rng.normal(0, 1, (40, 1, 3)) @ rng.normal(0, 1, (3, 6)))

    def loss() -> Tensor:
        error: Tensor = network(x, 3).states["out.out"][:, 2] - x[:, 0]
        return (error**2).mean()

    weights = network.node("w").weights
    with torch.no_grad():
        code = x[:, 0] @ weights.t()
        error = 2 * (code @ weights - x[:, 0]) / x[:, 0].numel()
        expected = (error @ weights.t()).t() @ x[:, 0] + code.t() @ error
    first = loss()
    torch.autograd.backward(first)
    torch.testing.assert_close(weights.grad, expected)
    for _ in range(300):
        network.zero_grad()
        torch.autograd.backward(loss())
        for parameter in network.parameters():
            assert parameter.grad is not None
            parameter.data -= 0.02 * parameter.grad
    assert loss().item() < 0.01 * first.item()
    twin = lowered(autoencoder(np.zeros((3, 6))))
    twin.load_state_dict(network.state_dict())
    torch.testing.assert_close(twin(x, 3).states["out.out"], network(x, 3).states["out.out"])
