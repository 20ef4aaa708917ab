"""compare: one memory, one task, every engine and domain, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from hebbgraph import backend as backends
from hebbgraph import catalogue, data
from hebbgraph.divergence import TOLERANCE, first_divergence
from hebbgraph.energy import EnergyReport, energy, refuse_synthetic
from hebbgraph.energy.measured import Measurement, Meter, measured
from hebbgraph.errors import EngineError, Fault, Invalid, Unavailable, Unsupported
from hebbgraph.family import Family
from hebbgraph.graph import Graph
from hebbgraph.hardware import load
from hebbgraph.harness.engine import Teller
from hebbgraph.harness.recall import require_alphabet, run_recall
from hebbgraph.harness.recall_report import RecallReport
from hebbgraph.harness.task import RecallTask
from hebbgraph.processes import DOMAINS, Domain


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run; written to its folder as it was resolved."""

    model: str = "hopfield"
    #: Parameters of the model's `build`.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    data: str = "digits"
    #: Patterns stored.
    count: int = 10
    #: Patterns stored per class, or None to draw without regard to classes.
    per_class: int | None = None
    corruption: str = "flip"
    level: float = 0.1
    cues_per_pattern: int = 10
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    steps: int = 20
    backends: Sequence[str] = ("reference", "brian2", "snntorch", "lava")
    domains: Sequence[Domain] = DOMAINS
    #: Machines on which the recalls are priced.
    hardware: Sequence[str] = ()
    #: Options of back ends, by name.
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Whether machines whose energies are guesses may price.
    allow_synthetic: bool = False
    #: Whether the joules that this computer takes are read (`hebbgraph.energy.measured`).
    measure: bool = False

    def task(self, progress: Teller | None = None) -> RecallTask:
        """Return the recall task; raises `Invalid` with its faults.

        `progress` is told when data are fetched.
        """
        return RecallTask(
            data.load(self.data, progress),
            self.count,
            self.corruption,
            self.level,
            self.cues_per_pattern,
            self.seeds,
            self.steps,
            self.per_class,
        )

    def family(self) -> Family:
        """Return the memory with its parameters set; raises `Invalid` on unknown ones."""
        catalogue.check_parameters(catalogue.model(self.model), self.parameters)
        return catalogue.family(self.model).bound(**self.parameters)

    def check(self, progress: Teller | None = None) -> None:
        """Raise the first error that can be known before anything runs.

        `progress` is told when data are fetched, once all else has been looked at.
        """
        family = self.family()
        for domain in self.domains:
            if domain not in DOMAINS:
                need = f"must be one of {', '.join(DOMAINS)}"
                raise Invalid("run", [Fault("domain", repr(domain), need)])
        for name in self.backends:
            backends.get(name).capability.resolve_options(self.options.get(name, {}))
        refuse_synthetic([load(name) for name in self.hardware], self.allow_synthetic)
        unknown = [name for name in self.options if name not in self.backends]
        if unknown:
            need = f"back ends of this run are {', '.join(self.backends)}"
            raise Invalid(
                "run",
                [
                    Fault(f"options of {name}", str(dict(self.options[name])), need)
                    for name in unknown
                ],
            )
        task = self.task(progress)
        require_alphabet(task, family)
        family.build(task.data.patterns[:1])

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "model": self.model,
            "parameters": dict(self.parameters),
            "data": self.data,
            "count": self.count,
            "per_class": self.per_class,
            "corruption": self.corruption,
            "level": self.level,
            "cues_per_pattern": self.cues_per_pattern,
            "seeds": list(self.seeds),
            "steps": self.steps,
            "backends": list(self.backends),
            "domains": list(self.domains),
            "hardware": list(self.hardware),
            "options": {name: dict(options) for name, options in self.options.items()},
            "allow_synthetic": self.allow_synthetic,
            "measure": self.measure,
        }


@dataclass(frozen=True)
class Row:
    """One engine in one domain."""

    backend: str
    domain: Domain
    #: What was measured, or None if the engine did not run.
    report: RecallReport | None
    #: ``identical``, the first divergent event, or why the engine did not run.
    agreement: str
    #: Whether it ran and agrees with the reference.
    agrees: bool
    #: Whether the engine is not usable here at all (which is no disagreement).
    unavailable: bool = False
    #: Prices by hardware.
    energy: Mapping[str, EnergyReport] = field(default_factory=dict)
    #: Joules that this computer took for the run; None unless asked for.
    measured: Measurement | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "backend": self.backend,
            "domain": self.domain,
            "agreement": self.agreement,
            "agrees": self.agrees,
            "unavailable": self.unavailable,
            "report": self.report.as_dict() if self.report else None,
            "energy": {name: report.as_dict() for name, report in self.energy.items()},
            "measured": self.measured.as_dict() if self.measured else None,
        }


@dataclass(frozen=True)
class Comparison:
    """Every engine in every domain on one task."""

    config: RunConfig
    rows: tuple[Row, ...]
    #: The graph of the first seed.
    graph: Graph

    @property
    def agree(self) -> bool:
        """Return whether every engine that is usable ran and agrees with the reference."""
        return all(row.agrees or row.unavailable for row in self.rows)

    @property
    def reports(self) -> list[RecallReport]:
        """Return the reports of the rows that ran."""
        return [row.report for row in self.rows if row.report]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "config": self.config.as_dict(),
            "graph_hash": self.graph.content_hash,
            "agree": self.agree,
            "rows": [row.as_dict() for row in self.rows],
        }


