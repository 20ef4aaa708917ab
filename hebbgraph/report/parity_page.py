"""parity_page: what `parity` found as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hebbgraph import __version__, runfolder
from hebbgraph.divergence import CODES, MEASURES, EngineParity, ParityReport
from hebbgraph.divergence.report import COLUMNS, numbers, share
from hebbgraph.draw import tree
from hebbgraph.graph import Graph
from hebbgraph.report import Picture, pictures, require, scenes, templates
from hebbgraph.report.diagram import diagram
from hebbgraph.report.tables import Table
from hebbgraph.report.words import Verdict, listed, plural

#: A rate cosine from here on looks like agreement; a Jaccard below the other is none.
GOOD_COSINE, BAD_JACCARD = 0.99, 0.9


@dataclass(frozen=True)
class Section:
    """One engine that diverged."""

    title: str
    event: str
    cause: str
    details: tuple[str, ...]
    pictures: tuple[Picture, ...]
    #: SVG.
    diagram: str
    processes: Table | None


def parity_page(
    report: ParityReport, graph: Graph, environment: Mapping[str, Any] | None = None
) -> bytes:
    """Return the page of `report` on `graph`; raises `Unavailable` if a package is missing."""
    require()
    with pictures.defaults():
        sections = [
            _section(row, graph, number)
            for number, row in enumerate(report.rows)
            if row.divergence is not None
        ]
    content = {
        "title": f"Parity of {report.graph}",
        "version": __version__,
        "verdict": verdict(report),
        "task": _task(report),
        "engines": _engines(report),
        "gaps": [row for row in report.rows if row.reason],
        "sections": sections,
        "diagram": "" if sections else diagram(graph, name="graph"),
        "measures": [(COLUMNS[name], words) for name, words in MEASURES.items()],
        "cosine": _cosine(report),
        "codes": Table(("code", "what it means"), tuple(CODES.items())),
        "tree": tree(graph),
        "graph_hash": report.graph_hash,
        "environment": _environment(environment or runfolder.environment(), report),
    }
    return str(templates(None).get_template("parity.html.j2").render(content)).encode()


def verdict(report: ParityReport) -> Verdict:
    """Return the answer in one sentence, and one line for each run that is not identical."""
    unusable = any(row.outcome == "unavailable" for row in report.rows)
    tone = "partial" if unusable and (report.identical or not report.compared) else "good"
    if not report.identical and report.compared:
        tone = "bad"
    lines = [_line(row) for row in report.rows if not row.agrees]
    return Verdict(tone, report.headline, tuple(lines))


def _line(row: EngineParity) -> str:
    name = f"{row.backend}, {row.domain}"
    if row.divergence is None:
        return f"{name}: {row.verdict}"
    cause = f"; cause {row.cause.code}: {row.cause.words}" if row.cause else ""
    evidence = f" ({row.cause.evidence})" if row.cause and row.cause.evidence else ""
    return f"{name}: {row.divergence.words}{cause}{evidence}"


def _task(report: ParityReport) -> list[str]:
    together = f", {report.batch} learning together" if report.batch > 1 else ""
    length = f"{plural(report.episodes, 'episode')} of {plural(report.steps, 'step')}"
    return [
        f"The graph {report.graph} ran for {length}{together}, on {report.data}.",
        "Every engine ran it twice: as it was given, and with everything recorded that decides.",
        "Its spikes, and in fixed everything, must equal those of the reference interpreter;",
        f"float values x within {report.tolerance:g} max(1, |x|).",
        *(f"{note[:1].upper()}{note[1:]}." for note in report.notes),
    ]


def _engines(report: ParityReport) -> Table:
    head = ["engine", "domain", "outcome", "first divergent event", "cause", *COLUMNS.values()]
    if report.score:
        head.append(report.score)
    head.append("wall time")
    rows = []
    for row in report.rows:
        event = row.divergence.words if row.divergence else "-"
        code = row.cause.code if row.cause else "-"
        cells = [row.backend, row.domain, row.outcome, event, code, *numbers(row)]
        if report.score:
            cells.append(_score(row, report))
        cells.append(f"{row.seconds:.2g} s" if row.compared else "-")
        rows.append(tuple(cells))
    notes = [f"{row.backend}, {row.domain}: {note}." for row in report.rows for note in row.notes]
    notes.append("Wall time: the run as it was given, without compiling; no chip's time.")
    return Table(tuple(head), tuple(rows), tuple(notes))


def _score(row: EngineParity, report: ParityReport) -> str:
    if row.score is None:
        return "-"
    expected = report.expected_scores[row.domain]
    same = row.score == expected
    return f"{row.score:.4g}" + ("" if same else f" (reference {expected:.4g})")


def _section(row: EngineParity, graph: Graph, number: int) -> Section:
    event, cause = row.divergence, row.cause
    assert event is not None
    name = f"{row.backend}, {row.domain}"
    details = []
    if cause is not None:
        if cause.evidence:
            details.append(f"In the reference, {cause.evidence}.")
        if cause.complete:
            details.append("The reference with this one law altered does all that the engine did.")
        elif cause.until is not None:
            until = f"{cause.until.when_words}, {cause.until.place}"
            details.append(f"The altered reference does what the engine did until {until}.")
        details += [f"As good an explanation: {code}, {words}." for code, words in cause.also]
        details.append(f"{plural(cause.tried, 'altered reference')} ran in all.")
    shown = []
    if row.scene is not None:
        axes = scenes.surroundings(row.scene)
        caption = f"{name}: {event.process} around the first divergence, {event.words}."
        shown.append(Picture(f"scene-{number}", caption, pictures.png(axes)))
        if row.scene.variable:
            axes = scenes.trace(row.scene)
            caption = f"{name}: {row.scene.variable} of {event.place}, as each step left it."
            shown.append(Picture(f"trace-{number}", caption, pictures.png(axes)))
    if any(max(one.largest) for one in row.learned):
        axes = scenes.learned(row.learned)
        ends = listed(
            f"{o.path} {o.final[1]:.3g} (largest |dw| {o.final[0]:.3g})" for o in row.learned
        )
        caption = f"{name}: distance of learned weights over time; at the end: {ends}."
        shown.append(Picture(f"learned-{number}", caption, pictures.png(axes)))
    return Section(
        title=f"{row.backend}, {row.domain}",
        event=event.words,
        cause=f"{cause.code}: {cause.words}" if cause else "not looked for",
        details=tuple(details),
        pictures=tuple(shown),
        diagram=diagram(graph, {event.process: event.when_words}, f"graph-{number}"),
        processes=_processes(row),
    )


def _processes(row: EngineParity) -> Table | None:
    """Return the measures of each process that spikes."""
    if row.measures is None or not row.measures.by_process:
        return None
    head = ("process", "Jaccard", "van Rossum", "rate cosine", "spikes in the reference", "here")
    rows = tuple(
        (
            path,
            share(one.jaccard),
            f"{one.van_rossum:.3g}",
            share(one.rate_cosine),
            f"{one.expected:,}",
            f"{one.got:,}",
        )
        for path, one in row.measures.by_process.items()
    )
    return Table(head, rows)


def _cosine(report: ParityReport) -> list[str]:
    """Return the rows that a rate cosine alone would have let pass."""
    found = []
    for row in report.compared:
        assert row.measures is not None
        spikes = row.measures.spikes
        if spikes.rate_cosine >= GOOD_COSINE and spikes.jaccard < BAD_JACCARD:
            cosine = share(spikes.rate_cosine)
            found.append(
                f"Here {row.backend}, {row.domain} has a rate cosine of {cosine}, while"
                f" {1 - spikes.jaccard:.0%} of all spikes are not where they should be."
            )
    return found


def _environment(found: Mapping[str, Any], report: ParityReport) -> Table:
    rows: list[tuple[str, str]] = []
    for name, value in found.items():
        entries = value if isinstance(value, Mapping) else {name: value}
        rows += [(str(k), "not installed" if v is None else str(v)) for k, v in entries.items()]
    for row in {row.backend: row for row in report.compared}.values():
        own = [f"{name} {version}" for name, version in row.versions.items()]
        own += [f"{name} = {value}" for name, value in row.options.items()]
        rows.append((f"engine {row.backend}", ", ".join(own) or "-"))
    return Table(("", "version or value"), tuple(rows))
