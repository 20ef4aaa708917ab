"""Softmax: shares of each group, exact or by a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from hebbgraph.checks import Domain, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process


@final
@dataclass(frozen=True, eq=False)
class Softmax(Process):
    """Groups of units that emit their share of the group's exponentials.

    Each step, with m_g the largest of group g::

        out_gj = exp(beta (x_gj - m_g)) / sum_i exp(beta (x_gi - m_g))          float

        e_gj   = table[min(floor((m_g - x_gj) / 2**step), K - 1)]               fixed, K entries
        out_gj = floor(2**bits e_gj / sum_i e_gi)

    `quantise` fills the table with round(255 exp(-beta (k + 1/2) 2**step / g)), g the scale of x,
    the first entry with 255; other tables may be given. A unit whose port ``on`` receives 0 emits
    0; it counts in its group. Modern Hopfield networks: Ramsauer et al., ICLR 2021,
    arXiv:2008.02217.

    Ports: in ``x`` (groups * width, graded), ``on`` (spikes); out ``out`` (graded).
    """

    #: Units per group.
    width: int
    #: Number of groups.
    groups: int = 1
    #: Inverse temperature, above 0; `float` only.
    beta: float = 1.0
    #: Exponentials by distance from the largest, `fixed` only: the first above 0, up to 65535.
    table: Parameter = ()
    #: Width of an interval of the table as a power of two, 0 to 23, `fixed` only.
    step: int = 0
    #: Bits of a share: 1 is 2**bits; 1 to 16, `fixed` only.
    bits: int = 8

    SIZES: ClassVar[tuple[str, ...]] = ("width", "groups")
    PARAMETERS: ClassVar[tuple[str, ...]] = ("table",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``x`` and the optional ``on``."""
        units = self.groups * self.width
        return {"x": Port(units, "graded"), "on": Port(units, "spike", default=1)}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``."""
        return {"out": Port(self.groups * self.width, "graded")}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of table entries."""
        return {"table": (0, 65535)}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a missing or superfluous table, a wrong beta, step or number of bits."""
        entries = self.table.shape
        least, most = (0, 0) if domain == "float" else (1, 65536)
        found: list[Fault] = []
        if len(entries) != 1 or not least <= entries[0] <= most:
            need = f"must be a vector of {least} to {most} entries in the {domain} domain"
            remedy = "run passes.quantise on the float graph" if domain == "fixed" else ""
            found.append(Fault(f"{path}.table", f"shape {entries}", need, remedy))
        elif domain == "fixed" and self.table[0] < 1:
            need = "must begin with a number above 0, or a sum could be 0"
            found.append(Fault(f"{path}.table", str(self.table[0]), need))
        if not isinstance(self.beta, int | float) or not 0 < self.beta < np.inf:
            found.append(Fault(f"{path}.beta", repr(self.beta), "must be a finite number above 0"))
        found += whole_faults(f"{path}.step", self.step, 0, 23)
        return found + whole_faults(f"{path}.bits", self.bits, 1, 16)
