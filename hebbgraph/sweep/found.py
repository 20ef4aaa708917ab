"""found: what a sweep found: every point with its metrics, its prices, or why it has none."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.counters import Counters, added
from hebbgraph.energy.band import Band
from hebbgraph.energy.table import EnergyTable, Spread, table_of
from hebbgraph.errors import Unavailable
from hebbgraph.metrics import Interval, bootstrap
from hebbgraph.sweep.execute import Teller
from hebbgraph.sweep.executors import Pool
from hebbgraph.sweep.jobs import Point
from hebbgraph.sweep.journal import Journal
from hebbgraph.sweep.objectives import ACCURACY, Objective
from hebbgraph.sweep.planning import Plan
from hebbgraph.sweep.pricing import Priced, Pricer
from hebbgraph.sweep.pricing_jobs import priced_on

#: What the error of a point says that no job has run for yet.
UNRUN = "has not run"
#: The metric that stands for every one in a table's columns: value and interval over seeds.
PARTS = ("mean", "low", "high")


@dataclass(frozen=True, eq=False)
class Row:
    """One point."""

    point: Point
    #: One number per seed; empty where a seed failed.
    per_seed: Mapping[str, tuple[float, ...]]
    priced: Mapping[str, Priced]
    #: Why there is no result, in words; empty where there is one.
    error: str = ""
    notes: tuple[str, ...] = ()
    #: Events of all seeds; None where a seed failed.
    counters: Counters | None = None

    @cached_property
    def metrics(self) -> Mapping[str, Interval]:
        """Return mean and bootstrap interval over the seeds."""
        return {name: bootstrap(values) for name, values in self.per_seed.items()}

    def metric(self, name: str, kind: str) -> Interval | None:
        """Return a metric, ``accuracy`` by what it is for this kind of subject."""
        own = ACCURACY[kind] if name == "accuracy" else name
        return self.metrics.get(own)


@dataclass(frozen=True, eq=False)
class Found:
    """All points of a sweep, in the order of its plan."""

    plan: Plan
    points: tuple[Point, ...]
    rows: tuple[Row, ...]
    #: Lines of the journal that held no result.
    damaged: tuple[str, ...] = ()
    #: What the run took, not part of the table.
    tally: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def good(self) -> tuple[Row, ...]:
        """Return the rows that have a result."""
        return tuple(row for row in self.rows if not row.error)

    @cached_property
    def table(self) -> EnergyTable | None:
        """Return dynamic energies of all good points on all machines, with draws of the costs."""
        return self._table(training=False)

    @cached_property
    def training(self) -> EnergyTable | None:
        """Return the same of training, of the points that learned something."""
        return self._table(training=True)

    def kind(self, row: Row) -> str:
        """Return what a row's subject is: ``recall`` or ``continual``."""
        return self.plan.spec.subjects[row.point.subject].kind

    def value(self, row: Row, objective: Objective) -> tuple[float, float, float]:
        """Return an objective of one row: its value, and its low and high end; NaN if unknown.

        A metric's ends are those of its interval over seeds, a price's the 5 % and 95 % quantiles
        of the draws of costs.
        """
        nothing = (math.nan,) * 3
        if row.error:
            return nothing
        if not objective.machine:
            found = row.metric(objective.name, self.kind(row))
            return (found.mean, found.low, found.high) if found else nothing
        priced = row.priced[objective.machine]
        if objective.name in ("cores", "packets"):
            held = [float(getattr(placed, objective.name)) for placed in priced.placed]
            if objective.name == "packets":
                held = [h * len(held) / max(1, priced.report.episodes) for h in held]
            return (float(np.mean(held)), min(held), max(held)) if held else nothing
        spread = self.spread(row, objective.machine, objective.name)
        if spread is None:
            return nothing
        low, _, high = spread.quantiles
        return spread.band.nominal, low, high

    def spread(self, row: Row, machine: str, what: str) -> Spread | None:
        """Return a price of one row per episode, None where it is not known."""
        table = self.training if what == "learning" else self.table
        key = row.point.key
        if table is None or key not in table.runs:
            return None
        report = table.report(key, machine)
        per = max(1, report.episodes)
        if what == "edp":
            return table.edp(key, machine)
        if what == "time":
            if report.latency is None:
                return None
            n, h = table.runs.index(key), table.machines.index(machine)
            drawn = np.quantile(table.time[n, h], (0.05, 0.5, 0.95)) / per
            return Spread(report.latency.time / per, tuple(map(float, drawn)))
        name = {"energy": "dynamic", "learning": "total"}.get(what, what)
        total = table.total(key, machine, name)
        if total is None:
            return None
        return Spread(total.band / per, tuple(q / per for q in total.quantiles))

    def drawn(self, rows: Sequence[Row], machine: str) -> NDArray[np.float64]:
        """Return draws of the dynamic energy per episode, (rows, draws)."""
        table = self.table
        assert table is not None
        h = table.machines.index(machine)
        places = [table.runs.index(row.point.key) for row in rows]
        episodes = [max(1, table.reports[n][h].episodes) for n in places]
        return np.asarray(table.samples["dynamic"][places, h] / np.array(episodes)[:, None])

    def front(self, objectives: Sequence[Objective] | None = None) -> list[Row]:
        """Return the rows that no other beats in every objective (Pareto).

        Only subjects of one kind compete: the accuracy of a recall is not that of a classifier.
        """
        chosen = self.plan.objectives if objectives is None else tuple(objectives)
        values = {
            row.point.key: [self.value(row, o)[0] * (1 if o.minimise else -1) for o in chosen]
            for row in self.good
        }
        kept: set[str] = set()
        for kind in dict.fromkeys(map(self.kind, self.good)):
            rows = [row.point.key for row in self.good if self.kind(row) == kind]
            known = [key for key in rows if not any(map(math.isnan, values[key]))]
            every = np.array([values[key] for key in known])
            for key in known:
                own = np.array(values[key])
                beaten = (every <= own).all(axis=1) & (every < own).any(axis=1)
                if not beaten.any():
                    kept.add(key)
        return [row for row in self.good if row.point.key in kept]

    def _table(self, *, training: bool) -> EnergyTable | None:
        reports: dict[str, list[Any]] = {}
        for row in self.good:
            found = [p.training if training else p.report for p in row.priced.values()]
            if found and all(report is not None for report in found):
                reports[row.point.key] = found
        return table_of(reports, samples=self.plan.spec.samples) if reports else None


