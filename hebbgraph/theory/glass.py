"""The spin-glass line of p-body memories: where replicas of one network stop being alike.

Above it states of independent runs (replicas) overlap by q = 0; below, the crosstalk of too many
patterns freezes them into one of many valleys and q is spread out or has several peaks: replica
symmetry is broken. L. Albanese et al., "Replica symmetry breaking in dense Hebbian neural
networks", J. Stat. Phys. 189, 2022, arXiv:2111.12997. For p > 2 the crosstalk is that of an Ising
p-spin glass (E. Gardner, Nucl. Phys. B 257, 1985) with fields of variance alpha' q**(p-1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from hebbgraph.theory.hopfield import spin_glass_temperature

#: Points and weights of averages over a Gaussian.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(201)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
#: The coldest and hottest inverse temperatures, times sqrt(alpha'), that are searched.
HOTTEST, COLDEST = 0.4, 6.0


class GlassLine(NamedTuple):
    """Temperatures in units of the field of one pattern, and the overlap where it appears."""

    #: Below it the equilibrium is a glass.
    static: float
    #: Below it valleys trap a dynamics that starts at random; equal to `static` for p = 2.
    dynamic: float
    #: Overlap of replicas in the same valley, at the static temperature.
    overlap: float


def glass_line(load: float, p: int) -> GlassLine:
    """Return the spin-glass line of a memory of distinct p-body couplings at `load` alpha'.

    p = 2: T_g = 1 + sqrt(alpha), continuous (Amit, Gutfreund and Sompolinsky 1987). p > 2: one step
    of replica symmetry breaking at m = 1, with u = beta sqrt(alpha' q**(p-1)) z::

        q = E[cosh(u) tanh(u)**2] / E[cosh(u)]                                   dynamic: it appears
        E[cosh(u) log cosh(u)] / E[cosh(u)]
            = beta**2 alpha' (q**(p-1) + (1 - 1/p) q**p) / 2                     static: no entropy

    Raises `ValueError` unless p >= 2 and `load` > 0.
    """
    if p < 2 or load <= 0:
        raise ValueError(f"p must be 2 or more and load above 0 (got {p}, {load})")
    if p == 2:
        hot = spin_glass_temperature(load)
        return GlassLine(hot, hot, 0.0)
    dynamic = _dynamic(p)

    def entropy(beta: float) -> float:
        return _entropy(beta, _overlap(beta, p), p)

    static = brentq(entropy, dynamic * (1 + 1e-9), COLDEST)
    unit = math.sqrt(load)
    return GlassLine(unit / static, unit / dynamic, _overlap(static, p))


def _dynamic(p: int) -> float:
    """Return the least beta sqrt(alpha') with a solution q > 0, by bisection."""
    low, high = HOTTEST, COLDEST
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _overlap(middle, p) > 0 else (middle, high)
    return high


def _overlap(beta: float, p: int) -> float:
    """Return the largest q that solves its equation, at alpha' = 1; 0 if there is none but 0."""
    grid = 1 - np.linspace(0, 1, 501)[:-1] ** 2
    excess = _mean_square(beta, grid, p) - grid
    above = np.flatnonzero(excess > 0)
    if not above.size:
        return 0.0
    first = int(above[0])
    if first == 0:
        return 1.0
    ends = grid[first], grid[first - 1]
    return float(brentq(lambda q: float(_mean_square(beta, np.array([q]), p)[0]) - q, *ends))


def _mean_square(beta: float, q: NDArray[np.float64], p: int) -> NDArray[np.float64]:
    u, tilted = _tilted(beta, q, p)
    return np.asarray((tilted * np.tanh(u) ** 2).sum(axis=1))


def _entropy(beta: float, q: float, p: int) -> float:
    """Return the complexity of the valleys, the entropy of their number, per unit; q at beta."""
    u, tilted = _tilted(beta, np.array([q]), p)
    logs = np.logaddexp(u, -u) - math.log(2)
    own = beta**2 * (q ** (p - 1) + (1 - 1 / p) * q**p) / 2
    return own - float((tilted * logs).sum())


def _tilted(
    beta: float, q: NDArray[np.float64], p: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return u and the weights of an average with cosh(u), each (len(q), points), at alpha' = 1."""
    u = beta * np.sqrt(q ** (p - 1))[:, np.newaxis] * NODES
    logs = np.logaddexp(u, -u) + np.log(np.maximum(WEIGHTS, 1e-300))
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return u, weights / weights.sum(axis=1, keepdims=True)
