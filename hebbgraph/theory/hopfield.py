"""The Hopfield network in replica theory, and what simpler arguments say about it.

Loads are alpha = K / N, temperatures T are in units of the field that a stored pattern feels alone
(J_ij = (1/N) sum_mu xi_i xi_j). E is the average over a Gaussian z of variance 1. Amit, Gutfreund
and Sompolinsky, Phys. Rev. Lett. 55, 1985, doi:10.1103/PhysRevLett.55.1530; Ann. Phys. 173, 1987,
doi:10.1016/0003-4916(87)90092-3.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

#: Below this temperature the equations of T = 0 are used.
COLD = 0.02
#: Points of averages over z, and where they end: trapezia are exact to rounding down to `COLD`.
NODES, FARTHEST = 4001, 9.0
#: The largest sigma = sqrt(alpha r) / T that is looked at, and the largest y.
WIDEST, MOST_Y = 60.0, 12.0


class Retrieval(NamedTuple):
    """One solution of the equations: a load, and the overlap there."""

    alpha: float
    m: float


def hopfield_overlap(alpha: float, temperature: float = 0.0, synaptic_noise: float = 0.0) -> float:
    """Return the retrieval overlap m of the Hebbian Hopfield network at load `alpha`.

    Replica-symmetric theory, the solution that is continuous with m = tanh(m / T) at alpha = 0::

        m = E tanh((m + sqrt(alpha r) z) / T),    q = E tanh^2(same)
        r = q / (1 - C)^2 + delta q,              C = (1 - q) / T

    0 above the largest load that has such a solution. delta = `synaptic_noise` is what a nonlinear
    function of the couplings adds (`clipping_noise`; Sompolinsky, Phys. Rev. A 34, 1986).
    """
    if temperature >= 1:
        return 0.0
    if alpha <= 0:
        return low_load_overlap(temperature)
    peak, best = _peak(temperature, synaptic_noise)
    if alpha > best.alpha:
        return 0.0
    start = MOST_Y if temperature < COLD else 1e-9

    def excess(x: float) -> float:
        return _solution(x, temperature, synaptic_noise).alpha - alpha

    if excess(start) > 0:  # nearly no load
        return _solution(start, temperature, synaptic_noise).m
    root = optimize.brentq(excess, start, peak, xtol=1e-12)
    return _solution(float(root), temperature, synaptic_noise).m


def hopfield_capacity(temperature: float = 0.0, synaptic_noise: float = 0.0) -> float:
    """Return alpha_c, the largest load with a retrieval state: 0.1379 at T = 0, 0 from T = 1 on."""
    if temperature >= 1:
        return 0.0
    return _peak(temperature, synaptic_noise)[1].alpha


def hopfield_critical_temperature(alpha: float) -> float:
    """Return T_M(alpha), above which the load `alpha` has no retrieval state: 1 at alpha = 0.

    The phase line of the T-alpha plane; 0 from alpha_c(T = 0) on.
    """
    if alpha <= 0:
        return 1.0
    if alpha >= hopfield_capacity():
        return 0.0
    found = optimize.brentq(lambda t: hopfield_capacity(t) - alpha, 0.0, 1.0, xtol=1e-5)
    return float(found)


def spin_glass_temperature(alpha: float) -> float:
    """Return T_g = 1 + sqrt(alpha), below which the network freezes somewhere or other."""
    return 1.0 + math.sqrt(max(alpha, 0.0))


def low_load_overlap(temperature: float) -> float:
    """Return m = tanh(m / T): the overlap with few stored patterns."""
    if temperature >= 1:
        return 0.0
    if temperature < COLD:
        return 1.0
    found = optimize.brentq(lambda m: math.tanh(m / temperature) - m, 1e-9, 1.0, xtol=1e-14)
    return float(found)


def glauber_overlap(temperature: float, noise: str) -> float:
    """Return m at low load where the noise at the threshold is no logistic noise of scale T / 2.

    m = 1 - 2 F(-m), F the distribution of a noise of the same variance (pi T)**2 / 12:
    ``"logistic"`` is m = tanh(m / T), the others are ``"gaussian"`` and ``"uniform"``. The largest
    solution.
    """
    deviation = math.pi * temperature / math.sqrt(12)
    laws = {
        "logistic": stats.logistic(scale=temperature / 2),
        "gaussian": stats.norm(scale=deviation),
        "uniform": stats.uniform(-deviation * math.sqrt(3), 2 * deviation * math.sqrt(3)),
    }
    m = 1.0
    for _ in range(5000):
        m = 1 - 2 * float(laws[noise].cdf(-m))
    return m if m > 1e-6 else 0.0


def one_step_overlap(alpha: float, cue: float = 1.0) -> float:
    """Return the overlap after one synchronous step from a cue of overlap `cue`.

    erf(cue / sqrt(2 alpha)): the crosstalk of the other patterns is Gaussian noise.
    """
    return math.erf(cue / math.sqrt(2 * alpha)) if alpha > 0 else 1.0


def error_free_capacity(units: int, *, all_patterns: bool = False) -> float:
    """Return the number of patterns that are stored without an error, almost surely for large N.

    N / (2 ln N) for one pattern, N / (4 ln N) for `all_patterns` at once (McEliece, Posner,
    Rodemich and Venkatesh, IEEE Trans. Inf. Theory 33, 1987).
    """
    return units / ((4 if all_patterns else 2) * math.log(units))


def clipping_noise(bits: int, clip: float = 3.0) -> float:
    """Return delta of couplings in `bits`: signs of 1 bit, else 2**bits - 1 levels up to `clip`.

    The Hebbian couplings x are Gaussian; in units of their deviation, f(x) is sign(x), or the
    nearest multiple of clip / (2**(bits - 1) - 1) within the clip. Then (Sompolinsky 1986)::

        delta = E f^2 / (E x f)^2 - 1

    pi / 2 - 1 for signs (alpha_c = 0.102).
    """
    if bits == 1:
        return math.pi / 2 - 1
    levels = 2 ** (bits - 1) - 1
    step = clip / levels
    edges = np.concatenate([(np.arange(levels) + 0.5) * step, [np.inf]])
    values = (np.arange(levels) + 1) * step
    square = 2 * float((values**2 * np.diff(stats.norm.cdf(edges))).sum())
    product = -2 * float((values * np.diff(stats.norm.pdf(edges))).sum())
    return square / product**2 - 1


def gardner_capacity(margin: float = 0.0) -> float:
    """Return the largest load at which couplings exist that give every pattern this margin.

    1 / alpha = integral from -margin of Dz (z + margin)^2; 2 at a margin of 0. Margins are
    min xi_i h_i / |J_i|. Gardner, J. Phys. A 21, 1988, doi:10.1088/0305-4470/21/1/030.
    """
    k = margin
    return 1 / float((1 + k * k) * stats.norm.cdf(k) + k * stats.norm.pdf(k))


def gardner_margin(alpha: float) -> float:
    """Return the largest margin at load `alpha`; negative above 2."""
    return float(optimize.brentq(lambda k: gardner_capacity(k) - alpha, -8.0, 200.0, xtol=1e-10))


# --- the surface of solutions --------------------------------------------------------------------


def _solution(x: float, temperature: float, delta: float) -> Retrieval:
    """Return the solution of the equations at coordinate `x`, no iteration needed.

    At T = 0, x is y = m / sqrt(2 alpha r): then m = erf(y) and C follow from it, and alpha from r.
    At T > 0, x is sigma = sqrt(alpha r) / T: the b = m / T with E tanh(b + sigma z) / b = T is
    unique as the left side falls with b, and alpha = (sigma T)^2 / r.
    """
    if temperature < COLD:
        m = math.erf(x)
        c = 2 / math.sqrt(math.pi) * x * math.exp(-(x**2)) / m
        return Retrieval(m**2 / (2 * x**2 * (1 / (1 - c) ** 2 + delta)), m)
    b = _field(x, temperature)
    if b == 0:
        return Retrieval(0.0, 0.0)
    nodes, weights = _gauss()
    t = np.tanh(b + x * nodes)
    m, q = float(weights @ t), float(weights @ t**2)
    c = (1 - q) / temperature
    if c >= 1:
        return Retrieval(0.0, m)
    return Retrieval((x * temperature) ** 2 / (q / (1 - c) ** 2 + delta * q), m)


def _field(sigma: float, temperature: float) -> float:
    """Return b > 0 with E tanh(b + sigma z) = T b; 0 where there is none."""
    nodes, weights = _gauss()

    def excess(b: float) -> float:
        return float(weights @ np.tanh(b + sigma * nodes)) - temperature * b

    if excess(1e-7) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 1e-7, 1 / temperature + 1, xtol=1e-13))


@functools.lru_cache(maxsize=4096)
def _peak(temperature: float, delta: float) -> tuple[float, Retrieval]:
    """Return the coordinate at which alpha is largest, on a grid and then between its points."""
    cold = temperature < COLD
    grid = np.linspace(0.3, 6.0, 115) if cold else np.geomspace(1e-3, WIDEST, 160)
    values = [_solution(float(x), temperature, delta).alpha for x in grid]
    best = int(np.argmax(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        lambda x: -_solution(float(x), temperature, delta).alpha,
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10},
    )
    x = float(found.x)
    return x, _solution(x, temperature, delta)


@functools.lru_cache(maxsize=1)
def _gauss() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points z and weights of averages over a Gaussian of variance 1."""
    nodes = np.linspace(-FARTHEST, FARTHEST, NODES)
    weights = np.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()