def found_of(
    plan: Plan,
    points: Sequence[Point],
    journal: Journal,
    pool: Pool | None = None,
    progress: Teller | None = None,
) -> Found:
    """Return all points with what the journal has of them, priced on every machine.

    Placements, where there are any, are made on the pool.
    """
    pricer = Pricer(plan, journal)
    by_run: dict[str, list[int]] = {}
    for place, point in enumerate(points):
        by_run.setdefault("".join(job.key for job in point.jobs), []).append(place)
    groups = [[points[place] for place in places] for places in by_run.values()]
    there = priced_on(pool, plan, groups, journal, progress) if pool and plan.placing else {}
    rows: dict[int, Row] = {}
    for places in by_run.values():
        for place in places:
            rows[place] = _row(points[place], journal, pricer, there)
    ordered = tuple(rows[place] for place in range(len(points)))
    return Found(plan, tuple(points), ordered, tuple(journal.damaged))


def _row(
    point: Point, journal: Journal, pricer: Pricer, there: Mapping[str, Mapping[str, Priced]]
) -> Row:
    records = [journal.records.get(job.key) for job in point.jobs]
    errors: dict[str, list[str]] = {}
    for job, record in zip(point.jobs, records, strict=True):
        if record is None or "error" in record:
            text = UNRUN if record is None else str(record["error"])
            errors.setdefault(text, []).append(str(job.work["seed"]))
    if errors:
        told = [f"seed {', '.join(seeds)}: {text}" for text, seeds in errors.items()]
        return Row(point, {}, {}, "; ".join(told))
    values = [record["values"] for record in records if record]
    baselines = [record.get("baselines", {}) for record in records if record]
    per_seed = {name: tuple(_number(v.get(name)) for v in values) for name in values[0]}
    per_seed |= {name: tuple(_number(v.get(name)) for v in baselines) for name in baselines[0]}
    notes = dict.fromkeys(note for record in records if record for note in record.get("notes", ()))
    counters = [Counters.from_dict(record["counters"]) for record in records if record]
    every = reduce(added, counters)
    priced = there.get(point.key) or pricer.point(point)
    return Row(point, per_seed, priced, "", tuple(notes), every)


