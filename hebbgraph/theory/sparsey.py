"""Sparsey's codes: how similar those of similar inputs are, and how many items a mac can hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from hebbgraph.errors import Fault, Invalid


def sparsey_code_overlap(
    similarity: ArrayLike,
    width: int = 16,
    *,
    floor: float = 0.5,
    gain: float = 60.0,
    power: int = 2,
) -> NDArray[np.float64]:
    """Return the expected share of modules in which an input gets the winner of the stored one.

    One item is stored; the input shares `similarity` of its active units with it. The winner of old
    has V = G = similarity, all others 0, so with beta of `hebbgraph.models.sparsey` the softmax
    gives it P = 1 / (1 + (K - 1) exp(-beta similarity)), from 1 / K up.
    """
    v = np.asarray(similarity, dtype=np.float64)
    beta = gain * (np.maximum(v - floor, 0) / (1 - floor)) ** power
    return np.asarray(1 / (1 + (width - 1) * np.exp(-beta * v)), dtype=np.float64)


def sparsey_published_overlap(
    similarity: ArrayLike,
    width: int = 16,
    *,
    scale: float = 1e4,
    power: float = 7.0,
    steepness: float = 26.0,
    middle: float = 0.5,
) -> NDArray[np.float64]:
    """Return the same for the published transfer function.

    psi(V) = (eta - 1) / (1 + exp(-steepness (V - middle))) + 1 with eta = max(scale G**power, 1),
    and P = psi(V) / (psi(V) + (K - 1) psi(0)), V = G = similarity. Rinkus, Front. Neuroanat. 4,
    2010, doi:10.3389/fnana.2010.00017; the defaults are those of its published code.
    """
    v = np.asarray(similarity, dtype=np.float64)
    eta = np.maximum(scale * v**power, 1)
    psi, rest = (
        (eta - 1) / (1 + np.exp(-steepness * (x - middle))) + 1 for x in (v, np.zeros_like(v))
    )
    return np.asarray(psi / (psi + (width - 1) * rest), dtype=np.float64)


def sparsey_recognition(items: int, units: int, active: int, width: int = 16) -> float:
    """Return the expected share of winners that a stored item finds again, codes being random.

    A unit has learned n ~ Binomial(items - 1, 1 / K) other items of `active` of N ones, so that a
    share f_n = 1 - (1 - active / N)**n of its weights is 1, and it answers as the right one does
    with p = E_n f_n**active. The first of those that answer wins: in a module of K the right one
    does with (1 - (1 - p)**K) / (K p). An upper bound once familiarity of novel items exceeds the
    floor: codes then are not random (`sparsey_capacity`).
    """
    _check(items=items, units=units, active=active, width=width)
    learned, filled = _fills(items - 1, units, active, width)
    p = float(learned @ filled**active)
    return 1.0 if p < 1e-12 else float((1 - (1 - p) ** width) / (width * p))


def sparsey_novel_familiarity(items: int, units: int, active: int, width: int = 16) -> float:
    """Return the expected G of a novel item after `items` random ones: crosstalk.

    u of a unit with f_n of its weights at 1 is Binomial(active, f_n); G is the mean of the largest
    of K independent u over active.
    """
    _check(items=items, units=units, active=active, width=width)
    learned, filled = _fills(items, units, active, width)
    levels = np.arange(active)
    below = learned @ stats.binom.cdf(levels[np.newaxis, :], active, filled[:, np.newaxis])
    return float((1 - below**width).sum() / active)


def sparsey_capacity(floor: float, units: int, active: int, width: int = 16) -> float:
    """Return the number of random items at which a novel one is as familiar as `floor`.

    From there on novel items no longer get random codes: units that have learned most win most, and
    learn more. An estimate for ``floor`` in (0, 1); the number of modules does not matter.
    """
    _check(units=units, active=active, width=width)
    if not 0 < floor < 1:
        fault = Fault("floor", repr(floor), "must be in (0, 1)")
        raise Invalid("sparsey_capacity", [fault])

    def excess(items: float) -> float:
        low = int(items)
        below, above = (
            sparsey_novel_familiarity(max(n, 1), units, active, width) for n in (low, low + 1)
        )
        return below + (items - low) * (above - below) - floor

    most = 2
    while excess(most) < 0 and most < 2**24:
        most *= 2
    return float(optimize.brentq(excess, 1, most)) if excess(1) < 0 else 1.0


def _fills(
    items: int, units: int, active: int, width: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability of n items learned by a unit, and the filled share, n = 0, 1, ..."""
    most = int(stats.binom.ppf(1 - 1e-12, items, 1 / width)) if items else 0
    n = np.arange(most + 1)
    probability = np.asarray(stats.binom.pmf(n, items, 1 / width), dtype=np.float64)
    filled = np.asarray(1 - (1 - active / units) ** n, dtype=np.float64)
    return probability, filled


def _check(**numbers: int) -> None:
    least = {"width": 2}
    faults = [
        Fault(name, repr(value), f"must be a whole number from {least.get(name, 1)} on")
        for name, value in numbers.items()
        if isinstance(value, bool)
        or not isinstance(value, int | np.integer)
        or value < least.get(name, 1)
    ]
    if not faults and numbers["active"] > numbers["units"]:
        got, need = repr(numbers["active"]), f"must not exceed the units, {numbers['units']}"
        faults.append(Fault("active", got, need))
    if faults:
        raise Invalid("theory of Sparsey", faults)
