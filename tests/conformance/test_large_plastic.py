"""A recurrent graph of 200 neurons learns for 1,000 steps, with the same weights everywhere."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import LIF, Connection, Dense, Graph, Input, Noise, Probe, Rule, Trace, Transpose
from hebbgraph.backend import discover
from hebbgraph.random import stream

UNITS, STEPS = 200, 1000

VARIANTS = [
    pytest.param(name, dict(variant.options), id=variant.label(name))
    for name, backend in discover().items()
    for variant in backend.capability.variants
    if name != "reference" and not variant.slow
]


def plastic_network() -> Graph:
    """Return excitable units with noise, recurrent synapses under STDP, and an error fed back."""
    draw = stream(0, "large", "weights").random((2, UNITS, UNITS))
    start = np.rint(40 * (draw[0] - 0.45)) * (draw[1] < 0.4)
    np.fill_diagonal(start, 0)
    rule = Rule(
        "9*post*x1 - 7*y1*pre + reward*pre - w",
        factors={"reward": "post"},
        traces={"x1": Trace("pre", 410, 120), "y1": Trace("post", 205, 120)},
        low=-120,
        high=120,
        shift=7,
        fraction=4,
        signal_bits=9,
        rounding="stochastic",
        seed=11,
        self_connections=False,
    )
    return Graph(
        "large",
        {
            "drive": Input(UNITS),
            "noise": Noise(UNITS, "logistic", 6000.0, seed=2),
            "unit": LIF(UNITS, 1500, 600, 40, 200, refractory=1),
            "loop": Dense(start, rule=rule),
            "back": Transpose("loop", UNITS, UNITS, exponent=-6),
        },
        [
            Connection("drive.out", "unit.a"),
            Connection("noise.out", "unit.n"),
            Connection("unit.s", "loop.s", 2),
            Connection("unit.s", "loop.post"),
            Connection("loop.a", "unit.a"),
            Connection("unit.s", "back.s"),
            Connection("back.a", "loop.reward"),
        ],
        [Probe("unit.v")],
        "fixed",
    )


@pytest.fixture(scope="module")
def run_inputs() -> dict[str, Any]:
    """Return one long episode."""
    drive = stream(0, "large", "drive").integers(-40, 90, (1, STEPS, UNITS))
    return {"drive": drive * (np.arange(STEPS) % 20 < 12)[:, np.newaxis]}


@pytest.fixture(scope="module")
def expected(run_inputs: dict[str, Any]) -> hg.Result:
    """Return what the reference learns."""
    return hg.compile(plastic_network()).run(run_inputs)


def digest(result: hg.Result) -> str:
    return hashlib.sha256(result.weights["loop.accumulator"].astype("<i8").tobytes()).hexdigest()


def test_much_is_learned(expected: hg.Result) -> None:
    start = plastic_network().of_kind(Dense)["loop"].weights
    learned = expected.weights["loop.weights"]
    assert (learned != start).mean() > 0.8
    assert 0.05 < expected.spikes["unit"].mean() < 0.5
    assert expected.counters.processes["loop"].weight_updates > 5e5
    assert np.abs(learned).max() < 121
    assert not learned.diagonal().any()


@pytest.mark.parametrize(("backend", "options"), VARIANTS)
def test_learned_weights_are_identical(
    backend: str, options: dict[str, Any], expected: hg.Result, run_inputs: dict[str, Any]
) -> None:
    found = discover()[backend].availability()
    if not found.usable:
        pytest.skip(f"{found.reason}; {found.remedy}")
    with hg.compile(plastic_network(), backend, **options) as program:
        got = program.run(run_inputs)
    np.testing.assert_array_equal(got.spikes["unit"], expected.spikes["unit"])
    np.testing.assert_array_equal(got.states["unit.v"], expected.states["unit.v"])
    for key, values in expected.weights.items():
        np.testing.assert_array_equal(got.weights[key], values, err_msg=key)
    assert digest(got) == digest(expected)
    assert got.counters == expected.counters
