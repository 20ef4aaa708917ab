"""sweep: how a memory recalls over a grid of knobs, seed by seed, and a killed sweep goes on.

One engine for every survey: corruption (knob ``level``), capacity (``load``), phase diagrams
(``temperature`` and ``load``), learning thresholds (``examples`` and ``quality``), quantisation
(``weight_bits`` and ``load``), engines (``backend``, ``domain``), data (``data``)::

    base = trial("hopfield", units=200, steps=30)
    found = sweep(base, {"load": (0.05, 0.1, 0.15), "weight_bits": (8, 4, 2)}, seeds=range(5))
    found.points[0].metrics["overlap"]            # mean and interval over the seeds
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.counters import Counters, added
from hebbgraph.data import PatternSet
from hebbgraph.errors import Fault, Invalid
from hebbgraph.harness import records
from hebbgraph.harness.baselines import MEANS_OF_CLASSES, MEANS_OF_STORED, baselines
from hebbgraph.harness.engine import Teller
from hebbgraph.harness.measure import cost_metrics, information, state_metrics
from hebbgraph.harness.recall_report import METRICS
from hebbgraph.harness.task import seed_faults
from hebbgraph.harness.trial import Trial
from hebbgraph.metrics import Interval, bootstrap

#: Episodes run at once: bounds memory to some 10 to 20 bytes times BATCH, steps and units.
BATCH = 128

#: What is measured at every point, and what it is.
SWEEP_METRICS: dict[str, str] = METRICS | {
    "overlap": "overlap with the pattern behind the cue, mean over the last `tail` steps",
    "information": "bits that a unit of the final state tells of the stored one",
    "stored_bits": "bits of all stored patterns that can be recalled: K N times `information`",
    "wall_seconds": "seconds the engine took for the recalls of the seed",
}


@dataclass(frozen=True, eq=False)
class Point:
    """One place of the grid, all seeds; what the report's words say of a recall holds for it."""

    #: Knobs by name.
    at: Mapping[str, Any]
    trial: Trial
    #: By the names of `SWEEP_METRICS`, one number per seed; NaN where undefined.
    per_seed: Mapping[str, tuple[float, ...]]
    #: ``nearest_stored``, ``nearest_mean`` and, for labelled data, ``nearest_stored_class``.
    baselines_per_seed: Mapping[str, tuple[float, ...]]
    #: Summed over seeds, for pricing; so are the recalls.
    counters: Counters
    recalls: int

    @cached_property
    def metrics(self) -> Mapping[str, Interval]:
        """Return mean and bootstrap interval over the seeds."""
        return {name: bootstrap(values) for name, values in self.per_seed.items()}

    @cached_property
    def baselines(self) -> Mapping[str, Interval]:
        """Return mean and bootstrap interval over the seeds."""
        return {name: bootstrap(values) for name, values in self.baselines_per_seed.items()}

    @property
    def baseline_means(self) -> str:
        """Return what the means of ``nearest_mean`` were taken over."""
        labelled = self.trial.data is not None and self.trial.data.labels is not None
        return MEANS_OF_CLASSES if labelled else MEANS_OF_STORED

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; NaN becomes None."""
        return {
            "at": dict(self.at),
            "trial": self.trial.as_dict(),
            "load": self.trial.load,
            "metrics": {name: value.as_dict() for name, value in self.metrics.items()},
            "per_seed": {n: [_json(v) for v in values] for n, values in self.per_seed.items()},
            "baselines": {name: value.as_dict() for name, value in self.baselines.items()},
            "baseline_means": self.baseline_means,
            "counters": self.counters.as_dict(),
            "recalls": self.recalls,
        }


@dataclass(frozen=True, eq=False)
class Sweep:
    """A grid of points over knobs."""

    base: Trial
    #: Values of each knob, in the order of the grid's axes; data sets by name.
    knobs: Mapping[str, tuple[Any, ...]]
    seeds: tuple[int, ...]
    #: The last knob varies fastest.
    points: tuple[Point, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of values of each knob."""
        return tuple(len(values) for values in self.knobs.values())

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric, (values of the first knob, of the second, ..., seeds).

        Raises `Invalid` on an unknown metric.
        """
        self.require_metric(metric)
        rows = [point.per_seed[metric] for point in self.points]
        return np.array(rows, dtype=np.float64).reshape(*self.shape, len(self.seeds))

    def means(self, metric: str) -> NDArray[np.float64]:
        """Return a metric's mean over the seeds in which it is defined; NaN where in none."""
        found = self.values(metric)
        defined = ~np.isnan(found)
        sums = np.where(defined, found, 0.0).sum(axis=-1)
        count = defined.sum(axis=-1)
        return np.divide(sums, count, out=np.full(self.shape, np.nan), where=count > 0)

    def where(self, **fixed: Any) -> list[Point]:
        """Return the points at which knobs have these values, in the order of the grid."""
        for name, value in fixed.items():
            if value not in self.knobs.get(name, ()):
                got = f"{value!r}"
                need = f"values of its knobs are {dict(self.knobs)}"
                raise Invalid("sweep", [Fault(name, got, need)])
        return [p for p in self.points if all(p.at[name] == v for name, v in fixed.items())]

    def require_metric(self, metric: str) -> None:
        """Raise `Invalid` naming the metrics there are, if this is none."""
        if metric not in self.points[0].per_seed:
            need = f"metrics are {', '.join(self.points[0].per_seed)}"
            raise Invalid("sweep", [Fault("metric", repr(metric), need)])

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "base": self.base.as_dict(),
            "knobs": {name: list(values) for name, values in self.knobs.items()},
            "seeds": list(self.seeds),
            "points": [point.as_dict() for point in self.points],
        }


