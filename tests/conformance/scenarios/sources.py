"""Sources that make their own data: clocks, noise; a source of one unit for many; growth."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import LIF, Clock, Dense, Input, LeakyIntegrator, Noise
from tests.conformance.scenarios.base import ROUNDING, Scenario, both_domains, draw_of


def _phases() -> Scenario:
    # Three steps a period: the units listen in phase 0, and are read out in phase 2.
    floating = {
        "data": Input(2),
        "listen": Clock(3, ((0, 1),)),
        "read": Clock(3, ((2, 3),)),
        "both": Clock(4, ((0, 2), (1, 4))),
        "unit": LIF(2, decay_v=0, threshold=3.5),
        "readout": LeakyIntegrator(2, decay=0.0),
    }
    fixed = {"unit": LIF(2, 4095, 0, threshold=3)}
    wires: list[tuple[Any, ...]] = [
        ("data.out", "unit.a"),
        ("listen.out", "unit.on"),
        ("unit.s", "readout.a"),
        ("read.out", "readout.on"),
        ("both.out", "readout.a"),
    ]
    data = np.broadcast_to(np.array([2.0, 4.0]), (2, 9, 2))
    # unit 0: 2, 4 -> spikes at step 3; unit 1 at every step of phase 0
    spikes = [(e, t, 1) for e in (0, 1) for t in (0, 3, 6)] + [(e, 3, 0) for e in (0, 1)]
    # The readout is on at 2, 5 and 8; the second clock has (1,0) (1,1) (0,1) (0,1) in turn.
    readout = np.zeros((2, 9, 2))
    readout[:, 2], readout[:, 5], readout[:, 8] = [0, 1], [1, 2], [2, 2]
    return Scenario(
        "phases",
        **both_domains("phases", floating, fixed, wires, ["readout.out"]),
        inputs={"data": data},
        steps=9,
        expected={"unit": sorted(spikes)},
        expected_states={"readout.out": readout},
    )


def _noise_alone() -> Scenario:
    # A graph without data: random numbers drive it, several episodes.
    floating = {
        "kick": Noise(6, "bernoulli", [0, 0.2, 0.4, 0.6, 0.8, 1], seed=11),
        "drift": Noise(6, "uniform", 2.0, seed=11),
        "unit": LIF(6, 0.5, 0.125, 0, 2.5),
        "loop": Dense(2 * np.roll(np.eye(6), 1, axis=0)),
    }
    fixed = {"drift": Noise(6, "uniform", 20.0, seed=11), "unit": LIF(6, 2047, 512, 0, 20)}
    wires: list[tuple[Any, ...]] = [
        ("kick.out", "loop.s"),
        ("drift.out", "unit.a"),
        ("unit.s", "loop.s", 3),
        ("loop.a", "unit.a"),
    ]
    return Scenario(
        "noise_alone",
        **both_domains("noise_alone", floating, fixed, wires, ["unit.v"]),
        inputs={},
        steps=25,
        tolerance=ROUNDING,
        run={"episodes": 3, "first_episode": 2},
    )


def _broadcast() -> Scenario:
    # One unit that sends to many: into units, gates and synapses, at once and late.
    floating = {
        "level": Input(1),
        "gate": Input(1, signal="spike"),
        "unit": LIF(5, threshold=[0, 1, 2, 3, 4]),
        "w": Dense(2 * np.tri(3, 4)),
        "sum": LIF(3, 1, 0, threshold=11),
    }
    fixed = {"unit": LIF(5, 4095, 4095, 0, [0, 1, 2, 3, 4]), "sum": LIF(3, 4095, 0, 0, 11)}
    wires: list[tuple[Any, ...]] = [
        ("level.out", "unit.a"),
        ("gate.out", "unit.on", 1),
        ("level.out", "w.s", 2),
        ("gate.out", "w.s", 1),
        ("w.a", "sum.a"),
    ]
    level = np.array([[[2], [3], [5], [0]]])
    gate = np.array([[[1], [0], [1], [0]]])
    # on at steps 1 and 3: level 3 passes thresholds 0..2; level 0 none
    unit = [(0, 1, 0), (0, 1, 1), (0, 1, 2)]
    # arriving at w: step 1: gate 1; step 2: level 2; step 3: level 3 + gate 1; step 4: level 5
    # row k of the triangle has k + 1 synapses of weight 2, so unit 0 sums 2 4 8 10, over 11 at
    # step 3 (14) and not again; unit 1 4 12 | 16 | 20; unit 2 6 18 | 24 | 30
    events = [(0, 2, 1), (0, 2, 2), (0, 3, 0), (0, 3, 1), (0, 3, 2), (0, 4, 1), (0, 4, 2)]
    return Scenario(
        "broadcast",
        **both_domains("broadcast", floating, fixed, wires, ["unit.v", "sum.v"]),
        inputs={"level": level, "gate": gate},
        steps=6,
        expected={"unit": unit, "sum": sorted(events)},
    )


def _growth() -> Scenario:
    # Eight units are there, two at first; the run switches on two more every ten steps.
    draw = draw_of("growth", 8, 8)
    floating = {
        "data": Input(8),
        "grown": Input(8, signal="spike"),
        "unit": LIF(8, 0.5, 0.25, 0.25, 1.5),
        "loop": Dense(2 * np.rint(2 * (draw - 0.4))),
    }
    fixed = {"unit": LIF(8, 2047, 1024, 16, 1)}
    wires: list[tuple[Any, ...]] = [
        ("data.out", "unit.a"),
        ("grown.out", "unit.on"),
        ("unit.s", "loop.s"),
        ("loop.a", "unit.a"),
    ]
    data = np.rint(4 * draw_of("growth data", 2, 40, 8) - 1)
    grown = np.arange(8) // 2 <= (np.arange(40) // 10)[:, np.newaxis]
    return Scenario(
        "growth",
        **both_domains("growth", floating, fixed, wires, ["unit.v"]),
        inputs={"data": data, "grown": np.broadcast_to(grown, (2, 40, 8))},
        steps=40,
        tolerance=ROUNDING,
    )


SCENARIOS = (_phases(), _noise_alone(), _broadcast(), _growth())
