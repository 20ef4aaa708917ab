"""The tables of a report, as text in rows and columns for any template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hebbgraph.energy import EnergyReport
from hebbgraph.energy.band import Band, format_energy
from hebbgraph.energy.breakeven import break_even
from hebbgraph.errors import Invalid
from hebbgraph.hardware import load
from hebbgraph.harness.compare import Comparison, Row, Survey
from hebbgraph.harness.recall_report import RecallReport
from hebbgraph.report.words import NO_BREAK, basis_words, counted, interval, listed, priced

#: Counters of learning, which recall without plasticity never raises.
LEARNING = (
    "weight_updates", "learning_visits", "trace_updates", "third_factor_ops", "random_draws"
)  # fmt: skip

#: Names of the baselines in words.
BASELINES = {
    "nearest_stored": "1-NN: nearest stored pattern of the raw cue is the right one",
    "nearest_stored_class": "1-NN: nearest stored pattern of the raw cue is of the right class",
    "nearest_mean": "nearest mean of the raw cue",
}


@dataclass(frozen=True)
class Table:
    """Column heads, rows of cells, and remarks on them."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """A hardware config that was used, and where its figures come from."""

    name: str
    title: str
    description: str
    hash: str
    sources: tuple[Citation, ...]


@dataclass(frozen=True)
class Citation:
    """One source: what it is, where it is, and how far its figures can be trusted."""

    cite: str
    #: Address of the source; empty where it has none that is safe to follow.
    link: str
    #: The address in words, ``doi:...`` where there is one.
    address: str
    basis: str
    conditions: str


def engines(comparison: Comparison) -> Table:
    """Return accuracy, cost and agreement of every engine and domain."""
    head = (
        "engine", "domain", "recall accuracy", "overlap", "exact recall", "steps to settle",
        "spikes per recall", "synops per recall", "wall time", "agreement with the reference",
    )  # fmt: skip
    rows = tuple(
        (row.backend, row.domain, *_measured(row), _agreement(row)) for row in comparison.rows
    )
    notes = (
        "Recall accuracy (identification): share that ends nearest to the right pattern, no tie.",
        "Brackets: 95 % bootstrap interval over seeds.",
        "Steps to settle: over the recalls that came to rest.",
        "Wall time: all recalls of all seeds on this computer, without compiling; no chip's time.",
    )
    return Table(head, rows, notes)


def _measured(row: Row) -> tuple[str, ...]:
    if row.report is None:
        return ("-",) * 7
    found = row.report.metrics
    accuracy = (interval(found[name]) for name in ("identification", "overlap", "exact"))
    events = (f"{found[f'{name}_per_recall'].mean:,.0f}" for name in ("spikes", "synops"))
    wall = sum(row.report.per_seed["wall_seconds"])
    return (*accuracy, interval(found["steps_to_settle"], 2), *events, f"{wall:.2g} s")


def _agreement(row: Row) -> str:
    return "the definition" if row.backend == "reference" and row.agrees else row.agreement


def baselines(report: RecallReport) -> Table:
    """Return the baselines beside the memory's own numbers."""
    rows = [("memory: nearest stored pattern of its final state is the right one",
             interval(report.metrics["identification"]))]  # fmt: skip
    if "class_accuracy" in report.metrics:
        text = "memory: nearest stored pattern of its final state is of the right class"
        rows.append((text, interval(report.metrics["class_accuracy"])))
    rows += [(BASELINES.get(name, name), interval(v)) for name, v in report.baselines.items()]
    return Table(("", "share of recalls"), tuple(rows), (f"Means: {report.baseline_means}.",))


