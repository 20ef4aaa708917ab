"""Bus: one number for many units, or for each group of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from hebbgraph.checks import Domain, choice_faults, flag_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Port, Process

Operation = Literal["sum", "count", "max"]
OPERATIONS = ("sum", "count", "max")


@final
@dataclass(frozen=True, eq=False)
class Bus(Process):
    """Reduce each group of what arrives to one number.

    Each step, for group g of ``width`` units that arrive side by side::

        sum:    out_g = sum_j x_gj
        count:  out_g = number of x_gj that are not 0
        max:    out_g = max_j x_gj

    In `fixed` the result is clipped to ``bits``, -L .. L with L = 2**(bits - 1) - 1. With
    ``spread`` every member of the group receives it (width ``groups * width``), else there is one
    output per group. A process of one unit may be connected to any number of units: a bus over
    everything is a scalar that can be sent everywhere.

    Ports: in ``x`` (groups * width, graded or spikes), out ``out`` (graded).
    """

    #: Units per group.
    width: int
    #: Number of groups.
    groups: int = 1
    #: What is done to a group: ``"sum"``, ``"count"`` or ``"max"``.
    operation: Operation = "sum"
    #: Whether the result is handed to every member of its group.
    spread: bool = False
    #: Width of the result with its sign, 2 to 32; `fixed` only.
    bits: int = 24

    SIZES: ClassVar[tuple[str, ...]] = ("width", "groups")

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``x``."""
        return {"x": Port(self.groups * self.width, "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``."""
        return {"out": Port(self.groups * (self.width if self.spread else 1), "graded")}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return an unknown operation or a wrong width."""
        found = choice_faults(f"{path}.operation", self.operation, OPERATIONS)
        found += flag_faults(f"{path}.spread", self.spread)
        return found + whole_faults(f"{path}.bits", self.bits, 2, 32)
