"""bench_recall: every family of memories on every engine, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hebbgraph import backend, catalogue
from hebbgraph.checks import whole_faults
from hebbgraph.data import PatternSet
from hebbgraph.energy import refuse_synthetic
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware import load
from hebbgraph.harness.compare import Places, Row, compare_engines
from hebbgraph.harness.engine import Teller
from hebbgraph.harness.task import RecallTask
from hebbgraph.processes import DOMAINS, Domain

#: The patterns of a seed are drawn from so many times as many.
POOL = 4


@dataclass(frozen=True)
class BenchConfig:
    """What is benchmarked: each family on patterns that suit it, at the size it names."""

    #: Names of memories; empty for all.
    models: Sequence[str] = ()
    #: K and N instead of what the families name.
    count: int | None = None
    units: int | None = None
    cues_per_pattern: int = 2
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    backends: Sequence[str] = ("reference", "brian2", "snntorch", "lava")
    domains: Sequence[Domain] = DOMAINS
    #: Machines on which recalls are priced.
    hardware: Sequence[str] = ()
    #: Whether machines whose energies are guesses may price.
    allow_synthetic: bool = False

    def names(self) -> tuple[str, ...]:
        """Return the memories; raises `Invalid` naming those there are."""
        known = catalogue.families()
        unknown = [name for name in self.models if name not in known]
        if unknown:
            need = f"must be memories: {', '.join(known)}"
            raise Invalid("bench", [Fault("model", ", ".join(unknown), need)])
        return tuple(dict.fromkeys(self.models)) or tuple(known)

    def check(self) -> None:
        """Raise `Invalid` with what is wrong before anything runs."""
        self.names()
        faults = whole_faults("cues", self.cues_per_pattern, 1, 10**6)
        for name in ("count", "units"):
            if getattr(self, name) is not None:
                faults += whole_faults(name, getattr(self, name), 1, 10**6)
        for domain in self.domains:
            if domain not in DOMAINS:
                need = f"must be one of {', '.join(DOMAINS)}"
                faults.append(Fault("domain", repr(domain), need))
        if faults:
            raise Invalid("bench", faults)
        for name in self.backends:
            backend.get(name)
        refuse_synthetic([load(name) for name in self.hardware], self.allow_synthetic)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "models": list(self.names()),
            "count": self.count,
            "units": self.units,
            "cues_per_pattern": self.cues_per_pattern,
            "seeds": list(self.seeds),
            "backends": list(self.backends),
            "domains": list(self.domains),
            "hardware": list(self.hardware),
            "allow_synthetic": self.allow_synthetic,
        }


@dataclass(frozen=True)
class Entry:
    """One memory with one setting of its parameters."""

    model: str
    #: What the setting is called; empty for the one that the family names first.
    variant: str
    parameters: Mapping[str, Any]
    task: RecallTask
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Return the model and its setting."""
        return f"{self.model}, {self.variant}" if self.variant else self.model

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "model": self.model,
            "variant": self.variant,
            "parameters": dict(self.parameters),
            "task": self.task.as_dict(),
            "rows": [row.as_dict() for row in self.rows],
        }


@dataclass(frozen=True)
class BenchReport:
    """Every memory on every engine."""

    config: BenchConfig
    entries: tuple[Entry, ...] = field(default=())

    @property
    def agree(self) -> bool:
        """Return whether every engine that is usable ran and agrees with the reference."""
        return all(row.agrees or row.unavailable for entry in self.entries for row in entry.rows)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "config": self.config.as_dict(),
            "agree": self.agree,
            "entries": [entry.as_dict() for entry in self.entries],
        }


def bench_recall(config: BenchConfig, progress: Teller | None = None) -> BenchReport:
    """Run every memory of `config` on every engine and domain, held to the reference.

    Patterns are those that suit a family (`Family.patterns`), cues are spoiled as it names. Raises
    `Invalid` on a bad config before anything runs.
    """
    config.check()
    places = Places(
        config.backends,
        config.domains,
        config.hardware,
        allow_synthetic=config.allow_synthetic,
    )
    entries = []
    for name in config.names():
        family = catalogue.family(name)
        for variant, parameters in family.surveyed.items():
            bound = family.bound(**parameters)
            task = bench_task(config, name)
            graph = bound.build(task.data.patterns[task.stored(task.seeds[0])])
            tell = _titled(progress, f"{name} {variant}".strip().replace(",", ""))
            rows = compare_engines(task, bound, graph, places, tell)
            entries.append(Entry(name, variant, parameters, task, rows))
    return BenchReport(config, tuple(entries))


def bench_task(config: BenchConfig, name: str) -> RecallTask:
    """Return what a family is asked: its own patterns, corruption, size and steps."""
    family = catalogue.family(name)
    count, units = config.count or family.survey[0], config.units or family.survey[1]
    pool = family.patterns(POOL * count, units, seed=0)
    patterns = PatternSet(f"{name} patterns", pool, source="made up", alphabet=family.alphabet)
    kind, level = family.corruption
    return RecallTask(
        patterns, count, kind, level, config.cues_per_pattern, config.seeds, family.steps
    )


def _titled(progress: Teller | None, title: str) -> Teller | None:
    if progress is None:
        return None
    tell = progress
    return lambda done, total, text: tell(done, total, f"{title} {text}")
