"""Tables of energies: equal to the ledger, and to sampling by plain loops."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from hebbgraph.counters import Counters, ProcessCounts
from hebbgraph.energy import energy
from hebbgraph.energy.band import Band
from hebbgraph.energy.sensitivity import sensitivity
from hebbgraph.energy.shares import shares
from hebbgraph.energy.table import energy_table, table_of
from hebbgraph.energy.uncertainty import Z, deviations, spread
from hebbgraph.errors import Invalid
from hebbgraph.hardware import load, priceable
from tests.energy.test_energy import COUNTERS, cost, machine, time


def learned(visits: int, synops: int = 250, episodes: int = 2) -> Counters:
    processes = {
        **COUNTERS.processes,
        "plastic": ProcessCounts(synops_ac=synops, learning_visits=visits, weight_updates=visits),
    }
    return Counters(processes, episodes, 10, 10, 10, 100)


# --- distributions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ends", [(2.0, 4.0, 12.0), (4.0, 4.0, 12.0), (1.0, 8.0, 8.0), (0.0, 0.0, 5.0), (0.0, 3.0, 9.0)]
)
def test_low_nominal_high_are_quantiles(ends: tuple[float, float, float]) -> None:
    z = np.random.default_rng(0).standard_normal(200_000)
    drawn = spread(*ends, z)
    assert np.quantile(drawn, (0.05, 0.5, 0.95)) == pytest.approx(ends, rel=0.02, abs=0.03)
    assert drawn.min() >= 0
    assert spread(*ends, [-Z, 0, Z]) == pytest.approx(ends, rel=1e-12)
    order = np.argsort(z)
    assert (np.diff(drawn[order]) >= 0).all()


def test_deviations_belong_to_names() -> None:
    z = deviations(["a", "b", "a"], 5, seed=3)
    assert (z[0] == z[2]).all()
    assert (z[0] != z[1]).all()
    assert (deviations(["b"], 5, seed=3)[0] == z[1]).all()
    assert (deviations(["b"], 5, seed=4)[0] != z[1]).all()


# --- the table ---------------------------------------------------------------------------------


def test_the_table_holds_what_the_ledger_says() -> None:
    runs = {"small": COUNTERS, "learning": learned(1000)}
    table = energy_table(runs, samples=50)
    assert table.machines == tuple(priceable())
    for run, counters in runs.items():
        for name in table.machines:
            report = energy(counters, name)
            assert table.report(run, name) == report
            for what in ("dynamic", "learning", "static"):
                found = table.total(run, name, what)
                assert (found.band if found else None) == getattr(report, what)
            for component, band in report.components.items():
                assert table.component(run, name, component).band == band


@pytest.mark.parametrize("independent", [False, True])
def test_every_draw_is_counts_times_costs(independent: bool) -> None:
    """Redo three draws with plain loops over the figures of the config."""
    table = energy_table(learned(500), samples=3, seed=7, independent=independent)
    totals = learned(500).totals()
    for h, name in enumerate(table.machines):
        config = load(name)
        for s in range(3):
            sums = {"dynamic": 0.0, "learning": 0.0}
            for counter, entry in config.costs.items():
                for each in entry:
                    cite = config.sources[each.source].address
                    key = f"{cite}\0{counter}\0{each.component}" if independent else cite
                    z = deviations([key], 3, 7)[0, s]
                    price = float(spread(each.low, each.value, each.high, z))
                    part = "learning" if each.component == "learning" else "dynamic"
                    sums[part] += price * totals.get(counter, 0)
            for part, expected in sums.items():
                drawn = table.samples[part][0, h, s]
                assert drawn == pytest.approx(expected, rel=1e-12), (name, part)


def test_one_source_moves_all_of_its_figures_so_totals_are_wider() -> None:
    together, apart = (
        energy_table(COUNTERS, ["digital_45nm"], samples=4000, independent=independent)
        for independent in (False, True)
    )
    wide, narrow = (t.total("run", "digital_45nm") for t in (together, apart))
    assert wide is not None
    assert narrow is not None
    assert wide.quantiles[1] == pytest.approx(wide.band.nominal, rel=0.02)
    # All figures of that machine have one source: the quantiles are the sums of the ends.
    assert wide.quantiles[0] == pytest.approx(wide.band.low, rel=0.05)
    assert wide.quantiles[2] == pytest.approx(wide.band.high, rel=0.05)
    assert narrow.quantiles[0] > 1.2 * wide.quantiles[0]
    assert narrow.quantiles[2] < wide.quantiles[2] / 1.2


def test_draws_do_not_depend_on_the_other_machines() -> None:
    alone = energy_table(COUNTERS, ["loihi1_nahuku"], samples=20)
    among = energy_table({"other": learned(9), "run": COUNTERS}, samples=20)
    place = among.machines.index("loihi1_nahuku")
    assert np.allclose(
        alone.samples["dynamic"][0, 0], among.samples["dynamic"][1, place], rtol=1e-14
    )
    again = energy_table(COUNTERS, ["loihi1_nahuku"], samples=20)
    assert (again.samples["dynamic"] == alone.samples["dynamic"]).all()


def test_many_runs_are_priced_like_one() -> None:
    """More runs than are multiplied at once."""
    many = energy_table({str(n): learned(n, 10 * n) for n in range(150)}, samples=5)
    for n in (0, 63, 64, 149):
        alone = energy_table(learned(n, 10 * n), samples=5)
        assert np.allclose(many.samples["total"][n], alone.samples["total"][0], rtol=1e-13)


# --- ranks -------------------------------------------------------------------------------------


def test_a_design_that_does_less_of_everything_is_always_cheaper() -> None:
    """The costs are uncertain by a factor of four, the order is not: both are priced alike."""
    table = energy_table({"less": learned(0, 250), "more": learned(0, 260)}, samples=500)
    for name in ("digital_45nm", "loihi1_nahuku"):
        assert table.ranks(name).tolist() == [[0.5, 1.0], [0.0, 0.5]]
    assert table.ranks("cpu_generic").tolist() == [[0.5, 0.5], [0.5, 0.5]]  # computes all weights


def test_a_trade_of_synapses_for_updates_is_as_sure_as_the_costs_are() -> None:
    """100 synops at 10 (5 to 20) pJ against 100 updates at 10 pJ known exactly: an even chance."""
    costs = {
        "synops_ac": cost(10, 5, 20, "synapse"),
        "updates_active": cost(10, 10, 10, "neuron"),
    }
    mine = machine(costs=costs)
    runs = {
        "synapses": Counters({"s": ProcessCounts(synops_ac=100)}, 1, 1, 1, 0, 0),
        "updates": Counters({"u": ProcessCounts(updates_active=100)}, 1, 1, 1, 0, 0),
        "double": Counters({"u": ProcessCounts(updates_active=200)}, 1, 1, 1, 0, 0),
    }
    table = energy_table(runs, [mine], samples=20_000)
    assert table.cheaper(("synapses", "mine"), ("updates", "mine")) == pytest.approx(0.5, abs=0.02)
    # Synapses reach 20 pJ in one of twenty draws.
    assert table.cheaper(("synapses", "mine"), ("double", "mine")) == pytest.approx(0.95, abs=0.01)
    assert math.isnan(table.cheaper(("synapses", "mine"), ("updates", "mine"), "static"))


def test_machines_that_quote_one_source_move_together() -> None:
    """Ranges overlap by far, and yet narrower words are cheaper in every draw."""
    wide = load("digital_45nm")
    narrow = wide.at(state_bits=16)
    table = energy_table(COUNTERS, [wide, narrow], samples=500)
    first, second = table.total("run", wide.name), table.total("run", narrow.name)
    assert first is not None
    assert second is not None
    assert second.quantiles[2] > first.quantiles[0]
    assert table.cheaper(("run", narrow.name), ("run", wide.name)) == 1.0
    # Drawn apart, the order would be a matter of chance.
    apart = energy_table(COUNTERS, ["gpu_h200", "cpu_generic"], samples=500)
    assert 0.9 < apart.cheaper(("run", "gpu_h200"), ("run", "cpu_generic")) < 1.0


def test_costs_per_episode_are_compared() -> None:
    twice = learned(0, 250, episodes=2), learned(0, 250, episodes=1)
    table = energy_table({"two": twice[0], "one": twice[1]}, ["digital_45nm"], samples=10)
    assert table.cheaper(("two", "digital_45nm"), ("one", "digital_45nm")) == 1.0


# --- time, sensitivity, shares -----------------------------------------------------------------


def test_edp_is_energy_times_time_per_episode() -> None:
    power = time(0.5, 0.25, 1) | {"unit": "W"}
    timing = {"neuron_accesses": time(10, 10, 10), "barriers": time(100, 100, 200)}
    table = energy_table(COUNTERS, [machine(timing=timing, static=power)], samples=4000)
    # 6460 pJ and 0.5 W for 100 x 10 + 10 x 100 = 2000 ns, over two episodes each.
    edp = table.edp("run", "mine")
    assert edp is not None
    assert edp.band.nominal == pytest.approx((6460e-12 / 2 + 0.5e-6) * 1e-6, rel=1e-12)
    assert edp.band.high == pytest.approx((9790e-12 + 3e-6) * 3e-6 / 4, rel=1e-12)
    assert edp.quantiles[1] == pytest.approx(edp.band.nominal, rel=0.02)
    assert energy_table(COUNTERS, ["cpu_generic"], samples=2).edp("run", "cpu_generic") is None


def test_sensitivity_moves_one_figure_at_a_time() -> None:
    """250 synops at 20 (10 to 30) and 2 (1 to 5) pJ; 40 spikes at 7 (6 to 8); of 6460 pJ in all."""
    swings = sensitivity(energy(COUNTERS, machine()))
    assert [(s.counter, s.component) for s in swings[:3]] == [
        ("synops_ac", "synapse"),
        ("synops_ac", "memory"),
        ("updates_idle", "neuron"),
    ]
    first, second = swings[:2]
    assert (first.low, first.high) == pytest.approx((3960e-12, 8960e-12), rel=1e-12)
    assert (second.low, second.high) == pytest.approx((6210e-12, 7210e-12), rel=1e-12)
    (spikes,) = (s for s in swings if s.counter == "spikes")
    assert spikes.count == 40
    assert spikes.width == pytest.approx(80e-12)
    assert all(s.nominal == energy(COUNTERS, machine()).dynamic.nominal for s in swings)
    assert sensitivity(energy(COUNTERS, machine()), learning=True) == ()
    json.dumps([s.as_dict() for s in swings])


def test_shares() -> None:
    report = energy(learned(1000, synops=0), machine())
    found = shares(report, recalls=2, training_samples=4, stored_patterns=5)
    assert list(found) == ["recall", "training sample", "stored pattern"]
    assert found["recall"] == report.dynamic / 2
    assert found["training sample"].nominal == pytest.approx(120e-9 / 4)
    assert found["stored pattern"].nominal == pytest.approx((6460e-12 + 120e-9) / 5)
    assert shares(report) == {}
    with pytest.raises(Invalid) as caught:
        shares(report, recalls=0, stored_patterns=-1)
    assert [f.where for f in caught.value.faults] == ["recalls", "stored_patterns"]


# --- form and faults ---------------------------------------------------------------------------


def test_a_table_is_json() -> None:
    document = energy_table({"a": COUNTERS, "b": learned(5)}, samples=10).as_dict()
    text = json.dumps(document, allow_nan=False)
    entry = json.loads(text)["b"]["loihi1_davies2018"]
    assert set(entry["dynamic"]) == {"low", "nominal", "high", "q05", "q50", "q95"}
    assert entry["learning"]["nominal"] == pytest.approx(5 * 120e-12)
    assert entry["static"] is None
    assert entry["lower_bound_reasons"]
    assert set(document) == {"a", "b"}


def test_a_bad_table_is_refused() -> None:
    with pytest.raises(Invalid, match="samples: must be a whole number"):
        energy_table(COUNTERS, samples=0)
    with pytest.raises(Invalid, match="runs: must be at least one"):
        energy_table({})
    with pytest.raises(Invalid, match="must name each machine once"):
        energy_table(COUNTERS, ["gpu_h200", "gpu_h200"])
    with pytest.raises(Invalid, match="Loihi 2"):
        energy_table(COUNTERS, ["gpu_h200", "loihi2_scaled"])
    assert energy_table(COUNTERS, ["loihi2_scaled"], samples=2, allow_synthetic=True).machines
    reports = {"a": [energy(COUNTERS, "gpu_h200")], "b": [energy(COUNTERS, "cpu_generic")]}
    with pytest.raises(Invalid, match="run b: must be priced on the machines of the others"):
        table_of(reports)
    table = energy_table(COUNTERS, ["gpu_h200"], samples=2)
    with pytest.raises(Invalid) as caught:
        table.total("rum", "gpu_h20")
    assert len(caught.value.faults) == 2
    with pytest.raises(Invalid, match="dynamic, learning"):
        table.total("run", "gpu_h200", "dynamics")


def test_nothing_priced_costs_nothing() -> None:
    silent = Counters({}, 1, 1, 0, 0, 0)
    table = energy_table(silent, samples=4)
    for name in table.machines:
        found = table.total("run", name)
        assert found is not None
        assert found.band == Band()
        assert found.quantiles == (0.0, 0.0, 0.0)
