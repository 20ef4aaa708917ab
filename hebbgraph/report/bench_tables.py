"""The tables of `hebbgraph bench recall`, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Sequence

from hebbgraph.energy import EnergyReport
from hebbgraph.energy.band import format_energy
from hebbgraph.harness.bench import BenchReport, Entry
from hebbgraph.harness.compare import Row
from hebbgraph.metrics import Interval
from hebbgraph.report.tables import Table
from hebbgraph.report.words import interval

ACCURACY = (
    "Recall accuracy: share that ends nearest to the right pattern, no tie. Spikes and synops are"
    " per recall. Brackets: 95 % bootstrap intervals over seeds, where seeds differ."
)
WALL = (
    "Wall time: all recalls of all seeds on this computer, from the fastest engine to the slowest;"
    " no chip's time."
)
ENERGY = (
    "Estimated dynamic energy per recall, nominal (low to high), and per bit stored: patterns times"
    " units; >= marks a lower bound. From the events of the first engine that ran."
)


def memories(found: BenchReport) -> Table:
    """Return what each memory is asked, and what the baselines make of the same cues."""
    head = ("memory", "patterns", "cues", "steps", "cue overlap", "1-NN on the cue")
    rows = []
    for entry in found.entries:
        task, reports = entry.task, [row.report for row in entry.rows if row.report]
        given = f"{task.count} {task.data.alphabet} of {task.data.units} units"
        cue = f"{task.recalls} a seed, {task.corruption} {task.level:g}"
        measured = ("-", "-")
        if reports:
            first = reports[0]
            measured = (
                _brief(first.metrics["cue_overlap"]),
                _brief(first.baselines["nearest_stored"]),
            )
        rows.append((entry.title, given, cue, str(task.steps), *measured))
    note = f"{len(found.config.seeds)} seeds, each its own network and cues."
    return Table(head, tuple(rows), (note,))


def engines(found: BenchReport) -> Table:
    """Return accuracy, cost and agreement; engines that agree in everything share a line."""
    head = (
        "memory", "domain", "engines", "recall accuracy", "overlap", "exact", "steps to settle",
        "spikes", "synops", "wall time", "agreement with the reference",
    )  # fmt: skip
    rows = []
    for entry in found.entries:
        for group in _groups(entry):
            names = ", ".join(row.backend for row in group)
            rows.append((entry.title, group[0].domain, names, *_measured(group), _agreement(group)))
    return Table(head, tuple(rows), (ACCURACY, WALL))


def energies(found: BenchReport) -> Table:
    """Return dynamic energy per recall and per stored bit on every machine, first row by row."""
    machines = tuple(found.config.hardware)
    rows = []
    for entry in found.entries:
        for domain in found.config.domains:
            priced = [row for row in entry.rows if row.domain == domain and row.report]
            if priced:
                cells = (_priced(priced[0].energy[name], entry) for name in machines)
                rows.append((entry.title, domain, *cells))
    return Table(("memory", "domain", *machines), tuple(rows), (ENERGY,))


def headline(found: BenchReport) -> str:
    """Return in one sentence whether the engines agree."""
    every = [row for entry in found.entries for row in entry.rows]
    ran = [row for row in every if not row.unavailable]
    agreeing = sum(row.agrees for row in ran)
    missing = sorted({row.backend for row in every if row.unavailable})
    text = f"{agreeing} of {len(ran)} runs agree with the reference"
    return f"{text}; not available here: {', '.join(missing)}" if missing else text


def _groups(entry: Entry) -> list[list[Row]]:
    """Return the rows of a memory, those with equal events and agreement together."""
    groups: list[list[Row]] = []
    for row in entry.rows:
        for group in groups:
            if _alike(group[0], row):
                group.append(row)
                break
        else:
            groups.append([row])
    return groups


def _alike(one: Row, other: Row) -> bool:
    if one.domain != other.domain or one.agreement != other.agreement:
        return False
    if one.report is None or other.report is None:
        return one.report is other.report
    return one.report.counters == other.report.counters


def _measured(group: Sequence[Row]) -> tuple[str, ...]:
    report = group[0].report
    if report is None:
        return ("-",) * 7
    found = report.metrics
    accuracy = (_brief(found[name]) for name in ("identification", "overlap", "exact"))
    events = (f"{found[f'{name}_per_recall'].mean:,.0f}" for name in ("spikes", "synops"))
    walls = sorted(sum(row.report.per_seed["wall_seconds"]) for row in group if row.report)
    wall = f"{walls[0]:.2g} s" if len(walls) == 1 else f"{walls[0]:.2g} to {walls[-1]:.2g} s"
    return (*accuracy, _brief(found["steps_to_settle"]), *events, wall)


def _agreement(group: Sequence[Row]) -> str:
    return group[0].agreement


def _priced(report: EnergyReport, entry: Entry) -> str:
    band = report.per_episode(report.dynamic)
    if band is None:
        return "-"
    least = ">= " if report.lower_bound else ""
    bits = entry.task.count * entry.task.data.units
    return f"{least}{band.text('J')}\n{format_energy(band.nominal / bits)} per bit"


def _brief(value: Interval) -> str:
    """Return the mean, with its interval where seeds differ."""
    same = value.low == value.high
    return f"{value.mean:.2f}" if same else interval(value, 2)
