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
}


def method(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """Return a method by name, with options for it; raises `Invalid` for unknown ones."""
    if name not in METHODS:
        need = f"must be one of {', '.join(METHODS)}"
        raise Invalid("method", [Fault("method", repr(name), need)])
    found: Method = import_module(f"hebbgraph.continual.methods.{name}").LEARNS(options or {})
    return found


__all__ = ["METHODS", "Batch", "Method", "Setting", "method"]
