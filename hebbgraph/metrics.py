"""Metrics of associative recall, as pure NumPy functions, and intervals over seeds.

States sigma and stored patterns xi are of one alphabet (`hebbgraph.alphabets`); the last axis is
always the units, of which there are N. ``tolerance`` is for real values: what a unit may be off, as
a share of the root mean square of its pattern.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream


def hamming(
    states: NDArray[Any], targets: NDArray[Any], tolerance: float = 0.0
) -> NDArray[np.int64]:
    """Return d = sum_i [sigma_i != xi_i], the number of units that differ.

    Shapes (..., N) and (..., N) broadcast over all axes but the last.
    """
    _require_equal_width(states, targets)
    return np.asarray(np.count_nonzero(_wrong(states, targets, tolerance), axis=-1), np.int64)


def overlap(states: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """Return m = sum_i xi_i sigma_i / (|xi| |sigma|), the cosine; 0 where either is zero.

    For values -1 and +1 it is (1/N) sum_i xi_i sigma_i = 1 - 2 d / N, d the Hamming distance: 1 is
    the pattern, 0 chance (for patterns without bias), -1 the negative of the pattern.
    """
    _require_equal_width(states, targets)
    one, other = states.astype(np.float64), targets.astype(np.float64)
    norms = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    return _shares((one * other).sum(axis=-1), norms)


def overlaps(states: NDArray[Any], stored: NDArray[Any]) -> NDArray[np.float64]:
    """Return the `overlap` m_(e, mu) of every state with every pattern, shape (episodes, K).

    `states` is (episodes, N), `stored` (K, N).
    """
    _require_equal_width(states, stored)
    one, other = states.astype(np.float64), stored.astype(np.float64)
    # Of whole numbers the sums stay below 2**53, so float64 holds them in any order of summation.
    norms = np.sqrt(np.outer((one**2).sum(axis=1), (other**2).sum(axis=1)))
    return _shares(one @ other.T, norms)


def exact(states: NDArray[Any], targets: NDArray[Any], tolerance: float = 0.0) -> NDArray[np.bool_]:
    """Return [sigma = xi]: whether every unit is right."""
    return np.asarray(hamming(states, targets, tolerance) == 0)


def identified(
    states: NDArray[Any], stored: NDArray[Any], targets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return [argmax_mu m_mu = target]: whether the nearest stored pattern is the right one.

    `targets` (episodes,) holds rows of `stored`. A tie for the largest overlap counts as wrong.
    """
    return np.asarray(nearest(overlaps(states, stored)) == targets)


def nearest(scores: NDArray[Any]) -> NDArray[np.int64]:
    """Return the column of the largest score in each row, or -1 where several share it."""
    best = scores.max(axis=1, keepdims=True)
    alone = np.count_nonzero(scores == best, axis=1) == 1
    return np.where(alone, scores.argmax(axis=1), -1)


@dataclass(frozen=True)
class Settling:
    """How each episode ended; every array has shape (episodes,)."""

    #: First step from which the state no longer changes; the number of steps where not settled.
    steps: NDArray[np.int64]
    #: Whether the last two states are equal, which for memoryless units is a fixed point.
    settled: NDArray[np.bool_]
    #: Whether the run ended in a cycle of two states, sigma(T-1) = sigma(T-3) != sigma(T-2).
    period_two: NDArray[np.bool_]


def settling(states: NDArray[Any], tolerance: float = 0.0) -> Settling:
    """Return when and how each episode of `states` (episodes, T, N) came to rest.

    Settled at step t: sigma(t') = sigma(t) for all t' >= t, and t <= T - 2, so that at least one
    repetition was seen. With one step nothing can be said, and no episode counts as settled.
    """
    episodes, total, _ = states.shape
    # Column t compares states t and t + 1; the state at rest begins after the last change.
    changed = _wrong(states[:, 1:], states[:, :-1], tolerance).any(axis=2)
    after_last_change = np.where(changed, np.arange(1, total), 0).max(axis=1, initial=0)
    settled = after_last_change < total - 1
    period_two = np.zeros(episodes, dtype=bool)
    if total > 2:
        period_two = ~settled & exact(states[:, -1], states[:, -3], tolerance)
    steps = np.where(settled, after_last_change, total).astype(np.int64)
    return Settling(steps, settled, period_two)


def mean_image(stored: NDArray[Any]) -> NDArray[np.int8]:
    """Return c_i = sign(sum_mu xi_i^mu), (N,); 0 where as many patterns hold +1 as -1."""
    return np.asarray(np.sign(stored.sum(axis=0, dtype=np.float64)).astype(np.int8))


def mean_image_overlap(states: NDArray[Any], stored: NDArray[Any]) -> NDArray[np.float64]:
    """Return m_c = sum_i c_i sigma_i / sum_i |c_i|, c the `mean_image` of the stored patterns.

    Near 1 for all cues it says that the memory collapsed onto what its patterns have in common.
    NaN where no unit has a majority. Shape (episodes,).
    """
    _require_equal_width(states, stored)
    centre = mean_image(stored).astype(np.float64)
    weight = np.abs(centre).sum()
    return np.asarray(states @ centre / (weight if weight else np.nan))


def spurious(
    states: NDArray[Any], stored: NDArray[Any], tolerance: float = 0.0
) -> NDArray[np.bool_]:
    """Return whether each state is neither a stored pattern nor the negative of one.

    `states` is (episodes, N), `stored` (K, N).
    """
    _require_equal_width(states, stored)
    if not tolerance:  # equal means equal bytes: one look-up a state
        small = _small(states) and _small(stored)
        known = {row for signed in (stored, -stored) for row in _rows(signed, small)}
        return np.array([row not in known for row in _rows(states, small)], dtype=bool)
    found = np.zeros(len(states), dtype=bool)
    for pattern in stored:
        found |= exact(states, pattern, tolerance) | exact(-states, pattern, tolerance)
    return ~found


