"""Break-even conditions, each worked out by hand on both of its sides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hebbgraph.counters import Counters, ProcessCounts
from hebbgraph.energy import energy
from hebbgraph.energy.breakeven import break_even, dense_equivalent


def run(synops: int, spikes: int, steps: int = 8, episodes: int = 2, **more: Any) -> Counters:
    """Return a run of ten units with 100 synapses."""
    instants = steps * episodes
    units = ProcessCounts(spikes=spikes, neuron_accesses=10 * instants, updates_idle=10 * instants)
    synapses = ProcessCounts(
        synops_ac=synops, synops_dense=100 * instants, synaptic_words=more.get("words", 0)
    )
    return Counters({"units": units, "synapses": synapses}, episodes, instants, instants, 0, 0)


def verdicts(counters: Counters) -> dict[str, str]:
    return {found.paper: found.verdict for found in break_even(counters)}


@pytest.mark.parametrize(
    ("synops", "value", "verdict"),
    [
        (20, 0.1, "pays"),
        (30, 0.15, "depends"),
        (276, 1.38, "depends"),
        (278, 1.39, "does not pay"),
    ],
)
def test_spikes_per_synapse_and_inference(synops: int, value: float, verdict: str) -> None:
    """Of 100 synapses and two inferences."""
    found = break_even(run(synops, 5))[0]
    assert found.value == pytest.approx(value)
    assert found.verdict == verdict
    assert found.bounds == (0.15, 1.38)
    assert f"{value:.2g} spikes per synapse and inference" in found.text


@pytest.mark.parametrize(("spikes", "verdict"), [(10, "pays"), (11, "does not pay")])
def test_spike_rate(spikes: int, verdict: str) -> None:
    """160 visits of units: 10 spikes are 6.25 %, 11 are 6.9 %."""
    found = break_even(run(20, spikes))[1]
    assert found.value == pytest.approx(spikes / 160)
    assert found.verdict == verdict
    assert "against a network of 4 bits" in found.text  # ceil(log2(8 + 1))


@pytest.mark.parametrize(
    ("steps", "applies"), [(4, False), (5, True), (10, True), (11, False), (20, False)]
)
def test_the_rate_is_judged_only_where_it_was_studied(steps: int, applies: bool) -> None:
    found = break_even(run(20, 5, steps=steps))[1]
    assert (found.verdict != "does not apply") == applies
    if not applies:
        assert f"made for 5 to 10 steps per inference, there are {steps}" in found.text


def test_memory_decides() -> None:
    """By arithmetic alone 1.4 times the energy, 5.8 times with memory.

    Ours: 500 synops at 0.1 + 10 pJ, 400 words at 40 pJ, 160 visits at 26.6 pJ: 25,306 pJ.
    Dense, each of two: 100 products at 13.2 pJ, 15 words (100 x 9 bits by 64), 10 visits: 2,186 pJ.
    """
    counters = run(500, 40, words=400)
    dense = dense_equivalent(counters)
    assert dense.totals()["synops_mac"] == 200
    found = break_even(counters)[2]
    ours = 500 * 10.1 + 400 * 40 + 160 * 26.6
    theirs = 2 * (100 * 13.2 + 15 * 40 + 10 * 26.6)
    assert energy(counters, "digital_45nm").dynamic.nominal == pytest.approx(ours * 1e-12)
    assert energy(dense, "digital_45nm").dynamic.nominal == pytest.approx(theirs * 1e-12)
    assert found.value == pytest.approx(ours / theirs)
    assert found.verdict == "does not pay"
    computing = (500 * 0.1 + 160 * 6.6) / (2 * (100 * 3.2 + 10 * 6.6))
    assert f"arithmetic alone would say {computing:.2g} times" in found.text


def test_what_does_nothing_is_not_judged() -> None:
    silent = Counters({}, 1, 5, 5, 0, 0)
    assert set(verdicts(silent).values()) == {"does not apply"}
    none = Counters({}, 0, 0, 0, 0, 0)
    assert set(verdicts(none).values()) == {"does not apply"}
    quiet = verdicts(run(0, 0))
    assert quiet["dampfhoffer2023"] == quiet["yan2024"] == "does not apply"


def test_conditions_are_json() -> None:
    document = json.loads(json.dumps([found.as_dict() for found in break_even(run(20, 5))]))
    assert document[0]["bounds"] == [0.15, 1.38]
    assert all("doi" in entry["cite"] or "arXiv" in entry["cite"] for entry in document)
