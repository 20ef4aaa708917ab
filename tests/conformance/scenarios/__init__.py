"""Scenarios: graph, inputs, steps, tolerance. Data only; every back end runs every one.

One scenario per law. Where a raster, a state or a weight can be worked out by hand it stands in the
scenario as ``expected``; otherwise the reference interpreter is the definition. ``tolerance`` is
how far a state may lie from the reference's in the float domain; in fixed it is always 0, and
spikes must always be equal.
"""

from __future__ import annotations

import importlib
import pkgutil

import hebbgraph.models
from hebbgraph.passes.quantise import quantise
from tests.conformance.scenarios import graded, groups, law, learning, sources, spiking, synapses
from tests.conformance.scenarios.base import ROUNDING, Scenario


def _models() -> list[Scenario]:
    found = []
    for module in pkgutil.iter_modules(hebbgraph.models.__path__):
        model = importlib.import_module(f"hebbgraph.models.{module.name}")
        graph, inputs, steps = model.example()
        # What quantising rounds may change what is recalled; whatever it leaves alone may not.
        exact = not quantise(graph).notes
        tolerance = 0.0 if exact else ROUNDING
        name = f"model_{module.name}"
        found.append(Scenario(name, graph, inputs, steps, tolerance, exact_in_fixed=exact))
    return found


SCENARIOS: tuple[Scenario, ...] = (
    *law.SCENARIOS,
    *spiking.SCENARIOS,
    *graded.SCENARIOS,
    *groups.SCENARIOS,
    *sources.SCENARIOS,
    *synapses.SCENARIOS,
    *learning.SCENARIOS,
    *_models(),
)

__all__ = ["SCENARIOS", "Scenario"]
