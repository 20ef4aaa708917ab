"""snnTorch against the reference: bit for bit in `fixed`, within rounding in `float`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import Job, discover
from hebbgraph.processes import Domain

FOUND = discover()["snntorch"].availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import torch  # noqa: E402

from hebbgraph.backends.snntorch.inference.emitter import Emitter  # noqa: E402
from hebbgraph.backends.snntorch.inference.products import Product  # noqa: E402
from hebbgraph.backends.snntorch.inference.run import Run  # noqa: E402
from hebbgraph.backends.snntorch.inference.spiking import (  # noqa: E402
    FixedSpiking,
    FloatSpiking,
)
from hebbgraph.backends.snntorch.inference.stepped import Stepped  # noqa: E402
from hebbgraph.backends.snntorch.parts.neurons import LIFNeuron  # noqa: E402
from hebbgraph.feed import encode_inputs  # noqa: E402
from tests.snntorch_backend.cases import (  # noqa: E402
    Case,
    Style,
    assert_same,
    forward,
    random_case,
    run,
)
from tests.snntorch_backend.zoo import zoo  # noqa: E402


@pytest.mark.parametrize("seed", range(12))
def test_fixed_equals_the_reference_bit_for_bit(seed: int) -> None:
    case = random_case("fixed", seed)
    reference = run(case, "reference")
    ours = run(case)
    assert_same(ours, reference)
    assert all(states.dtype == np.int64 for states in ours.states.values())
    assert ours.counters.totals() == reference.counters.totals()
    assert_same(forward(case), reference)
    assert_same(forward(case, stepwise=True), reference)


@pytest.mark.parametrize("seed", range(6))
def test_float_with_whole_numbers_equals_the_reference_exactly(seed: int) -> None:
    case = random_case("whole", seed)
    reference = run(case, "reference")
    assert_same(run(case), reference)
    assert_same(forward(case), reference)
    assert_same(forward(case, stepwise=True), reference)


@pytest.mark.parametrize("seed", range(6))
def test_float_with_any_numbers_equals_the_reference_within_rounding(seed: int) -> None:
    case = random_case("generic", seed)
    reference = run(case, "reference")
    assert sum(raster.sum() for raster in reference.spikes.values()) > 100
    assert_same(run(case), reference, 1e-9)
    assert_same(forward(case), reference, 1e-9)
    assert_same(forward(case, stepwise=True), reference, 1e-9)


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
        "float float32",
        "float float64",
        "fixed wraps",
        "fixed saturates",
        "fixed plain",
        "fixed far",
        "v at its floor",
    }


def _emitters(case: Case) -> dict[str, Emitter]:
    graph, data, steps = case
    with hg.compile(graph, "snntorch") as program:
        episodes, emitted, _ = encode_inputs(program.source, data, steps)
        return Run(program.artefact, Job(emitted, episodes, steps)).lanes[0].built.emitters


def _traits(emitter: Emitter) -> set[str]:
    dtype = str(emitter.line.row(0).dtype).removeprefix("torch.")
    if isinstance(emitter, Product):
        return {f"product {dtype}"} | ({"product wraps"} if emitter._wraps else set())
    if isinstance(emitter, FloatSpiking):
        forgets_v = {"float forgets v"} if emitter._forgets_v else set()
        kept = "float forgets u" if emitter._forgets_u else "float keeps u"
        return {kept, f"float {dtype}"} | forgets_v
    if isinstance(emitter, FixedSpiking):
        traits = {"fixed wraps"} if emitter._wraps else {"fixed plain"}
        return traits | ({"fixed saturates"} if emitter._saturates else set())
    assert isinstance(emitter, Stepped)
    assert isinstance(emitter._part, LIFNeuron)
    return {"fixed far"}


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
    assert_same(forward(case, stepwise=True), reference)


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
    assert_same(forward(case, stepwise=True), reference)


def far_synapses(kind: str, units: int) -> tuple[dict[str, Any], str, str, str]:
    """Return synapses from `units` units whose sums need 54 bits; what they are, in and out."""
    side = int(np.sqrt(units))
    odd = np.full(units, 255) - (np.arange(units) % 3 == 0)
    if kind == "transpose":
        none = hg.Dense(odd[:, np.newaxis])
        return {"held": none, "w": hg.Transpose("held", units, 1, exponent=3)}, "w", "s", "a"
    if kind == "sparse":
        ends = np.arange(units), np.zeros(units, dtype=int)
        return {"w": hg.Sparse(units, 1, *ends, odd, 0, np.arange(units) % 2)}, "w", "s", "a"
    if kind == "blocks":
        return {"w": hg.BlockDense(odd.reshape(1, -1), 1)}, "w", "s", "a"
    if kind == "conv":
        weights = odd.reshape(1, 1, side, side)
        return {"w": hg.Conv2d(weights, (side, side))}, "w", "s", "a"
    return {"w": hg.Bus(units, bits=32)}, "w", "x", "out"


@pytest.mark.parametrize("kind", ["transpose", "sparse", "blocks", "conv", "bus"])
def test_sums_of_other_kinds_beyond_53_bits(kind: str) -> None:
    units = 2**17 if kind == "bus" else 150**2
    synapses, name, port, out = far_synapses(kind, units)
    graph = hg.Graph(
        "far",
        {"x": hg.Input(1), "up": hg.Dense(np.full((units, 1), 255)), **synapses},
        [hg.Connection("x.out", "up.s"), hg.Connection("up.a", f"{name}.{port}", 2)],
        [hg.Probe(f"{name}.{out}")],
        "fixed",
    )
    x = (2**23 - np.arange(1, 13).reshape(2, 6, 1)) * np.array([1, -1]).reshape(2, 1, 1)
    case: Case = (graph, {"x": x}, 10)
    reference = run(case, "reference")
    assert_same(run(case), reference)
    assert_same(forward(case), reference)
    assert_same(forward(case, stepwise=True), reference)


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
    assert_same(forward(case, stepwise=True), reference)


def test_a_graph_without_inputs_runs_on_its_biases() -> None:
    clock = hg.LIF(3, decay_v=0, bias=[1, 0.5, 0.25], threshold=2)
    graph = hg.Graph("clock", {"clock": clock}, probes=[hg.Probe("clock.v"), hg.Probe("clock.u")])
    case: Case = (graph, {}, 30)
    reference = run(case, "reference")
    assert reference.spikes["clock"].sum() == 10 + 6 + 3
    assert_same(run(case), reference)
    assert_same(forward(case), reference)
    assert_same(forward(case, stepwise=True), reference)


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
        dtypes = {v.dtype for v in program.artefact.state_dict().values() if v.is_floating_point()}
        assert dtypes == {torch.float32}
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


@pytest.mark.cuda
@pytest.mark.parametrize("recurrent", [False, True])
def test_every_kind_on_cuda_equals_the_reference(recurrent: bool) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    for seed in range(6):
        case = zoo(seed, recurrent=recurrent)
        assert_same(run(case, device="cuda"), run(case, "reference"), 1e-9)
