"""The reference: a plain NumPy interpreter, the definition that other back ends are held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hebbgraph.backend import Availability, Capability
from hebbgraph.backends.reference.interpreter import Interpreter
from hebbgraph.graph import MAX_DELAY, Graph
from hebbgraph.processes import DOMAINS, KINDS


class ReferenceBackend:
    """NumPy, always there."""

    capability = Capability(
        name="reference",
        title="NumPy interpreter (the definition)",
        processes=dict.fromkeys(KINDS, DOMAINS),
        max_delay=MAX_DELAY,
        learning=DOMAINS,
        batches=True,
    )

    def availability(self) -> Availability:
        """Return NumPy's version."""
        return Availability(usable=True, versions={"numpy": np.__version__})

    def lower(self, graph: Graph, options: Mapping[str, Any]) -> Interpreter:
        """Return the interpreter of `graph`."""
        return Interpreter(graph)


BACKEND = ReferenceBackend()
