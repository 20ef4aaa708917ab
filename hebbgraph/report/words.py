"""What a report says, in sentences computed from the numbers; none is said that they do not show.

The functions take what was measured and return plain text; `hebbgraph.report` lays it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hebbgraph.counters import Counters
from hebbgraph.divergence import TOLERANCE
from hebbgraph.energy import EnergyReport
from hebbgraph.harness.compare import Comparison, Row, Survey
from hebbgraph.harness.corrupt import CORRUPTIONS
from hebbgraph.harness.recall_report import RecallReport
from hebbgraph.harness.task import RecallTask
from hebbgraph.metrics import Interval, overlaps

#: A memory is said to collapse onto the mean image where its final states overlap that image by
#: at least the first number on average, and at least the second share of its recalls come to rest
#: in a mixture (see `hebbgraph.metrics.mixture`).
COLLAPSE_OVERLAP = 0.95
COLLAPSE_SHARE = 0.5


#: A space at which no line ends.
NO_BREAK = "\N{NO-BREAK SPACE}"

#: How far figures can be trusted, in words.
BASIS = {
    "silicon_measured": "measured on silicon",
    "silicon_fit": "fitted to silicon",
    "pre_silicon_sim": "simulated before silicon",
    "datasheet": "data sheet",
    "vendor_claim": "vendor's claim",
    "analytic": "calculated",
    "assumption": "assumed",
}


class Measured(Protocol):
    """Recalls that were measured: a `RecallReport`, or a `Point` of a sweep."""

    @property
    def metrics(self) -> Mapping[str, Interval]:
        """Return intervals over seeds, by the names of `hebbgraph.harness.METRICS`."""

    @property
    def baselines(self) -> Mapping[str, Interval]:
        """Return those of the nearest stored pattern and the nearest mean."""

    @property
    def baseline_means(self) -> str:
        """Return what the means were taken over."""


@dataclass(frozen=True)
class Verdict:
    """Whether the engines agree, in one sentence, and what that rests on."""

    #: ``good``, ``partial`` (an engine is unavailable, or there was nothing to compare), ``bad``.
    tone: str
    headline: str
    details: tuple[str, ...]


def listed(items: Iterable[str]) -> str:
    """Return ``"a, b and c"``."""
    *head, last = list(items) or ["none"]
    return f"{', '.join(head)} and {last}" if head else last


def plural(count: int, noun: str) -> str:
    """Return ``"1 seed"``, ``"2 seeds"``; `noun` takes an s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def interval(value: Interval, digits: int = 3) -> str:
    """Return ``"0.970 [0.950, 0.980]"``; the bounds left out with one seed, ``"-"`` with none."""
    if value.n == 0:
        return "-"
    mean = f"{value.mean:.{digits}f}"
    if value.n == 1:
        return f"{mean} (1 seed)"
    return f"{mean} [{value.low:.{digits}f},{NO_BREAK}{value.high:.{digits}f}]"


def basis_words(basis: Iterable[str]) -> str:
    """Return ``"data sheet, calculated"``; ``"-"`` for none."""
    return ", ".join(BASIS.get(name, name) for name in basis) or "-"


# --- what was run ------------------------------------------------------------------------------


def task_words(comparison: Comparison) -> list[str]:
    """Return what was stored, how it was recalled and how often."""
    config, task = comparison.config, comparison.config.task()
    units = task.data.units
    given = ", ".join(f"{name} = {value}" for name, value in config.parameters.items())
    kind = CORRUPTIONS[task.corruption]
    classes = f", {task.per_class} of each class drawn" if task.per_class else ""
    sentences = [
        f"The memory is the model {config.model} with {given or 'its default parameters'}.",
        (
            f"It stores K = {plural(task.count, 'pattern')} of N = {plural(units, 'unit')} from"
            f" {task.data.name}{classes}: a load of K / N = {task.count / units:.3g}."
        ),
        (
            f"Each pattern is recalled from {plural(task.cues_per_pattern, 'corrupted cue')}"
            f" ({kind.name}, level {task.level:g}: {kind.level}), for"
            f" {plural(len(task.seeds), 'seed')} ({', '.join(map(str, task.seeds))}):"
            f" {plural(task.recalls * len(task.seeds), 'recall')} of {plural(task.steps, 'step')}"
            " per engine and domain."
        ),
        "A seed decides what is stored and how the cues are spoiled, for all engines alike.",
    ]
    if comparison.reports:
        cue = interval(comparison.reports[0].metrics["cue_overlap"])
        sentences.append(f"The cues overlap the patterns that they were made from by {cue}.")
    if task.data.source:
        sentences.append(f"Data: {task.data.source}.")
    return sentences


