"""Units that look at groups: bus, winner-take-all, softmax, dendrite."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import (
    LIF,
    Bus,
    Clock,
    Connection,
    Dendrite,
    Dense,
    Graph,
    Input,
    Noise,
    Probe,
    Softmax,
    WinnerTakeAll,
)
from tests.conformance.scenarios.base import ROUNDING, Scenario, both_domains, draw_of, whole_of


def _bus() -> Scenario:
    # Sum, count and maximum of two groups of three; spread; one number sent everywhere.
    processes = {
        "data": Input(6),
        "sum": Bus(3, 2),
        "count": Bus(3, 2, "count"),
        "max": Bus(3, 2, "max", spread=True),
        "all": Bus(6),
        "unit": LIF(4, threshold=5),
    }
    wires: list[tuple[Any, ...]] = [
        *(("data.out", f"{bus}.x") for bus in ("sum", "count", "max", "all")),
        ("all.out", "unit.a"),
    ]
    graphs = both_domains(
        "bus",
        processes,
        {"unit": LIF(4, 4095, 4095, 0, 5)},
        wires,
        ["sum.out", "count.out", "max.out", "all.out", "unit.v"],
    )
    data = np.array([[[1, 2, 3, 0, -1, 0], [-4, -5, -6, 0, 0, 0], [0, 7, 0, 1, 1, 1]]])
    expected = {
        "sum.out": [[[6, -1], [-15, 0], [7, 3]]],
        "count.out": [[[3, 1], [3, 0], [1, 3]]],
        "max.out": [[[3, 3, 3, 0, 0, 0], [-4, -4, -4, 0, 0, 0], [7, 7, 7, 1, 1, 1]]],
        "all.out": [[[5], [-15], [10]]],
    }
    return Scenario(
        "bus",
        **graphs,
        inputs={"data": data},
        steps=3,
        expected={"unit": [(0, 2, unit) for unit in range(4)]},
        expected_states={key: np.array(value) for key, value in expected.items()},
    )


def _bus_saturates() -> Scenario:
    graph = Graph(
        "bus_saturates",
        {
            "data": Input(8),
            "narrow": Bus(4, 2, bits=8),
            "wide": Bus(8, bits=32),
            "spikes": Bus(8, operation="count"),
            "unit": LIF(8, 4095, 0, 0, 3),
        },
        [
            Connection("data.out", "narrow.x"),
            Connection("data.out", "wide.x"),
            Connection("data.out", "unit.a"),
            Connection("unit.s", "spikes.x"),
        ],
        [Probe("narrow.out"), Probe("wide.out"), Probe("spikes.out")],
        domain="fixed",
    )
    data = whole_of("bus saturates", -100, 100, 2, 6, 8)
    data[1] *= 2**15
    return Scenario("bus_saturates", graph, {"data": data}, 7)


def _winners() -> Scenario:
    # Ties go to the lower index; two winners of three; a floor that nobody may pass.
    floor = np.array([-np.inf, -np.inf, -np.inf, 4, 4, 4])
    graphs = both_domains(
        "winners",
        {
            "data": Input(6),
            "gate": Input(6, signal="spike"),
            "one": WinnerTakeAll(3, 2, floor=floor),
            "two": WinnerTakeAll(3, 2, k=2),
            "gated": WinnerTakeAll(6),
        },
        {},
        [
            ("data.out", "one.a"),
            ("data.out", "two.a"),
            ("data.out", "gated.a"),
            ("gate.out", "gated.on"),
        ],
        [],
    )
    data = np.array([[[1, 5, 5, 4, 4, 3], [-1, -1, -1, 5, 6, 7], [0, 0, 0, 9, 9, 9]]])
    gate = np.array([[[1, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]]])
    expected = {
        "one": [(0, 0, 1), (0, 1, 0), (0, 1, 5), (0, 2, 0), (0, 2, 3)],
        "two": [
            (0, 0, 1),
            (0, 0, 2),
            (0, 0, 3),
            (0, 0, 4),
            (0, 1, 0),
            (0, 1, 1),
            (0, 1, 4),
            (0, 1, 5),
            (0, 2, 0),
            (0, 2, 1),
            (0, 2, 3),
            (0, 2, 4),
        ],
        "gated": [(0, 0, 2), (0, 1, 4)],
    }
    return Scenario(
        "winners", **graphs, inputs={"data": data, "gate": gate}, steps=3, expected=expected
    )


def _stochastic_winners() -> Scenario:
    # Gumbel noise, and a gain that comes from the input itself.
    floating = {
        "data": Input(12),
        "strength": Bus(4, 3, "max"),
        "noise": Noise(12, "gumbel", 4.0, seed=5),
        "unit": WinnerTakeAll(4, 3, k=2, floor=-6.0),
        "loop": Dense(2 * whole_of("winner loop", -2, 2, 12, 12)),
    }
    fixed = {
        "noise": Noise(12, "gumbel", 16.0, seed=5),
        "unit": WinnerTakeAll(4, 3, k=2, floor=-40.0, exponent=-1),
    }
    wires: list[tuple[Any, ...]] = [
        ("data.out", "strength.x"),
        ("strength.out", "unit.gain"),
        ("noise.out", "unit.n"),
        ("data.out", "unit.a"),
        ("unit.s", "loop.s"),
        ("loop.a", "unit.a"),
    ]
    graphs = both_domains("stochastic", floating, fixed, wires, [])
    data = whole_of("stochastic winners", -3, 6, 3, 15, 12)
    return Scenario("stochastic_winners", **graphs, inputs={"data": data}, steps=20)


def _winner_extremes() -> Scenario:
    graph = Graph(
        "winner_extremes",
        {"data": Input(8), "gain": Input(2), "unit": WinnerTakeAll(4, 2, k=3, exponent=-5)},
        [
            Connection("data.out", "unit.a"),
            Connection("data.out", "unit.a", 1),
            Connection("gain.out", "unit.gain"),
        ],
        domain="fixed",
    )
    data = whole_of("winner extremes", -(2**23) + 1, 2**23 - 1, 3, 8, 8)
    gain = whole_of("winner gains", -9, 2**18, 3, 8, 2)
    return Scenario("winner_extremes", graph, {"data": data, "gain": gain}, 9)


def _softmax() -> Scenario:
    table = np.rint(255 * np.exp(-np.arange(32) / 8.0))
    graphs = both_domains(
        "softmax",
        {"data": Input(10), "unit": Softmax(5, 2, beta=0.5), "w": Dense(2 * np.ones((3, 10)))},
        {"unit": Softmax(5, 2, table=table, step=1, bits=12)},
        [("data.out", "unit.x"), ("unit.out", "w.s")],
        ["unit.out", "w.a"],
    )
    data = whole_of("softmax", -20, 20, 3, 8, 10)
    data[2, :4] = 3  # equal shares
    return Scenario("softmax", **graphs, inputs={"data": data}, steps=9, tolerance=ROUNDING)


def _softmax_gated() -> Scenario:
    # A clock that lets it speak every other step, and a gate for each unit.
    graphs = both_domains(
        "softmax_gated",
        {
            "data": Input(6),
            "gate": Input(6, signal="spike"),
            "odd": Clock(2, ((1, 2),)),
            "clocked": Softmax(3, 2, beta=0.5),
            "gated": Softmax(6),
            "w": Dense(2 * np.ones((3, 6))),
        },
        {
            "clocked": Softmax(3, 2, table=[200, 100, 50, 10, 0], bits=9),
            "gated": Softmax(6, table=[3, 2, 1], step=1, bits=4),
        },
        [
            ("data.out", "clocked.x"),
            ("odd.out", "clocked.on"),
            ("data.out", "gated.x"),
            ("gate.out", "gated.on"),
            ("clocked.out", "w.s"),
        ],
        ["clocked.out", "gated.out", "w.a"],
    )
    inputs = {
        "data": whole_of("softmax gated", -4, 4, 3, 7, 6),
        "gate": whole_of("softmax gate", 0, 1, 3, 7, 6),
    }
    return Scenario("softmax_gated", **graphs, inputs=inputs, steps=8, tolerance=ROUNDING)


def _dendrite() -> Scenario:
    # A unit spikes where any of its two segments reaches its threshold.
    unit = Dendrite(3, 2, threshold=[2, 3, 2, 3, 2, 3])
    graphs = both_domains(
        "dendrite",
        {"data": Input(6), "gate": Input(3, signal="spike"), "unit": unit},
        {},
        [("data.out", "unit.a"), ("gate.out", "unit.on")],
        [],
    )
    data = np.array([[[2, 0, 1, 3, 1, 2], [1, 2, 0, 0, 9, 9], [2, 3, 2, 3, 2, 3]]])
    gate = np.array([[[1, 1, 1], [1, 1, 0], [0, 1, 1]]])
    expected = {"unit": [(0, 0, 0), (0, 0, 1), (0, 2, 1), (0, 2, 2)]}
    return Scenario(
        "dendrite", **graphs, inputs={"data": data, "gate": gate}, steps=3, expected=expected
    )


def _pipeline() -> Scenario:
    # All of them on same-step wires in one step, and back with a delay.
    floating = {
        "data": Input(12),
        "unit": LIF(12, 0.5, 0.25, 0.5, 2),
        "segments": Dense(whole_of("pipeline segments", 0, 1, 24, 12)),
        "cells": Dendrite(12, 2, 3),
        "winners": WinnerTakeAll(4, 3, k=2),
        "any": Bus(12, operation="count"),
        "brake": Dense(-2 * np.ones((12, 1))),
        "back": Dense(2 * whole_of("pipeline back", -2, 3, 12, 12)),
    }
    fixed = {"unit": LIF(12, 2047, 1024, 32, 2)}
    wires: list[tuple[Any, ...]] = [
        ("data.out", "unit.a"),
        ("unit.s", "segments.s"),
        ("segments.a", "cells.a"),
        ("unit.s", "winners.a"),
        ("cells.s", "winners.on"),
        ("winners.s", "any.x"),
        ("any.out", "brake.s"),
        ("brake.a", "unit.a"),
        ("winners.s", "back.s", 2),
        ("back.a", "unit.a", 1),
    ]
    graphs = both_domains("pipeline", floating, fixed, wires, ["unit.v", "any.out"])
    data = 4 * draw_of("pipeline data", 3, 6, 12)
    data = np.rint(data)
    return Scenario("pipeline", **graphs, inputs={"data": data}, steps=30, tolerance=ROUNDING)


SCENARIOS = (
    _bus(),
    _bus_saturates(),
    _winners(),
    _stochastic_winners(),
    _winner_extremes(),
    _softmax(),
    _softmax_gated(),
    _dendrite(),
    _pipeline(),
)
