"""The benchmark of continual learning: one command, resumable, failures told, work counted."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hebbgraph.cli import main
from hebbgraph.continual.bench import ContinualConfig, bench_continual
from hebbgraph.continual.presets import PRESETS, shrinking
from hebbgraph.errors import Invalid

SMALL = {"tasks": 2, "train_per_class": 20, "test_per_class": 10}


def config(*methods: str, epochs: int | None = None) -> ContinualConfig:
    base = replace(PRESETS["quick"], epochs=1, first_rows=(6, 5), later_rows=(6, 5))
    return ContinualConfig(
        "quick", base, methods, (0, 1), epochs, net={"hidden": (20,)}, stream=SMALL
    )


def test_a_row_for_each_method_with_mean_and_deviation_over_seeds() -> None:
    found = bench_continual(config("naive", "joint"))
    assert [row.method for row in found.rows] == ["naive", "joint"]
    naive = found.rows[0]
    accuracies = [run.report.acc for run in naive.runs]
    assert accuracies[0] != accuracies[1]
    assert naive.mean("acc") == pytest.approx(np.mean(accuracies))
    assert naive.deviation("acc") == pytest.approx(np.std(accuracies, ddof=1))
    assert json.loads(json.dumps(found.as_dict()))["rows"][0]["bwt"]["mean"] == naive.mean("bwt")


def test_a_stopped_benchmark_goes_on_to_the_same_result(tmp_path: Path) -> None:
    wanted = bench_continual(config("hlop"))
    assert not wanted.rows[0].failure
    stopped = 0

    def stop(done: int, total: int, text: str) -> None:
        nonlocal stopped
        stopped += 1
        if stopped == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench_continual(config("hlop"), checkpoints=tmp_path, progress=stop)
    found = bench_continual(config("hlop"), checkpoints=tmp_path)
    for one, other in zip(wanted.rows[0].runs, found.rows[0].runs, strict=True):
        np.testing.assert_array_equal(one.report.matrix, other.report.matrix)


def test_runs_side_by_side_give_what_runs_one_after_another_give() -> None:
    one = bench_continual(config("naive"))
    other = bench_continual(config("naive"), jobs=2)
    for a, b in zip(one.rows[0].runs, other.rows[0].runs, strict=True):
        np.testing.assert_array_equal(a.report.matrix, b.report.matrix)


def test_a_method_that_fails_is_told_and_the_others_go_on() -> None:
    given = config("naive", "pca")
    too_many = replace(given.base, first_rows=(40, 10), later_rows=(40, 10))
    found = bench_continual(replace(given, base=too_many))
    assert found.rows[0].runs
    assert not found.rows[1].runs
    assert "must not exceed the 64 inputs of layer 1" in found.rows[1].failure


def test_rows_that_do_not_converge_are_told() -> None:
    (hlop,) = bench_continual(config("hlop")).rows
    assert hlop.runs
    assert any("rows have not converged in layer" in note for note in hlop.notes)


def test_the_work_of_training_is_that_of_its_graph() -> None:
    naive, hlop = bench_continual(config("naive", "hlop")).rows
    assert naive.training
    assert hlop.training
    assert hlop.inference
    visits = 4 * 20 * (64 * 20 + 20 * 10)
    assert naive.training.total("learning_visits") == visits
    rows = 4 * 20 * (6 * 64 + 5 * 20)
    assert hlop.training.total("learning_visits") == visits + rows
    assert hlop.inference.total("learning_visits") == 0
    assert hlop.training.total("synops_mac") > naive.training.total("synops_mac")


def test_faults_come_before_any_work() -> None:
    with pytest.raises(Invalid, match=r"'nobody'"):
        bench_continual(config("naive", "nobody"))
    with pytest.raises(Invalid, match="epochs"):
        bench_continual(config("naive", epochs=0))


def test_rows_shrink_before_the_tasks_that_are_named() -> None:
    made = shrinking((70, 35), (20, 10), 10, (3, 6, 9))
    assert [rows[0] for rows in made] == [70, 70, 50, 50, 50, 30, 30, 30, 10]
    assert sum(rows[0] for rows in made) + 80 == 470


def test_the_command_writes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "continual", "--method", "naive", "--method", "pca", "--seeds", "1"]
    words += ["--epochs", "1", "--tasks", "2", "--set", "hidden=50", "--quiet", "--json"]
    words += ["--hardware", "loihi1_nahuku", "--folder", str(tmp_path / "run")]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["config"]["net"]["hidden"] == [50]
    assert found["energy"]["pca"]["loihi1_nahuku"]["training"]["episodes"] == 4
    with open(tmp_path / "run/results.csv") as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines] == ["naive", "pca"]
    assert float(lines[0]["acc"]) == found["rows"][0]["acc"]["mean"]
    assert b"data:image/png" in (tmp_path / "run/report.html").read_bytes()


def test_bad_settings_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "continual", "--set", "hiden=3", "--set", "batch=x", "--no-folder"]) == 2
    told = capsys.readouterr().err
    assert "hiden=3" in told
    assert "batch=x" in told
