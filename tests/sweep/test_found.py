"""What a sweep found: prices are those of `energy`, files hold every point, pictures are drawn."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from hebbgraph.energy import energy
from hebbgraph.errors import Invalid, Unavailable
from hebbgraph.hardware import load
from hebbgraph.harness.sweep import sweep
from hebbgraph.harness.trial import trial
from hebbgraph.placement import place, traffic
from hebbgraph.sweep import Found, run
from hebbgraph.sweep.found import csv_text, document, parquet
from hebbgraph.sweep.journal import Journal
from hebbgraph.sweep.objectives import Objective
from hebbgraph.sweep.outcome import unpacked_run
from tests.sweep.specs import SMALL, planned, ran, table

ENERGY = Objective("energy", "loihi1_nahuku", True)


def test_metrics_and_events_are_those_of_the_harness(tmp_path: Path) -> None:
    found = ran(tmp_path, knobs={"level": [0.2]})
    base = trial("hopfield", **{**SMALL["subject"]["settings"], "level": 0.2})
    expected = sweep(base, {}, seeds=(0, 1))
    row = found.rows[0]
    for name, values in expected.points[0].per_seed.items():
        if name != "wall_seconds":
            np.testing.assert_array_equal(row.per_seed[name], values)
    assert row.counters == expected.points[0].counters
    report = energy(expected.points[0].counters, "digital_45nm")
    got = found.value(row, Objective("energy", "digital_45nm", True))[0]
    assert got == pytest.approx(report.dynamic.nominal / report.episodes, rel=1e-12)


def test_placed_energy_is_that_of_a_placement(swept: tuple[Found, Path]) -> None:
    found, folder = swept
    row = next(row for row in found.rows if row.point.at["neurons_per_core"] == 8)
    machine = load("loihi1_nahuku").at(weight_bits=row.point.at["weight_bits"])
    assert machine.limits is not None
    limits = machine.limits.model_copy(update={"neurons_per_core": 8})
    machine = machine.model_copy(update={"limits": limits})
    total, episodes, packets = 0.0, 0, 0
    with Journal(folder) as journal:
        for job in row.point.jobs:
            graph, result = unpacked_run(journal.kept(job.key).read_bytes())
            sent = traffic(place(graph, machine, result=result), result)
            report = energy(result.counters, machine, sent)
            total, episodes = total + report.dynamic.nominal, episodes + report.episodes
            packets += sent.packets
            assert sent.cores == 3  # 24 units, 8 a core
    assert found.value(row, ENERGY)[0] == pytest.approx(total / episodes, rel=1e-12)
    measured = found.value(row, Objective("packets", "loihi1_nahuku", True))[0]
    assert measured == pytest.approx(packets / episodes)


def test_smaller_cores_take_more_packets_and_energy(swept: tuple[Found, Path]) -> None:
    found, _ = swept
    for row in found.rows:
        if row.point.at["neurons_per_core"] != 8:
            continue
        other = next(
            r for r in found.rows if r.point.at == {**row.point.at, "neurons_per_core": 1024}
        )
        assert found.value(row, ENERGY)[0] > found.value(other, ENERGY)[0]
        assert row.priced["loihi1_nahuku"].placed[0].cores == 3
        assert other.priced["loihi1_nahuku"].placed[0].cores == 1


def test_it_does_not_matter_who_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = {"level": [0.0, 0.1, 0.2, 0.3], "state_bits": [12, 24], "neurons_per_core": [8, 99]}
    alone = ran(tmp_path, knobs=knobs, seeds=1)

    def refuse(*_: object) -> None:
        raise AssertionError("the coordinator prices")

    monkeypatch.setattr("hebbgraph.sweep.found.Pricer.point", refuse)
    shared = ran(tmp_path, 2, knobs=knobs, seeds=1)
    assert shared.tally["ran"] == 0
    assert table(shared) == table(alone)


def test_costs_of_hops_only_price_anew(tmp_path: Path) -> None:
    knobs = {"neurons_per_core": [4], "hop_cost": [1.0, 10.0], "cores_per_tile": [1]}
    found = ran(tmp_path, knobs=knobs)
    assert found.tally["ran"] == 2  # one run for each seed
    one, ten = found.rows
    components = [r.priced["loihi1_nahuku"].report.ledger for r in (one, ten)]
    sums = [
        math.fsum(line.product.nominal for line in lines if line.counter.startswith("hops"))
        for lines in components
    ]
    assert sums[0] > 0
    assert sums[1] == pytest.approx(10 * sums[0])


def test_the_front_is_what_no_other_beats(swept: tuple[Found, Path]) -> None:
    found, _ = swept
    accuracy = found.plan.objectives[0]
    pairs = {
        r.point.key: (found.value(r, accuracy)[0], found.value(r, ENERGY)[0]) for r in found.good
    }
    front = {row.point.key for row in found.front()}
    for key, (right, joules) in pairs.items():
        better = [
            o
            for o, (a, e) in pairs.items()
            if a >= right and e <= joules and (a, e) != (right, joules)
        ]
        assert (key in front) is not bool(better)
    assert 0 < len(front) < len(pairs)


def test_files_hold_every_point(swept: tuple[Found, Path]) -> None:
    found, _ = swept
    rows = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert len(rows) == 32
    assert [row["point"] for row in rows] == [row.point.key for row in found.rows]
    first = rows[0]
    assert float(first["accuracy"]) == found.value(found.rows[0], found.plan.objectives[0])[0]
    low, nominal, high = (
        float(first[f"loihi1_nahuku.energy.{end}"]) for end in ("low", "nominal", "high")
    )
    assert 0 < low < nominal < high
    assert first["loihi1_nahuku.cores"] == "3"
    told = json.loads(json.dumps(document(found)))
    assert told["points"][0]["weight_bits"] == 4
    assert told["machines"]["loihi1_nahuku"] == load("loihi1_nahuku").content_hash


def test_parquet_holds_the_same(swept: tuple[Found, Path]) -> None:
    reader = pytest.importorskip("pyarrow.parquet")
    found, _ = swept
    read = reader.read_table(io.BytesIO(parquet(found))).to_pylist()
    assert [row["point"] for row in read] == [row.point.key for row in found.rows]


def test_without_pyarrow_parquet_says_what_to_install(
    swept: tuple[Found, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Unavailable, match="pip install pyarrow"):
        parquet(swept[0])


def test_pictures_say_estimate_and_the_machine(swept: tuple[Found, Path]) -> None:
    pytest.importorskip("matplotlib")
    from hebbgraph.report import codesign_pictures as drawn

    found, _ = swept
    report = found.good[0].priced["loihi1_nahuku"].report
    every = [
        drawn.pareto(found),
        drawn.heat_map(found, "weight_bits", "state_bits", ENERGY),
        drawn.tornado(report),
        drawn.rank_stability(found, "loihi1_nahuku"),
        drawn.breakdown(found, "loihi1_nahuku"),
        drawn.energy_against_steps(found, "loihi1_nahuku"),
        drawn.capacity(found, "loihi1_nahuku"),
        drawn.core_size(found, "loihi1_nahuku"),
    ]
    for axes in every:
        words = axes.get_title() + axes.get_xlabel() + axes.get_ylabel()
        assert "estimate" in words
        assert "loihi1_nahuku" in words
    same = drawn.pareto(found, ax=every[0])
    assert same is every[0]
    with pytest.raises(Invalid, match="knobs of the sweep are"):
        drawn.heat_map(found, "weight_bits", "nothing")


def test_ranks_are_shares_and_ties_share_them() -> None:
    pytest.importorskip("matplotlib")
    from hebbgraph.report.codesign_pictures import _ranks

    drawn = np.array([[1.0, 5.0], [1.0, 2.0], [3.0, 3.0]])
    expected = [[0.25, 0.25, 0.5], [0.75, 0.25, 0.0], [0.0, 0.5, 0.5]]
    np.testing.assert_allclose(_ranks(drawn), expected)


def test_a_search_is_the_same_however_many_workers(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    changes = {
        "knobs": {"level": {"uniform": [0.0, 0.4]}, "count": [2, 3, 4]},
        "strategy": {"kind": "search", "n": 8, "seed": 2, "batch": 4},
        "seeds": 1,
    }
    one, two = (ran(tmp_path / str(n), n, **changes) for n in (1, 2))
    assert [row.point.at for row in one.rows] == [row.point.at for row in two.rows]
    assert len(one.rows) >= 6
    assert run(planned(**changes), tmp_path / "1").tally["ran"] == 0


def test_a_search_without_optuna_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    made = planned(strategy={"kind": "search", "n": 3})
    with pytest.raises(Unavailable, match="pip install optuna"):
        run(made, tmp_path)


@pytest.mark.slow
def test_a_cluster_gives_the_same_table(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    from hebbgraph.sweep import Where

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        there = run(planned(), tmp_path / "there", Where(dask=cluster.scheduler_address))
    assert table(there) == table(ran(tmp_path / "here"))


def test_continual_runs_are_trained_once_and_deployed_often(tmp_path: Path) -> None:
    pytest.importorskip("snntorch")
    subject = {
        "kind": "continual",
        "preset": "quick",
        "settings": {
            "epochs": 1, "tasks": 2, "train_per_class": 10, "test_per_class": 4, "steps": 4,
            "hidden": [60], "tested": 8,
        },
    }  # fmt: skip
    knobs = {"state_bits": [8, 24], "density": [0.5, 1.0], "weight_bits": [4]}
    found = ran(tmp_path, subject=subject, knobs=knobs, seeds=1)
    assert not [row.error for row in found.rows if row.error]
    assert len({row.per_seed["acc"] for row in found.rows}) == 1  # one training
    synops = [row.counters.total("synops_dense") for row in found.rows if row.counters]
    assert len(set(synops)) == 1
    stored = {
        row.point.at["density"]: row.counters.total("synops_ac") + row.counters.total("synops_mac")
        for row in found.rows
        if row.point.at["state_bits"] == 24 and row.counters
    }
    assert stored[0.5] < stored[1.0]
    for row in found.rows:
        assert row.per_seed["accuracy"] == row.per_seed["deployed"]
        learning = found.value(row, Objective("learning", "digital_45nm", True))
        assert learning[0] > 0
