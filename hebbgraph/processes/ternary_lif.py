"""TernaryLIF: integrate-and-fire units with spikes of both signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hebbgraph.checks import Domain, exponent_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class TernaryLIF(Process):
    """`LIF` with two thresholds and spikes of -1, 0 and 1.

    u and v as in `LIF`, in both domains, without a refractory period; then::

        s  = [v + n > threshold] - [v + n < lower]      float
        s  = [v + n > 64 threshold] - [v + n < 64 lower]        fixed
        v <- 0 where s is not 0

    Both comparisons are strict. This is TernaryLIF of lava-nc 0.10.0. A unit whose port ``on``
    receives 0 is frozen and silent.

    Ports: in ``a`` (graded), ``n`` (graded), ``on`` (spikes), out ``s`` (ternary). States ``u``
    and ``v``.
    """

    #: Number of units.
    size: int
    #: Share of the current lost per step, 0 to 1; in `fixed` 0 to 4095 (the chip adds 1).
    decay_u: Parameter = 1.0
    #: Share of the voltage lost per step, 0 to 1; in `fixed` 0 to 4095.
    decay_v: Parameter = 1.0
    #: Added to v each step; in `fixed` a signed 13-bit mantissa.
    bias: Parameter = 0.0
    #: Emits 1 where v exceeds it; in `fixed` 64 of it, 17 bits.
    threshold: Parameter = 1.0
    #: Emits -1 where v is below it; must not exceed `threshold`.
    lower: Parameter = -1.0
    #: Power of two on the bias, `fixed` only, 0 to 7.
    bias_exponent: int = 0

    PARAMETERS: ClassVar[tuple[str, ...]] = ("decay_u", "decay_v", "bias", "threshold", "lower")
    STATES: ClassVar[tuple[str, ...]] = ("u", "v")

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a``, the summed current, and the optional ``n`` and ``on``."""
        return {
            "a": Port(self.size, "graded"),
            "n": Port(self.size, "graded"),
            "on": Port(self.size, "spike", default=1),
        }

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``s``, spikes with a sign."""
        return {"s": Port(self.size, "ternary")}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one of each parameter per unit."""
        return dict.fromkeys(self.PARAMETERS, (self.size,))

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the chip's ranges in `fixed`."""
        decay = (0, 1) if domain == "float" else (0, 4095)
        bias = any_number(domain, 2**12) if domain == "float" else (-(2**12), 2**12 - 1)
        level = any_number(domain, 2**17 - 1)
        return {
            "decay_u": decay,
            "decay_v": decay,
            "bias": bias,
            "threshold": level,
            "lower": level,
        }

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong exponent, or thresholds in the wrong order."""
        found = exponent_faults(f"{path}.bias_exponent", self.bias_exponent, 0, 7, domain)
        if (self.lower > self.threshold).any():
            got = f"lower {self.lower.max():g}, threshold {self.threshold.min():g}"
            found.append(Fault(f"{path}.lower", got, "must not exceed threshold"))
        return found
