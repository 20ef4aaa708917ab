"""Input: where data enters a graph."""

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
    Signal,
    range_faults,
    read_only,
    size_faults,
)


@final
@dataclass(frozen=True, eq=False)
class Input(Process):
    """Source of the data given to ``Program.run``, one row per step.

    At step t it emits, with x the data of the episode (and 0 once the data has ended)::

        out(t) = gain x(t)                 float
        out(t) = round(gain x(t))          fixed, half to even, within 24 signed bits

    A source of spikes emits x itself, which must be 0 or 1.

    Ports: out ``out`` (graded or spikes).
    """

    #: Number of channels.
    size: int
    #: Factor on graded data, per channel.
    gain: Parameter = 1.0
    #: What leaves the port: ``"graded"`` or ``"spike"``.
    signal: Signal = "graded"

    PARAMETERS: ClassVar[tuple[str, ...]] = ("gain",)

    def __post_init__(self) -> None:
        shape = None if size_faults("", self.size) else (int(self.size),)
        object.__setattr__(self, "gain", read_only(self.gain, shape))

    @property
    def inputs(self) -> dict[str, Port]:
        """Return no ports: data arrives from outside."""
        return {}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``."""
        return {"out": Port(self.size, self.signal)}

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong size, signal or gain."""
        found = size_faults(path, self.size)
        if self.signal not in ("graded", "spike"):
            need = 'must be "graded" or "spike"'
            found.append(Fault(f"{path}.signal", repr(self.signal), need))
        if found:
            return found
        gain = self.gain
        # A gain is a scale, not a stored parameter of the chip: it may be fractional in `fixed`.
        found += range_faults(f"{path}.gain", gain, (self.size,), "float", -(2.0**23), 2.0**23)
        if not found and self.signal == "spike" and (gain != 1).any():
            need = "must be 1 for a source of spikes"
            found.append(Fault(f"{path}.gain", str(gain[gain != 1][0]), need, "use Dense weights"))
        return found

    def cast(self, domain: Domain) -> Input:
        """Return this process with a float64 gain, in either domain."""
        return Input(self.size, self.gain.astype(np.float64), self.signal)
