"""The command line: answers, exit codes, and no traceback for bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hebbgraph as hg
from hebbgraph import backend
from hebbgraph.backend import Availability
from hebbgraph.cli import main
from hebbgraph.cli.interrupts import interruptible
from hebbgraph.models import hopfield

QUICK = ["--backend", "reference", "--count", "3", "--cues", "2", "--seeds", "2", "--quiet"]


def out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_run_prints_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "hopfield", *QUICK, "--no-folder", "--hardware", "loihi1_nahuku"]) == 0
    text = out(capsys)
    for part in ("reference", "float", "fixed", "identical", "loihi1_nahuku", "nJ"):
        assert part in text


def test_run_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "hopfield", *QUICK, "--no-folder", "--json", "--domain", "fixed"]) == 0
    document = json.loads(out(capsys))
    assert document["agree"] is True
    assert [row["domain"] for row in document["rows"]] == ["fixed"]
    assert document["config"]["seeds"] == [0, 1]


def test_set_reaches_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "hopfield", *QUICK, "--no-folder", "--json", "--set", "rule=hebbian"]
    assert main(arguments) == 0
    hebbian = json.loads(out(capsys))
    assert hebbian["config"]["parameters"] == {"rule": "hebbian"}
    assert main(arguments[:-2]) == 0
    assert json.loads(out(capsys))["graph_hash"] != hebbian["graph_hash"]


def test_run_folder_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    assert main(["run", "hopfield", *QUICK, "--runs", str(runs)]) == 0
    (folder,) = runs.iterdir()
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    wanted = {"config.yaml", "graph.hgraph", "results.json", "environment.json", "report.md"}
    assert wanted | {"report.html"} <= names
    assert any(name.endswith(".png") for name in names)
    assert str(folder / "report.html") in out(capsys)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["run", "hopfeild"], ["hopfeild", "models are: archetypes"]),
        (["run", "hopfield", "--set", "rul=x"], ["parameter rul", "rule=pseudo_inverse"]),
        (["run", "hopfield", "--set", "rule=x"], ["rule", "'x'", "hebbian"]),
        (["run", "hopfield", "--set", "rule"], ["--set", "KEY=VALUE"]),
        (["run", "hopfield", "--set", "tie=low", "--set", "tie=keep"], ["tie once"]),
        (["run", "hopfield", "--data", "mnits"], ["mnits", "digits"]),
        (["run", "hopfield", "--backend", "brian3"], ["brian3", "brian2"]),
        (["run", "hopfield", "--domain", "flaot"], ["flaot", "float, fixed"]),
        (["run", "hopfield", "--hardware", "loihi9"], ["loihi9", "loihi1_nahuku"]),
        (["run", "hopfield", "--level", "2"], ["level", "2"]),
        (["run", "hopfield", "--count", "0"], ["count", "0"]),
        (["run", "hopfield", "--seeds", "none"], ["--seeds", "'none'"]),
        (["run", "hopfield", "--option", "brian2.targt=c"], ["targt", "target"]),
        (["run", "hopfield", "--option", "target=c"], ["BACKEND.KEY=VALUE"]),
    ],
)
def test_bad_input_is_named_with_exit_code_2(
    arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments, "--runs", str(tmp_path / "runs")]) == 2
    captured = capsys.readouterr()
    for part in parts:
        assert part in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("below", ["", "/sub"])
def test_a_run_folder_that_cannot_be_written_is_named_before_the_run(
    below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["run", "hopfield", *QUICK, "--runs", f"{tmp_path}/file{below}"]) == 2
    captured = capsys.readouterr()
    assert "must be a folder that can be written to" in captured.err
    assert captured.out == ""


def test_damaged_hardware_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "chip.yaml"
    bad.write_text("name: [unclosed\n")
    assert main(["run", "hopfield", *QUICK, "--no-folder", "--hardware", str(bad)]) == 2
    assert str(bad) in capsys.readouterr().err


def test_a_missing_engine_asked_for_by_name_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Availability(
        False, reason="brian2 is not installed", remedy="pip install hebbgraph[brian2]"
    )
    monkeypatch.setattr(backend.get("brian2"), "availability", lambda: gone)
    assert main(["doctor"]) == 1
    assert "pip install hebbgraph[brian2]" in " ".join(capsys.readouterr().out.split())
    assert main(["run", "hopfield", "--backend", "brian2", "--no-folder"]) == 2
    assert (
        "brian2: brian2 is not installed; pip install hebbgraph[brian2]" in capsys.readouterr().err
    )


def test_show_prints_a_graph_and_names_a_truncated_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph, _, _ = hopfield.example()
    hg.save(graph, tmp_path / "g.hgraph")
    assert main(["show", str(tmp_path / "g.hgraph")]) == 0
    assert str(graph) in out(capsys)
    (tmp_path / "g.hgraph").write_bytes((tmp_path / "g.hgraph").read_bytes()[:300])
    for name in ("g.hgraph", "none.hgraph"):
        assert main(["show", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert name in error
        assert "Traceback" not in error


def test_list_and_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    listed = json.loads(out(capsys))
    assert set(listed) == {"models", "data", "backends", "hardware"}
    assert all(entry["about"] for kind in listed.values() for entry in kind.values())
    code = main(["doctor", "--json"])
    engines = json.loads(out(capsys))["engines"]
    assert code == (0 if all(e["usable"] for e in engines.values()) else 1)
    assert all(e["usable"] or e["remedy"] for e in engines.values())


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "demo",
        "doctor",
        "list",
        "show",
        "setup",
        "check",
        "parity",
        "nir",
        "survey",
        "data",
    ],
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    assert "usage: hebbgraph" in out(capsys)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("after", [0.0, 3.0])
def test_killing_a_run_leaves_nothing(number: int, after: float, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hebbgraph", "run", "hopfield", "--runs", str(tmp_path)]
    command += ["--seeds", "200", "--cues", "20"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stderr
            first = process.stderr.readline()  # the run has begun
            assert "reference" in first
            time.sleep(after)
            assert process.poll() is None, "the run ended before it could be killed"
            before = descendants(process.pid)
            process.send_signal(number)
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode in (130, -number)
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in before if alive(pid)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_that_python_drops_is_raised_again(number: signal.Signals) -> None:
    class Dropping:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def work() -> None:
        with interruptible():
            Dropping()
            time.sleep(5)

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        work()
    assert signal.getsignal(number) is before


def descendants(pid: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
