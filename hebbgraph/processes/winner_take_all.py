"""WinnerTakeAll: the k units of each group with the highest scores spike."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self, final

import numpy as np

from hebbgraph.checks import Domain, exponent_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process

#: No floor, in `fixed`: below every score.
NO_FLOOR = -(2**46)


@final
@dataclass(frozen=True, eq=False)
class WinnerTakeAll(Process):
    """Groups of units of which the k with the highest scores spike.

    Each step, for unit j of group g::

        score_gj = gain_g a_gj + n_gj                                       float
        score_gj = floor(2**exponent clip24(a_gj) clip(gain_g, 0, 2**16)) + n_gj    fixed
        s_gj     = [fewer than k units of the group come before it, and score_gj > floor]

    where clip24 bounds to -2**23 + 1 .. 2**23 - 1 and unit i comes before j if its score is
    higher, or equal with a lower index. A unit whose port ``on`` receives 0 neither spikes nor
    counts. Gumbel noise of scale T at ``n`` makes the winner a sample of softmax(gain a / T)
    (Gumbel 1954; k > 1: a sample without replacement).

    Ports: in ``a`` (groups * width, graded), ``gain`` (groups, graded, 1 if not connected), ``n``
    (graded), ``on`` (spikes); out ``s`` (spikes).
    """

    #: Units per group.
    width: int
    #: Number of groups.
    groups: int = 1
    #: Winners per group, 1 to width.
    k: int = 1
    #: Only scores above it may win; minus infinity for no such condition.
    floor: Parameter = -np.inf
    #: Power of two on the score, `fixed` only, -23 to 0.
    exponent: int = 0

    SIZES: ClassVar[tuple[str, ...]] = ("width", "groups")
    PARAMETERS: ClassVar[tuple[str, ...]] = ("floor",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a`` and the optional ``gain``, ``n`` and ``on``."""
        units = self.groups * self.width
        return {
            "a": Port(units, "graded"),
            "gain": Port(self.groups, "graded", default=1),
            "n": Port(units, "graded"),
            "on": Port(units, "spike", default=1),
        }

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``s``."""
        return {"s": Port(self.groups * self.width, "spike")}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one floor per unit."""
        return {"floor": (self.groups * self.width,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of the floor."""
        return {"floor": (-np.inf, np.inf)}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a number of winners that the groups do not have, or a wrong exponent."""
        found = whole_faults(f"{path}.k", self.k, 1, self.width)
        return found + exponent_faults(f"{path}.exponent", self.exponent, -23, 0, domain)

    def cast(self, domain: Domain) -> Self:
        """Return a copy with the dtype of `domain`; no floor is -2**46 in `fixed`."""
        if domain == "float":
            return super().cast(domain)
        floor = np.clip(self.floor, NO_FLOOR, -NO_FLOOR)
        return super(WinnerTakeAll, dataclasses.replace(self, floor=floor)).cast(domain)
