"""Dense (p-body) memories in replica theory, and what their dead zone lets through.

With K patterns of N units and order p >= 3, everything depends on the load alpha', which makes the
noise of a field sqrt(alpha') times what the retrieved pattern adds at overlap 1::

    alpha' = alpha (p - 1)!       distinct indices (Gardner 1987)
    alpha' = alpha (2 p - 3)!!    polynomial (Krotov and Hopfield 2016);    alpha = K / N**(p - 1)

At p = 2 there is feedback through the couplings besides: see `hopfield_overlap`.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import erf, erfc, erfinv
from scipy.stats import binom

from hebbgraph.errors import Fault, Invalid

Variant = Literal["distinct", "krotov"]

#: Points of the trapezoid rule over the noise of a field, and where it ends.
POINTS, REACH = 2001, 9.0
#: Iterations of the equations at a temperature, and the change at which they have converged.
ITERATIONS, SETTLED = 20_000, 1e-12


def dense_load(
    p: int, count: float, units: int, variant: Variant = "distinct", *, finite: bool = False
) -> float:
    """Return alpha' of `count` patterns of `units` units, in lowest order of 1 / N.

    With `finite`, with the signal and the noise that a field has at this N: K E phi**2 / phi**2,
    phi of N - 1 units, all right or each at random. For distinct indices it is K / C(N - 1, p - 1).
    """
    return count / dense_count(p, 1.0, units, variant, finite=finite)


def dense_count(
    p: int, load: float, units: int, variant: Variant = "distinct", *, finite: bool = False
) -> float:
    """Return how many patterns of `units` units make the load alpha' = `load`; see `dense_load`."""
    if variant == "distinct":
        one = math.comb(units - 1, p - 1) if finite else units ** (p - 1) / math.factorial(p - 1)
        return load * one
    if not finite:
        return load * units ** (p - 1) / math.prod(range(1, 2 * p - 2, 2))
    sums = np.arange(-(units - 1), units, 2, dtype=np.float64)
    phi = (sums + 1) ** p - (sums - 1) ** p
    noise = float(binom.pmf(np.arange(units), units - 1, 0.5) @ phi**2)
    return float(load * phi[-1] ** 2 / noise)


def dense_load_at(p: int, overlap: float) -> float:
    """Return the load alpha' at which the equation of `dense_overlap` has m = `overlap` at T = 0.

    (m**(p - 1) / erfinv(m))**2 / 2: a retrieval state where m is m_c of `dense_capacity` or more.
    """
    _require(p)
    return float((overlap ** (p - 1) / erfinv(overlap)) ** 2 / 2)


def dense_overlap(p: int, load: float, temperature: float = 0.0) -> float:
    """Return the retrieval overlap m at load alpha' = `load`; 0 where there is no such state.

    Replica-symmetric theory, the field of one pattern at overlap 1 being 1::

        T = 0:  m = erf(m**(p - 1) / sqrt(2 alpha')),    its largest root
        T > 0:  m = E tanh((m**(p - 1) + sqrt(alpha' q**(p - 1)) z) / T),  q = E tanh(...)**2

    with z normal. Albanese et al., J. Stat. Phys. 189, 2022, arXiv:2111.12997 (there for even p);
    Gardner, J. Phys. A 20, 1987. Raises `Invalid` for p < 3.
    """
    _require(p)
    if temperature > 0:
        return _warm_overlap(p, load, temperature)
    if load <= 0:
        return 1.0
    peak, best = _peak(p)
    target = math.sqrt(2 * load)
    if target > best:
        return 0.0
    # Above the peak the curve falls; x = m**(p-1) / sqrt(2 alpha') <= 1 / sqrt(2 alpha').
    root = brentq(lambda x: _curve(x, p) - target, peak, max(1 / target, peak) + 1e-9, xtol=1e-14)
    return float(erf(root))


