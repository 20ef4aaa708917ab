"""How good a map is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hebbgraph.maps.graphs import Floats, Whole

#: Places that touch, corners included, lie no farther apart than this, squared.
TOUCHING = 2
#: Numbers of distances that are held at once.
BLOCK = 2**22


def winners(patterns: ArrayLike, weights: Floats, k: int = 1) -> Whole:
    """Return the `k` units nearest to each pattern, (patterns, k), the nearest first."""
    given = np.atleast_2d(np.asarray(patterns, dtype=np.float64))
    half = (weights**2).sum(axis=1) / 2
    size = max(1, BLOCK // len(weights))
    parts = [
        np.argsort(half - given[start : start + size] @ weights.T, axis=1, kind="stable")[:, :k]
        for start in range(0, len(given), size)
    ]
    return np.concatenate(parts)


def quantisation_error(patterns: ArrayLike, weights: Floats) -> float:
    """Return the mean distance |x - w_c| of patterns (n, N) from their nearest prototypes."""
    given = np.atleast_2d(np.asarray(patterns, dtype=np.float64))
    nearest = weights[winners(given, weights)[:, 0]]
    return float(np.sqrt(((given - nearest) ** 2).sum(axis=1)).mean())


def topographic_error(patterns: ArrayLike, weights: Floats, places: Whole) -> float:
    """Return the share of patterns whose two nearest units do not touch on the lattice.

    Corners touch. K. Kiviluoto, "Topology preservation in self-organizing maps", ICNN 1996,
    doi:10.1109/ICNN.1996.548907.
    """
    two = places[winners(patterns, weights, 2)]
    return float((((two[:, 0] - two[:, 1]) ** 2).sum(axis=1) > TOUCHING).mean())


def silent_units(patterns: ArrayLike, weights: Floats) -> float:
    """Return the share of units that are nearest to no pattern."""
    won = np.unique(winners(patterns, weights)[:, 0])
    return 1.0 - len(won) / len(weights)
