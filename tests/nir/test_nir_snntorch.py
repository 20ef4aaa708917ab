"""Networks of snnTorch, written by its own export, and ours, read by its own import."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import nir as interchange
from tests.nir.oracle import nir
from tests.nir.running import outputs

torch: Any = pytest.importorskip("torch", reason="snnTorch needs torch")
snn: Any = pytest.importorskip("snntorch", reason="its networks need snnTorch")
pytest.importorskip("nirtorch", reason="snnTorch's NIR export needs nirtorch")

STEPS = 60


def leaky(units: int, beta: float, threshold: float = 1.0, **options: Any) -> Any:
    """Return Leaky with one parameter per unit, as the export wants it, and a reset to 0."""
    return snn.Leaky(
        beta=torch.full((units,), beta),
        threshold=torch.full((units,), threshold),
        reset_mechanism="zero",
        init_hidden=True,
        **options,
    )


def exported(net: Any, sample: Any) -> Any:
    """Return a network as snnTorch writes it, by way of a file."""
    from snntorch.export_nir import export_to_nir

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # snnTorch calls nirtorch's old name
        graph = export_to_nir(net, sample, ignore_dims=[0])
    file = io.BytesIO()
    nir.write(file, graph)
    return nir.read(file)


def spikes_of(net: Any, data: Any) -> Any:
    """Return what a network whose last layer returns (spikes, membrane) emits, (steps, units)."""
    for module in net.modules():
        if isinstance(module, snn.Leaky | snn.RLeaky | snn.Synaptic):
            module.reset_mem()
    with torch.no_grad():
        return np.array([net(x)[0][0].flatten().numpy() for x in data])


class Recurrent(torch.nn.Module):  # type: ignore[misc]
    """A layer that hears itself, and a readout."""

    def __init__(self, hidden: Any) -> None:
        super().__init__()
        self.fc1, self.lif1 = torch.nn.Linear(12, 20), hidden
        self.fc2, self.lif2 = torch.nn.Linear(20, 5), leaky(5, 0.8, 0.25, output=True)

    def forward(self, x: Any) -> Any:
        return self.lif2(self.fc2(self.lif1(self.fc1(x))))


def recurrent(all_to_all: bool) -> Any:
    return Recurrent(
        snn.RLeaky(
            beta=torch.full((20,), 0.9),
            threshold=torch.full((20,), 1.0),
            all_to_all=all_to_all,
            linear_features=20 if all_to_all else None,
            V=1.0 if all_to_all else torch.rand(20) - 0.5,
            reset_mechanism="zero",
            reset_delay=False,
            init_hidden=True,
        )
    )


def feed_forward() -> Any:
    return torch.nn.Sequential(
        torch.nn.Linear(12, 20),
        leaky(20, 0.9),
        torch.nn.Linear(20, 5, bias=False),
        leaky(5, 0.75, 0.5, output=True),
    )


def with_currents() -> Any:
    def synaptic(units: int, **options: Any) -> Any:
        return snn.Synaptic(
            alpha=torch.full((units,), 0.5),
            beta=torch.full((units,), 0.8),
            threshold=torch.full((units,), 1.0),
            reset_mechanism="zero",
            reset_delay=False,
            init_hidden=True,
            **options,
        )

    layers = [torch.nn.Linear(12, 20), synaptic(20), torch.nn.Linear(20, 5)]
    return torch.nn.Sequential(*layers, synaptic(5, output=True))


NETWORKS = {
    "feed-forward": (feed_forward, {"LIF", "Affine", "Linear"}),
    "currents": (with_currents, {"CubaLIF", "Affine"}),
    "recurrent": (lambda: recurrent(True), {"LIF", "Affine"}),
    "recurrent one to one": (lambda: recurrent(False), {"LIF", "Affine", "Linear"}),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_a_network_of_snntorch_gives_its_spikes_two_steps_later(name: str, seed: int) -> None:
    torch.manual_seed(seed)
    build, kinds = NETWORKS[name]
    net = build()
    data = 6 * (torch.rand(STEPS, 1, 12) < 0.4).float()
    graph = exported(net, data[0])
    assert {type(node).__name__ for node in graph.nodes.values()} == kinds | {"Input", "Output"}
    read, fidelity = interchange.from_nir(graph)
    assert fidelity.grade == "faithful"
    assert fidelity.shifts == {"output": 2}
    expected = spikes_of(net, data)
    got = outputs(read, fidelity, {"input": data[:, 0].numpy()}, STEPS)["output"]
    assert expected.any()
    assert np.array_equal(got, expected)


def test_a_convolutional_network_of_snntorch() -> None:
    torch.manual_seed(0)

    def images(*shape: int) -> Any:
        one = torch.ones(shape)
        options = {"reset_mechanism": "zero", "init_hidden": True}
        return snn.Leaky(beta=0.75 * one, threshold=0.5 * one, **options)

    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1),
        images(4, 6, 6),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(36, 5),
        leaky(5, 0.75, 0.25, output=True),
    )
    data = (torch.rand(STEPS, 1, 2, 6, 6) < 0.5).float()
    graph = exported(net, data[0])
    read, fidelity = interchange.from_nir(graph)
    assert fidelity.grade == "faithful"
    assert {type(p).__name__ for p in read.flat_processes.values()} >= {"Conv2d", "Sparse", "Dense"}
    expected = spikes_of(net, data)
    got = outputs(read, fidelity, {"input": data.reshape(STEPS, -1).numpy()}, STEPS)["output"]
    assert expected.any()
    assert np.array_equal(got, expected)


def test_snntorch_reads_what_we_write_and_gives_our_spikes_two_steps_earlier() -> None:
    from snntorch.import_nir import import_from_nir

    draw = np.random.default_rng(0)
    graph = hg.Graph(
        "ours",
        {
            "x": hg.Input(6, signal="spike"),
            "w1": hg.Dense(draw.integers(-2, 8, (8, 6)) / 8),
            "hidden": hg.LIF(8, decay_v=0.25),
            "w2": hg.Dense(draw.integers(-2, 8, (3, 8)) / 8),
            "out": hg.LIF(3, decay_v=0.5, threshold=0.75),
        },
        [
            *(hg.Connection("x.out", "w1.s"), hg.Connection("w1.a", "hidden.a")),
            *(hg.Connection("hidden.s", "w2.s"), hg.Connection("w2.a", "out.a")),
        ],
    )
    ours, fidelity = interchange.to_nir(graph)
    assert fidelity.shifts == {"out": 2}
    file = io.BytesIO()
    nir.write(file, ours)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints as it goes
        net = import_from_nir(nir.read(file))
    data = draw.random((STEPS, 6)) < 0.4
    state, theirs = None, []
    with torch.no_grad():
        for row in data:
            spikes, state = net(torch.tensor(row[np.newaxis], dtype=torch.float32), state)
            theirs.append(spikes[0].numpy())
    expected = hg.compile(graph).run({"x": data[np.newaxis]}, STEPS + 2).spikes["out"][0, 2:]
    assert expected.sum() > 20
    assert np.array_equal(theirs, expected)