def survey(found: Survey) -> Table:
    """Return one line per learning rule, then the baselines."""
    names = ("identification", "exact", "overlap", "mean_image_overlap", "mixture", "spurious")
    head = ("memory", "recall accuracy", "exact recall", "overlap", "overlap with mean image",
            "mixtures", "spurious states")  # fmt: skip
    rows = [
        (rule, *(interval(report.metrics[name], 2) for name in names))
        for rule, report in found.reports.items()
    ]
    first = next(iter(found.reports.values()), None)
    if first is None:
        return Table(head, ())
    blank = ("-",) * (len(names) - 1)
    shown = {"nearest_stored": "1-NN on the cue", "nearest_mean": "nearest mean of the cue"}
    rows += [(text, interval(first.baselines[name], 2), *blank) for name, text in shown.items()]
    right = "right classes" if "class_accuracy" in first.metrics else "right patterns"
    notes = (
        f"Run on {first.backend}, {first.domain}. Mixtures and spurious states: shares of the"
        f" states at rest. Nearest mean: share of {right}; means: {first.baseline_means}."
    )
    return Table(head, tuple(rows), (notes,))


# --- energy ------------------------------------------------------------------------------------


def energy(comparison: Comparison) -> Table:
    """Return energy per recall on every machine: dynamic, static and learning, never added up."""
    head = (
        "machine",
        "runs",
        "dynamic, low",
        "dynamic, nominal",
        "dynamic, high",
        "static",
        "learning",
        "basis",
    )
    rows, notes = [], []
    for runs, reports in priced(comparison):
        for report in reports.values():
            rows.append((report.hardware, runs, *_prices(report)))
            notes += _remarks(report)
    notes += _learning_remarks(comparison)
    return Table(head, tuple(rows), tuple(dict.fromkeys(notes)))


def conditions(comparison: Comparison) -> Table:
    """Return where critics say that spiking pays, and on which side the runs lie."""
    head = ("condition", "runs", "verdict", "what was counted")
    rows, notes = [], []
    for runs, counters in counted(comparison):
        for found in break_even(counters):
            rows.append((found.paper, runs, found.verdict, found.text))
            notes.append(f"{found.paper}: {found.cite}")
    return Table(head, tuple(rows), tuple(dict.fromkeys(notes)))


def measured(comparison: Comparison) -> Table:
    """Return the joules that this computer took, run by run, where they were asked for."""
    head = ("engine", "domain", "seconds", "joules, of everything this computer did")
    rows, notes = [], []
    for row in comparison.rows:
        if row.measured is None:
            continue
        joules = row.measured.joules.items()
        words = "; ".join(f"{name} {format_energy(each)}" for name, each in joules) or "-"
        rows.append((row.backend, row.domain, f"{row.measured.seconds:.2f}", words))
        notes += [f"No {name}: {reason}." for name, reason in row.measured.unavailable.items()]
    return Table(head, tuple(rows), tuple(dict.fromkeys(notes)))


def _prices(report: EnergyReport) -> tuple[str, ...]:
    least = "at least " if report.lower_bound else ""
    band = report.per_episode(report.dynamic)
    assert band is not None
    dynamic = (_unbroken(f"{least}{format_energy(x)}") for x in (band.low, band.nominal, band.high))
    learns = any(line.component == "learning" for line in report.ledger)
    learning = report.per_episode(report.learning) if learns else None
    static = report.per_episode(report.static)
    return (*dynamic, _band(static), _band(learning), basis_words(report.basis))


def _band(band: Band | None) -> str:
    return "-" if band is None else f"{_unbroken(format_energy(band.nominal))} ({_span(band)})"


def _span(band: Band) -> str:
    return " to ".join(_unbroken(format_energy(end)) for end in (band.low, band.high))


def _unbroken(quantity: str) -> str:
    """Return a quantity whose unit stays on the line of its number."""
    head, _, unit = quantity.rpartition(" ")
    return f"{head}{NO_BREAK}{unit}"


