"""snnTorch: the graph as an `nn.Module` of snnTorch neurons, on CPU or GPU, in batches.

Reading order: `parts` (one module per kind), `network` (the graph as a module), `plan` (what can be
run for all time steps at once), `forward`, `loop` and `scan` (the differentiable pass), `learning`
(rules), `bounds` and `inference` (the fast run), `executable`.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hebbgraph.backend import Availability, Capability, Option
from hebbgraph.errors import Unavailable
from hebbgraph.graph import MAX_DELAY, Graph
from hebbgraph.processes import DOMAINS, KINDS

if TYPE_CHECKING:
    from hebbgraph.backends.snntorch.executable import TorchExecutable

#: What makes the engine usable, for error texts.
INSTALL = 'pip install "hebbgraph[torch]"'


class SnnTorchBackend:
    """PyTorch with snnTorch's neuron classes."""

    capability = Capability(
        name="snntorch",
        title="snnTorch (PyTorch, CPU or GPU)",
        processes=dict.fromkeys(KINDS, DOMAINS),
        max_delay=MAX_DELAY,
        learning=DOMAINS,
        batches=True,
        options={
            "device": Option("cpu", help="where to run: cpu, cuda, cuda:0, ..."),
            "dtype": Option(
                "float64",
                ("float64", "float32"),
                "numbers of the float domain; fixed is exact with either",
            ),
            "spike_grad": Option(
                "atan",
                ("atan", "fast_sigmoid", "sigmoid", "straight_through", "triangular"),
                "surrogate gradient of a spike, for training the artefact",
            ),
        },
        remarks=(
            "Episodes run as one batch; where weights learn, `batch` by `batch`.",
            "fixed: integers carried in floating point wide enough to be exact.",
            "dtype=float32 may flip spikes whose sums are not exact in 24 bits.",
            "What is no cycle and does not learn is run for many time steps at once.",
            "Gradients flow through everything, rules too; tied weights are one parameter.",
        ),
    )

    def availability(self) -> Availability:
        """Return the versions of torch and snntorch, found without importing either."""
        versions: dict[str, str] = {}
        missing: list[str] = []
        for name in ("torch", "snntorch"):
            try:
                versions[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                missing.append(name)
        if missing:
            reason = f"{' and '.join(missing)} not installed"
            return Availability(False, versions, reason, INSTALL)
        known = versions["snntorch"].startswith("1.0")
        caveat = "" if known else f"snntorch {versions['snntorch']} is untested, 1.0 is tested"
        return Availability(True, versions, caveat=caveat)

    def lower(self, graph: Graph, options: Mapping[str, Any]) -> TorchExecutable:
        """Return `graph` as a network on a device.

        Raises `Unavailable` if torch or snnTorch does not import or the device is not there, and
        `Invalid` if the device's name means nothing.
        """
        try:
            from hebbgraph.backends.snntorch.executable import TorchExecutable
        except (ImportError, OSError) as error:  # OSError: a shared library is missing
            raise Unavailable(f"snntorch: {error}; {INSTALL}") from error
        return TorchExecutable(graph, options)


BACKEND = SnnTorchBackend()
