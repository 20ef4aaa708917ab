"""`hebbgraph parity`: the first event in which each engine departs from the reference, and why."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.table import Table

from hebbgraph import backend, report, runfolder
from hebbgraph.cli.arguments import options_of, require_engines
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.subject import Subject, add_arguments, subject_of
from hebbgraph.cli.tables import console
from hebbgraph.divergence import TOLERANCE, EngineParity, ParityReport, parity
from hebbgraph.divergence.report import COLUMNS, numbers
from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.processes import DOMAINS
from hebbgraph.serialise import pack, to_document

EXAMPLES = """examples:
  hebbgraph parity hopfield                                     all engines, both domains
  hebbgraph parity hopfield --data digits --count 10 --cues 5   with the accuracy of recall
  hebbgraph parity hopfield --backend lava --domain fixed --option lava.model=parts
  hebbgraph parity runs/NAME/graph.hgraph --steps 200 --seed 3  made-up data
  hebbgraph parity net.hgraph --data inputs.npz --html parity.html --no-folder
  hebbgraph parity hopfield --json --no-folder > parity.json

exit code: 0 every engine that can be used here equals the reference, 1 one does not (or lacks
something for this graph), 2 bad input, or nothing could be compared"""

STYLES = {"identical": "green", "diverged": "bold red", "failed": "bold red", "unsupported": "red"}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "parity",
        help="does every engine do the same: the first event that differs, and its cause",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    engines = parser.add_argument_group("engines")
    add = engines.add_argument
    add("--backend", action="append", metavar="NAME", help="engine, repeatable (default: all)")
    add("--domain", action="append", metavar="NAME", help="float or fixed (default: both)")
    add("--option", action="append", default=[], metavar="BACKEND.KEY=VALUE")
    add("--hardware", metavar="NAME", help="machine whose numerics fixed has (default: Loihi's)")
    add("--batch", type=int, default=1, help="episodes that learn together (default: 1)")
    add(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        help="how far float values may lie apart, relative to max(1, |x|) (default: %(default)s)",
    )
    add("--no-cause", action="store_true", help="look for no cause")
    output = parser.add_argument_group("output")
    add = output.add_argument
    add("--html", metavar="FILE", help="write the page to this file, too")
    add("--runs", default="runs", metavar="FOLDER", help="where run folders go (default: runs)")
    add("--no-folder", action="store_true", help="write no run folder")
    add("--json", action="store_true", help="print JSON instead of tables")
    add("--quiet", action="store_true", help="no progress")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Compare what the arguments say; exit code 1 if an engine departs from the reference."""
    options = options_of(parsed.option)
    names = list(dict.fromkeys(parsed.backend or [n for n in backend.names() if n != "reference"]))
    domain = _domain(parsed.domain)
    subject = subject_of(parsed)
    require_engines(parsed.backend or ())
    if parsed.html or not parsed.no_folder:
        report.require()
    if not parsed.no_folder:
        runfolder.prepare(parsed.runs)
    with Reporter(not parsed.quiet) as progress:
        found = parity(
            subject.graph,
            subject.inputs,
            names,
            steps=subject.steps,
            domain=domain,
            hardware=parsed.hardware,
            tolerance=parsed.tolerance,
            options=options,
            episodes=subject.episodes,
            batch=parsed.batch,
            score=subject.score,
            score_name=subject.score_name,
            explain=not parsed.no_cause,
            data=subject.data,
            progress=progress,
        )
    folder = _written(parsed, subject, found)
    _show(parsed, found, folder)
    asked = [row for row in found.rows if row.outcome == "unavailable" and row.backend in options]
    usable = [row for row in found.rows if row.outcome != "unavailable"]
    if asked or not usable:
        return 2
    return 0 if found.identical else 1


def _domain(given: list[str] | None) -> Any:
    """Return the one domain that is asked for, None for both."""
    for name in given or ():
        if name not in DOMAINS:
            need = f"must be one of {', '.join(DOMAINS)}"
            raise Invalid("arguments", [Fault("--domain", repr(name), need)])
    chosen = set(given or DOMAINS)
    return chosen.pop() if len(chosen) == 1 else None


def _written(parsed: argparse.Namespace, subject: Subject, found: ParityReport) -> Path | None:
    """Write the page and the run folder that were asked for; return the folder."""
    if parsed.no_folder and not parsed.html:
        return None
    from hebbgraph.report.parity_page import parity_page  # jinja2 and matplotlib, on use

    environment = runfolder.environment()
    page = parity_page(found, subject.graph, environment)
    if parsed.html:
        try:
            write_atomic(parsed.html, page)
        except OSError as error:
            need = "must be a file that can be written"
            raise Invalid("page", [Fault(parsed.html, str(error.strerror), need)]) from None
    if parsed.no_folder:
        return None
    files = {
        "parity.html": page,
        "parity.json": json.dumps(found.as_dict(), indent=1).encode(),
        "graph.hgraph": pack(*to_document(subject.graph)),
        "environment.json": json.dumps(environment, indent=1).encode(),
    }
    name = f"{runfolder.timestamp()}-parity-{subject.name}"
    return runfolder.write_folder(parsed.runs, name, files)


def _show(parsed: argparse.Namespace, found: ParityReport, folder: Path | None) -> None:
    if parsed.json:
        place = str(folder) if folder else None
        print(json.dumps(found.as_dict() | {"folder": place}, indent=2))
        return
    out = console()
    out.print(_table(found))
    out.print(found.headline)
    for row in found.rows:
        if not row.agrees:
            out.print(f"{row.backend}, {row.domain}: {row.verdict}")
    for note in (*found.notes, *(note for row in found.rows for note in row.notes)):
        out.print(note)
    if folder:
        out.print(f"report: {folder / 'parity.html'}")


def _table(found: ParityReport) -> Table:
    title = f"{found.graph}, {found.episodes} episodes of {found.steps} steps, on {found.data}"
    table = Table(title=title, title_justify="left")
    heads = ["engine", "domain", "outcome", "first divergent event", "cause", *COLUMNS.values()]
    if found.score:
        heads.append(found.score)
    for head in heads:
        fixed = head in ("engine", "domain", "outcome", "cause")
        table.add_column(head, no_wrap=fixed, overflow="fold")
    table.add_column("wall", justify="right")
    for row in found.rows:
        table.add_row(*_cells(row, found), style=STYLES.get(row.outcome))
    return table


def _cells(row: EngineParity, found: ParityReport) -> list[str]:
    event = row.divergence.words if row.divergence else "-"
    code = row.cause.code if row.cause else "-"
    cells = [row.backend, row.domain, row.outcome, event, code, *numbers(row)]
    if found.score:
        expected = found.expected_scores[row.domain]
        same = row.score in (None, expected)
        score = "-" if row.score is None else f"{row.score:.4g}"
        cells.append(score if same else f"{score} (reference {expected:.4g})")
    return [*cells, f"{row.seconds:.2f} s" if row.compared else "-"]
