"""`hebbgraph nir`: answers and exit codes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import nir as interchange
from hebbgraph.cli import nir as command
from hebbgraph.models import hopfield
from tests.nir.oracle import nir


def run(*arguments: object) -> int:
    """Run the command as `hebbgraph` does, errors aside."""
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["nir", *map(str, arguments)])
    return int(parsed.handler(parsed))


@pytest.fixture
def refractory(tmp_path: Path) -> Path:
    units = {"x": hg.Input(2), "unit": hg.LIF(2, refractory=3)}
    graph = hg.Graph("slow", units, [hg.Connection("x.out", "unit.a")])
    hg.save(graph, tmp_path / "slow.hgraph")
    return tmp_path / "slow.hgraph"


def test_a_model_goes_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, graph = tmp_path / "m.nir", tmp_path / "m.hgraph"
    assert run("export", "hopfield", file) == 0
    assert run("show", file) == 0
    assert run("import", file, graph) == 0
    text = capsys.readouterr().out
    for part in ("memory", "LIF", "Linear", "faithful", "as hebbgraph wrote it"):
        assert part in text
    assert hg.load(graph).content_hash == hopfield.example()[0].content_hash


def test_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "hopfield", tmp_path / "m.nir", "--json", "--dt", "1e-3") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["grade"] == "faithful"
    assert document["dt"] == 1e-3
    assert [node["node"] for node in document["nodes"]] == ["cue", "memory", "recurrent"]


def test_lossy_is_refused_unless_asked_for(
    refractory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slow.nir"
    assert run("export", refractory, file) == 1
    captured = capsys.readouterr()
    assert "refractory" in captured.err
    assert "--lossy" in captured.err
    assert not captured.out
    assert not file.exists()
    assert run("export", refractory, file, "--json") == 1
    assert json.loads(capsys.readouterr().out)["grade"] == "approximate"
    assert run("export", refractory, file, "--lossy") == 0
    assert file.exists()


def test_files_of_others_are_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zero = np.zeros(2)
    unit = nir.LIF(tau=zero + 1e-3, r=zero + 1, v_leak=zero, v_threshold=zero + 1, v_reset=zero)
    nodes = {"input": nir.Input({"input": np.array([2])}), "w": nir.Linear(weight=np.ones((2, 2)))}
    nodes |= {"lif": unit, "output": nir.Output({"output": np.array([2])})}
    edges = [("input", "w"), ("w", "lif"), ("lif", "output")]
    nir.write(tmp_path / "theirs.nir", nir.NIRGraph(nodes, edges))
    assert run("show", tmp_path / "theirs.nir") == 0
    assert "output: 1 step later" in capsys.readouterr().out
    assert run("show", tmp_path / "theirs.nir", "--dt", 0.01) == 1
    assert run("import", tmp_path / "theirs.nir", tmp_path / "x.hgraph", "--dt", 0.01) == 1
    assert "use dt=0.001 or less" in capsys.readouterr().err
    assert run("import", tmp_path / "theirs.nir", tmp_path / "x.hgraph") == 0
    assert hg.load(tmp_path / "x.hgraph").name == "theirs"


def test_bad_input_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(hg.Invalid, match=r"models are .*hopfield"):
        run("export", "nosuch", tmp_path / "x.nir")
    with pytest.raises(hg.Invalid, match="must be a NIR file"):
        run("show", tmp_path / "nosuch.nir")
    interchange.write(hopfield.example()[0], tmp_path / "m.nir")
    (tmp_path / "file").write_text("")
    with pytest.raises(hg.Invalid, match="must be a file that can be written"):
        run("import", tmp_path / "m.nir", tmp_path / "file" / "m.hgraph")


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("export", "import", "show"):
        with pytest.raises(SystemExit):
            run(verb, "--help")
        assert "hebbgraph nir export hopfield memory.nir" in capsys.readouterr().out
