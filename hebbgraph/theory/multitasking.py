"""The multitasking Hebbian network: several diluted patterns retrieved at once.

Patterns in {-1, 0, 1} with P(0) = d, finitely many (K) on N units, N to infinity. With the
amplitudes m_mu = sum_i xi_i sigma_i / (N (1 - d)) and T in units of the field of one pattern::

    m_mu = E[xi_mu tanh(sum_nu m_nu xi_nu / T)] / (1 - d)

E. Agliari, A. Barra, A. Galluzzi, F. Guerra and F. Moauro, Phys. Rev. Lett. 109, 2012 and
arXiv:1304.4488; learning from examples: arXiv:2308.04106; P. Bartolucci and A. Annibale,
arXiv:1405.2454. The averages are exact sums over all 3**K columns of patterns.
"""

from __future__ import annotations

import functools
import itertools
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

State = Literal["hierarchical", "symmetric"]

#: Most patterns whose columns are enumerated: 3**12 are half a million.
MOST_PATTERNS = 12
#: Steps of a fixed-point iteration, and the change that ends it.
ITERATIONS, RESOLUTION = 20_000, 1e-12
#: Temperatures tried where a window is looked for, and the least amplitude that is one.
GRID, LEAST = np.linspace(0.02, 0.99, 98), 1e-4


@functools.lru_cache(maxsize=32)
def columns(patterns: int, dilution: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all 3**K columns (xi_1 .. xi_K) and their probabilities."""
    if not 1 <= patterns <= MOST_PATTERNS:
        raise ValueError(f"patterns must be in 1..{MOST_PATTERNS} to be enumerated ({patterns})")
    xi = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=patterns)))
    weights = np.where(xi == 0, dilution, (1 - dilution) / 2).prod(axis=1)
    return xi, weights


def next_amplitudes(
    amplitudes: ArrayLike, dilution: float, temperature: float = 0.0
) -> NDArray[np.float64]:
    """Return the right-hand side of the equation; at T = 0 tanh is the sign, 0 at 0."""
    m = np.asarray(amplitudes, dtype=np.float64)
    xi, weights = columns(len(m), dilution)
    fields = xi @ m
    if temperature == 0:
        decided = np.where(np.abs(fields) < 1e-9, 0.0, np.sign(fields))
    else:
        decided = np.tanh(fields / temperature)
    return np.asarray((weights * decided) @ xi / (1 - dilution))


def multitasking_hierarchy(patterns: int, dilution: float) -> NDArray[np.float64]:
    """Return d**(k-1), k = 1 .. K: each pattern takes the units that those before leave blank."""
    return dilution ** np.arange(patterns, dtype=np.float64)


def multitasking_gap(patterns: int, dilution: float) -> float:
    """Return 1 - sum_{j=1}^{K-1} d**j: the least field by which the first pattern outvotes all."""
    return float(1 - (dilution ** np.arange(1, patterns)).sum())


def multitasking_critical_dilution(patterns: int) -> float:
    """Return d_c, where the `multitasking_gap` closes and the hierarchy deforms; 1 for K < 3."""
    if patterns < 3:
        return 1.0
    return float(brentq(lambda d: multitasking_gap(patterns, d), 0.4, 1.0))


def multitasking_amplitudes(
    patterns: int, dilution: float, temperature: float = 0.0, state: State = "hierarchical"
) -> NDArray[np.float64]:
    """Return the amplitudes m_1 >= m_2 >= ... of a state at rest, (K,).

    ``hierarchical`` iterates from d**(k-1): it stays there at T = 0 up to d_c, and is a deformed
    hierarchy beyond. ``symmetric`` is the solution of equal amplitudes, 0 where there is none.
    """
    if state == "symmetric":
        return np.full(patterns, _symmetric(patterns, dilution, temperature))
    m = multitasking_hierarchy(patterns, dilution)
    for _ in range(ITERATIONS):
        before = m
        # Half steps: at T = 0 the sign makes full ones jump between two states.
        m = (m + next_amplitudes(m, dilution, temperature)) / 2
        if np.abs(m - before).max() < RESOLUTION:
            break
    return np.sort(m)[::-1]


def _symmetric(patterns: int, dilution: float, temperature: float) -> float:
    def excess(m: float) -> float:
        return float(next_amplitudes(np.full(patterns, m), dilution, temperature).mean()) - m

    return float(brentq(excess, LEAST, 1.0)) if excess(LEAST) > 0 > excess(1.0) else 0.0


def multitasking_stability(amplitudes: ArrayLike, dilution: float, temperature: float) -> float:
    """Return the largest eigenvalue of the derivative of `next_amplitudes`: stable below 1.

    d m_mu / d m_nu = E[xi_mu xi_nu (1 - tanh**2)] / (T (1 - d)), T > 0.
    """
    m = np.asarray(amplitudes, dtype=np.float64)
    xi, weights = columns(len(m), dilution)
    slope = weights * (1 - np.tanh(xi @ m / temperature) ** 2)
    matrix = (xi * slope[:, np.newaxis]).T @ xi / (temperature * (1 - dilution))
    return float(np.linalg.eigvalsh(matrix).max())


def multitasking_window(patterns: int, dilution: float) -> tuple[float, float] | None:
    """Return the temperatures (low, high) between which equal amplitudes are stable, or None.

    High is 1, where they vanish. At T = 0 they never are: units on which patterns cancel decide.
    """

    def excess(temperature: float) -> float:
        m = multitasking_amplitudes(patterns, dilution, temperature, "symmetric")
        return multitasking_stability(m, dilution, temperature) - 1

    good = [t for t in GRID if excess(t) < -1e-6]
    if not good:
        return None
    first = int(np.searchsorted(GRID, good[0]))
    if first == 0:
        return float(GRID[0]), 1.0
    return float(brentq(excess, GRID[first - 1], GRID[first], xtol=1e-4)), 1.0


def multitasking_examples(patterns: int, dilution: float, quality: float) -> float:
    """Return M at which sqrt(rho), the noise of examples, is the gap; infinite beyond d_c.

    rho = (1 - r**2) / (r**2 M). A hierarchy that is learned from examples asks for several times
    that: M >> (1 - r**2) / (r gap)**2.
    """
    room = multitasking_gap(patterns, dilution)
    return float("inf") if room <= 0 else (1 - quality**2) / (quality * room) ** 2
