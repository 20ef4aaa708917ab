"""Episodes done some after others, in several threads, or run so, give what they give at once."""

from __future__ import annotations

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.divergence import first_divergence
from tests.conformance.scenarios import SCENARIOS

NAMES = (
    *("gated", "polynomial_extremes", "sigma_delta_network", "stochastic_winners", "softmax"),
    *("sign_events", "ternary_network", "glauber", "episodes", "model_dense"),
)
CASES = [
    pytest.param(scenario, domain, id=f"{scenario.name}-{domain}")
    for scenario in SCENARIOS
    if scenario.name in NAMES
    for domain in scenario.domains
]


@pytest.mark.parametrize(("scenario", "domain"), CASES)
def test_blocks_change_nothing(scenario, domain, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    graph = scenario.in_domain(domain)
    inputs = {path: np.repeat(data, 2, axis=0) for path, data in scenario.inputs.items()}
    with hg.compile(graph, "snntorch") as program:
        whole = program.run(inputs, scenario.steps)
        monkeypatch.setattr("hebbgraph.backends.snntorch.inference.stepped.BLOCK", 1)
        monkeypatch.setattr("hebbgraph.backends.snntorch.shares.SHARED", 2)
        found = program.run(inputs, scenario.steps)
    divergence = first_divergence(graph, whole, found, tolerance=0.0, batch=1)
    assert divergence is None, str(divergence)


@pytest.mark.parametrize(("scenario", "domain"), CASES)
def test_batches_change_nothing(scenario, domain, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    graph = scenario.in_domain(domain)
    inputs = {path: np.repeat(data, 5, axis=0) for path, data in scenario.inputs.items()}
    told: list[tuple[int, int]] = []
    with hg.compile(graph, "snntorch") as program:
        whole = program.run(inputs, scenario.steps)
        monkeypatch.setattr("hebbgraph.backends.snntorch.inference.run.SIDE", 1)
        monkeypatch.setattr("hebbgraph.backends.snntorch.inference.run.ROWS", 3)
        found = program.run(inputs, scenario.steps, progress=lambda *done: told.append(done))
    divergence = first_divergence(graph, whole, found, tolerance=0.0, batch=1)
    assert divergence is None, str(divergence)
    assert whole.counters == found.counters
    batches = -(-len(next(iter(inputs.values()), [0])) // 3)
    assert batches > 1
    assert told[-1] == (batches * scenario.steps,) * 2
