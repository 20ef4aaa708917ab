"""`hebbgraph place`: the table, JSON, stored runs, exit codes, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hebbgraph as hg
from hebbgraph.cli import main
from hebbgraph.energy import energy
from hebbgraph.hardware import load
from hebbgraph.placement import place, traffic
from tests.placement.nets import layered, spikes


def stored(folder: Path) -> tuple[hg.Graph, hg.Result]:
    """Write a graph and a run of it; return both."""
    graph = layered(20, 700, 600, threshold=900)
    result = hg.compile(graph).run(spikes(graph, 2, 8, 0.3), steps=8)
    hg.save(graph, folder / "net.hgraph")
    result.save(folder / "run.zip")
    return graph, result


def test_a_stored_run_gives_its_own_traffic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result = stored(tmp_path)
    net, run = str(tmp_path / "net.hgraph"), str(tmp_path / "run.zip")
    assert main(["place", net, "--result", run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    hardware = load("loihi1_nahuku")
    placement = place(hg.load(net), hardware, result=result)
    sent = traffic(placement, result)
    assert sent.packets > 0
    assert found["placement"] == json.loads(json.dumps(placement.as_dict()))
    assert found["traffic"] == json.loads(json.dumps(sent.as_dict()))
    assert found["energy"] == json.loads(json.dumps(energy(result, hardware, sent).as_dict()))
    assert found["fits"] is True


def test_the_table_and_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path)
    png = tmp_path / "chip.png"
    arguments = ["place", str(tmp_path / "net.hgraph"), "--result", str(tmp_path / "run.zip")]
    assert main([*arguments, "--png", str(png)]) == 0
    out = capsys.readouterr().out
    for part in ("layer1", "layer2", "axons out", "a core holds", "packets in 2 episodes"):
        assert part in out
    for part in ("hops east-west", "network:", "silicon_fit", "fits"):
        assert part in out
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_model_is_run_on_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["place", "hopfield", "--json"]) == 0
    ran = json.loads(capsys.readouterr().out)
    assert ran["traffic"]["packets"] > 0
    assert ran["data"]
    assert main(["place", "hopfield", "--fit-only"]) == 0
    assert "packets if every sender spikes once" in capsys.readouterr().out


def test_what_does_not_fit_is_named_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = layered(4200, 3)
    hg.save(graph, tmp_path / "wide.hgraph")
    assert main(["place", str(tmp_path / "wide.hgraph"), "--fit-only"]) == 1
    out = capsys.readouterr().out
    assert "axons in 4,200" in out
    assert "does not fit" in out


def test_a_run_can_be_written_for_sanafe(tmp_path: Path) -> None:
    stored(tmp_path)
    arguments = ["place", "hopfield", "--json", "--sanafe", str(tmp_path / "replay")]
    assert main(arguments) == 0
    assert (tmp_path / "replay" / "run.py").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hopfield", "--chips", "0"], "--chips"),
        (["hopfield", "--fit-only", "--result", "x.zip"], "leave out one"),
        (["hopfield", "--fit-only", "--sanafe", "x"], "needs a run"),
        (["hopfield", "--result", "nowhere.zip"], "nowhere.zip"),
        (["hopfield", "--hardware", "abacus"], "abacus"),
    ],
)
def test_bad_input_is_named(
    arguments: list[Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["place", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["place", "--help"])
    assert "hebbgraph place hopfield --data mnist5k" in capsys.readouterr().out
