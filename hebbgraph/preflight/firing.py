"""firing: the same data in `float` and `fixed`: who falls silent, who never stops, what wraps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job
from hebbgraph.compile import lower_stages
from hebbgraph.feed import encode_inputs
from hebbgraph.graph import Graph
from hebbgraph.preflight.finding import Finding, Verdict
from hebbgraph.preflight.samples import Sample
from hebbgraph.preflight.watch import RESIDUE, SATURATIONS, WRAPS, Watch, watched_run
from hebbgraph.weights import start_weights

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

Mask = NDArray[np.bool_]

#: Of events that happened: what they mean, and what to do.
MEANING: Mapping[str, tuple[Verdict, str, str]] = {
    **dict.fromkeys(
        WRAPS,
        (
            "fault",
            "the value changes sign where it leaves its register",
            "lower weights and thresholds together, or give quantise sample data",
        ),
    ),
    **dict.fromkeys(
        SATURATIONS,
        (
            "warning",
            "values are cut off at the end of their range",
            "lower gains, weights and thresholds together, or widen it",
        ),
    ),
    RESIDUE: (
        "warning",
        "spikes that v / 4096, which a voltage decay of 4095 leaves behind, decides",
        "move thresholds away from the values that v takes, or scale up weights and thresholds",
    ),
}


@dataclass(frozen=True)
class Run:
    """Activity by path, (episodes, steps, units): spikes, or where a graded value was not 0."""

    spikes: Mapping[str, NDArray[Any]]
    active: Mapping[str, Mask]
    watch: Watch | None
    steps: int

    def activity(self, path: str) -> Mask:
        """Return where the process at `path` emitted something."""
        return self.spikes[path] != 0 if path in self.spikes else self.active[path]


def run(graph: Graph, hardware: Hardware, sample: Sample) -> Run:
    """Run `graph` on the reference in its own domain; raises `Invalid` if the data do not fit."""
    stages = lower_stages(graph, None, hardware)
    final = stages[next(reversed(stages))]
    episodes, emitted, steps = encode_inputs(
        stages["flatten"], sample.inputs, sample.steps, sample.episodes
    )
    job = Job(emitted, episodes, steps, learned=start_weights(final, None))
    recording, watch = watched_run(final, job)
    counted = watch if graph.domain == "fixed" else None
    return Run(recording.spikes, recording.active, counted, steps)


def firing_findings(graph: Graph, floating: Run | None, fixed: Run | None) -> list[Finding]:
    """Return what changed from `floating` to `fixed`; either may be missing."""
    found: list[Finding] = []
    shown = fixed or floating
    if shown is None:
        return found
    for path, process in graph.walk():
        if process.ROLE == "units":
            found += _activity_findings(path, floating, fixed)
        if path in shown.spikes and floating and fixed:
            found.append(_agreement(path, floating.spikes[path], fixed.spikes[path]))
        if fixed and fixed.watch and path in fixed.watch.updates:
            found += _event_findings(path, fixed.watch)
    return found


def _activity_findings(path: str, floating: Run | None, fixed: Run | None) -> list[Finding]:
    """Compare rates, silent units and units that never stop."""
    shown = fixed or floating
    assert shown is not None
    now = shown.activity(path)
    before = floating.activity(path) if floating and fixed else None
    domain = "fixed" if fixed else "float"
    text = f"{'spikes' if path in shown.spikes else 'events'} per unit and step in {domain}"
    if before is not None:
        text += f", {before.mean():.3g} in float"
    dead, old_dead = _never(now), None if before is None else _never(before)
    on, old_on = _never(~now), None if before is None else _never(~before)
    return [
        Finding(path, "firing", "rate", "ok", float(now.mean()), None, text),
        _units_finding(path, "dead units", domain, dead, old_dead),
        _units_finding(path, "always on", domain, on, old_on),
    ]


def _never(active: Mask) -> Mask:
    """Return the units that are active in no step of any episode."""
    return np.asarray(~active.any(axis=(0, 1)))


def _units_finding(path: str, aspect: str, domain: str, mask: Mask, old: Mask | None) -> Finding:
    """Return how many units are in `mask`, and how many of them were not in `old`, in float."""
    count, units = int(mask.sum()), len(mask)
    if not count:
        return Finding(path, "firing", aspect, "ok", 0, units)
    fresh = 0 if old is None else int((mask & ~old).sum())
    verdict: Verdict = "warning" if fresh or count == units else "note"
    if aspect == "dead units" and fresh and count == units:
        verdict = "fault"  # a population that fired has fallen silent
    text = f"units in {domain}" + ("" if old is None else f"; {fresh} of them not in float")
    remedy = "compare the notes of quantise on what feeds it" if fresh else ""
    if count == units and not fresh:
        remedy = "try other data, weights or thresholds"
    return Finding(path, "firing", aspect, verdict, count, units, text, remedy)


def _agreement(path: str, floating: NDArray[Any], fixed: NDArray[Any]) -> Finding:
    """Return the share of steps at which both rasters are the same, and the first that is not."""
    differs = (floating != fixed).any(axis=2)
    share = f"{100 * (1 - differs.mean()):.3g} %"
    if not differs.any():
        text = "of all steps have the same spikes in float and fixed"
        return Finding(path, "firing", "agreement", "ok", share, None, text)
    step = int(np.argmax(differs.any(axis=0)))
    text = f"of all steps have the same spikes in float and fixed; the first that differs is {step}"
    return Finding(path, "firing", "agreement", "note", share, None, text)


def _event_findings(path: str, watch: Watch) -> list[Finding]:
    """Return what left its register, or one line that nothing did."""
    updates = watch.updates[path]
    found = []
    for name, count in watch.counts[path].items():
        if not count:
            continue
        verdict, text, remedy = MEANING[name]
        units = int(watch.units[path][name].sum())
        where = f"updates, in {units} unit{'s' if units > 1 else ''}: {text}"
        found.append(Finding(path, "firing", name, verdict, count, updates, where, remedy))
    if not found:
        text = "updates in which nothing left its register"
        found.append(Finding(path, "firing", "arithmetic", "ok", updates, None, text))
    return found
