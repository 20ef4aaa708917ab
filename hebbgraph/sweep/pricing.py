"""pricing: what stored runs cost on every machine, each as the architecture knobs make it.

No network runs. Where runs are placed on cores, the placement is made anew for every machine whose
cores, or mesh, differ, and packets, hops and the time of the busiest core come from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hebbgraph.counters import Counters
from hebbgraph.energy import EnergyReport, energy
from hebbgraph.energy.band import Band
from hebbgraph.energy.latency import Latency
from hebbgraph.errors import EngineError, Invalid
from hebbgraph.hardware import Hardware
from hebbgraph.placement import WORDS, Traffic, place, traffic
from hebbgraph.serialise import DAMAGE
from hebbgraph.sweep.jobs import Job, Point
from hebbgraph.sweep.journal import Journal
from hebbgraph.sweep.outcome import unpacked_run
from hebbgraph.sweep.planning import Plan
from hebbgraph.sweep.variants import followed, laws_of, with_architecture


@dataclass(frozen=True)
class Placed:
    """What one run takes of one machine."""

    cores: int
    chips: int
    packets: int
    #: What does not fit, in words.
    over: str = ""
    traffic: Traffic | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Priced:
    """One point on one machine, summed over seeds."""

    report: EnergyReport
    #: One for each seed, in their order; empty where runs were not placed.
    placed: tuple[Placed, ...] = ()
    #: What training cost, None where nothing was learned.
    training: EnergyReport | None = None
    #: Dynamic energy per episode of each seed, nominal, joules.
    per_seed: tuple[float, ...] = ()


class Pricer:
    """Prices points; placements and reports are made once for all points that share them."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan, self.journal = plan, journal
        self._placed: dict[tuple[str, str], Placed | None] = {}
        self._runs: dict[str, Any] = {}
        self._jobs: tuple[str, ...] = ()

    def point(self, point: Point) -> dict[str, Priced]:
        """Return by machine what the runs of a point cost; nothing where a seed has no result."""
        records = [self.journal.records.get(job.key, {}) for job in point.jobs]
        if any("values" not in record for record in records):
            return {}
        keys = tuple(job.key for job in point.jobs)
        if keys != self._jobs:  # what is large is held for the points of one run
            self._runs.clear()
            self._placed.clear()
            self._jobs = keys
        return {m.name: self._on(m, point, records) for m in self.plan.machines}

    def machine(self, base: Hardware, point: Point) -> Hardware:
        """Return a machine as the knobs of a point make it."""
        follows = followed(base, point.machine, point.run) if self.plan.spec.follow else {}
        return with_architecture(base, laws_of(base, {**follows, **point.machine}))

    def _on(self, base: Hardware, point: Point, records: Sequence[Mapping[str, Any]]) -> Priced:
        variant = self.machine(base, point)
        found, placed, trained = [], [], []
        for job, record in zip(point.jobs, records, strict=True):
            counters = Counters.from_dict(record["counters"])
            here = self._place(job, variant) if self.plan.placing else None
            sent = here.traffic if here else None
            found.append(energy(counters, variant, sent, allow_synthetic=True))
            placed += [here] if here else []
            if record.get("training"):
                learned = Counters.from_dict(record["training"])
                trained.append(energy(learned, variant, allow_synthetic=True))
        per_seed = tuple(r.dynamic.nominal / max(r.episodes, 1) for r in found)
        training = together(trained, base.name) if trained else None
        return Priced(together(found, base.name), tuple(placed), training, per_seed)

    def _place(self, job: Job, variant: Hardware) -> Placed | None:
        """Return where a run lies on a machine; None where nothing of it does, or without cores."""
        if not has_cores(variant) or not self.journal.kept(job.key).is_file():
            return None
        apart = {"source", "note"}
        sections = (variant.limits, variant.synaptic_memory, variant.mesh, variant.processes)
        shape = repr([s.model_dump(exclude=apart) if s else None for s in sections])
        key = (job.key, shape)
        if key not in self._placed:
            self._placed[key] = self._placement(job, variant)
        return self._placed[key]

    def _placement(self, job: Job, variant: Hardware) -> Placed | None:
        graph, result = self._run(job)
        host = () if self.plan.spec.host == "none" else None
        placement = place(graph, variant, host, result=result)
        if not placement.cores:
            return None
        sent = traffic(placement, result)
        worst = placement.overruns[:1]
        over = "; ".join(
            f"{o.path}: {WORDS[o.what][0]} {o.got:,} of {o.limit:,} on core {o.core}" for o in worst
        )
        chips = max(1, sent.chips)
        return Placed(len(placement.cores), chips, sent.packets, over, sent)

    def _run(self, job: Job) -> Any:
        if job.key not in self._runs:
            path = self.journal.kept(job.key)
            try:
                self._runs[job.key] = unpacked_run(path.read_bytes())
            except (*DAMAGE, OSError, Invalid) as error:
                text = f"{path}: damaged ({error}); remove it, and the same command runs it again"
                raise EngineError(text) from error
        return self._runs[job.key]


def has_cores(machine: Hardware) -> bool:
    """Return whether a machine consists of cores that hold so much and no more."""
    limits = machine.limits
    return limits is not None and bool(limits.neurons_per_core or limits.synaptic_bits_per_core)


def together(reports: Sequence[EnergyReport], name: str) -> EnergyReport:
    """Return the reports of several seeds as that of one run, on a machine called `name`."""
    first = reports[0]
    statics = [r.static for r in reports if r.static is not None]
    times = [r.latency for r in reports if r.latency is not None]
    time = None
    if len(times) == len(reports):
        cores, chips = max(t.cores for t in times), max(t.chips for t in times)
        time = Latency(Band.sum(t.time for t in times), cores, chips, times[0].words)
    unpriced: dict[str, int] = {}
    for report in reports:
        for counter, count in report.unpriced.items():
            unpriced[counter] = unpriced.get(counter, 0) + count
    return replace(
        first,
        hardware=name,
        episodes=sum(r.episodes for r in reports),
        ledger=tuple(line for r in reports for line in r.ledger),
        dynamic=Band.sum(r.dynamic for r in reports),
        learning=Band.sum(r.learning for r in reports),
        static=Band.sum(statics) if len(statics) == len(reports) else None,
        latency=time,
        unpriced=unpriced,
        uncounted=tuple(dict.fromkeys(u for r in reports for u in r.uncounted)),
        lower_bound_reasons=tuple(dict.fromkeys(w for r in reports for w in r.lower_bound_reasons)),
        sources={key: text for r in reports for key, text in r.sources.items()},
    )
