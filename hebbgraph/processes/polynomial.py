"""Polynomial: the hidden units of dense (p-body) associative memories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from hebbgraph.checks import Domain, flag_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, any_number

#: Bound of every partial result of a polynomial in `fixed`: exact in float64 too.
LARGEST = 2**52


@final
@dataclass(frozen=True, eq=False)
class Polynomial(Process):
    """Units without memory that emit a polynomial of what arrives.

    Each step, with ``coefficients`` c_0, c_1, ... c_d::

        x   = a                                    fixed: clipped to -limit .. limit
        x   = max(x, 0)                            if ``rectified``
        y   = (c_0 + c_1 x + ... + c_d x**d) / divisor,  0 where |x| < dead_zone
        out = y                                    float
        out = clip(floor(y), -L, L)                fixed, L = 2**(bits - 1) - 1

    In `fixed` every sum of a Horner scheme at ``limit`` must stay below 2**52, so that the
    polynomial is exact on every engine. A unit whose port ``on`` receives 0 emits 0.

    Dense memories: with S the overlap of the state with a pattern of N bits, ``distinct(p, N)``
    gives e_{p-1}, the elementary symmetric polynomial of p-body couplings with distinct indices
    (Gardner, J. Phys. A 20, 1987, doi:10.1088/0305-4470/20/11/046), ``krotov(p)`` p S**(p-1), the
    derivative of Krotov and Hopfield's S**p (NeurIPS 2016, arXiv:1606.01164).

    Ports: in ``a`` (graded), ``on`` (spikes); out ``out`` (graded).
    """

    #: Number of units.
    size: int
    #: c_0 ... c_d, the same for all units; d from 0 to 12.
    coefficients: Parameter
    #: Divides the sum; in `fixed` a positive integer, and the quotient is rounded down.
    divisor: Parameter = 1.0
    #: Emits only where |x| reaches it.
    dead_zone: Parameter = 0.0
    #: Whether negative arrivals count as 0.
    rectified: bool = False
    #: The largest |a| that is told apart, `fixed` only (the number of visible units, say).
    limit: int = 1
    #: Width of the payload with its sign, 2 to 32; `fixed` only.
    bits: int = 24

    PARAMETERS: ClassVar[tuple[str, ...]] = ("coefficients", "divisor", "dead_zone")

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a`` and the optional ``on``."""
        return {"a": Port(self.size, "graded"), "on": Port(self.size, "spike", default=1)}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``."""
        return {"out": Port(self.size, "graded")}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one dead zone per unit, one divisor for all."""
        return {"divisor": (), "dead_zone": (self.size,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the ranges."""
        anything = any_number(domain, LARGEST)
        least = float(np.finfo(np.float64).tiny) if domain == "float" else 1
        return {
            "coefficients": anything,
            "divisor": (least, anything[1]),
            "dead_zone": (0, anything[1]),
        }

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong degree, limit or width, and a sum that may be too large."""
        found = whole_faults(f"{path}.limit", self.limit, 1, 2**31)
        found += whole_faults(f"{path}.bits", self.bits, 2, 32)
        found += flag_faults(f"{path}.rectified", self.rectified)
        if self.coefficients.ndim != 1 or not 1 <= len(self.coefficients) <= 13:
            got, need = f"shape {self.coefficients.shape}", "must be a vector of 1 to 13 numbers"
            found.append(Fault(f"{path}.coefficients", got, need))
        if not found and domain == "fixed" and self.largest_sum() > LARGEST:
            got = f"up to {self.largest_sum():.3g} at |a| = {self.limit}"
            need = f"every sum must stay within {LARGEST:.3g}"
            found.append(Fault(f"{path}.limit", got, need, "lower limit or the degree"))
        return found

    def largest_sum(self) -> float:
        """Return a bound on every partial sum of the Horner scheme at `limit`."""
        total = 0.0
        for coefficient in self.coefficients[::-1]:
            total = total * self.limit + abs(float(coefficient))
        return total


def distinct(p: int, units: int) -> tuple[list[int], int]:
    """Return (coefficients, divisor) of e_{p-1}(s_1 ... s_n) in terms of S = sum s, s = +-1.

    e_k follows from Newton's identities, k e_k = S e_{k-1} - (n - k + 2) e_{k-2} for +-1
    variables, where n is the number of `units`. Raises `ValueError` if p < 2.
    """
    if p < 2:
        raise ValueError(f"p must be 2 or more (got {p})")
    # k! e_k as integer polynomials in S: P_k = S P_{k-1} - (k - 1) (n - k + 2) P_{k-2}
    before, now, factorial = [0], [1], 1
    for k in range(1, p):
        scaled = [-(k - 1) * (units - k + 2) * c for c in before]
        following = [0, *now]
        for power, c in enumerate(scaled):
            following[power] += c
        before, now, factorial = now, following, factorial * k
    return now, factorial


def krotov(p: int) -> list[int]:
    """Return the coefficients of p S**(p-1); raises `ValueError` if p < 2."""
    if p < 2:
        raise ValueError(f"p must be 2 or more (got {p})")
    return [0] * (p - 1) + [p]
