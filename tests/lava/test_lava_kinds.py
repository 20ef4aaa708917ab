"""Every kind in both models; which parts are lava's own, and that those are what we say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hebbgraph import (
    LIF,
    BlockDense,
    Bus,
    Connection,
    Conv2d,
    Dense,
    Graded,
    Graph,
    Input,
    Probe,
    Sign,
    Sparse,
    TernaryLIF,
    Transpose,
)
from hebbgraph.compile import compile  # noqa: A004 - the field's word
from hebbgraph.processes import DOMAINS, Domain, Process
from tests.lava.random_graphs import everything

pytestmark = pytest.mark.usefixtures("lava")

#: Seeds of graphs in which plastic synapses learn, in both domains.
SEEDS = (0, 1, 3, 5, 6, 7, 13)


@pytest.mark.parametrize("learns", [False, True], ids=["constant", "plastic"])
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_of_every_kind(
    seed: int,
    domain: Domain,
    learns: bool,
    assert_equal: Callable[..., None],
    silent_overflow: Callable[[], Any],
) -> None:
    graph, inputs, steps = everything(seed, domain, learns)
    with silent_overflow():
        wanted = compile(graph).run(inputs, steps)
    assert wanted.counters.total("graded_events") > 50
    assert not learns or wanted.counters.total("weight_updates") > 5
    for model in ("fused", "parts"):
        with compile(graph, "lava", model=model, timeout=60.0, chunk=5) as program:
            for turn in ("first", "second"):
                assert_equal(program.run(inputs, steps), wanted, f"{graph.name} {model} {turn}")


def parts_of(graph: Graph) -> dict[str, str]:
    """Return the name of the Lava Process of every process."""
    with compile(graph, "lava", model="parts", timeout=60.0) as program:
        return {part.name: part.process.rpartition(".")[2] for part in program.artefact.parts}


def one(process: Process, domain: Domain, signal: Any = "spike", **ports: str) -> Graph:
    """Return a source in front of `process`, and whatever hears its further `ports`."""
    into = next(iter(process.inputs))
    processes = {
        "x": Input(process.inputs[into].size, signal=signal),
        "one": Input(1, signal="spike"),
        "p": process,
    }
    connections = [Connection("x.out", f"p.{into}")]
    connections += [Connection("one.out", f"p.{port}") for port in ports.values()]
    out = next(iter(process.outputs))
    return Graph("one", processes, connections, [Probe(f"p.{out}")], domain)


CASES: list[tuple[str, str, Graph]] = [
    ("LIF", "LIF", one(LIF(2), "fixed")),
    ("LIF with noise", "Units", one(LIF(2), "fixed", port="n")),
    ("refractory LIF", "LIFRefractory", one(LIF(2, refractory=2), "float")),
    ("that spikes at v = 0", "Units", one(LIF(2, threshold=-1, refractory=2), "float")),
    ("of two decays", "Units", one(LIF(2, decay_v=[0.1, 0.2], refractory=2), "float")),
    ("in fixed", "Units", one(LIF(2, refractory=2), "fixed")),
    ("TernaryLIF", "TernaryLIF", one(TernaryLIF(2), "fixed")),
    ("TernaryLIF with a gate", "Units", one(TernaryLIF(2), "fixed", port="on")),
    ("identity of spikes", "GradedVec", one(Graded(2), "fixed")),
    ("rectified spikes", "GradedReluVec", one(Graded(2, low=0, dead_zone=1), "fixed")),
    ("in float", "Units", one(Graded(2), "float")),
    ("scaled", "Units", one(Graded(2, exponent=1), "fixed")),
    ("that saturates", "Units", one(Graded(2, bits=20), "fixed", "graded")),
    ("Sign", "Units", one(Sign(2), "fixed")),
    ("Dense", "Dense", one(Dense(np.eye(2)), "fixed")),
    ("delays", "DelayDense", one(Dense(np.eye(2), 1, delays=2), "fixed")),
    ("delays, shifted down", "Synapses", one(Dense(np.eye(2), -1, delays=2), "fixed")),
    ("Sparse", "Sparse", one(Sparse(2, 2, [0], [1], [3]), "fixed")),
    ("Sparse, delays", "DelaySparse", one(Sparse(2, 2, [0], [1], [3], 0, [4]), "fixed")),
    ("blocks", "Sparse", one(BlockDense(np.eye(2), 2), "fixed")),
    ("Conv2d", "Conv", one(Conv2d(np.ones((1, 1, 2, 2)), (3, 3)), "fixed", "graded")),
    (
        "beyond 32 bits",
        "Synapses",
        one(Conv2d(np.full((1, 2, 1, 1), 200), (1, 1)), "fixed", "graded"),
    ),
]


@pytest.mark.parametrize(("name", "process", "graph"), CASES, ids=[case[0] for case in CASES])
def test_lavas_own_parts_are_used_where_they_are_ours(
    name: str, process: str, graph: Graph
) -> None:
    assert parts_of(graph)["p"] == process


def test_ties_of_constant_weights_are_lavas_dense_and_of_plastic_ones_part_of_it() -> None:
    dense = Dense(np.eye(2))
    processes = {"x": Input(2), "w": dense, "t": Transpose("w", 2, 2), "l": LIF(2)}
    wires = [Connection("x.out", "w.s"), Connection("x.out", "t.s"), Connection("t.a", "l.a")]
    assert parts_of(Graph("tied", processes, wires)) == {
        "x": "Source",
        "t": "Dense",
        "l": "LIF",
    }


@pytest.mark.parametrize("model", ["fused", "parts"])
def test_lavas_convolution_wraps_at_24_bits(model: str, assert_equal: Callable[..., None]) -> None:
    weights = np.full((1, 1, 2, 2), 100)
    graph = one(Conv2d(weights, (2, 3)), "fixed", "graded")
    image = np.array([[[2**14, 2**14, -(2**15), 2**15, 2**13, 5]], [[2**16] * 6]])
    wanted = compile(graph).run({"x": image, "one": np.zeros((2, 1, 1))}, 2)
    assert (np.abs(wanted.states["p.a"]) < 2**23).all()
    sums = 100 * (
        image[:, 0, [0, 1]] + image[:, 0, [1, 2]] + image[:, 0, [3, 4]] + image[:, 0, [4, 5]]
    )
    assert (np.abs(sums) >= 2**23).any()
    assert (np.abs(sums) < 2**31).all()
    with compile(graph, "lava", model=model) as program:
        assert_equal(program.run({"x": image, "one": np.zeros((2, 1, 1))}, 2), wanted)


@pytest.mark.parametrize("model", ["fused", "parts"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_one_number_for_many_units(
    domain: Domain, model: str, assert_equal: Callable[..., None]
) -> None:
    processes = {
        "x": Input(4),
        "bus": Bus(4),
        "w": Dense(2 * np.ones((3, 5))),
        "unit": LIF(3, threshold=3),
        "late": LIF(7, decay_v=0, threshold=1),
    }
    wires = [
        Connection("x.out", "bus.x"),
        Connection("bus.out", "w.s", 2),
        Connection("w.a", "unit.a"),
        Connection("bus.out", "late.a"),
        Connection("bus.out", "late.a", 3),
    ]
    graph = Graph("fan", processes, wires, [Probe("unit.v"), Probe("late.v")], domain)
    inputs = {"x": np.array([[[1, 2, -1, 0], [0, 0, 0, 1]], [[3, -9, 1, 0], [2, 2, 2, 2]]])}
    wanted = compile(graph).run(inputs, 8)
    with compile(graph, "lava", model=model) as program:
        assert_equal(program.run(inputs, 8), wanted)
