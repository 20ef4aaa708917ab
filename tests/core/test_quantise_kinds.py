"""quantise on every kind and rule: whole numbers stay exact, the rest stays close and is noted."""

from __future__ import annotations

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.hardware import load
from hebbgraph.passes.quantise import quantise
from hebbgraph.passes.quantise.bounds import Bounds
from hebbgraph.processes import (
    LIF,
    Dense,
    Exponential,
    Polynomial,
    Process,
    Sign,
    Softmax,
    WinnerTakeAll,
)
from hebbgraph.rules import Rule, library
from tests.conformance.scenarios import SCENARIOS, Scenario

FLOATING = [s for s in SCENARIOS if s.graph.domain == "float"]
#: Nothing is approximated, so every event and every weight is the same.
EXACT = (
    *("refractory", "gate", "ternary", "sign", "sign_events", "integrator", "graded"),
    *("polynomial", "sigma_delta", "winners", "dendrite", "phases", "transpose", "blocks"),
    *("edges", "synaptic_delays", "outer_products", "hebb_by_hand", "hebb", "anti_hebb"),
    *("willshaw", "fine_weights"),
)
#: Chaotic, or learning with rounded changes: the first steps agree, and the rates.
LOOSE = {"generic_recurrent": 0.8, "own_rule": 0.7, "oja_subspace": 0.8, "bcm": 0.8, "delta": 0.8}
#: Values that 8 bits, a table of 256 entries or currents far above the threshold cannot hold.
COARSE = {"sigma_delta_network", "noise_alone", "generic_recurrent", "episodes", "fan_in"}


def both(scenario: Scenario) -> tuple[hg.Result, hg.Result]:
    fixed = quantise(scenario.graph, data=scenario.inputs, steps=scenario.steps)
    return tuple(  # type: ignore[return-value]
        hg.compile(graph).run(scenario.inputs, scenario.steps, **scenario.run)
        for graph in (scenario.graph, fixed)
    )


@pytest.mark.parametrize("scenario", FLOATING, ids=str)
def test_every_scenario_keeps_its_dynamics(scenario: Scenario) -> None:
    floating, fixed = both(scenario)
    least = 1.0 if scenario.name in EXACT else LOOSE.get(scenario.name, 0.84)
    for path, raster in floating.spikes.items():
        assert (raster == fixed.spikes[path]).mean() >= least, path
    if scenario.graph.plastic or scenario.name in COARSE:
        return
    for target, values in floating.states.items():
        if not target.endswith((".u", ".v")):
            got = fixed.value(target)
            np.testing.assert_allclose(got, values, atol=0.02 * np.abs(values).max())


@pytest.mark.parametrize("scenario", [s for s in FLOATING if s.name in EXACT], ids=str)
def test_whole_numbers_are_exact_and_weights_too(scenario: Scenario) -> None:
    floating, fixed = both(scenario)
    for path, raster in floating.spikes.items():
        np.testing.assert_array_equal(fixed.spikes[path], raster, err_msg=path)
    for key, weights in floating.weights.items():
        if key.endswith(".weights") and scenario.name != "fine_weights":
            got = fixed.weights[key] / fixed.scales.get(key, 1.0)
            np.testing.assert_array_equal(got, weights, err_msg=key)


def test_exact_names_exist() -> None:
    names = {s.name for s in FLOATING}
    assert names.issuperset(EXACT)
    assert names.issuperset(LOOSE)
    assert names.issuperset(COARSE)


def chain(unit: Process, size: int = 1, gain: float = 1.0) -> hg.Graph:
    port, out = next(iter(unit.inputs)), next(iter(unit.outputs))
    return hg.Graph(
        "chain",
        {"data": hg.Input(size, gain=gain), "unit": unit},
        [hg.Connection("data.out", f"unit.{port}")],
        [hg.Probe(f"unit.{out}")],
    )


def test_exponential_table_covers_the_data() -> None:
    graph = chain(Exponential(3, scale=0.5), 3)
    data = np.linspace(-8, 6, 60).reshape(1, 20, 3)
    fixed = quantise(graph, data={"data": data})
    table = fixed.of_kind(Exponential)["unit"]
    assert len(table.table) == 256
    got = hg.compile(fixed).run({"data": data}).value("unit.out")
    # One interval of the table is 28 / 256 wide, so the value is off by half of that at most.
    np.testing.assert_allclose(got, np.exp(0.5 * data), rtol=0.07, atol=0.02)
    assert any("256 values" in note for note in fixed.notes)


