"""Dendrite: units that spike when any of their segments is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hebbgraph.checks import Domain
from hebbgraph.processes.base import Parameter, Port, Process, any_number


@final
@dataclass(frozen=True, eq=False)
class Dendrite(Process):
    """Units with dendritic segments that are active from a threshold on, and an OR soma.

    Each step, for segment d of unit i::

        active_id = [a_id >= threshold_id]
        s_i       = 1 if any active_id, else 0

    with a_id what arrives at index i ``segments`` + d: an NMDA spike of a segment makes its cell
    fire, or predictive (Hawkins and Ahmad, Front. Neural Circuits 10, 2016; Ahmad and Hawkins,
    arXiv:1601.00720). A unit whose port ``on`` receives 0 is silent.

    Ports: in ``a`` (size * segments, graded), ``on`` (size, spikes); out ``s`` (size, spikes).
    """

    #: Number of units.
    size: int
    #: Segments per unit.
    segments: int = 1
    #: A segment is active where its sum reaches it.
    threshold: Parameter = 1.0

    SIZES: ClassVar[tuple[str, ...]] = ("size", "segments")
    PARAMETERS: ClassVar[tuple[str, ...]] = ("threshold",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``a``, the sums of the segments, and the optional ``on``."""
        return {
            "a": Port(self.size * self.segments, "graded"),
            "on": Port(self.size, "spike", default=1),
        }

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``s``."""
        return {"s": Port(self.size, "spike")}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one threshold per segment."""
        return {"threshold": (self.size * self.segments,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of the threshold."""
        return {"threshold": any_number(domain, 2**31)}
