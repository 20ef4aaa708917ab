"""Where tools are that know nothing of this project: programs that check it from outside."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest


def interpreter(module: str) -> str:
    """Return a Python that has `module`, or skip with how to get one.

    ``HEBBGRAPH_SANAFE_PYTHON`` names that of ``sanafe``, and so on; else our own is tried.
    """
    variable = f"HEBBGRAPH_{module.upper()}_PYTHON"
    named = os.environ.get(variable, "")
    if named:
        return named
    if importlib.util.find_spec(module) is not None:
        return sys.executable
    remedy = f"python -m venv tool && tool/bin/pip install {module}"
    pytest.skip(f"{module} is not installed: {remedy}, and set {variable}=tool/bin/python")
