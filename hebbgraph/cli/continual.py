"""`hebbgraph bench continual`: methods of continual learning in one table and a report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from hebbgraph import hardware, report, runfolder
from hebbgraph.cli import continual_engines
from hebbgraph.cli.arguments import seeds_of
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.tables import console
from hebbgraph.continual.presets import PRESETS, preset
from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic

DESCRIPTION = """Methods of continual learning on one stream of tasks, with the same network,
samples and epochs: accuracy, forgetting, memory, operations and energy of learning."""

EXAMPLES = """examples:
  hebbgraph bench continual                            all methods on permuted digits, minutes
  hebbgraph bench continual --method naive --method hlop --seeds 1
  hebbgraph bench continual --preset mnist5k --jobs 2 --folder runs/mnist5k
  hebbgraph bench continual --preset split --json
  hebbgraph bench continual --engines                  HLOP learned on every engine, and equal
  hebbgraph bench continual --set hidden=200 --set trainer=bptt --epochs 5

A run that was stopped goes on where it was when the same command names the same --folder.
exit code: 0 all methods ran (all engines agree), 1 one failed (disagrees), 2 bad input"""


def add_parser(kinds: Any) -> None:
    """Add the command to those of `hebbgraph bench`."""
    parser = kinds.add_parser(
        "continual",
        help="continual learning: method x accuracy, forgetting, memory, energy of learning",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    listed = "; ".join(f"{name}: {each.about}" for name, each in PRESETS.items())
    add("--preset", default="quick", metavar="NAME", help=f"{listed} (default: %(default)s)")
    add("--method", action="append", metavar="NAME", help="repeatable (default: the preset's)")
    add("--seeds", default="3", help="how many, or a list such as 3,5,8 (default: %(default)s)")
    add("--epochs", type=int, help="epochs of each task, instead of the preset's")
    add("--tasks", type=int, help="tasks, instead of the preset's")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the network")
    about = "HLOP as a process graph on every engine in both domains, instead of methods"
    add("--engines", action="store_true", help=about)
    add("--backend", action="append", metavar="NAME", help="with --engines (default: all)")
    add("--domain", action="append", metavar="NAME", help="with --engines (default: both)")
    add("--jobs", type=int, default=1, help="runs side by side (default: %(default)s)")
    add("--hardware", action="append", metavar="NAME", help="machine to price on (default: all)")
    add("--runs", default="runs", metavar="FOLDER", help="where run folders go (default: runs)")
    add("--folder", metavar="FOLDER", help="this folder, and go on with what is in it")
    add("--no-folder", action="store_true", help="write nothing")
    add("--json", action="store_true", help="print JSON instead of tables")
    add("--quiet", action="store_true", help="no progress")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Run the benchmark; exit code 1 if a method failed, or an engine disagrees."""
    if parsed.engines:
        return continual_engines.handle(parsed)
    from hebbgraph.continual.bench import ContinualConfig, bench_continual
    from hebbgraph.report import continual_tables

    base = preset(parsed.preset)
    config = ContinualConfig(
        preset=parsed.preset,
        base=base,
        methods=tuple(dict.fromkeys(parsed.method or base.methods)),
        seeds=seeds_of(parsed.seeds),
        epochs=parsed.epochs,
        net=_settings(parsed.set),
        stream={} if parsed.tasks is None else {"tasks": parsed.tasks},
    )
    config.check()
    if parsed.jobs < 1:
        raise Invalid("bench continual", [Fault("--jobs", str(parsed.jobs), "must be 1 or more")])
    machines = tuple(dict.fromkeys(parsed.hardware or hardware.priceable()))
    for name in machines:
        hardware.load(name)
    folder = None if parsed.no_folder else _folder(parsed)
    with Reporter(not parsed.quiet) as progress:
        checkpoints = folder / "checkpoints" if folder else None
        found = bench_continual(
            config, checkpoints=checkpoints, jobs=parsed.jobs, progress=progress
        )
    if folder:
        _write(folder, found, machines)
    if parsed.json:
        place = {"folder": str(folder) if folder else None}
        print(json.dumps(continual_tables.as_json(found, machines) | place, indent=2))
    else:
        _print(found, machines, folder)
    return 1 if any(row.failure for row in found.rows) else 0


def _folder(parsed: argparse.Namespace) -> Path:
    report.require()
    if parsed.folder:
        runfolder.prepare(parsed.folder)
        return Path(parsed.folder)
    runfolder.prepare(parsed.runs)
    made = Path(parsed.runs) / f"{runfolder.timestamp()}-bench-continual"
    made.mkdir()
    return made


def _write(folder: Path, found: Any, machines: tuple[str, ...]) -> None:
    from hebbgraph.report import continual_tables
    from hebbgraph.report.continual_page import continual_page

    environment = runfolder.environment()
    document = continual_tables.as_json(found, machines)
    write_atomic(folder / "results.json", json.dumps(document, indent=1).encode())
    write_atomic(folder / "results.csv", continual_tables.csv_text(found).encode())
    write_atomic(folder / "environment.json", json.dumps(environment, indent=1).encode())
    write_atomic(folder / "report.html", continual_page(found, machines, environment))


def _print(found: Any, machines: tuple[str, ...], folder: Path | None) -> None:
    from hebbgraph.report import continual_tables

    out = console()
    made = {
        "accuracy and forgetting": continual_tables.accuracy(found),
        "what learning takes": continual_tables.costs(found),
        "energy": continual_tables.energies(found, machines),
    }
    for title, table in made.items():
        if not table.rows:
            continue
        shown = RichTable(title=title, title_justify="left")
        for head in table.head:
            shown.add_column(head, overflow="fold")
        for row in table.rows:
            shown.add_row(*row)
        out.print(shown)
        for note in table.notes:
            out.print(note)
    for note in [note for row in found.rows for note in row.notes]:
        out.print(f"note: {note}")
    out.print(continual_tables.headline(found))
    if folder:
        out.print(f"report: {folder / 'report.html'}")


def _settings(given: list[str]) -> dict[str, Any]:
    """Return KEY=VALUE pairs as settings of the network; raises `Invalid`."""
    from hebbgraph.continual.spiking.settings import NetSettings

    known = NetSettings.__dataclass_fields__
    found: dict[str, Any] = {}
    faults = []
    for pair in given:
        key, mark, text = pair.partition("=")
        if not mark or key not in known:
            need = f"must be KEY=VALUE, the key one of {', '.join(known)}"
            faults.append(Fault("--set", pair, need))
            continue
        default = known[key].default
        try:
            found[key] = _value(text, default)
        except ValueError:
            faults.append(Fault("--set", pair, f"must be like the default, {default!r}"))
    if faults:
        raise Invalid("bench continual", faults)
    return found


def _value(text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise ValueError
        return text == "true"
    if isinstance(default, tuple):
        return tuple(int(part) for part in text.split(",") if part)
    return type(default)(text)