def mixture(
    states: NDArray[Any], stored: NDArray[Any], tolerance: float = 0.0
) -> NDArray[np.bool_]:
    """Return whether each state is spurious and nearer to the mean image than to any pattern.

    Nearer: m_c > max_mu m_mu, with m_c of `mean_image_overlap`. Three stored patterns make their
    symmetric mixture such a state; many correlated ones their mean image.
    """
    closest = overlaps(states, stored).max(axis=1)
    nearer = mean_image_overlap(states, stored) > closest
    return np.asarray(spurious(states, stored, tolerance) & nearer)


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its confidence interval."""

    mean: float
    #: Bounds; NaN when fewer than two seeds say nothing about the spread.
    low: float
    high: float
    #: Number of seeds in which the quantity is defined.
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}]"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; NaN becomes None."""
        bounds = {"mean": self.mean, "low": self.low, "high": self.high}
        return {k: None if math.isnan(v) else v for k, v in bounds.items()} | {"n": self.n}


def bootstrap(
    values: ArrayLike, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return the mean of `values` with its BCa bootstrap interval; the unit resampled is the seed.

    `values` holds one number per seed, already averaged over the recalls of that seed: recalls
    that share a network are not independent, networks are. NaN marks a seed in which the quantity
    is undefined; it is left out and `n` counts the rest. With one seed the interval is NaN.

    Bias-corrected and accelerated (Efron, "Better bootstrap confidence intervals", JASA 82(397),
    1987, doi:10.1080/01621459.1987.10478410): with G the distribution of resampled means, z0 =
    Phi^-1(G(mean)), a the acceleration from the jackknife and z = Phi^-1((1 +- confidence) / 2),
    the bounds are the quantiles of G at Phi(z0 + (z0 + z) / (1 - a (z0 + z))). With few seeds, say
    below ten, any bootstrap interval is somewhat too narrow.

    Raises `Invalid` for a confidence outside (0, 1), fewer than one resample, or no rows.
    """
    data = np.asarray(values, dtype=np.float64)
    _require_bootstrap(data, confidence, resamples)
    data = data[~np.isnan(data)]
    if not data.size:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(data.mean())
    if data.size == 1:
        return Interval(mean, math.nan, math.nan, 1)
    if np.ptp(data) == 0:
        return Interval(float(data[0]), float(data[0]), float(data[0]), data.size)
    draws = stream(seed, "metrics", "bootstrap").integers(data.size, size=(resamples, data.size))
    means = data[draws].mean(axis=1)
    levels = _bca_levels(data, means, confidence)
    low, high = np.quantile(means, levels)
    return Interval(mean, float(low), float(high), data.size)


def _bca_levels(
    data: NDArray[np.float64], means: NDArray[np.float64], confidence: float
) -> list[float]:
    normal = NormalDist()
    centre = data.mean()
    # Resamples that equal the mean but for rounding count half, as the mid-rank of discrete data.
    equal = np.isclose(means, centre, rtol=1e-12, atol=1e-12 * float(np.abs(data).max()))
    below = np.count_nonzero((means < centre) & ~equal) + np.count_nonzero(equal) / 2
    share = (below + 0.5) / (len(means) + 1)
    bias = normal.inv_cdf(share)
    deviation = data - centre
    acceleration = (deviation**3).sum() / (6 * (deviation**2).sum() ** 1.5)
    levels = []
    for sign in (-1, 1):
        z = bias + normal.inv_cdf((1 + sign * confidence) / 2)
        levels.append(normal.cdf(bias + z / (1 - acceleration * z)))
    return levels


def _require_bootstrap(data: NDArray[np.float64], confidence: float, resamples: int) -> None:
    faults: list[Fault] = []
    if data.ndim != 1 or not data.size:
        faults.append(Fault("values", f"shape {data.shape}", "must hold one number per seed"))
    if not 0 < confidence < 1:
        faults.append(Fault("confidence", repr(confidence), "must be in (0, 1)"))
    if resamples < 1:
        faults.append(Fault("resamples", repr(resamples), "must be a whole number above 0"))
    if faults:
        raise Invalid("bootstrap", faults)


def _wrong(states: NDArray[Any], targets: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    if not tolerance:
        return np.asarray(states != targets)
    size = np.sqrt((targets.astype(np.float64) ** 2).mean(axis=-1, keepdims=True))
    return np.asarray(~(np.abs(states - targets.astype(np.float64)) <= tolerance * size))


def _small(values: NDArray[Any]) -> bool:
    """Return whether int8 holds all values and their negatives."""
    return bool(((values == np.rint(values)) & (np.abs(values) < 128)).all())


def _rows(values: NDArray[Any], small: bool) -> list[bytes]:
    """Return rows as bytes that are equal for equal rows: -0.0 becomes 0.0."""
    held = values.astype(np.int8) if small else values.astype(np.float64) + 0.0
    return [row.tobytes() for row in held]


def _shares(sums: NDArray[np.float64], norms: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(sums, norms, out=np.zeros_like(sums), where=norms > 0)


def _require_equal_width(states: NDArray[Any], targets: NDArray[Any]) -> None:
    if states.shape[-1:] != targets.shape[-1:]:
        got = f"{states.shape} and {targets.shape}"
        need = "states and patterns must have the same number of units (last axis)"
        raise Invalid("metrics", [Fault("shapes", got, need)])
