"""first_divergence: the earliest event, in the order in which things happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.divergence import Divergence, first_divergence
from tests.parity import graphs

RELAY = graphs.relay()[0]
HEBB = graphs.hebb()[0]


@dataclass
class Run:
    spikes: dict[str, Any] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)


def relay(*events: tuple[str, int, int, int]) -> Run:
    """Return a silent run of `relay` but for `events`: (target, episode, step, unit)."""
    shape = (2, 6, 3)
    run = Run(
        {path: np.zeros(shape, bool) for path in ("first", "second")},
        {f"{p}.{x}": np.zeros(shape) for p in ("first", "second") for x in "uv"}
        | {"synapses.a": np.zeros(shape)},
    )
    for target, *at in events:
        held = run.spikes if target in run.spikes else run.states
        held[target][tuple(at)] = 1
    return run


def named(*events: tuple[str, int, int, int]) -> tuple[int, int, str, str, int] | None:
    found = first_divergence(RELAY, relay(), relay(*events))
    if found is None:
        return None
    return found.step, found.episode, found.process, found.variable, found.unit


def test_equal_runs_do_not_diverge() -> None:
    assert named() is None


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        # by step, then episode
        ([("second", 0, 3, 0), ("first", 1, 2, 1)], (2, 1, "first", "s", 1)),
        ([("first", 1, 3, 0), ("second", 0, 3, 0)], (3, 0, "second", "s", 0)),
        # the process that comes first in the step, whatever its name
        ([("first", 0, 3, 2), ("synapses.a", 0, 3, 0)], (3, 0, "synapses", "a", 0)),
        ([("second.u", 0, 3, 0), ("synapses.a", 0, 3, 2)], (3, 0, "synapses", "a", 2)),
        # u, then whether it spikes, then v
        ([("first.v", 0, 3, 0), ("first", 0, 3, 2)], (3, 0, "first", "s", 2)),
        ([("first.u", 0, 3, 2), ("first", 0, 3, 0)], (3, 0, "first", "u", 2)),
        # unit
        ([("first", 0, 3, 2), ("first", 0, 3, 1)], (3, 0, "first", "s", 1)),
    ],
)
def test_the_cause_comes_before_its_consequences(events: Any, wanted: Any) -> None:
    assert named(*events) == wanted
    assert named(*reversed(events)) == wanted


def learning(*events: tuple[int, int, int], final: int = 0) -> Run:
    """Return a run of `hebb` with weights that differ at `events`: (episode, step, weight)."""
    weights = np.zeros((4, 5, 4))
    for event in events:
        weights[event] = 1
    run = Run({}, {"w.weights": weights, "w.a": np.zeros((4, 5, 2))})
    run.weights = {"w.weights": np.full((2, 2), final)}
    return run


def test_where_weights_learn_episodes_come_before_steps() -> None:
    late, early = (1, 4, 3), (2, 0, 0)
    found = first_divergence(HEBB, learning(), learning(late, early))
    assert found is not None
    assert (found.episode, found.step, found.unit, found.pre) == (1, 4, 1, 1)
    assert found.words == "episode 1, step 4, w[1, 1]: weight is 1, should be 0"
    # Two episodes that learn together are one.
    together = first_divergence(HEBB, learning(), learning((3, 1, 0), (2, 2, 0)), batch=2)
    assert together is not None
    assert (together.episode, together.step) == (3, 1)


def test_what_a_step_computes_comes_before_what_it_learns() -> None:
    run = learning((1, 4, 0))
    run.states["w.a"][1, 4, 1] = 1
    found = first_divergence(HEBB, learning(), run)
    assert found is not None
    assert (found.variable, found.unit) == ("a", 1)


def test_final_weights_come_last() -> None:
    found = first_divergence(HEBB, learning(), learning(final=7))
    assert found is not None
    assert (found.kind, found.episode, found.step, found.got) == ("learned", 3, 5, 7)
    assert found.words.startswith("episode 3, at its end, w[0, 0]")
    found = first_divergence(HEBB, learning(), learning((3, 4, 0), final=7))
    assert found is not None
    assert found.kind == "weight"


def test_floats_may_differ_within_the_tolerance() -> None:
    other = relay()
    other.states["first.v"][0, 2, 1] = 1e-10
    assert first_divergence(RELAY, relay(), other, tolerance=1e-9) is None
    assert first_divergence(RELAY, relay(), other) is not None


def test_what_only_one_recorded_is_not_comparable() -> None:
    other = relay()
    del other.states["first.v"]
    with pytest.raises(ValueError, match="not comparable"):
        first_divergence(RELAY, relay(), other)
    short = relay()
    short.states["first.v"] = short.states["first.v"][:, :3]
    with pytest.raises(ValueError, match="shapes"):
        first_divergence(RELAY, relay(), short)


@pytest.mark.parametrize(
    ("expected", "got", "kind", "words"),
    [
        (0, 1, "spike", "spiked, should not have"),
        (1, 0, "spike", "did not spike, should have"),
        (1, -1, "spike", "sent -1, should have sent +1"),
        (0, -1, "spike", "sent -1, should have sent 0"),
        (0.5, float("nan"), "state", "v is nan, should be 0.5"),
    ],
)
def test_events_in_words(expected: float, got: float, kind: Any, words: str) -> None:
    event = Divergence(3, 1, "unit", 2, "v", expected, got, kind)
    assert event.words == f"episode 1, step 3, unit[2]: {words}"
    again = Divergence.from_dict(event.as_dict())
    assert again.words == event.words


def test_spikes_with_a_sign() -> None:
    graph = hg.Graph(
        "t", {"x": hg.Input(1), "u": hg.TernaryLIF(1)}, [hg.Connection("x.out", "u.a")]
    )
    ours, theirs = (Run({"u": np.array([[[0], [s]]], np.int8)}) for s in (1, -1))
    found = first_divergence(graph, ours, theirs)
    assert found is not None
    assert (found.step, found.expected, found.got) == (1, 1, -1)
