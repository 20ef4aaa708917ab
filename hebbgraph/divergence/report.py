"""ParityReport: every engine in every domain beside the reference, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hebbgraph.divergence.cause import Cause
from hebbgraph.divergence.event import Divergence
from hebbgraph.divergence.learned import LearnedDistance
from hebbgraph.divergence.measures import Measures
from hebbgraph.divergence.scene import Scene
from hebbgraph.processes import Domain

#: How an engine fared: it ran and equals the reference or does not; it lacks something, it failed
#: while running, it is not usable here.
Outcome = Literal["identical", "diverged", "unsupported", "failed", "unavailable"]


@dataclass(frozen=True)
class EngineParity:
    """One engine in one domain."""

    backend: str
    domain: Domain
    outcome: Outcome
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    #: What it lacks, why it failed or is not usable; otherwise empty.
    reason: str = ""
    #: The first divergent event, and why.
    divergence: Divergence | None = None
    cause: Cause | None = None
    #: Left out if it did not run.
    measures: Measures | None = None
    #: How far learned weights lie apart over time, one entry per set of plastic synapses.
    learned: tuple[LearnedDistance, ...] = ()
    #: What the task's `score` says of the engine's run.
    score: float | None = None
    #: Seconds the engine took for the run as it was given.
    seconds: float = 0.0
    #: What is to be known about the comparison, in words.
    notes: tuple[str, ...] = ()
    #: What surrounds the event, for pictures; not part of `as_dict`.
    scene: Scene | None = field(default=None, compare=False, repr=False)

    @property
    def agrees(self) -> bool:
        """Return whether it ran and equals the reference."""
        return self.outcome == "identical"

    @property
    def compared(self) -> bool:
        """Return whether it ran."""
        return self.outcome in ("identical", "diverged")

    @property
    def verdict(self) -> str:
        """Return the outcome in a line: the event and its cause where there is one."""
        if self.divergence is None:
            return f"{self.outcome}: {self.reason}" if self.reason else self.outcome
        return f"{self.divergence.words}; {self.cause}" if self.cause else self.divergence.words

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "backend": self.backend,
            "domain": self.domain,
            "outcome": self.outcome,
            "options": dict(self.options),
            "versions": dict(self.versions),
            "reason": self.reason,
            "divergence": self.divergence.as_dict() if self.divergence else None,
            "cause": self.cause.as_dict() if self.cause else None,
            "measures": self.measures.as_dict() if self.measures else None,
            "learned": [distance.as_dict() for distance in self.learned],
            "score": self.score,
            "seconds": self.seconds,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> EngineParity:
        """Return the row that `as_dict` described."""
        readers: Mapping[str, Any] = {
            "divergence": Divergence.from_dict,
            "cause": Cause.from_dict,
            "measures": Measures.from_dict,
        }
        values: dict[str, Any] = {
            name: read(document[name]) if document[name] else None for name, read in readers.items()
        }
        values["learned"] = tuple(map(LearnedDistance.from_dict, document["learned"]))
        values["notes"] = tuple(document["notes"])
        return cls(**{**document, **values})


@dataclass(frozen=True)
class ParityReport:
    """What `parity` found."""

    #: Name and content hash of the graph.
    graph: str
    graph_hash: str
    #: Where the data come from, in words.
    data: str
    episodes: int
    steps: int
    batch: int
    #: How far a float value x may depart, relative to max(1, |x|); spikes must be equal.
    tolerance: float
    rows: tuple[EngineParity, ...]
    #: What the task's score is called, and its value on the reference by domain; empty if none.
    score: str = ""
    expected_scores: Mapping[str, float] = field(default_factory=dict)
    #: What was not compared, in words.
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> tuple[EngineParity, ...]:
        """Return the rows of engines that ran."""
        return tuple(row for row in self.rows if row.compared)

    @property
    def identical(self) -> bool:
        """Return whether an engine ran, and every one that can be used here equals the reference.

        An engine that lacks something for this graph, or fails, does not.
        """
        usable = [row for row in self.rows if row.outcome != "unavailable"]
        return bool(usable) and all(row.agrees for row in usable)

    @property
    def headline(self) -> str:
        """Return the answer in one line."""
        counts = {name: self._count(name) for name in ("diverged", "unsupported", "failed")}
        usable = sum(row.outcome != "unavailable" for row in self.rows)
        missing = self._count("unavailable")
        beside = f"; {missing} not usable here" if missing else ""
        if not usable:
            return f"{self.graph}: nothing was compared{beside}"
        if self.identical:
            runs = "1 run" if usable == 1 else f"all {usable} runs"
            return f"{self.graph}: {runs} identical to the reference{beside}"
        words = {"diverged": "diverged", "unsupported": "not supported", "failed": "failed"}
        listed = ", ".join(f"{n} {words[name]}" for name, n in counts.items() if n)
        runs = "1 run" if usable == 1 else f"{usable} runs"
        return f"{self.graph}: of {runs}, {listed}{beside}"

    def _count(self, outcome: str) -> int:
        return sum(row.outcome == outcome for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "graph": self.graph,
            "graph_hash": self.graph_hash,
            "data": self.data,
            "episodes": self.episodes,
            "steps": self.steps,
            "batch": self.batch,
            "tolerance": self.tolerance,
            "score": self.score,
            "expected_scores": dict(self.expected_scores),
            "notes": list(self.notes),
            "identical": self.identical,
            "rows": [row.as_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ParityReport:
        """Return the report that `as_dict` described, without its scenes."""
        values = {key: value for key, value in document.items() if key != "identical"}
        values["rows"] = tuple(map(EngineParity.from_dict, document["rows"]))
        values["notes"] = tuple(document["notes"])
        return cls(**values)

    def __str__(self) -> str:
        cells = [("engine", "domain", "outcome", "cause", *COLUMNS.values())]
        for row in self.rows:
            code = row.cause.code if row.cause else "-"
            cells.append((row.backend, row.domain, row.outcome, code, *numbers(row)))
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        lines = [self.headline]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        lines += [
            f"{row.backend} {row.domain}: {row.verdict}" for row in self.rows if not row.agrees
        ]
        return "\n".join([*lines, *self.notes])


#: Names of `Measures` shown in tables, with their heads.
COLUMNS = {
    "jaccard": "Jaccard",
    "van_rossum": "van Rossum",
    "rate_cosine": "rate cosine",
    "identical_episodes": "same episodes",
    "state_difference": "state difference",
}


def numbers(row: EngineParity) -> tuple[str, ...]:
    """Return the measures of a row as text, a hyphen for each if it did not run."""
    found = row.measures
    if found is None:
        return ("-",) * len(COLUMNS)
    return (
        share(found.spikes.jaccard),
        f"{found.spikes.van_rossum:.3g}",
        share(found.spikes.rate_cosine),
        share(found.identical_episodes),
        f"{found.state_difference:.3g}",
    )


def share(value: float) -> str:
    """Return a share with four digits, and never 1 for what is less."""
    if value == 1:
        return "1"
    return ">0.9999" if value > 0.99995 else f"{value:.4f}"
