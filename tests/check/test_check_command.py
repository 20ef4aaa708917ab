"""`hebbgraph check`: answers, exit codes, JSON, and no traceback for bad input."""

from __future__ import annotations

import argparse
import json
import types
from pathlib import Path

import numpy as np
import pytest
import yaml

import hebbgraph as hg
from hebbgraph import catalogue
from hebbgraph.cli import check as command
from hebbgraph.errors import HebbgraphError, Invalid
from hebbgraph.harness.compare import RunConfig
from tests.check.machines import machine
from tests.check.nets import feed_forward, memory

RANDOM = ["--data", "random", "--count", "3"]


def run(*arguments: str) -> int:
    """Run the command as the command line does."""
    parser = argparse.ArgumentParser(prog="hebbgraph")
    command.add_parser(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["check", *arguments])
    return int(parsed.handler(parsed))


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = run(*arguments, "--json")
    return code, json.loads(capsys.readouterr().out)


def test_a_model_passes_with_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("hopfield", *RANDOM) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "loihi1 is loihi1_davies2018; loihi1_nahuku holds the same",
        "run on 3 corrupted cues (flip, 0.1) of 3 stored random patterns, 20 steps",
        "does it fit?",
        "synaptic memory",
        "will it still fire?",
        "hopfield passes on loihi1_davies2018, 1 core on 1 chip: 0 faults, 0 warnings",
    ):
        assert part in text


def test_brief_leaves_out_what_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("hopfield", *RANDOM, "--brief") == 0
    text = capsys.readouterr().out
    assert "values a step" in text
    assert "neurons" not in text
    assert "hopfield passes" in text


def test_the_model_is_the_one_that_run_builds(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = answer(capsys, "hopfield", *RANDOM, "--set", "rule=hebbian", "--seed", "2")
    assert code == 0
    config = RunConfig(data="random", count=3, parameters={"rule": "hebbian"}, seeds=(2,))
    task = config.task()
    graph = config.family().build(task.data.patterns[task.stored(2)])
    assert document["graph_hash"] == graph.content_hash
    assert (document["passes"], document["steps"]) == (True, 20)


def test_exit_code_1_for_what_does_not_fit_or_fire(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chip = tmp_path / "chip.yaml"
    chip.write_text(yaml.safe_dump(machine(limits={"cores": 2}).model_dump(mode="json")))
    hg.save(memory(512), tmp_path / "m.hgraph")
    path = str(tmp_path / "m.hgraph")
    code, document = answer(capsys, path, "--hardware", str(chip), "--fit-only")
    assert (code, document["passes"], document["cores"], document["chips"]) == (1, False, 3, 2)
    assert answer(capsys, path, "--hardware", str(chip), "--fit-only", "--chips", "2")[0] == 0

    hg.save(feed_forward(np.full((1, 600), 254)), tmp_path / "w.hgraph")
    np.savez(tmp_path / "x.npz", data=np.ones((1, 3, 600)))
    data = ["--data", str(tmp_path / "x.npz")]
    code, document = answer(capsys, str(tmp_path / "w.hgraph"), *data)
    assert (code, document["data"], document["steps"]) == (1, data[1], 3)
    assert run(str(tmp_path / "w.hgraph"), *data) == 1
    assert "u wraps" in capsys.readouterr().out


def test_strict_lets_warnings_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hg.save(feed_forward(np.array([[2]]), threshold=9), tmp_path / "silent.hgraph")
    path = str(tmp_path / "silent.hgraph")
    assert answer(capsys, path)[0] == 0
    code, document = answer(capsys, path, "--strict")
    assert (code, document["passes"], document["good"]) == (1, True, False)


def test_a_model_without_patterns_is_checked_on_its_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(threshold: float = 1.0) -> hg.Graph:
        return feed_forward(np.array([[2.0]]), "float", threshold=threshold)

    module = types.ModuleType("hebbgraph.models.fake")
    module.build = build  # type: ignore[attr-defined]
    module.example = lambda: (build(), {"data": np.ones((2, 4, 1))}, 6)  # type: ignore[attr-defined]
    monkeypatch.setattr(catalogue, "model", lambda name: module)
    code, document = answer(capsys, "fake")
    assert (code, document["data"], document["steps"]) == (0, "the example of fake", 6)
    code, document = answer(capsys, "fake", "--set", "threshold=0.5", "--steps", "7")
    assert (code, document["steps"]) == (0, 7)
    assert str(document["data"]).startswith("made-up data")
    with pytest.raises(Invalid, match="is for models that store patterns"):
        run("fake", "--data", "digits")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["hopfeild"], ["hopfeild", "models are: archetypes"]),
        (["hopfield", "--hardware", "loihi9"], ["loihi9", "loihi1_davies2018"]),
        (["hopfield", *RANDOM, "--set", "rul=x"], ["parameter rul"]),
        (["hopfield", "--data", "mnits"], ["mnits", "digits"]),
        (["hopfield", *RANDOM, "--chips", "0"], ["chips", "0"]),
        (["none.hgraph"], ["none.hgraph"]),
        (["runs/none"], ["runs/none"]),
        (["none.hgraph", "--set", "a=1", "--data", "digits"], ["--set", "--data", "(2 faults)"]),
        (["hopfield", "--data", "none.npz"], ["none.npz", "numpy.savez"]),
        (["hopfield", *RANDOM, "--steps", "-3"], ["steps"]),
    ],
)
def test_bad_input_is_named(arguments: list[str], parts: list[str]) -> None:
    with pytest.raises(HebbgraphError) as caught:  # exit code 2
        run(*arguments)
    for part in parts:
        assert part in str(caught.value)


def test_a_damaged_data_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 no zip")
    np.savez(tmp_path / "y.npz", data=np.array([{}], dtype=object))
    for name in ("x.npz", "y.npz"):
        with pytest.raises(Invalid, match=name):
            run("hopfield", *RANDOM[2:], "--data", str(tmp_path / name))


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for part in ("usage: hebbgraph check", "examples:", "--fit-only", "exit code: 0"):
        assert part in text
