"""Products of 8-bit integers: exact, used where they are exact and worthwhile only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import hebbgraph as hg
from hebbgraph.backends.snntorch.inference import octets
from hebbgraph.backends.snntorch.inference.octets import Octets

needs_vnni = pytest.mark.skipif(not octets._vnni(), reason="this CPU has no such instruction")
RNG = np.random.default_rng(7)


def whole(low: int, high: int, *shape: int) -> torch.Tensor:
    return torch.tensor(RNG.integers(low, high + 1, shape), dtype=torch.float32)


@needs_vnni
@pytest.mark.parametrize(("limit", "factor"), [(127, 1.0), (127, 4.0), (254, 1.0), (1016, 0.5)])
@pytest.mark.parametrize("episodes", [1, 3, 64])
def test_products_are_exact(
    limit: int, factor: float, episodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(octets, "WORTHWHILE", 0)
    grain = max(1, 1 << (limit.bit_length() - 7))
    weights = grain * whole(-limit // grain + 1, limit // grain, 90, 70)
    s = whole(-127, 127, episodes, 70)
    made = Octets.of([weights], factor, s)
    assert made is not None
    total = torch.full((episodes, 90), 5.0, dtype=torch.float64)
    made.multiply(s, made.weights[0], total, empty=False)
    expected = factor * (s.double() @ weights.double().T)
    assert torch.equal(total, expected + 5)
    made.multiply(s, made.weights[0], total, empty=True)
    assert torch.equal(total, expected)


@needs_vnni
def test_the_largest_sums_do_not_saturate() -> None:
    weights, s = torch.full((512, 2048), -127.0), torch.full((64, 2048), 127.0)
    made = Octets.of([weights], 1.0, s)
    assert made is not None
    total = torch.empty(64, 512, dtype=torch.float64)
    made.multiply(s, made.weights[0], total, empty=True)
    assert torch.equal(total, torch.full_like(total, -(127.0**2) * 2048))


def test_weights_of_more_than_8_bits_or_with_a_fraction_are_left_to_floats() -> None:
    like = torch.empty(64, 0)
    for matrix in (whole(-300, 299, 512, 512) * 2 + 1, torch.full((512, 512), 0.5)):
        assert Octets.of([matrix], 1.0, like) is None
    assert Octets.of([whole(-9, 9, 2**14, 1)], 1.0, like) is None  # torch is wrong here


def graph(weights: np.ndarray, delays: Any = 0, signal: str = "spike") -> hg.Graph:
    units = len(weights)
    return hg.Graph(
        "net",
        {
            "events": hg.Input(weights.shape[1], signal=signal),  # type: ignore[arg-type]
            "entry": hg.Dense(weights, delays=delays),
            "unit": hg.LIF(units, 300, 200, 3, 40),
            "loop": hg.Dense(weights[:, :units] // 2 * 2),
        },
        [
            hg.Connection("events.out", "entry.s"),
            hg.Connection("entry.a", "unit.a"),
            hg.Connection("unit.s", "loop.s"),
            hg.Connection("loop.a", "unit.a"),
        ],
        [hg.Probe("unit.u"), hg.Probe("unit.v")],
        domain="fixed",
    )


@pytest.mark.parametrize("signal", ["spike", "ternary", "graded"])
@pytest.mark.parametrize("delayed", [False, True])
def test_runs_equal_the_reference(
    signal: str, delayed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(octets, "WORTHWHILE", 0)
    weights = 2 * RNG.integers(-127, 128, (30, 40))
    delays = RNG.integers(0, 3, weights.shape) if delayed else 0
    low, high = {"spike": (0, 1), "ternary": (-1, 1), "graded": (-127, 127)}[signal]
    data = {"events": RNG.integers(low, high + 1, (5, 12, 40))}
    net = graph(weights, delays, signal)
    with hg.compile(net) as reference, hg.compile(net, "snntorch") as program:
        expected, got = reference.run(data, 15), program.run(data, 15)
    for name, states in expected.states.items():
        assert np.array_equal(got.states[name], states)
    assert np.array_equal(got.spikes["unit"], expected.spikes["unit"])
    assert expected.spikes["unit"].any()
