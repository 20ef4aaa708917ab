"""objectives: what points are compared by: a metric, or a price on a machine.

``accuracy`` is the share of recalls that name the right pattern (``identification``), and of a
continual run the average accuracy at the end, of the deployed network where one is. ``energy`` is
the dynamic energy of one recall or inference, ``learning`` what one training sample takes,
``time``, ``edp``, ``static`` and ``total`` are per recall, ``cores`` and ``packets`` come from a
placement. A price is that on the first machine, or on one by name: ``energy:loihi1_nahuku``. Any
other name is a metric of the runs. ``min NAME`` and ``max NAME`` say which way is better where it
is not the usual one.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from hebbgraph.continual.matrix import MEASURES
from hebbgraph.errors import Fault
from hebbgraph.hardware import Hardware
from hebbgraph.harness.sweep import SWEEP_METRICS
from hebbgraph.sweep.spec import Spec

#: Prices, and their units.
PRICES = {
    "energy": "J",
    "learning": "J",
    "static": "J",
    "total": "J",
    "time": "s",
    "edp": "J s",
    "cores": "",
    "packets": "",
}
#: Metrics of which less is better.
LESS = (
    *("hamming", "spurious", "mixture", "period_two", "steps_to_settle", "mean_image_overlap"),
    *("forgetting", "forgetting_first", "spikes_per_recall", "synops_per_recall"),
)
#: What each kind of subject calls accuracy.
ACCURACY = {"recall": "identification", "continual": "accuracy"}
METRICS = (
    *("accuracy", "deployed", "load", "steps", *MEASURES),
    *(name for name in SWEEP_METRICS if name != "wall_seconds"),
)


@dataclass(frozen=True)
class Objective:
    """One thing that points are compared by."""

    name: str
    #: The machine of a price; empty for a metric.
    machine: str
    minimise: bool

    @property
    def label(self) -> str:
        """Return what it is called in tables."""
        return f"{self.name}:{self.machine}" if self.machine else self.name


def objectives_of(
    spec: Spec, machines: Sequence[Hardware], faults: list[Fault]
) -> tuple[Objective, ...]:
    """Return the objectives of a spec, adding what is wrong with them to `faults`."""
    found = []
    for place, text in enumerate(spec.objectives):
        where = f"objectives.{place}"
        way, _, rest = text.partition(" ")
        name = rest.strip() if way in ("min", "max") and rest else text
        name, _, machine = name.partition(":")
        known = [one.name for one in machines]
        if name not in PRICES and name not in METRICS:
            close = difflib.get_close_matches(name, [*PRICES, *METRICS], n=2)
            remedy = f"write {' or '.join(close)}" if close else ""
            need = f"prices are {', '.join(PRICES)}; metrics {', '.join(METRICS)}"
            faults.append(Fault(where, repr(text), need, remedy))
            continue
        if machine and known and (machine not in known or name not in PRICES):
            need = f"must be a price on one of {', '.join(known)}"
            faults.append(Fault(where, repr(text), need))
            continue
        if name in PRICES and not known:
            continue  # the machines themselves are wrong
        if name in PRICES and not machine:
            machine = known[0]
        less = name in PRICES or name in LESS
        found.append(Objective(name, machine, less if way not in ("min", "max") else way == "min"))
    if not spec.objectives:
        faults.append(Fault("objectives", "none", "must be one or more"))
    if len(set(found)) < len(found):
        faults.append(Fault("objectives", ", ".join(spec.objectives), "must be distinct"))
    return tuple(found)
