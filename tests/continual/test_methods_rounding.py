"""Few bits: grids, what acts and what is accumulated, bursts of lateral units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hebbgraph.continual import Labelled, Stream, StreamRun, permuted, run_stream
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods.hlop import Hlop
from hebbgraph.continual.spiking.rounding import WeightGrid, rounded
from hebbgraph.continual.spiking.settings import NetSettings
from hebbgraph.errors import Invalid

pytestmark = pytest.mark.filterwarnings("ignore::hebbgraph.continual.rows.NotConverged")
ROWS = {"first_rows": (3, 4), "later_rows": (3, 4)}


def stream() -> Stream:
    draws = np.random.default_rng(0)
    y = np.arange(60) % 4
    part = Labelled(np.eye(4, 12)[y] + 0.3 * draws.random((60, 12)), y)
    return permuted(part, part, 2)


def learned(options: dict[str, Any] | None = None, **net: Any) -> tuple[StreamRun, SpikingLearner]:
    settings = NetSettings(hidden=(16,), batch=10, steps=6, rate=0.5, **net)
    learner = SpikingLearner(settings, "hlop", ROWS | (options or {}))
    return run_stream(stream(), learner, epochs=2), learner


@pytest.mark.parametrize("mode", ["independent", "shared"])
def test_stochastic_rounding_is_right_on_the_average(mode: str) -> None:
    values = torch.linspace(-0.9, 0.9, 50, dtype=torch.float64)
    drawn = torch.stack([rounded(values, 4, 1.0, mode, "w", 0, step) for step in range(2000)])
    torch.testing.assert_close(drawn.mean(0), values.clamp(-7 / 8, 7 / 8), rtol=0, atol=0.015)
    assert set((drawn.unique() * 8).tolist()) <= set(range(-7, 8))  # type: ignore[no-untyped-call]


def test_shared_rounding_draws_one_number_for_all() -> None:
    values = torch.full((30,), 0.31, dtype=torch.float64)
    shared = torch.stack([rounded(values, 4, 1.0, "shared", "w", 0, t) for t in range(50)])
    alone = torch.stack([rounded(values, 4, 1.0, "independent", "w", 0, t) for t in range(50)])
    assert all(len(row.unique()) == 1 for row in shared)
    assert sum(len(row.unique()) == 2 for row in alone) > 40
    assert len(shared.unique()) == 2  # type: ignore[no-untyped-call]


def test_weights_act_at_their_bits_and_accumulators_keep_more() -> None:
    _, learner = learned(weight_bits=4, accumulator_bits=12, rounding="independent")
    grid = learner._grid
    assert isinstance(grid, WeightGrid)
    for name, weight in learner.net.named_parameters():
        span = grid.spans[name]
        acts = weight.detach() * (8 / span)
        held = grid.held[name] * (2048 / span)
        torch.testing.assert_close(acts, acts.round(), atol=1e-3, rtol=0)
        torch.testing.assert_close(held, held.round(), atol=1e-2, rtol=0)
        assert len(held.round().unique()) > len(acts.round().unique())  # type: ignore[no-untyped-call]


def test_rows_are_rounded_at_the_merge() -> None:
    _, learner = learned({"row_bits": 5})
    assert isinstance(learner.method, Hlop)
    for subspace in learner.method.subspaces:
        half = len(subspace.old) // 2
        for block in (subspace.old[:half], subspace.old[half:]):  # two tasks
            steps = block * (15 / block.abs().max())
            torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
            assert len(steps.round().unique()) > 3  # type: ignore[no-untyped-call]


def test_bursts_come_close_to_linear_units_as_they_get_longer() -> None:
    linear, plain = learned()
    _, short = learned({"burst": 10})
    _, long = learned({"burst": 4000})
    weights = [
        torch.cat([w.detach().flatten() for w in each.net.parameters()])
        for each in (plain, short, long)
    ]
    coarse, fine = ((other - weights[0]).abs().mean() for other in weights[1:])
    assert fine < coarse / 5
    assert np.isfinite(linear.report.acc)


def test_faults_name_what_is_wrong() -> None:
    with pytest.raises(Invalid, match=r"(?s)weight_bits.*rounding"):
        learned(weight_bits=1, rounding="up")
    with pytest.raises(Invalid, match="row_bits"):
        learned({"row_bits": 99})
