"""The differentiable pass: all time steps at once, step by step, and the reference are equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import hebbgraph as hg
from hebbgraph.backend import discover

FOUND = discover()["snntorch"].availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import torch  # noqa: E402
from snntorch import surrogate  # noqa: E402

from hebbgraph.backends.snntorch.network import GraphNetwork  # noqa: E402
from hebbgraph.backends.snntorch.plan import stages  # noqa: E402
from hebbgraph.feed import encode_inputs  # noqa: E402
from tests.fuzz.engines import reference  # noqa: E402
from tests.fuzz.strategies import Case as Drawn  # noqa: E402
from tests.fuzz.strategies import cases  # noqa: E402
from tests.snntorch_backend.cases import Case, assert_same, forward, random_case, run  # noqa: E402
from tests.snntorch_backend.zoo import zoo  # noqa: E402


def lowered(graph: hg.Graph, **options: Any) -> GraphNetwork:
    with hg.compile(graph, "snntorch", **options) as program:
        network = program.artefact
    assert isinstance(network, GraphNetwork)
    return network


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_float_graphs_of_every_kind_equal_the_reference(seed: int, recurrent: bool) -> None:
    case = zoo(seed, recurrent=recurrent)
    expected = run(case, "reference")
    assert sum(raster.sum() for raster in expected.spikes.values()) > 100
    assert_same(run(case), expected, 1e-9)
    assert_same(forward(case), expected, 1e-9)
    assert_same(forward(case, stepwise=True), expected, 1e-9)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_fixed_graphs_of_every_kind_equal_the_reference_bit_for_bit(case: Drawn) -> None:
    expected = reference(case)
    network = lowered(case.graph)
    flat = case.graph.flat()
    _, emitted, steps = encode_inputs(flat, case.inputs, **case.run)
    # Sources that make their own data are Inputs of a lowered graph.
    data = {**emitted, **case.inputs}
    for stepwise in (False, True):
        got = _episodes(network, data, case, steps, stepwise=stepwise)
        for key, raster in expected.spikes.items():
            if key in got["spikes"]:
                np.testing.assert_array_equal(got["spikes"][key], raster.astype(float), key)
        for key, values in expected.states.items():
            if key in got["states"]:
                np.testing.assert_array_equal(got["states"][key], values, key)


def _episodes(
    network: GraphNetwork, data: Mapping[str, Any], case: Drawn, steps: int, *, stepwise: bool
) -> dict[str, dict[str, Any]]:
    """Run every episode after the other where weights learn, else all at once."""
    size = 1 if network.graph.plastic else case.episodes
    learned: Any = {}
    parts = []
    for first in range(0, case.episodes, size):
        tensors = {k: torch.tensor(np.array(v[first : first + size])) for k, v in data.items()}
        if not tensors:  # a graph without data runs one episode
            size = case.episodes
        number = case.first_episode + first
        out = network(tensors, steps, stepwise=stepwise, learned=learned, first_episode=number)
        learned = out.learned
        parts.append(out)
    return {
        kind: {key: torch.cat([getattr(p, kind)[key] for p in parts]).detach().numpy() for key in d}
        for kind, d in (("spikes", parts[0].spikes), ("states", parts[0].states))
    }


def gradients(network: GraphNetwork, case: Case, *, stepwise: bool) -> dict[str, torch.Tensor]:
    """Return the gradients of a loss over everything that is returned, by parameter and input."""
    _, data, steps = case
    tensors = {
        name: torch.tensor(values, dtype=network.like.dtype).requires_grad_()
        for name, values in data.items()
    }
    network.zero_grad()
    spikes, states = network(tensors, steps, stepwise=stepwise)
    weigh = torch.Generator().manual_seed(1)
    loss = torch.zeros((), dtype=network.like.dtype)
    for values in (*spikes.values(), *states.values()):
        loss = loss + (values * torch.rand(values.shape, generator=weigh)).sum()
    torch.autograd.backward(loss)
    found = {f"data {name}": values.grad for name, values in tensors.items()}
    found |= {name: parameter.grad for name, parameter in network.named_parameters()}
    return {name: torch.zeros(1) if g is None else g for name, g in found.items()}


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_gradients_of_every_kind_are_those_of_the_plain_loop(seed: int, recurrent: bool) -> None:
    case = zoo(seed, recurrent=recurrent)
    network = lowered(case[0], spike_grad="atan")
    whole = gradients(network, case, stepwise=False)
    loop = gradients(network, case, stepwise=True)
    assert sum(bool(g.any()) for g in whole.values()) > 10
    for name, expected in loop.items():
        scale = float(expected.abs().max()) + 1
        torch.testing.assert_close(whole[name], expected, rtol=1e-6, atol=1e-6 * scale, msg=name)


@pytest.mark.parametrize("spike_grad", ["atan", "fast_sigmoid", "straight_through", "triangular"])
def test_gradients_of_lif_networks_are_those_of_the_plain_loop(spike_grad: str) -> None:
    for seed in range(4):
        case = random_case("generic", seed)
        network = lowered(case[0], spike_grad=spike_grad)
        for neuron in ("a1", "a2", "a3"):  # everything that may be trained is
            for name in ("decay_u", "decay_v", "threshold"):
                getattr(network.node(neuron), name).requires_grad_()
        whole = gradients(network, case, stepwise=False)
        for name, expected in gradients(network, case, stepwise=True).items():
            scale = float(expected.abs().max()) + 1
            torch.testing.assert_close(whole[name], expected, rtol=1e-5, atol=1e-5 * scale)


def test_a_scan_trains_everything_that_a_step_does() -> None:
    graph = hg.Graph(
        "scan",
        {
            "x": hg.Input(5),
            "w": hg.Dense(np.random.default_rng(3).normal(0.4, 0.6, (4, 5))),
            "cell": hg.LIF(4, 0.4, [0.1, 0.5, 1, 0], 0.05, 0.6),
            "out": hg.LeakyIntegrator(4, 0.2),
        },
        [
            hg.Connection("x.out", "w.s", 2),
            hg.Connection("w.a", "cell.a", 1),
            hg.Connection("cell.s", "out.a", 1),
        ],
        [hg.Probe("cell.u"), hg.Probe("cell.v"), hg.Probe("out.out")],
    )
    data = {"x": np.random.default_rng(4).normal(0.5, 1, (3, 9, 5))}
    for own in (False, True):
        network = lowered(graph)
        cell, out = network.node("cell"), network.node("out")
        for tensor in (cell.decay_u, cell.decay_v, cell.threshold, out.decay):
            tensor.requires_grad_()
        trained = [cell.decay_u, cell.decay_v, cell.threshold, out.decay, *network.parameters()]
        if own:  # a spike function of the user's
            cell.spike_grad = surrogate.spike_rate_escape()
        found = []
        for stepwise in (False, True):
            for tensor in trained:
                tensor.grad = None
            gradients(network, (graph, data, 14), stepwise=stepwise)
            assert all(t.grad is not None and t.grad.any() for t in trained)
            found.append([t.grad for t in trained])
        for whole, loop in zip(*found, strict=True):
            torch.testing.assert_close(whole, loop, rtol=1e-6, atol=1e-6)


def test_a_graph_falls_into_stages() -> None:
    lif, dense = hg.LIF(2), hg.Dense(np.eye(2))
    graph = hg.Graph(
        "stages",
        {
            "x": hg.Input(2),
            "in_": dense,
            "a": lif,
            "loop": dense,
            "out": hg.Dense(np.eye(2), rule=hg.Rule("pre")),
            "back": hg.Transpose("out", 2, 2),
            "b": lif,
            "echo": lif,
        },
        [
            hg.Connection("x.out", "in_.s"),
            hg.Connection("in_.a", "a.a"),
            hg.Connection("a.s", "loop.s"),
            hg.Connection("loop.a", "a.a"),
            hg.Connection("a.s", "out.s"),
            hg.Connection("out.a", "b.a"),
            hg.Connection("b.s", "back.s"),
            hg.Connection("b.s", "echo.a"),
            hg.Connection("echo.s", "echo.a", 1),
        ],
    )
    found = {frozenset(stage.paths): stage.stepwise for stage in stages(graph)}
    assert found == {
        frozenset({"x"}): False,
        frozenset({"in_"}): False,
        frozenset({"a", "loop"}): True,
        frozenset({"out", "b", "back"}): True,
        frozenset({"echo"}): True,
    }
    order = [path for stage in stages(graph) for path in stage.paths]
    assert order.index("in_") < order.index("a") < order.index("out") < order.index("echo")
    plain = stages(random_case("whole", 0)[0])
    assert {path for stage in plain for path in stage.paths} == set(
        random_case("whole", 0)[0].order
    )
