"""Graded: memoryless units that pass on, rectify or clip."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self, final

import numpy as np

from hebbgraph.checks import Domain, exponent_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import UNBOUNDED, Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class Graded(Process):
    """Units without memory: identity, rectified linear (``low=0``) or clipped.

    Each step::

        x   = a + bias
        y   = clip(x, low, high), or 0 where |x| < dead_zone
        out = y                                             float
        out = clip(floor(2**exponent y), -L, L)             fixed, L = 2**(bits - 1) - 1

    A unit whose port ``on`` receives 0 emits 0. GradedVec and GradedReluVec of lava-nc 0.10.0 are
    this unit with ``low`` of minus infinity and 0.

    Ports: in ``a`` (graded), ``on`` (spikes); out ``out`` (graded).
    """

    #: Number of units.
    size: int
    #: Added to what arrives; in `fixed` within 24 bits.
    bias: Parameter = 0.0
    #: Bounds of the output before scaling; minus and plus infinity for none.
    low: Parameter = -np.inf
    high: Parameter = np.inf
    #: Emits only where |x| reaches it.
    dead_zone: Parameter = 0.0
    #: Power of two on the output, `fixed` only, -23 to 8.
    exponent: int = 0
    #: Width of the payload with its sign, 2 to 32; `fixed` only.
    bits: int = 24

    PARAMETERS: ClassVar[tuple[str, ...]] = ("bias", "low", "high", "dead_zone")

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
        """Return one of each parameter per unit."""
        return dict.fromkeys(self.PARAMETERS, (self.size,))

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the ranges; bounds may be infinite."""
        bound = (-np.inf, np.inf)
        zone = (0, any_number(domain, UNBOUNDED)[1])
        bias = any_number(domain, 2**23 - 1)
        return {"bias": bias, "low": bound, "high": bound, "dead_zone": zone}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong exponent or width, or bounds in the wrong order."""
        found = exponent_faults(f"{path}.exponent", self.exponent, -23, 8, domain)
        found += whole_faults(f"{path}.bits", self.bits, 2, 32)
        if (self.low > self.high).any():
            got = f"low {self.low.max():g}, high {self.high.min():g}"
            found.append(Fault(f"{path}.low", got, "must not exceed high"))
        return found

    def cast(self, domain: Domain) -> Self:
        """Return a copy with the dtype of `domain`; no bound is +-2**32 in `fixed`."""
        if domain == "float":
            return super().cast(domain)
        bounds = {
            name: np.clip(getattr(self, name), -UNBOUNDED, UNBOUNDED) for name in ("low", "high")
        }
        return super(Graded, dataclasses.replace(self, **bounds)).cast(domain)
