"""`hebbgraph check`: does a graph fit a machine, can it learn there, will it still fire."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any

import numpy as np
from rich.table import Table

from hebbgraph import catalogue
from hebbgraph.cli.arguments import arrays_in, is_file, pairs
from hebbgraph.cli.tables import console
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.harness.compare import RunConfig
from hebbgraph.preflight import CheckReport, check
from hebbgraph.preflight.finding import PARTS
from hebbgraph.serialise import load

#: What is checked unless told otherwise: the same memory that `run` builds first.
DEFAULT = RunConfig()
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
    add = parser.add_argument
    add("subject", metavar="MODEL", help="a model, see `hebbgraph list models`, or a graph file")
    add(
        "--hardware",
        default=HARDWARE,
        metavar="NAME",
        help="a machine, the beginning of its name, or a .yaml file (default: %(default)s)",
    )
    add("--chips", type=int, default=1, help="how many chips there are (default: %(default)s)")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="parameter of the model")
    add(
        "--data",
        help=f"data set that a model stores (default: {DEFAULT.data}), or an .npz file with an "
        "array (episodes, steps, units) by path of each Input",
    )
    add("--count", type=int, default=DEFAULT.count, help="patterns stored (default: %(default)s)")
    add("--level", type=float, default=DEFAULT.level, help="share of a cue that is corrupted")
    add("--seed", type=int, default=0, help="which patterns and cues (default: %(default)s)")
    add("--steps", type=int, help="steps to run (default: those of the data, 20 for a model)")
    add("--fit-only", action="store_true", help="run nothing")
    add("--strict", action="store_true", help="let warnings fail, too")
    add("--brief", action="store_true", help="leave out what is in order")
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Check what the arguments say; exit code 1 if it does not pass."""
    graph, inputs, steps, words = _subject(parsed)
    report = check(
        graph,
        parsed.hardware,
        inputs,
        steps,
        chips=parsed.chips,
        simulate=not parsed.fit_only,
        data=words,
    )
    good = report.passes and not (parsed.strict and report.of("warning"))
    if parsed.json:
        print(json.dumps(report.as_dict() | {"strict": parsed.strict, "good": good}, indent=2))
    else:
        _print(report, parsed.brief)
    return 0 if good else 1


def _subject(
    parsed: argparse.Namespace,
) -> tuple[Graph, dict[str, Any] | None, int | None, str]:
    """Return the graph, its data, the number of steps, and where the data come from, in words."""
    from_file = parsed.data is not None and parsed.data.endswith(".npz")
    inputs = arrays_in(parsed.data) if from_file else None
    parameters = pairs(parsed.set, "--set")
    if is_file(parsed.subject):
        faults = [Fault("--set", str(parameters), "is for models, a graph file has none")]
        if parsed.data and not from_file:
            need = "must be an .npz file for a graph file, data sets are for models"
            faults = [*(faults if parameters else []), Fault("--data", repr(parsed.data), need)]
        if parameters or (parsed.data and not from_file):
            raise Invalid("arguments", faults)
        return load(parsed.subject), inputs, parsed.steps, parsed.data or ""
    module = catalogue.model(parsed.subject)
    catalogue.check_parameters(module, parameters)
    if "patterns" in inspect.signature(module.build).parameters:
        return _memory(parsed, parameters, inputs)
    if parsed.data and not from_file:
        need = f"must be an .npz file: {parsed.subject} stores no patterns"
        raise Invalid("arguments", [Fault("--data", repr(parsed.data), need)])
    graph, own, steps = module.example()
    if parameters:
        graph, own, steps = module.build(**parameters), None, None
    words = parsed.data or ("" if own is None else f"the example of {parsed.subject}")
    return graph, inputs or own, parsed.steps or steps, words


def _memory(
    parsed: argparse.Namespace, parameters: dict[str, Any], inputs: dict[str, Any] | None
) -> tuple[Graph, dict[str, Any], int, str]:
    """Return the memory that `run` would build, and cues that it would be given."""
    config = RunConfig(
        model=parsed.subject,
        parameters=parameters,
        data=DEFAULT.data if inputs or not parsed.data else parsed.data,
        count=parsed.count,
        level=parsed.level,
        cues_per_pattern=1,
        seeds=(parsed.seed,),
        steps=parsed.steps or DEFAULT.steps,
    )
    task = config.task()
    rows = task.stored(parsed.seed)
    graph = config.build()(task.data.patterns[rows])
    if inputs is not None:
        return graph, inputs, parsed.steps or DEFAULT.steps, parsed.data
    cues = task.cues(parsed.seed, rows)
    words = f"cues of {config.count} stored {config.data} patterns, {config.level:g} corrupted"
    return graph, {"cue": cues[:, np.newaxis]}, config.steps, words


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
