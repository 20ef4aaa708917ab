"""Episodes done some after others, in several threads, or run so, give what they give at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import hebbgraph as hg
from hebbgraph.backends.snntorch.shares import side_by_side
from hebbgraph.divergence import first_divergence
from hebbgraph.models import dense
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


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("scenario", "domain"), CASES)
def test_batches_change_nothing(scenario, domain, threads, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    graph = scenario.in_domain(domain)
    inputs = {path: np.repeat(data, 5, axis=0) for path, data in scenario.inputs.items()}
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    with hg.compile(graph, "snntorch") as program:
        whole = program.run(inputs, scenario.steps)
        divide(monkeypatch)
        found = program.run(inputs, scenario.steps, progress=lambda *done: told.append(done))
    divergence = first_divergence(graph, whole, found, tolerance=0.0, batch=1)
    assert divergence is None, str(divergence)
    assert whole.counters == found.counters
    assert told == sorted(set(told))
    assert told[-1][0] == told[-1][1] > scenario.steps


def divide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no more than three episodes run side by side."""
    monkeypatch.setattr("hebbgraph.backends.snntorch.inference.run.SIDE", 1)
    monkeypatch.setattr("hebbgraph.backends.snntorch.inference.run.ROWS", 3)


def test_lanes_leave_the_threads_of_torch_alone_and_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    graph, data, steps = dense.example()
    cues = {"cue": np.repeat(data["cue"], 20, axis=0)}
    divide(monkeypatch)
    told: list[int] = []

    def stop(done: int, in_all: int) -> None:
        told.append(torch.get_num_threads())
        if len(told) == 3:
            raise ZeroDivisionError

    torch.set_num_threads(2)
    try:
        with hg.compile(graph, "snntorch") as program, pytest.raises(ZeroDivisionError):
            program.run(cues, steps, progress=stop)
        assert told == [2, 2, 2]
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


def test_an_error_in_a_lane_stops_the_others_and_is_raised() -> None:
    begun: list[int] = []

    def good() -> Iterator[int]:
        for index in range(10**6):
            begun.append(index)
            time.sleep(1e-4)
            yield 1

    def bad() -> Iterator[int]:
        yield 5
        raise RuntimeError("out of memory")

    found: list[int] = []
    with pytest.raises(RuntimeError, match="out of memory"):
        found.extend(side_by_side([good, bad]))
    assert len(begun) < 10**5