def dense_basin(p: int, load: float) -> float:
    """Return the overlap a cue needs: the unstable root of the equation of `dense_overlap`.

    1 where no state is retrieved. What begins above it moves towards the pattern; only the first
    step is exact, so that it is a guide for many steps.
    """
    _require(p)
    if load <= 0:
        return 0.0
    peak, best = _peak(p)
    target = math.sqrt(2 * load)
    if target > best:
        return 1.0
    root = brentq(lambda x: _curve(x, p) - target, 1e-12, peak, xtol=1e-14)
    return float(erf(root))


def dense_capacity(p: int) -> tuple[float, float]:
    """Return (alpha'_c, m_c): the largest load with a retrieval state, and its overlap there.

    sqrt(2 alpha'_c) = max_x erf(x)**(p - 1) / x and m_c = erf(x) at the maximum.
    """
    _require(p)
    peak, best = _peak(p)
    return best**2 / 2, float(erf(peak))


def dense_one_step(p: int, load: float, overlap: float = 1.0) -> float:
    """Return the overlap after one synchronous update from a cue of `overlap`, at T = 0.

    erf(m0**(p - 1) / sqrt(2 alpha')). With odd p the field of a pattern is that of m0**2: a cue of
    negative overlap is driven towards the pattern, not to its negative.
    """
    _require(p)
    if load <= 0:
        return float(np.sign(overlap ** (p - 1)))
    return float(erf(overlap ** (p - 1) / math.sqrt(2 * load)))


def dense_events(count: int, theta: float, units: int | None = None) -> float:
    """Return the hidden spikes per update with a dead zone: K erfc(theta / sqrt(2)) + 1.

    The overlaps of a recalled pattern with the others are normal with variance N; one more is its
    own. With `units` the overlaps are those of N coins, whole numbers of the parity of N: at small
    N that is up to some ten per cent more or less.
    """
    if units is None:
        return float(count * erfc(theta / math.sqrt(2)) + 1)
    least = math.ceil(round(theta * math.sqrt(units), 9))
    heads = (units + least + 1) // 2  # the fewest with an overlap of `least` or more
    either = 2 if least > 0 else 1
    return float(count * min(1.0, either * binom.sf(heads - 1, units, 0.5)) + 1)


def dense_theta_window(count: int, units: int, overlap: float = 1.0) -> tuple[float, float]:
    """Return the dead zones, in sqrt(N), that are quiet and still let a cue's pattern send.

    From sqrt(2 ln K), where about one other pattern sends, to m0 sqrt(N), m0 the `overlap` of cues.
    Empty, that is the first above the second, beyond K = exp(m0**2 N / 2) patterns.
    """
    return math.sqrt(2 * math.log(count)), overlap * math.sqrt(units)


def _curve(x: float, p: int) -> float:
    return float(erf(x) ** (p - 1) / x)


@functools.cache
def _peak(p: int) -> tuple[float, float]:
    """Return where erf(x)**(p-1) / x is largest, and its value there."""
    found = minimize_scalar(
        lambda x: -_curve(x, p), bounds=(0.05, 6.0), method="bounded", options={"xatol": 1e-12}
    )
    return float(found.x), -float(found.fun)


def _warm_overlap(p: int, load: float, temperature: float) -> float:
    z = np.linspace(-REACH, REACH, POINTS)
    weights = np.exp(-(z**2) / 2)
    weights /= weights.sum()
    m = q = 1.0
    for _ in range(ITERATIONS):
        field = m ** (p - 1) + math.sqrt(max(load, 0.0) * q ** (p - 1)) * z
        response = np.tanh(field / temperature)
        new_m, new_q = float(weights @ response), float(weights @ response**2)
        moved = abs(new_m - m) + abs(new_q - q)
        m, q = new_m, new_q
        if moved < SETTLED:
            break
    return m


def _require(p: int) -> None:
    if p < 3:
        remedy = "use hopfield_overlap for p = 2"
        raise Invalid(
            "theory of dense memories", [Fault("p", repr(p), "must be 3 or more", remedy)]
        )
