"""Fidelity: what became of every node on its way to NIR or from it, and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hebbgraph.errors import Fault, Invalid

#: How well a node is carried over: with the same spikes and values up to rounding, with other
#: ones (named in the remark), or not at all.
Grade = Literal["faithful", "approximate", "unsupported"]


@dataclass(frozen=True)
class Entry:
    """One node: what it was, what it became, how well."""

    #: Its path in the graph it comes from.
    node: str
    #: Its kind there.
    kind: str
    #: What it became, in words; empty if nothing.
    became: str
    grade: Grade = "faithful"
    #: What is lost, or what a reader should know.
    remark: str = ""
    #: What to do about a grade below faithful.
    remedy: str = ""

    def __str__(self) -> str:
        became = f" -> {self.became}" if self.became else ""
        remark = f": {self.remark}" if self.remark else ""
        return f"{self.node} ({self.kind}){became}, {self.grade}{remark}"


@dataclass(frozen=True)
class Fidelity:
    """The grade of every node of one conversion, and by how much outputs are shifted in time.

    A faithful node computes the same at every step; what it computes may come earlier or later by
    a constant number of steps, since a synapse takes a step in hebbgraph and none in NIR.
    """

    #: The step in seconds.
    dt: float
    entries: tuple[Entry, ...]
    #: By output: steps by which hebbgraph is later than a program that runs NIR within one step.
    shifts: Mapping[str, int] = field(default_factory=dict)
    #: What holds for the whole graph.
    remarks: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        """Return the lowest grade of all nodes."""
        grades = {entry.grade for entry in self.entries}
        return next((g for g in ("unsupported", "approximate") if g in grades), "faithful")

    def below(self, grade: Grade) -> tuple[Entry, ...]:
        """Return the entries whose grade is below `grade`."""
        order = ("unsupported", "approximate", "faithful")
        return tuple(e for e in self.entries if order.index(e.grade) < order.index(grade))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "dt": self.dt,
            "grade": self.grade,
            "nodes": [asdict(entry) for entry in self.entries],
            "shifts": dict(self.shifts),
            "remarks": list(self.remarks),
        }

    @property
    def footer(self) -> tuple[str, ...]:
        """Return what holds beside the single nodes, line by line."""
        late = [
            f"{name}: {steps} step{'s' * (steps != 1)} later in hebbgraph than in NIR"
            for name, steps in self.shifts.items()
            if steps
        ]
        return (*late, *self.remarks)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.entries), *self.footer])


class Lossy(Invalid):
    """Raised once with every node that would lose something; ``fidelity`` holds all grades."""

    def __init__(self, subject: str, faults: Sequence[Fault], fidelity: Fidelity) -> None:
        super().__init__(subject, faults)
        self.fidelity = fidelity


def require(subject: str, fidelity: Fidelity, lossy: bool) -> None:
    """Raise `Lossy` for what is unsupported, and for what is approximate unless `lossy`."""
    faults = []
    for entry in fidelity.below("approximate" if lossy else "faithful"):
        remedies = [entry.remedy] if entry.remedy else []
        if entry.grade == "approximate":
            remedies.append("pass lossy=True (--lossy) to accept it")
        got = f"{entry.grade}: {entry.kind}"
        faults.append(Fault(entry.node, got, entry.remark, ", or ".join(remedies)))
    if faults:
        raise Lossy(subject, faults, fidelity)
