"""`hebbgraph sweep`: dry runs, tables, reports, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from hebbgraph.cli import main
from tests.sweep.specs import spec


def _file(tmp_path: Path, **changes: object) -> str:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec(**changes)))
    return str(path)


def test_the_example_can_be_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--example"]) == 0
    path = tmp_path / "spec.yaml"
    path.write_text(capsys.readouterr().out)
    assert main(["sweep", str(path), "--dry-run", "--folder", str(tmp_path / "none")]) == 0
    told = capsys.readouterr().out
    assert "27 points, 27 jobs" in told
    assert "only price: neurons_per_core" in told
    assert not (tmp_path / "none").exists()


def test_a_sweep_writes_everything_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    folder = tmp_path / "runs"
    file = _file(tmp_path, knobs={"weight_bits": [4, 8], "state_bits": [12, 24]}, seeds=1)
    given = ["sweep", file, "--folder", str(folder), "--quiet"]
    assert main([*given, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["jobs_to_run"] == 4
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["points"]) == 4
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"results.jsonl", "table.json", "table.csv", "spec.yaml", "report.html"} <= names
    assert any(name.startswith("map-hopfield-state_bits-weight_bits") for name in names)
    page = (folder / "report.html").read_text()
    assert "loihi1_nahuku" in page
    before = (folder / "table.json").read_bytes(), page
    assert main([*given, "--dry-run"]) == 0
    assert "4 results are in" in " ".join(capsys.readouterr().out.split())
    assert main(given) == 0
    assert (folder / "table.json").read_bytes() == before[0]


def test_failed_points_are_listed_and_told_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, knobs={"temperature": [0.0, 0.5]}, seeds=1)
    assert main(["sweep", file, "--folder", str(tmp_path / "f"), "--quiet", "--no-report"]) == 1
    assert "1 failed" in capsys.readouterr().out


def test_bad_arguments_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep"]) == 2
    assert "--example" in capsys.readouterr().err
    assert main(["sweep", _file(tmp_path), "--workers", "0", "--limit", "-1"]) == 2
    told = capsys.readouterr().err
    assert "--workers" in told
    assert "--limit" in told
