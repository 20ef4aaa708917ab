"""`hebbgraph energy`: price stored runs again, on every machine, with the uncertainty of costs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from hebbgraph import hardware
from hebbgraph.cli.arguments import pairs
from hebbgraph.cli.tables import console
from hebbgraph.energy.band import Band, quantity
from hebbgraph.energy.breakeven import break_even
from hebbgraph.energy.sensitivity import sensitivity
from hebbgraph.energy.shares import shares
from hebbgraph.energy.stored import StoredRun, stored_runs
from hebbgraph.energy.table import EnergyTable, Spread, energy_table
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware import Hardware

EXAMPLES = """examples:
  hebbgraph energy runs/NAME                                on every machine
  hebbgraph energy runs/NAME --hardware loihi1_nahuku --explain
  hebbgraph energy runs/NAME --hardware my_chip.yaml --sensitivity
  hebbgraph energy runs/NAME --hardware digital_45nm --set state_bits=16 --set synaptic_kib=32
  hebbgraph energy runs/NAME --hardware loihi2_scaled --allow-synthetic
  hebbgraph energy runs/NAME --samples 10000 --json > prices.json
  hebbgraph energy runs/NAME/rasters/lava-fixed-seed0.zip
  hebbgraph energy runs/ONE runs/OTHER --hardware loihi1_nahuku     which costs less, how surely

Nothing runs: the counters in the folder are priced. Low and high have every cost at that end; 5 %
and 95 % are quantiles over draws of all costs, those of one source together. >= marks a lower
bound. Dynamic, learning and static energy are never added up without being told apart. Runs are
compared under the same draws: two may be uncertain by a factor of four, their order by nothing."""

#: Bars of a tornado that are printed.
SWINGS = 8


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "energy",
        help="price stored runs again, on every machine",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN_FOLDER", help="a run folder, or a result file (.zip)")
    add("--hardware", action="append", metavar="NAME", help="machine or .yaml file (default: all)")
    add("--set", action="append", default=[], metavar="KNOB=VALUE", help="turn a machine's knob")
    add("--explain", action="store_true", help="print the ledger: every count x cost = product")
    add("--sensitivity", action="store_true", help="print how far each cost alone moves the total")
    add("--allow-synthetic", action="store_true", help="price on machines of guessed energies, too")
    add("--samples", type=int, default=1000, help="draws of every cost (default: %(default)s)")
    add("--seed", type=int, default=0, help="of the draws (default: %(default)s)")
    add("--independent", action="store_true", help="draw each cost for itself, not by source")
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Price what the arguments name."""
    runs = named(list(dict.fromkeys(parsed.runs)))
    table = energy_table(
        {name: run.counters for name, run in runs.items()},
        machines_of(parsed.hardware, pairs(parsed.set, "--set"), parsed.allow_synthetic),
        samples=parsed.samples,
        seed=parsed.seed,
        independent=parsed.independent,
        allow_synthetic=parsed.allow_synthetic,
    )
    if parsed.json:
        document = {"runs": as_dict(runs, table), "cheaper": ranks(table)}
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        _print(parsed, runs, table)
    return 0


def named(paths: Sequence[str]) -> dict[str, StoredRun]:
    """Return the runs of all folders by name, with that of the folder where there are several."""
    runs: dict[str, StoredRun] = {}
    for path in paths:
        for run in stored_runs(path):
            name = f"{Path(path).stem}: {run.name}" if len(paths) > 1 else run.name
            if name in runs:
                name = f"{path}: {run.name}"
            runs[name] = replace(run, name=name)
    return runs


def machines_of(
    names: Sequence[str] | None, knobs: Mapping[str, Any], synthetic: bool = False
) -> list[Hardware]:
    """Return the machines that are named, by default all, with the knobs they have turned.

    Raises `Invalid` for a knob that none of them has.
    """
    shipped = hardware.available() if synthetic else hardware.priceable()
    machines = [hardware.load(name) for name in dict.fromkeys(names or shipped)]
    lost = [knob for knob in knobs if not any(knob in m.knobs for m in machines)]
    if lost:
        have = "; ".join(f"{m.name}: {', '.join(m.knobs)}" for m in machines if m.knobs) or "none"
        faults = [Fault(f"--set {knob}", repr(knobs[knob]), f"knobs are {have}") for knob in lost]
        raise Invalid("arguments", faults)
    return [m.at(**{k: v for k, v in knobs.items() if k in m.knobs}) for m in machines]


def as_dict(runs: Mapping[str, StoredRun], table: EnergyTable) -> dict[str, Any]:
    """Return the whole answer in JSON types: per run the counts it rests on, prices, conditions."""
    priced = table.as_dict()
    return {
        name: {
            "alike": list(run.alike),
            "counters": run.counters.as_dict(),
            "machines": {
                machine: {
                    **priced[name][machine],
                    "per": {k: b.as_dict() for k, b in _shares(run, table, machine).items()},
                    "sensitivity": [s.as_dict() for s in sensitivity(table.report(name, machine))],
                    "ledger": table.report(name, machine).as_dict()["ledger"],
                }
                for machine in table.machines
            },
            "break_even": [found.as_dict() for found in break_even(run.counters)],
        }
        for name, run in runs.items()
    }


