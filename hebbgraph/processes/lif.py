"""LIF: leaky integrate-and-fire units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from hebbgraph.checks import Domain, choice_faults, exponent_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class LIF(Process):
    """Current-based leaky integrate-and-fire population.

    Float domain, each step, for every unit (a is the sum arriving at port ``a``, n at ``n``)::

        u <- u (1 - decay_u) + a
        v <- v (1 - decay_v) + u + bias          where r = 0, else v stays 0
        s  = [v + n > threshold]                 strict; 0 where r > 0
        v <- 0 where s                           u is not reset
        r <- refractory where s, else max(r - 1, 0)

    Fixed domain, with B = 2**23 and tz(x) = sign(x) floor(|x| / 4096)::

        u <- wrap32(tz(u (4095 - decay_u)) + wrap32(64 a)),
             then - 2B if u > B, then + 2B if u <= -B        one wrap
        v <- clip(wrap32(tz(v (4096 - decay_v)) + u + bias 2**bias_exponent), -B + 1, B - 1)
        s  = [v + n > 64 threshold];  v <- 0 where s

    so ``decay_u = decay_v = 1`` (4095 in `fixed`) is the McCulloch-Pitts unit. In `fixed`, a
    ``decay_v`` of 4095 leaves v / 4096 behind, and ``decay_u`` of 0 still leaks by 1/4096: this is
    the arithmetic of Loihi as lava-nc 0.10.0 computes it (Davies et al., IEEE Micro 38(1) 2018,
    doi:10.1109/MM.2018.112130359).

    Port ``n`` takes the noise of a stochastic threshold. With logistic noise of scale T a
    McCulloch-Pitts unit spikes with probability 1 / (1 + exp(-(v - threshold) / T)): Glauber
    dynamics. A unit whose port ``on`` receives 0 is frozen in this step: u, v and r stay, what
    arrives is lost, and it is silent, or with ``when_off="hold"`` repeats its last s (a Bernoulli
    update mask). Both ports may stay unconnected.

    Ports: in ``a`` (graded), ``n`` (graded), ``on`` (spikes), out ``s`` (spikes). States ``u``,
    ``v`` and, with a refractory period, ``r``; all zero at episode start.
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
    #: Steps after a spike in which v stays 0, 0 to 63.
    refractory: int = 0
    #: What a unit emits while it is switched off: nothing, or its last spike again.
    when_off: Literal["silent", "hold"] = "silent"

    PARAMETERS: ClassVar[tuple[str, ...]] = ("decay_u", "decay_v", "bias", "threshold")
    STATES: ClassVar[tuple[str, ...]] = ("u", "v")

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a``, the summed synaptic current, and the optional ``n`` and ``on``."""
        return {
            "a": Port(self.size, "graded"),
            "n": Port(self.size, "graded"),
            "on": Port(self.size, "spike", default=1),
        }

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``s``, the spikes."""
        return {"s": Port(self.size, "spike")}

    @property
    def states(self) -> tuple[str, ...]:
        """Return ``u`` and ``v``, and ``r`` where there is a refractory period."""
        return (*self.STATES, "r") if self.refractory else self.STATES

    @property
    def registers(self) -> tuple[str, ...]:
        """Return the states, and the last spike where a unit may have to repeat it."""
        return (*self.states, "s") if self.when_off == "hold" else self.states

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one of each parameter per unit."""
        return dict.fromkeys(self.PARAMETERS, (self.size,))

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the chip's ranges in `fixed`."""
        decay = (0, 1) if domain == "float" else (0, 4095)
        bias, threshold = any_number(domain, 2**12 - 1), any_number(domain, 2**17 - 1)
        if domain == "fixed":
            bias, threshold = (-(2**12), 2**12 - 1), (0, 2**17 - 1)
        return {"decay_u": decay, "decay_v": decay, "bias": bias, "threshold": threshold}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong exponent, refractory period or choice."""
        found = exponent_faults(f"{path}.bias_exponent", self.bias_exponent, 0, 7, domain)
        found += whole_faults(f"{path}.refractory", self.refractory, 0, 63)
        return found + choice_faults(f"{path}.when_off", self.when_off, ("silent", "hold"))
