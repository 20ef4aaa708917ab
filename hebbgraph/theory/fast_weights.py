"""Fast weights: what outer products of random keys and values answer.

Derived here from sums of independent signs; D. J. Willshaw and P. Dayan, Neural Computation 2(1),
1990, doi:10.1162/neco.1990.2.1.85, treat the matrix memory at large.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import binom, chi2

#: Equally likely values that stand for a random number.
NODES = 24


def fast_weights_snr(keys: int, count: int, decay: float = 0.0, age: int = 0) -> float:
    """Return the signal-to-noise ratio of one unit of y = S k, its squared mean over its variance.

    With g = 1 - decay, `count` random pairs of keys with d = `keys` units, the one asked for
    written `age` pairs before the last::

        SNR = d g**(2 age) / sum over the other pairs b of g**(2 b)

    which is d / (count - 1) without decay, and infinite for one pair.
    """
    kept = (1 - decay) ** (2 * np.arange(count, dtype=float))
    noise = kept.sum() - kept[age]
    return float(keys * kept[age] / noise) if noise else math.inf


def fast_weights_error(keys: int, count: int, decay: float = 0.0, age: int = 0) -> float:
    """Return the share of wrong signs in what is recalled: P(z > sqrt(SNR)), z normal."""
    return float(ndtr(-math.sqrt(fast_weights_snr(keys, count, decay, age))))


def fast_weights_lookup(keys: int, values: int, count: int) -> float:
    """Return how often y is nearest to the right one of the `count` values stored, without decay.

    With d = `keys`, m = `values`, K = `count`; a = k' k and b = v' v the likeness of another pair
    to the right one (sums of d and of m signs), and n the crosstalk of all others, normal with
    variance (K - 2) d in each unit, the right value v scores better than v' where::

        (d - a)(m - b) + (v - v') n > 0

    Shared by all comparisons are v n = s z, s = sqrt((K - 2) d m), and the length of the rest of
    n, whose square x is chi-squared with m - 1 degrees of freedom. Given both they are taken as
    independent: the result is the mean of (1 - P(v' wins | z, x))**(K - 1) over z and x. That they
    are not quite makes it up to 0.04 too low (m from 16 to 64).
    """
    if count <= 2:
        return 1.0
    a, p_a = _signs(keys)
    b, p_b = _signs(values)
    b, p_b = b[b < values], p_b[b < values]  # v' = v is no error
    s = math.sqrt((count - 2) * keys * values)
    spread = s * np.sqrt(1 - (b / values) ** 2)
    spread = np.where(spread > 0, spread, 1e-300)
    middles = (np.arange(NODES) + 0.5) / NODES
    lengths = np.sqrt(chi2.ppf(middles, values - 1) / (values - 1)) if values > 1 else [1.0]
    lost = np.empty((NODES, len(lengths)))
    for row, z in enumerate(ndtri(middles)):
        ahead = np.outer(keys - a, values - b) + s * z * (1 - b / values)
        for column, length in enumerate(lengths):
            lost[row, column] = p_a @ ndtr(-ahead / (length * spread)) @ p_b
    return float(((1 - lost) ** (count - 1)).mean())


def _signs(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values that a sum of `count` random signs takes, and their probabilities."""
    ones = np.arange(count + 1, dtype=np.float64)
    return 2 * ones - count, np.asarray(binom.pmf(ones, count, 0.5), dtype=np.float64)
