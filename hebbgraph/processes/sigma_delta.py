"""SigmaDelta: units that send the changes of their activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hebbgraph.checks import Domain, exponent_faults, flag_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class SigmaDelta(Process):
    """Units that sum arriving changes and send the change of their activation, once large enough.

    Each step (all registers keep 32 bits in `fixed`)::

        sigma <- sigma + a
        f      = sigma + bias, or max(sigma + bias, 0) with ``rectified``
        d      = f - act + residue
        error <- error + d                      with ``cumulative``
        send   = [|d| >= threshold]             or [|error| >= threshold] with ``cumulative``
        m      = d where send, else 0
        error <- 0 where m is not 0;  residue <- d - m;  act <- f
        out    = m                              fixed: floor(m / 2**exponent)

    This is SigmaDelta of lava-nc 0.10.0. A unit whose port ``on`` receives 0 is frozen and sends
    nothing.

    Ports: in ``a`` (graded), ``on`` (spikes); out ``out`` (graded). States ``sigma``, ``act``,
    ``residue`` and ``error``.
    """

    #: Number of units.
    size: int
    #: Smallest change that is sent, 0 or more.
    threshold: Parameter = 1.0
    #: Added to sigma; in `fixed` within 16 bits.
    bias: Parameter = 0.0
    #: Whether negative activations count as 0.
    rectified: bool = False
    #: Whether small changes of past steps count towards the threshold.
    cumulative: bool = False
    #: Bits of the state below those of the message, 0 to 7, `fixed` only.
    exponent: int = 0

    PARAMETERS: ClassVar[tuple[str, ...]] = ("threshold", "bias")
    STATES: ClassVar[tuple[str, ...]] = ("sigma", "act", "residue", "error")

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
        """Return lava's ranges in `fixed`."""
        bias = any_number(domain, 2**15 - 1)
        return {"threshold": (0, any_number(domain, 2**23 - 1)[1]), "bias": bias}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong exponent or flag."""
        found = exponent_faults(f"{path}.exponent", self.exponent, 0, 7, domain)
        found += flag_faults(f"{path}.rectified", self.rectified)
        return found + flag_faults(f"{path}.cumulative", self.cumulative)
