"""What recalls are measured by, against numbers worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hebbgraph import metrics
from hebbgraph.harness.measure import information


def entropy(p: float) -> float:
    return float(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def test_information_is_that_of_a_binary_channel() -> None:
    wanted = np.tile([1, -1], 5000).reshape(10, 1000)
    assert information(wanted, wanted) == pytest.approx(1.0)
    assert information(-wanted, wanted) == pytest.approx(1.0)  # the negative tells as much
    states = wanted.copy()
    states[:, :200] *= -1  # a fifth wrong, both values alike
    assert information(states, wanted) == pytest.approx(1 - entropy(0.2))
    assert information(np.ones_like(wanted), wanted) == 0.0


def test_information_of_sparse_patterns_is_their_entropy() -> None:
    sparse = np.zeros((4, 100), np.int8)
    sparse[:, :10] = 1
    assert information(sparse, sparse) == pytest.approx(entropy(0.1))
    assert information(sparse.astype(np.float64), sparse) == pytest.approx(entropy(0.1))
    assert np.isnan(information(sparse + 0.5, sparse))


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_spurious_looks_states_up(dtype: type) -> None:
    rng = np.random.default_rng(1)
    stored = np.where(rng.random((5, 9)) < 0.5, 1, -1).astype(np.int8)
    near = stored[1].copy()
    near[0] *= -1
    states: Any = np.array([stored[2], -stored[3], near, np.zeros(9)]).astype(dtype)
    assert metrics.spurious(states, stored).tolist() == [False, False, True, True]
    ternary = np.array([[0, 1, -1]])
    assert metrics.spurious(np.array([[-0.0, -1, 1], [0.5, 1, -1]]), ternary).tolist() == [
        False,
        True,
    ]
    assert metrics.spurious(states[:0], stored).shape == (0,)