def sweep(
    base: Trial,
    knobs: Mapping[str, Sequence[Any]],
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    path: str | os.PathLike[str] | None = None,
    progress: Teller | None = None,
) -> Sweep:
    """Return what `base` recalls at every combination of knobs, for every seed.

    Points that differ in how they recall only (level, corruption, steps, ...) share their networks:
    a curve over corruption builds one per seed. With a `path` every result is added to that file as
    it comes, and what the file has is not run again (`hebbgraph.harness.records`); results of
    another version of this package, or of other data, are never taken for it, but a `Family` of
    your own is known by its ``name`` alone. `progress` is told (done, total, text), counted in
    points times seeds, with the time left.

    Raises `Invalid` with every fault of the arguments, and of what `build` refuses, before long
    work.
    """
    trials = grid(base, knobs, seeds)
    _refuse_parameters([one for _, one in trials])
    held = records.read(path)
    teller = _Clock(progress, len(trials) * len(seeds), base.name)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for group in _shared(trials):
        for seed in seeds:
            missing = []
            for index in group:
                record = held.get(records.key(trials[index][1].as_dict(), seed))
                if record is None:
                    missing.append(index)
                else:
                    found[index, seed] = record
            teller.skip(len(group) - len(missing))
            wanted = [trials[index][1] for index in missing]
            with contextlib.closing(_recalled(wanted, seed)) as records_of_seed:
                for index in missing:
                    teller.tell(trials[index][0], seed)
                    found[index, seed] = next(records_of_seed)
                    records.append(path, found[index, seed])
                    teller.done += 1
    teller.finish()
    points = [
        _point(at, one, [found[index, seed] for seed in seeds])
        for index, (at, one) in enumerate(trials)
    ]
    named = {name: tuple(_name(value) for value in values) for name, values in knobs.items()}
    return Sweep(base, named, tuple(map(int, seeds)), tuple(points))


# --- the grid ----------------------------------------------------------------------------------


def grid(
    base: Trial, knobs: Mapping[str, Sequence[Any]], seeds: Sequence[int]
) -> list[tuple[dict[str, Any], Trial]]:
    """Return every place of the grid with its trial; raises `Invalid` with every fault.

    `sweep` begins with it; by itself it tells what a sweep will run.
    """
    faults = seed_faults(seeds)
    for name, values in knobs.items():
        if isinstance(values, str) or not np.iterable(values) or not len(values):
            faults.append(Fault(name, repr(values), "must be a list of one value or more"))
        elif len({_name(value) for value in values}) < len(values):
            faults.append(Fault(name, repr(list(values)), "must be distinct"))
    if {"load", "count"} <= set(knobs):
        faults.append(Fault("knobs", "load and count", "must be one of them, load sets count"))
    if faults:
        raise Invalid("sweep", faults)
    trials = []
    for chosen in itertools.product(*knobs.values()):
        at = dict(zip(knobs, chosen, strict=True))
        load = at.get("load", 1.0)
        if not (isinstance(load, int | float | np.number) and 0 < load < math.inf):
            faults.append(Fault("load", repr(load), "must be a number above 0"))
            continue
        made = base.turned(at)
        faults += [fault for fault in made.faults() if fault not in faults]
        trials.append(({name: _name(value) for name, value in at.items()}, made))
    if faults:
        raise Invalid("sweep", list(dict.fromkeys(faults)))
    return trials


def _refuse_parameters(trials: Sequence[Trial]) -> None:
    """Build one small network of each set of parameters, so that bad ones are refused early."""
    seen: dict[str, Trial] = {}
    for one in trials:
        text = repr((sorted(one.as_dict()["parameters"].items(), key=str), one.units))
        if text not in seen or one.count < seen[text].count:
            seen[text] = one
    for one in seen.values() if len(seen) > 1 else ():  # one is built soon enough
        build = one.bound(0).build
        data = one.data
        two = one.family.patterns(2, one.units, 0) if data is None else data.patterns[:2]
        try:
            build(two)
        except Invalid:
            build(one.stored(0)[0])  # two may be too few for it


