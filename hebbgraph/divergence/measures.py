"""measures: how far two rasters lie apart, as pure functions.

Rasters have shape (episodes, steps, units); spikes may have a sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.divergence.event import Observed, differing, number

#: Time constant of `van_rossum`, in steps.
TAU = 10.0

#: What is measured, in words.
MEASURES: Mapping[str, str] = {
    "jaccard": "same-step spike Jaccard: spikes that both have at the same unit and step, over"
    " spikes that at least one has; 1 where neither has any",
    "van_rossum": f"van Rossum distance, time constant {TAU:g} steps: spike trains are filtered by"
    " exp(-t / tau) and subtracted; over all units, mean over episodes; one spike that the other"
    " lacks makes 0.71",
    "rate_cosine": "cosine between the vectors of spike counts per unit. It forgets when each"
    " spike came, and counts that grow in proportion: engines that differ in most spikes can score"
    " above 0.99, so it proves nothing",
    "identical_episodes": "share of episodes in which every spike is the same",
    "state_difference": "largest difference of a recorded state or graded output, relative to"
    " max(1, |x|)",
}


@dataclass(frozen=True)
class Spikes:
    """How far the rasters of one process, or of all, lie apart; see `MEASURES`."""

    jaccard: float
    van_rossum: float
    rate_cosine: float
    #: Spikes in the reference and in the engine.
    expected: int
    got: int


@dataclass(frozen=True)
class Measures:
    """How far an engine's run lies from the reference's; see `MEASURES`."""

    #: Over all processes that spike.
    spikes: Spikes
    #: By path.
    by_process: Mapping[str, Spikes]
    identical_episodes: float
    state_difference: float
    #: Where the difference is largest; empty where there is none.
    state: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self) | {"state_difference": number(self.state_difference)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Measures:
        """Return the measures that `as_dict` described."""
        by_process = {path: Spikes(**one) for path, one in document["by_process"].items()}
        values = {
            "spikes": Spikes(**document["spikes"]),
            "by_process": by_process,
            "state_difference": float(document["state_difference"]),
        }
        return cls(**{**document, **values})


def measure(expected: Observed, got: Observed, watched: Iterable[tuple[Any, Any]]) -> Measures:
    """Return the measures of `got` against `expected`.

    `watched` are pairs of runs, of the same kind, in which states were recorded.
    """
    both = [(path, raster, got.spikes[path]) for path, raster in expected.spikes.items()]
    each = {path: compared([(a, b)]) for path, a, b in both}
    episodes = max((len(a) for _, a, _ in both), default=1)
    same = np.ones(episodes, bool)
    for _, a, b in both:
        same &= (a == b).all(axis=(1, 2))
    largest, where = 0.0, ""
    for ours, theirs in watched:
        for target, values in ours.states.items():
            found = relative_difference(values, theirs.states[target])
            if found > largest:
                largest, where = found, target
    total = compared([(a, b) for _, a, b in both])
    return Measures(total, each, float(same.mean()), largest, where)


def compared(rasters: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Spikes:
    """Return the measures of pairs of rasters, taken as one raster with the units of all."""
    pairs = list(rasters)
    counts = [int(sum(np.count_nonzero(pair[side]) for pair in pairs)) for side in (0, 1)]
    return Spikes(jaccard(pairs), van_rossum(pairs), rate_cosine(pairs), *counts)


def jaccard(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Return |A and B| / |A or B| of two sets of spikes (episode, step, unit, sign)."""
    shared = either = 0
    for a, b in pairs:
        shared += int(np.count_nonzero((a == b) & (a != 0)))
        either += int(np.count_nonzero(a) + np.count_nonzero(b))
    # A spike of another sign is another spike, so the union is what both have less what they share.
    return shared / (either - shared) if either else 1.0


def van_rossum(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]], tau: float = TAU) -> float:
    """Return the distance D of spike trains, over all units, mean over episodes.

    With the spikes f_i(t) of unit i in one run, g_i(t) in the other, d = f - g and the filter
    exp(-t / tau), per episode::

        D**2 = sum_i (1 / tau) integral (d_i * exp)(t)**2 dt
             = sum_i (1 / 2) sum_(t, t') d_i(t) d_i(t') exp(-|t - t'| / tau)

    M. C. W. van Rossum, "A novel spike distance", Neural Computation 13(4), 2001,
    doi:10.1162/089976601300014321. Small shifts of a spike cost little, a missing one 1 / sqrt(2).
    """
    kept = math.exp(-1.0 / tau)
    squares: NDArray[np.float64] | None = None
    for a, b in pairs:
        if squares is None:
            squares = np.zeros(len(a))
        if np.array_equal(a, b):
            continue
        filtered = np.zeros((a.shape[0], a.shape[2]))
        for step in range(a.shape[1]):
            d = a[:, step].astype(np.float64) - b[:, step]
            filtered = kept * filtered + d
            squares += (d * (2 * filtered - d)).sum(axis=1) / 2
    if squares is None:
        return 0.0
    return float(np.sqrt(np.maximum(squares, 0.0)).mean())


def rate_cosine(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Return the cosine between two vectors of spike counts per unit; 1 where both are 0."""
    pairs = list(pairs)
    ours, theirs = (
        np.concatenate([np.zeros(0), *(np.count_nonzero(p[side], axis=(0, 1)) for p in pairs)])
        for side in (0, 1)
    )
    if np.array_equal(ours, theirs):
        return 1.0
    lengths = math.sqrt(float(ours @ ours)) * math.sqrt(float(theirs @ theirs))
    if lengths == 0:
        return 0.0
    return min(1.0, float(ours @ theirs) / lengths)


def relative_difference(expected: NDArray[Any], got: NDArray[Any]) -> float:
    """Return the largest |expected - got| / max(1, |expected|); NaN equals NaN."""
    differs = differing(expected, got)
    if not differs.any():
        return 0.0
    ours, theirs = (array[differs].astype(np.float64) for array in (expected, got))
    with np.errstate(invalid="ignore", over="ignore"):
        ratio = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
    return float(np.where(np.isnan(ratio), np.inf, ratio).max())
