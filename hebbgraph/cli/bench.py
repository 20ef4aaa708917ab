"""`hebbgraph bench recall`: all memories on all engines, in one table and a report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.table import Table

from hebbgraph import backend, hardware, report, runfolder
from hebbgraph.cli import continual
from hebbgraph.cli.arguments import require_engines, seeds_of
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.tables import console
from hebbgraph.harness.bench import BenchConfig, BenchReport, bench_recall
from hebbgraph.processes import DOMAINS
from hebbgraph.report import bench_tables

EXAMPLES = """examples:
  hebbgraph bench recall                              every memory, engine and domain
  hebbgraph bench recall hopfield dense --seeds 10
  hebbgraph bench recall --backend reference --backend snntorch --domain fixed --json
  hebbgraph bench recall willshaw --units 256 --count 200 --hardware loihi1_nahuku

Each memory stores random patterns that suit it, at the size it names unless told otherwise, and
recalls them from spoiled cues. exit code: 0 all engines agree, 1 one does not, 2 bad input"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    raw = argparse.RawDescriptionHelpFormatter
    bench = commands.add_parser(
        "bench", help="recall of all memories on all engines; continual learning"
    )
    kinds = bench.add_subparsers(dest="kind", required=True, metavar="WHAT")
    parser = kinds.add_parser(
        "recall",
        help="model x engine x domain: accuracy, overlap, steps, spikes, energy",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=raw,
    )
    add = parser.add_argument
    add("models", nargs="*", metavar="MODEL", help="memories, see `hebbgraph list` (default: all)")
    add("--count", type=int, help="patterns stored, instead of what each model names")
    add("--units", type=int, help="units, instead of what each model names")
    add("--cues", type=int, default=2, help="cues per pattern (default: %(default)s)")
    add("--seeds", default="5", help="how many, or a list such as 3,5,8 (default: %(default)s)")
    add("--backend", action="append", metavar="NAME", help="engine, repeatable (default: all)")
    add("--domain", action="append", metavar="NAME", help="float or fixed (default: both)")
    add("--hardware", action="append", metavar="NAME", help="machine to price on (default: all)")
    add("--allow-synthetic", action="store_true", help="price on guessed energies too, if named")
    add("--runs", default="runs", metavar="FOLDER", help="where run folders go (default: runs)")
    add("--no-folder", action="store_true", help="write no run folder")
    add("--json", action="store_true", help="print JSON instead of tables")
    add("--quiet", action="store_true", help="no progress")
    parser.set_defaults(handler=handle)
    continual.add_parser(kinds)


def handle(parsed: argparse.Namespace) -> int:
    """Run the benchmark; exit code 1 if an engine disagrees with the reference."""
    config = BenchConfig(
        models=tuple(parsed.models),
        count=parsed.count,
        units=parsed.units,
        cues_per_pattern=parsed.cues,
        seeds=seeds_of(parsed.seeds),
        backends=tuple(dict.fromkeys(parsed.backend or backend.discover())),
        domains=tuple(dict.fromkeys(parsed.domain or DOMAINS)),
        hardware=tuple(dict.fromkeys(parsed.hardware or hardware.priceable())),
        allow_synthetic=parsed.allow_synthetic,
    )
    config.check()
    require_engines(parsed.backend or ())
    if not parsed.no_folder:
        report.require()
        runfolder.prepare(parsed.runs)
    with Reporter(not parsed.quiet) as progress:
        found = bench_recall(config, progress)
    folder = None if parsed.no_folder else _write(parsed.runs, found)
    if parsed.json:
        place = str(folder) if folder else None
        print(json.dumps(found.as_dict() | {"folder": place}, indent=2))
    else:
        _print(found, folder)
    return 0 if found.agree else 1


def _write(parent: str, found: BenchReport) -> Path:
    from hebbgraph.report.bench_page import bench_page  # jinja2 and matplotlib, on use

    environment = runfolder.environment()
    files = {
        "results.json": json.dumps(found.as_dict(), indent=1).encode(),
        "environment.json": json.dumps(environment, indent=1).encode(),
        "report.html": bench_page(found, environment),
    }
    return runfolder.write_folder(parent, f"{runfolder.timestamp()}-bench-recall", files)


def _print(found: BenchReport, folder: Path | None) -> None:
    out = console()
    tables = [bench_tables.memories(found), bench_tables.engines(found)]
    if found.config.hardware:
        tables.append(bench_tables.energies(found))
    titles = ("what each memory is asked", "accuracy and agreement", "energy per recall")
    for title, made in zip(titles, tables, strict=False):
        table = Table(title=title, title_justify="left")
        for head in made.head:
            table.add_column(head, overflow="fold")
        for row in made.rows:
            table.add_row(*row)
        out.print(table)
        for note in made.notes:
            out.print(note)
    out.print(bench_tables.headline(found))
    if folder:
        out.print(f"report: {folder / 'report.html'}")
