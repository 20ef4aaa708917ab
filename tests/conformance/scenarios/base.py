"""What a scenario is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hebbgraph import Connection, Graph, Probe
from hebbgraph.passes.quantise import quantise
from hebbgraph.processes import Domain
from hebbgraph.random import stream

#: Rounding of a float64 sum of a few hundred terms, with room for another order of summation.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Scenario:
    """One graph and what to feed it."""

    name: str
    graph: Graph
    inputs: Mapping[str, Any]
    steps: int
    #: Of float states, relative to max(1, |state|).
    tolerance: float = 0.0
    #: Whether quantising changes no spike.
    exact_in_fixed: bool = False
    #: Rasters known without running anything, by process path: rows of (episode, step, unit), of
    #: which every event is one (the sign of ternary spikes is not compared).
    expected: Mapping[str, Any] = field(default_factory=dict)
    #: Recorded values known without running anything, by probe target: (episodes, steps, units).
    expected_states: Mapping[str, Any] = field(default_factory=dict)
    #: Weights known without running anything, at the end.
    expected_weights: Mapping[str, Any] = field(default_factory=dict)
    #: The graph in the fixed domain, where it is not the quantised one.
    fixed: Graph | None = None
    #: Further arguments of `Program.run`, such as a batch.
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Return the domains in which it runs: a fixed graph has no float form."""
        return ("fixed",) if self.graph.domain == "fixed" else ("float", "fixed")

    def in_domain(self, domain: Domain) -> Graph:
        """Return the graph in one of its domains."""
        if domain == "fixed":
            return self.fixed or quantise(self.graph)
        return self.graph

    def __str__(self) -> str:
        return self.name


def draw_of(name: str, *shape: int) -> Any:
    """Return random numbers in [0, 1) that belong to a scenario's name."""
    return stream(7, name, "scenario").random(shape)


def whole_of(name: str, low: int, high: int, *shape: int) -> Any:
    """Return random whole numbers from `low` to `high`, both included, as float64."""
    return stream(7, name, "scenario").integers(low, high + 1, shape).astype(float)


def both_domains(
    name: str,
    floating: Mapping[str, Any],
    fixed: Mapping[str, Any],
    wires: Sequence[tuple[Any, ...]],
    probes: Sequence[str],
) -> dict[str, Any]:
    """Return ``graph`` and ``fixed`` of a scenario: `fixed` replaces processes of `floating`."""
    connections, recorded = [Connection(*w) for w in wires], [Probe(p) for p in probes]
    return {
        "graph": Graph(name, floating, connections, recorded),
        "fixed": Graph(name, {**floating, **fixed}, connections, recorded, "fixed"),
    }
