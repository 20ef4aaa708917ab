"""The nir package, imported on use: hebbgraph works without it."""

from __future__ import annotations

import importlib
from types import ModuleType

from hebbgraph.errors import Unavailable

INSTALL = 'run: pip install "hebbgraph[nir]"'


def library() -> ModuleType:
    """Return the module `nir`; raises `Unavailable` with the remedy if it is not installed."""
    try:
        return importlib.import_module("nir")
    except ImportError as error:
        raise Unavailable(f"nir: {error}; {INSTALL}") from error