def _shared(trials: Sequence[tuple[Mapping[str, Any], Trial]]) -> list[list[int]]:
    """Return which trials share their networks, in the order of the first of each."""
    groups: dict[str, list[int]] = {}
    for index, (_, one) in enumerate(trials):
        groups.setdefault(one.network, []).append(index)
    return list(groups.values())


def _name(value: Any) -> Any:
    """Return a knob's value as it is reported: whole and real numbers, data sets by name."""
    if isinstance(value, np.generic):
        return value.item()
    return value.name if isinstance(value, PatternSet) else value


# --- one network -------------------------------------------------------------------------------


def _recalled(trials: Sequence[Trial], seed: int) -> Generator[dict[str, Any]]:
    """Run trials that share a network; yield a record of each as soon as it is there."""
    first = trials[0]
    patterns, rows = first.stored(seed)
    family, engine = first.bound(seed), first.engine()
    with engine.compile(family, patterns) as program:
        for one in trials:
            cues, targets = one.cues(patterns, seed), one.targets()
            batches, counters, seconds = [], [], 0.0
            for start in range(0, len(cues), BATCH):
                shown = cues[start : start + BATCH]
                states, result = engine.recall(
                    family, program, shown, one.steps, first_episode=start
                )
                batches.append(states)
                counters.append(result.counters)
                seconds += result.provenance.wall_seconds
            states = np.concatenate(batches)
            spent = reduce(added, counters)
            values = _measured(one, states, cues, patterns, rows, targets)
            values |= cost_metrics(spent, len(cues)) | {"wall_seconds": seconds}
            yield {
                "trial": one.as_dict(),
                "seed": int(seed),
                "values": {name: _json(value) for name, value in values.items()},
                "baselines": _baselines(one, cues, patterns, rows, targets),
                "recalls": len(cues),
                "counters": spent.as_dict(),
            }


def _measured(
    one: Trial,
    states: NDArray[Any],
    cues: NDArray[Any],
    patterns: NDArray[Any],
    rows: NDArray[np.int64] | None,
    targets: NDArray[np.int64],
) -> dict[str, float]:
    labels = None
    if one.data is not None and one.data.labels is not None:
        labels = one.data.labels[rows]
    values = state_metrics(states, cues, patterns, targets, one.family.alphabet, labels)
    wanted = patterns[targets]
    if one.tail > 1:
        late = states[:, -one.tail :]
        values["overlap"] = float(metrics.overlap(late, wanted[:, np.newaxis]).mean())
    bits = information(states[:, -1], wanted)
    return values | {"information": bits, "stored_bits": bits * patterns.size}


def _baselines(
    one: Trial,
    cues: NDArray[Any],
    patterns: NDArray[Any],
    rows: NDArray[np.int64] | None,
    targets: NDArray[np.int64],
) -> dict[str, float]:
    data = one.data
    if data is None or rows is None:
        data = PatternSet(one.name, patterns, alphabet=one.family.alphabet)
        rows = np.arange(len(patterns))
    right = baselines(data, rows, cues, targets)
    shares = {"nearest_stored": right.nearest_stored, "nearest_mean": right.nearest_mean}
    if right.nearest_stored_class is not None:
        shares["nearest_stored_class"] = right.nearest_stored_class
    return {name: float(values.mean()) for name, values in shares.items()}


def _point(at: Mapping[str, Any], one: Trial, found: Sequence[Mapping[str, Any]]) -> Point:
    first = found[0]
    return Point(
        at=at,
        trial=one,
        per_seed={n: tuple(_number(r["values"][n]) for r in found) for n in first["values"]},
        baselines_per_seed={
            n: tuple(float(r["baselines"][n]) for r in found) for n in first["baselines"]
        },
        counters=reduce(added, (Counters.from_dict(r["counters"]) for r in found)),
        recalls=sum(int(r["recalls"]) for r in found),
    )


# --- progress and JSON -------------------------------------------------------------------------


class _Clock:
    """Tells how far a sweep is and how long it will take, from what ran so far."""

    def __init__(self, progress: Teller | None, total: int, name: str) -> None:
        self.progress, self.total, self.name = progress, total, name
        self.done = self.known = 0
        self.start = time.perf_counter()

    def skip(self, count: int) -> None:
        """Count what was found in a file."""
        self.done += count
        self.known += count

    def tell(self, at: Mapping[str, Any], seed: int) -> None:
        """Say what is run now."""
        if not self.progress or self.done >= self.total:
            return
        place = "".join(f", {name} {_short(value)}" for name, value in at.items())
        ran = self.done - self.known
        left = ""
        if ran:
            seconds = (time.perf_counter() - self.start) / ran * (self.total - self.done)
            left = f", about {_time(seconds)} left"
        self.progress(self.done, self.total, f"{self.name}{place}, seed {seed}{left}")

    def finish(self) -> None:
        """Say that all is done."""
        if self.progress:
            self.progress(self.total, self.total, f"{self.name}, done")


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _json(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
