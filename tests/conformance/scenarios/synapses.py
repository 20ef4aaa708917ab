"""Synapses: transposed, sparse, block by block, convolutions, delays of single synapses."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import (
    LIF,
    BlockDense,
    Connection,
    Conv2d,
    Dense,
    Graded,
    Graph,
    Input,
    Probe,
    Sparse,
    Transpose,
)
from tests.conformance.scenarios.base import (
    ROUNDING,
    Scenario,
    both_domains,
    draw_of,
    whole_of,
)


def _transpose() -> Scenario:
    weights = 2 * whole_of("transpose", -9, 9, 3, 5)
    floating = {
        "data": Input(5),
        "up": Dense(weights),
        "hidden": Graded(3, low=0),
        "down": Transpose("up", 3, 5),
    }
    wires: list[tuple[Any, ...]] = [
        ("data.out", "up.s"),
        ("up.a", "hidden.a"),
        ("hidden.out", "down.s", 2),
    ]
    data = whole_of("transpose data", -4, 4, 2, 1, 5)
    hidden = np.maximum(data[:, 0] @ weights.T, 0)
    down = np.zeros((2, 6, 5))
    down[:, 3] = hidden @ weights
    return Scenario(
        "transpose",
        **both_domains("transpose", floating, {}, wires, ["down.a", "hidden.out"]),
        inputs={"data": data},
        steps=6,
        tolerance=ROUNDING,
        expected_states={"down.a": down},
    )


def _ties_apart() -> Scenario:
    # A transpose that hears something else than its Dense: they share weights and nothing more.
    weights = 2 * whole_of("apart", -9, 9, 3, 5)
    floating = {
        "left": Input(5),
        "right": Input(3),
        "up": Dense(weights),
        "down": Transpose("up", 3, 5),
        "over": Graded(3, low=0),
        "under": Graded(5),
    }
    wires: list[tuple[Any, ...]] = [
        ("left.out", "up.s"),
        ("up.a", "over.a"),
        ("right.out", "down.s", 2),
        ("down.a", "under.a"),
    ]
    left, right = whole_of("left", -4, 4, 2, 1, 5), whole_of("right", -4, 4, 2, 1, 3)
    under = np.zeros((2, 4, 5))
    under[:, 2] = right[:, 0] @ weights
    return Scenario(
        "ties_apart",
        **both_domains("apart", floating, {}, wires, ["over.out", "under.out"]),
        inputs={"left": left, "right": right},
        steps=4,
        tolerance=ROUNDING,
        expected_states={"under.out": under},
    )


def _chains() -> Scenario:
    # Synapses that hear synapses, a step later, whatever the order of their names; and in a ring.
    floating = {
        "data": Input(2),
        "a": Dense([[2.0, 0], [0, 4]]),
        "b": Dense([[0.0, 2], [2, 0]]),
        "c": Dense([[2.0, 0], [0, 2]]),
        "unit": Graded(2),
    }
    wires: list[tuple[Any, ...]] = [
        ("data.out", "b.s"),
        ("b.a", "a.s"),
        ("a.a", "c.s"),
        ("c.a", "unit.a"),
        ("c.a", "b.s", 2),
    ]
    data = np.array([[[1, 5], [3, 0]]])
    # b: (10, 2), (0, 6); a a step later: (20, 8), (0, 24); c: (40, 16), (0, 48); b: (32, 80) ...
    out = np.zeros((1, 7, 2))
    out[0, 3], out[0, 4] = [40, 16], [0, 48]
    return Scenario(
        "chains",
        **both_domains("chains", floating, {}, wires, ["a.a", "b.a", "c.a", "unit.out"]),
        inputs={"data": data},
        steps=7,
        expected_states={"unit.out": out},
    )


def _nested_ties() -> Scenario:
    # A tie inside a nested graph, used twice; exponents of both signs, graded sums that wrap.
    def memory(seed: str) -> Graph:
        return Graph(
            "memory",
            {
                "up": Dense(2 * whole_of(seed, -100, 100, 4, 6), exponent=-4),
                "down": Transpose("up", 4, 6, exponent=3),
                "hidden": Graded(4, bits=20),
            },
            [
                Connection("up.a", "hidden.a"),
                Connection("hidden.out", "down.s"),
                Connection("down.a", "up.s", 2),
            ],
            [Probe("hidden.out"), Probe("down.a")],
            "fixed",
        )

    graph = Graph(
        "nested_ties",
        {"data": Input(6), "left": memory("left"), "right": memory("right")},
        [
            Connection("data.out", "left.up.s"),
            Connection("left.down.a", "right.up.s", 3),
        ],
        domain="fixed",
    )
    return Scenario("nested_ties", graph, {"data": whole_of("ties", -9, 9, 2, 3, 6)}, 14)


def _sparse_equals_dense() -> Scenario:
    draw = draw_of("sparse", 2, 9, 7)
    weights = 2 * np.rint(60 * (draw[0] - 0.5)) * (draw[1] < 0.4)
    post, pre = np.nonzero(weights)
    floating = {
        "data": Input(7),
        "events": Input(7, signal="spike"),
        "sparse": Sparse(7, 9, pre, post, weights[post, pre]),
        "dense": Dense(weights),
        "listed": LIF(9, 0.5, 0.25, 0, 30),
        "full": LIF(9, 0.5, 0.25, 0, 30),
    }
    fixed = {name: LIF(9, 2047, 1024, 0, 30) for name in ("listed", "full")}
    wires: list[tuple[Any, ...]] = [
        *(
            (source, f"{w}.s", d)
            for w in ("sparse", "dense")
            for source, d in (("events.out", 1), ("data.out", 4))
        ),
        ("sparse.a", "listed.a"),
        ("dense.a", "full.a"),
    ]
    inputs = {
        "data": whole_of("sparse data", -3, 3, 2, 12, 7),
        "events": draw_of("sparse events", 2, 12, 7) < 0.3,
    }
    return Scenario(
        "sparse",
        **both_domains("sparse", floating, fixed, wires, ["listed.v", "full.v"]),
        inputs=inputs,
        steps=18,
        tolerance=ROUNDING,
    )


def _blocks() -> Scenario:
    # The same two-by-three matrix for four groups.
    weights = np.array([[2.0, -4, 0], [0, 6, 2]])
    floating = {
        "data": Input(12),
        "w": BlockDense(weights, 4),
        "unit": LIF(8, threshold=3),
        "back": BlockDense(2 * np.ones((3, 2)), 4),
        "late": LIF(12, threshold=1),
    }
    fixed = {"unit": LIF(8, 4095, 4095, 0, 3), "late": LIF(12, 4095, 4095, 0, 1)}
    wires: list[tuple[Any, ...]] = [
        ("data.out", "w.s"),
        ("w.a", "unit.a"),
        ("unit.s", "back.s", 2),
        ("back.a", "late.a"),
    ]
    data = whole_of("blocks", -3, 3, 2, 6, 12)
    expected_sums = np.zeros((2, 10, 8))
    expected_sums[:, 1:7] = (data.reshape(2, 6, 4, 3) @ weights.T).reshape(2, 6, 8)
    return Scenario(
        "blocks",
        **both_domains("blocks", floating, fixed, wires, ["w.a", "unit.v"]),
        inputs={"data": data},
        steps=10,
        expected_states={"w.a": expected_sums},
    )


def _convolution() -> Scenario:
    # An edge detector by hand, then a strided stack with two channels and padding.
    floating = {
        "image": Input(12),
        "edges": Conv2d([[[[-1.0, 1.0]]]], (3, 4)),
        "stack": Conv2d(
            2 * whole_of("conv", -9, 9, 2, 1, 3, 2), (3, 4), stride=(2, 1), padding=(1, 0)
        ),
        "unit": LIF(12, 0.5, 0, 0, 6),
        "deep": Conv2d(2 * whole_of("deep", -9, 9, 3, 2, 2, 2), (2, 3), padding=1),
        "out": LIF(36, 0.5, 0.5, 0, 9),
    }
    fixed = {
        "edges": Conv2d([[[[-2.0, 2.0]]]], (3, 4)),
        "unit": LIF(12, 2047, 0, 0, 6),
        "out": LIF(36, 2047, 2048, 0, 9),
    }
    wires: list[tuple[Any, ...]] = [
        ("image.out", "edges.s"),
        ("image.out", "stack.s", 2),
        ("stack.a", "unit.a"),
        ("unit.s", "deep.s"),
        ("deep.a", "out.a"),
    ]
    graphs = both_domains("convolution", floating, fixed, wires, ["stack.a", "unit.v", "out.v"])
    return Scenario(
        "convolution",
        **graphs,
        inputs={"image": whole_of("image", 0, 3, 2, 5, 12)},
        steps=12,
        tolerance=ROUNDING,
    )


def _convolution_by_hand() -> Scenario:
    floating = {"image": Input(6), "edges": Conv2d([[[[-2.0, 2.0]]]], (2, 3))}
    graphs = both_domains("edges", floating, {}, [("image.out", "edges.s")], ["edges.a"])
    image = np.array([[[0, 3, 4, 5, 5, 1]]])
    edges = np.array([[[0, 0, 0, 0], [6, 2, 0, -8], [0, 0, 0, 0]]])
    return Scenario(
        "edges", **graphs, inputs={"image": image}, steps=3, expected_states={"edges.a": edges}
    )


def _convolution_wraps() -> Scenario:
    graph = Graph(
        "conv_wraps",
        {"image": Input(9), "w": Conv2d([[[[254, -256], [2, 250]]]], (3, 3)), "unit": LIF(4)},
        [
            Connection("image.out", "w.s"),
            Connection("image.out", "w.s", 2),
            Connection("w.a", "unit.a"),
        ],
        [Probe("w.a"), Probe("unit.u")],
        domain="fixed",
    )
    image = whole_of("conv wraps", -(2**22), 2**22, 2, 6, 9)
    return Scenario("conv_wraps", graph, {"image": image}, 9)


def _synaptic_delays() -> Scenario:
    # One spike into four synapses of different delay: it arrives four times.
    floating = {
        "events": Input(1, signal="spike"),
        "w": Dense([[2.0], [2], [2], [2]], delays=[[0], [1], [5], [61]]),
        "listed": Sparse(1, 3, [0, 0, 0], [2, 0, 1], [2.0, 2, 2], delays=[3, 0, 9]),
        "unit": LIF(4, threshold=1),
        "other": LIF(3, threshold=1),
    }
    fixed = {"unit": LIF(4, 4095, 4095, 0, 1), "other": LIF(3, 4095, 4095, 0, 1)}
    wires: list[tuple[Any, ...]] = [
        ("events.out", "w.s"),
        ("w.a", "unit.a"),
        ("events.out", "listed.s", 2),
        ("listed.a", "other.a", 1),
    ]
    spike = np.ones((1, 1, 1))
    return Scenario(
        "synaptic_delays",
        **both_domains("synaptic_delays", floating, fixed, wires, ["w.a"]),
        inputs={"events": spike},
        steps=66,
        expected={
            "unit": [(0, 1, 0), (0, 2, 1), (0, 6, 2), (0, 62, 3)],
            "other": [(0, 3, 0), (0, 6, 2), (0, 12, 1)],
        },
    )


def _delayed_network() -> Scenario:
    # Recurrent, graded and spikes, every synapse its own delay, sums shifted down; two episodes.
    draw = draw_of("delayed", 2, 10, 10)
    weights = 2 * np.rint(100 * (draw[0] - 0.5)) * (draw[1] < 0.6)
    delays = np.rint(whole_of("delays", 0, 6, 10, 10))
    graph = Graph(
        "delayed",
        {
            "data": Input(10),
            "unit": LIF(10, 1500, 900, whole_of("delayed bias", -900, 900, 10), 40),
            "loop": Dense(weights, exponent=-2, delays=delays),
            "few": Sparse(
                10,
                10,
                np.arange(10),
                np.arange(10)[::-1],
                2 * np.arange(-5, 5),
                2,
                delays=np.arange(10),
            ),
        },
        [
            Connection("data.out", "unit.a"),
            Connection("unit.s", "loop.s"),
            Connection("data.out", "loop.s", 3),
            Connection("unit.s", "few.s", 2),
            Connection("loop.a", "unit.a"),
            Connection("few.a", "unit.a"),
        ],
        [Probe("unit.u"), Probe("unit.v")],
        domain="fixed",
    )
    data = whole_of("delayed data", -90, 90, 2, 12, 10)
    return Scenario("delayed_network", graph, {"data": data}, 30)


SCENARIOS = (
    _transpose(),
    _ties_apart(),
    _chains(),
    _nested_ties(),
    _sparse_equals_dense(),
    _blocks(),
    _convolution(),
    _convolution_by_hand(),
    _convolution_wraps(),
    _synaptic_delays(),
    _delayed_network(),
)
