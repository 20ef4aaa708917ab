"""Learning archetypes from noisy examples: when it succeeds, and how well.

Agliari et al., supervised: Physica A 626, 2023, arXiv:2212.00606; unsupervised: arXiv:2211.14067.
r is the quality of M examples, K archetypes of N units are held at the load alpha' =
(p-1)! K / N**(p-1) (distinct units; (2p-3)!! instead of (p-1)! for the plain polynomial).
The formulas here were derived from the signal and the noise of a unit's field, at T = 0.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf
from scipy.stats import binom

Teaching = Literal["supervised", "unsupervised"]

#: Steps of a fixed-point iteration, and the change that ends it.
ITERATIONS, RESOLUTION = 100_000, 1e-13


def archetype_entropy(quality: float, examples: float) -> float:
    """Return rho = (1 - r**2) / (r**2 M): what the examples of one archetype leave open."""
    return (1 - quality**2) / (quality**2 * examples)


def archetype_crosstalk(teaching: Teaching, quality: float, examples: float, p: int) -> float:
    """Return by what the variance of the noise from other archetypes grows, over its signal.

    Supervised (1 + rho)**p; unsupervised 1 + rho_p with rho_p = (1 - r**2p) / (r**2p M), the
    entropy of the products of p units that nobody grouped. Learning needs either near 1:
    M >> (1 - r**2) / r**2, or M >> r**-2p.
    """
    if teaching == "supervised":
        return (1 + archetype_entropy(quality, examples)) ** p
    return 1 + archetype_entropy(quality**p, examples)


def archetype_threshold(teaching: Teaching, quality: float, p: int) -> float:
    """Return the number of examples at which the entropy that counts is 1."""
    return archetype_entropy(quality if teaching == "supervised" else quality**p, 1)


def archetype_one_step(
    teaching: Teaching,
    quality: float,
    examples: int | float,
    load: float,
    p: int,
    *,
    counted: bool = False,
) -> float:
    """Return the overlap with an archetype one update after it was shown.

    erf(1 / sqrt(2 (rho + alpha' c))) with c the `archetype_crosstalk` and `load` alpha', 0 for few
    archetypes: examples of a unit add up to a Gaussian, as in the papers. With `counted` they are
    counted, for M that are few: E erf(x / sqrt(2 alpha' c)), x = (2 k - M) / (r M), of which k is
    binomial of mean M (1 + r) / 2.
    """
    noise = load * archetype_crosstalk(teaching, quality, examples, p)
    if not counted:
        variance = archetype_entropy(quality, examples) + noise
        return math.erf(1 / math.sqrt(2 * variance)) if variance else 1.0
    right = np.arange(round(examples) + 1)
    shares = binom.pmf(right, round(examples), (1 + quality) / 2)
    x = (2 * right - round(examples)) / (quality * round(examples))
    decided = erf(x / math.sqrt(2 * noise)) if noise else np.sign(x)
    return float(shares @ decided)


def archetype_overlap(
    teaching: Teaching, quality: float, examples: float, load: float, p: int
) -> float:
    """Return the overlap m with an archetype at rest, replica-symmetric, T = 0.

    With g = x**(p-1), x the overlap of the state with an example over r, and c the
    `archetype_crosstalk`::

        D = sqrt(rho g**2 + alpha' c / (1 - C)**2),    A = g / D,    m = erf(A / sqrt(2))
        x = m + rho g / D sqrt(2 / pi) exp(-A**2 / 2)

    starting at the archetype. C, the response of the units, is 0 for p > 2; for p = 2, supervised,
    C = sqrt(2 / pi) exp(-A**2 / 2) (1 + rho) / D, of the fields that means of norm 1 make
    (rho = 0 gives the Hopfield network). Unsupervised p = 2 has another spectrum: use one step.

    Raises `ValueError` for that case.
    """
    if p == 2 and teaching == "unsupervised":
        raise ValueError("no line is known to us for p = 2 without a teacher; use one step")
    rho = archetype_entropy(quality, examples)
    noise = load * archetype_crosstalk(teaching, quality, examples, p)
    if rho + noise == 0:
        return 1.0
    x, m, response = 1.0, 1.0, 0.0
    for _ in range(ITERATIONS):
        g = x ** (p - 1)
        spread = math.sqrt(rho * g**2 + noise / (1 - response) ** 2)
        a = g / spread
        density = math.sqrt(2 / math.pi) * math.exp(-(a**2) / 2)
        m, before = math.erf(a / math.sqrt(2)), x
        x = m + rho * g / spread * density
        if p == 2:
            # Fields are in units of the signal; those of normalised means are 1 + rho times it.
            response = (response + min(density * (1 + rho) / spread, 0.999)) / 2
        if abs(x - before) < RESOLUTION:
            break
        if x < 1e-6:
            return 0.0
    return m


def archetype_examples(
    teaching: Teaching, quality: float, load: float, p: int, overlap: float
) -> float:
    """Return M at which `archetype_one_step` reaches `overlap`; infinite if it never does."""

    def short(log_m: float) -> float:
        return archetype_one_step(teaching, quality, math.exp(log_m), load, p) - overlap

    low, high = 0.0, 60.0
    if short(high) < 0:
        return math.inf
    return math.exp(brentq(short, low, high)) if short(low) < 0 else 1.0
