"""Learning on Brian2: what persists, batches, exactness beyond float64, and what a user reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Connection, Dense, Graph, Input, Probe, Rule, Trace
from hebbgraph.backends.brian2.planner import make_plan
from hebbgraph.processes import DOMAINS, Domain
from hebbgraph.rules import library
from tests.brian2_backend.graphs import AVAILABILITY, assert_equal
from tests.brian2_backend.kinds import random_kinds

pytestmark = pytest.mark.skipif(not AVAILABILITY.usable, reason=AVAILABILITY.reason or "usable")

DENSE = pytest.mark.parametrize("dense", ["blas", "synapses"])


def pair(rule: Rule, domain: Domain, post: int = 5, pre: int = 4, start: Any = 3) -> Graph:
    """Return two inputs on both sides of synapses that learn."""
    processes = {
        "x": Input(pre),
        "y": Input(post),
        "w": Dense(np.full((post, pre), start), rule=rule),
    }
    wires = [Connection("x.out", "w.s"), Connection("y.out", "w.post")]
    return Graph("pair", processes, wires, [Probe("w.weights"), Probe("w.a")], domain)


def data(episodes: int, steps: int, post: int = 5, pre: int = 4, most: int = 9) -> dict[str, Any]:
    """Return random whole numbers for both sides, half of them 0."""
    rng = np.random.default_rng(episodes)
    found = {}
    for name, size in (("x", pre), ("y", post)):
        shape = episodes, steps, size
        found[name] = rng.integers(-most, most + 1, shape) * (rng.random(shape) < 0.5)
    return found


@DENSE
@pytest.mark.parametrize("domain", DOMAINS)
def test_weights_persist_within_a_run_and_from_run_to_run_if_given(
    domain: Domain, dense: str
) -> None:
    graph, inputs, steps = random_kinds(4, domain, "learning")
    tolerance = 1e-9 if domain == "float" else 0.0
    with hg.compile(graph) as reference, hg.compile(graph, "brian2", dense=dense) as program:
        first = program.run(inputs, steps)
        assert_equal(first, reference.run(inputs, steps), tolerance)
        assert_equal(program.run(inputs, steps), first)
        later: dict[str, Any] = {"weights": first.weights, "first_episode": 2}
        want = reference.run(inputs, steps, **later)
        assert_equal(program.run(inputs, steps, **later), want, tolerance)
        assert any(not np.array_equal(want.weights[k], v) for k, v in first.weights.items())


@pytest.mark.parametrize("domain", DOMAINS)
def test_batches_learn_their_mean_change(domain: Domain) -> None:
    graph, inputs, steps = random_kinds(5, domain, "learning")
    inputs = {name: np.concatenate([values, values[::-1]]) for name, values in inputs.items()}
    tolerance = 1e-9 if domain == "float" else 0.0
    with hg.compile(graph) as reference, hg.compile(graph, "brian2") as program:
        for batch in (2, 4, 1):
            want = reference.run(inputs, steps, batch=batch)
            assert_equal(program.run(inputs, steps, batch=batch), want, tolerance)


def test_batches_are_refused_where_episodes_follow_one_another() -> None:
    graph = pair(library.hebb(), "float")
    with hg.compile(graph, "brian2", dense="synapses") as program:
        with pytest.raises(hg.Unsupported, match='dense="blas"'):
            program.run(data(2, 3), batch=2)
        assert program.run(data(2, 3)).weights["w.weights"].any()
    with hg.compile(replace_rule(graph, None), "brian2", dense="synapses") as program:
        assert program.run({"x": data(2, 3)["x"]}, batch=2).states["w.a"].any()


def replace_rule(graph: Graph, rule: Rule | None) -> Graph:
    """Return the synapses alone, with another rule or none."""
    dense = graph.of_kind(Dense)["w"]
    processes = {"x": Input(4), "w": replace(dense, rule=rule)}
    return Graph("alone", processes, [Connection("x.out", "w.s")], [Probe("w.a")])


@pytest.mark.parametrize("rounding", ["nearest", "truncate", "stochastic", "shared"])
def test_sums_beyond_float64_are_exact(rounding: Any) -> None:
    """Four episodes at once, each close to 2**52; with momentum the products are, too."""
    fields: dict[str, Any] = {"rounding": rounding, "signal_bits": 24, "low": -200, "high": 200}
    plain = Rule("31*post*pre", shift=40, **fields)
    fields["signal_bits"] = 16
    kept = Rule("1000*post*pre", momentum=4095, shift=16, fraction=9, **fields)
    inputs = data(4, 5, most=2**23 - 1)
    small = {name: values >> 8 for name, values in inputs.items()}
    for rule, given in ((plain, inputs), (kept, small)):
        graph = pair(rule, "fixed")
        want = hg.compile(graph).run(given, batch=4)
        assert (np.abs(want.weights["w.weights"] - 3) > 5).any()
        assert_equal(hg.compile(graph, "brian2").run(given, batch=4), want)


@DENSE
def test_a_given_running_mean_of_any_size_is_exact(dense: str) -> None:
    rule = Rule("post*pre", momentum=4090, shift=20, low=-200, high=200)
    graph = pair(rule, "fixed")
    weights = {"w.momentum": np.arange(20).reshape(5, 4) * 2**42 + 1}
    want = hg.compile(graph).run(data(1, 6), weights=weights)
    got = hg.compile(graph, "brian2", dense=dense).run(data(1, 6), weights=weights)
    assert_equal(got, want)


@DENSE
@pytest.mark.parametrize("domain", DOMAINS)
def test_rows_and_columns_that_cannot_change_are_skipped_exactly(
    domain: Domain, dense: str
) -> None:
    """Few of many units are active: the terms of a rule then touch rows here, columns there."""
    traces = {"x1": Trace("pre", 1024 if domain == "fixed" else 0.25, 4), "y1": Trace("post", 0)}
    more: dict[str, Any] = {"shift": 5, "rounding": "stochastic"} if domain == "fixed" else {}
    rng = np.random.default_rng(1)
    for text in ("post*x1 - y1*pre", "post*pre + 0*w", "post*pre - w*post**2", "2*post*x1"):
        rule = Rule(text, traces=traces, low=-250, high=250, **more)
        graph = pair(rule, domain, 40, 50)
        inputs = {
            "x": rng.random((2, 8, 50)) < 0.05,
            "y": 3 * (rng.random((2, 8, 40)) < 0.05),
        }
        want = hg.compile(graph).run(inputs)
        got = hg.compile(graph, "brian2", dense=dense).run(inputs)
        assert_equal(got, want, 1e-9 if domain == "float" else 0.0)
        assert want.counters.total("weight_updates") > 0


def test_the_synapses_say_what_they_learn() -> None:
    rule = library.stdp(0.5, 0.25, 0.5, 0.125, low=-1, high=1, epoch=2)
    plan = make_plan(pair(rule, "float", start=0.5), "synapses")
    (synapses,) = plan.projections
    populations = {p.name: p for p in plan.populations}
    assert synapses.pathways["pre"].code == "total_post += w*s_pre"
    assert synapses.pathways["learn"].code.splitlines() == [
        "change = 0.5*post_post*x1_trace_pre - 0.25*s_pre*y1_trace_post",
        "after = clip(w + change, -1.0, 1.0)",
        "changed = changed + int(after != w)",
        "w = after",
    ]
    summing = populations["w"]
    assert "x1_trace = x1_trace*0.5 + s" in populations["w_axons"].codes[1].text
    assert "due = int(step % epoch == 0)" in summing.codes[-1].text
    assert summing.events["learn"].condition == "due != 0 and ((post != 0) or (y1_trace != 0))"


@DENSE
def test_signals_may_have_any_name(dense: str) -> None:
    """Names that Brian2, Python or the text of the network use, and some that Brian2 refuses."""
    names = ("t", "sum", "field_pre", "é", "_x", "step", "learned", "w_post", "due", "total")
    rule = Rule(" + ".join(names), factors=dict.fromkeys(names, "post"), low=-99, high=99)
    processes = {"y": Input(5), "w": Dense(np.ones((5, 4)), rule=rule)}
    wires = [Connection("y.out", f"w.{name}", k % 3) for k, name in enumerate(names)]
    graph = Graph("names", processes, wires, [Probe("w.weights")])
    inputs = {"y": data(2, 4)["y"]}
    want = hg.compile(graph).run(inputs)
    assert_equal(hg.compile(graph, "brian2", dense=dense).run(inputs), want, 1e-9)


@DENSE
def test_weights_are_handed_over(dense: str) -> None:
    graph = pair(library.hebb(0.125), "float")
    with hg.compile(graph, "brian2", dense=dense) as program:
        result = program.run(data(2, 4))
        learner = program.artefact.learners["w"]
        held = np.asarray(learner.w[:] if dense == "synapses" else learner.weights)
    np.testing.assert_array_equal(held.reshape(5, 4), result.weights["w.weights"])