def test_exponential_without_a_bound_asks_for_data() -> None:
    graph = hg.Graph(
        "open",
        {"data": hg.Input(1), "sum": hg.LeakyIntegrator(1), "unit": Exponential(1)},
        [hg.Connection("data.out", "sum.a"), hg.Connection("sum.out", "unit.a")],
    )
    assert any("calibrate on data" in note for note in quantise(graph).notes)


def test_softmax_shares_come_close() -> None:
    data = 4 * np.random.default_rng(0).standard_normal((1, 10, 12))
    graph = chain(Softmax(6, 2, beta=1.5, bits=12), 12)
    fixed = quantise(graph, data={"data": data})
    got = hg.compile(fixed).run({"data": data}).value("unit.out")
    want = hg.compile(graph).run({"data": data}).states["unit.out"]
    assert np.abs(got - want).max() < 0.01


def test_polynomial_with_fractions_uses_its_52_bits() -> None:
    data = np.arange(-9, 10).reshape(1, 19, 1)
    graph = chain(Polynomial(1, [0.1, -0.3, 0.07, 0.011], 3.0))
    got = hg.compile(quantise(graph, data={"data": data})).run({"data": data}).value("unit.out")
    want = hg.compile(graph).run({"data": data}).states["unit.out"]
    np.testing.assert_allclose(got, want, atol=2e-3 * np.abs(want).max())


def test_gain_of_winners_becomes_an_exponent() -> None:
    graph = hg.Graph(
        "gain",
        {"data": hg.Input(4), "gain": hg.Input(1, gain=0.25), "unit": WinnerTakeAll(4)},
        [hg.Connection("data.out", "unit.a"), hg.Connection("gain.out", "unit.gain")],
    )
    unit = quantise(graph).of_kind(WinnerTakeAll)["unit"]
    assert unit.exponent == -2


def test_values_of_different_scales_are_not_added() -> None:
    graph = hg.Graph(
        "mixed",
        {
            "events": hg.Input(2, signal="spike"),
            "shares": Softmax(2),
            "data": hg.Input(2),
            "unit": LIF(2),
        },
        [
            hg.Connection("data.out", "shares.x"),
            hg.Connection("shares.out", "unit.a"),
            hg.Connection("events.out", "unit.a"),
        ],
    )
    with pytest.raises(hg.Invalid, match=r"one scale \(got .*shares\.out at 256\); put a Dense"):
        quantise(graph)


@pytest.mark.parametrize("bits", [3, 4, 6, 9])
def test_fewer_weight_bits_give_coarser_weights(bits: int) -> None:
    hardware = load("loihi1_davies2018")
    numerics = hardware.numerics.model_copy(update={"weight_bits": bits})  # type: ignore[union-attr]
    draw = np.random.default_rng(1).standard_normal((40, 40))
    graph = hg.Graph(
        "bits",
        {"events": hg.Input(40, signal="spike"), "w": Dense(draw), "unit": LIF(40, threshold=2)},
        [hg.Connection("events.out", "w.s"), hg.Connection("w.a", "unit.a")],
    )
    fixed = quantise(graph, hardware.model_copy(update={"numerics": numerics}))
    weights = fixed.of_kind(Dense)["w"].weights
    assert np.abs(weights).max() <= 2 ** (bits - 1) - 2
    assert len(np.unique(weights)) <= 2 ** (bits - 1)
    error = np.abs(weights / fixed.scales["w.weights"] - draw).max()
    assert error <= 1.01 * np.abs(draw).max() / (2 ** (bits - 1) - 2)


def test_currents_stay_within_the_state_bits() -> None:
    hardware = load("loihi1_davies2018")
    numerics = hardware.numerics.model_copy(update={"state_bits": 16})  # type: ignore[union-attr]
    narrow = hardware.model_copy(update={"numerics": numerics})
    graph = hg.Graph(
        "narrow",
        {
            "events": hg.Input(50, signal="spike"),
            "w": Dense(np.full((3, 50), 0.37)),
            "unit": LIF(3, 0.3, 0.2, 0.11, 2.3),
        },
        [hg.Connection("events.out", "w.s"), hg.Connection("w.a", "unit.a")],
        [hg.Probe("unit.u")],
    )
    run = hg.compile(quantise(graph, narrow)).run({"events": np.ones((1, 30, 50))}, 30)
    assert np.abs(run.states["unit.u"]).max() < 2**15


