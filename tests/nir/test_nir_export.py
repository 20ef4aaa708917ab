"""to_nir: what each kind becomes, what NIR cannot hold, and what is said about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import nir as interchange
from hebbgraph.passes.quantise import quantise
from tests.conformance.scenarios import SCENARIOS
from tests.nir import oracle
from tests.nir.oracle import nir

DT = 2.0**-13


def network(unit: Any, *wires: tuple[Any, ...], port: str = "a", **others: Any) -> hg.Graph:
    """Return one population driven by an Input, and what else is named."""
    size = unit.inputs[port].size
    processes = {"drive": hg.Input(size), "unit": unit, **others}
    connections = [hg.Connection("drive.out", f"unit.{port}"), *(hg.Connection(*w) for w in wires)]
    return hg.Graph("one", processes, connections)


def node_of(unit: Any, name: str = "unit") -> Any:
    return interchange.to_nir(network(unit), DT)[0].nodes[name]


def names(graph: hg.Graph) -> list[str]:
    return [type(node).__name__ for node in interchange.to_nir(graph, DT)[0].nodes.values()]


def test_a_leaky_unit_with_a_current_becomes_cubalif() -> None:
    node = node_of(hg.LIF(2, decay_u=[0.25, 0.5], decay_v=[0.5, 0.125], bias=0.25, threshold=3))
    assert isinstance(node, nir.CubaLIF)
    for name, values in {
        "tau_syn": [4 * DT, 2 * DT],
        "w_in": [4, 2],
        "tau_mem": [2 * DT, 8 * DT],
        "r": [2, 8],
        "v_leak": [0.5, 2],
        "v_threshold": [3, 3],
        "v_reset": [0, 0],
    }.items():
        assert getattr(node, name).tolist() == values, name


@pytest.mark.parametrize(
    ("unit", "chain"),
    [
        (hg.LIF(2), ["LIF"]),
        (hg.LIF(2, decay_u=1, decay_v=0.5, bias=1), ["LIF"]),
        (hg.LIF(2, decay_u=0.5, decay_v=0), ["LI", "IF"]),
        (hg.LIF(2, decay_u=0, decay_v=0.5), ["I", "LIF"]),
        (hg.LIF(2, decay_u=1, decay_v=0), ["IF"]),
        (hg.LIF(2, decay_u=1, decay_v=0, bias=1), ["Affine", "IF"]),
        (hg.LeakyIntegrator(2, decay=0.5), ["LI"]),
        (hg.LeakyIntegrator(2), ["I"]),
        (hg.Graded(2), ["Scale"]),
        (hg.Graded(2, bias=1), ["Affine"]),
        (hg.Dendrite(2, 1), ["Threshold"]),
        (hg.Dendrite(2, 3), ["Threshold", "Linear", "Threshold"]),
    ],
)
def test_other_units(unit: Any, chain: list[str]) -> None:
    graph = network(unit)
    exported, fidelity = interchange.to_nir(graph, DT)
    entry = next(e for e in fidelity.entries if e.node == "unit")
    assert entry.became == " -> ".join(chain)
    assert fidelity.grade == "faithful"
    data = np.random.default_rng(0).integers(-2, 4, (20, unit.inputs["a"].size)) / 2
    probe = f"unit.{next(iter(unit.outputs))}"
    result = hg.compile(graph.with_probes(probe)).run({"drive": data[None]})
    expected = result.spikes.get("unit", result.states.get(probe))
    assert expected is not None
    emitted = oracle.run(exported, DT, {"drive": data}, 20)
    assert np.array_equal(emitted["output"], expected[0])


def test_synapses_become_matrices() -> None:
    eye, draw = np.eye(4), np.arange(16.0).reshape(4, 4)
    graph = hg.Graph(
        "synapses",
        {
            "x": hg.Input(4),
            "dense": hg.Dense(draw),
            "tied": hg.Transpose("dense", 4, 4),
            "sparse": hg.Sparse(4, 4, [0, 1], [2, 3], [5.0, 6.0]),
            "block": hg.BlockDense(np.ones((2, 2)), 2),
            "sum": hg.Bus(2, 2, spread=True),
            "unit": hg.LIF(4),
        },
        [
            *(hg.Connection("x.out", f"{w}.s") for w in ("dense", "tied", "sparse", "block")),
            hg.Connection("x.out", "sum.x", 1),
            *(hg.Connection(f"{w}.a", "unit.a") for w in ("dense", "tied", "sparse", "block")),
            hg.Connection("sum.out", "unit.a"),
        ],
    )
    nodes = interchange.to_nir(graph)[0].nodes
    assert np.array_equal(nodes["dense"].weight, draw)
    assert np.array_equal(nodes["tied"].weight, draw.T)
    assert nodes["sparse"].weight[2, 0] == 5
    assert np.array_equal(nodes["block"].weight, np.kron(np.eye(2), np.ones((2, 2))))
    assert np.array_equal(nodes["sum"].weight, nodes["block"].weight)
    assert eye.shape == nodes["sparse"].weight.shape


def test_a_single_loop_needs_no_delay_and_a_longer_one_one_delay() -> None:
    weights = hg.Dense(np.full((2, 2), 0.75))
    loop = network(hg.LIF(2), ("unit.s", "loop.s"), ("loop.a", "unit.a"), loop=weights)
    assert "Delay" not in names(loop)
    longer = network(
        hg.LIF(2),
        *(
            ("unit.s", "there.s"),
            ("there.a", "other.a"),
            ("other.s", "back.s"),
            ("back.a", "unit.a"),
        ),
        there=weights,
        other=hg.LIF(2),
        back=weights,
    )
    delays = [
        n for n in interchange.to_nir(longer, DT)[0].nodes.values() if isinstance(n, nir.Delay)
    ]
    assert [d.delay.tolist() for d in delays] == [[2 * DT, 2 * DT]]


def test_paths_of_different_length_are_kept_in_step_by_a_delay() -> None:
    # There are two synapses on one way and one on the other: that one is earlier by a step.
    graph = network(
        hg.LIF(1, threshold=0.5),
        *(
            ("unit.s", "first.s"),
            ("first.a", "mid.a"),
            ("mid.s", "second.s"),
            ("second.a", "end.a"),
        ),
        ("unit.s", "skip.s"),
        ("skip.a", "end.a"),
        first=hg.Dense([[1.0]]),
        mid=hg.LIF(1, threshold=0.5),
        second=hg.Dense([[1.0]]),
        skip=hg.Dense([[1.0]]),
        end=hg.LIF(1, threshold=1.5),
    )
    exported, fidelity = interchange.to_nir(graph, DT)
    assert fidelity.shifts == {"end": 1}
    drive = np.array([[1.0], [1.0], [0.0], [0.0]])
    expected = hg.compile(graph).run({"drive": drive[None]}, 6).spikes["end"][0]
    assert np.flatnonzero(expected).tolist() == [2]
    emitted = oracle.run(exported, DT, {"drive": drive}, 5)["output"]
    assert np.flatnonzero(emitted).tolist() == [1]


def test_what_acts_of_itself_is_not_shifted() -> None:
    graph = network(
        hg.LIF(1, decay_v=0, threshold=2.5),
        *(("unit.s", "w.s"), ("w.a", "clock.a")),
        w=hg.Dense([[4.0]]),
        clock=hg.LIF(1, decay_v=0, bias=1, threshold=2.5),
    )
    exported, fidelity = interchange.to_nir(graph, DT)
    assert fidelity.shifts == {"clock": 0}
    drive = np.ones((12, 1))
    expected = hg.compile(graph).run({"drive": drive[None]}).spikes["clock"][0]
    assert np.array_equal(oracle.run(exported, DT, {"drive": drive}, 12)["output"], expected)


def test_images_stay_images_where_nir_can_tell() -> None:
    draw = np.random.default_rng(5)
    graph = hg.Graph(
        "cnn",
        {
            "x": hg.Input(2 * 6 * 6),
            "first": hg.Conv2d(draw.integers(-2, 4, (3, 2, 3, 3)), (6, 6), stride=2, padding=1),
            "hidden": hg.LIF(3 * 3 * 3, decay_u=0.5, decay_v=0.5, threshold=3),
            "second": hg.Conv2d(draw.integers(-2, 4, (2, 3, 2, 2)), (3, 3)),
            "deep": hg.LIF(2 * 2 * 2, threshold=2),
            "readout": hg.Dense(draw.integers(-2, 4, (5, 8))),
            "out": hg.LIF(5, threshold=1),
        },
        [
            *(hg.Connection("x.out", "first.s"), hg.Connection("first.a", "hidden.a")),
            *(hg.Connection("hidden.s", "second.s"), hg.Connection("second.a", "deep.a")),
            *(hg.Connection("deep.s", "readout.s"), hg.Connection("readout.a", "out.a")),
        ],
    )
    assert names(graph).count("Conv2d") == 2
    assert names(graph).count("Flatten") == 1
    exported, fidelity = interchange.to_nir(graph, DT)
    assert fidelity.shifts == {"out": 3}
    assert exported.nodes["hidden"].tau_mem.shape == (3, 3, 3)
    data = draw.integers(0, 2, (20, 72)).astype(float)
    expected = hg.compile(graph).run({"x": data[None]}, 23).spikes["out"][0, 3:]
    assert expected.any()
    assert np.array_equal(oracle.run(exported, DT, {"x": data}, 20)["output"], expected)


def test_convolutions_become_matrices_where_nir_cannot_tell() -> None:
    # What a matrix feeds is a vector, and NIR cannot make an image of it.
    graph = hg.Graph(
        "no image",
        {
            "x": hg.Input(3),
            "w": hg.Dense(np.ones((4, 3))),
            "unit": hg.LIF(4),
            "conv": hg.Conv2d(np.ones((1, 1, 2, 2)), (2, 2)),
        },
        [
            hg.Connection("x.out", "w.s"),
            hg.Connection("w.a", "unit.a"),
            hg.Connection("unit.s", "conv.s"),
        ],
    )
    exported, fidelity = interchange.to_nir(graph)
    assert isinstance(exported.nodes["conv"], nir.Linear)
    assert "images only" in next(e.remark for e in fidelity.entries if e.node == "conv")


@pytest.mark.parametrize("name", ["convolution", "edges", "sparse", "blocks", "synaptic_delays"])
def test_synapse_scenarios_run_alike(name: str) -> None:
    scenario = next(s for s in SCENARIOS if s.name == name)
    exported, fidelity = interchange.to_nir(scenario.graph, DT)
    assert fidelity.grade == "faithful"
    probes = [
        f"{p}.{next(iter(scenario.graph.flat_processes[p].outputs))}" for p in fidelity.shifts
    ]
    steps = scenario.steps
    more = max(fidelity.shifts.values())
    result = hg.compile(scenario.graph.with_probes(*probes)).run(scenario.inputs, steps + more)
    data = {path: np.asarray(values)[0] for path, values in scenario.inputs.items()}
    emitted = oracle.run(exported, DT, data, steps)
    for path, shift in fidelity.shifts.items():
        node = "output" if len(fidelity.shifts) == 1 else f"{path}_output"
        probe = next(p for p in probes if p.startswith(f"{path}."))
        expected = result.spikes[path] if path in result.spikes else result.states[probe]
        got = emitted[node]
        np.testing.assert_allclose(got, expected[0, shift : shift + steps], 1e-9, 1e-9)


def test_everything_that_nir_cannot_hold_is_named_at_once_with_remedies() -> None:
    graph = hg.Graph(
        "hard",
        {
            "x": hg.Input(2),
            "winner": hg.WinnerTakeAll(2),
            "relu": hg.Graded(2, low=0),
            "mixed": hg.LIF(2, decay_v=[0, 0.5]),
            "noise": hg.Noise(2),
            "noisy": hg.LIF(2),
            "slow": hg.LIF(2, refractory=3),
        },
        [
            *(
                hg.Connection("x.out", f"{p}.a")
                for p in ("winner", "relu", "mixed", "noisy", "slow")
            ),
            hg.Connection("noise.out", "noisy.n"),
        ],
    )
    with pytest.raises(interchange.Lossy) as raised:
        interchange.to_nir(graph)
    text = str(raised.value)
    for part in (
        *("winner: NIR has no WinnerTakeAll", "relu: NIR has no node that rectifies"),
        *("mixed: decay_v is 0 for some units only", "noise: NIR has no Noise"),
        *("noisy: NIR has no place for its port n", "leave n unconnected"),
        *(
            "slow: NIR has no refractory period",
            "set refractory to 0, or pass lossy=True (--lossy)",
        ),
    ):
        assert part in text
    assert len(raised.value.faults) == 6
    with pytest.raises(interchange.Lossy) as raised:
        interchange.to_nir(graph, lossy=True)
    assert len(raised.value.faults) == 5
    assert raised.value.fidelity.grade == "unsupported"


def test_lossy_leaves_out_what_is_approximate_and_keeps_it_in_the_metadata() -> None:
    graph = network(hg.LIF(2, refractory=3))
    with pytest.raises(interchange.Lossy):
        interchange.to_nir(graph)
    exported, fidelity = interchange.to_nir(graph, lossy=True)
    assert fidelity.grade == "approximate"
    assert interchange.from_nir(exported)[0].content_hash == graph.content_hash


def test_fixed_graphs_are_exported_by_their_float_values() -> None:
    floating = network(hg.LIF(2, decay_u=1, decay_v=0, threshold=3))
    fixed = quantise(floating)
    exported, fidelity = interchange.to_nir(fixed, DT)
    assert fidelity.grade == "faithful"  # no decay: nothing is truncated
    assert exported.nodes["unit"].v_threshold.tolist() == [
        float(value)
        for value in fixed.flat_processes["unit"].threshold  # type: ignore[attr-defined]
    ]
    leaky = quantise(network(hg.LIF(2, decay_u=0.25, decay_v=0.5, bias=0.5, threshold=3)))
    with pytest.raises(interchange.Lossy, match="truncated to integers"):
        interchange.to_nir(leaky)
    exported, fidelity = interchange.to_nir(leaky, DT, lossy=True)
    assert exported.nodes["unit"].tau_mem.tolist() == [2 * DT, 2 * DT]
    assert any("24 bits" in remark for remark in fidelity.remarks)


def test_rules_are_in_the_metadata_and_their_helpers_left_out() -> None:
    rule = hg.Rule("0.5*pre*post")
    graph = hg.Graph(
        "hebb",
        {
            "x": hg.Input(2),
            "w": hg.Dense(np.ones((2, 2)), rule=rule),
            "unit": hg.LIF(2),
            "phases": hg.Clock(4, ((0, 2),)),
        },
        [
            hg.Connection("x.out", "w.s"),
            hg.Connection("w.a", "unit.a"),
            hg.Connection("unit.s", "w.post"),
            hg.Connection("phases.out", "w.gate"),
        ],
    )
    exported, fidelity = interchange.to_nir(graph)
    remarks = {entry.node: entry.remark for entry in fidelity.entries}
    assert "rule is in the metadata" in remarks["w"]
    assert remarks["phases"] == "left out: only learning hears it"
    assert set(exported.nodes) == {"x", "w", "unit", "output"}
    read = interchange.from_nir(exported)[0]
    assert read.content_hash == graph.content_hash
    assert read.plastic["w"].rule == rule


def test_a_graph_without_inputs_gets_a_silent_one() -> None:
    graph = hg.Graph("alone", {"unit": hg.LIF(2, decay_v=0, bias=1, threshold=2.5)})
    exported, _ = interchange.to_nir(graph, DT)
    assert isinstance(exported.nodes["silence"], nir.Input)
    emitted = oracle.run(exported, DT, {}, 9)["output"]
    expected = hg.compile(graph).run(steps=9).spikes["unit"][0]
    assert expected.any()
    assert np.array_equal(emitted, expected)


@pytest.mark.parametrize("dt", [0, -1e-4, np.inf, True, "1"])
def test_a_step_must_be_seconds_above_0(dt: Any) -> None:
    with pytest.raises(hg.Invalid, match="seconds above 0"):
        interchange.to_nir(network(hg.LIF(1)), dt)


def test_other_things_are_no_graphs() -> None:
    with pytest.raises(hg.Invalid, match="must be a Graph"):
        interchange.to_nir("hopfield")  # type: ignore[arg-type]
