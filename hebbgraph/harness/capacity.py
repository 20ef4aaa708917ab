"""capacity_curve: retrieval overlap against load, for random patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hebbgraph.checks import Domain
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.harness.corrupt import corruption_faults
from hebbgraph.harness.engine import Teller
from hebbgraph.harness.sweep import Point, sweep
from hebbgraph.harness.task import seed_faults
from hebbgraph.harness.trial import Trial
from hebbgraph.metrics import Interval

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware


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
    #: How cues are spoiled; level 0 starts at the pattern itself.
    corruption: str
    level: float
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
    family: Family,
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    corruption: str | None = None,
    level: float = 0.0,
    steps: int = 30,
    tested: int = 100,
    backend: str = "reference",
    domain: Domain = "float",
    hardware: Hardware | str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Teller | None = None,
) -> CapacityCurve:
    """Return how well the memory of K = round(load N) independent patterns recalls them, per load.

    Each recall begins at a stored pattern, spoiled at `level` by `corruption`, by default the one
    the family names, and runs `steps` steps. Of each network the first `tested` patterns are
    tried, or all where K is smaller; they are as good as any, being independent. A seed's
    patterns at one load are the first of its patterns at a higher load, so that curves are smooth
    in the load. The other arguments are those of `run_recall`, and `progress` counts networks.

    Raises `Invalid` with every fault of the arguments.
    """
    corruption = family.corruption[0] if corruption is None else corruption
    faults = _faults(size, loads, seeds, steps, tested)
    faults += corruption_faults(corruption, level, family.alphabet)
    if faults:
        raise Invalid("capacity_curve", faults)
    base = Trial(
        family,
        name="memory",
        units=size,
        corruption=corruption,
        level=level,
        tested=tested,
        steps=steps,
        backend=backend,
        domain=domain,
        options=dict(options or {}),
        hardware=hardware,
    )
    found = sweep(base, {"load": loads}, seeds=seeds, progress=progress)
    return CapacityCurve(
        size=int(size),
        corruption=corruption,
        level=float(level),
        steps=int(steps),
        seeds=tuple(seeds),
        backend=backend,
        domain=domain,
        points=tuple(map(_point, found.points)),
    )


def _point(point: Point) -> CapacityPoint:
    made = point.trial
    return CapacityPoint(
        count=made.count,
        load=made.load,
        tested=min(made.tested, made.count),
        overlap=point.metrics["overlap"],
        exact=point.metrics["exact"],
        settled=point.metrics["settled"],
        overlap_per_seed=point.per_seed["overlap"],
    )


def _faults(
    size: int, loads: Sequence[float], seeds: Sequence[int], steps: int, tested: int
) -> list[Fault]:
    faults = [
        Fault(name, repr(value), f"must be a whole number of {least} or more")
        for name, value, least in (("size", size, 1), ("steps", steps, 2), ("tested", tested, 1))
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least
    ]
    if not len(loads) or not all(0 < load < float("inf") for load in loads):
        need = "must be one or more numbers above 0, patterns per unit"
        faults.append(Fault("loads", repr(list(loads)), need))
    return faults + seed_faults(seeds)
