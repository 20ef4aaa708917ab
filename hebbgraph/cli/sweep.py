"""`hebbgraph sweep`: any knobs of model, numerics, architecture, workload; priced anywhere."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from hebbgraph import runfolder
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.tables import console
from hebbgraph.errors import EngineError, Fault, Invalid, Unavailable
from hebbgraph.files import write_atomic

EXAMPLES = """examples:
  hebbgraph sweep --example > spec.yaml        a spec with comments, to begin with
  hebbgraph sweep spec.yaml --dry-run          points, jobs, what runs and what is only priced
  hebbgraph sweep spec.yaml --workers 2        run it; the same command goes on after a kill
  hebbgraph sweep spec.yaml --limit 20         twenty jobs of it now, the others another time
  hebbgraph sweep spec.yaml --retry            run again what failed
  hebbgraph sweep spec.yaml --dask tcp://host:8786

A folder (runs/sweep-NAME without --folder) holds the results: results.jsonl, a line for each job;
table.json, table.csv and, with pyarrow, table.parquet, every point with its metrics and its
energies on every machine; report.html and pictures. On a cluster start Dask first, such as
dask-jobqueue's SLURMCluster(cores=8, memory="16GB"), and give the scheduler's address.

exit code: 0 done, 1 done but for points that failed, 2 bad input or a full disk, 130 interrupted"""

#: Rows of a table that are printed; the files hold all.
SHOWN = 20


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sweep",
        help="co-design: any knobs of model, numerics, architecture, workload",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("spec", nargs="?", help="a YAML file; --example prints one")
    add("--example", action="store_true", help="print a spec with comments, and end")
    add("--workers", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    add("--dask", default="", metavar="ADDRESS", help="scheduler of a Dask cluster, instead")
    add("--folder", metavar="F", help="where results are kept (default: runs/sweep-NAME)")
    add("--dry-run", action="store_true", help="show points and jobs, run nothing")
    add("--limit", type=int, metavar="N", help="run at most so many jobs now")
    add("--retry", action="store_true", help="run failed jobs again")
    add("--no-report", action="store_true", help="write no HTML and pictures")
    add("--json", action="store_true", help="print JSON instead of a table")
    add("--quiet", action="store_true", help="no progress")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Run the sweep; exit code 1 if points failed, 130 if it was interrupted."""
    if parsed.example:
        from hebbgraph.sweep.example import SPEC

        print(SPEC, end="")
        return 0
    _check(parsed)
    from hebbgraph import sweep  # on use: models, torch
    from hebbgraph.report import require

    spec, source = sweep.read(parsed.spec)
    plan = sweep.plan(spec, source)
    folder = Path(parsed.folder or Path("runs") / f"sweep-{spec.name}")
    if parsed.dry_run:
        _dry(plan, folder, parsed)
        return 0
    if not parsed.no_report:
        require()
    where = sweep.Where(parsed.workers, parsed.dask)
    with Reporter(not parsed.quiet) as progress:
        try:
            found = sweep.run(
                plan, folder, where, retry=parsed.retry, limit=parsed.limit, progress=progress
            )
        except KeyboardInterrupt:
            text = f"hebbgraph: interrupted; {folder} keeps what is done, the same command goes on"
            print(text, file=sys.stderr)
            return 130
    for line in found.damaged:
        print(f"hebbgraph: {line}; its job ran again", file=sys.stderr)
    notes = _write(found, folder, Path(parsed.spec), report=not parsed.no_report)
    failed = [row for row in found.rows if row.error]
    if parsed.json:
        from hebbgraph.sweep.found import document

        print(json.dumps(document(found) | {"folder": str(folder)}, indent=1))
    else:
        _print(found, folder, notes, report=not parsed.no_report)
    return 1 if failed else 0


def _check(parsed: argparse.Namespace) -> None:
    faults = []
    if parsed.spec is None:
        remedy = "`hebbgraph sweep --example > spec.yaml` writes one"
        faults.append(Fault("spec", "nothing", "a YAML file is needed", remedy))
    if parsed.workers < 1:
        faults.append(Fault("--workers", str(parsed.workers), "must be a whole number above 0"))
    if parsed.limit is not None and parsed.limit < 0:
        faults.append(Fault("--limit", str(parsed.limit), "must be a whole number, 0 or more"))
    if parsed.dask and parsed.workers > 1:
        faults.append(Fault("--dask", "given with --workers", "the cluster has its own workers"))
    if faults:
        raise Invalid("arguments", faults)


