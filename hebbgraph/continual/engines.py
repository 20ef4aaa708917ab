"""compare_engines: HLOP as a process graph, learned on every engine, held to the reference."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hebbgraph.continual.learner import State
from hebbgraph.continual.learners.hlop import HlopLearner, HlopSettings
from hebbgraph.continual.matrix import ContinualReport
from hebbgraph.continual.run import Teller, run_stream
from hebbgraph.continual.streams import Stream
from hebbgraph.errors import Fault, Invalid
from hebbgraph.processes import DOMAINS, Domain

#: In `float`, weights may differ by so much, relative to the largest of their matrix: sums are in
#: another order, and a spike that falls on the other side of its threshold is not in it.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class EngineRow:
    """HLOP learned on one engine in one domain."""

    backend: str
    domain: Domain
    report: ContinualReport
    #: Everything learned, by name: weights w1, w2, ..., rows old1, ...
    learned: State
    #: Largest difference from what the reference learned, and whether all bits are equal.
    difference: float
    identical: bool
    #: Wall seconds.
    seconds: float

    @property
    def agrees(self) -> bool:
        """Return whether it learned what the reference did: bit for bit in `fixed`."""
        return self.identical if self.domain == "fixed" else self.difference <= TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "backend": self.backend,
            "domain": self.domain,
            "report": self.report.as_dict(),
            "difference": self.difference,
            "identical": self.identical,
            "agrees": self.agrees,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, eq=False)
class EngineComparison:
    """HLOP on several engines, and naive training on the first of them."""

    stream: str
    source: str
    epochs: int
    seed: int
    settings: Mapping[str, Any]
    rows: tuple[EngineRow, ...]
    #: The same graph without subspace rows, by domain.
    naive: Mapping[str, ContinualReport]

    @property
    def agree(self) -> bool:
        """Return whether every engine learned what the reference did."""
        return all(row.agrees for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "stream": self.stream,
            "source": self.source,
            "epochs": self.epochs,
            "seed": self.seed,
            "settings": dict(self.settings),
            "rows": [row.as_dict() for row in self.rows],
            "naive": {domain: report.as_dict() for domain, report in self.naive.items()},
            "agree": self.agree,
        }


def compare_engines(
    stream: Stream,
    settings: HlopSettings,
    *,
    engines: Sequence[str] = ("reference", "brian2", "lava", "snntorch"),
    domains: Sequence[Domain] = DOMAINS,
    epochs: int = 1,
    seed: int = 0,
    progress: Teller | None = None,
) -> EngineComparison:
    """Let every engine learn `stream` by the graph of HLOP, and compare what it learned.

    The reference is always among them, first. Naive training, the same graph without subspace
    rows, runs on the last engine only (all are equal). Raises `Invalid` for settings without rows.
    """
    if not settings.first_rows:
        need = "must name rows: without them there is nothing to project"
        raise Invalid("engines", [Fault("first_rows", "()", need)])
    names = list(dict.fromkeys(("reference", *engines)))
    rows: list[EngineRow] = []
    naive: dict[str, ContinualReport] = {}
    for domain in domains:
        wanted: State | None = None
        for name in names:
            learner = HlopLearner(settings, backend=name, domain=domain)
            began = time.perf_counter()
            run = run_stream(
                stream, learner, epochs=epochs, seed=seed, progress=_named(progress, name, domain)
            )
            seconds = time.perf_counter() - began
            learned = _learned(learner)
            wanted = learned if wanted is None else wanted
            difference, identical = _compared(learned, wanted)
            rows.append(
                EngineRow(name, domain, run.report, learned, difference, identical, seconds)
            )
        plain = HlopLearner(_without_rows(settings), backend=names[-1], domain=domain)
        naive[domain] = run_stream(stream, plain, epochs=epochs, seed=seed).report
    shown = HlopLearner(settings).settings()
    shown = {k: v for k, v in shown.items() if k not in ("backend", "domain", "options")}
    return EngineComparison(stream.name, stream.source, epochs, seed, shown, tuple(rows), naive)


def _named(progress: Teller | None, name: str, domain: str) -> Teller | None:
    if progress is None:
        return None
    return lambda done, total, text: progress(done, total, f"{name} {domain}, {text}")


def _without_rows(settings: HlopSettings) -> HlopSettings:
    fields = {f: getattr(settings, f) for f in settings.__dataclass_fields__}
    return HlopSettings(**fields | {"first_rows": (), "later_rows": ()})


def _learned(learner: HlopLearner) -> State:
    return {k: v for k, v in learner.state().items() if k.startswith(("w", "old"))}


def _compared(found: State, wanted: State) -> tuple[float, bool]:
    """Return the largest difference, relative to the largest weight, and whether all is equal."""
    if found.keys() != wanted.keys():
        return float("inf"), False
    worst = max(
        float(np.abs(found[name] - held).max() / max(np.abs(held).max(), 1e-300))
        for name, held in wanted.items()
    )
    return worst, all(np.array_equal(found[name], held) for name, held in wanted.items())
