"""Clock: phases that gate processes and learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import Domain, is_whole
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Port, Process, Role


@final
@dataclass(frozen=True, eq=False)
class Clock(Process):
    """A periodic clock with one output per phase.

    Each step t, for phase k with the half-open window (start, stop) of ``windows``::

        out_k = [start_k <= t mod period < stop_k]

    Connect an output to a port ``on`` to let processes run in one phase only, or to the port
    ``gate`` of plastic synapses to let them learn in it. Every episode begins with t = 0. Phases
    are several outputs side by side; to send one alone, use one Clock per phase.

    Ports: out ``out`` (phases, spikes).
    """

    #: Steps after which the phases repeat.
    period: int
    #: (start, stop) of each phase, within 0 .. period.
    windows: tuple[tuple[int, int], ...]

    ROLE: ClassVar[Role] = "source"
    SIZES: ClassVar[tuple[str, ...]] = ("period",)

    def __post_init__(self) -> None:
        if isinstance(self.windows, list | tuple):
            pairs = tuple(tuple(w) if isinstance(w, list | tuple) else w for w in self.windows)
            object.__setattr__(self, "windows", pairs)

    @property
    def inputs(self) -> dict[str, Port]:
        """Return no ports."""
        return {}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``, one unit per phase."""
        return {"out": Port(len(self.windows), "spike")}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return windows that are none."""
        need = f"must be pairs (start, stop) with 0 <= start < stop <= period {self.period}"
        good = isinstance(self.windows, tuple) and self.windows
        if not good or not all(self._is_window(window) for window in self.windows):
            return [Fault(f"{path}.windows", repr(self.windows), need)]
        return []

    def _is_window(self, window: Any) -> bool:
        if not isinstance(window, tuple) or len(window) != 2 or not all(map(is_whole, window)):
            return False
        return bool(0 <= window[0] < window[1] <= self.period)

    def data(self, steps: int) -> NDArray[np.int64]:
        """Return what it emits in an episode, (steps, phases)."""
        t = np.arange(steps)[:, np.newaxis] % self.period
        starts, stops = np.array(self.windows).T
        return ((starts <= t) & (t < stops)).astype(np.int64)
