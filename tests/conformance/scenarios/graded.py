"""Units with graded outputs: integrators, clips, polynomials, exponentials, sigma-delta."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import (
    LIF,
    Connection,
    Dense,
    Exponential,
    Graded,
    Graph,
    Input,
    LeakyIntegrator,
    Polynomial,
    Probe,
    SigmaDelta,
)
from hebbgraph.processes.polynomial import distinct, krotov
from tests.conformance.scenarios.base import ROUNDING, Scenario, both_domains, draw_of, whole_of


def _chain(name: str, unit: Any, fixed: Any = None, states: tuple[str, ...] = ()) -> Any:
    """Return data -> unit, its output and states recorded."""
    size = unit.inputs["a"].size
    return both_domains(
        name,
        {"data": Input(size), "unit": unit},
        {"unit": fixed or unit},
        [("data.out", "unit.a")],
        ["unit.out", *(f"unit.{state}" for state in states)],
    )


def _integrator() -> Scenario:
    # Halved each step: 8, 4 + 8, 6 + 0, 3; a reset forgets, what arrives then counts.
    graphs = both_domains(
        "integrator",
        {
            "data": Input(2),
            "reset": Input(1, signal="spike"),
            "gate": Input(2, signal="spike"),
            "unit": LeakyIntegrator(2, decay=0.5),
        },
        {"unit": LeakyIntegrator(2, decay=2048)},
        [("data.out", "unit.a"), ("reset.out", "unit.reset"), ("gate.out", "unit.on")],
        ["unit.out", "unit.x"],
    )
    data = np.array([[[8, -8], [8, 1], [0, 0], [0, 0], [6, 2]]])
    reset = np.array([[[0], [0], [0], [0], [1]]])
    gate = np.array([[[1, 1], [1, 0], [1, 1], [1, 1], [1, 1]]])
    x = np.array([[[8, -8], [12, -8], [6, -4], [3, -2], [6, 2]]])
    out = x * gate
    return Scenario(
        "integrator",
        **graphs,
        inputs={"data": data, "reset": reset, "gate": gate},
        steps=5,
        expected_states={"unit.x": x, "unit.out": out},
    )


def _integrator_extremes() -> Scenario:
    graph = Graph(
        "integrator_extremes",
        {
            "data": Input(6),
            "w": Dense(2 * np.eye(6), exponent=3),
            "unit": LeakyIntegrator(6, decay=[0, 1, 100, 2049, 4095, 4096]),
        },
        [
            Connection("data.out", "w.s"),
            Connection("w.a", "unit.a"),
            Connection("data.out", "unit.a"),
        ],
        [Probe("unit.out")],
        domain="fixed",
    )
    data = whole_of("integrator extremes", -(2**22), 2**22, 3, 12, 6)
    return Scenario("integrator_extremes", graph, {"data": data}, 20)


def _graded() -> Scenario:
    # Identity, rectified, clipped, with dead zones and a bias.
    unit = Graded(
        5,
        bias=[0, 0, 1, 0, 0],
        low=[-np.inf, 0, -2, 0, -9],
        high=[np.inf, np.inf, 2, 4, 9],
        dead_zone=[0, 0, 0, 3, 2],
    )
    data = np.repeat(np.array([-7.0, -2, 0, 1, 2, 3, 6]), 5).reshape(1, 7, 5)
    out = np.array(
        [
            [-7, 0, -2, 0, -7],
            [-2, 0, -1, 0, -2],
            [0, 0, 1, 0, 0],
            [1, 1, 2, 0, 0],
            [2, 2, 2, 0, 2],
            [3, 3, 2, 3, 3],
            [6, 6, 2, 4, 6],
        ]
    )
    return Scenario(
        "graded",
        **_chain("graded", unit),
        inputs={"data": data},
        steps=7,
        expected_states={"unit.out": out[np.newaxis]},
    )


def _graded_payload() -> Scenario:
    # Scaled down rounds down (not towards 0), scaled up saturates at the payload's width.
    graph = Graph(
        "payload",
        {
            "data": Input(3),
            "down": Graded(3, exponent=-2),
            "up": Graded(3, exponent=3, bits=6),
            "loop": Dense(2 * np.ones((3, 3)) - 4 * np.eye(3)),
        },
        [
            Connection("data.out", "down.a"),
            Connection("data.out", "up.a"),
            Connection("down.out", "loop.s"),
            Connection("loop.a", "up.a"),
        ],
        [Probe("down.out"), Probe("up.out"), Probe("loop.a")],
        domain="fixed",
    )
    data = np.array([[[5, -5, 3], [-1, 1, 4]]])
    down = np.array([[[1, -2, 0], [-1, 0, 1], [0, 0, 0]]])
    return Scenario("graded_payload", graph, {"data": data}, 3, expected_states={"down.out": down})


def _polynomials() -> Scenario:
    # e_3 of 5 spins and 4 S^3, at every S that 5 spins can have; rectified; with a dead zone.
    coefficients, divisor = distinct(4, 5)
    e3 = Polynomial(6, coefficients, divisor, limit=5)
    cubic = Polynomial(6, krotov(4), limit=5, rectified=True, dead_zone=[0, 2, 4, 0, 2, 4])
    graphs = both_domains(
        "polynomial",
        {"data": Input(6), "e3": e3, "cubic": cubic},
        {},
        [("data.out", "e3.a"), ("data.out", "cubic.a")],
        ["e3.out", "cubic.out"],
    )
    sums = np.arange(-5, 6, 2)
    data = np.repeat(sums, 6).reshape(1, 6, 6)
    values = [-10, 2, 2, -2, -2, 10]  # e_3 of k ones among five spins, S = 2 k - 5
    zone = np.array([0, 2, 4, 0, 2, 4])
    powers = (
        4 * np.maximum(sums[:, np.newaxis], 0) ** 3 * (np.maximum(sums[:, np.newaxis], 0) >= zone)
    )
    return Scenario(
        "polynomial",
        **graphs,
        inputs={"data": data},
        steps=6,
        expected_states={
            "e3.out": np.repeat(values, 6).reshape(1, 6, 6),
            "cubic.out": powers[np.newaxis],
        },
    )


def _polynomial_extremes() -> Scenario:
    graph = Graph(
        "polynomial_extremes",
        {
            "data": Input(4),
            "high": Polynomial(4, [3, -2, 5, 1, -1, 2], 7, limit=900, bits=32),
            "narrow": Polynomial(4, [1, 0, -3], 2, limit=2**20, bits=9),
        },
        [Connection("data.out", "high.a"), Connection("data.out", "narrow.a")],
        [Probe("high.out"), Probe("narrow.out")],
        domain="fixed",
    )
    data = np.concatenate(
        [
            whole_of("polynomial small", -30, 30, 2, 8, 4),
            whole_of("polynomial big", -2000, 2000, 2, 8, 4),
        ]
    )
    return Scenario("polynomial_extremes", graph, {"data": data}, 8)


def _exponential() -> Scenario:
    table = np.rint(200 * np.exp(-np.arange(16) / 4.0))[::-1]
    graphs = _chain(
        "exponential", Exponential(3, scale=-0.5), Exponential(3, table=table, origin=-40, step=2)
    )
    data = whole_of("exponential", -60, 60, 2, 9, 3)
    return Scenario("exponential", **graphs, inputs={"data": data}, steps=9, tolerance=ROUNDING)


def _sigma_delta() -> Scenario:
    # Sums changes; sends what changed since the last message once it reaches 3.
    unit = SigmaDelta(2, threshold=3, bias=[0, 1], rectified=True)
    data = np.array([[[2, 2], [2, -9], [0, 9], [-9, 1], [9, 0]]])
    # sigma 2 4 4 -5 4 | 2 -7 2 3 3;  f 2 4 4 0 4 | 3 0 3 4 4
    out = np.array([[[0, 3], [4, -3], [0, 3], [-4, 0], [4, 0]]])
    return Scenario(
        "sigma_delta",
        **_chain("sigma_delta", unit, states=("sigma", "act", "residue", "error")),
        inputs={"data": data},
        steps=5,
        expected_states={"unit.out": out},
    )


def _sigma_delta_network() -> Scenario:
    def units(cumulative: bool, exponent: int) -> SigmaDelta:
        size = 64 if exponent else 1
        return SigmaDelta(
            8,
            threshold=5 * size,
            bias=np.arange(-4, 4) * size,
            rectified=cumulative,
            cumulative=cumulative,
            exponent=exponent,
        )

    floating = {
        "data": Input(8),
        "gate": Input(8, signal="spike"),
        "first": units(True, 0),
        "second": units(False, 0),
        "w": Dense(2 * whole_of("sigma w", -3, 3, 8, 8)),
        "back": Dense(2 * whole_of("sigma back", -1, 1, 8, 8)),
        "readout": LIF(8, 0.5, 0.25, 0, 4),
    }
    fixed = {
        "first": units(True, 6),
        "second": units(False, 0),
        "readout": LIF(8, 2047, 1024, 0, 4),
    }
    wires: list[tuple[Any, ...]] = [
        ("data.out", "first.a"),
        ("gate.out", "first.on"),
        ("first.out", "w.s"),
        ("w.a", "second.a"),
        ("second.out", "back.s", 3),
        ("back.a", "first.a"),
        ("second.out", "readout.a"),
    ]
    graphs = both_domains(
        "sigma_delta_net",
        floating,
        fixed,
        wires,
        ["first.out", "second.out", "first.residue", "first.error", "readout.v"],
    )
    data = whole_of("sigma data", -40, 40, 2, 5, 8)
    gate = draw_of("sigma gate", 2, 12, 8) < 0.8
    return Scenario(
        "sigma_delta_network",
        **graphs,
        inputs={"data": data, "gate": gate},
        steps=12,
        tolerance=ROUNDING,
    )


def _gates_of_all() -> Scenario:
    # Every gated kind, switched off now and then: memory is kept, nothing is sent.
    floating: dict[str, Any] = {
        "data": Input(4),
        "gate": Input(4, signal="spike"),
        "leaky": LeakyIntegrator(4, 0.25),
        "graded": Graded(4, low=0),
        "poly": Polynomial(4, [1, 2, 1], limit=2**10),
        "exp": Exponential(4, 0.125),
        "sigma": SigmaDelta(4, 2),
    }
    fixed = {
        "leaky": LeakyIntegrator(4, 1024),
        "exp": Exponential(4, table=np.arange(32) ** 2, origin=-16),
    }
    kinds = [name for name in floating if name not in ("data", "gate")]
    wires: list[tuple[Any, ...]] = []
    for name in kinds:
        wires += [("data.out", f"{name}.a"), ("gate.out", f"{name}.on")]
    graphs = both_domains("gated", floating, fixed, wires, [f"{name}.out" for name in kinds])
    data = whole_of("gated data", -9, 9, 2, 10, 4)
    gate = draw_of("gated gate", 2, 10, 4) < 0.6
    return Scenario(
        "gated", **graphs, inputs={"data": data, "gate": gate}, steps=12, tolerance=ROUNDING
    )


SCENARIOS = (
    _integrator(),
    _integrator_extremes(),
    _graded(),
    _graded_payload(),
    _polynomials(),
    _polynomial_extremes(),
    _exponential(),
    _sigma_delta(),
    _sigma_delta_network(),
    _gates_of_all(),
)
