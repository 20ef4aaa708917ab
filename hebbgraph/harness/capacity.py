"""capacity_curve: retrieval overlap against load, for random patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.data import random_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware import Hardware
from hebbgraph.harness.corrupt import corruption_faults, cues
from hebbgraph.harness.engine import Build, Engine, Teller
from hebbgraph.harness.task import seed_faults
from hebbgraph.metrics import Interval, bootstrap
from hebbgraph.processes import Domain

#: Episodes run at once: bounds memory to some 10 to 20 bytes times BATCH, steps and units.
BATCH = 128


@dataclass(frozen=True)
class CapacityPoint:
    """Retrieval at one load; intervals are over seeds, each its own network."""

    #: K, patterns stored.
    count: int
    #: alpha = K / N as it was run, after rounding K to a whole number.
    load: float
    #: Patterns of each network whose recall was tried.
    tested: int
    #: Overlap of the final state with the pattern the recall began at, or near.
    overlap: Interval
    #: Share of recalls that end in exactly that pattern.
    exact: Interval
    #: Share of recalls that came to rest.
    settled: Interval
    #: Mean overlap of each seed.
    overlap_per_seed: tuple[float, ...]


@dataclass(frozen=True)
class CapacityCurve:
    """Retrieval overlap against load for random unbiased patterns."""

    #: N.
    size: int
    #: Share of the units flipped in the cue; 0 starts at the pattern itself.
    flips: float
    steps: int
    seeds: tuple[int, ...]
    backend: str
    domain: str
    points: tuple[CapacityPoint, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; NaN becomes None."""
        head = {k: v for k, v in asdict(self).items() if k not in ("seeds", "points")}
        points = []
        for point in self.points:
            row = asdict(point) | {"overlap_per_seed": list(point.overlap_per_seed)}
            for name in ("overlap", "exact", "settled"):
                row[name] = getattr(point, name).as_dict()
            points.append(row)
        return head | {"seeds": list(self.seeds), "points": points}


def capacity_curve(
    size: int,
    loads: Sequence[float],
    build: Build,
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    flips: float = 0.0,
    steps: int = 30,
    tested: int = 100,
    backend: str = "reference",
    domain: Domain = "float",
    hardware: Hardware | str | None = None,
    options: Mapping[str, Any] | None = None,
    cue: str = "cue",
    memory: str = "memory",
    progress: Teller | None = None,
) -> CapacityCurve:
    """Return how well the memory of K = round(load N) random patterns recalls them, per load.

    Each recall begins at a stored pattern with round(flips N) units negated, and runs `steps`
    steps. Of each network the first `tested` patterns are tried, or all where K is smaller; they
    are as good as any, being independent. A seed's patterns at one load are the first of its
    patterns at a higher load, so that curves are smooth in the load. `build` makes the memory of
    patterns (K, N); the other arguments are those of `run_recall`, and `progress` counts networks.

    Raises `Invalid` with every fault of the arguments.
    """
    faults = _faults(size, loads, seeds, flips, steps, tested)
    if faults:
        raise Invalid("capacity_curve", faults)
    engine = Engine(backend, domain, hardware, dict(options or {}), cue, memory)
    total = len(loads) * len(seeds)
    points: list[CapacityPoint] = []
    for load in loads:
        count = max(1, round(load * size))
        rows: list[tuple[float, float, float]] = []
        for seed in seeds:
            if progress:
                text = f"load {count / size:.4g}, seed {seed}"
                progress(len(points) * len(seeds) + len(rows), total, text)
            patterns = random_patterns(count, size, seed).patterns
            rows.append(_network(engine, build, patterns, min(tested, count), flips, steps, seed))
        points.append(_point(count, size, min(tested, count), rows))
    if progress:
        progress(total, total, "done")
    return CapacityCurve(
        int(size), float(flips), int(steps), tuple(seeds), backend, domain, tuple(points)
    )


def _network(
    engine: Engine,
    build: Build,
    patterns: NDArray[np.int8],
    tested: int,
    flips: float,
    steps: int,
    seed: int,
) -> tuple[float, float, float]:
    """Return the mean overlap, exact recall and settled share of one network."""
    wanted = patterns[:tested]
    starts = cues(wanted, "flip", flips, seed=seed)[:, 0]
    overlaps, settled = [], []
    with engine.compile(build, patterns) as program:
        for first in range(0, tested, BATCH):
            states, _ = engine.recall(program, starts[first : first + BATCH], steps)
            overlaps.append(metrics.overlap(states[:, -1], wanted[first : first + BATCH]))
            settled.append(metrics.settling(states).settled)
    m = np.concatenate(overlaps)
    return float(m.mean()), float((m == 1).mean()), float(np.concatenate(settled).mean())


def _point(
    count: int, size: int, tested: int, rows: Sequence[tuple[float, float, float]]
) -> CapacityPoint:
    overlap, exact, settled = zip(*rows, strict=True)
    return CapacityPoint(
        count=count,
        load=count / size,
        tested=tested,
        overlap=bootstrap(overlap),
        exact=bootstrap(exact),
        settled=bootstrap(settled),
        overlap_per_seed=overlap,
    )


def _faults(
    size: int, loads: Sequence[float], seeds: Sequence[int], flips: float, steps: int, tested: int
) -> list[Fault]:
    faults = [
        Fault(name, repr(value), f"must be a whole number of {least} or more")
        for name, value, least in (("size", size, 1), ("steps", steps, 2), ("tested", tested, 1))
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least
    ]
    if not len(loads) or not all(0 < load < float("inf") for load in loads):
        need = "must be one or more numbers above 0, patterns per unit"
        faults.append(Fault("loads", repr(list(loads)), need))
    faults += [Fault("flips", fault.got, fault.need) for fault in corruption_faults("flip", flips)]
    return faults + seed_faults(seeds)