# --- files -------------------------------------------------------------------------------------


def flat(found: Found) -> list[dict[str, Any]]:
    """Return the final table: a row for each point, plain values, in the order of the plan."""
    names = sorted({name for row in found.good for name in row.metrics})
    knobs = list(dict.fromkeys(name for row in found.rows for name in row.point.at))
    front = {row.point.key for row in found.front()}
    return [_flat_row(found, row, knobs, names, row.point.key in front) for row in found.rows]


def _flat_row(
    found: Found, row: Row, knobs: list[str], names: list[str], on_front: bool
) -> dict[str, Any]:
    cells: dict[str, Any] = {"point": row.point.key, "subject": row.point.subject}
    cells |= {name: _cell(row.point.at.get(name)) for name in knobs}
    cells |= {"error": row.error, "pareto": on_front, "seeds": len(row.point.jobs)}
    for objective in found.plan.objectives:
        ends = found.value(row, objective)
        keys = (objective.label, f"{objective.label}.low", f"{objective.label}.high")
        cells |= {k: _json(v) for k, v in zip(keys, ends, strict=True)}
    for name in names:
        interval = row.metrics.get(name)
        for part in PARTS:
            cells[f"{name}.{part}"] = _json(getattr(interval, part)) if interval else None
    for machine in found.plan.machines:
        cells |= _prices(found, row, machine.name)
    return cells


def _prices(found: Found, row: Row, machine: str) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for what in ("energy", "static", "learning", "time"):
        spread = None if row.error else found.spread(row, machine, what)
        band = spread.band if spread else Band(math.nan, math.nan, math.nan)
        ends = dict(zip(("q05", "q50", "q95"), spread.quantiles, strict=True)) if spread else {}
        cells |= {f"{machine}.{what}.{end}": _json(v) for end, v in band.as_dict().items()}
        cells |= {f"{machine}.{what}.{end}": _json(ends.get(end)) for end in ("q05", "q95")}
    priced = row.priced.get(machine)
    placed = priced.placed if priced else ()
    episodes = max(1, priced.report.episodes) if priced else 1
    cells[f"{machine}.cores"] = max((p.cores for p in placed), default=None)
    cells[f"{machine}.packets"] = sum(p.packets for p in placed) / episodes if placed else None
    cells[f"{machine}.over"] = next((p.over for p in placed if p.over), "")
    cells[f"{machine}.lower_bound"] = priced.report.lower_bound if priced else None
    return cells


def csv_text(found: Found) -> str:
    """Return the final table as CSV."""
    rows = flat(found)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]) if rows else ["point"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def parquet(found: Found) -> bytes:
    """Return the final table as Parquet; raises `Unavailable` without pyarrow."""
    try:
        arrow: Any = importlib.import_module("pyarrow")  # an option
        writer: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        text = "parquet: pyarrow is not installed; pip install pyarrow"
        raise Unavailable(text) from error
    rows = flat(found)
    plain = {
        name: [str(r[name]) if name in mixed else r[name] for r in rows]
        for mixed in [_mixed(rows)]
        for name in (rows[0] if rows else ())
    }
    sink = arrow.BufferOutputStream()
    writer.write_table(arrow.table(plain), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def document(found: Found) -> dict[str, Any]:
    """Return the final table with what was asked, JSON types; the same for the same results."""
    plan = found.plan
    return {
        "spec": plan.spec.model_dump(mode="json"),
        "machines": {machine.name: machine.content_hash for machine in plan.machines},
        "objectives": [
            {"name": o.label, "better": "less" if o.minimise else "more"} for o in plan.objectives
        ],
        "points": flat(found),
        "failed": [
            {"point": row.point.key, "subject": row.point.subject, "at": dict(row.point.at),
             "error": row.error}
            for row in found.rows if row.error
        ],
    }  # fmt: skip


def json_text(found: Found) -> str:
    """Return `document` as text."""
    return json.dumps(document(found), indent=1, sort_keys=True)


def _mixed(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the columns whose values are of more than one kind."""
    found = set()
    for name in rows[0] if rows else ():
        kinds = {type(row[name]) for row in rows if row[name] is not None}
        if len(kinds) > 1 and not kinds <= {int, float}:
            found.add(name)
    return found


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _json(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
