"""The skip for machines without lava, and what it means for results to be equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hebbgraph import Result
from hebbgraph.backend import discover

#: What the sums of floats in another order may differ by, where loops amplify it.
FLOAT = 1e-8


@pytest.fixture(scope="session")
def lava() -> None:
    """Skip where the Lava back end cannot be used, with its reason."""
    found = discover()["lava"].availability()
    if not found.usable:
        pytest.skip(found.reason)


@pytest.fixture(scope="session")
def assert_equal() -> Callable[..., None]:
    """Return what compares two results: bit for bit in fixed, spikes bit for bit in float."""
    return _assert_equal


def _assert_equal(found: Result, wanted: Result, note: str = "") -> None:
    fixed = wanted.provenance.domain == "fixed"
    for kind in ("spikes", "states", "weights"):
        ours, theirs = getattr(found, kind), getattr(wanted, kind)
        assert ours.keys() == theirs.keys(), note
        for key, values in theirs.items():
            assert ours[key].dtype == values.dtype, (note, key)
            if fixed or kind == "spikes":
                np.testing.assert_array_equal(ours[key], values, f"{note} {key}")
            else:
                np.testing.assert_allclose(ours[key], values, FLOAT, FLOAT, err_msg=f"{note} {key}")
    if fixed or not wanted.counters.total("weight_updates"):
        assert found.counters == wanted.counters, note


@pytest.fixture(scope="session")
def silent_overflow() -> Any:
    """Return the context in which floats of a random graph may grow beyond all bounds."""
    return lambda: np.errstate(over="ignore", invalid="ignore")
