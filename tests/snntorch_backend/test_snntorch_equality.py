"""snnTorch against the reference: bit for bit in `fixed`, within rounding in `float`."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.processes import Domain

FOUND = discover()["snntorch"].availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import torch  # noqa: E402

from hebbgraph.backends.snntorch.inference import (  # noqa: E402
    Emitter,
    FarSpiking,
    FixedSpiking,
    FloatSpiking,
    Product,
    emitters,
)

Style = Literal["fixed", "whole", "generic"]
Case = tuple[hg.Graph, dict[str, Any], int]

STEPS = 70
#: (process, its size); Dense sizes follow from what they join.
SIZES = {"currents": 9, "events": 7, "a1": 9, "a2": 7, "a3": 9}


def random_case(style: Style, seed: int, episodes: int = 3) -> Case:
    """Return a random graph of every kind of connection, probed throughout, and data for it."""
    rng = np.random.default_rng(seed)
    domain: Domain = "fixed" if style == "fixed" else "float"
    cells = {name: _lif(style, SIZES[name], rng) for name in ("a1", "a2", "a3")}
    processes: dict[str, Any] = {
        "currents": hg.Input(9, gain=rng.choice([1, 3, 40]) if style != "generic" else 0.3),
        "events": hg.Input(7, signal="spike"),
        **cells,
    }
    connections = [
        hg.Connection("currents.out", "a1.a", int(rng.choice([0, 0, 1, 5]))),
        hg.Connection("events.out", "a2.a", int(rng.choice([0, 3]))),
        hg.Connection("a1.s", "a3.a", 0),
        hg.Connection("a3.s", "a1.a", int(rng.integers(1, 9))),
    ]
    joins = [("currents.out", "a2"), ("events.out", "a3"), ("a1.s", "a1"), ("a2.s", "a1")]
    joins += [("a3.s", "a2"), ("a3.s", "a3")]
    for index, (source, target) in enumerate(joins):
        name, pre = f"w{index}", SIZES[source.split(".")[0]]
        processes[name] = _dense(style, SIZES[target], pre, rng)
        late = int(rng.choice([1, 1, 2, 7, 30, 62]))
        connections += [
            hg.Connection(source, f"{name}.s", late),
            hg.Connection(f"{name}.a", f"{target}.a", int(rng.choice([0, 0, 1, 11]))),
        ]
    # Two sources into one synapse, and a synapse that feeds a synapse.
    connections.append(hg.Connection("a1.s", "w4.s", 2))
    processes["chained"] = _dense(style, 7, 9, rng)
    connections.append(hg.Connection("w2.a", "chained.s", 3))
    connections.append(hg.Connection("chained.a", "a2.a", 1))
    probes = [hg.Probe(f"{name}.{state}") for name in cells for state in ("s", "u", "v")]
    graph = hg.Graph(f"{style}{seed}", processes, connections, probes, domain)
    scale = 2 ** int(rng.choice([2, 6, 14, 20])) if style == "fixed" else 4
    currents = rng.normal(0, scale, (episodes, STEPS - 20, 9)).clip(-(2.0**17), 2.0**17)
    grain = {"fixed": 0.5, "whole": 1.0, "generic": 0.01}[style]
    data = {
        "currents": grain * np.rint(currents / grain),  # halves in `fixed`: they are rounded
        "events": rng.random((episodes, STEPS, 7)) < 0.3,
    }
    return graph, data, STEPS


def _lif(style: Style, size: int, rng: np.random.Generator) -> hg.LIF:
    if style == "fixed":
        decays = [0, 1, 17, 2048, 4001, 4094, 4095]
        return hg.LIF(
            size,
            decay_u=rng.choice(decays, size) if rng.random() < 0.7 else 4095,
            decay_v=rng.choice(decays, size),
            bias=rng.integers(-4096, 4096, size) // rng.choice([1, 64]),
            threshold=rng.integers(0, 2 ** int(rng.integers(4, 18)), size),
            bias_exponent=int(rng.integers(0, 8)),
        )
    if style == "whole":
        ends = [rng.integers(0, 2, size), 1, 0]
        decay_u, decay_v = (ends[rng.integers(3)] for _ in range(2))
        return hg.LIF(size, decay_u, decay_v, rng.integers(-3, 4, size), rng.integers(0, 9, size))
    decay_u, decay_v = rng.random(size), rng.random(size)
    return hg.LIF(size, decay_u, decay_v, rng.normal(0, 0.3, size), rng.random(size))


def _dense(style: Style, post: int, pre: int, rng: np.random.Generator) -> hg.Dense:
    if style == "generic":
        return hg.Dense(rng.normal(0, 0.5, (post, pre)))
    if style == "whole":
        return hg.Dense(rng.integers(-4, 5, (post, pre)))
    weights = [
        2 * rng.integers(-128, 128, (post, pre)),
        rng.integers(0, 256, (post, pre)),
        -rng.integers(0, 256, (post, pre)),
    ][rng.integers(3)]
    return hg.Dense(weights, exponent=int(rng.integers(-8, 8)))


def run(case: Case, backend: str = "snntorch", **options: Any) -> hg.Result:
    graph, data, steps = case
    with hg.compile(graph, backend, **options) as program:
        return program.run(data, steps)


def assert_same(ours: Any, reference: Any, tolerance: float = 0.0) -> None:
    """Compare what has spikes and states, exactly or within a tolerance of the states."""
    assert ours.spikes.keys() == reference.spikes.keys()
    assert ours.states.keys() == reference.states.keys()
    for path, raster in reference.spikes.items():
        np.testing.assert_array_equal(np.asarray(ours.spikes[path], dtype=bool), raster, path)
    for target, states in reference.states.items():
        np.testing.assert_allclose(
            ours.states[target], states, rtol=tolerance, atol=tolerance, err_msg=target
        )


def forward(case: Case) -> Any:
    """Run the lowered network itself, gradients and all, as a user of torch would."""
    graph, data, steps = case
    with hg.compile(graph, "snntorch") as program:
        tensors = {name: torch.tensor(values) for name, values in data.items()}
        spikes, states = program.artefact(tensors, steps)
    arrays = [{k: v.detach().numpy() for k, v in part.items()} for part in (spikes, states)]
    return type("Arrays", (), {"spikes": arrays[0], "states": arrays[1]})


@pytest.mark.parametrize("seed", range(12))
def test_fixed_equals_the_reference_bit_for_bit(seed: int) -> None:
    case = random_case("fixed", seed)
    reference = run(case, "reference")
    ours = run(case)
    assert_same(ours, reference)
    assert all(states.dtype == np.int64 for states in ours.states.values())
    assert ours.counters.totals() == reference.counters.totals()
    assert_same(forward(case), reference)


@pytest.mark.parametrize("seed", range(6))
def test_float_with_whole_numbers_equals_the_reference_exactly(seed: int) -> None:
    case = random_case("whole", seed)
    reference = run(case, "reference")
    assert_same(run(case), reference)
    assert_same(forward(case), reference)


@pytest.mark.parametrize("seed", range(6))
def test_float_with_any_numbers_equals_the_reference_within_rounding(seed: int) -> None:
    case = random_case("generic", seed)
    reference = run(case, "reference")
    assert sum(raster.sum() for raster in reference.spikes.values()) > 100
    assert_same(run(case), reference, 1e-9)
    assert_same(forward(case), reference, 1e-9)


def test_the_random_cases_reach_every_shortcut_and_every_overflow() -> None:
    seen: set[str] = set()
    for style, seeds in (("fixed", 12), ("whole", 6), ("generic", 6)):
        for seed in range(seeds):
            case = random_case(style, seed)  # type: ignore[arg-type]
            for emitter in _emitters(case).values():
                seen |= _traits(emitter)
            if style == "fixed":
                states = run(case, "reference").states
                seen |= {"v at its floor" for v in states.values() if (v == 1 - 2**23).any()}
    assert seen == {
        "product float32",
        "product float64",
        "product wraps",
        "float forgets u",
        "float keeps u",
        "float forgets v",
        "fixed wraps",
        "fixed saturates",
        "fixed plain",
        "fixed far",
        "v at its floor",
    }


def _emitters(case: Case) -> dict[str, Emitter]:
    graph, data, steps = case
    with hg.compile(graph, "snntorch") as program:
        network = program.artefact
        emitted = {
            path: network.node(path)(torch.tensor(values, dtype=torch.float64))
            for path, values in data.items()
        }
        return emitters(network, emitted, steps)


def _traits(emitter: Emitter) -> set[str]:
    if isinstance(emitter, Product):
        wraps = {"product wraps"} if emitter._wraps else set()
        return {f"product {str(emitter._weights.dtype).removeprefix('torch.')}"} | wraps
    if isinstance(emitter, FloatSpiking):
        forgets_v = {"float forgets v"} if emitter._forgets_v else set()
        return {"float forgets u" if emitter._forgets_u else "float keeps u"} | forgets_v
    if isinstance(emitter, FixedSpiking):
        traits = {"fixed wraps"} if emitter._wraps else {"fixed plain"}
        return traits | ({"fixed saturates"} if emitter._saturates else set())
    return {"fixed far"} if isinstance(emitter, FarSpiking) else set()


@pytest.mark.parametrize("exponent", [-8, -1, 0, 7])
def test_sums_wrap_before_they_are_shifted(exponent: int) -> None:
    rng = np.random.default_rng(12)
    graph = hg.Graph(
        "far",
        {
            "x": hg.Input(9),
            "w": hg.Dense(rng.integers(240, 256, (4, 9)), exponent),
            "cell": hg.LIF(4, 4095, 4095, 0, 100),
        },
        [hg.Connection("x.out", "w.s"), hg.Connection("w.a", "cell.a")],
        [hg.Probe("cell.u"), hg.Probe("cell.v")],
        "fixed",
    )
    x = rng.integers(2**21, 2**23, (3, 30, 9))
    assert (x.sum(axis=-1) * 240 > 2**31).any()
    case: Case = (graph, {"x": x}, 31)
    reference = run(case, "reference")
    assert_same(run(case), reference)
    assert_same(forward(case), reference)


@pytest.mark.parametrize("exponent", [0, 7])
def test_sums_beyond_53_bits(exponent: int) -> None:
    units = 20000
    graph = hg.Graph(
        "far",
        {
            "x": hg.Input(1),
            "up": hg.Dense(np.full((units, 1), 255)),
            "down": hg.Dense(np.full((2, units), 255) - np.eye(2, units), exponent),
            "cell": hg.LIF(2, 4095, 4095, 0, 100),
        },
        [
            hg.Connection("x.out", "up.s"),
            hg.Connection("up.a", "down.s"),
            hg.Connection("down.a", "cell.a"),
        ],
        [hg.Probe("cell.u"), hg.Probe("cell.v")],
        "fixed",
    )
    x = 2**23 - np.arange(1, 61).reshape(3, 20, 1)
    assert (x * 255 * (units * 255 - 1) > 2**53).all()
    case: Case = (graph, {"x": x}, 22)
    reference = run(case, "reference")
    assert_same(run(case), reference)
    assert_same(forward(case), reference)


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_states_that_nobody_probes_need_not_be_kept(domain: Domain) -> None:
    for seed in range(4):
        graph, data, steps = random_case("fixed" if domain == "fixed" else "whole", seed)
        bare = hg.Graph("bare", graph.processes, graph.connections, [], domain)
        ours, reference = (run((bare, data, steps), name) for name in ("snntorch", "reference"))
        assert not ours.states
        assert_same(ours, reference)


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize(
    ("into_cell", "into_synapse", "out_of_it"), [(0, 1, 0), (1, 2, 3), (61, 62, 61), (62, 1, 62)]
)
def test_delays(domain: Domain, into_cell: int, into_synapse: int, out_of_it: int) -> None:
    graph = hg.Graph(
        "chain",
        {
            "x": hg.Input(4, signal="spike"),
            "first": hg.LIF(4, decay_u=4095 if domain == "fixed" else 1, threshold=0),
            "w": hg.Dense(4 * np.eye(4)),
            "last": hg.LIF(4, decay_u=4095 if domain == "fixed" else 1, threshold=2),
        },
        [
            hg.Connection("x.out", "first.a", into_cell),
            hg.Connection("first.s", "w.s", into_synapse),
            hg.Connection("w.a", "last.a", out_of_it),
        ],
        domain=domain,
    )
    rng = np.random.default_rng(7)
    case = (graph, {"x": rng.random((2, 150, 4)) < 0.2}, 220)
    reference = run(case, "reference")
    late = into_cell + into_synapse + out_of_it
    arrived = reference.spikes["last"]
    assert arrived[:, late:].any()
    assert not arrived[:, :late].any()
    assert_same(run(case), reference)
    assert_same(forward(case), reference)


def test_a_graph_without_inputs_runs_on_its_biases() -> None:
    clock = hg.LIF(3, decay_v=0, bias=[1, 0.5, 0.25], threshold=2)
    graph = hg.Graph("clock", {"clock": clock}, probes=[hg.Probe("clock.v"), hg.Probe("clock.u")])
    case: Case = (graph, {}, 30)
    reference = run(case, "reference")
    assert reference.spikes["clock"].sum() == 10 + 6 + 3
    assert_same(run(case), reference)
    assert_same(forward(case), reference)


def test_one_program_runs_batches_of_any_size_and_keeps_earlier_results() -> None:
    graph, data, steps = random_case("fixed", 3, episodes=20)
    whole = run((graph, data, steps), "reference")
    with hg.compile(graph, "snntorch") as program:
        results = {}
        for first, last in ((0, 1), (1, 8), (8, 20), (0, 20)):
            part = {name: values[first:last] for name, values in data.items()}
            results[first, last] = program.run(part, steps)
    for (first, last), result in results.items():
        for path, raster in result.spikes.items():
            np.testing.assert_array_equal(raster, whole.spikes[path][first:last])
        for target, states in result.states.items():
            np.testing.assert_array_equal(states, whole.states[target][first:last])


def test_float32_equals_the_reference_where_its_sums_are_exact() -> None:
    case = random_case("whole", 1)
    with hg.compile(case[0], "snntorch", dtype="float32") as program:
        assert {values.dtype for values in program.artefact.state_dict().values()} == {
            torch.float32
        }
        ours = program.run(case[1], case[2])
    assert all(states.dtype == np.float64 for states in ours.states.values())
    assert_same(ours, run(case, "reference"))
    fixed = random_case("fixed", 2)  # the option has no say in the fixed domain
    assert_same(run(fixed, dtype="float32"), run(fixed, "reference"))


@pytest.mark.cuda
@pytest.mark.parametrize("style", ["fixed", "whole", "generic"])
def test_cuda_equals_the_reference(style: Style) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    for seed in range(6):
        case = random_case(style, seed)
        tolerance = 1e-9 if style == "generic" else 0.0
        assert_same(run(case, device="cuda"), run(case, "reference"), tolerance)
