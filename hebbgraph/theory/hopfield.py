"""The Hebbian Hopfield network in replica theory."""

from __future__ import annotations

import math


def hopfield_overlap(alpha: float) -> float:
    """Return the retrieval overlap m of the Hebbian Hopfield network at load `alpha` and T = 0.

    Replica-symmetric theory: with y = m / sqrt(2 alpha r)::

        sqrt(2 alpha) = erf(y) / y - (2 / sqrt(pi)) exp(-y**2),    m = erf(y)

    and the larger root y is the retrieval state. Above alpha_c = 0.1379, where the right-hand side
    has its maximum, there is none and m is 0. Amit, Gutfreund and Sompolinsky, Phys. Rev. Lett. 55,
    1985, doi:10.1103/PhysRevLett.55.1530; Ann. Phys. 173, 1987, doi:10.1016/0003-4916(87)90092-3.
    """
    if alpha <= 0:
        return 1.0
    target = math.sqrt(2 * alpha)
    peak, best = _hopfield_peak()
    if target > best:
        return 0.0
    low, high = peak, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _hopfield_side(middle) > target else (low, middle)
    return math.erf(low)


def hopfield_capacity() -> float:
    """Return alpha_c, the largest load with a retrieval state: 0.1379."""
    return _hopfield_peak()[1] ** 2 / 2


def _hopfield_side(y: float) -> float:
    return math.erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-(y**2))


def _hopfield_peak() -> tuple[float, float]:
    """Return where the right-hand side is largest, by golden-section search on its one peak."""
    low, high = 0.5, 4.0
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(100):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _hopfield_side(left) > _hopfield_side(right):
            high = right
        else:
            low = left
    return low, _hopfield_side(low)
