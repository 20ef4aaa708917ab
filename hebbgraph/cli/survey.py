"""`hebbgraph survey`: how one memory recalls over a grid of knobs; it goes on where it ended."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from hebbgraph import backend, catalogue, data, hardware, report, runfolder
from hebbgraph.cli.arguments import pairs, require_engines, seeds_of
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.survey_knobs import KINDS, add_knobs, knobs_of
from hebbgraph.cli.tables import console
from hebbgraph.energy import refuse_synthetic
from hebbgraph.errors import EngineError, Fault, Invalid
from hebbgraph.harness import records
from hebbgraph.harness.cost import recall_costs
from hebbgraph.harness.sweep import Sweep, grid, sweep
from hebbgraph.harness.trial import Trial, trial
from hebbgraph.report import survey_report, tables
from hebbgraph.report.survey_report import SurveyReport
from hebbgraph.report.theory_lines import require_line

EXAMPLES = {
    "basin": (
        "basin hopfield",
        "basin hopfield --data digits --count 10 --by rule=hebbian,pseudo_inverse",
        "basin willshaw --levels 0:0.8:9 --seeds 10",
    ),
    "capacity": (
        "capacity hopfield --set rule=hebbian --units 200 --level 0 --steps 30 --theory",
        "capacity dense --set p=3 --loads 0.5:4:8 --records dense.jsonl",
        "capacity hopfield --data mnist5k --counts 10,20,40,80",
    ),
    "phase": (
        "phase hopfield --y level=0:0.4:5",
        (
            "phase hopfield --set rule=hebbian --set dynamics=glauber --x load=0.02:0.17:6 --y"
            " temperature=0.1:1.1:6 --units 200 --level 0 --steps 60 --tail 20 --theory"
        ),
    ),
    "learning": (
        "learning archetypes",
        "learning archetypes --set p=2 --examples 2,5,10,20 --quality 0.4,0.6 --theory",
    ),
    "quantisation": (
        "quantisation hopfield --data digits --set dynamics=masked --counts 5,10,20",
        "quantisation hopfield --set rule=hebbian --bits 8,4,2,1 --units 200 --theory",
    ),
    "cost": (
        "cost hopfield",
        "cost willshaw --counts 5,20,80 --hardware loihi1_nahuku --domain fixed",
        "cost dense --backend snntorch --domain fixed --count 20",
    ),
}
MORE = """

