"""Sweeps: a grid of knobs, seeds, and going on after a kill."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hebbgraph import catalogue
from hebbgraph.counters import Counters
from hebbgraph.data import PatternSet, random_patterns
from hebbgraph.errors import Invalid, Unsupported
from hebbgraph.harness import SWEEP_METRICS, RecallTask, records, run_recall
from hebbgraph.harness import surveys as named
from hebbgraph.harness.surveys import (
    basin_curve,
    learning_curve,
    phase_diagram,
    quantisation_curve,
)
from hebbgraph.harness.sweep import Sweep, sweep
from hebbgraph.harness.trial import Trial, trial
from hebbgraph.models import hopfield

BASE = trial(hopfield.FAMILY, name="hopfield", units=40, count=4, steps=6, rule="hebbian")
KNOBS = {"load": (0.05, 0.25), "level": (0.0, 0.2)}


def test_the_grid_has_every_combination_and_seed() -> None:
    found = sweep(BASE, KNOBS, seeds=(0, 3))
    assert found.shape == (2, 2)
    assert [dict(point.at) for point in found.points] == [
        {"load": 0.05, "level": 0.0},
        {"load": 0.05, "level": 0.2},
        {"load": 0.25, "level": 0.0},
        {"load": 0.25, "level": 0.2},
    ]
    assert [point.trial.count for point in found.points] == [2, 2, 10, 10]
    assert found.points[2].trial.load == 0.25
    assert found.values("overlap").shape == (2, 2, 2)
    assert np.allclose(found.means("overlap"), found.values("overlap").mean(axis=-1))
    assert found.means("overlap")[0, 0] == 1.0
    assert set(found.points[0].per_seed) == set(SWEEP_METRICS) - {"class_accuracy"}
    (point,) = found.where(load=0.25, level=0.0)
    assert point is found.points[2]
    assert point.metrics["overlap"].n == 2
    assert point.recalls == 20
    assert len(found.where(level=0.2)) == 2


def test_a_point_is_what_run_recall_measures() -> None:
    pool = random_patterns(30, 40, seed=2)
    task = RecallTask(pool, 4, level=0.2, cues_per_pattern=3, seeds=(0, 1), steps=6)
    report = run_recall(task, hopfield.FAMILY.bound(rule="hebbian"))
    base = BASE.turned({"data": pool, "cues_per_pattern": 3, "level": 0.2})
    (point,) = sweep(base, {}, seeds=(0, 1)).points
    for name, values in report.per_seed.items():
        if name != "wall_seconds":
            assert point.per_seed[name] == values, name
    assert {n: v.mean for n, v in point.baselines.items()} == {
        n: v.mean for n, v in report.baselines.items()
    }
    assert point.baseline_means == report.baseline_means
    assert point.counters == report.counters
    assert point.recalls == report.recalls


def test_batches_count_all_recalls(monkeypatch: pytest.MonkeyPatch) -> None:
    base = BASE.turned({"load": 0.5})
    whole = sweep(base, {}, seeds=(0,)).points[0]
    monkeypatch.setattr("hebbgraph.harness.sweep.BATCH", 7)
    parts = sweep(base, {}, seeds=(0,)).points[0]
    assert parts.counters == whole.counters
    assert parts.per_seed["overlap"] == whole.per_seed["overlap"]


def test_points_that_recall_otherwise_share_their_networks() -> None:
    built: list[int] = []

    def build(patterns: Any, rule: str = "hebbian") -> Any:
        built.append(len(patterns))
        return hopfield.build(patterns, rule=rule)  # type: ignore[arg-type]

    base = trial(dataclasses.replace(hopfield.FAMILY, build=build), units=30, steps=4)
    knobs = {"level": (0, 0.1, 0.2), "load": (0.1, 0.2), "steps": (3, 5), "tail": (1, 2)}
    found = sweep(base, knobs, seeds=(0, 1))
    assert built == [3, 3, 6, 6]
    assert found.shape == (3, 2, 2, 2)
    apart = sweep(base, {"load": (0.1,), "level": (0.2,), "steps": (5,)}, seeds=(0, 1))
    same = found.where(load=0.1, level=0.2, steps=5, tail=1)
    assert apart.points[0].per_seed["overlap"] == same[0].per_seed["overlap"]


def test_the_seed_of_a_memory_is_that_of_its_network() -> None:
    seen: list[int] = []

    def build(patterns: Any, *, seed: int = 0) -> Any:
        seen.append(seed)
        return hopfield.build(patterns)

    family = dataclasses.replace(hopfield.FAMILY, build=build)
    sweep(trial(family, units=20), {}, seeds=(3, 7))
    sweep(trial(family, units=20, seed=5), {}, seeds=(3, 7))
    assert seen == [3, 7, 5, 5]


def test_the_tail_averages_the_last_states() -> None:
    # One pattern, a tenth flipped: the cue has overlap 0.8, every later state 1.
    base = BASE.turned({"count": 1, "level": 0.1, "steps": 4})
    found = sweep(base, {"tail": (1, 4)}, seeds=(0,))
    assert found.means("overlap").tolist() == pytest.approx([1.0, (0.8 + 3) / 4])


def test_load_counts_in_what_is_stored_at_load_one() -> None:
    base = trial(hopfield.FAMILY, units=20, load_one=lambda one: one.units**2 / 10)
    assert base.turned({"load": 0.3}).count == 12
    assert base.turned({"load": 0.3, "units": 10}).count == 3
    assert base.turned({"load": 1e-9}).count == 1
    assert base.turned({"load": 0.3}).load == pytest.approx(0.3)


def test_targets_are_the_first_or_spread_over_classes() -> None:
    assert BASE.turned({"count": 9, "tested": 3}).targets().tolist() == [0, 1, 2]
    pool = dataclasses.replace(random_patterns(12, 40, seed=0), labels=np.repeat([0, 1, 2], 4))
    spread = BASE.turned({"data": pool, "count": 9, "per_class": 3, "tested": 3})
    assert spread.turned({"cues_per_pattern": 2}).targets().tolist() == [0, 0, 4, 4, 8, 8]
    assert "class_accuracy" in sweep(spread, {}, seeds=(0,)).points[0].metrics


def test_data_sets_are_a_knob() -> None:
    small = random_patterns(10, 12, seed=0)
    found = sweep(BASE, {"data": ("random", small), "level": (0.0,)}, seeds=(0,))
    assert found.knobs["data"] == ("random", "random-10x12")
    assert [point.trial.units for point in found.points] == [256, 12]
    assert found.where(data="random-10x12")[0].trial.data is small


# --- going on ----------------------------------------------------------------------------------


class Stop(Exception):
    """A kill."""


def stop_at(done: int) -> Any:
    def tell(now: int, total: int, text: str) -> None:
        if now == done:
            raise Stop

    return tell


def plain(found: Sweep) -> Any:
    """Return everything but what the clock decides."""
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    for point in document["points"]:
        del point["metrics"]["wall_seconds"], point["per_seed"]["wall_seconds"]
    return document


def test_a_killed_sweep_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sweep.jsonl"
    whole = sweep(BASE, KNOBS, seeds=(0, 1))
    with pytest.raises(Stop):
        sweep(BASE, KNOBS, seeds=(0, 1), path=path, progress=stop_at(5))
    assert len(path.read_bytes().splitlines()) == 5
    with path.open("ab") as file:  # killed while it wrote a line
        file.write(b'{"trial": {"na')
    told: list[tuple[int, int, str]] = []
    found = sweep(BASE, KNOBS, seeds=(0, 1), path=path, progress=lambda *a: told.append(a))
    assert plain(found) == plain(whole)
    assert [done for done, _, _ in told] == [5, 6, 7, 8]
    assert len(path.read_bytes().splitlines()) == 8

    told.clear()
    again = sweep(BASE, KNOBS, seeds=(0, 1), path=path, progress=lambda *a: told.append(a))
    assert plain(again) == plain(whole)
    assert told == [(8, 8, "hopfield, done")]


def test_a_finer_grid_and_further_seeds_run_what_is_new_only(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    sweep(BASE, {"level": (0.0, 0.2)}, seeds=(0, 1), path=path)
    sweep(BASE, {"level": (0.0, 0.1, 0.2)}, seeds=(0, 1, 2), path=path)
    assert len(records.read(path)) == 9
    assert len(path.read_bytes().splitlines()) == 9


def test_another_network_is_never_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    one = random_patterns(10, 40, seed=0)
    other = PatternSet(one.name, -one.patterns)
    ways: list[dict[str, Any]] = [
        {"data": one},
        {"data": other},
        {"data": one, "domain": "fixed"},
        {"data": one, "weight_bits": 4},
        {"data": one, "steps": 5},
    ]
    for number, way in enumerate(ways, 1):
        sweep(BASE.turned(way), {}, seeds=(0,), path=path)
        assert len(path.read_bytes().splitlines()) == number, way


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")
    with pytest.raises(Invalid, match=r"notes\.txt, line 1: must be a result of a sweep"):
        sweep(BASE, {}, path=path)
    assert path.read_text() == "my notes\n"


def test_progress_tells_place_and_time_left() -> None:
    told: list[tuple[int, int, str]] = []
    sweep(BASE, {"level": (0.0, 0.1)}, seeds=(0, 1), progress=lambda *a: told.append(a))
    assert [one[:2] for one in told] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert told[0][2] == "hopfield, level 0, seed 0"
    assert told[3][2].startswith("hopfield, level 0.1, seed 1, about ")
    assert told[3][2].endswith(" s left")


# --- bad arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"colour": (1, 2)}, "knobs are load, units, .*; parameters of hopfield rule"),
        ({"level": ()}, "level: must be a list of one value or more"),
        ({"level": "0.1"}, "level: must be a list"),
        ({"level": (0.1, 0.1)}, "level: must be distinct"),
        ({"level": (0.1, 1.5), "steps": (1,)}, r"\(2 faults\)"),
        ({"load": (0.1, 0.0)}, "load: must be a number above 0"),
        ({"load": (0.1,), "count": (3,)}, "load sets count"),
        ({"corruption": ("noise",)}, "corruptions of bipolar patterns are"),
        ({"tail": (9,)}, "tail: must be at most steps, 6"),
        ({"domain": ("exact",)}, "domain: must be one of float, fixed"),
        ({"data": ("sparse",)}, "must be bipolar patterns for hopfield"),
        ({"rule": ("hebbian", "hebian")}, "rule: must be one of"),
    ],
)
def test_faults_are_named_before_anything_runs(
    knobs: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "sweep.jsonl"
    with pytest.raises(Invalid, match=reason):
        sweep(BASE, knobs, path=path)
    assert not path.exists()


def test_unknown_metrics_values_and_settings() -> None:
    found = sweep(BASE, {"level": (0.0,)}, seeds=(0,))
    with pytest.raises(Invalid, match="metrics are overlap, cue_overlap"):
        found.values("accuracy")
    with pytest.raises(Invalid, match="values of its knobs"):
        found.where(level=0.3)
    with pytest.raises(Invalid, match="parameters of hopfield"):
        trial(hopfield.FAMILY, name="hopfield", parameters={"patterns": 1, "name": 2})
    with pytest.raises(Invalid, match="seeds: must be distinct"):
        sweep(BASE, {}, seeds=(1, 1))


# --- the surveys with names --------------------------------------------------------------------


def test_named_surveys_are_sweeps_over_their_knobs() -> None:
    basin = basin_curve(BASE, (0.0, 0.4), seeds=(0,), count=2)
    assert basin.knobs == {"level": (0.0, 0.4)}
    assert basin.points[0].trial.count == 2
    phases = phase_diagram(BASE, ("load", (0.05, 0.5)), ("level", (0.0, 0.3)), seeds=(0,))
    assert phases.shape == (2, 2)
    assert phases.means("overlap")[0, 0] > phases.means("overlap")[1, 1]
    bits = quantisation_curve(BASE, (0.1,), (8, 3), seeds=(0,))
    assert bits.knobs == {"weight_bits": (8, 3), "load": (0.1,)}
    by_rule = quantisation_curve(BASE, (0.1,), ("hebbian",), parameter="rule", seeds=(0,))  # type: ignore[arg-type]
    assert by_rule.knobs["rule"] == ("hebbian",)


def test_a_learning_curve_names_its_parameters() -> None:
    def build(patterns: Any, *, examples: int = 1, quality: float = 1.0) -> Any:
        # Majority of noisy examples of each pattern.
        draw = np.random.default_rng(0).random((examples, *np.shape(patterns)))
        noisy = np.where(draw < (1 + quality) / 2, patterns, -np.asarray(patterns))
        return hopfield.build(np.where(noisy.sum(axis=0) > 0, 1, -1))

    family = dataclasses.replace(hopfield.FAMILY, build=build)
    found = learning_curve(family, (1, 3, 31), (0.4, 0.9), seeds=(0, 1), units=60)
    assert found.knobs == {"quality": (0.4, 0.9), "examples": (1, 3, 31)}
    overlaps = found.means("overlap")
    assert (np.diff(overlaps, axis=1) >= 0).all()
    assert overlaps[0, 0] < 0.7 < overlaps[1, 2]


def test_a_memory_without_widths_says_so() -> None:
    family = dataclasses.replace(hopfield.FAMILY, build=lambda patterns: hopfield.build(patterns))
    with pytest.raises(Unsupported, match="no parameter that ends in 'bits'"):
        quantisation_curve(family, (0.1,), name="plain")
    assert named.bits_parameter(BASE) == "weight_bits"


@pytest.mark.parametrize("name", sorted(catalogue.families()))
def test_every_family_is_surveyed_alike(name: str) -> None:
    kind, level = catalogue.family(name).corruption
    found = basin_curve(name, (0.0, level), seeds=(0,), tested=4)
    assert found.points[0].trial.corruption == kind
    assert found.means("overlap")[0] > 0.5
    assert isinstance(found.points[1].counters, Counters)
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_trial_is_json() -> None:
    made: Trial = BASE.turned({"weight_bits": np.int64(4), "options": {"dtype": (1, 2)}})
    document = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert document["parameters"] == {"rule": "hebbian", "weight_bits": 4}
    assert document["options"] == {"dtype": [1, 2]}
    assert document["data"] is None
