"""Binary memories: the Willshaw net and sparse distributed memory."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

# --- Willshaw -----------------------------------------------------------------------------------


def willshaw_density(units: int, active: int, count: int, *, auto: bool = True) -> float:
    """Return p1, the expected share of weights that are 1 after `count` patterns.

    Patterns have exactly k = `active` of n = `units` ones::

        p1 = 1 - (1 - k (k - 1) / (n (n - 1)))**P         auto-association, off the diagonal
        p1 = 1 - (1 - k**2 / n**2)**P                     pairs of different patterns

    Willshaw, Buneman and Longuet-Higgins, Nature 222, 1969, doi:10.1038/222960a0.
    """
    share = active * (active - 1) / (units * (units - 1)) if auto else (active / units) ** 2
    return -math.expm1(count * math.log1p(-share)) if share < 1 else 1.0


def willshaw_false_ones(
    units: int, active: int, count: int, cue: int | None = None, *, auto: bool = True
) -> float:
    """Return (n - k) p1**c, the expected number of false ones in a recall from c cue units.

    The estimate of 1969: it takes the weights of a unit as independent. `cue` is by default all
    k units of a pattern.
    """
    p1 = willshaw_density(units, active, count, auto=auto)
    return (units - active) * p1 ** (active if cue is None else cue)


def willshaw_false_ones_exact(
    units: int, active: int, count: int, cue: int | None = None, *, auto: bool = True
) -> float:
    """Return the expected number of false ones in a recall, without any approximation.

    A unit outside the recalled pattern fires if none of the c cue units is unconnected to it. By
    inclusion and exclusion over the cue units that are, with P - 1 other patterns::

        p = sum_s (-1)**s C(c, s) (1 - (k / n) (1 - q_s))**(P - 1)

    where q_s is the chance that a pattern which holds the unit avoids s given others:
    C(n - 1 - s, k - 1) / C(n - 1, k - 1) in auto-association, C(n - s, k) / C(n, k) for pairs.
    Units are used more or less often, which makes this larger than `willshaw_false_ones`:
    J. Buckingham and D. Willshaw, "Performance characteristics of the associative net", Network
    3(4), 1992; A. Knoblauch, "Neural associative memory and the Willshaw-Palm probability
    distribution", SIAM J. Appl. Math. 69(1), 2008.
    """
    c = active if cue is None else cue
    with localcontext() as context:
        context.prec = 40 + c  # the terms alternate and reach 2**c
        total = Decimal(0)
        for s in range(c + 1):
            if auto:
                avoided = _quotient(units - 1 - s, units - 1, active - 1)
            else:
                avoided = _quotient(units - s, units, active)
            base = 1 - Decimal(active) / units * (1 - avoided)
            total += (-1) ** s * math.comb(c, s) * base ** (count - 1)
        return float(total) * (units - active)


def _quotient(top: int, bottom: int, chosen: int) -> Decimal:
    """Return C(top, chosen) / C(bottom, chosen)."""
    return Decimal(math.comb(top, chosen)) / Decimal(math.comb(bottom, chosen))


def willshaw_best_count(units: int, active: int) -> float:
    """Return P at which half of the weights of pairs are 1: ln 2 n**2 / k**2, nearly."""
    return math.log(0.5) / math.log1p(-((active / units) ** 2))


def willshaw_information(units: int, active: int, count: int, false_ones: float) -> float:
    """Return the bits that a memory of pairs holds for each of its n**2 synapses.

    A recall that adds f false ones to the k true ones leaves C(k + f, k) values to choose from::

        I = P (log2 C(n, k) - log2 C(k + f, k)) / n**2

    With the mean of f it is a lower bound, the logarithm being concave. With k = log2 n, P of
    `willshaw_best_count` and n to infinity it tends to ln 2 = 0.693.
    """
    whole = _log2_choose(units, active) - _log2_choose(active + false_ones, active)
    return count * whole / units**2


def _log2_choose(n: float, k: int) -> float:
    """Return log2 C(n, k), exact enough for any n, whole or not."""
    return math.fsum(math.log2((n - i) / (k - i)) for i in range(k))


# --- sparse distributed memory ------------------------------------------------------------------


def kanerva_share(units: int, radius: int) -> float:
    """Return p = P(Bin(N, 1/2) <= r), the share of locations that a state makes active.

    Kanerva, "Sparse Distributed Memory", MIT Press, 1988.
    """
    return float(binom.cdf(radius, units, 0.5))


def kanerva_best_share(locations: float, count: float) -> float:
    """Return (2 M T)**(-1/3), the share p at which the signal to noise of a read is largest.

    It maximises p**2 M**2 / (p M + T (p**2 M + p**4 M**2)): fewer locations vary more in number,
    more locations are shared by more patterns (Kanerva 1988).
    """
    return float((2 * locations * count) ** (-1 / 3))


def kanerva_common(units: int, radius: int, distance: int) -> float:
    """Return the share of locations that two states at Hamming distance `distance` have in common.

    An address differs from one state in u + v units and from the other in u + d - v, with v of
    the d units in which the states differ and u of the others::

        p_d = sum_v P(Bin(d, 1/2) = v) P(Bin(N - d, 1/2) <= r - max(v, d - v))
    """
    v = np.arange(distance + 1)
    room = radius - np.maximum(v, distance - v)
    inside = binom.cdf(room, units - distance, 0.5)
    return float((binom.pmf(v, distance, 0.5) * inside).sum())


def kanerva_error(
    units: int,
    locations: int,
    radius: int,
    count: int,
    distance: int = 0,
    *,
    simple: bool = False,
) -> float:
    """Return the chance that one unit is wrong after one read, T = `count` patterns written.

    A cue at Hamming distance d makes n locations active, l of them its own (written with its
    pattern), and every other pattern wrote in some of the n. With p_d of `kanerva_common`, l and
    n - l binomial with means p_d M and (p - p_d) M::

        error = mean of (1 - d / N) Phi(-(l + e) / sd) + d / N Phi(-(l - e) / sd)
        sd**2 = (T - 1) (n p + n (n - 1) q) + n ((T - 1) p c)**2 (1 - c**2)
        e     = (T - 1) n p c**2

    where q, the chance that another pattern wrote in both of two active locations, is the mean of
    (p_d / p)**2 over random pairs of states, and c the mean of 1 - 2 a / N, a the distance of a
    state from an address it makes active: what is written at a location resembles its address,
    and the addresses that a cue makes active resemble the cue, each in other units. A sum of 0
    counts as half an error; sums are taken as Gaussian.

    `simple` is Kanerva's estimate (1988) for a cue without errors, with n at its mean, locations
    shared by chance, q = p**2, and c = 0: Phi(-p M / sqrt((T - 1) (p**2 M + p**4 M**2))). The other
    terms are derived here, and matter at hundreds of units.
    """
    p, m = kanerva_share(units, radius), locations
    if simple:
        deviation = math.sqrt(max(count - 1, 0) * (p**2 * m + p**4 * m**2))
        return float(norm.cdf(-p * m / deviation)) if deviation else 0.0
    pairs = binom.pmf(np.arange(units + 1), units, 0.5)
    likely = np.flatnonzero(pairs > 1e-12 * pairs.max())
    shared = np.array([kanerva_common(units, radius, d) for d in likely])
    q = float((pairs[likely] * shared**2).sum()) / p**2
    away = np.arange(radius + 1)
    alike = 1 - 2 * float((binom.pmf(away, units, 0.5) * away).sum()) / p / units
    common = kanerva_common(units, radius, distance)
    own, own_chance = _likely_counts(m, common)
    other, other_chance = _likely_counts(m, (p - common) / (1 - common))
    n = own[:, np.newaxis] + other
    variance = (count - 1) * (n * p + n * (n - 1) * q)
    variance += n * ((count - 1) * p * alike) ** 2 * (1 - alike**2)
    deviation = np.maximum(np.sqrt(variance), 1e-9)  # without noise or signal the sum is 0
    right, wrong = 1 - distance / units, distance / units
    drift = (count - 1) * n * p * alike**2
    chance = right * norm.cdf(-(own[:, np.newaxis] + drift) / deviation)
    chance += wrong * norm.cdf(-(own[:, np.newaxis] - drift) / deviation)
    return float(own_chance @ chance @ other_chance)


def _likely_counts(trials: int, chance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the counts of a binomial that matter, and their chances."""
    low, high = binom.ppf([1e-12, 1 - 1e-12], trials, max(chance, 0.0))
    counts = np.arange(max(low, 0), high + 1)
    return counts, binom.pmf(counts, trials, max(chance, 0.0))
