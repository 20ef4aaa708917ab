"""The bidirectional associative memory in replica theory, for two layers of equal size."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import optimize


def bam_overlap(alpha: float) -> float:
    """Return the retrieval overlap m of each layer at T = 0, alpha = K / n for layers of n units.

    Crosstalk of a pattern that is not recalled passes from layer to layer, m_x = a_x + C m_y and
    m_y = a_y + C m_x, a_x and a_y of variance 1 / n, so that its variance is r / n with::

        r = (1 + C^2) / (1 - C^2)^2,    C = sqrt(2 / (pi alpha r)) exp(-m^2 / (2 alpha r))
        m = erf(m / sqrt(2 alpha r))

    where the Hopfield network has r = 1 / (1 - C)^2. 0 above the capacity. The storage capacity by
    replicas is in Kurchan, Peliti and Saber, J. Phys. I France 4, 1994.
    """
    if alpha <= 0:
        return 1.0
    peak = _peak()
    if alpha > _load(peak):
        return 0.0
    if alpha < _load(12.0):
        return 1.0
    return math.erf(float(optimize.brentq(lambda y: _load(y) - alpha, peak, 12.0, xtol=1e-13)))


def bam_capacity() -> float:
    """Return the largest K / n with a retrieval state: 0.1998."""
    return _load(_peak())


def _load(y: float) -> float:
    """Return alpha where m / sqrt(2 alpha r) is `y`."""
    m = math.erf(y)
    c = 2 / math.sqrt(math.pi) * y * math.exp(-(y**2)) / m
    return m**2 / (2 * y**2 * (1 + c**2) / (1 - c**2) ** 2)


@functools.lru_cache(maxsize=1)
def _peak() -> float:
    grid = np.linspace(0.5, 4.0, 71)
    best = int(np.argmax([_load(float(y)) for y in grid]))
    found = optimize.minimize_scalar(
        lambda y: -_load(float(y)),
        bounds=(grid[best - 1], grid[best + 1]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(found.x)
