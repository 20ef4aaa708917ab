"""Input: where data enters a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hebbgraph.checks import Domain, choice_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, Role, Signal


@final
@dataclass(frozen=True, eq=False)
class Input(Process):
    """Source of the data given to ``Program.run``, one row per step.

    At step t it emits, with x the data of the episode (and 0 once the data has ended)::

        out(t) = gain x(t)                 float
        out(t) = round(gain x(t))          fixed, half to even, within 24 signed bits

    A source of spikes emits x itself, which must be 0 or 1 (-1, 0 or 1 if ternary).

    Ports: out ``out`` (graded, spikes or ternary).
    """

    #: Number of channels.
    size: int
    #: Factor on graded data, per channel.
    gain: Parameter = 1.0
    #: What leaves the port: ``"graded"``, ``"spike"`` or ``"ternary"``.
    signal: Signal = "graded"

    ROLE: ClassVar[Role] = "source"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("gain",)
    # A gain is a scale, not a stored parameter of the chip: it may be fractional in `fixed`.
    SCALES: ClassVar[tuple[str, ...]] = ("gain",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return no ports: data arrives from outside."""
        return {}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``."""
        return {"out": Port(self.size, self.signal)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one gain per channel."""
        return {"gain": (self.size,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of a gain."""
        return {"gain": (-(2.0**23), 2.0**23)}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong signal, or a gain on spikes."""
        found = choice_faults(f"{path}.signal", self.signal, ("graded", "spike", "ternary"))
        if not found and self.signal != "graded" and (self.gain != 1).any():
            need = "must be 1 for a source of spikes"
            got = str(self.gain[self.gain != 1][0])
            found.append(Fault(f"{path}.gain", got, need, "use Dense weights"))
        return found