@dataclass(frozen=True)
class Survey:
    """Several learning rules on one task, on the reference."""

    title: str
    data_name: str
    #: By learning rule.
    reports: Mapping[str, RecallReport]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        reports = {rule: report.as_dict() for rule, report in self.reports.items()}
        return {"title": self.title, "data": self.data_name, "reports": reports}


def survey_rules(config: RunConfig, data_name: str, progress: Teller | None = None) -> Survey:
    """Run the task of `config` on another data set with every learning rule of its model."""
    family = catalogue.family(config.model)
    labelled = data.load(data_name, progress).labels is not None
    per_class = config.per_class if labelled else None
    task = replace(config, data=data_name, per_class=per_class).task()
    reports = {
        rule: run_recall(
            task,
            family.bound(rule=rule),
            progress=_prefixed(progress, f"{rule} on {data_name}"),
        )
        for rule in get_args(catalogue.model(config.model).Rule)
    }
    title = (
        f"learning rules on {data_name}: {task.count} patterns of {task.data.units} units, "
        f"{task.corruption} {task.level:g}"
    )
    return Survey(title, data_name, reports)


def compare(config: RunConfig, progress: Teller | None = None) -> Comparison:
    """Run the task of `config` on every engine and domain, and hold each to the reference.

    Raises `Invalid` on a bad config before anything runs.
    """
    config.check(progress)
    task, family = config.task(), config.family()
    graph = family.build(task.data.patterns[task.stored(task.seeds[0])])
    places = Places(
        config.backends,
        config.domains,
        config.hardware,
        config.options,
        config.allow_synthetic,
        config.measure,
    )
    return Comparison(config, compare_engines(task, family, graph, places, progress), graph)


@dataclass(frozen=True)
class Places:
    """Where a memory is run, and on which machines that is priced."""

    backends: Sequence[str]
    domains: Sequence[Domain] = DOMAINS
    hardware: Sequence[str] = ()
    #: Options of back ends, by name.
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    allow_synthetic: bool = False
    #: Whether joules are read around every run.
    measure: bool = False


def compare_engines(
    task: RecallTask,
    family: Family,
    graph: Graph,
    places: Places,
    progress: Teller | None = None,
) -> tuple[Row, ...]:
    """Return one row for every engine and domain, each held to the reference.

    The reference always runs, whether or not it is listed. An engine that is not installed, lacks
    something or fails gets a row that says so. `graph` is the memory of the first seed.
    """
    rows: list[Row] = []
    for domain in places.domains:
        tell = _prefixed(progress, f"reference {domain}")
        with _meter(places) as meter:
            definition = run_recall(task, family, domain=domain, progress=tell)
        for name in places.backends:
            if name == "reference":
                row = _row(places, graph, name, domain, definition, definition)
                rows.append(replace(row, measured=meter.result if meter else None))
                continue
            try:
                with _meter(places) as meter:
                    report = run_recall(
                        task,
                        family,
                        backend=name,
                        domain=domain,
                        options=places.options.get(name, {}),
                        progress=_prefixed(progress, f"{name} {domain}"),
                    )
            except Unavailable as error:
                rows.append(
                    Row(name, domain, None, f"unavailable: {error}", False, unavailable=True)
                )
            except (Unsupported, EngineError) as error:
                rows.append(Row(name, domain, None, f"did not run: {error}", False))
            else:
                row = _row(places, graph, name, domain, report, definition)
                rows.append(replace(row, measured=meter.result if meter else None))
    return tuple(rows)


def _meter(places: Places) -> AbstractContextManager[Meter | None]:
    """Return what measures a run, or does nothing where that was not asked for."""
    return measured() if places.measure else nullcontext()


def _row(
    places: Places,
    graph: Graph,
    name: str,
    domain: Domain,
    report: RecallReport,
    definition: RecallReport,
) -> Row:
    tolerance = 0.0 if domain == "fixed" else TOLERANCE
    disagreement = _disagreement(graph, definition, report, tolerance)
    prices = {
        chip: energy(report.counters, load(chip), allow_synthetic=places.allow_synthetic)
        for chip in places.hardware
    }
    return Row(name, domain, report, disagreement or "identical", not disagreement, energy=prices)


def _disagreement(
    graph: Graph, definition: RecallReport, report: RecallReport, tolerance: float
) -> str:
    """Return the first divergent event over seeds in words, or nothing.

    `graph` is that of any seed: they differ in their numbers only. Seeds whose rasters were too
    large to keep are compared by their counters and metrics.
    """
    for seed, result in report.results.items():
        found = first_divergence(graph, definition.results[seed], result, tolerance=tolerance)
        if found:
            return f"{found}, seed {seed}"
    states = [name for name in report.per_seed if name != "wall_seconds"]
    for name in states:
        ours, theirs = definition.per_seed[name], report.per_seed[name]
        if not np.allclose(ours, theirs, rtol=0, atol=tolerance, equal_nan=True):
            return f"{name} by seed: {ours} expected, got {theirs}"
    if report.counters != definition.counters:
        return "the counters of the two runs differ"
    return ""


def _prefixed(progress: Teller | None, prefix: str) -> Teller | None:
    if progress is None:
        return None
    tell = progress
    return lambda done, total, text: tell(done, total, f"{prefix}, {text}")
