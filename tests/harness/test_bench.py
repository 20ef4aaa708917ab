"""bench_recall: every memory on every engine, its tables, page and command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hebbgraph import catalogue
from hebbgraph.cli import main
from hebbgraph.errors import Invalid
from hebbgraph.harness.bench import BenchConfig, bench_recall, bench_task
from hebbgraph.report import bench_tables

SMALL = BenchConfig(
    models=("hopfield",),
    seeds=(0, 1),
    backends=("reference", "snntorch"),
    hardware=("loihi1_nahuku",),
)


@pytest.mark.parametrize("name", sorted(catalogue.families()))
def test_every_memory_names_a_task_that_it_solves(name: str) -> None:
    task = bench_task(BenchConfig(seeds=(0,)), name)
    assert task.data.alphabet == catalogue.family(name).alphabet
    found = bench_recall(BenchConfig((name,), seeds=(0,), backends=("reference",)))
    first = found.entries[0]
    assert first.rows[0].report
    assert first.rows[0].report.metrics["identification"].mean > 0.8


def test_engines_are_held_to_the_reference() -> None:
    found = bench_recall(SMALL)
    assert found.agree
    rows = found.entries[0].rows
    assert [(row.backend, row.domain) for row in rows] == [
        *(("reference", "float"), ("snntorch", "float")),
        *(("reference", "fixed"), ("snntorch", "fixed")),
    ]
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert document["entries"][0]["model"] == "hopfield"
    assert bench_tables.headline(found).endswith("runs agree with the reference")
    table = bench_tables.engines(found)
    assert table.rows[0][:4] == ("hopfield", "float", "reference, snntorch", "1.00")
    assert "per bit" in bench_tables.energies(found).rows[0][2]


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "recall", "hopfield", "--seeds", "1", "--backend", "reference", "--quiet"]
    arguments += ["--domain", "fixed", "--hardware", "digital_45nm", "--runs", str(tmp_path)]
    assert main(arguments) == 0
    assert "runs agree with the reference" in capsys.readouterr().out
    (folder,) = tmp_path.iterdir()
    page = (folder / "report.html").read_text()
    assert "Accuracy and agreement" in page
    assert "data:image/png" in page
    assert json.loads((folder / "results.json").read_text())["agree"] is True


def test_bad_input_is_named_before_anything_runs() -> None:
    with pytest.raises(Invalid, match=r"must be memories: .*hopfield"):
        bench_recall(BenchConfig(models=("hopfeild",)))
    with pytest.raises(Invalid, match="count") as caught:
        bench_recall(BenchConfig(count=0, units=-1, domains=("int8",)))  # type: ignore[arg-type]
    assert len(caught.value.faults) == 3
    with pytest.raises(Invalid, match="abacus"):
        bench_recall(BenchConfig(backends=("abacus",)))
