"""Lava: the graph as one Lava Process on lava-nc's CPU runtime, in a worker process.

The worker has a Python environment of its own (`environment`); importing this package starts
nothing and imports no lava.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hebbgraph.backend import Availability, Capability, Option, Variant
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.graph import MAX_DELAY, Graph
from hebbgraph.processes import DOMAINS, KINDS

if TYPE_CHECKING:
    from hebbgraph.backends.lava.executable import LavaExecutable

SETUP = "hebbgraph setup lava"


class LavaBackend:
    """lava-nc 0.10.0, bit-accurate with Loihi in the fixed domain."""

    capability = Capability(
        name="lava",
        title="lava-nc's CPU runtime (bit-accurate Loihi models)",
        processes=dict.fromkeys(KINDS, DOMAINS),
        max_delay=MAX_DELAY,
        learning=DOMAINS,
        batches=True,
        options={
            "model": Option(
                "fused",
                ("fused", "parts"),
                "one process with a batch axis, or lava's own parts, one process each",
            ),
            "chunk": Option(64, help="most steps per message to the worker"),
            "timeout": Option(600.0, help="seconds of silence after which the worker is ended"),
        },
        variants=(Variant(), Variant({"model": "parts"})),
        remarks=(
            "Runs in a worker process on Python 3.10, in an environment of its own.",
            "The parts model runs episodes one after another; the fused model all at once.",
            "Batches learn together in the fused model; the parts model learns from one episode.",
            "Parts are lava's own wherever it has the kind and computes what the kind says.",
            "lava's LearningDense is not among them; `lava.learning_dense` translates rules to it.",
            "In float, lava sums in another order than the reference: states agree to 1e-9.",
        ),
    )

    def availability(self) -> Availability:
        """Say whether the environment is there, by its marker; lava is not imported."""
        from hebbgraph.backends.lava import environment  # on use: it is a script too

        try:
            found = environment.find()
        except Unavailable as error:
            return Availability(False, reason=str(error), remedy=f"run `{SETUP}`")
        if found is None:
            reason = "its own Python environment is missing"
            return Availability(False, reason=reason, remedy=f"run `{SETUP}`")
        return Availability(True, versions=dict(found.versions), caveat=found.caveat)

    def lower(self, graph: Graph, options: Mapping[str, Any]) -> LavaExecutable:
        """Return `graph` compiled in the worker; raises `Invalid` for a bad chunk or timeout."""
        from hebbgraph.backends.lava.executable import LavaExecutable

        chunk, timeout = options["chunk"], options["timeout"]
        faults = []
        if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
            faults.append(Fault("option chunk", repr(chunk), "must be a whole number above 0"))
        if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not timeout > 0:
            faults.append(Fault("option timeout", repr(timeout), "must be a number above 0"))
        if faults:
            raise Invalid("options of lava", faults)
        return LavaExecutable(graph, options["model"], chunk, float(timeout))


BACKEND = LavaBackend()
