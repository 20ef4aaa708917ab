"""Methods of continual learning for spiking networks in torch, one file each, and their names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hebbgraph.continual.methods.method import Batch, Method, Setting
from hebbgraph.errors import Fault, Invalid

#: Module of each method, and what it is.
METHODS: dict[str, str] = {
    "naive": "one task after another, nothing protects the old ones",
    "joint": "all tasks at once: what could be reached",
    "hlop": "Hebbian orthogonal projection: lateral rows learn what old tasks presented",
    "pca": "projection on exact principal components, as many rows as HLOP: its ceiling",
    "gpm": "gradient projection memory: principal rows that hold a share of the energy",
    "owm": "orthogonal weight modification: a recursive least squares projector of mean inputs",
    "ewc": "elastic weight consolidation: a quadratic penalty weighted by Fisher information",
    "si": "synaptic intelligence: a quadratic penalty weighted by what moves were worth",
    "lwf": "learning without forgetting: distillation from the network before the task",
    "er": "experience replay: minibatches joined by stored samples",
    "derpp": "dark experience replay: stored samples with their readouts",
    "agem": "averaged gradient episodic memory: gradients that do not oppose the memory's",
    "hat": "hard attention to the task: learned masks of units, for tasks with heads of their own",
    "hypernet": "a recurrent network generates the weights from an embedding of the known task",
}


def method(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """Return a method by name, with options for it; raises `Invalid` for unknown ones."""
    if name not in METHODS:
        need = f"must be one of {', '.join(METHODS)}"
        raise Invalid("method", [Fault("method", repr(name), need)])
    found: Method = import_module(f"hebbgraph.continual.methods.{name}").LEARNS(options or {})
    return found


__all__ = ["METHODS", "Batch", "Method", "Setting", "method"]