# --- dry run -----------------------------------------------------------------------------------


def _dry(plan: Any, folder: Path, parsed: argparse.Namespace) -> None:
    from hebbgraph.sweep.execute import missing
    from hebbgraph.sweep.journal import Journal

    journal = Journal(folder, write=False)
    left = missing(plan.jobs, journal, retry=parsed.retry)
    document = {
        "points": [{"subject": p.subject, "at": dict(p.at)} for p in plan.points],
        "jobs": len(plan.jobs),
        "jobs_to_run": len(left),
        "knobs_that_run": _knobs(plan, machine=False),
        "knobs_that_price": _knobs(plan, machine=True),
        "seeds": list(plan.seeds),
        "machines": [machine.name for machine in plan.machines],
        "placed": plan.placing,
        "objectives": [objective.label for objective in plan.objectives],
        "folder": str(folder),
    }
    if plan.spec.strategy.kind == "search":
        document["tries"] = (plan.spec.strategy.n or 0) * len(plan.spaces)
    if parsed.json:
        print(json.dumps(document, indent=1))
        return
    out = console()
    out.print(f"{len(plan.points)} points, {len(plan.jobs)} jobs ({len(plan.seeds)} seeds)")
    if "tries" in document:
        out.print(f"a search: {document['tries']} points will be asked for, one after another")
    for title, key in (("run anew", "knobs_that_run"), ("only price", "knobs_that_price")):
        knobs: Any = document[key]
        out.print(f"knobs that {title}: {'; '.join(f'{k}: {v}' for k, v in knobs.items()) or '-'}")
    done = len(plan.jobs) - len(left)
    out.print(f"{done} results are in {folder}, {len(left)} jobs are left to run", soft_wrap=True)
    placed = "placed on cores" if plan.placing else "not placed: packets and hops are not counted"
    out.print(f"priced on {', '.join(m.name for m in plan.machines)}; runs are {placed}")
    table = Table(title="points", title_justify="left")
    for head in ("subject", *plan.knobs):
        table.add_column(head, overflow="fold")
    for point in plan.points[:SHOWN]:
        table.add_row(point.subject, *(_text(point.at.get(name)) for name in plan.knobs))
    out.print(table)
    if len(plan.points) > SHOWN:
        out.print(f"and {len(plan.points) - SHOWN} more; --json lists all")


def _knobs(plan: Any, *, machine: bool) -> dict[str, str]:
    from hebbgraph.sweep.knobs import target

    found = {}
    for space in plan.spaces:
        for name in space.knobs:
            held = target(name, space.targets)
            if held is not None and (held.where == "machine") == machine:
                found[name] = str(plan.knobs[name])
    return found


# --- output ------------------------------------------------------------------------------------


def _write(found: Any, folder: Path, spec: Path, *, report: bool) -> list[str]:
    from hebbgraph import sweep

    notes = sweep.write(found, folder)
    try:
        environment = runfolder.environment()
        write_atomic(folder / "spec.yaml", spec.read_bytes())
        write_atomic(folder / "environment.json", json.dumps(environment, indent=1))
        if report:
            from hebbgraph.report.codesign_page import codesign_files  # matplotlib, on use

            for path, data in codesign_files(found, environment).items():
                write_atomic(folder / path, data)
    except OSError as error:
        text = f"{folder}: {error.strerror or error}; the results are kept, the report is not"
        raise EngineError(text) from error
    except Unavailable as error:
        notes.append(str(error))
    return notes


def _print(found: Any, folder: Path, notes: list[str], *, report: bool) -> None:
    from hebbgraph.report.codesign_tables import failures, front, headline

    out = console()
    for sentence in headline(found):
        out.print(sentence)
    for title, made in (
        ("not beaten in every objective", front(found)),
        ("failed", failures(found)),
    ):
        if not made.rows:
            continue
        table = Table(title=title, title_justify="left")
        for head in made.head:
            table.add_column(head, overflow="fold")
        for row in made.rows[:SHOWN]:
            table.add_row(*row)
        out.print(table)
        if len(made.rows) > SHOWN:
            out.print(f"and {len(made.rows) - SHOWN} more in {folder / 'table.csv'}")
        for note in made.notes:
            out.print(note)
    for note in notes:
        out.print(f"note: {note}")
    out.print(f"table: {folder / 'table.csv'}", soft_wrap=True)
    if report:
        out.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
