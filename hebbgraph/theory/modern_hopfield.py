"""The modern Hopfield network: what its paper proves, computed.

H. Ramsauer et al., "Hopfield networks is all you need", ICLR 2021, arXiv:2008.02217.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw


def sphere_base(dimension: int, beta: float, scale: float, failure: float) -> float:
    """Return c, the base of the exponential capacity on a sphere (theorem 3).

    N random patterns on the sphere of radius scale sqrt(d - 1) in d dimensions are all stored and
    retrieved, but with probability `failure` p, if N <= sqrt(p) c**((d - 1) / 4), where::

        a = 2 / (d - 1) (1 + ln(2 beta scale^2 p (d - 1))),    b = 2 scale^2 beta / 5
        c = b / W0(exp(a + ln b)),                             W0 the Lambert function

    It holds for c at least (2 / sqrt(p))**(4 / (d - 1)). The paper's constants are 3.1546 (d = 20,
    beta = 1, scale = 3, p = 0.001) and 1.3718 (d = 75, beta = 1, scale = 1, p = 0.001).
    """
    a = 2 / (dimension - 1) * (1 + math.log(2 * beta * scale**2 * failure * (dimension - 1)))
    b = 2 * scale**2 * beta / 5
    return float(b / lambertw(math.exp(a + math.log(b))).real)


def sphere_capacity(dimension: int, beta: float, scale: float, failure: float) -> float:
    """Return sqrt(p) c**((d - 1) / 4), the patterns that are stored but with probability p."""
    base = sphere_base(dimension, beta, scale, failure)
    return math.sqrt(failure) * base ** ((dimension - 1) / 4)


def separation(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return Delta_i = x_i x_i - max over j != i of x_i x_j, (K,), of patterns (K, N), K >= 2."""
    x = np.asarray(patterns, dtype=np.float64)
    products = x @ x.T
    own = np.diag(products).copy()
    np.fill_diagonal(products, -np.inf)
    return np.asarray(own - products.max(axis=1))


def least_separation(count: int, beta: float, largest: float) -> float:
    """Return the Delta from which on a pattern is well separated, its fixed point its own.

    It is 2 / (beta K) + ln(2 (K - 1) K beta M^2) / beta for K = `count` patterns of norms up to
    M = `largest`.
    """
    log = math.log(2 * (count - 1) * count * beta * largest**2)
    return 2 / (beta * count) + log / beta


def retrieval_error(
    delta: ArrayLike, count: int, beta: float, largest: float, distance: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Return the bound on ||f(xi) - x_i|| after one update (theorem 5).

    It is 2 (K - 1) M exp(-beta (Delta - 2 max(||xi - x_i||, ||x* - x_i||) M)), with `distance` the
    larger of those of the state and of the fixed point x* from the pattern.
    """
    exponent = np.asarray(delta) - 2 * np.asarray(distance) * largest
    return np.asarray(2 * (count - 1) * largest * np.exp(-beta * exponent))


def contraction(
    delta: ArrayLike, count: int, beta: float, largest: float, distance: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Return the bound on ||f(xi) - x*|| / ||xi - x*||, how much nearer one update gets.

    It is 2 beta K M^2 (K - 1) exp(-beta (Delta - 2 distance M)), `distance` as in
    `retrieval_error`: exponentially small in the separation, so that one update suffices.
    """
    error = retrieval_error(delta, count, beta, largest, distance)
    return np.asarray(beta * count * largest * error)


def exponential_capacity() -> float:
    """Return ln(2) / 2: K = exp(alpha N) random +-1 patterns are all stable below it, F = exp.

    M. Demircigil et al., J. Stat. Phys. 168, 2017, doi:10.1007/s10955-017-1806-y. It is where two
    of the patterns begin to coincide, and no cliff for a typical one.
    """
    return math.log(2) / 2


def metastable_size(shares: ArrayLike, mass: float = 0.9) -> NDArray[np.int64]:
    """Return how many patterns make up `mass` of the softmax, for `shares` (..., K).

    1 is the recall of one pattern, a few are a metastable state near their mean, and about half of
    all or more is the global average (the paper's measure k of an attention head).
    """
    ordered = -np.sort(-np.asarray(shares, dtype=np.float64), axis=-1)
    reached = np.cumsum(ordered, axis=-1) >= mass * ordered.sum(axis=-1, keepdims=True) - 1e-12
    return np.asarray(reached.argmax(axis=-1) + 1)
