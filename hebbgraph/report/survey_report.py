"""SurveyReport: what `hebbgraph survey` found, as data, in sentences and in tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hebbgraph.energy.band import quantity
from hebbgraph.harness.cost import RecallCost
from hebbgraph.harness.sweep import Point, Sweep
from hebbgraph.metrics import Interval
from hebbgraph.report.sweep_words import sweep_words
from hebbgraph.report.tables import Table
from hebbgraph.report.theory_lines import TheoryLine
from hebbgraph.report.words import interval

MEASURED = (
    "Recall accuracy: share that ends nearest to the right pattern, no tie. Stored bits: of all"
    " patterns, those that can be recalled. Brackets: 95 % bootstrap intervals over seeds."
)
PRICED = (
    "Estimated dynamic energy of one recall, nominal, and over the stored bits that can be"
    " recalled; >= marks a lower bound."
)


@dataclass(frozen=True)
class SurveyReport:
    """A sweep of one memory, its theory line and its prices, where these were asked for."""

    kind: str
    sweep: Sweep
    theory: TheoryLine | None = None
    #: Of each point, by machine; none for surveys of other kinds than cost.
    costs: tuple[Sequence[RecallCost], ...] = field(default=())

    @property
    def title(self) -> str:
        """Return what was surveyed: ``"capacity of hopfield on digits"``."""
        data = self.sweep.points[0].trial.data
        return (
            f"{self.kind} of {self.sweep.base.name} on {data.name if data else 'random patterns'}"
        )

    def words(self) -> list[str]:
        """Return what was run and what it shows, sentence by sentence."""
        told = sweep_words(self.sweep)
        if self.theory:
            told.append(f"Theory is of an infinite network at rest: {self.theory.source}.")
        return told

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; NaN becomes None."""
        found = {"kind": self.kind, **self.sweep.as_dict(), "words": self.words()}
        for number, point in enumerate(self.sweep.points):
            row = found["points"][number]
            if self.theory:
                value = self.theory.of(point)
                row["theory"] = None if math.isnan(value) else value
            if self.costs:
                row["costs"] = [cost.as_dict() for cost in self.costs[number]]
        return found


def table(found: SurveyReport) -> Table:
    """Return one line for each point: its knobs, what was measured, the baselines, theory."""
    labelled = "class_accuracy" in found.sweep.points[0].metrics
    counted = "count" in found.sweep.knobs
    head = [*map(_words, found.sweep.knobs), *([] if counted else ["patterns"])]
    head += ["overlap", "exact", "recall accuracy", "1-NN of the cue"]
    head += ["class accuracy", "nearest class mean"] if labelled else []
    head.append("stored bits")
    head += ["theory: overlap"] if found.theory else []
    rows = []
    for point in found.sweep.points:
        measured, base = point.metrics, point.baselines
        cells = list(map(short, point.at.values()))
        cells += [] if counted else [f"{point.trial.count:,}"]
        cells += [brief(measured[name]) for name in ("overlap", "exact", "identification")]
        cells.append(brief(base["nearest_stored"]))
        if labelled:
            cells += [brief(measured["class_accuracy"]), brief(base["nearest_mean"])]
        bits = measured["stored_bits"]
        cells.append(f"{bits.mean:,.0f}" if bits.n else "-")
        if found.theory:
            value = found.theory.of(point)
            cells.append("-" if math.isnan(value) else f"{value:.2f}")
        rows.append(tuple(cells))
    return Table(tuple(head), tuple(rows), (MEASURED,))


def cost_table(found: SurveyReport) -> Table:
    """Return the price of a recall at every point, a column for each machine."""
    machines = tuple(cost.hardware for cost in found.costs[0])
    rows = []
    for point, costs in zip(found.sweep.points, found.costs, strict=True):
        rows.append((*map(short, point.at.values()), *map(_priced, costs)))
    return Table((*map(_words, found.sweep.knobs), *machines), tuple(rows), (PRICED,))


def best_point(found: SurveyReport) -> Point:
    """Return the point that stores most bits that can be recalled."""
    bits = [point.metrics["stored_bits"] for point in found.sweep.points]
    order = sorted(range(len(bits)), key=lambda n: bits[n].mean if bits[n].n else -1.0)
    return found.sweep.points[order[-1]]


def brief(value: Interval) -> str:
    """Return the mean, with its interval where that can be seen."""
    if value.n == 0:
        return "-"
    mean, low, high = (f"{number:.2f}" for number in (value.mean, value.low, value.high))
    return mean if value.n == 1 or low == mean == high else interval(value, 2)


def short(value: Any) -> str:
    """Return a knob's value."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _priced(cost: RecallCost) -> str:
    least = ">= " if cost.lower_bound else ""
    bit = cost.per_stored_bit
    each = f"{least}{quantity(bit.nominal, 'J')} per bit" if bit else "no bits"
    return f"{least}{quantity(cost.per_recall.nominal, 'J')}\n{each}"


def _words(name: str) -> str:
    return {"count": "patterns"}.get(name, name.replace("_", " "))
