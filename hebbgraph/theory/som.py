"""Theory of self-organising maps in one dimension: how prototypes spread, what error is left."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid


def som_magnification(reach: int) -> float:
    """Return alpha of the density of prototypes, rho(x) ~ p(x)**alpha, on a chain.

    The neighbourhood is rectangular, `reach` units to either side learning as much as the winner::

        alpha = 2/3 - 1 / (3 (n^2 + (n + 1)^2))

    so 1/3 where the winner learns alone, which is also the least mean square error that many units
    can have, and 2/3 for a wide one. H. Ritter, "Asymptotic level density for a class of vector
    quantization processes", IEEE Trans. Neural Netw. 2(1), 1991, doi:10.1109/72.80310.

    Raises `Invalid` unless `reach` is a whole number, 0 or more.
    """
    if isinstance(reach, bool) or not isinstance(reach, int | np.integer) or reach < 0:
        fault = Fault("reach", repr(reach), "must be a whole number, 0 or more")
        raise Invalid("som_magnification", [fault])
    n = int(reach)
    return 2 / 3 - 1 / (3 * (n**2 + (n + 1) ** 2))


def som_chain(
    density: Callable[[NDArray[np.float64]], NDArray[np.float64]], units: int, alpha: float
) -> NDArray[np.float64]:
    """Return where `units` prototypes lie on [0, 1] if their density is `density`**alpha.

    The k-th lies where the integral of it reaches (k + 1/2) / units.
    """
    if units < 1 or not math.isfinite(alpha):
        fault = Fault("units, alpha", f"{units}, {alpha}", "must be above 0, and finite")
        raise Invalid("som_chain", [fault])
    x = np.linspace(0, 1, 20001)
    middle = (x[1:] + x[:-1]) / 2
    mass = np.concatenate([[0.0], (density(middle) ** alpha).cumsum()])
    return np.interp((np.arange(units) + 0.5) / units, mass / mass[-1], x)


def som_uniform_error(units: int, length: float = 1.0) -> float:
    """Return the least mean distance |x - w_c| of `units` prototypes on a uniform interval.

    Each serves length / units around it, a quarter of which is the mean distance.
    """
    return length / (4 * units)