def plastic(rule: Rule, weights: object = 0.0) -> hg.Graph:
    return hg.Graph(
        "plastic",
        {
            "x": hg.Input(3, signal="spike"),
            "y": hg.Input(2, signal="spike"),
            "w": Dense(np.broadcast_to(np.asarray(weights, float), (2, 3)), rule=rule),
        },
        [hg.Connection("x.out", "w.s"), hg.Connection("y.out", "w.post")],
        [hg.Probe("w.weights")],
    )


def test_a_fractional_rate_gets_a_shift_and_accumulators() -> None:
    fixed = quantise(plastic(library.hebb(0.37, low=-1, high=1)))
    rule = fixed.of_kind(Dense)["w"].rule
    assert rule is not None
    assert rule.fraction == 8
    (term,) = rule.terms
    unit = fixed.scales["w.weights"] * 2**rule.fraction
    assert term.coefficient / 2**rule.shift / unit == pytest.approx(0.37, rel=0.004)
    assert any("accumulators" in note for note in fixed.notes)


def test_unbounded_weights_are_bounded_and_it_is_said() -> None:
    fixed = quantise(plastic(library.hebb(1.0)))
    assert any("bounded to" in note for note in fixed.notes)


def test_traces_keep_eight_bits_below_a_spike() -> None:
    rule = library.stdp(0.02, 0.021, 0.1, 0.05, low=-1, high=1)
    graph = plastic(rule)
    inputs = {
        "x": np.random.default_rng(2).random((1, 200, 3)) < 0.2,
        "y": np.random.default_rng(3).random((1, 200, 2)) < 0.2,
    }
    fixed = hg.compile(quantise(graph)).run(inputs).value("w.weights")
    want = hg.compile(graph).run(inputs).weights["w.weights"]
    assert np.abs(want).max() > 0.1
    np.testing.assert_allclose(fixed[0, -1].reshape(2, 3), want, atol=0.02)


def test_momentum_is_a_share_of_4096() -> None:
    rule = Rule("0.5*pre*post", momentum=0.9, low=-1, high=1)
    fixed = quantise(plastic(rule)).of_kind(Dense)["w"].rule
    assert fixed is not None
    assert fixed.momentum == round(0.9 * 4096)
    assert fixed.largest_sum() <= 2**40


def test_sign_units_keep_integers() -> None:
    graph = chain(Sign(2, bias=[3, -2]), 2)
    assert quantise(graph).of_kind(Sign)["unit"].bias.tolist() == [3, -2]
    assert quantise(graph).notes == ()


def test_the_gain_of_winners_stays_within_its_bits() -> None:
    """It is clipped at 2**16, so a finer scale would make every larger gain the same."""
    parts = {
        "x": hg.Input(1, gain=3),
        "g": Polynomial(1, [0, 0, 60.0 / 9], limit=3),
        "a": hg.Input(4, signal="spike"),
        "winners": WinnerTakeAll(2, 2),
    }
    wires = [("x.out", "g.a"), ("g.out", "winners.gain"), ("a.out", "winners.a")]
    graph = hg.Graph("gain", parts, [hg.Connection(*wire) for wire in wires])
    fixed = quantise(graph)
    scale = fixed.scales["g.out"]
    assert 60 * scale <= 2**16
    assert fixed.of_kind(WinnerTakeAll)["winners"].exponent == -np.log2(scale)


def test_shares_add_up_to_one() -> None:
    """So what synapses make of them is bounded by the largest weight."""
    parts = {
        "x": hg.Input(50, signal="spike"),
        "shares": Softmax(50, bits=16),
        "w": Dense(np.ones((3, 50))),
    }
    wires = [hg.Connection("x.out", "shares.x"), hg.Connection("shares.out", "w.s")]
    bounds = Bounds(hg.Graph("shares", parts, wires), None, None)
    assert bounds.emitted("w") == 1
