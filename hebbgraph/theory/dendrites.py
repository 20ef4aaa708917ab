"""Sparse distributed representations on dendritic segments: hypergeometric laws.

n = `units` cells of which a = `active` fire in a pattern; a segment has s = `synapses` onto some
of them and is active from theta = `threshold` hits on. S. Ahmad and J. Hawkins, "How do neurons
operate on sparse distributed representations?", 2016, arXiv:1601.00720.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import hypergeom


def segment_false_positive(units: int, active: int, synapses: int, threshold: int) -> float:
    """Return the chance that a segment is active in a random pattern of `active` cells.

    ::

        P = sum_{b >= theta} C(s, b) C(n - s, a - b) / C(n, a)
    """
    return float(hypergeom.sf(threshold - 1, units, synapses, active))


def neuron_false_positive(segment: float, segments: int) -> float:
    """Return 1 - (1 - P)**D: any of D segments, each with the chance P = `segment`."""
    return -math.expm1(segments * math.log1p(-segment)) if segment < 1 else 1.0


def set_false_positive(units: int, active: int, synapses: int, threshold: int, count: int) -> float:
    """Return M P, a bound on the chance that a random pattern matches one of M = `count` stored."""
    return min(1.0, count * segment_false_positive(units, active, synapses, threshold))


def union_active(units: int, active: int, count: int) -> float:
    """Return n (1 - (1 - a / n)**M): cells that are active where M patterns are at once."""
    return -units * math.expm1(count * math.log1p(-active / units)) if active < units else units


def union_false_positive(
    units: int, active: int, count: int, synapses: int, threshold: int
) -> float:
    """Return the chance that a segment is active in the union of `count` patterns not its own.

    `segment_false_positive` with the expected size of the union, rounded, in place of a.
    """
    size = round(union_active(units, active, count))
    return segment_false_positive(units, size, synapses, threshold)


def segment_false_negative(
    active: int, synapses: int, threshold: int, replaced: int, units: int | None = None
) -> float:
    """Return the chance that a segment misses its own pattern with `replaced` active cells moved.

    P(fewer than theta of s synapses lie on the a - k cells that stayed). Cells move to places that
    were silent in the pattern; with `units` they move to any place that is silent by then, the k
    left ones included, and may meet the synapses they left. The published figure (arXiv:1601.00720,
    fraction of false negatives against noise) is of this second kind, with k = floor(noise a).
    """
    stayed = np.arange(synapses + 1)
    chances = hypergeom.pmf(stayed, active, synapses, active - replaced)
    if units is None:
        return float(chances[:threshold].sum())
    places = units - active + replaced
    returned = hypergeom.cdf(threshold - 1 - stayed, places, synapses - stayed, replaced)
    return float((chances * returned)[:threshold].sum())
