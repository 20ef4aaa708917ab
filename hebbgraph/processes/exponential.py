"""Exponential: exp, or a table of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from hebbgraph.checks import Domain, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class Exponential(Process):
    """Units without memory that emit the exponential of what arrives.

    Each step::

        out = exp(scale a)                                          float
        out = table[clip(floor((a - origin) / 2**step), 0, K - 1)]  fixed, K entries

    `quantise` fills the table with round(g exp(scale (origin + 2**step (k + 1/2)))), g the scale
    of the output. A unit whose port ``on`` receives 0 emits 0. In `fixed` any other function of
    one variable may stand in the table.

    Ports: in ``a`` (graded), ``on`` (spikes); out ``out`` (graded).
    """

    #: Number of units.
    size: int
    #: Factor on what arrives, `float` only.
    scale: float = 1.0
    #: Outputs by interval of a, `fixed` only: 1 to 65536 entries of up to 24 bits.
    table: Parameter = ()
    #: Where the first interval begins, `fixed` only.
    origin: int = 0
    #: Width of an interval as a power of two, 0 to 23, `fixed` only.
    step: int = 0

    PARAMETERS: ClassVar[tuple[str, ...]] = ("table",)

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

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of table entries."""
        return {"table": any_number(domain, 2**23 - 1)}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a missing or superfluous table, a wrong scale, origin or step."""
        entries = self.table.shape
        least, most = (0, 0) if domain == "float" else (1, 65536)
        found: list[Fault] = []
        if len(entries) != 1 or not least <= entries[0] <= most:
            need = f"must be a vector of {least} to {most} entries in the {domain} domain"
            remedy = "run passes.quantise on the float graph" if domain == "fixed" else ""
            found.append(Fault(f"{path}.table", f"shape {entries}", need, remedy))
        if not isinstance(self.scale, int | float) or not np.isfinite(self.scale):
            found.append(Fault(f"{path}.scale", repr(self.scale), "must be a finite number"))
        found += whole_faults(f"{path}.origin", self.origin, -(2**31), 2**31)
        return found + whole_faults(f"{path}.step", self.step, 0, 23)
