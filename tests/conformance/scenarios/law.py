"""The law of the tick and LIF: counting, delays, wires, fan-in, nesting, integers, episodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe
from tests.conformance.scenarios.base import ROUNDING, Scenario, draw_of


def _single_unit() -> Scenario:
    # v: 1, 2, 3 > 2.5 -> spike and reset; and so on, a spike every third step.
    graph = Graph(
        "counting",
        {"drive": Input(1), "unit": LIF(1, decay_u=1, decay_v=0, threshold=2.5)},
        [Connection("drive.out", "unit.a")],
        [Probe("unit.s"), Probe("unit.u"), Probe("unit.v")],
    )
    spikes = [(0, t, 0) for t in (2, 5, 8)]
    ones = np.ones((1, 9, 1))
    return Scenario("counting", graph, {"drive": ones}, 9, expected={"unit": spikes})


def _strict_threshold() -> Scenario:
    # A voltage of exactly the threshold does not spike; one more does.
    graph = Graph(
        "strict",
        {"drive": Input(2), "unit": LIF(2, threshold=3)},
        [Connection("drive.out", "unit.a")],
        [Probe("unit.v")],
    )
    drive = np.array([[[3.0, 4.0]]])
    expected = {"unit": [(0, 0, 1)]}
    return Scenario(
        "strict_threshold", graph, {"drive": drive}, 3, exact_in_fixed=True, expected=expected
    )


def _delays() -> Scenario:
    # One spike at step 0, through synapses and wires of several delays; everything arrives once.
    def relay(delay_in: int, delay_out: int) -> dict[str, Any]:
        name = f"d{delay_in}_{delay_out}"
        return {f"w_{name}": Dense([[2.0]]), f"n_{name}": LIF(1, threshold=1)}

    pairs = [(1, 0), (2, 0), (1, 3), (5, 2), (62, 0)]
    processes: dict[str, Any] = {"source": Input(1, signal="spike")}
    connections = []
    expected = {}
    for pair in pairs:
        processes |= relay(*pair)
        name = f"d{pair[0]}_{pair[1]}"
        connections.append(Connection("source.out", f"w_{name}.s", pair[0]))
        connections.append(Connection(f"w_{name}.a", f"n_{name}.a", pair[1]))
        expected[f"n_{name}"] = [(0, sum(pair), 0)]
    graph = Graph("delays", processes, connections)
    spike = np.ones((1, 1, 1))
    return Scenario("delays", graph, {"source": spike}, 66, exact_in_fixed=True, expected=expected)


def _chain_of_wires() -> Scenario:
    # Same-step wires: the second unit hears the first in the step in which it spikes.
    graph = Graph(
        "wires",
        {
            "drive": Input(3),
            "first": LIF(3, threshold=1),
            "second": LIF(3, threshold=0),
            "late": LIF(3, threshold=0),
        },
        [
            Connection("drive.out", "first.a"),
            Connection("first.s", "second.a", 0),
            Connection("first.s", "late.a", 2),
        ],
    )
    drive = np.array([[[2.0, 0, 5], [0, 2, 0]]])
    first = [(0, 0, 0), (0, 0, 2), (0, 1, 1)]
    late = [(0, t + 2, unit) for _, t, unit in first]
    expected = {"first": first, "second": first, "late": late}
    return Scenario("wires", graph, {"drive": drive}, 5, exact_in_fixed=True, expected=expected)


def _fan_in() -> Scenario:
    # Several connections into one port add up, spikes and graded values, in float and in fixed.
    draw = draw_of("fan_in", 3, 6, 4)
    graph = Graph(
        "fan_in",
        {
            "graded": Input(4, gain=[1, 2, -1, 3]),
            "events": Input(4, signal="spike"),
            "unit": LIF(4, decay_u=0.25, decay_v=0.5, bias=0.5, threshold=4),
            "w1": Dense(np.arange(16).reshape(4, 4) - 6.0),
            "w2": Dense(np.eye(4) * 3),
        },
        [
            Connection("graded.out", "unit.a"),
            Connection("events.out", "w1.s"),
            Connection("graded.out", "w2.s", 2),
            Connection("events.out", "w2.s", 3),
            Connection("w1.a", "unit.a"),
            Connection("w2.a", "unit.a", 1),
        ],
        [Probe("unit.u"), Probe("unit.v")],
    )
    inputs = {"graded": np.rint(8 * draw - 4), "events": draw > 0.6}
    return Scenario("fan_in", graph, inputs, 20, tolerance=ROUNDING)


def _generic_recurrent() -> Scenario:
    draw = draw_of("generic", 3, 24, 24)
    weights = (draw[0] - 0.5) * (draw[1] < 0.4)
    graph = Graph(
        "generic",
        {
            "drive": Input(24, gain=0.9),
            "unit": LIF(
                24,
                decay_u=0.2 + 0.6 * draw[2, 0],
                decay_v=0.05 + 0.3 * draw[2, 1],
                bias=0.1 * draw[2, 2],
                threshold=0.6 + draw[2, 3],
            ),
            "recurrent": Dense(weights),
        },
        [
            Connection("drive.out", "unit.a"),
            Connection("unit.s", "recurrent.s"),
            Connection("recurrent.a", "unit.a"),
        ],
        [Probe("unit.u"), Probe("unit.v")],
    )
    drive = draw_of("generic drive", 4, 30, 24) - 0.3
    return Scenario("generic_recurrent", graph, {"drive": drive}, 60, tolerance=ROUNDING)


def _nested() -> Scenario:
    inner = Graph(
        "layer",
        {
            "unit": LIF(5, threshold=1.5),
            "ring": Dense(np.roll(np.eye(5), 1, axis=0) * 2),
        },
        [Connection("unit.s", "ring.s", 2), Connection("ring.a", "unit.a")],
        [Probe("unit.v")],
    )
    graph = Graph(
        "nested",
        {"drive": Input(5), "left": inner, "right": inner, "bridge": Dense(np.eye(5) * 2)},
        [
            Connection("drive.out", "left.unit.a"),
            Connection("left.unit.s", "bridge.s", 3),
            Connection("bridge.a", "right.unit.a"),
        ],
    )
    drive = np.zeros((1, 1, 5))
    drive[0, 0, 0] = 2  # one token walks around the left ring, and seeds the right one
    left = [(0, 2 * k, k % 5) for k in range(8)]
    return Scenario(
        "nested", graph, {"drive": drive}, 15, exact_in_fixed=True, expected={"left.unit": left}
    )


def _fixed_extremes() -> Scenario:
    # Currents that wrap u, voltages that saturate, odd decays, every bias exponent's ends.
    draw = draw_of("extremes", 4, 16)
    graph = Graph(
        "extremes",
        {
            "drive": Input(16),
            "unit": LIF(
                16,
                decay_u=np.rint(4095 * draw[0] ** 3),
                decay_v=np.rint(4095 * draw[1] ** 3),
                bias=np.rint(8191 * draw[2] - 4096),
                threshold=np.rint((2**17 - 1) * draw[3] ** 2),
                bias_exponent=7,
            ),
            "mixed": Dense(2 * np.rint(255 * draw_of("extreme w", 16, 16) - 128), exponent=7),
            "excite": Dense(np.rint(255 * draw_of("extreme e", 16, 16)), exponent=-3),
            "inhibit": Dense(-np.rint(255 * draw_of("extreme i", 16, 16)), exponent=2),
        },
        [
            Connection("drive.out", "unit.a"),
            *(Connection("unit.s", f"{w}.s", d) for w, d in (("mixed", 1), ("excite", 4))),
            Connection("drive.out", "inhibit.s", 1),
            *(Connection(f"{w}.a", "unit.a") for w in ("mixed", "excite", "inhibit")),
        ],
        [Probe("unit.u"), Probe("unit.v")],
        domain="fixed",
    )
    drive = np.rint((draw_of("extreme drive", 3, 40, 16) - 0.4) * 2**21)
    drive[1, 5:, :] = 0
    drive[2, ::7, ::3] = -(2**17)  # 64 times this is exactly -2**23, which becomes +2**23
    return Scenario("fixed_extremes", graph, {"drive": drive}, 80)


def _sums_wrap_before_the_shift() -> Scenario:
    # 2**23 * 255 * 128 exceeds 32 bits; shifted right by 8 first, it would not.
    graph = Graph(
        "wide",
        {
            "drive": Input(1),
            "up": Dense([[255]], exponent=7),
            "down": Dense([[200]], exponent=-8),
            "unit": LIF(1, decay_u=4095, decay_v=4095, threshold=2**17 - 1),
        },
        [
            Connection("drive.out", "up.s"),
            Connection("up.a", "down.s"),
            Connection("down.a", "unit.a"),
        ],
        [Probe("unit.u"), Probe("unit.v")],
        domain="fixed",
    )
    drive = np.array([[[2**22 + 12345]], [[-(2**22) - 1]], [[77]], [[2**22 + 2**15]]])
    return Scenario("sums_wrap", graph, {"drive": drive}, 5)


def _episodes_are_independent() -> Scenario:
    # The second episode is silent: nothing may leak from the first, not even delayed spikes.
    graph = Graph(
        "episodes",
        {
            "drive": Input(3),
            "unit": LIF(3, decay_u=0.1, decay_v=0.1, threshold=2),
            "echo": Dense(np.full((3, 3), 3.0)),
        },
        [
            Connection("drive.out", "unit.a"),
            Connection("unit.s", "echo.s", 4),
            Connection("echo.a", "unit.a", 2),
        ],
        [Probe("unit.u"), Probe("unit.v")],
    )
    drive = np.zeros((3, 6, 3))
    drive[0] = 5
    drive[2, 5] = 5
    return Scenario("episodes", graph, {"drive": drive}, 9, tolerance=ROUNDING)


SCENARIOS = (
    _single_unit(),
    _strict_threshold(),
    _delays(),
    _chain_of_wires(),
    _fan_in(),
    _generic_recurrent(),
    _nested(),
    _fixed_extremes(),
    _sums_wrap_before_the_shift(),
    _episodes_are_independent(),
)
