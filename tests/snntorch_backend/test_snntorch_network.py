"""The lowered graph as a torch module: names, gradients, neurons."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover

BACKEND = discover()["snntorch"]
FOUND = BACKEND.availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import snntorch  # noqa: E402
import torch  # noqa: E402

from hebbgraph.backends.snntorch.network import GraphNetwork  # noqa: E402
from hebbgraph.backends.snntorch.parts.neurons import LIFNeuron, SignNeuron  # noqa: E402
from tests.snntorch_backend.zoo import zoo  # noqa: E402


def layered(domain: Any = "float") -> hg.Graph:
    """Return a graph with a nested part and names that nn.Module uses for itself."""
    fixed = domain == "fixed"
    rng = np.random.default_rng(5)

    def weights(post: int, pre: int) -> Any:
        values = rng.normal(0.4, 0.5, (post, pre))
        return hg.Dense(2 * np.rint(20 * values) if fixed else values)

    def cell(size: int) -> hg.LIF:
        return hg.LIF(size, 2000, 300, 5, 40) if fixed else hg.LIF(size, 0.5, 0.1, 0.05, 1.0)

    layer = hg.Graph(
        "layer",
        {"memory": cell(6), "train": weights(6, 6)},
        [hg.Connection("memory.s", "train.s"), hg.Connection("train.a", "memory.a")],
        domain=domain,
    )
    return hg.Graph(
        "layered",
        {"x": hg.Input(4), "w": weights(6, 4), "layer1": layer, "forward": cell(6)},
        [
            hg.Connection("x.out", "w.s"),
            hg.Connection("w.a", "layer1.memory.a"),
            hg.Connection("layer1.memory.s", "forward.a"),
        ],
        [hg.Probe("layer1.memory.v")],
        domain,
    )


def lowered(graph: hg.Graph, **options: Any) -> GraphNetwork:
    with hg.compile(graph, "snntorch", **options) as program:
        network = program.artefact
    assert isinstance(network, GraphNetwork)
    return network


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_state_dict_keys_are_the_paths_of_the_parameters(domain: str) -> None:
    graph = layered(domain)
    values = {
        f"{path}.{name}": np.asarray(getattr(process, name))
        for path, process in graph.walk()
        for name in process.PARAMETERS
    }
    network = lowered(graph)
    assert set(network.state_dict()) == set(values)
    assert {"layer1.memory.bias", "layer1.train.weights", "forward.threshold"} < set(values)
    for key, tensor in network.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), values[key])
    tensors = {key: torch.tensor(value) + 1 for key, value in values.items()}
    network.load_state_dict(tensors, strict=True)
    np.testing.assert_array_equal(
        network.state_dict()["layer1.memory.bias"].numpy(), values["layer1.memory.bias"] + 1
    )
    trained = {name for name, _ in network.named_parameters()}
    kinds = ("bias", "weights") if domain == "float" else ()
    assert trained == {key for key in values if key.endswith(kinds)}


@pytest.mark.parametrize("recurrent", [False, True])
def test_state_dict_keys_are_the_paths_of_the_parameters_of_every_kind(recurrent: bool) -> None:
    graph, data, steps = zoo(3, recurrent=recurrent)
    network = lowered(graph)
    keys = {f"{path}.{n}" for path, process in graph.walk() for n in process.PARAMETERS}
    assert set(network.state_dict()) == keys
    trained = {name for name, _ in network.named_parameters()}
    assert trained == {key for key in keys if key.endswith(("bias", "weights"))}
    tensors = {name: torch.tensor(values) for name, values in data.items()}
    spikes, states = network(tensors, steps)
    twin = lowered(graph)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1)
    assert not torch.equal(twin(tensors, steps).states["leaky.x"], states["leaky.x"])
    twin.load_state_dict(network.state_dict())
    again = twin(tensors, steps)
    assert all(torch.equal(again.spikes[path], s) for path, s in spikes.items())
    assert all(torch.equal(again.states[target], s) for target, s in states.items())


def test_a_deep_copy_keeps_what_is_tied() -> None:
    network = lowered(zoo(0, recurrent=True)[0])
    twin = copy.deepcopy(network)
    assert twin.node("back").tied is twin.node("dense")
    assert twin.node("dense") is not network.node("dense")
    assert network.node("back").tied is network.node("dense")
    assert twin.graph is network.graph


def test_forward_takes_one_tensor_where_there_is_one_input() -> None:
    network = lowered(layered())
    data = torch.full((3, 10, 4), 2.0)
    spikes, states = network(data, steps=12)
    named = network({"x": data}, steps=12)
    assert spikes["forward"].shape == (3, 12, 6)
    assert set(states) == {"layer1.memory.v"}
    assert torch.equal(spikes["forward"], named.spikes["forward"])
    assert spikes["forward"].sum() > 0


@pytest.mark.parametrize("spike_grad", BACKEND.capability.options["spike_grad"].choices)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_gradient_step_reaches_every_parameter(spike_grad: str, dtype: str) -> None:
    network = lowered(layered(), spike_grad=spike_grad, dtype=dtype)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    spikes, states = network(torch.full((2, 12, 4), 0.5))
    (spikes["forward"].sum() + (states["layer1.memory.v"] ** 2).sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        parameter.data -= 0.01 * parameter.grad  # (importing torch.optim takes seconds)
    changed = {name for name, v in network.state_dict().items() if not torch.equal(v, before[name])}
    assert changed == {name for name, _ in network.named_parameters()}


def test_gradients_are_exact_where_nothing_spikes() -> None:
    graph = hg.Graph(
        "one",
        {
            "x": hg.Input(3, gain=2),
            "w": hg.Dense(np.eye(2, 3)),
            "cell": hg.LIF(2, 0.3, 0.4, 0.1, 99),
        },
        [hg.Connection("x.out", "w.s", 2), hg.Connection("w.a", "cell.a", 1)],
        [hg.Probe("cell.v")],
    )
    network = lowered(graph)
    data = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(2, 4, 3).requires_grad_()

    def voltage(data: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        v: torch.Tensor = network(data, 8).states["cell.v"]
        return v

    assert torch.autograd.gradcheck(voltage, (data, *network.parameters()))


def test_gradients_pass_the_rounding_of_the_fixed_domain() -> None:
    network = lowered(layered("fixed"))
    weights = network.node("layer1.train").weights
    assert isinstance(weights, torch.Tensor)
    weights.requires_grad_()
    data = torch.full((1, 12, 4), 3.0, dtype=torch.float64, requires_grad=True)
    spikes, states = network(data)
    (spikes["forward"].sum() + states["layer1.memory.v"].sum()).backward()
    for tensor in (weights, data):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0


def test_what_a_user_changes_in_the_artefact_runs() -> None:
    graph = layered()
    data = {"x": np.full((2, 10, 4), 2.0)}
    with hg.compile(graph, "snntorch") as program:
        assert program.run(data).spikes["layer1.memory"].any()
        with torch.no_grad():
            program.artefact.node("w").weights.zero_()
            program.artefact.node("layer1.memory").bias.fill_(-1)
        assert not program.run(data).spikes["layer1.memory"].any()


def test_a_deep_copy_is_independent() -> None:
    network = lowered(layered())
    twin = copy.deepcopy(network)
    data = torch.full((2, 10, 4), 2.0)
    before = network(data).spikes["forward"]
    assert torch.equal(twin(data).spikes["forward"], before)
    twin.load_state_dict({**twin.state_dict(), "w.weights": torch.zeros(6, 4)})
    assert torch.equal(network(data).spikes["forward"], before)
    assert not torch.equal(twin(data).spikes["forward"], before)


def test_the_float_neuron_is_synaptic_without_its_late_reset() -> None:
    ours = LIFNeuron(hg.LIF(5, 0.3, 0.2, 0.0, 1.0), "float", torch.float32)
    twin = snntorch.Synaptic(
        alpha=0.7, beta=0.8, threshold=1.0, reset_mechanism="zero", reset_delay=False
    )
    inputs = torch.randn(200, 2, 5, generator=torch.Generator().manual_seed(1))
    state: Any = (None, None)
    theirs: Any = twin.reset_mem()
    fired = 0
    for a in inputs:
        s, *state = ours(a, *state)
        spike, *theirs = twin(a, *theirs)
        assert torch.equal(s, spike)
        fired += int(s.sum())
    assert fired > 100


@pytest.mark.parametrize("output", [False, True])
def test_a_neuron_can_keep_its_states(output: bool) -> None:
    process = hg.LIF(4, 2000, 500, 30, 3, bias_exponent=2)
    kept = LIFNeuron(process, "fixed", init_hidden=True, output=output)
    given = LIFNeuron(process, "fixed")
    state: Any = (None, None)
    for _ in range(2):
        for a in torch.arange(40.0, dtype=torch.float64).reshape(5, 2, 4):
            s, *state = given(a, *state)
            emitted = kept(a)
            assert torch.equal(emitted[0] if output else emitted, s)
            assert torch.equal(kept.v, state[1])
        assert kept.u.any()
        u, v = kept.reset_mem()
        assert not u.any()
        assert not v.any()
        state = (None, None)
    with pytest.raises(TypeError, match="keeps u and v itself"):
        kept(a, u, v)


def test_states_and_ports_may_be_given_by_name() -> None:
    neuron = LIFNeuron(hg.LIF(3, 0.5, 0.5, 0.1, 1, refractory=1, when_off="hold"))
    assert neuron.registers == ("u", "v", "r", "s")
    a = torch.tensor([[0.5, 2.0, 2.0]], dtype=torch.float64)
    on = torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)
    s, u, v, r, held = neuron(a, v=a / 2, n=-a / 4, on=on)
    assert s.tolist() == [[0, 1, 0]]
    torch.testing.assert_close(v, torch.tensor([[0.725, 0, 1.0]], dtype=torch.float64))
    torch.testing.assert_close(u, torch.tensor([[0.5, 2.0, 0]], dtype=torch.float64))
    assert r.tolist() == [[0, 1, 0]]
    again, *_ = neuron(a, u, v, r, held, on=torch.zeros_like(on))
    assert torch.equal(again, held)
    signs = SignNeuron(hg.Sign(3), init_hidden=True)
    assert signs(a - 1, set=torch.tensor([[0.0, -1, 0]])).tolist() == [[-1, -1, 1]]
    assert signs.sigma.tolist() == [[-1, -1, 1]]
    with pytest.raises(TypeError, match="keeps h and sigma itself"):
        signs(a, sigma=a)


def test_neurons_do_not_outlive_their_network() -> None:
    before = len(snntorch.SpikingNeuron.instances)
    network = lowered(layered())
    reference = weakref.ref(network.node("forward"))
    assert len(snntorch.SpikingNeuron.instances) == before
    del network
    gc.collect()
    assert reference() is None


def test_the_network_prints_its_structure() -> None:
    text = str(lowered(layered()))
    assert "(layer1): Module(" in text
    assert "(memory): LIFNeuron(6)" in text
    assert "(w): DenseSynapses(4 -> 6)" in text


def test_forward_names_every_fault_of_its_inputs() -> None:
    two = hg.Graph(
        "two",
        {"x": hg.Input(4), "y": hg.Input(3), "z": hg.Input(2), "cell": hg.LIF(2)},
        [hg.Connection("z.out", "cell.a")],
    )
    network = lowered(two)
    with pytest.raises(hg.Invalid, match="must name the Inputs: x, y, z"):
        network(torch.zeros(1, 2, 4))
    with pytest.raises(hg.Invalid) as error:
        network({"x": torch.zeros(1, 2, 5), "y": torch.zeros(2, 3), "nobody": torch.zeros(1)})
    faults = [fault.where for fault in error.value.faults]
    assert faults == ["inputs['nobody']", "inputs['x']", "inputs['y']", "inputs['z']"]
    sizes = {"x": torch.zeros(1, 2, 4), "y": torch.zeros(2, 2, 3), "z": torch.zeros(1, 2, 2)}
    with pytest.raises(hg.Invalid, match="same number of episodes"):
        network(sizes)