# --- whether the engines agree -----------------------------------------------------------------


def verdict(comparison: Comparison) -> Verdict:
    """Return what the rows say about agreement with the reference."""
    rows = comparison.rows
    identical = [row for row in rows if row.report and row.agrees and row.backend != "reference"]
    divergent = [row for row in rows if row.report and not row.agrees]
    failed = [row for row in rows if not row.report and not row.unavailable]
    missing = [row for row in rows if row.unavailable]
    compared = len(identical) + len(divergent)
    mixed = identical and (divergent or failed)
    details = [f"Identical to the reference: {_runs(identical)}."] if mixed else []
    details += _how_compared(comparison, [*identical, *divergent])
    details += _reasons("Divergent", divergent)
    details += _reasons("Did not run", failed)
    details += _reasons("Unavailable", missing)
    absent = f" Unavailable here: {listed(_engines(missing))}." if missing else ""
    if divergent or failed:
        parts = []
        if divergent:
            depart = "departs" if len(divergent) == 1 else "depart"
            parts.append(
                f"{len(divergent)} of {plural(compared, 'run')} {depart} from the reference"
            )
        if failed:
            parts.append(f"{plural(len(failed), 'run')} failed")
        word = "Divergent" if divergent else "Incomplete"
        return Verdict("bad", f"{word}: {' and '.join(parts)}.{absent}", tuple(details))
    if not compared:
        text = "Nothing to compare: no engine other than the reference ran."
        return Verdict("partial", text + absent, tuple(details))
    text = f"Identical: {_runs(identical)} {'gives' if compared == 1 else 'give'}"
    text += f" the same recalls as the reference.{absent}"
    return Verdict("partial" if missing else "good", text, tuple(details))


