"""bench_page: `hebbgraph bench recall` as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hebbgraph import __version__, catalogue, runfolder
from hebbgraph.harness.bench import BenchReport
from hebbgraph.report import Picture, bench_tables, pictures, require, templates
from hebbgraph.report.tables import Table
from hebbgraph.report.words import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bench_page(found: BenchReport, environment: Mapping[str, Any] | None = None) -> bytes:
    """Return the page of `found`; raises `Unavailable` if a package is missing."""
    require()
    with pictures.defaults():
        axes = cost_and_accuracy(found)
        caption = (
            "What a recall costs in synaptic operations and how often it is right: each memory on"
            " its own task, so points are not a ranking. Bars: 95 % intervals over seeds."
        )
        picture = Picture("pictures/bench.png", caption, pictures.png(axes))
    content = {
        "title": "Recall benchmark",
        "version": __version__,
        "verdict": verdict(found),
        "memories": bench_tables.memories(found),
        "engines": bench_tables.engines(found),
        "energies": bench_tables.energies(found) if found.config.hardware else None,
        "picture": picture,
        "approximations": _approximations(found),
        "about": [(n, catalogue.summary(catalogue.model(n))) for n in found.config.names()],
        "environment": environment_table(environment or runfolder.environment()),
    }
    return str(templates(None).get_template("bench.html.j2").render(content)).encode()


def verdict(found: BenchReport) -> Verdict:
    """Return the answer in one sentence, and one line for each run that does not agree."""
    rows = [(entry, row) for entry in found.entries for row in entry.rows]
    lines = [
        f"{entry.title} on {row.backend}, {row.domain}: {row.agreement}"
        for entry, row in rows
        if not row.agrees and not row.unavailable
    ]
    missing = any(row.unavailable for _, row in rows)
    tone = "bad" if lines else "partial" if missing else "good"
    return Verdict(tone, bench_tables.headline(found), tuple(lines))


def cost_and_accuracy(found: BenchReport, *, ax: Axes | None = None) -> Axes:
    """Draw recall accuracy against synaptic operations per recall, a point for each memory.

    Of each memory the first engine of the last domain that ran is shown.
    """
    axes = ax or pictures.figure(7, 4.6)[1][0]
    for number, entry in enumerate(found.entries):
        reports = [row.report for row in entry.rows if row.report]
        if not reports:
            continue
        first = next(r for r in reports if r.domain == reports[-1].domain)
        right, cost = first.metrics["identification"], first.metrics["synops_per_recall"]
        low, high = right.mean - right.low, right.high - right.mean
        spread = [[low], [high]] if low == low and high == high else None
        mark = "osD^vP*X<>"[number % 10]
        x = max(cost.mean, 1.0)
        axes.errorbar(x, right.mean, yerr=spread, fmt=mark, capsize=3, label=entry.title)
    axes.set_xscale("log")
    axes.set_ylim(-0.03, 1.05)
    axes.set_xlabel("synaptic operations per recall")
    axes.set_ylabel("recall accuracy")
    axes.legend(fontsize=7, ncols=2, loc="lower left")
    return axes


def _approximations(found: BenchReport) -> list[str]:
    lines: dict[str, None] = {}
    for entry in found.entries:
        for row in entry.rows:
            for note in row.report.approximations if row.report else ():
                lines[f"{entry.title}, {row.domain}: {note}"] = None
    return list(lines)


def environment_table(environment: Mapping[str, Any]) -> Table:
    """Return interpreter, system and packages, as `hebbgraph.runfolder.environment` has them."""
    packages = environment["packages"]
    rows = [(name, str(value)) for name, value in environment.items() if name != "packages"]
    rows += [(name, version or "-") for name, version in packages.items()]
    return Table(("what", "version"), tuple(rows))
