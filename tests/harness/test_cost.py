"""What recall costs, from counters alone."""

from __future__ import annotations

import json

import pytest

from hebbgraph import hardware
from hebbgraph.energy import energy
from hebbgraph.errors import Invalid
from hebbgraph.harness.bench import BenchConfig
from hebbgraph.harness.cost import recall_costs
from hebbgraph.harness.sweep import Point, sweep
from hebbgraph.harness.trial import trial
from hebbgraph.models import hopfield


@pytest.fixture(scope="module")
def points() -> tuple[Point, ...]:
    base = trial(hopfield.FAMILY, units=50, rule="hebbian", steps=5)
    return sweep(base, {"load": (0.06, 0.9)}, seeds=(0, 1)).points


def test_every_machine_prices_the_counters(points: tuple[Point, ...]) -> None:
    costs = recall_costs(points[0])
    assert [cost.hardware for cost in costs] == [
        hardware.load(n).name for n in hardware.priceable()
    ]
    for cost, name in zip(costs, hardware.priceable(), strict=True):
        report = energy(points[0].counters, name)
        assert cost.per_recall.nominal == pytest.approx(report.dynamic.nominal / 6)
        assert cost.lower_bound == report.lower_bound
        # 3 patterns of 50 units, recalled without a fault.
        bits = points[0].metrics["stored_bits"].mean
        assert 145 < bits <= 150
        assert cost.per_stored_bit is not None
        assert cost.per_stored_bit.nominal == pytest.approx(cost.per_recall.nominal / bits)
    json.dumps([cost.as_dict() for cost in costs], allow_nan=False)


def test_a_memory_that_forgets_is_not_cheap_per_bit(points: tuple[Point, ...]) -> None:
    few, many = (recall_costs(point, ["loihi1_nahuku"])[0] for point in points)
    stored = points[1].trial.count / points[0].trial.count
    kept = points[1].metrics["stored_bits"].mean / points[0].metrics["stored_bits"].mean
    assert kept < stored / 3
    assert few.per_stored_bit is not None
    assert many.per_stored_bit is not None


def test_words_say_what_is_missing(points: tuple[Point, ...]) -> None:
    (cost,) = recall_costs(points[0], ["digital_45nm"])
    assert str(cost).startswith("digital_45nm: at least ")
    assert "per recall and stored bit" in str(cost)
    assert "no price for" in str(cost)
    with pytest.raises(Invalid, match="no_such_chip"):
        recall_costs(points[0], ["no_such_chip"])


def test_guesses_price_only_where_they_are_allowed(points: tuple[Point, ...]) -> None:
    with pytest.raises(Invalid, match="allow_synthetic=True"):
        recall_costs(points[0], ["loihi2_scaled"])
    (cost,) = recall_costs(points[0], ["loihi2_scaled"], allow_synthetic=True)
    assert cost.report.synthetic
    with pytest.raises(Invalid, match="allow_synthetic=True"):
        BenchConfig(hardware=("loihi2_scaled",)).check()
    BenchConfig(hardware=("loihi2_scaled",), backends=("reference",), allow_synthetic=True).check()
