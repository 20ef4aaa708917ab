"""Sweeps that several tests look at, run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hebbgraph.sweep import Found
from tests.sweep.specs import ran


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Path]:
    """Return a sweep with knobs of every kind, and its folder."""
    folder = tmp_path_factory.mktemp("sweep") / "all"
    knobs = {
        "weight_bits": [4, 8],
        "state_bits": [12, 24],
        "steps": [4, 8],
        "count": [2, 4],
        "neurons_per_core": [8, 1024],
    }
    return ran(folder, knobs=knobs), folder
