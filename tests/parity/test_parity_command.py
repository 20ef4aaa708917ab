"""`hebbgraph parity`: answers, exit codes, files, and errors that name what is wrong."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import backend
from hebbgraph.cli import parity as command
from tests.parity import doubles, graphs
from tests.parity.doubles import double

QUIET = ["--backend", "reference", "--no-folder", "--quiet"]


def run(*arguments: str) -> int:
    """Run the command without what is around all commands."""
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["parity", *arguments])
    return int(parsed.handler(parsed))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine that is called brian2 reset by subtraction."""
    known = backend.get
    fake = double("brian2", steps=lambda: doubles.lif(subtract=True))
    monkeypatch.setattr(backend, "get", lambda name: fake if name == "brian2" else known(name))


@pytest.fixture
def relay(tmp_path: Path) -> list[str]:
    """Return a graph file and its data as arguments."""
    graph, inputs, steps = graphs.relay()
    hg.save(graph, tmp_path / "relay.hgraph")
    np.savez(tmp_path / "data.npz", **inputs)
    data = str(tmp_path / "data.npz")
    return [str(tmp_path / "relay.hgraph"), "--data", data, "--steps", str(steps)]


def test_a_healthy_engine_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("hopfield", *QUIET) == 0
    out = capsys.readouterr().out
    for part in ("reference", "float", "fixed", "identical", "the example of hopfield"):
        assert part in out


def test_a_task_has_an_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    arguments = ["--data", "digits", "--count", "4", "--cues", "2", "--steps", "6", "--json"]
    assert run("hopfield", *arguments, *QUIET, "--set", "rule=hebbian") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["score"] == "recall accuracy"
    assert document["episodes"] == 8
    (row,) = (r for r in document["rows"] if r["domain"] == "fixed")
    assert row["score"] == document["expected_scores"]["fixed"] > 0


@pytest.mark.usefixtures("broken")
def test_a_broken_engine_fails(relay: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*relay, "--backend", "brian2", "--no-folder", "--quiet") == 1
    out = capsys.readouterr().out
    assert "RESET" in out
    assert "brian2, float: episode 0, step 14, first[0]: v is 1, should be 0" in out


@pytest.mark.usefixtures("broken")
def test_json_is_one_document(relay: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--backend", "brian2", "--domain", "fixed", "--json", "--no-folder", "--quiet"]
    assert run(*relay, *arguments) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["identical"] is False
    assert document["folder"] is None
    (row,) = document["rows"]
    assert row["cause"]["code"] == "RESET"
    assert (row["divergence"]["step"], row["divergence"]["process"]) == (14, "first")


@pytest.mark.usefixtures("broken")
def test_no_cause_is_looked_for_if_none_is_wanted(
    relay: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--backend", "brian2", "--no-cause", "--json", "--no-folder", "--quiet"]
    assert run(*relay, *arguments) == 1
    assert all(row["cause"] is None for row in json.loads(capsys.readouterr().out)["rows"])


@pytest.mark.usefixtures("broken")
def test_the_run_folder_is_complete(
    relay: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "pages" / "parity.html"
    runs = ["--runs", str(tmp_path / "runs"), "--html", str(page)]
    assert run(*relay, "--backend", "brian2", "--quiet", *runs) == 1
    (folder,) = (tmp_path / "runs").iterdir()
    names = {p.name for p in folder.iterdir()}
    assert names == {"parity.html", "parity.json", "graph.hgraph", "environment.json"}
    assert page.read_bytes() == (folder / "parity.html").read_bytes()
    document = json.loads((folder / "parity.json").read_text())
    assert hg.ParityReport.from_dict(document).graph == "relay"
    assert str(folder / "parity.html") in capsys.readouterr().out.replace("\n", "")


def test_made_up_data_are_said_to_be(relay: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    given = [relay[0], "--steps", "9", "--episodes", "3", "--json", *QUIET]
    assert run(*given, "--seed", "5") == 0
    document = json.loads(capsys.readouterr().out)
    assert "made-up data (seed 5)" in document["data"]
    assert (document["episodes"], document["steps"]) == (3, 9)


def test_engines_that_cannot_be_used_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = double("gone", found=hg.backend.Availability(False, reason="no", remedy="install it"))
    known = backend.get
    monkeypatch.setattr(backend, "get", lambda name: gone if name == "gone" else known(name))
    monkeypatch.setattr(backend, "names", lambda: ["reference", "gone"])
    assert run("hopfield", "--no-folder", "--quiet") == 2  # nothing was compared
    assert "nothing was compared" in capsys.readouterr().out
    with pytest.raises(hg.Unavailable, match="no; install it"):
        run("hopfield", "--no-folder", "--quiet", "--backend", "gone")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["hopfeild"], "models are: .*hopfield"),
        (["none.hgraph"], "none.hgraph"),
        (["hopfield", "--domain", "flaot"], "float, fixed"),
        (["hopfield", "--backend", "brian3"], "brian3"),
        (["hopfield", "--option", "speed=1"], "BACKEND.KEY=VALUE"),
        (["hopfield", "--option", "lava.model=x", "--backend", "reference"], "options of lava"),
        (["hopfield", "--set", "rul=x"], "parameter rul"),
        (["hopfield", "--data", "mnits"], "mnits"),
        (["hopfield", "--count", "0"], "count"),
        (["hopfield", "--tolerance", "7"], "tolerance"),
        (["hopfield", "--hardware", "loihi9"], "loihi9"),
        (["hopfield", "--data", "none.npz"], "none.npz"),
        (["hopfield", "--batch", "0", "--backend", "reference"], "batch"),
    ],
)
def test_bad_arguments_are_named(arguments: list[str], part: str) -> None:
    with pytest.raises(hg.HebbgraphError, match=part):
        run(*arguments, "--no-folder", "--quiet")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--set", "a=1"], "a graph file has none"),
        (["--data", "digits"], "must be an .npz file"),
        (["--steps", "0"], "--steps"),
        (["--episodes", "0"], "--episodes"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_bad_arguments_for_a_file_are_named(
    relay: list[str], arguments: list[str], part: str
) -> None:
    with pytest.raises(hg.Invalid, match=part):
        run(relay[0], *arguments, *QUIET)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    out = capsys.readouterr().out
    for part in ("examples:", "hebbgraph parity hopfield", "exit code"):
        assert part in out


def test_model_parameters_reach_the_graph(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    hashes: set[Any] = set()
    for rule in ("hebbian", "storkey"):
        assert run("hopfield", "--set", f"rule={rule}", "--json", *QUIET) == 0
        hashes.add(json.loads(capsys.readouterr().out)["graph_hash"])
    assert len(hashes) == 2
