"""Pricing, redone by hand, and what a report says about what it does not know."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from hebbgraph.counters import Counters, ProcessCounts
from hebbgraph.energy import EnergyReport, energy, format_energy
from hebbgraph.energy.band import Band, quantity
from hebbgraph.errors import Invalid
from hebbgraph.hardware import load, parse, priceable

#: Two recalls of a small memory, five steps each.
COUNTERS = Counters(
    processes={
        "cue": ProcessCounts(spikes=10),
        "memory": ProcessCounts(spikes=30, neuron_accesses=100, updates_active=60, updates_idle=40),
        "recurrent": ProcessCounts(synops_ac=250, synops_dense=1000, synaptic_words=60),
    },
    episodes=2,
    timesteps=10,
    barriers=10,
    host_in_bits=10,
    host_out_bits=100,
)


def cost(value: float, low: float, high: float, component: str, **more: Any) -> dict[str, Any]:
    figure = {"unit": "pJ", "source": "paper", "kind": "assumed", "note": "for a test"}
    return {"value": value, "low": low, "high": high, "component": component, **figure, **more}


def time(value: float, low: float, high: float) -> dict[str, Any]:
    figure = cost(value, low, high, "") | {"unit": "ns"}
    del figure["component"]
    return figure


def machine(**changes: Any) -> Any:
    """Return a machine that prices every event of `COUNTERS`, learning too."""
    source = {"cite": "A paper", "doi": "10.1000/1", "basis": "analytic", "conditions": "none"}
    costs = {
        "synops_ac": [cost(20, 10, 30, "synapse"), cost(2, 1, 5, "memory")],
        "updates_active": cost(8, 8, 8, "neuron"),
        "updates_idle": cost(5, 4, 6, "neuron"),
        "spikes": cost(7, 6, 8, "spike_out"),
        "learning_visits": cost(120, 100, 140, "learning"),
    }
    document = {
        "name": "mine",
        "title": "A machine",
        "description": "For tests.",
        "sources": {"paper": source},
        "costs": costs,
        "covered": {
            "synops_dense": "by events",
            "synaptic_words": "inside",
            "neuron_accesses": "inside",
            "barriers": "none",
            "host_in_bits": "none",
            "host_out_bits": "none",
        },
    }
    document.update(changes)
    return parse(document)


def test_the_ledger_can_be_redone_by_hand() -> None:
    """250 synops at 20 + 2 pJ, 60 active at 8, 40 idle at 5, 10 + 30 spikes at 7."""
    report = energy(COUNTERS, machine())
    products: dict[Any, Any] = {
        (line.where, line.counter, line.component): (line.count, line.product.nominal)
        for line in report.ledger
    }
    assert products == {
        ("recurrent", "synops_ac", "synapse"): (250, pytest.approx(5000e-12)),
        ("recurrent", "synops_ac", "memory"): (250, pytest.approx(500e-12)),
        ("memory", "updates_active", "neuron"): (60, pytest.approx(480e-12)),
        ("memory", "updates_idle", "neuron"): (40, pytest.approx(200e-12)),
        ("cue", "spikes", "spike_out"): (10, pytest.approx(70e-12)),
        ("memory", "spikes", "spike_out"): (30, pytest.approx(210e-12)),
    }
    # 5000 + 500 + 480 + 200 + 70 + 210 = 6460 pJ, and 3230 pJ for each of two recalls;
    # low  2500 + 250 + 480 + 160 + 60 + 180 = 3630; high 7500 + 1250 + 480 + 240 + 80 + 240 = 9790.
    assert report.dynamic.nominal == pytest.approx(6460e-12, rel=1e-14)
    assert report.dynamic.low == pytest.approx(3630e-12, rel=1e-14)
    assert report.dynamic.high == pytest.approx(9790e-12, rel=1e-14)
    recall = report.per_episode(report.dynamic)
    assert recall is not None
    assert recall.nominal == pytest.approx(3230e-12, rel=1e-14)
    assert report.components["neuron"].nominal == pytest.approx(680e-12)
    assert report.learning == Band()
    assert not report.lower_bound
    assert str(report) == "mine: 3.2 nJ (1.8 nJ to 4.9 nJ) per episode, dynamic (analytic)"


def test_published_loihi_figures_by_hand() -> None:
    """250 x 23.6 + 60 x 81 + 40 x 52 = 5900 + 4860 + 2080 = 12,840 pJ on the published table."""
    report = energy(COUNTERS, "loihi1_davies2018")
    assert report.dynamic.nominal == pytest.approx(12840e-12, rel=1e-14)
    # The fit: 250 x 35.5 + 100 x 51.2 + 60 x 21.6 + 40 x 69.3 = 8875 + 5120 + 1296 + 2772 = 18,063.
    report = energy(COUNTERS, "loihi1_nahuku")
    assert report.dynamic.nominal == pytest.approx(18063e-12, rel=1e-14)
    # The dense machine: 1000 weights and 100 units, whatever the spikes.
    report = energy(COUNTERS, "gpu_h200")
    assert report.dynamic.nominal == pytest.approx(1000 * 20.9e-12 + 100 * 104.5e-12, rel=1e-14)


@pytest.mark.parametrize("name", priceable())
def test_the_ledger_sums_exactly_and_prints_what_it_sums(name: str) -> None:
    report = energy(COUNTERS, name)
    for end in ("low", "nominal", "high"):
        products = [getattr(line.product, end) for line in report.ledger]
        assert getattr(report.dynamic, end) == math.fsum(products)
    row = re.compile(r"^ {2}\S+ \S+ +([\d,]+) +x +([\d,.]+) pJ .* = +([\d,.]+) pJ ", re.MULTILINE)
    numbers = [
        [float(cell.replace(",", "")) for cell in cells] for cells in row.findall(report.explain())
    ]
    assert len(numbers) == len(report.ledger)
    for count, price, product in numbers:
        assert count * price == pytest.approx(product, rel=1e-11)
    total = sum(product for _, _, product in numbers)
    assert total == pytest.approx(report.dynamic.nominal / 1e-12, rel=1e-11)


@pytest.mark.parametrize("name", priceable())
def test_low_nominal_high_are_in_order_everywhere(name: str) -> None:
    report = energy(COUNTERS, name)
    assert report.dynamic.low > 0
    bands = [report.dynamic, report.learning, *report.components.values()]
    bands += [line.product for line in report.ledger]
    bands += [b for b in (report.static, report.latency and report.latency.time) if b]
    for band in bands:
        assert band.low <= band.nominal <= band.high


@pytest.mark.parametrize("name", priceable())
def test_more_events_never_cost_less(name: str) -> None:
    more = Counters(
        {
            path: ProcessCounts(**{k: 2 * v for k, v in vars(counts).items()})
            for path, counts in COUNTERS.processes.items()
        },
        **{k: 2 * v for k, v in vars(COUNTERS).items() if k != "processes"},
    )
    one, two = energy(COUNTERS, name), energy(more, name)
    assert two.dynamic.nominal == pytest.approx(2 * one.dynamic.nominal)
    one_each, two_each = one.per_episode(one.dynamic), two.per_episode(two.dynamic)
    assert one_each is not None
    assert two_each is not None
    assert two_each.nominal == pytest.approx(one_each.nominal)


# --- what is not known -------------------------------------------------------------------------


def test_a_counter_without_price_makes_a_lower_bound() -> None:
    report = energy(COUNTERS, machine(covered={"synops_dense": "by events"}))
    assert report.unpriced == {
        "neuron_accesses": 100,
        "synaptic_words": 60,
        "barriers": 10,
        "host_in_bits": 10,
        "host_out_bits": 100,
    }
    assert report.lower_bound
    assert str(report).startswith("mine: at least 3.2 nJ")
    assert (
        "lower bound: no price for neuron_accesses (100), synaptic_words (60)" in report.explain()
    )


def test_a_counter_that_stayed_zero_needs_no_price() -> None:
    assert "synops_mac" not in energy(COUNTERS, machine()).unpriced


def test_events_of_a_placement_are_missed_without_one() -> None:
    costs = machine().model_dump()["costs"] | {"packets": cost(111, 100, 120, "noc")}
    report = energy(COUNTERS, machine(costs=costs))
    assert report.uncounted == ("packets",)
    assert report.lower_bound_reasons == ("without a placement, packets are not counted",)
    silent = Counters({"memory": ProcessCounts(neuron_accesses=5)}, 1, 5, 5, 0, 0)
    assert energy(silent, machine(costs=costs)).uncounted == ()


def test_a_minimum_makes_a_lower_bound() -> None:
    costs = {"synops_ac": cost(20, 20, 30, "synapse", bound="lower")}
    covered = dict.fromkeys(
        ("updates_active", "updates_idle", "spikes", *machine().covered), "for the test"
    )
    report = energy(COUNTERS, machine(costs=costs, covered=covered))
    assert report.lower_bound_reasons == ("the costs of synops_ac are minima",)


def test_learning_stands_apart() -> None:
    processes = {**COUNTERS.processes, "plastic": ProcessCounts(learning_visits=1000)}
    learning = Counters(processes, 2, 10, 10, 10, 100)
    report = energy(learning, machine())
    assert report.dynamic == energy(COUNTERS, machine()).dynamic
    assert report.learning.nominal == pytest.approx(120e-9)
    assert "sum = 120,000 pJ = 120 nJ" in report.explain()


# --- time and static energy --------------------------------------------------------------------


def timed(**changes: Any) -> EnergyReport:
    """Return a report of 250 x 4 + 100 x 10 = 2000 ns of work and ten barriers of 100 ns."""
    timing = {
        "synops_ac": time(4, 2, 8),
        "neuron_accesses": time(10, 10, 10),
        "barriers": time(100, 100, 200),
        "packets": time(50, 50, 50),
    }
    return energy(COUNTERS, machine(timing=timing, **changes))


def test_time_lies_between_all_cores_and_one() -> None:
    # 10 units and 100 synapses of 9 bits a step: 4 units a core need 3 cores, 100 bits a core 9.
    limits = {"source": "paper", "cores": 20, "neurons_per_core": 4}
    time = timed(limits=limits).latency
    assert time is not None
    assert (time.cores, time.chips) == (3, 1)
    assert time.time.low == pytest.approx((1500 / 20 + 1000) * 1e-9)
    assert time.time.nominal == pytest.approx((2000 / 3 + 1000) * 1e-9)
    assert time.time.high == pytest.approx((3000 + 2000) * 1e-9)
    assert "packets take no time" in time.words
    limits |= {"synaptic_bits_per_core": 100, "cores": 4}
    crowded = timed(limits=limits).latency
    assert crowded is not None
    assert (crowded.cores, crowded.chips) == (9, 3)
    assert crowded.time.low == pytest.approx((1500 / 12 + 1000) * 1e-9)


def test_static_energy_is_power_times_time_and_stands_apart() -> None:
    power = time(0.5, 0.25, 1) | {"unit": "W"}
    report = timed(static=power)
    assert report.static is not None
    # No limits: one core, 2000 + 1000 ns at 0.5 W.
    assert report.static.nominal == pytest.approx(1.5e-6)
    assert report.static.low == pytest.approx(0.25 * 2.5e-6)
    assert report.static_basis == ("analytic",)
    assert report.dynamic == energy(COUNTERS, machine()).dynamic
    # Two units a core and two cores a chip: 5 cores, 3 chips, 2000 / 5 + 1000 ns.
    limits = {"source": "paper", "cores": 2, "neurons_per_core": 2}
    report = timed(static=power, limits=limits)
    assert report.static is not None
    assert report.static.nominal == pytest.approx(3 * 0.5 * 1.4e-6)
    assert report.static_reason == "static power of 3 chips during the modelled time"


def test_static_energy_without_time_or_power_says_why() -> None:
    power = time(0.5, 0.25, 1) | {"unit": "W"}
    report = energy(COUNTERS, machine(static=power, absent={"timing": "never published"}))
    assert (report.static, report.static_reason) == (None, "never published")
    assert timed().static is None
    assert timed().static_reason == "mine gives no static power"
    assert energy(COUNTERS, machine(static=power)).static_reason == "mine gives no times"
    assert "static: unknown, never published" in report.explain()
    assert report.per_episode(report.static) is None


# --- form --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (8.1e-9, "8.1 nJ"),
        (8.149e-9, "8.1 nJ"),
        (12.34e-9, "12 nJ"),
        (123e-9, "120 nJ"),
        (996e-9, "1.0 uJ"),
        (9.96e-9, "10 nJ"),
        (1e-12, "1.0 pJ"),
        (5.0, "5.0 J"),
        (0.0, "0 J"),
        (7.2e-19, "7.2e-19 J"),
        (2.3e-17, "23 aJ"),
        (4.5e6, "4.5 MJ"),
        (3.2e13, "3.2e13 J"),
    ],
)
def test_two_significant_digits(joules: float, text: str) -> None:
    assert format_energy(joules) == text


def test_other_quantities() -> None:
    assert quantity(0.00039, "s") == "390 us"
    assert Band(1e-9, 2e-9, 3.5e-9).text("s") == "2.0 ns (1.0 ns to 3.5 ns)"


@pytest.mark.parametrize("name", priceable())
def test_a_report_is_json(name: str) -> None:
    report = energy(COUNTERS, name)
    document = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert document["hardware_hash"] == load(name).content_hash
    assert document["dynamic"]["nominal"] == report.dynamic.nominal
    assert document["dynamic_per_episode"]["nominal"] == report.dynamic.nominal / 2
    assert len(document["ledger"]) == len(report.ledger)
    assert set(document["components"]) == {line.component for line in report.ledger}
    assert (document["static"] is None) == (name not in ("loihi1_nahuku", "spinnaker1"))


def test_pricing_is_pure() -> None:
    assert energy(COUNTERS, "loihi1_nahuku") == energy(COUNTERS, load("loihi1_nahuku"))


def test_negative_counts_are_refused() -> None:
    bad = Counters({"memory": ProcessCounts(spikes=-1)}, -2, 10, 10, 0, 0)
    with pytest.raises(Invalid) as caught:
        energy(bad, "gpu_h200")
    places = {fault.where for fault in caught.value.faults}
    assert places == {"counters.run.episodes", "counters.memory.spikes"}


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(Invalid, match="gpu_h200"):
        energy(COUNTERS, "gpu_h20")
