"""LeakyIntegrator: readouts and traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hebbgraph.checks import Domain
from hebbgraph.processes.base import Parameter, Port, Process


@final
@dataclass(frozen=True, eq=False)
class LeakyIntegrator(Process):
    """Units that sum what arrives, leak, and emit their state: a readout, or a trace of spikes.

    Each step, with B = 2**23 and tz(x) = sign(x) floor(|x| / 4096)::

        x <- 0 where reset is not 0
        x <- x (1 - decay) + a                                      float
        x <- clip(tz(x (4096 - decay)) + a, -B + 1, B - 1)          fixed
        out = x

    A decay of 0 sums for ever, 1 (4096 in `fixed`) has no memory. A unit whose port ``on``
    receives 0 keeps x and emits 0.

    Ports: in ``a`` (graded), ``reset`` (spikes), ``on`` (spikes); out ``out`` (graded). State
    ``x``.
    """

    #: Number of units.
    size: int
    #: Share of x lost per step, 0 to 1; in `fixed` 0 to 4096.
    decay: Parameter = 0.0

    PARAMETERS: ClassVar[tuple[str, ...]] = ("decay",)
    STATES: ClassVar[tuple[str, ...]] = ("x",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a``, and the optional ``reset`` and ``on``."""
        return {
            "a": Port(self.size, "graded"),
            "reset": Port(self.size, "spike"),
            "on": Port(self.size, "spike", default=1),
        }

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``, the state."""
        return {"out": Port(self.size, "graded")}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one decay per unit."""
        return {"decay": (self.size,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of the decay."""
        return {"decay": (0, 1) if domain == "float" else (0, 4096)}
