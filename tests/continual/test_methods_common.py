"""Every method: a killed run goes on as if nothing had happened; faults, memory, order of draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hebbgraph.continual import Labelled, Stream, StreamRun, permuted, run_stream, split
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods import METHODS, method
from hebbgraph.continual.spiking.settings import NetSettings
from hebbgraph.errors import Invalid

# Two short epochs are not enough for Hebbian rows.
pytestmark = pytest.mark.filterwarnings("ignore::hebbgraph.continual.rows.NotConverged")

EPOCHS = 2
ROWS = {"first_rows": (3, 4, 3), "later_rows": (2, 3, 2)}
GIVEN: dict[str, dict[str, Any]] = {
    "hlop": ROWS,
    "pca": ROWS,
    "gpm": {"threshold": 0.7, "samples": 20},
    "ewc": {"samples": 5},
    "er": {"size": 20, "replayed": 5},
    "derpp": {"size": 20, "replayed": 5},
    "agem": {"size": 20, "replayed": 5},
    "hypernet": {"chunk": 50, "hidden": 8},
}
SCENARIOS = [(name, "domain") for name in METHODS if name != "hat"]
SCENARIOS += [(name, "task") for name in METHODS]


class Killed(Exception):
    """The run was stopped."""


def samples(count: int, seed: int) -> Labelled:
    draws = np.random.default_rng(seed)
    y = np.arange(count) % 6
    return Labelled(np.eye(6, 10)[y] + 0.3 * draws.random((count, 10)), y)


def tasks(scenario: str) -> Stream:
    train, test = samples(42, 0), samples(30, 1)
    if scenario == "domain":
        return permuted(train, test, 3)
    return split(train, test, [(0, 1), (2, 3), (4, 5)], "task")


def learner(name: str) -> SpikingLearner:
    net = NetSettings(hidden=(12,), steps=3, batch=16, rate=0.5, momentum=0.5)
    return SpikingLearner(net, name, GIVEN.get(name))


def run(name: str, scenario: str, **more: Any) -> StreamRun:
    return run_stream(tasks(scenario), learner(name), epochs=EPOCHS, seed=3, **more)


@pytest.mark.parametrize(("name", "scenario"), SCENARIOS)
def test_a_killed_run_goes_on_to_the_last_bit(name: str, scenario: str, tmp_path: Path) -> None:
    straight = run(name, scenario)
    path = tmp_path / "checkpoint"
    # Stops before an epoch: within the first task, within the second, between it and the third.
    for stop in (1, 3, 4):

        def kill(done: int, total: int, text: str, stop: int = stop) -> None:
            if done == stop:
                raise Killed

        with pytest.raises(Killed):
            run(name, scenario, checkpoint=path, progress=kill)
    resumed = run(name, scenario, checkpoint=path)
    assert np.array_equal(resumed.report.matrix, straight.report.matrix)
    assert resumed.log == straight.log
    assert resumed.costs == straight.costs


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"naive", "joint"}))
def test_what_a_method_keeps_is_counted(name: str) -> None:
    assert sum(v for k, v in run(name, "task").costs.items() if k != "bytes_weights") > 0


@pytest.mark.parametrize(
    ("name", "options", "wrong"),
    [
        ("ewc", {"strength": -1.0, "samples": 0, "decay": 1.5}, 3),
        ("si", {"strength": float("nan"), "damping": 0.0}, 2),
        ("lwf", {"strength": "much", "temperature": 0}, 2),
        ("er", {"size": 0, "replayed": 2.5, "buffer": 3}, 3),
        ("derpp", {"size": True, "alpha": -1, "beta": float("inf")}, 3),
        ("agem", {"replayed": 0, "wholes": {}}, 2),
        ("gpm", {"threshold": 1.1, "growth": -0.1, "samples": -3}, 3),
        ("owm", {"alpha": 0.0, "decay": 2.0, "group": 0}, 3),
        ("hat", {"steepness": 0.5, "sparsity": -1, "rate": 0}, 3),
        ("hypernet", {"strength": -1, "hidden": 0, "chunk": 0, "rate": -1}, 4),
    ],
)
def test_every_fault_of_the_options_is_named(name: str, options: Any, wrong: int) -> None:
    with pytest.raises(Invalid) as caught:
        method(name, options)
    assert len(caught.value.faults) == wrong
    assert {fault.where for fault in caught.value.faults} == {f"{name}.{key}" for key in options}


@pytest.mark.parametrize(
    ("name", "presentations", "operations"),
    [
        ("ewc", 1, 2 * 192),
        ("si", 1, 3 * 192),
        ("lwf", 4 / 3, 0),
        ("er", 1 + 5 / 16, 0),
        ("derpp", 1 + 10 / 16, 0),
        ("agem", 1 + 5 / 16, 3 * 192),
        ("gpm", 1, 0),
        ("owm", 1, 12 * 10**2),
        ("hat", 1, 120 + 12),
        ("hypernet", 1, 3 * 4 * (3 * 8 * (32 + 8) + 8 * 50)),
    ],
)
def test_the_work_of_a_method(name: str, presentations: float, operations: float) -> None:
    # 10 inputs, 12 units, 6 classes: 192 weights, of which 72 lead to heads of their own.
    made = learner(name)
    made.start(tasks("task"), seed=0)
    shown, counted = made.method.work()
    assert shown == pytest.approx(presentations)
    assert counted == operations
