"""HLOP as a process graph learns the same on every engine, rows and weights, task after task."""

from __future__ import annotations

import json

import pytest

from hebbgraph.backend import discover
from hebbgraph.cli import main
from hebbgraph.continual.engines import compare_engines
from hebbgraph.continual.learners.hlop import HlopSettings
from hebbgraph.continual.sources import stream
from hebbgraph.errors import Invalid

pytestmark = pytest.mark.filterwarnings("ignore::hebbgraph.continual.rows.NotConverged")


def test_every_engine_learns_what_the_reference_does() -> None:
    tasks = stream("permuted-digits", tasks=3, train_per_class=6, test_per_class=5)
    settings = HlopSettings(
        hidden=(24,), first_rows=(6, 5), later_rows=(6, 5), batch=16, steps=12, rate=0.5
    )
    found = compare_engines(tasks, settings, engines=tuple(discover()))
    assert found.agree
    assert {(row.backend, row.domain) for row in found.rows} == {
        (name, domain) for name in discover() for domain in ("float", "fixed")
    }
    for row in found.rows:
        assert {"w1", "w2", "old1", "old2"} <= row.learned.keys()
        assert row.learned["old1"].shape == (18, 64)
        assert row.identical or row.domain == "float"


def test_the_command_prints_one_table_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "continual", "--engines", "--backend", "snntorch", "--domain", "float"]
    assert main([*words, "--tasks", "2", "--epochs", "1", "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["backend"] for row in found["rows"]] == ["reference", "snntorch"]
    assert found["agree"] is True
    assert main([*words[:5], "--domain", "real", "--preset", "paper-five"]) == 2
    told = capsys.readouterr().err
    assert "real" in told
    assert "paper-five" in told


def test_settings_without_rows_are_refused() -> None:
    with pytest.raises(Invalid, match="must name rows"):
        compare_engines(stream("permuted-digits", tasks=2), HlopSettings())
