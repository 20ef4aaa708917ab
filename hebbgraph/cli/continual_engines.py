"""`hebbgraph bench continual --engines`: HLOP learned on every engine, in one table."""

from __future__ import annotations

import argparse
import json
import warnings

from rich.table import Table

from hebbgraph import backend
from hebbgraph.cli.arguments import require_engines, seeds_of
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.tables import console
from hebbgraph.continual.presets import preset
from hebbgraph.errors import Fault, Invalid
from hebbgraph.processes import DOMAINS

#: Tasks and epochs unless told otherwise: some minutes for all engines.
TASKS, EPOCHS = 3, 3


def handle(parsed: argparse.Namespace) -> int:
    """Run the comparison; exit code 1 if an engine did not learn what the reference did."""
    from hebbgraph.continual.engines import EngineComparison, compare_engines
    from hebbgraph.continual.learners.hlop import HlopSettings
    from hebbgraph.continual.rows import NotConverged
    from hebbgraph.continual.sources import stream

    base, seeds = preset(parsed.preset), seeds_of(parsed.seeds)
    engines = tuple(dict.fromkeys(parsed.backend or backend.discover()))
    domains = tuple(dict.fromkeys(parsed.domain or DOMAINS))
    faults = [
        Fault("--domain", name, f"must be one of {', '.join(DOMAINS)}")
        for name in domains
        if name not in DOMAINS
    ]
    hidden: tuple[int, ...] = base.net.get("hidden", ())
    if not hidden or not base.first_rows:
        need = "must be a preset of fully connected layers with rows"
        faults.append(Fault("--preset", parsed.preset, need))
    if faults:
        raise Invalid("bench continual", faults)
    require_engines(engines)
    epochs = EPOCHS if parsed.epochs is None else parsed.epochs
    tasks = stream(**{**base.stream, "tasks": parsed.tasks or TASKS}, seed=seeds[0])
    settings = HlopSettings(
        hidden=hidden, first_rows=base.first_rows, later_rows=base.first_rows, batch=32
    )
    with Reporter(not parsed.quiet) as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        found: EngineComparison = compare_engines(
            tasks,
            settings,
            engines=engines,
            domains=domains,
            epochs=epochs,
            seed=seeds[0],
            progress=progress,
        )
    if parsed.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        _print(found)
    return 0 if found.agree else 1


def _print(found: object) -> None:
    from hebbgraph.continual.engines import EngineComparison

    assert isinstance(found, EngineComparison)
    title = f"HLOP as a process graph on {found.stream}, {found.epochs} epochs a task"
    table = Table(title=title, title_justify="left")
    for head in ("engine", "domain", "ACC", "BWT", "LA", "learned weights", "time"):
        table.add_column(head)
    for row in found.rows:
        measured = row.report
        same = "equal bit for bit" if row.identical else f"differ by {row.difference:.1e}"
        if row.backend == "reference":
            same = "the definition"
        table.add_row(
            row.backend,
            row.domain,
            f"{100 * measured.acc:.1f}",
            f"{100 * measured.bwt:+.1f}",
            f"{100 * measured.learning_accuracy:.1f}",
            same if row.agrees else f"{same}: NOT EQUAL",
            f"{row.seconds:.0f} s",
        )
    for domain, report in found.naive.items():
        cells = (f"{100 * value:.1f}" for value in (report.acc, report.bwt))
        table.add_row("naive", domain, *cells, f"{100 * report.learning_accuracy:.1f}", "", "")
    out = console()
    out.print(table)
    out.print(f"{found.source}; seed {found.seed}. Differences are relative to the largest weight.")
    words = "every engine learned what the reference did" if found.agree else "engines disagree"
    out.print(words)
