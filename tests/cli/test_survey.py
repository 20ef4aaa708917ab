"""`hebbgraph survey`: tables, records that go on, folders, theory, and faults before any work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hebbgraph import theory
from hebbgraph.cli import main
from hebbgraph.cli.arguments import values_of
from hebbgraph.errors import Invalid
from hebbgraph.harness import records
from hebbgraph.harness.surveys import basin_curve
from hebbgraph.harness.sweep import sweep
from hebbgraph.harness.trial import trial
from hebbgraph.report.theory_lines import LINES, theory_line

SMALL = ["--units", "24", "--count", "2", "--seeds", "2", "--steps", "3", "--quiet"]
ENGINES = ["--domain", "float", "--domain", "fixed"]
STORED = ["--units", "24", "--seeds", "2", "--steps", "3", "--quiet"]


def survey(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["survey", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_values_are_lists_or_ranges_with_both_ends() -> None:
    assert values_of("0:0.3:4", "--x") == (0.0, 0.1, 0.2, 0.3)
    assert values_of("2:8:3", "--x") == (2, 5, 8)
    assert all(isinstance(value, int) for value in values_of("2:9:3", "--x", whole=True))
    assert values_of("0.1, 0.2,0.1", "--x") == (0.1, 0.2)
    assert values_of("hebbian,storkey", "--x") == ("hebbian", "storkey")
    for text in ("", "1:2", "1:2:x", "1:2:0", ".nan", "[1]", "1:inf:3"):
        with pytest.raises(Invalid, match="--x: must be a list"):
            values_of(text, "--x")
    with pytest.raises(Invalid, match=r"such as 2,4,8"):
        values_of("1.5", "--x", whole=True)


def test_a_basin_is_that_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    found = survey(capsys, "basin", "hopfield", *SMALL, "--levels", "0,0.4", "--no-folder")
    same = basin_curve("hopfield", (0.0, 0.4), units=24, count=2, steps=3, seeds=(0, 1))
    assert found["knobs"] == {"level": [0.0, 0.4]} or found["knobs"] == {"level": [0, 0.4]}
    assert [p["per_seed"]["overlap"] for p in found["points"]] == [
        list(p.per_seed["overlap"]) for p in same.points
    ]
    assert found["folder"] is None


def test_the_folder_is_complete_and_the_table_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["capacity", "hopfield", *STORED, "--set", "rule=hebbian", "--loads", "0.1,0.5"]
    assert main(["survey", *arguments, "--theory", "--runs", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for part in ("capacity of hopfield", "theory: overlap", "1-NN", "Amit", "report.html"):
        assert part in text
    (folder,) = tmp_path.iterdir()
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    pictures = {"pictures/overlap.png", "pictures/identification.png"}
    assert names == {"results.json", "environment.json", "report.html"} | pictures
    document = json.loads((folder / "results.json").read_text())
    assert document["points"][0]["theory"] > 0.9
    assert document["points"][1]["theory"] == 0
    page = (folder / "report.html").read_text()
    assert "rule=hebbian" in page
    assert page.count("data:image/png") == 2


def test_records_are_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "sub" / "records.jsonl")
    first = ["basin", "hopfield", *SMALL, "--no-folder", "--records", path]
    assert survey(capsys, *first, "--levels", "0.1,0.2")["records"] == {"path": path, "known": 0}
    found = survey(capsys, *first, "--levels", "0.1:0.3:3")
    assert found["records"]["known"] == 4
    assert len(Path(path).read_text().splitlines()) == 6
    assert main(["survey", *first[:-3], "--records", path, "--no-folder"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"12 results are in {path}: 6 were there, 6 are new" in text


def test_an_interrupted_survey_keeps_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, keep = str(tmp_path / "records.jsonl"), records.append

    def interrupted(path: Any, record: Any) -> None:
        keep(path, record)
        if len(records.read(path)) == 3:
            raise KeyboardInterrupt

    arguments = ["survey", "basin", "hopfield", *SMALL, "--levels", "0,0.1"]
    arguments += ["--runs", str(tmp_path / "runs"), "--records", path]
    with monkeypatch.context() as patched:
        patched.setattr(records, "append", interrupted)
        assert main(arguments) == 130
    captured = capsys.readouterr()
    assert f"{path} holds 3 of 4 results; the same command goes on" in captured.err
    assert captured.out == ""
    assert list((tmp_path / "runs").iterdir()) == []
    assert main([*arguments, "--no-folder"]) == 0
    assert "3 were there, 1 are new" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "knobs", "pictures"),
    [
        (
            ["phase", "hopfield", "--x", "load=0.1,0.2", "--y", "level=0,0.2", "--by", "tie=keep"],
            ["tie", "load", "level"],
            ["overlap-tie-keep", "identification-tie-keep"],
        ),
        (
            ["learning", "archetypes", "--examples", "2,4", "--quality", "0.9", "--no-folder"],
            ["quality", "examples"],
            [],
        ),
        (
            ["quantisation", "hopfield", "--bits", "8,6", "--counts", "1,2", "--no-folder"],
            ["weight_bits", "count"],
            [],
        ),
        (
            ["cost", "willshaw", "--hardware", "loihi1_nahuku", "--counts", "2,3"],
            ["count"],
            ["overlap", "identification", "costs"],
        ),
        (
            ["basin", "hopfield", "--levels", "0.1", *ENGINES, "--by", "rule=hebbian,storkey"],
            ["domain", "rule", "level"],
            [f"{m}-domain-{d}" for m in ("overlap", "identification") for d in ("float", "fixed")],
        ),
    ],
)
def test_every_kind_has_its_knobs_and_pictures(
    arguments: list[str],
    knobs: list[str],
    pictures: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = survey(capsys, *arguments, *STORED, "--runs", str(tmp_path))
    assert list(found["knobs"]) == knobs
    assert {path.stem for path in tmp_path.glob("*/pictures/*.png")} == set(pictures)
    if arguments[0] == "cost":
        (cost,) = found["points"][0]["costs"]
        assert cost["per_stored_bit"]["nominal"] > 0


def test_data_sets_bring_baselines_and_their_own_size(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["basin", "hopfield", "--data", "digits", "--count", "4", "--per-class", "1"]
    arguments += ["--levels", "0.1", "--seeds", "1", "--steps", "3", "--quiet", "--no-folder"]
    point = survey(capsys, *arguments)["points"][0]
    assert point["trial"]["units"] == 64
    assert "nearest_mean" in point["baselines"]
    assert main(["survey", *arguments]) == 0
    assert "nearest class mean" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["basin", "hopfeild"], ["hopfeild", "models are: archetypes"]),
        (["basin", "labelled_map"], ["must be a memory"]),
        (["basin", "hopfield", "--set", "rul=x"], ["parameter rul", "rule=pseudo_inverse"]),
        (["basin", "hopfield", "--levels", "0:2:3"], ["level", "must be in [0, 1]"]),
        (["basin", "hopfield", "--levels", "1:2"], ["--levels", "start:stop:count"]),
        (["basin", "hopfield", "--by", "rule"], ["--by", "NAME=VALUES"]),
        (["basin", "hopfield", "--by", "rul=a,b"], ["rul", "knobs are load"]),
        (["basin", "hopfield", "--by", "rule=hebbian", "--set", "rule=x"], ["rule", "once"]),
        (["basin", "hopfield", "--load", "-1"], ["--load", "above 0"]),
        (["basin", "hopfield", "--per-class", "1"], ["--per-class", "--data"]),
        (["basin", "hopfield", "--data", "digits", "--units", "9"], ["--units", "own size"]),
        (["basin", "hopfield", "--data", "mnits"], ["mnits", "digits"]),
        (["basin", "hopfield", "--seeds", "none"], ["--seeds", "'none'"]),
        (["basin", "hopfield", "--backend", "brian3"], ["brian3", "brian2"]),
        (["basin", "hopfield", "--domain", "flaot"], ["flaot", "float, fixed"]),
        (["capacity", "hopfield", "--data", "digits", "--loads", "1,40"], ["2560", "1797"]),
        (["capacity", "modern_hopfield", "--data", "digits"], ["real patterns"]),
        (["phase", "hopfield", "--y", "rule=hebbian,storkey"], ["rule", "two numbers", "--by"]),
        (["learning", "hopfield"], ["hopfield", "no parameter examples", "quality"]),
        (["quantisation", "willshaw"], ["willshaw", "--parameter"]),
        (["cost", "hopfield", "--hardware", "loihi9"], ["loihi9", "loihi1_nahuku"]),
        (["capacity", "hopfield", "--theory"], ["--theory", "rule=hebbian"]),
        (["capacity", "willshaw", "--theory"], ["no line for willshaw", "hopfield, bam"]),
        (["basin", "bam", "--theory"], ["does not know the cue"]),
        (["basin", "hopfield", "--records", "/dev/null/x"], ["/dev/null/x", "written to"]),
    ],
)
def test_bad_input_is_named_before_any_work(
    arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["survey", *arguments, "--runs", str(tmp_path / "runs")]) == 2
    captured = capsys.readouterr()
    for part in parts:
        assert part in captured.err
    assert captured.out == ""
    assert " of " not in captured.err.partition("hebbgraph:")[0]  # no progress: nothing ran


@pytest.mark.parametrize("kind", ["", "basin", "phase", "cost"])
def test_help_has_examples(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["survey", *kind.split(), "--help"])
    assert caught.value.code == 0
    assert f"  hebbgraph survey {kind or 'basin'} hopfield" in capsys.readouterr().out


def test_theory_lines_are_those_of_theory_at_the_load_that_was_run() -> None:
    small: dict[str, dict[str, Any]] = {
        "hopfield": {"rule": "hebbian", "weight_bits": 1},
        "dense": {"p": 3},
        "bam": {},
        "archetypes": {"p": 2, "examples": 6, "quality": 0.7},
    }
    assert set(small) == set(LINES)
    found = {}
    for name, parameters in small.items():
        base = trial(name, units=20, steps=2, parameters=parameters)
        swept = sweep(base, {"load": (0.1,)}, seeds=(0,))
        line = theory_line(swept)
        found[name] = line.of(swept.points[0])
        assert found[name] == line.at(base, {"load": 0.1})
    noise = theory.clipping_noise(1)
    assert found["hopfield"] == theory.hopfield_overlap(0.1, 0.0, noise)
    assert found["dense"] == theory.dense_overlap(3, theory.dense_load(3, 2, 20))
    assert found["bam"] == theory.bam_overlap(0.2)
    assert found["archetypes"] == theory.archetype_overlap("supervised", 0.7, 6, 0.1, 2)
