"""shares: what a run cost for each recall, inference, training sample and stored pattern."""

from __future__ import annotations

from collections.abc import Mapping

from hebbgraph.checks import whole_faults
from hebbgraph.energy import EnergyReport
from hebbgraph.energy.band import Band
from hebbgraph.errors import Invalid

#: Which energies of the report are shared out, by what they are shared among.
SHARED: Mapping[str, tuple[str, ...]] = {
    "recall": ("dynamic",),
    "inference": ("dynamic",),
    "training sample": ("learning",),
    "stored pattern": ("dynamic", "learning"),
}


def shares(
    report: EnergyReport,
    *,
    recalls: int | None = None,
    inferences: int | None = None,
    training_samples: int | None = None,
    stored_patterns: int | None = None,
) -> dict[str, Band]:
    """Return joules per recall, inference, training sample and stored pattern, as far as counted.

    The first two share the dynamic energy, the third the learning energy, the last both: what the
    whole run took for each pattern that is stored. Raises `Invalid` for counts below 1.
    """
    given = dict(zip(SHARED, (recalls, inferences, training_samples, stored_patterns), strict=True))
    counts = {name: n for name, n in given.items() if n is not None}
    faults = [
        fault
        for name, n in counts.items()
        for fault in whole_faults(f"{name.replace(' ', '_')}s", n, 1, 2**62)
    ]
    if faults:
        raise Invalid("shares", faults)
    return {
        name: Band.sum(getattr(report, part) for part in SHARED[name]) / n
        for name, n in counts.items()
    }
