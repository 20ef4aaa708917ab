"""`hebbgraph run` and `hebbgraph demo`: engines side by side, a table, a run folder."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hebbgraph import backend, hardware, report, runfolder
from hebbgraph.cli.arguments import options_of, pairs, require_engines, seeds_of
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.tables import print_comparison, print_ledgers, print_survey
from hebbgraph.harness.compare import Comparison, RunConfig, Survey, compare, survey_rules
from hebbgraph.processes import DOMAINS
from hebbgraph.serialise import pack, to_document

#: What `demo` runs; its values are the defaults of `run`, but for `per_class`.
DEMO = RunConfig(per_class=1)

RUN_EXAMPLES = """examples:
  hebbgraph run hopfield
  hebbgraph run hopfield --set rule=hebbian --data random --count 8
  hebbgraph run hopfield --data mnist5k --count 50 --corruption occlusion --level 0.3
  hebbgraph run hopfield --backend reference --backend lava --domain fixed --option lava.model=parts
  hebbgraph run hopfield --hardware loihi1_nahuku --json > run.json
  hebbgraph run hopfield --hardware loihi1_nahuku --explain
  hebbgraph run hopfield --backend snntorch --measure
"""


def add_parsers(commands: Any) -> None:
    """Add both commands."""
    raw = argparse.RawDescriptionHelpFormatter
    run = commands.add_parser(
        "run",
        help="one model on one task, on the engines you name",
        epilog=RUN_EXAMPLES,
        formatter_class=raw,
    )
    run.add_argument("model", help="a model, see `hebbgraph list models`")
    _add_task(run)
    _add_machines(run)
    _add_output(run)
    run.set_defaults(handler=handle_run)
    demo = commands.add_parser(
        "demo", help="the Hopfield memory on digits: all engines, both domains, all hardware"
    )
    _add_output(demo)
    demo.set_defaults(handler=handle_demo)


def _add_task(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("task")
    add = group.add_argument
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="parameter of the model")
    add("--data", default=DEMO.data, help="data set (default: %(default)s)")
    add("--count", type=int, default=DEMO.count, help="patterns stored (default: %(default)s)")
    add("--per-class", type=int, help="patterns stored of each class")
    add("--corruption", default=DEMO.corruption, help="flip, occlusion or salt_and_pepper")
    add("--level", type=float, default=DEMO.level, help="share of units (default: %(default)s)")
    add("--cues", type=int, default=DEMO.cues_per_pattern, help="cues per pattern")
    add("--seeds", default=str(len(DEMO.seeds)), help="how many, or a list such as 3,5,8")
    add("--steps", type=int, default=DEMO.steps, help="steps per recall (default: %(default)s)")


def _add_machines(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("engines and machines")
    add = group.add_argument
    add("--backend", action="append", metavar="NAME", help="engine, repeatable (default: all)")
    add("--domain", action="append", metavar="NAME", help="float or fixed (default: both)")
    add("--hardware", action="append", metavar="NAME", help="machine to price on (default: all)")
    add("--option", action="append", default=[], metavar="BACKEND.KEY=VALUE")
    add("--allow-synthetic", action="store_true", help="price on guessed energies too, if named")
    add("--measure", action="store_true", help="read this computer's energy counters around runs")


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    add = group.add_argument
    add("--runs", default="runs", metavar="FOLDER", help="where run folders go (default: runs)")
    add("--no-folder", action="store_true", help="write no run folder")
    add("--explain", action="store_true", help="print the ledgers: every count x cost = product")
    add("--json", action="store_true", help="print JSON instead of tables")
    add("--quiet", action="store_true", help="no progress")


def handle_run(parsed: argparse.Namespace) -> int:
    """Run what the arguments say; exit code 1 if an engine disagrees with the reference."""
    config = RunConfig(
        model=parsed.model,
        parameters=pairs(parsed.set, "--set"),
        data=parsed.data,
        count=parsed.count,
        per_class=parsed.per_class,
        corruption=parsed.corruption,
        level=parsed.level,
        cues_per_pattern=parsed.cues,
        seeds=seeds_of(parsed.seeds),
        steps=parsed.steps,
        backends=tuple(dict.fromkeys(parsed.backend or backend.discover())),
        domains=tuple(dict.fromkeys(parsed.domain or DOMAINS)),
        hardware=tuple(dict.fromkeys(parsed.hardware or hardware.priceable())),
        options=options_of(parsed.option),
        allow_synthetic=parsed.allow_synthetic,
        measure=parsed.measure,
    )
    with Reporter(not parsed.quiet) as progress:
        config.check(progress)
        require_engines(parsed.backend or ())
        if not parsed.no_folder:
            report.require()
            runfolder.prepare(parsed.runs)
        comparison = compare(config, progress)
        folder = None if parsed.no_folder else _write(parsed.runs, comparison, [])
    code = _finish(parsed, comparison, [], folder)
    asked = [row for row in comparison.rows if row.unavailable and row.backend in config.options]
    return 2 if asked else code


def handle_demo(parsed: argparse.Namespace) -> int:
    """Compare everything on digits, survey the learning rules, write the report."""
    start = time.perf_counter()
    config = replace(DEMO, backends=tuple(backend.discover()), hardware=tuple(hardware.priceable()))
    if not parsed.no_folder:
        report.require()
        runfolder.prepare(parsed.runs)
    with Reporter(not parsed.quiet) as progress:
        comparison = compare(config, progress)
        surveys = [survey_rules(config, name, progress) for name in ("digits", "random")]
        folder = None if parsed.no_folder else _write(parsed.runs, comparison, surveys)
    code = _finish(parsed, comparison, surveys, folder)
    if not parsed.json:
        print(f"{time.perf_counter() - start:.0f} s in all")
    return code


def _finish(
    parsed: argparse.Namespace,
    comparison: Comparison,
    surveys: Sequence[Survey],
    folder: Path | None,
) -> int:
    if parsed.json:
        document = comparison.as_dict()
        document["surveys"] = [survey.as_dict() for survey in surveys]
        document["folder"] = str(folder) if folder else None
        print(json.dumps(document, indent=2))
    else:
        print_comparison(comparison)
        if parsed.explain:
            print_ledgers(comparison)
        for survey in surveys:
            print_survey(survey)
        if folder:
            print(f"report: {folder / 'report.html'}")
    return 0 if comparison.agree else 1


def _write(parent: str, comparison: Comparison, surveys: Sequence[Survey]) -> Path:
    """Write the run folder: config, graph, results, environment, reports, pictures."""
    environment = runfolder.environment()
    config = comparison.config
    document = comparison.as_dict() | {"surveys": [survey.as_dict() for survey in surveys]}
    files = {
        "config.yaml": yaml.safe_dump(config.as_dict(), sort_keys=False).encode(),
        "graph.hgraph": pack(*to_document(comparison.graph)),
        "results.json": json.dumps(document, indent=1).encode(),
        "environment.json": json.dumps(environment, indent=1).encode(),
    }
    for row in comparison.rows:
        for seed, result in list(row.report.results.items())[:1] if row.report else ():
            name = f"rasters/{row.backend}-{row.domain}-seed{seed}.zip"
            files[name] = result.packed()
    files |= report.render(comparison, surveys, environment)
    name = f"{runfolder.timestamp()}-{config.model}-{config.data}"
    return runfolder.write_folder(parent, name, files)
