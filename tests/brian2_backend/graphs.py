"""Random small graphs that use every kind of connection, and a comparison with the reference."""

from __future__ import annotations

from typing import Any

import numpy as np

import hebbgraph as hg
from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe
from hebbgraph.backend import discover
from hebbgraph.processes import Domain
from hebbgraph.random import stream

AVAILABILITY = discover()["brian2"].availability()

Case = tuple[Graph, dict[str, Any], int]


def random_case(seed: int, domain: Domain) -> Case:
    """Return (graph, inputs, steps): fan-in, fan-out, wires, chains of Dense, delays up to 62."""
    draw = stream(seed, "brian2", domain)
    units, channels = int(draw.integers(1, 9)), int(draw.integers(1, 9))
    fixed = domain == "fixed"

    def dense(post: int, pre: int) -> Dense:
        shape = post, pre
        values = 2 * draw.integers(-60, 60, shape) if fixed else draw.normal(size=shape)
        exponent = int(draw.integers(-8, 8)) if fixed else 0
        return Dense(values * (draw.random(shape) < 0.7), exponent)

    def lif() -> LIF:
        if not fixed:
            decay_u, decay_v, threshold = draw.random((3, units))
            return LIF(units, decay_u, decay_v, 0.3 * draw.normal(size=units), threshold)
        decay_u, decay_v = draw.integers(0, 4096, (2, units))
        bias = draw.integers(-4096, 4096, units)
        threshold = draw.integers(0, 2 ** int(draw.integers(3, 17)), units)
        return LIF(units, decay_u, decay_v, bias, threshold, int(draw.integers(0, 8)))

    def after(least: int) -> int:
        return int(draw.choice([least, least, 1, 2, 3, 7, 62]))

    graph = Graph(
        "random",
        {
            "cue": Input(channels, gain=3000.0 if fixed else 1.0),
            "events": Input(channels, signal="spike"),
            "first": lif(),
            "second": lif(),
            "entry": dense(units, channels),
            "loop": dense(units, units),
            "chain": dense(units, units),
        },
        [
            Connection("cue.out", "entry.s", after(1)),
            Connection("events.out", "entry.s", after(1)),
            Connection("entry.a", "first.a", after(0)),
            Connection("first.s", "loop.s", after(1)),
            Connection("second.s", "loop.s", after(1)),
            Connection("second.s", "loop.s", 4),
            Connection("loop.a", "first.a", after(0)),
            Connection("loop.a", "second.a", after(0)),
            Connection("first.s", "second.a", after(0)),
            Connection("loop.a", "chain.s", after(1)),
            Connection("first.s", "chain.s", 5),
            Connection("chain.a", "second.a", after(0)),
        ],
        [Probe(f"{path}.{name}") for path in ("first", "second") for name in ("u", "v", "s")],
        domain,
    )
    episodes, given = int(draw.integers(2, 5)), int(draw.integers(4, 12))
    cue = draw.normal(size=(episodes, given, channels)) * (draw.random() < 0.8)
    events = draw.random((episodes, given + 1, channels)) < 0.4
    return graph, {"cue": cue, "events": events}, given + int(draw.choice([1, 4, 66]))


def tiny_case(domain: Domain = "fixed", delay: int = 2) -> Case:
    """Return three units in a loop with one input, two episodes that differ."""
    weights = [[0, 2, -4], [6, 0, 2], [2, -2, 0]]
    graph = Graph(
        "tiny",
        {"cue": Input(3), "memory": LIF(3, 1, 1, 2, 1), "recurrent": Dense(weights)},
        [
            Connection("cue.out", "memory.a"),
            Connection("memory.s", "recurrent.s", delay),
            Connection("recurrent.a", "memory.a"),
        ],
        [Probe("memory.v"), Probe("memory.u")],
        domain,
    )
    cue = np.array([[[5, 0, 0], [0, 0, 7]], [[0, -9, 3], [1, 1, 1]]])
    return graph, {"cue": cue}, 7


def assert_equal(got: hg.Result, want: hg.Result, tolerance: float = 0.0) -> None:
    """Compare rasters, states, weights (those within `tolerance`) and, if exact, counters."""
    assert got.spikes.keys() == want.spikes.keys()
    for path, raster in want.spikes.items():
        assert got.spikes[path].dtype == raster.dtype
        np.testing.assert_array_equal(got.spikes[path], raster, err_msg=path)
    for ours, theirs in ((got.states, want.states), (got.weights, want.weights)):
        assert ours.keys() == theirs.keys()
        for key, values in theirs.items():
            assert ours[key].dtype == values.dtype
            if tolerance:
                np.testing.assert_allclose(ours[key], values, tolerance, tolerance, err_msg=key)
            else:
                np.testing.assert_array_equal(ours[key], values, err_msg=key)
    if not tolerance:
        assert got.counters == want.counters


def assert_runs_equal(case: Case, tolerance: float = 0.0, **options: Any) -> None:
    """Run all episodes, then the last alone for fewer steps, on one program, and compare."""
    graph, inputs, steps = case
    last = {path: values[-1:] for path, values in inputs.items()}
    fewer = max(values.shape[1] for values in last.values())
    with hg.compile(graph) as reference, hg.compile(graph, "brian2", **options) as program:
        for data, length in ((inputs, steps), (last, fewer)):
            assert_equal(program.run(data, length), reference.run(data, length), tolerance)
