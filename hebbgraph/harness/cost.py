"""What recall costs on every machine: energy per recall, and per recall and stored bit.

The second is the figure of merit of content-addressable memories, joules per bit and search
(K. Pagiamtzis and A. Sheikholeslami, IEEE J. Solid-State Circuits 41(3), 2006,
doi:10.1109/JSSC.2005.864128): the energy of one recall over the bits it chose among. Only bits that
can still be recalled count (``stored_bits`` of a sweep), so a memory that forgets is not cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hebbgraph.energy import EnergyReport, energy
from hebbgraph.energy.band import Band, quantity
from hebbgraph.hardware import Hardware, priceable
from hebbgraph.harness.sweep import Point


@dataclass(frozen=True)
class RecallCost:
    """The price of a recall on one machine, joules; an estimate, see `report`."""

    #: Everything it rests on: ledger, sources, learning and static energy, which are not in it.
    report: EnergyReport
    #: Dynamic energy of one recall, all its steps.
    per_recall: Band
    #: The same over the bits stored that can be recalled; None where these are none or undefined.
    per_stored_bit: Band | None

    @property
    def hardware(self) -> str:
        """Return the name of the machine."""
        return self.report.hardware

    @property
    def lower_bound(self) -> bool:
        """Return whether the true energy can only be higher."""
        return self.report.lower_bound

    def __str__(self) -> str:
        least = "at least " if self.lower_bound else ""
        bit = "undefined"
        if self.per_stored_bit:
            bit = quantity(self.per_stored_bit.nominal, "J")
        why = f"; {'; '.join(self.report.lower_bound_reasons)}" if self.lower_bound else ""
        return (
            f"{self.hardware}: {least}{self.per_recall.text('J')} per recall, {least}{bit}"
            f" per recall and stored bit ({', '.join(self.report.basis) or 'nothing priced'}{why})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types, joules."""
        return {
            "hardware": self.hardware,
            "per_recall": self.per_recall.as_dict(),
            "per_stored_bit": self.per_stored_bit.as_dict() if self.per_stored_bit else None,
            "lower_bound": self.lower_bound,
            "lower_bound_reasons": list(self.report.lower_bound_reasons),
            "basis": list(self.report.basis),
        }


def recall_costs(
    point: Point,
    hardware: Sequence[Hardware | str] | None = None,
    *,
    allow_synthetic: bool = False,
) -> list[RecallCost]:
    """Return what the recalls of a point cost, mean over seeds, by default on every machine.

    Prices are applied to the counters of the point: no network runs. Raises `Invalid` on an unknown
    machine.
    """
    bits = point.metrics["stored_bits"]
    found = []
    for machine in priceable() if hardware is None else hardware:
        report = energy(point.counters, machine, allow_synthetic=allow_synthetic)
        each = report.dynamic / point.recalls
        per_bit = each / bits.mean if bits.n and bits.mean > 0 else None
        found.append(RecallCost(report, each, per_bit))
    return found
