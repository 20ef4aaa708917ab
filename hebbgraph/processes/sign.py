"""Sign: +-1 units, sending their state each step or, event-driven, its changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hebbgraph.checks import Domain, flag_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class Sign(Process):
    """Units with a state sigma of -1 or 1 (0 until they first decide).

    Each step, with h the field (in `fixed` clipped to 24 bits, -2**23 + 1 .. 2**23 - 1)::

        h      <- a                     or h + a with ``integrates``
        f       = h + bias + n
        sigma' <- sign(f), or sigma where f = 0
        sigma' <- sign(set) where set is not 0          the cue; h does not change
        sigma' <- sigma where on = 0                    the update mask; h does integrate
        out     = sigma'                or sigma' - sigma with ``integrates``

    With ``integrates`` the unit sends events only when its sign changes (-2 or 2, -1 or 1 at the
    first decision) and rebuilds its field by summing the changes that arrive: integers stay exact,
    and a recall costs synaptic operations in proportion to its flips. Logistic noise of scale T / 2
    at ``n`` is Glauber dynamics at temperature T (Glauber, J. Math. Phys. 4, 1963).

    Ports: in ``a``, ``set``, ``n`` (graded), ``on`` (spikes); out ``s`` (ternary; graded with
    ``integrates``). States ``h`` and ``sigma``.
    """

    #: Number of units.
    size: int
    #: Constant field; in `fixed` within 24 bits.
    bias: Parameter = 0.0
    #: Whether what arrives are changes, which are summed, and changes are sent.
    integrates: bool = False

    PARAMETERS: ClassVar[tuple[str, ...]] = ("bias",)
    STATES: ClassVar[tuple[str, ...]] = ("h", "sigma")

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a``, the field or its change, and the optional ``set``, ``n``, ``on``."""
        return {
            "a": Port(self.size, "graded"),
            "set": Port(self.size, "graded"),
            "n": Port(self.size, "graded"),
            "on": Port(self.size, "spike", default=1),
        }

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``s``, the state or its change."""
        return {"s": Port(self.size, "graded" if self.integrates else "ternary")}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one bias per unit."""
        return {"bias": (self.size,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of the bias."""
        return {"bias": any_number(domain, 2**23 - 1)}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong flag."""
        return flag_faults(f"{path}.integrates", self.integrates)