VALUES are a list such as 0.1,0.2,0.4 or start:stop:count with both ends. What is left open is
as the memory's own survey has it. With --records every result is kept at once: the same command
goes on where it was killed, and a finer grid or further seeds only run what is new.
exit code: 0 done, 2 bad input, 130 interrupted"""


def add_parser(commands: Any) -> None:
    """Add the command, and below it a command for every kind of survey."""
    raw = argparse.RawDescriptionHelpFormatter
    survey = commands.add_parser(
        "survey",
        help="one memory over a grid of knobs: basin, capacity, phase, ...",
        description=__doc__,
        epilog=_epilog([lines[0] for lines in EXAMPLES.values()]),
        formatter_class=raw,
    )
    kinds = survey.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, about in KINDS.items():
        parser = kinds.add_parser(
            kind,
            help=about,
            description=f"{about[:1].upper()}{about[1:]}.",
            epilog=_epilog(EXAMPLES[kind]),
            formatter_class=raw,
        )
        parser.add_argument("model", help="a memory, see `hebbgraph list models`")
        add_knobs(parser, kind)
        _add_trial(parser, kind)
        _add_output(parser, kind)
        parser.set_defaults(handler=handle)


def _epilog(examples: Sequence[str]) -> str:
    return "\n".join(["examples:", *(f"  hebbgraph survey {line}" for line in examples)]) + MORE


def _add_trial(parser: argparse.ArgumentParser, kind: str) -> None:
    group = parser.add_argument_group("what every point has")
    add = group.add_argument
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="parameter of the model")
    add("--data", help="data set (default: random patterns that suit the memory)")
    if kind not in ("capacity", "quantisation"):
        stored = group.add_mutually_exclusive_group()
        stored.add_argument("--count", type=int, help="patterns stored")
        stored.add_argument("--load", type=float, help="patterns stored per unit")
    add("--per-class", type=int, help="patterns stored of each class")
    add("--units", type=int, help="units of random patterns")
    add("--corruption", help="flip, occlusion, hide, move, noise, ... as suits the patterns")
    if kind != "basin":
        add("--level", type=float, help="how much of the cue is spoiled, 0 to 1")
    add("--cues", type=int, help="cues per pattern (default: 1)")
    add("--tested", type=int, help="patterns whose recall is tried at most (default: 100)")
    add("--steps", type=int, help="steps per recall")
    add("--tail", type=int, help="the overlap is the mean over so many last steps (default: 1)")
    add("--seeds", default="5", help="how many, or a list such as 3,5,8 (default: %(default)s)")
    add("--backend", action="append", metavar="NAME", help="engine, repeatable (reference)")
    add("--domain", action="append", metavar="NAME", help="float or fixed, repeatable (float)")


def _add_output(parser: argparse.ArgumentParser, kind: str) -> None:
    group = parser.add_argument_group("output")
    add = group.add_argument
    if kind == "cost":
        add("--hardware", action="append", metavar="NAME", help="machine (default: all)")
        add("--allow-synthetic", action="store_true", help="price on guessed energies, too")
    else:
        add("--theory", action="store_true", help="the line that theory has, where it has one")
    add("--records", metavar="FILE", help="keep results there, run what it does not have")
    add("--runs", default="runs", metavar="FOLDER", help="where run folders go (default: runs)")
    add("--no-folder", action="store_true", help="write no run folder")
    add("--json", action="store_true", help="print JSON instead of a table")
    add("--quiet", action="store_true", help="no progress")


def handle(parsed: argparse.Namespace) -> int:
    """Run the survey; exit code 130 if it was interrupted."""
    require_engines([name for name in parsed.backend or () if backend.get(name)])
    machines = _machines(parsed)
    seeds = seeds_of(parsed.seeds)
    with Reporter(not parsed.quiet) as progress:
        base = _trial(parsed, progress)
        knobs = knobs_of(parsed, base)
        trials = [one for _, one in grid(base, knobs, seeds)]
        line = require_line(base, knobs, trials) if getattr(parsed, "theory", False) else None
        if not parsed.no_folder:
            report.require()
            runfolder.prepare(parsed.runs)
        known = _known(parsed.records, trials, seeds)
        if known and not parsed.quiet:
            told = f"{parsed.records} holds {known} of {len(trials) * len(seeds)} results"
            print(told, file=sys.stderr)
        try:
            swept = sweep(base, knobs, seeds=seeds, path=parsed.records, progress=progress)
        except (KeyboardInterrupt, EngineError) as error:
            print(_kept(parsed.records, trials, seeds), file=sys.stderr)
            if isinstance(error, EngineError):
                raise
            return 130
    costs = tuple(
        recall_costs(point, machines, allow_synthetic=True)  # refused before, unless allowed
        for point in swept.points
        if machines
    )
    found = SurveyReport(parsed.kind, swept, line, costs)
    document = found.as_dict()
    document["records"] = parsed.records and {"path": parsed.records, "known": known}
    folder = None if parsed.no_folder else _write(parsed.runs, found, document)
    if parsed.json:
        print(json.dumps(document | {"folder": str(folder) if folder else None}, indent=2))
    else:
        _print(found, _resumed(parsed.records, known, swept), folder)
    return 0


def _machines(parsed: argparse.Namespace) -> list[str]:
    """Return the machines to price on, none but for a survey of cost."""
    if parsed.kind != "cost":
        return []
    names = list(dict.fromkeys(parsed.hardware or hardware.priceable()))
    refuse_synthetic([hardware.load(name) for name in names], parsed.allow_synthetic)
    return names


def _trial(parsed: argparse.Namespace, progress: Reporter) -> Trial:
    """Return what all points have in common; all but the data is looked at before they load."""
    family = catalogue.family(parsed.model)
    given = pairs(parsed.set, "--set")
    catalogue.check_parameters(catalogue.model(parsed.model), given)
    names = (
        "count",
        "load",
        "per_class",
        "units",
        "corruption",
        "level",
        "tested",
        "steps",
        "tail",
    )
    settings = {name: getattr(parsed, name, None) for name in names}
    settings |= {"cues_per_pattern": parsed.cues}
    settings = {name: value for name, value in settings.items() if value is not None}
    faults = []
    load = getattr(parsed, "load", None)
    if load is not None and not 0 < load < math.inf:
        faults.append(Fault("--load", repr(load), "must be a number above 0"))
    if parsed.data and parsed.units:
        need = "must be left out with --data, whose patterns have their own size"
        faults.append(Fault("--units", str(parsed.units), need))
    if parsed.per_class and not parsed.data:
        faults.append(Fault("--per-class", str(parsed.per_class), "is for --data with classes"))
    for name, value in (("backend", parsed.backend), ("domain", parsed.domain)):
        if value and len(set(value)) == 1:
            settings[name] = value[0]  # several are a knob
    if faults:
        raise Invalid("survey", faults)
    parameters = {**(family.survey_parameters or {}), **given}
    made = trial(parsed.model, parameters=parameters, **settings)
    if faults := made.faults():
        raise Invalid("survey", faults)
    if parsed.data is None:
        return made
    own: dict[str, Any] = {"data": data.load(parsed.data, progress)}
    return made.turned(own if load is None else own | {"load": load})


# --- records -----------------------------------------------------------------------------------


def _known(path: str | None, trials: list[Trial], seeds: tuple[int, ...]) -> int:
    """Return how many of the results are in the file already.

    Raises `Invalid` if it holds anything else, or cannot be written to.
    """
    if path is None:
        return 0
    held = records.read(path) if Path(path).is_file() else {}
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab"):
            pass
    except OSError as error:
        need = "must be a file that can be written to"
        raise Invalid("records", [Fault(path, error.strerror or str(error), need)]) from error
    return sum(records.key(one.as_dict(), seed) in held for one in trials for seed in seeds)


def _kept(path: str | None, trials: list[Trial], seeds: tuple[int, ...]) -> str:
    """Return what is left of a survey that did not end."""
    if path is None:
        return "hebbgraph: interrupted, nothing was kept; with --records FILE a survey can go on"
    known, total = _known(path, trials, seeds), len(trials) * len(seeds)
    return (
        f"hebbgraph: interrupted, {path} holds {known} of {total} results;"
        " the same command goes on from there"
    )


def _resumed(path: str | None, known: int, swept: Sweep) -> str:
    """Return how much of a survey was in the file before, nothing without a file."""
    if path is None:
        return ""
    total = len(swept.points) * len(swept.seeds)
    return f"{total} results are in {path}: {known} were there, {total - known} are new"


# --- output ------------------------------------------------------------------------------------


def _write(parent: str, found: SurveyReport, document: dict[str, Any]) -> Path:
    from hebbgraph.report.survey_page import survey_files  # jinja2 and matplotlib, on use

    environment = runfolder.environment()
    files = {
        "results.json": json.dumps(document, indent=1).encode(),
        "environment.json": json.dumps(environment, indent=1).encode(),
        **survey_files(found, environment),
    }
    name = f"{runfolder.timestamp()}-{found.kind}-{found.sweep.base.name}"
    return runfolder.write_folder(parent, name, files)


def _print(found: SurveyReport, resumed: str, folder: Path | None) -> None:
    out = console()
    _print_table(found.title, survey_report.table(found))
    if found.costs:
        _print_table("energy per recall, and per stored bit", survey_report.cost_table(found))
    for sentence in found.words():
        out.print(sentence)
    if resumed:
        out.print(resumed)
    if folder:
        out.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def _print_table(title: str, made: tables.Table) -> None:
    table = Table(title=title, title_justify="left")
    for head in made.head:
        table.add_column(head, overflow="fold")
    for row in made.rows:
        table.add_row(*row)
    out = console()
    out.print(table)
    for note in made.notes:
        out.print(note)
