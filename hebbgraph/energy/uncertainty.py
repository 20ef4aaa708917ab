"""Uncertainty of costs: a range as a distribution, drawn once for all that is compared.

A figure with ``low <= nominal <= high`` is drawn as a lognormal in two pieces::

    x(z) = nominal (high / nominal)**(z / Z)    z >= 0
    x(z) = nominal (low / nominal)**(-z / Z)    z < 0,      z ~ N(0, 1), Z its 95 % quantile

so that `nominal` is the median and `low` and `high` are the 5 % and 95 % quantiles: one in ten true
values lies outside the range. A bound is one-sided (half of the draws are the figure itself). Where
an end is 0 no ratio exists, and that side is linear in z, cut off at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.random import stream

#: The 95 % quantile of the standard normal distribution.
Z = 1.6448536269514722


def spread(
    low: ArrayLike, nominal: ArrayLike, high: ArrayLike, z: ArrayLike
) -> NDArray[np.float64]:
    """Return x(z) of figures, broadcast over all four."""
    a, m, b, at = np.broadcast_arrays(
        *(np.asarray(values, np.float64) for values in (low, nominal, high, z))
    )
    positive = m > 0
    median = np.where(positive, m, 1.0)
    up = np.log(np.where(positive, b, 1.0) / median)
    falls = positive & (a > 0)
    down = np.log(median / np.where(falls, a, median))
    found = median * np.exp(at / Z * np.where(at >= 0, up, down))
    straight = m + at / Z * np.where(at >= 0, b - m, m - a)
    ratio = np.where(at >= 0, positive, falls)
    return np.where(ratio, found, np.maximum(straight, 0.0))


def deviations(names: Sequence[str], samples: int, seed: int) -> NDArray[np.float64]:
    """Return z for every name, (names, samples): equal names have equal deviations.

    A name's draws do not depend on which others there are.
    """
    drawn = {
        name: stream(seed, name, "cost uncertainty").standard_normal(samples)
        for name in dict.fromkeys(names)
    }
    return np.stack([drawn[name] for name in names]) if names else np.zeros((0, samples))
