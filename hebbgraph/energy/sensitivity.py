"""Sensitivity: how far each figure alone moves a total (the bars of a tornado chart)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hebbgraph.energy import EnergyReport, Line
from hebbgraph.energy.band import Band


@dataclass(frozen=True)
class Swing:
    """One figure: the total with it at its low and at its high end, all others nominal."""

    counter: str
    component: str
    source: str
    #: Joules per event.
    cost: Band
    count: int
    #: Totals, joules.
    low: float
    nominal: float
    high: float

    @property
    def width(self) -> float:
        """Return how far the total moves, joules."""
        return self.high - self.low

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "width": self.width}


def sensitivity(report: EnergyReport, *, learning: bool = False) -> tuple[Swing, ...]:
    """Return the swing of every figure of the dynamic (or learning) energy, the widest first."""
    wanted = [line for line in report.ledger if (line.component == "learning") == learning]
    nominal = (report.learning if learning else report.dynamic).nominal
    counts: dict[tuple[str, str, str, Band], int] = {}
    for line in wanted:
        counts[_figure(line)] = counts.get(_figure(line), 0) + line.count
    swings = [
        Swing(
            counter,
            component,
            source,
            cost,
            n,
            nominal + n * (cost.low - cost.nominal),
            nominal,
            nominal + n * (cost.high - cost.nominal),
        )
        for (counter, component, source, cost), n in counts.items()
    ]
    return tuple(sorted(swings, key=_narrowness))


def _figure(line: Line) -> tuple[str, str, str, Band]:
    return line.counter, line.component, line.source, line.cost


def _narrowness(swing: Swing) -> float:
    return -swing.width
