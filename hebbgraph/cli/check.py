"""`hebbgraph check`: does a graph fit a machine, can it learn there, will it still fire."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.table import Table

from hebbgraph.cli.subject import add_arguments, subject_of
from hebbgraph.cli.tables import console
from hebbgraph.preflight import CheckReport, check
from hebbgraph.preflight.finding import PARTS

HARDWARE = "loihi1"
STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "fault": "bold red"}

EXAMPLES = """examples:
  hebbgraph check hopfield
  hebbgraph check hopfield --hardware loihi1 --data mnist5k --count 50 --set rule=hebbian
  hebbgraph check runs/NAME/graph.hgraph --hardware my_chip.yaml --chips 4 --fit-only
  hebbgraph check net.hgraph --data inputs.npz --steps 100 --json > check.json

loihi1 stands for loihi1_davies2018 and loihi1_nahuku: the same chip, with other prices.
exit code: 0 it passes, 1 it does not fit or will not fire (with --strict also: there is a
warning), 2 bad input"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check",
        help="before running: does it fit a machine, will it still fire",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    add = parser.add_argument
    add(
        "--hardware",
        default=HARDWARE,
        metavar="NAME",
        help="a machine, the beginning of its name, or a .yaml file (default: %(default)s)",
    )
    add("--chips", type=int, default=1, help="how many chips there are (default: %(default)s)")
    add("--fit-only", action="store_true", help="run nothing")
    add("--strict", action="store_true", help="let warnings fail, too")
    add("--brief", action="store_true", help="leave out what is in order")
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Check what the arguments say; exit code 1 if it does not pass."""
    subject = subject_of(parsed, example=False)
    report = check(
        subject.graph,
        parsed.hardware,
        subject.inputs,
        subject.steps,
        chips=parsed.chips,
        simulate=not parsed.fit_only,
        data=subject.data,
    )
    good = report.passes and not (parsed.strict and report.of("warning"))
    if parsed.json:
        print(json.dumps(report.as_dict() | {"strict": parsed.strict, "good": good}, indent=2))
    else:
        _print(report, parsed.brief)
    return 0 if good else 1


def _print(report: CheckReport, brief: bool) -> None:
    """Print one table per question, aspect by aspect."""
    out = console()
    if report.remark:
        out.print(report.remark)
    if report.data:
        out.print(f"run on {report.data}, {report.steps} steps")
    for part, question in PARTS.items():
        found = [f for f in report.findings if f.part == part and not (brief and f.verdict == "ok")]
        if not found:
            continue
        aspects = list(dict.fromkeys(finding.aspect for finding in found))
        found.sort(key=lambda finding: aspects.index(finding.aspect))
        table = Table(title=f"{question}?", title_justify="left")
        for column in ("", "process", "aspect", "numbers", "what, and what to do"):
            table.add_column(column, overflow="fold")
        for finding in found:
            words = "; ".join(text for text in (finding.text, finding.remedy) if text)
            cells = (finding.path, finding.aspect, finding.numbers(), words)
            style = STYLES[finding.verdict] if finding.verdict != "ok" else None
            table.add_row(finding.verdict, *cells, style=style)
        out.print(table)
    out.print(report.headline())
