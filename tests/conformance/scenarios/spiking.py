"""Units that spike: refractory LIF, gates, noise at the threshold, TernaryLIF, Sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import LIF, Connection, Dense, Graph, Input, Noise, Probe, Sign, TernaryLIF
from tests.conformance.scenarios.base import ROUNDING, Scenario, draw_of, whole_of


def _graph(name: str, processes: dict[str, Any], wires: list[tuple[Any, ...]], *probes: str) -> Any:
    connections = [Connection(*wire) for wire in wires]
    return Graph(name, processes, connections, [Probe(probe) for probe in probes])


def _fixed(graph: Graph, **changes: Any) -> Graph:
    """Return `graph` in the fixed domain with other processes, all else alike."""
    processes = {**graph.processes, **changes}
    return Graph(graph.name, processes, graph.connections, graph.probes, "fixed")


def _refractory() -> Scenario:
    # Always driven above threshold: a spike, then 0, 1 or 3 steps of silence with v = 0.
    def graph(period: int) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
        name = f"r{period}"
        unit = LIF(1, decay_v=0, threshold=2, refractory=period)
        return {name: unit}, [("drive.out", f"{name}.a")]

    processes: dict[str, Any] = {"drive": Input(1)}
    wires: list[tuple[Any, ...]] = []
    for period in (0, 1, 3):
        found, more = graph(period)
        processes |= found
        wires += more
    whole = _graph("refractory", processes, wires, "r3.v", "r3.r", "r1.r")
    fixed_units = {f"r{p}": LIF(1, 4095, 0, threshold=2, refractory=p) for p in (0, 1, 3)}
    expected = {
        "r0": [(0, t, 0) for t in range(9)],
        "r1": [(0, t, 0) for t in range(0, 9, 2)],
        "r3": [(0, t, 0) for t in range(0, 9, 4)],
    }
    countdown = np.array([3, 2, 1, 0, 3, 2, 1, 0, 3])[np.newaxis, :, np.newaxis]
    return Scenario(
        "refractory",
        whole,
        {"drive": 3 * np.ones((1, 9, 1))},
        9,
        expected=expected,
        expected_states={"r3.r": countdown, "r3.v": 0 * countdown},
        fixed=_fixed(whole, **fixed_units),
    )


def _refractory_network() -> Scenario:
    draw = draw_of("refractory net", 2, 12, 12)
    weights = 2 * np.rint(20 * (draw[0] - 0.5) * (draw[1] < 0.5))
    unit = LIF(12, 0.25, 0.125, 0.5, 6, refractory=2)
    graph = _graph(
        "refractory_net",
        {"drive": Input(12), "unit": unit, "loop": Dense(weights)},
        [("drive.out", "unit.a"), ("unit.s", "loop.s", 2), ("loop.a", "unit.a")],
        "unit.u",
        "unit.v",
        "unit.r",
    )
    drive = whole_of("refractory drive", -2, 6, 3, 20, 12)
    fixed = _fixed(graph, unit=LIF(12, 1023, 512, 32, 6, refractory=2))
    return Scenario("refractory_network", graph, {"drive": drive}, 40, ROUNDING, fixed=fixed)


def _gate() -> Scenario:
    # While it is off a unit is frozen and silent, or repeats its last spike; arrivals are lost.
    processes = {
        "drive": Input(2),
        "gate": Input(2, signal="spike"),
        "silent": LIF(2, decay_v=0, threshold=2.5),
        "hold": LIF(2, decay_v=0, threshold=2.5, when_off="hold"),
    }
    wires: list[tuple[Any, ...]] = [
        ("drive.out", "silent.a"),
        ("gate.out", "silent.on"),
        ("drive.out", "hold.a"),
        ("gate.out", "hold.on"),
    ]
    graph = _graph("gate", processes, wires, "silent.v", "silent.u", "hold.v")
    drive = np.ones((1, 8, 2))
    gate = np.array([[1, 1, 0, 1, 0, 0, 1, 1], [0, 1, 1, 1, 0, 1, 1, 1]]).T[np.newaxis]
    # unit 0 is on at 0, 1, 3: v = 1, 2, 3 -> spike at 3; unit 1 at 1, 2, 3 and 5, 6, 7
    silent = [(0, 3, 0), (0, 3, 1), (0, 7, 1)]
    hold = [(0, 3, 0), (0, 3, 1), (0, 4, 0), (0, 4, 1), (0, 5, 0), (0, 7, 1)]
    fixed = _fixed(
        graph,
        silent=LIF(2, 4095, 0, threshold=2),
        hold=LIF(2, 4095, 0, threshold=2, when_off="hold"),
    )
    return Scenario(
        "gate",
        graph,
        {"drive": drive, "gate": gate},
        8,
        expected={"silent": silent, "hold": hold},
        fixed=fixed,
    )


def _glauber() -> Scenario:
    # A stochastic threshold, a Bernoulli update mask, and a recurrent net that feels both.
    draw = draw_of("glauber", 10, 10)
    weights = 2 * np.rint(6 * (draw - 0.5))
    graph = _graph(
        "glauber",
        {
            "drive": Input(10),
            "noise": Noise(10, "logistic", 2.0, seed=3),
            "mask": Noise(10, "bernoulli", 0.5, seed=3),
            "unit": LIF(10, bias=0.5, threshold=0, when_off="hold"),
            "loop": Dense(weights),
        },
        [
            ("drive.out", "unit.a"),
            ("noise.out", "unit.n"),
            ("mask.out", "unit.on"),
            ("unit.s", "loop.s"),
            ("loop.a", "unit.a"),
        ],
        "unit.v",
    )
    fixed = _fixed(
        graph,
        noise=Noise(10, "logistic", 128.0, seed=3),
        unit=LIF(10, 4095, 4095, 32, 0, when_off="hold"),
    )
    drive = whole_of("glauber drive", -3, 3, 4, 1, 10)
    return Scenario("glauber", graph, {"drive": drive}, 25, ROUNDING, fixed=fixed)


def _ternary() -> Scenario:
    # v counts up or down; strictly above 2 emits 1, strictly below -3 emits -1.
    unit = TernaryLIF(3, decay_u=1, decay_v=0, threshold=2, lower=-3)
    graph = _graph(
        "ternary", {"drive": Input(3), "unit": unit}, [("drive.out", "unit.a")], "unit.v"
    )
    drive = np.broadcast_to(np.array([1.0, -1.0, 0.0]), (1, 9, 3))
    fixed = _fixed(graph, unit=TernaryLIF(3, 4095, 0, threshold=2, lower=-3))
    expected = {"unit": sorted([(0, t, 0) for t in (2, 5, 8)] + [(0, t, 1) for t in (3, 7)])}
    return Scenario("ternary", graph, {"drive": drive}, 9, expected=expected, fixed=fixed)


def _ternary_network() -> Scenario:
    draw = draw_of("ternary net", 2, 14, 14)
    weights = 2 * np.rint(30 * (draw[0] - 0.5) * (draw[1] < 0.5))
    graph = _graph(
        "ternary_net",
        {
            "drive": Input(14),
            "signs": Input(14, signal="ternary"),
            "noise": Noise(14, "uniform", 3.0),
            "gate": Input(14, signal="spike"),
            "unit": TernaryLIF(14, 0.5, 0.25, 1, 9, -7),
            "loop": Dense(weights),
        },
        [
            ("drive.out", "unit.a"),
            ("signs.out", "loop.s", 3),
            ("noise.out", "unit.n"),
            ("gate.out", "unit.on"),
            ("unit.s", "loop.s", 2),
            ("loop.a", "unit.a"),
        ],
        "unit.u",
        "unit.v",
    )
    fixed = _fixed(
        graph,
        noise=Noise(14, "uniform", 192.0),
        unit=TernaryLIF(14, 2047, 1024, 64, 9, -7),
    )
    inputs = {
        "drive": whole_of("ternary drive", -5, 5, 3, 18, 14),
        "signs": whole_of("ternary signs", -1, 1, 3, 10, 14),
        "gate": draw_of("ternary gate", 3, 30, 14) < 0.8,
    }
    return Scenario("ternary_network", graph, inputs, 30, ROUNDING, fixed=fixed)


def _sign() -> Scenario:
    # Keeps its sign on a field of 0; undecided until it has had one; `set` beats the field.
    graph = _graph(
        "sign",
        {"field": Input(3), "cue": Input(3), "unit": Sign(3, bias=[0, 0, 1])},
        [("field.out", "unit.a"), ("cue.out", "unit.set")],
        "unit.sigma",
        "unit.h",
    )
    field = np.array([[[0, 2, -1], [5, 0, -3], [0, -2, 0], [-1, 0, 0], [0, 0, -1]]])
    cue = np.array([[[-1, 0, 0], [0, 0, 0], [0, 7, 0]]])
    sigma = np.array([[[-1, 1, 0], [1, 1, -1], [1, 1, 1], [-1, 1, 1], [-1, 1, 1]]])
    return Scenario(
        "sign",
        graph,
        {"field": field, "cue": cue},
        5,
        expected_states={"unit.sigma": sigma},
        fixed=_fixed(graph),
    )


def _event_driven_equals_synchronous() -> Scenario:
    # The same network twice: units that send their state, and units that send its changes.
    patterns = np.where(draw_of("event patterns", 3, 20) < 0.5, -1, 1)
    weights = 2 * (patterns.T @ patterns)
    np.fill_diagonal(weights, 0)
    graph = _graph(
        "events",
        {
            "cue": Input(20),
            "mask": Noise(20, "bernoulli", 0.5),
            "state": Sign(20),
            "change": Sign(20, integrates=True),
            "full": Dense(weights),
            "delta": Dense(weights),
        },
        [
            ("cue.out", "state.set"),
            ("cue.out", "change.set"),
            ("mask.out", "state.on"),
            ("mask.out", "change.on"),
            ("state.s", "full.s"),
            ("full.a", "state.a"),
            ("change.s", "delta.s"),
            ("delta.a", "change.a"),
        ],
        "state.sigma",
        "change.sigma",
        "change.h",
        "change.s",
    )
    cue = np.where(draw_of("event cue", 4, 1, 20) < 0.3, -1, 1) * patterns[0]
    return Scenario("sign_events", graph, {"cue": cue}, 16, fixed=_fixed(graph))


def _sign_saturates() -> Scenario:
    # A field of more than 24 bits is held at the bound, and comes back from there.
    graph = Graph(
        "sign_saturates",
        {
            "drive": Input(2),
            "noise": Noise(2, "logistic", 2.0**19),
            "unit": Sign(2, integrates=True),
        },
        [Connection("drive.out", "unit.a"), Connection("noise.out", "unit.n")],
        [Probe("unit.h"), Probe("unit.s")],
        domain="fixed",
    )
    big = 2**23 - 1
    drive = np.array([[[big, -big], [big, -big], [-5, 5], [-big, big]]])
    field = np.array([[[big, -big], [big, -big], [big - 5, 5 - big], [-5, 5]]])
    return Scenario("sign_saturates", graph, {"drive": drive}, 4, expected_states={"unit.h": field})


SCENARIOS = (
    _refractory(),
    _refractory_network(),
    _gate(),
    _glauber(),
    _ternary(),
    _ternary_network(),
    _sign(),
    _event_driven_equals_synchronous(),
    _sign_saturates(),
)
