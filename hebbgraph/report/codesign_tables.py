"""codesign_tables: a sweep in words and rows: what stands out, what failed."""

from __future__ import annotations

import math
from typing import Any

from hebbgraph.energy.band import quantity
from hebbgraph.report.tables import Table
from hebbgraph.sweep.found import Found, Row
from hebbgraph.sweep.objectives import PRICES, Objective
from hebbgraph.sweep.pricing import has_cores

#: Letters of an error that a table shows; table.json has all.
LONGEST = 400


def headline(found: Found) -> list[str]:
    """Return what the sweep did, in sentences."""
    tally, plan = found.tally, found.plan
    failed = sum(bool(row.error) for row in found.rows)
    text = f"{len(found.rows)} points, {len(plan.seeds)} seeds: {len(found.good)} have results"
    said = [f"{text}, {failed} failed." if failed else f"{text}."]
    if tally.get("ran"):
        ran = f"{tally['ran']} jobs ran"
        died = f", a worker died {tally['died']} times" if tally.get("died") else ""
        said.append(f"{ran}, {tally.get('known', 0)} were there{died}.")
    synthetic = [m.name for m in plan.machines if m.synthetic]
    if synthetic:
        said.append(f"Energies of {', '.join(synthetic)} are guesses (SYNTHETIC).")
    for subject, machine in _unplaced(found):
        said.append(
            f"Nothing of {subject} lies on cores of {machine}, which does not compute its units:"
            " cores and packets are not counted (`host: none` places units as if it did)."
        )
    over = sum(any(p.over for x in row.priced.values() for p in x.placed) for row in found.rows)
    if over:
        said.append(f"{over} points exceed a limit of a core on some machine, see `.over`.")
    return said


def _unplaced(found: Found) -> list[tuple[str, str]]:
    """Return subjects and machines with cores on which nothing of the subject was placed."""
    if not found.plan.placing:
        return []
    placeable = [m.name for m in found.plan.machines if has_cores(m)]
    rows = {row.point.subject: row for row in found.good}
    return [(s, m) for s, row in rows.items() for m in placeable if not row.priced[m].placed]


def knobs(found: Found) -> list[str]:
    """Return the names of all knobs, in the order of the spec."""
    return list(dict.fromkeys(name for row in found.rows for name in row.point.at))


def front(found: Found) -> Table:
    """Return the points that no other beats in every objective."""
    rows = found.front()
    objectives = found.plan.objectives
    first = objectives[-1]
    rows.sort(key=lambda row: (found.value(row, first)[0], row.point.key))
    notes = (
        "Energies are estimates: nominal, and 5 % to 95 % over the ranges of the costs.",
        "Only subjects of one kind compete: recalls, or continual runs.",
    )
    return _table(found, rows, notes if rows else ())


def every(found: Found) -> Table:
    """Return all points that have a result."""
    return _table(found, list(found.good), ())


def failures(found: Found) -> Table:
    """Return the points that have none: a line for each error, with the first that has it."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in found.rows:
        if row.error:
            groups.setdefault((row.point.subject, row.error), []).append(row)
    rows = []
    for (subject, error), failed in groups.items():
        first = ", ".join(f"{name} {cell(value)}" for name, value in failed[0].point.at.items())
        rows.append((subject, str(len(failed)), first or "-", " ".join(error.split())[:LONGEST]))
    return Table(("subject", "points", "the first at", "error"), tuple(rows))


def cell(value: Any) -> str:
    """Return a knob's value as it is written."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def written(found: Found, row: Row, objective: Objective) -> str:
    """Return an objective of a row, with its range."""
    value, low, high = found.value(row, objective)
    if math.isnan(value):
        return "-"
    if PRICES.get(objective.name):
        unit = PRICES[objective.name]
        ends = f"{quantity(low, unit)} to {quantity(high, unit)}"
        priced = row.priced[objective.machine]
        least = "at least " if priced.report.lower_bound and objective.name == "energy" else ""
        return f"{least}{quantity(value, unit)} ({ends})"
    if low == high or math.isnan(low):
        return f"{value:.3g}"
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def _table(found: Found, rows: list[Row], notes: tuple[str, ...]) -> Table:
    names, objectives = knobs(found), found.plan.objectives
    cells = tuple(
        (
            row.point.subject,
            *(cell(row.point.at.get(name)) for name in names),
            *(written(found, row, objective) for objective in objectives),
        )
        for row in rows
    )
    return Table(("subject", *names, *(o.label for o in objectives)), cells, notes)
