"""continual_page: `hebbgraph bench continual` as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hebbgraph import __version__, runfolder
from hebbgraph.continual.bench import ContinualBench
from hebbgraph.continual.methods import METHODS
from hebbgraph.report import (
    Picture,
    continual_pictures,
    continual_tables,
    pictures,
    require,
    templates,
)
from hebbgraph.report.bench_page import environment_table
from hebbgraph.report.tables import Table
from hebbgraph.report.words import Verdict


def continual_page(
    found: ContinualBench,
    hardware: Sequence[str],
    environment: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the page; raises `Unavailable` if a package is missing."""
    require()
    with pictures.defaults():
        shown = _pictures(found)
    counted = any(row.training for row in found.rows)
    content = {
        "title": "Continual learning",
        "version": __version__,
        "verdict": _verdict(found),
        "setting": _setting(found),
        "accuracy": continual_tables.accuracy(found),
        "costs": continual_tables.costs(found),
        "energies": continual_tables.energies(found, hardware) if counted and hardware else None,
        "pictures": shown,
        "about": [(row.method, METHODS[row.method]) for row in found.rows],
        "environment": environment_table(environment or runfolder.environment()),
    }
    return str(templates(None).get_template("continual.html.j2").render(content)).encode()


def _pictures(found: ContinualBench) -> list[Picture]:
    ran = [row for row in found.rows if row.runs]
    if not ran:
        return []
    drawn = [
        ("curves", continual_pictures.curves(found), "How accuracy on the tasks so far holds."),
        (
            "matrices",
            continual_pictures.matrices([(row.method, row.matrix()) for row in ran]),
            "R, mean over seeds: accuracy on each task (across) after each task (down).",
        ),
    ]
    if any(row.training for row in ran):
        caption = "Accuracy at the end against what learning one sample takes (estimate)."
        drawn.append(("cost", continual_pictures.cost_and_accuracy(found), caption))
    return [
        Picture(f"pictures/{name}.png", caption, pictures.png(axes))
        for name, axes, caption in drawn
    ]


def _verdict(found: ContinualBench) -> Verdict:
    failed = [f"{row.method}: {row.failure}" for row in found.rows if row.failure]
    notes = [note for row in found.rows for note in row.notes]
    tone = "partial" if failed else "good"
    return Verdict(tone, continual_tables.headline(found), (*failed, *notes))


def _setting(found: ContinualBench) -> Table:
    shown = found.config.as_dict()
    options = shown.pop("options")
    rows = [(key, str(value)) for key, value in shown.items()]
    rows += [("data", found.source), ("scenario", f"{found.scenario}-incremental")]
    rows += [(f"options of {name}", str(value)) for name, value in options.items() if value]
    return Table(("what", "value"), tuple(rows))
