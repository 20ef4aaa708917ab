"""The altered references: what is not altered is the reference itself, and nothing leaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backends.reference import loihi
from hebbgraph.backends.reference.interpreter import Interpreter
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.divergence import CODES, laws, relearning, rewiring
from hebbgraph.divergence.alterations import ALTERATIONS
from hebbgraph.divergence.altered import Altered, Site
from hebbgraph.divergence.event import Divergence, first_divergence
from hebbgraph.divergence.trial import Limits, Trial, prepare
from tests.conformance.scenarios import SCENARIOS, Scenario
from tests.parity import graphs

#: Alterations that alter nothing, which must give the reference's own results.
UNALTERED: Mapping[str, Any] = {
    "firing": laws.firing,
    "fields": lambda: laws.with_fields(tuple(kind for kind, _ in STEPS), lambda _: {}),
    "copies": lambda: laws.replaced(wrap32=loihi.wrap32, saturate_v=loihi.saturate_v),
}
SPIKING = [
    s
    for s in SCENARIOS
    if any(type(p).__name__ in ("LIF", "TernaryLIF") for _, p in s.graph.walk()) and not s.run
]


def trial_of(scenario: Scenario, domain: Any) -> Trial:
    return prepare(
        scenario.in_domain(domain),
        scenario.inputs,
        steps=scenario.steps,
        episodes=scenario.run.get("episodes"),
        batch=scenario.run.get("batch", 1),
        first_episode=scenario.run.get("first_episode", 0),
        weights=scenario.run.get("weights", {}),
        limits=Limits(),
    )


def lowered(trial: Trial) -> hg.Graph:
    return trial.lowered["feed_sources"]


def equal(ours: Any, theirs: Any) -> bool:
    return all(
        np.array_equal(held[key], getattr(theirs, kind)[key], equal_nan=kind == "states")
        for kind in ("spikes", "states")
        for held in (getattr(ours, kind),)
        for key in held
    )


@pytest.mark.parametrize("name", UNALTERED)
@pytest.mark.parametrize("scenario", SPIKING, ids=str)
def test_what_is_not_altered_is_the_reference(scenario: Scenario, name: str) -> None:
    for domain in scenario.domains:
        trial = trial_of(scenario, domain)
        plain = Interpreter(lowered(trial)).run(trial.job)
        same = Altered(steps=UNALTERED[name]).interpreter(lowered(trial)).run(trial.job)
        assert equal(plain, same)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError, match="wrap33"):
        laws.replaced(wrap33=laws.unbounded)


@pytest.mark.parametrize("name", ["generic_recurrent", "own_rule", "stochastic_winners", "edges"])
def test_the_reference_is_itself_again_afterwards(name: str) -> None:
    """Whatever is altered is altered in a copy."""
    scenario = next(s for s in SCENARIOS if s.name == name)
    trial = trial_of(scenario, "fixed")
    graph = lowered(trial)
    before, steps = Interpreter(graph).run(trial.job), dict(STEPS)
    for path, process in graph.walk():
        if process.ROLE == "source":
            continue
        for kind in ("state", "weight") if path in graph.plastic else ("state",):
            event = Divergence(0, 0, path, 0, "x", 0, 1, kind)
            site = Site(graph, trial.lowered["flatten"], trial.job, event, frozenset())
            for alteration in ALTERATIONS:
                for altered in alteration.make(site):
                    altered.interpreter(graph)
    assert dict(STEPS) == steps
    assert equal(before, Interpreter(graph).run(trial.job))


def test_every_code_but_those_that_need_no_replay_has_alterations() -> None:
    assert {a.code for a in ALTERATIONS} == set(CODES) - {"UNSUPPORTED", "UNKNOWN"}
    words = [alteration.words for alteration in ALTERATIONS]
    assert len(set(words)) == len(words)


def site_at(path: str, recorded: set[str]) -> Site:
    graph, inputs, steps = graphs.relay()
    scenario = Scenario("relay", graph, inputs, steps)
    trial = trial_of(scenario, "float")
    event = Divergence(0, 0, path, 0, "v", 0, 1)
    return Site(lowered(trial), trial.lowered["flatten"], trial.job, event, frozenset(recorded))


def test_suspects_are_the_process_and_what_it_hears_unrecorded() -> None:
    assert site_at("second", {"synapses.a", "first.s"}).suspects == ("second",)
    assert set(site_at("second", {"first.s"}).suspects) == {"second", "synapses"}
    assert set(site_at("second", set()).suspects) == {"second", "synapses", "first"}


def test_connections_can_be_moved_either_way() -> None:
    site = site_at("synapses", {"first.s"})
    (later,) = rewiring.by(1, rewiring.delayed)(site)
    assert later.graph is not None
    assert [c.delay for c in later.graph.sources("synapses.s")] == [4]
    (sooner,) = rewiring.by(-3, rewiring.delayed)(site)  # 0: no law allows that
    job = trial_of(Scenario("relay", *graphs.relay()), "float").job
    spikes = sooner.interpreter(site.graph).run(job).spikes
    # Unit 0 fires at 14 and 17, and its follower at 17 instead of 20.
    assert np.flatnonzero(spikes["second"][0, :, 0]).tolist() == [17]


def test_weights_can_be_had_late() -> None:
    graph, inputs, steps = graphs.hebb()
    trial = trial_of(Scenario("hebb", graph, inputs, steps), "float")
    plain = Interpreter(lowered(trial)).run(trial.job)
    late = Altered(steps=relearning.late_weights).interpreter(lowered(trial)).run(trial.job)
    ours, theirs = (run.states["w.a"].reshape(-1, 2)[:, 1] for run in (plain, late))
    assert ours[9:13].tolist() == [14, 16, 18, 20]
    assert theirs[9:13].tolist() == [14, 14, 16, 18]
    assert first_divergence(graph, plain_run(plain), plain_run(late)) is not None


def plain_run(recording: Any) -> Any:
    from hebbgraph.divergence.replay import Replayed

    return Replayed(recording.spikes, recording.states)
