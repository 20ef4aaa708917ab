"""Rules as data: what may be written, what is refused, what the textbook rules are known for."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Connection, Dense, Graded, Graph, Input, Probe, Rule, Trace, Transpose
from hebbgraph.couplings import couplings
from hebbgraph.random import stream
from hebbgraph.rules import library
from hebbgraph.rules.terms import as_text, parse


def value(terms: Any, **symbols: float) -> float:
    total = 0.0
    for term in terms:
        product = term.coefficient
        for name, power in term.powers:
            product *= symbols[name] ** power
        total += product
    return total


@pytest.mark.parametrize(
    "text",
    [
        "pre*post",
        "dw = eta*post*(pre - post*w)",
        "-(pre - 2)*(post + 3)**2/4 + w",
        "0.5*(a - b)*(a + b) - -w",
        "(pre + post + w)**3",
        "2*pre - pre - pre",
    ],
)
def test_a_line_of_maths_is_expanded_faithfully(text: str) -> None:
    constants = {"eta": 0.25}
    terms = parse(text, constants)
    body = text.partition("=")[2] or text
    for numbers in itertools.product((-1.5, 2.0), repeat=5):
        symbols = dict(zip(("pre", "post", "w", "a", "b"), numbers, strict=True))
        want = eval(body, {}, {**symbols, **constants})
        assert value(terms, **symbols) == pytest.approx(want)
        assert value(parse(as_text(terms)), **symbols) == pytest.approx(want)


def test_equal_terms_are_added_and_zeros_dropped() -> None:
    assert parse("2*pre - pre - pre") == ()
    assert len(parse("pre*post + post*pre")) == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("pre +", "invalid syntax"),
        ("dv = pre", "the left side must be dw"),
        ("exp(pre)", "not a sum of products"),
        ("pre / post", "only division by a number"),
        ("pre / 0", "only division by a number but 0"),
        ("pre ** post", "whole number"),
        ("pre ** 9", "whole number"),
        ("pre ** 0.5", "whole number"),
        ("'a'", "not a number"),
        ("pre > 1", "not a sum of products"),
        ("__import__('os')", "not a sum of products"),
    ],
)
def test_what_is_no_rule_is_said(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)
    assert part in str(caught.value)


def plastic(rule: Rule, *, wire: bool = True, domain: Any = "float", **fields: Any) -> Graph:
    connections = [Connection("x.out", "w.s")]
    ports = [name for name in rule.ports if wire] if rule.dw.isascii() else []
    sizes = {"pre": 3, "post": 2, "all": 1}
    inputs = {f"in_{name}": Input(sizes[rule.ports[name]]) for name in ports}
    connections += [Connection(f"in_{name}.out", f"w.{name}") for name in ports]
    weights = fields.pop("weights", np.zeros((2, 3)))
    processes: Any = {"x": Input(3), "w": Dense(weights, rule=rule, **fields), **inputs}
    return Graph("plastic", processes, connections, [Probe("w.weights")], domain)


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        (Rule("pre*ghost"), ["w.rule.dw", "'ghost'", "signals are pre, post, w", "factors"]),
        (Rule("pre+"), ["sum of products"]),
        (Rule("pre", low=2, high=1), ["low 2, high 1"]),
        (Rule("pre", epoch=0), ["w.rule.epoch", 'or "episode"']),
        (Rule("pre", momentum=1.0), ["w.rule.momentum"]),
        (Rule("pre", rounding="up"), ["'nearest', 'truncate'"]),  # type: ignore[arg-type]
        (Rule("pre", factors={"post": "post"}), ["'post'", "other than pre, post"]),
        (Rule("pre", factors={"a b": "post"}), ["'a b'"]),
        (Rule("pre", factors={"d": "left"}), ["'pre', 'post', 'all'"]),  # type: ignore[dict-item]
        (Rule("pre*t", traces={"t": Trace("pre*post", 0.1)}), ["of one side"]),
        (Rule("pre*t", traces={"t": Trace("pre", 1.5)}), ["decay", "[0, 1]"]),
        (Rule("pre*t", traces={"t": Trace("w", 0.5)}), ["traces['t']", "product of signals"]),
        (Rule("pre*t", {"t": 1}, traces={"t": Trace("pre", 0.5)}), ["declared once"]),
        (Rule("pre", shift=1), ["w.rule.shift", "float domain"]),
    ],
)
def test_a_bad_rule_cannot_be_built(rule: Rule, parts: list[str]) -> None:
    with pytest.raises(hg.Invalid) as caught:
        Graph("bad", {"w": Dense(np.zeros((2, 3)), rule=rule)})
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (Rule("0.5*pre", low=-9, high=9), "coefficients must be integers"),
        (Rule("pre"), "within -256 and 255"),
        (Rule("pre", low=-300, high=300), "within -256 and 255"),
        (Rule("pre**4*post**4", low=-9, high=9), "sums must stay within"),
        (Rule("pre*post*w", momentum=7, low=-9, high=9, fraction=15), "sums must stay within"),
        (Rule("pre", momentum=0.5, low=-9, high=9), "whole number in the fixed domain"),
        (Rule("pre", low=-9, high=9, shift=41), "[0, 40]"),
    ],
)
def test_a_rule_that_integers_cannot_hold_is_refused(rule: Rule, part: str) -> None:
    with pytest.raises(hg.Invalid) as caught:
        Graph("bad", {"w": Dense(np.zeros((2, 3)), rule=rule)}, domain="fixed")
    assert part in str(caught.value)


def test_weights_outside_the_bounds_and_delays_are_refused() -> None:
    with pytest.raises(hg.Invalid, match=r"w\.weights.*\[-1, 1\].*widen"):
        plastic(library.hebb(low=-1, high=1), weights=np.full((2, 3), 2.0))
    with pytest.raises(hg.Invalid, match=r"w\.delays.*where a rule learns.*delay the connection"):
        plastic(library.hebb(), delays=np.ones((2, 3)))


def test_rules_survive_files_and_copies() -> None:
    rule = Rule(
        "a*pre*x1 - w*reward",
        {"a": 0.5},
        {"reward": "all"},
        {"x1": Trace("pre", 0.25, 2.0)},
        low=-3,
        momentum=0.5,
        epoch="episode",
    )
    graph = plastic(rule)
    again = copy.deepcopy(graph)
    assert again.content_hash == graph.content_hash
    assert Rule.from_dict(rule.as_dict()) == rule
    assert hash(Rule.from_dict(rule.as_dict())) == hash(rule)
    other = plastic(Rule(**{**rule.as_dict(), "traces": rule.traces, "low": -3, "high": 9}))
    assert other.content_hash != graph.content_hash


# --- what the rules are known for ------------------------------------------------------------


def learn(rule: Rule, inputs: dict[str, Any], weights: Any, wires: Any = (), **run: Any) -> Any:
    """Present samples, one an episode of two steps, to synapses whose post signal is given."""
    weights = np.asarray(weights, dtype=float)
    post, pre = weights.shape
    processes: Any = {
        "x": Input(pre),
        "w": Dense(weights, rule=rule),
        "y": Graded(post),
        "back": Transpose("w", post, pre),
    }
    sizes = {"pre": pre, "post": post, "all": 1}
    connections = [
        Connection("x.out", "w.s"),
        Connection("w.a", "y.a"),
        Connection("y.out", "back.s"),
        *(Connection(*wire) for wire in wires),
    ]
    for name in inputs:
        if name != "x":
            processes[name] = Input(sizes[rule.ports[name]])
            connections.append(Connection(f"{name}.out", f"w.{name}"))
    graph = Graph("learn", processes, connections)
    return hg.compile(graph).run(inputs, 3, **run).weights["w.weights"]


def test_storkey_equals_the_direct_formula() -> None:
    patterns = np.where(stream(1, "storkey", "test").random((5, 12)) < 0.5, -1, 1)
    rule = library.storkey(12, epoch=2)
    # What arrives at step 1 is the pattern of step 0; its own synapses give both local fields.
    wires = [("w.a", "w.field_pre"), ("w.a", "w.field_post"), ("x.out", "w.post", 1)]
    got = learn(rule, {"x": patterns[:, np.newaxis]}, np.zeros((12, 12)), wires)
    want = couplings(patterns, "storkey")[0]
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_oja_finds_the_first_principal_component() -> None:
    draw = stream(2, "oja", "test")
    axis = np.array([0.6, -0.8, 0.0])
    data = draw.standard_normal((600, 1)) * 2 * axis + 0.3 * draw.standard_normal((600, 3))
    rule = library.oja(0.02, epoch=2)
    got = learn(rule, {"x": data[:, np.newaxis]}, [[0.1, 0.1, 0.1]], [("y.out", "w.post")])
    _, vectors = np.linalg.eigh(np.cov(data.T))
    assert abs(got[0] @ vectors[:, -1]) > 0.99
    assert np.linalg.norm(got) == pytest.approx(1, abs=0.05)


def test_the_subspace_rule_spans_the_principal_subspace() -> None:
    draw = stream(3, "subspace", "test")
    basis = np.linalg.qr(draw.standard_normal((6, 6)))[0]
    data = draw.standard_normal((1500, 6)) * [2, 1.5, 1.2, 0.2, 0.1, 0.1] @ basis.T
    start = 0.3 * draw.standard_normal((3, 6))
    # x arrives at step 1, y at once; xhat = W^T y a step later: so learn at step 2 from x held.
    rule = library.oja_subspace(0.02, epoch=3)
    held = np.repeat(data[:, np.newaxis], 3, axis=1)
    wires = [("y.out", "w.post"), ("back.a", "w.xhat")]
    got = learn(rule, {"x": held}, start, wires)
    np.testing.assert_allclose(got @ got.T, np.eye(3), atol=0.1)
    projector = got.T @ got
    np.testing.assert_allclose(projector, basis[:, :3] @ basis[:, :3].T, atol=0.12)


def test_willshaw_is_an_or() -> None:
    draw = stream(4, "willshaw", "test").random((6, 15)) < 0.3
    data = draw.astype(float)[:, np.newaxis]
    wires = [("x.out", "w.post", 1)]
    got = learn(library.willshaw(epoch=2), {"x": data}, np.zeros((15, 15)), wires)
    want = (draw[:, :, None] & draw[:, None, :]).any(axis=0)
    np.testing.assert_array_equal(got, want)


def test_the_delta_rule_finds_least_squares_and_the_perceptron_separates() -> None:
    draw = stream(5, "delta", "test")
    truth = draw.standard_normal((2, 4))
    data = np.tile(draw.standard_normal((50, 4)), (20, 1))
    targets = data @ truth.T
    late = np.stack([0 * targets, targets], axis=1)
    wires = [("y.out", "w.post")]
    inputs = {"x": data[:, np.newaxis], "target": late}
    got = learn(library.delta(0.1, epoch=2), inputs, np.zeros((2, 4)), wires)
    np.testing.assert_allclose(got, truth, atol=0.02)


def test_covariance_of_two_signals() -> None:
    draw = stream(6, "covariance", "test")
    x = (draw.random((400, 3)) < 0.3).astype(float)
    y = x[:, :2] * (draw.random((400, 2)) < 0.8)
    rule = library.covariance(0.24, 0.3, 1 / 400, epoch=2)
    inputs = {"x": x[:, np.newaxis], "post": np.stack([0 * y, y], axis=1)}
    got = learn(rule, inputs, np.zeros((2, 3)))
    np.testing.assert_allclose(got, (y - 0.24).T @ (x - 0.3) / 400, atol=1e-12)


def test_bcm_threshold_follows_the_square_of_the_activity() -> None:
    rule = library.bcm(0.0, 0.25)
    assert rule.sides["theta"] == "post"
    y = np.array([2.0, 2, 2, 0])
    theta = 0.0
    dw = []
    for value_ in y:
        theta = theta * 0.75 + 0.25 * value_**2
        dw.append(0.1 * value_ * (value_ - theta))
    rule = library.bcm(0.1, 0.25)
    graph = plastic(rule)
    inputs = {"x": np.ones((1, 4, 3)), "in_post": np.tile(y[:, None], (1, 2))[np.newaxis]}
    weights = hg.compile(graph).run(inputs).states["w.weights"][0, :, 0]
    # The presynaptic 1 of step 0 arrives at step 1.
    np.testing.assert_allclose(np.diff(weights), dw[1:], atol=1e-12)


def test_stdp_window_by_the_time_between_two_spikes() -> None:
    rule = library.stdp(1.0, 0.5, 0.2, 0.4)
    for gap in range(-5, 6):
        x, y = np.zeros((1, 14, 3)), np.zeros((1, 14, 2))
        x[0, 5], y[0, 6 + gap] = 1, 1  # the presynaptic spike arrives at step 6
        weights = hg.compile(plastic(rule)).run({"x": x, "in_post": y}).weights["w.weights"]
        want = 0.8**gap if gap > 0 else -0.5 * 0.6**-gap
        want = 0.5 if gap == 0 else want
        np.testing.assert_allclose(weights, want, atol=1e-12, err_msg=str(gap))


# --- how a run treats weights ----------------------------------------------------------------


def counting(**fields: Any) -> Graph:
    return plastic(Rule("pre", **{"low": -200, "high": 200, **fields}), domain="fixed")


def test_a_run_goes_on_where_another_ended() -> None:
    rule = Rule(
        "3*pre", shift=4, fraction=3, momentum=1024, rounding="stochastic", low=-99, high=99
    )
    graph = plastic(rule, domain="fixed")
    data = stream(8, "go on", "test").integers(-9, 10, (6, 5, 3))
    program = hg.compile(graph)
    whole = program.run({"x": data})
    first = program.run({"x": data[:4]})
    second = program.run({"x": data[4:]}, weights=first.weights, first_episode=4)
    assert set(whole.weights) == {"w.weights", "w.accumulator", "w.momentum"}
    for key, values in whole.weights.items():
        np.testing.assert_array_equal(second.weights[key], values, err_msg=key)
    again = program.run({"x": data[4:]}, weights=first.weights)
    assert not np.array_equal(again.weights["w.accumulator"], whole.weights["w.accumulator"])


def test_every_run_starts_from_the_weights_of_the_graph() -> None:
    program = hg.compile(counting())
    data = {"x": np.ones((2, 3, 3))}
    one, two = program.run(data), program.run(data)
    np.testing.assert_array_equal(one.weights["w.weights"], two.weights["w.weights"])
    assert one.weights["w.weights"].tolist() == [[4] * 3] * 2  # two arrivals an episode


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"weights": {"w.weights": np.zeros((3, 2))}}, "must have shape (2, 3)"),
        ({"weights": {"w.weights": np.full((2, 3), 0.5)}}, "integers in the fixed domain"),
        ({"weights": {"w.weights": np.full((2, 3), 201)}}, "[-200, 200]"),
        ({"weights": {"v.weights": np.zeros((2, 3))}}, "path.weights of synapses, which are w"),
        ({"batch": 0}, "batch"),
        ({"batch": 4}, "must divide the number of episodes, 6"),
        ({"batch": 3}, "power of two"),
        ({"first_episode": -1}, "first_episode"),
        ({"episodes": 5}, "the inputs hold 6"),
    ],
)
def test_bad_arguments_of_a_run_are_named(arguments: dict[str, Any], part: str) -> None:
    with pytest.raises(hg.Invalid) as caught:
        hg.compile(counting()).run({"x": np.ones((6, 3, 3))}, **arguments)
    assert part in str(caught.value)


def test_rounding_of_a_sum_of_three_halves() -> None:
    got = {}
    for rounding in ("nearest", "truncate", "stochastic", "shared"):
        for sign in (1, -1):
            rule = Rule(f"{3 * sign}*pre", shift=1, rounding=rounding, low=-200, high=200)
            graph = plastic(rule, domain="fixed")
            got[rounding, sign] = (
                hg.compile(graph).run({"x": np.ones((60, 2, 3))}).weights["w.weights"]
            )
    assert (got["nearest", 1] == 120).all()
    assert (got["nearest", -1] == -60).all()
    assert (got["truncate", 1] == 60).all()
    assert (got["truncate", -1] == -60).all()
    for rounding in ("stochastic", "shared"):
        for sign in (1, -1):
            assert np.abs(got[rounding, sign] - 90 * sign).max() < 25
    assert np.ptp(got["stochastic", 1]) > 0
    assert np.ptp(got["shared", 1]) == 0


def test_stochastic_rounding_has_the_right_mean() -> None:
    rule = Rule("3*pre", shift=5, rounding="stochastic", low=-200, high=200)
    graph = plastic(rule, domain="fixed", weights=np.zeros((2, 3)))
    weights = hg.compile(graph).run({"x": np.ones((1, 1500, 3))}).weights["w.weights"]
    expected = 1499 * 3 / 32
    spread = np.sqrt(1499 * (3 / 32) * (29 / 32))
    assert np.abs(weights - expected).max() < 4 * spread


def test_a_batch_learns_the_mean() -> None:
    rule = Rule("pre*post", epoch="episode")
    x, y = stream(9, "batch", "test").standard_normal((2, 8, 2, 3))
    inputs = {"x": x, "in_post": y[:, :, :2]}
    got = hg.compile(plastic(rule)).run(inputs, batch=4).weights["w.weights"]
    want = sum(np.einsum("en,em->nm", y[e : e + 4, 1, :2], x[e : e + 4, 0]) / 4 for e in (0, 4))
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_learning_is_counted_apart() -> None:
    rule = Rule(
        "pre*t*reward",
        factors={"reward": "all"},
        traces={"t": Trace("post", 1024)},
        epoch=2,
        shift=1,
        rounding="stochastic",
        low=-200,
        high=200,
    )
    graph = plastic(rule, domain="fixed")
    inputs = {
        "x": np.ones((3, 6, 3)),
        "in_post": np.ones((3, 6, 2)),
        "in_reward": np.ones((3, 6, 1)),
    }
    counts = hg.compile(graph).run(inputs).counters.processes["w"]
    assert counts.learning_visits == 3 * 3 * 6
    assert counts.trace_updates == 3 * 6 * 2
    assert counts.third_factor_ops == 3 * 3
    assert counts.random_draws == 3 * 3 * 6
    assert 0 < counts.weight_updates <= counts.learning_visits
