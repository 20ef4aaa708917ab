"""What a report says of energy beside its table: break-even conditions and what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hebbgraph import report
from hebbgraph.energy.breakeven import break_even
from hebbgraph.energy.measured import Measurement
from hebbgraph.harness.compare import Comparison, RunConfig, compare
from hebbgraph.report import tables


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    config = RunConfig(
        data="random",
        count=3,
        cues_per_pattern=1,
        seeds=(0,),
        steps=6,
        backends=("reference",),
        hardware=("loihi1_nahuku",),
    )
    return compare(config)


def test_conditions_are_told_once_for_equal_counters(comparison: Comparison) -> None:
    table = tables.conditions(comparison)
    assert [row[:2] for row in table.rows] == [
        ("dampfhoffer2023", "all runs"),
        ("yan2024", "all runs"),
        ("lemaire2022", "all runs"),
    ]
    (first, *_) = comparison.reports
    for row, found in zip(table.rows, break_even(first.counters), strict=True):
        assert row[2:] == (found.verdict, found.text)
    assert all("doi:" in note or "arXiv:" in note for note in table.notes)
    unpriced = replace(comparison, rows=tuple(replace(r, energy={}) for r in comparison.rows))
    assert tables.conditions(unpriced).rows == ()


def test_both_forms_print_conditions_and_measurements(comparison: Comparison) -> None:
    files = report.render(comparison)
    for path in ("report.md", "report.html"):
        text = files[path].decode()
        assert "Does spiking pay?" in text
        assert "spikes per synapse and inference" in text
        assert "Measured energy" not in text
    took = Measurement(1.5, {"package-0": 12.3}, {"nvml": "no NVIDIA GPU"})
    rows = (replace(comparison.rows[0], measured=took), *comparison.rows[1:])
    files = report.render(replace(comparison, rows=rows))
    for path in ("report.md", "report.html"):
        text = files[path].decode()
        assert "Measured energy" in text
        assert "package-0 12 J" in text
        assert "No nvml: no NVIDIA GPU." in text
    table = tables.measured(replace(comparison, rows=rows))
    assert table.rows == (("reference", "float", "1.50", "package-0 12 J"),)
