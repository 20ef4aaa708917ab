"""LIF: leaky integrate-and-fire units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from hebbgraph.errors import Fault
from hebbgraph.processes.base import (
    Domain,
    Parameter,
    Port,
    Process,
    exponent_faults,
    range_faults,
    read_only,
    size_faults,
)


@final
@dataclass(frozen=True, eq=False)
class LIF(Process):
    """Current-based leaky integrate-and-fire population.

    Float domain, each step, for every unit (a is the sum arriving at port ``a``)::

        u <- u (1 - decay_u) + a
        v <- v (1 - decay_v) + u + bias
        s  = [v > threshold]              strict
        v <- 0 where s                    u is not reset

    Fixed domain, with B = 2**23 and tz(x) = sign(x) floor(|x| / 4096)::

        u <- wrap32(tz(u (4095 - decay_u)) + wrap32(64 a)),
             then - 2B if u > B, then + 2B if u <= -B        one wrap
        v <- clip(wrap32(tz(v (4096 - decay_v)) + u + bias 2**bias_exponent), -B + 1, B - 1)
        s  = [v > 64 threshold];  v <- 0 where s

    so ``decay_u = decay_v = 1`` (4095 in `fixed`) is the McCulloch-Pitts unit. In `fixed`, a
    ``decay_v`` of 4095 leaves v / 4096 behind, and ``decay_u`` of 0 still leaks by 1/4096: this is
    the arithmetic of Loihi as lava-nc 0.10.0 computes it (Davies et al., IEEE Micro 38(1) 2018,
    doi:10.1109/MM.2018.112130359).

    Ports: in ``a`` (graded), out ``s`` (spikes). States ``u`` and ``v``, zero at episode start.
    """

    #: Number of units.
    size: int
    #: Share of the current lost per step, 0 to 1; in `fixed` 0 to 4095 (the chip adds 1).
    decay_u: Parameter = 1.0
    #: Share of the voltage lost per step, 0 to 1; in `fixed` 0 to 4095.
    decay_v: Parameter = 1.0
    #: Added to v each step; in `fixed` a signed 13-bit mantissa.
    bias: Parameter = 0.0
    #: Spikes where v exceeds it; in `fixed` an unsigned 17-bit mantissa, times 64.
    threshold: Parameter = 1.0
    #: Power of two on the bias, `fixed` only, 0 to 7.
    bias_exponent: int = 0

    PARAMETERS: ClassVar[tuple[str, ...]] = ("decay_u", "decay_v", "bias", "threshold")
    STATES: ClassVar[tuple[str, ...]] = ("u", "v")

    def __post_init__(self) -> None:
        shape = None if size_faults("", self.size) else (int(self.size),)
        for name in self.PARAMETERS:
            object.__setattr__(self, name, read_only(getattr(self, name), shape))

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a``, the summed synaptic current."""
        return {"a": Port(self.size, "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``s``, the spikes."""
        return {"s": Port(self.size, "spike")}

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return every parameter outside its range."""
        found = size_faults(path, self.size)
        if found:
            return found
        big = float(np.finfo(np.float64).max)
        ranges = {
            "decay_u": (0, 1) if domain == "float" else (0, 4095),
            "decay_v": (0, 1) if domain == "float" else (0, 4095),
            "bias": (-big, big) if domain == "float" else (-(2**12), 2**12 - 1),
            "threshold": (-big, big) if domain == "float" else (0, 2**17 - 1),
        }
        for name, (low, high) in ranges.items():
            array = getattr(self, name)
            where = f"{path}.{name}"
            remedy = "scale weights, bias and threshold together" if domain == "fixed" else ""
            found += range_faults(where, array, (self.size,), domain, low, high, remedy)
        found += exponent_faults(f"{path}.bias_exponent", self.bias_exponent, 0, 7, domain)
        return found