def _remarks(report: EnergyReport) -> list[str]:
    """Return why a number is a lower bound or missing, and what the static energy rests on."""
    name = report.hardware
    notes = []
    if report.lower_bound:
        reasons = "; ".join(report.lower_bound_reasons)
        notes.append(f"{name}, at least: {reasons} (counts over all recalls).")
    basis = f" ({basis_words(report.static_basis)})" if report.static else ""
    notes.append(f"{name}, static{'' if report.static else ' -'}: {report.static_reason}{basis}.")
    if report.static and report.latency:
        time = report.latency.time / max(report.episodes, 1)
        notes[-1] += f" Modelled time {time.text('s')} per recall: {report.latency.words}."
    return notes


def _learning_remarks(comparison: Comparison) -> list[str]:
    """Return why a learning energy is missing: nothing was learned, or it has no price."""
    reports = [report for _, reports in priced(comparison) for report in reports.values()]
    unlearned = [r for r in reports if not any(n.component == "learning" for n in r.ledger)]
    priceless = [r for r in unlearned if any(counter in r.unpriced for counter in LEARNING)]
    notes = [f"{r.hardware}, learning -: its events have no price." for r in priceless]
    if len(priceless) < len(unlearned):
        notes.append("Learning -: a recall with fixed weights learns nothing and has no events.")
    return notes


def machines(comparison: Comparison) -> tuple[Machine, ...]:
    """Return every hardware config that priced a run, with its sources."""
    used = {n: report for row in comparison.rows for n, report in row.energy.items()}
    return tuple(_machine(name, report) for name, report in used.items())


def _machine(name: str, report: EnergyReport) -> Machine:
    try:
        config = load(name)
    except Invalid:
        config = None
    if config is None or config.content_hash != report.hardware_hash:
        gone = "The config has changed since the run, so its sources cannot be listed."
        return Machine(report.hardware, "", gone, report.hardware_hash, ())
    sources = tuple(_citation(source) for source in config.sources.values())
    return Machine(config.name, config.title, config.description, config.content_hash, sources)


def _citation(source: Any) -> Citation:
    address = f"doi:{source.doi}" if source.doi else source.url
    link = f"https://doi.org/{source.doi}" if source.doi else source.url
    safe = link if link.startswith(("https://", "http://")) else ""
    basis = basis_words([source.basis])
    return Citation(source.cite, safe, address, basis, source.conditions)


# --- where it ran ------------------------------------------------------------------------------


def environment(found: Mapping[str, Any], comparison: Comparison) -> Table:
    """Return interpreter, system and packages, and the engines' own versions and options."""
    rows: list[tuple[str, str]] = []
    for name, value in found.items():
        entries = value if isinstance(value, Mapping) else {name: value}
        rows += [(str(k), "not installed" if v is None else str(v)) for k, v in entries.items()]
    for backend, report in {report.backend: report for report in comparison.reports}.items():
        own = [f"{name} {version}" for name, version in report.versions.items()]
        own += [f"{name} = {value}" for name, value in report.options.items()]
        rows.append((f"engine {backend}", ", ".join(own) or "-"))
    return Table(("", "version or value"), tuple(rows))


def provenance(comparison: Comparison) -> Table:
    """Return the content of the graphs that ran, by seed and domain."""
    found: dict[tuple[str, int, str], list[str]] = {}
    for report in comparison.reports:
        for seed, content in zip(report.task.seeds, report.graph_hashes, strict=True):
            found.setdefault((report.domain, seed, content), []).append(report.backend)
    rows = tuple(
        (domain, str(seed), listed(names), content)
        for (domain, seed, content), names in found.items()
    )
    return Table(("domain", "seed", "engines", "graph, SHA-256"), rows)


def approximations(reports: Sequence[RecallReport]) -> tuple[str, ...]:
    """Return what was approximated on the way to each engine, without repetition."""
    notes: dict[str, list[str]] = {}
    for report in reports:
        for note in report.approximations:
            notes.setdefault(note, []).append(f"{report.backend} {report.domain}")
    return tuple(f"{note} ({listed(runs)})" for note, runs in notes.items())
