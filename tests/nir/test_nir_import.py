"""from_nir: each node of files that hebbgraph did not write, and how well it is read."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import nir as interchange
from tests.nir import oracle
from tests.nir.oracle import nir
from tests.nir.running import outputs

DT = 2.0**-13


def chain(*nodes: Any, shape: tuple[int, ...] = (3,)) -> Any:
    """Return nodes one after the other between an Input and an Output."""
    named = {"input": nir.Input({"input": np.array(shape)})}
    named |= {f"n{k}": node for k, node in enumerate(nodes)}
    named["output"] = nir.Output({"output": None})
    order = list(named)
    return nir.NIRGraph(named, list(itertools.pairwise(order)))


def lif(**changes: Any) -> Any:
    given = {
        "tau": np.full(3, 4 * DT),
        "r": np.full(3, 4.0),
        "v_leak": np.zeros(3),
        "v_threshold": np.full(3, 1.25),
        "v_reset": np.zeros(3),
    }
    return nir.LIF(**{**given, **changes})


def agrees(graph: Any, steps: int = 12, dt: float = DT, **options: Any) -> interchange.Fidelity:
    """Hold what is read to the program that runs NIR by the letter."""
    shape = tuple(int(side) for side in next(iter(graph.input_type.values())))
    data = np.random.default_rng(0).integers(0, 3, (steps, *shape)).astype(float)
    read, fidelity = interchange.from_nir(graph, dt, **options)
    expected = oracle.run(graph, dt, {"input": data}, steps)
    got = outputs(read, fidelity, {"input": data.reshape(steps, -1)}, steps)
    assert got.keys() == {n for n, node in graph.nodes.items() if type(node).__name__ == "Output"}
    for node, values in got.items():
        assert values.any(), node
        np.testing.assert_allclose(values, expected[node], 1e-12, 1e-12, err_msg=node)
    return fidelity


def test_a_linear_layer_takes_one_step_more() -> None:
    fidelity = agrees(chain(nir.Linear(weight=np.arange(9.0).reshape(3, 3) / 8), lif()))
    assert fidelity.shifts == {"output": 1}
    assert fidelity.grade == "faithful"
    twice = [nir.Linear(weight=np.full((3, 3), 0.5)), lif()] * 2
    assert agrees(chain(*twice)).shifts == {"output": 2}


def test_neurons_alone_are_in_step() -> None:
    assert agrees(chain(lif())).shifts == {"output": 0}


def test_a_gain_goes_into_thresholds_and_leaves_weights_alone() -> None:
    graph = chain(nir.Linear(weight=np.full((3, 3), 0.5)), lif(r=np.array([1.0, 2.0, 16.0])))
    fidelity = agrees(graph)
    read, _ = interchange.from_nir(graph, DT)
    unit: Any = read.flat_processes["n1"]
    assert unit.threshold.tolist() == [5.0, 2.5, 0.3125]
    assert np.array_equal(read.flat_processes["n0"].matrix(), np.full((3, 3), 0.5))
    assert "0.25 to 4" in fidelity.entries[2].remark or "0.25 to 4" in fidelity.entries[1].remark


def test_a_negative_gain_goes_into_the_weights() -> None:
    graph = chain(nir.Linear(weight=-np.ones((3, 3))), lif(r=np.full(3, -4.0)))
    agrees(graph)
    read, _ = interchange.from_nir(graph, DT)
    assert np.array_equal(read.flat_processes["n0"].matrix(), np.ones((3, 3)))


def test_biases_start_with_the_first_input() -> None:
    layers = [nir.Affine(weight=np.full((3, 3), 0.25), bias=np.array([0.25, 0, 0.5])), lif()] * 3
    fidelity = agrees(chain(*layers), steps=20)
    read, _ = interchange.from_nir(chain(*layers), DT)
    assert {path: clock.windows for path, clock in read.of_kind(hg.Clock).items()} == {
        f"start{k}": ((k, 2**31 - 1),) for k in (1, 2, 3)
    }
    assert fidelity.grade == "faithful"
    # Written again, the clocks are understood: no Delay holds anything back.
    exported, again = interchange.to_nir(read, DT)
    assert not any(type(node).__name__ == "Delay" for node in exported.nodes.values())
    assert again.shifts == {"n5": 3}
    exported.metadata = {}
    assert agrees(exported, steps=20).shifts == {"output": 3}


def test_leaks_and_biases_of_every_neuron() -> None:
    leak = np.array([0.5, 0, 1.0])
    filters = {"tau_syn": np.full(3, 2 * DT), "tau_mem": np.full(3, 4 * DT)}
    agrees(chain(nir.Linear(weight=np.eye(3)[::-1]), lif(v_leak=leak)))
    cuba = nir.CubaLI(**filters, r=np.full(3, 3.0), v_leak=leak, w_in=np.full(3, 0.5))
    assert agrees(chain(nir.Linear(weight=np.eye(3)[::-1]), cuba)).shifts == {"output": 1}
    affine = nir.Affine(weight=np.ones((3, 3)), bias=leak)
    fires = {"v_threshold": np.full(3, 1.5), "v_leak": leak, "r": np.full(3, 4.0)}
    agrees(chain(affine, nir.CubaLIF(**filters, **fires, w_in=np.full(3, 2.0))))


def test_a_reset_to_another_voltage_is_approximate() -> None:
    reset = lif(v_reset=np.array([0.5, 0.25, 0]), r=np.full(3, 2.0))
    graph = chain(nir.Linear(weight=np.eye(3)[::-1]), reset)
    with pytest.raises(interchange.Lossy, match="v_reset"):
        interchange.from_nir(graph, DT)
    read, fidelity = interchange.from_nir(graph, DT, lossy=True)
    assert fidelity.grade == "approximate"
    assert any("v_reset" in note for note in read.notes)
    # After its first spike a unit is where it would be.
    data = np.random.default_rng(3).integers(0, 3, (40, 3)).astype(float)
    expected = oracle.run(graph, DT, {"input": data}, 40)["output"]
    got = outputs(read, fidelity, {"input": data}, 40)["output"]
    assert expected[:, 2].sum() > 3
    assert np.array_equal(got[:, 2], expected[:, 2])


def test_a_step_longer_than_a_time_constant_is_refused() -> None:
    with pytest.raises(interchange.Lossy, match=r"use dt=0.00048828125|use dt=0.000488281"):
        interchange.from_nir(chain(lif()), 0.01, lossy=True)


def test_single_precision_is_taken_for_what_it_means() -> None:
    tau = (1e-4 / (1 - np.array([0.9, 0.5, 0.75], np.float32))).astype(np.float32)
    node = lif(tau=tau, r=(tau / 1e-4).astype(np.float32))
    unit: Any = interchange.from_nir(chain(node), 1e-4)[0].flat_processes["n0"]
    assert unit.threshold.tolist() == [1.25] * 3  # a gain of 1
    assert unit.decay_v[1:].tolist() == [0.5, 0.25]
    short = lif(tau=np.full(3, 1e-4, np.float32), r=np.ones(3, np.float32))
    unit = interchange.from_nir(chain(short), 1e-4)[0].flat_processes["n0"]
    assert unit.decay_v.tolist() == [1.0] * 3  # though dt / tau is above 1


def test_one_parameter_stands_for_all_units() -> None:
    one = {"v_leak": np.zeros(1), "v_threshold": np.ones(1), "v_reset": np.zeros(1)}
    node = nir.LIF(tau=np.full(1, 2 * DT), r=np.full(1, 2.0), **one)
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "w": nir.Linear(weight=np.ones((3, 3))),
            "lif": node,
            "output": nir.Output({"output": np.array([3])}),
        },
        [("input", "w"), ("w", "lif"), ("lif", "output")],
        type_check=False,
    )
    assert interchange.from_nir(graph, DT)[0].flat_processes["lif"].output.size == 3


def test_delays_of_whole_steps_and_others() -> None:
    late = nir.Delay(delay=np.full(3, 3 * DT))
    assert agrees(chain(lif(), late, nir.Linear(weight=np.ones((3, 3))))).shifts == {"output": 0}
    each = nir.Delay(delay=np.array([1, 2, 5]) * DT)
    assert agrees(chain(lif(), each, nir.Linear(weight=np.ones((3, 3))))).shifts == {"output": 1}
    far = nir.Delay(delay=np.full(3, 150 * DT))
    fidelity = agrees(chain(lif(), far, nir.Linear(weight=np.ones((3, 3)))), steps=170)
    assert fidelity.grade == "faithful"
    odd = chain(lif(), nir.Delay(delay=np.full(3, 2.4 * DT)))
    with pytest.raises(interchange.Lossy, match="rounded to whole steps"):
        interchange.from_nir(odd, DT)
    assert interchange.from_nir(odd, DT, lossy=True)[1].grade == "approximate"


def test_scales_identities_and_thresholds() -> None:
    scale = nir.Scale(scale=np.array([2.0, 0.5, 3.0]))
    first, _ = interchange.from_nir(chain(scale, lif()), DT)
    assert first.of_kind(hg.Input)["input"].gain.tolist() == [2, 0.5, 3]
    agrees(chain(scale, lif()))
    agrees(chain(lif(), scale, nir.Linear(weight=np.ones((3, 3)))))
    fidelity = agrees(chain(nir.Linear(weight=np.eye(3)), nir.Threshold(threshold=np.ones(3))))
    assert fidelity.shifts == {"output": 0}
    agrees(chain(nir.Affine(weight=np.eye(3), bias=np.ones(3)), lif()))


def test_convolutions_pools_and_flatten() -> None:
    draw = np.random.default_rng(1).integers(-2, 3, (4, 2, 3, 3)).astype(float)
    options = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1, "input_shape": (6, 6)}
    conv = nir.Conv2d(weight=draw, bias=np.array([0, 0.5, 1, -1]), **options)
    images = nir.IF(r=np.full((4, 6, 6), 1 / DT), v_threshold=np.full((4, 6, 6), 3.0))
    two = {"kernel_size": np.array([2, 2]), "stride": np.array([2, 2]), "padding": np.zeros(2, int)}
    flat = nir.Flatten(input_type=None, start_dim=0, end_dim=-1)
    for pool in (nir.SumPool2d(**two), nir.AvgPool2d(**two)):
        graph = chain(
            conv, images, pool, flat, nir.Linear(weight=np.ones((2, 36))), shape=(2, 6, 6)
        )
        fidelity = agrees(graph)
        assert fidelity.shifts == {"output": 3}
        assert fidelity.entries[1].became.startswith("Conv2d n0")


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kind", ["groups", "dilation", "same", "conv1d"])
def test_convolutions_that_we_have_as_lists_of_synapses(kind: str) -> None:
    torch = pytest.importorskip("torch")
    draw = np.random.default_rng(2)
    shape: tuple[int, ...] = (2, 7) if kind == "conv1d" else (2, 5, 6)
    kernel = (4, 2, 4) if kind == "conv1d" else (4, 1 if kind == "groups" else 2, 3, 2)
    options = {
        "stride": 2 if kind in ("groups", "conv1d") else 1,
        "padding": "same" if kind == "same" else 1,
        "dilation": 2 if kind == "dilation" else 1,
        "groups": 2 if kind == "groups" else 1,
    }
    weight, bias = draw.integers(-2, 3, kernel).astype(float), draw.integers(0, 2, 4).astype(float)
    sides = shape[1] if kind == "conv1d" else shape[1:]
    make = nir.Conv1d if kind == "conv1d" else nir.Conv2d
    node = make(input_shape=sides, weight=weight, bias=bias, **options)
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array(shape)}),
            "conv": node,
            "output": nir.Output({"output": None}),
        },
        [("input", "conv"), ("conv", "output")],
        type_check=False,
    )
    read, fidelity = interchange.from_nir(graph, DT)
    data = draw.integers(0, 3, (5, *shape)).astype(float)
    torch_form: Any = getattr(torch.nn.functional, "conv1d" if kind == "conv1d" else "conv2d")
    expected = torch_form(*map(torch.from_numpy, (data, weight, bias)), **options).numpy()
    got = outputs(read, fidelity, {"input": data.reshape(5, -1)}, 5)["output"]
    assert np.array_equal(got, expected.reshape(5, -1))


def test_subgraphs_and_cycles() -> None:
    inner = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "lif": lif(),
            "w_rec": nir.Linear(weight=np.array([[0, 0.5, 0], [0, 0, 1], [-0.5, 0, 0]])),
            "output": nir.Output({"output": np.array([3])}),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    graph = chain(nir.Linear(weight=np.full((3, 3), 0.25)), inner)
    fidelity = agrees(graph, steps=30)
    assert fidelity.shifts == {"output": 1}
    read, _ = interchange.from_nir(graph, DT)
    assert {"n1.lif", "n1.w_rec"} <= set(read.flat_processes)


def test_a_cycle_with_more_synapses_than_steps_is_approximate() -> None:
    weights = nir.Linear(weight=np.full((3, 3), 0.25))
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "one": lif(),
            "two": lif(),
            "there": weights,
            "back": weights,
            "output": nir.Output({"output": np.array([3])}),
        },
        [
            *(("input", "one"), ("one", "there"), ("there", "two"), ("two", "back")),
            *(("back", "one"), ("two", "output")),
        ],
    )
    with pytest.raises(interchange.Lossy) as raised:
        interchange.from_nir(graph, DT)
    assert {fault.where for fault in raised.value.faults} == {"one", "two", "there", "back"}
    read, _ = interchange.from_nir(graph, DT, lossy=True)
    delays = {c.target: c.delay for c in read.flat_connections}
    assert delays["there.s"] == delays["back.s"] == 1
    # A Delay of two steps makes room for both synapses.
    late = {**graph.nodes, "late": nir.Delay(delay=np.full(3, 2 * DT))}
    edges = [e for e in graph.edges if e != ("back", "one")]
    agrees(nir.NIRGraph(late, [*edges, ("back", "late"), ("late", "one")]), steps=30)


def test_outputs_that_sum_or_wait_become_units() -> None:
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "a": lif(),
            "b": lif(r=np.ones(3)),
            "w": nir.Linear(weight=np.ones((3, 3))),
            "late": nir.Delay(delay=np.full(3, DT)),
            "output": nir.Output({"output": np.array([3])}),
        },
        [
            *(("input", "a"), ("input", "w"), ("w", "b"), ("a", "output"), ("b", "late")),
            ("late", "output"),
        ],
    )
    agrees(graph)


def test_equal_ways_add_up() -> None:
    wire = nir.Scale(scale=np.ones(3))
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "w": nir.Linear(weight=np.full((3, 3), 0.25)),
            "one": wire,
            "two": wire,
            "lif": lif(),
            "output": nir.Output({"output": np.array([3])}),
        },
        [
            *(("input", "w"), ("w", "one"), ("w", "two"), ("w", "lif"), ("one", "lif")),
            *(("two", "lif"), ("lif", "output")),
        ],
    )
    agrees(graph)


def test_names_become_identifiers() -> None:
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "0": nir.Linear(weight=np.ones((3, 3))),
            "lambda": lif(),
            "out-1": nir.Output({"output": np.array([3])}),
        },
        [("input", "0"), ("0", "lambda"), ("lambda", "out-1")],
    )
    read, fidelity = interchange.from_nir(graph, DT, name="odd names")
    assert list(read.flat_processes) == ["linear_0", "input", "lif_lambda"]
    assert fidelity.shifts == {"out-1": 1}
    assert read.name == "odd names"


def test_edges_that_lead_nowhere_are_named() -> None:
    graph = nir.NIRGraph(
        {"input": nir.Input({"input": np.array([3])}), "lif": lif()},
        [("input", "lif"), ("lif", "gone"), ("input", "lif")],
        type_check=False,
    )
    with pytest.raises(hg.Invalid) as raised:
        interchange.from_nir(graph, DT)
    assert "edge lif -> gone" in str(raised.value)
    assert "the same edge twice" in str(raised.value)


def test_weights_of_more_dimensions_are_unsupported_and_assessed() -> None:
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2, 3])}),
            "w": nir.Linear(weight=np.ones((2, 3, 3))),
            "output": nir.Output({"output": np.array([2, 3])}),
        },
        [("input", "w"), ("w", "output")],
        type_check=False,
    )
    fidelity = interchange.assessed(graph, DT)
    assert fidelity.grade == "unsupported"
    with pytest.raises(interchange.Lossy, match="3 dimensions"):
        interchange.from_nir(graph, DT, lossy=True)


def test_other_things_are_no_nir_graphs() -> None:
    with pytest.raises(hg.Invalid, match=r"nir\.NIRGraph"):
        interchange.from_nir({"nodes": {}})