def ranks(table: EnergyTable) -> dict[str, list[list[float]]]:
    """Return by machine the probability that a run (row) costs less than another (column)."""
    return {machine: table.ranks(machine).tolist() for machine in table.machines}


def _print(parsed: argparse.Namespace, runs: Mapping[str, StoredRun], table: EnergyTable) -> None:
    out = console()
    for name, run in runs.items():
        per = "per recall" if run.recalls else "per episode"
        title = f"{run.label}: energy {per}, {parsed.samples} draws of every cost"
        out.print(_prices(title, run, table))
        out.print(_components(name, table))
        if run.alike:
            out.print(f"the same counters: {', '.join(run.alike)}")
        reasons = {m: table.report(name, m).lower_bound_reasons for m in table.machines}
        for machine, words in reasons.items():
            if words:
                out.print(f">= {machine}: {'; '.join(words)}")
        for machine in table.machines:
            if table.report(name, machine).synthetic:
                out.print(f"SYNTHETIC {machine}: {table.report(name, machine).synthetic.strip()}")
        for found in break_even(run.counters):
            out.print(f"{found.paper}: {found.verdict}. {found.text}")
        if parsed.sensitivity:
            for machine in table.machines:
                out.print(_tornado(name, machine, table))
        if parsed.explain:
            for machine in table.machines:
                print(table.report(name, machine).explain(), end="\n\n")
    if len(runs) > 1:
        out.print("probability that the row costs less than the column, dynamic, per episode")
        for machine in table.machines:
            out.print(f"{machine}:")
            out.print(_ranks(machine, table))


def _prices(title: str, run: StoredRun, table: EnergyTable) -> Table:
    made = Table(title=title, title_justify="left")
    pattern = ("per stored pattern",) * (run.stored_patterns is not None)
    heads = ("machine", "dynamic", "5 % to 95 %", *pattern, "learning", "static", "time", "E x t")
    for head in (*heads, "basis"):
        made.add_column(head, overflow="fold")
    for machine in table.machines:
        report = table.report(run.name, machine)
        n = max(report.episodes, 1)
        dynamic = table.total(run.name, machine)
        static, edp = report.static, table.edp(run.name, machine)
        least = ">= " if report.lower_bound else ""
        learned = report.learning / n
        assert dynamic is not None
        made.add_row(
            machine,
            f"{least}{(dynamic.band / n).text('J')}",
            _quantiles(dynamic, n),
            *(
                b.text("J")
                for k, b in _shares(run, table, machine).items()
                if k == "stored pattern"
            ),
            learned.text("J") if learned.high else "-",
            (static / n).text("J") if static else "-",
            (report.latency.time / n).text("s") if report.latency else "-",
            edp.band.text("J s") if edp else "-",
            ", ".join(("SYNTHETIC",) * bool(report.synthetic) + report.basis) or "-",
        )
    return made


def _components(name: str, table: EnergyTable) -> Table:
    made = Table(title="by component, per episode: nominal (5 % to 95 %)", title_justify="left")
    used = [table.report(name, machine).components for machine in table.machines]
    heads = list(dict.fromkeys(component for found in used for component in found))
    for head in ("machine", *heads):
        made.add_column(head.replace("_", " "), overflow="fold")
    for machine, found in zip(table.machines, used, strict=True):
        n = max(table.report(name, machine).episodes, 1)
        cells = []
        for component in heads:
            each = table.component(name, machine, component)
            nominal = quantity(each.band.nominal / n, "J")
            cells.append(f"{nominal} ({_quantiles(each, n)})" if component in found else "-")
        made.add_row(machine, *cells)
    return made


def _ranks(machine: str, table: EnergyTable) -> Table:
    made = Table()
    letters = [f"[{number}]" for number in range(1, len(table.runs) + 1)]
    for head in ("", "run", *letters):
        made.add_column(head, overflow="fold")
    for letter, name, row in zip(letters, table.runs, table.ranks(machine), strict=True):
        made.add_row(letter, name, *(f"{p:.2f}" for p in row))
    return made


def _quantiles(found: Spread, n: int) -> str:
    low, _, high = (quantity(q / n, "J") for q in found.quantiles)
    return f"{low} to {high}"


def _tornado(name: str, machine: str, table: EnergyTable) -> Table:
    made = Table(
        title=f"{machine}: the dynamic total with one cost at its end", title_justify="left"
    )
    for head in ("cost", "total at low", "total at high", "moves by", "source"):
        made.add_column(head)
    for swing in sensitivity(table.report(name, machine))[:SWINGS]:
        ends = (quantity(end, "J") for end in (swing.low, swing.high, swing.width))
        made.add_row(f"{swing.counter}, {swing.component}", *ends, swing.source)
    return made


def _shares(run: StoredRun, table: EnergyTable, machine: str) -> dict[str, Band]:
    return shares(
        table.report(run.name, machine), recalls=run.recalls, stored_patterns=run.stored_patterns
    )