def _how_compared(comparison: Comparison, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    seeds = len(comparison.config.seeds)
    whole = min(len(row.report.results) for row in rows if row.report)
    text = f"Compared spike by spike over {whole} of {plural(seeds, 'seed')}"
    if whole < seeds:
        text += " (the other rasters were too large to keep), by metrics and counters over all"
    allowed = f"recorded states may differ by {TOLERANCE:g} in float and not at all in fixed"
    return [f"{text}. Spikes must be equal; {allowed}."]


def _reasons(title: str, rows: Sequence[Row]) -> list[str]:
    """Return one line per engine and reason, with the domains that it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        reason = row.agreement
        for prefix in ("unavailable: ", "did not run: "):
            reason = reason.removeprefix(prefix)
        found.setdefault((row.backend, reason), []).append(row.domain)
    return [
        f"{title}: {backend} ({listed(domains)}): {reason}"
        for (backend, reason), domains in found.items()
    ]


def _runs(rows: Sequence[Row]) -> str:
    """Return ``"brian2 (float and fixed) and lava (fixed)"``."""
    domains = {name: [row.domain for row in rows if row.backend == name] for name in _engines(rows)}
    return listed(f"{name} ({listed(held)})" for name, held in domains.items())


def _engines(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.backend for row in rows))


# --- what the memory is worth ------------------------------------------------------------------


def baseline_words(report: Measured) -> list[str]:
    """Return how recall compares with the nearest neighbour and the nearest mean of the cue."""
    found, base = report.metrics, report.baselines
    sentences = [
        (
            f"The nearest stored pattern of the raw cue (1-NN) is the right one for"
            f" {interval(base['nearest_stored'])} of the cues; the memory ends nearest to it for"
            f" {interval(found['identification'])}:"
            f" {against(found['identification'], base['nearest_stored'])}."
        )
    ]
    if "class_accuracy" in found:
        sentences.append(
            f"The nearest mean ({report.baseline_means}) is of the right class for"
            f" {interval(base['nearest_mean'])}; the memory ends nearest to that class for"
            f" {interval(found['class_accuracy'])}:"
            f" {against(found['class_accuracy'], base['nearest_mean'])}."
        )
    return sentences


def against(ours: Interval, theirs: Interval) -> str:
    """Return whether `ours` is better than `theirs`, as far as the intervals can tell."""
    if ours.mean == theirs.mean:
        return "the memory is as good as the baseline"
    if min(ours.n, theirs.n) < 2:
        return "with one seed the difference cannot be judged"
    if ours.low > theirs.high:
        return "the memory is better than the baseline"
    if ours.high < theirs.low:
        return "the memory is worse than the baseline"
    return "the intervals overlap, so neither is shown to be better"


def collapses(report: Measured) -> bool:
    """Return whether the recalls end in the mean image, by the two thresholds above."""
    found = report.metrics
    mixture, settled = found["mixture"], found["settled"]
    near = found["mean_image_overlap"].mean >= COLLAPSE_OVERLAP
    return near and mixture.n > 0 and mixture.mean * settled.mean >= COLLAPSE_SHARE


def survey_words(survey: Survey) -> list[str]:
    """Return what the survey shows: correlation, collapse if there is one, each rule, 1-NN."""
    reports = survey.reports
    if not reports:
        return []
    sentences = [_correlation(next(iter(reports.values())).task)]
    sentences += [_collapse(rule, report) for rule, report in reports.items() if collapses(report)]
    alike: dict[str, list[str]] = {}
    for rule, report in reports.items():
        alike.setdefault(_recalls(report), []).append(rule)
    sentences += [f"{listed(rules)}: {text}." for text, rules in alike.items()]
    judged: dict[str, list[str]] = {}
    for rule, report in reports.items():
        ours, theirs = report.metrics["identification"], report.baselines["nearest_stored"]
        text = against(ours, theirs).replace("the baseline", "1-NN")
        judged.setdefault(text, []).append(rule)
    compared = "; ".join(f"{listed(rules)}: {text}" for text, rules in judged.items())
    first = next(iter(reports.values())).baselines["nearest_stored"]
    return [*sentences, f"1-NN on the raw cues identifies {interval(first)}. {compared}."]


def _correlation(task: RecallTask) -> str:
    if task.count < 2:
        return "One pattern is stored, so there is nothing to tell apart."
    pairs = np.triu_indices(task.count, 1)
    stored = [task.data.patterns[task.stored(seed)] for seed in task.seeds]
    mean = round(float(np.mean([overlaps(xi, xi)[pairs].mean() for xi in stored])), 2)
    return (
        f"Two stored patterns overlap by {mean + 0.0:.2f} on average; independent ones without bias"
        " would by 0."
    )


def _collapse(rule: str, report: RecallReport) -> str:
    found = report.metrics
    return (
        f"{rule} collapses onto the mean image: its final states overlap the sign of the mean"
        f" stored pattern by {interval(found['mean_image_overlap'], 2)}, and"
        f" {interval(found['mixture'], 2)} of its states at rest are mixtures, nearer to that image"
        " than to any stored pattern. Whatever the cue, it recalls what the patterns have in"
        " common."
    )


def _recalls(report: RecallReport) -> str:
    found = report.metrics
    text = (
        f"exact recall {interval(found['exact'], 2)}, identification"
        f" {interval(found['identification'], 2)}, overlap {interval(found['overlap'], 2)}"
    )
    if found["spurious"].n:
        text += f", spurious states {interval(found['spurious'], 2)} of those at rest"
    return text


# --- energy ------------------------------------------------------------------------------------


def priced(comparison: Comparison) -> list[tuple[str, Mapping[str, EnergyReport]]]:
    """Return the distinct prices, each with the runs that it holds for, in words.

    Engines with equal rasters have equal counters, so there is one for all, or one per domain.
    """
    rows = [row for row in comparison.rows if row.report and row.energy]
    groups: list[list[Row]] = []
    for row in rows:
        equal = next((group for group in groups if group[0].energy == row.energy), None)
        if equal is None:
            groups.append([row])
        else:
            equal.append(row)
    return [(_held_by(group, rows), group[0].energy) for group in groups]


def counted(comparison: Comparison) -> list[tuple[str, Counters]]:
    """Return the distinct counters of priced runs, each with the runs that it holds for."""
    rows = [row for row in comparison.rows if row.report and row.energy]
    groups: list[list[Row]] = []
    for row in rows:
        assert row.report is not None
        held = row.report.counters
        same = next((g for g in groups if g[0].report and g[0].report.counters == held), None)
        if same is None:
            groups.append([row])
        else:
            same.append(row)
    return [(_held_by(g, rows), g[0].report.counters) for g in groups if g[0].report]


def _held_by(group: Sequence[Row], rows: Sequence[Row]) -> str:
    if len(group) == len(rows):
        return "all runs"
    domains = dict.fromkeys(row.domain for row in group)
    if len(group) == sum(row.domain in domains for row in rows):
        return f"{listed(domains)}, all engines"
    return _runs(group)
