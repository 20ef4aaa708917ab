"""lava's own learning engine: what fits it, and that our NumPy form of it is equal to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph import Connection, Dense, Graph, Input, Probe, Rule, Trace, Unsupported
from hebbgraph.backends.lava import learning_dense
from hebbgraph.backends.lava.loihi_engine import LoihiEngine, LoihiRule, Product, parse
from hebbgraph.compile import compile  # noqa: A004 - the field's word
from hebbgraph.processes import DOMAINS, Domain
from hebbgraph.rules import library

STEPS, POST, PRE = 40, 5, 7
TRACES: dict[str, Any] = {
    "impulses": {"x1": 16, "x2": 5.3, "y1": 20.25, "y2": 9, "y3": 30},
    "taus": {"x1": 4, "x2": 10, "y1": 7.5, "y2": 3, "y3": 1e-9},
}
TWO_FACTORS = (
    "2^-2*y0*x1 - 2^-2*x0*y1",
    "2^-7*u0*(x1-3)*(y1-4)",
    "3*2^-5*x0*y2*y3 + 2^-6*y0*x2*w - u1*2^-4*w",
    "-2^-3*x0*x1*y1*2^-2 + 5*u0",
)
THREE_FACTORS = "2^-4*u0*x1*y1 - 2^-5*x0*y2 + 2^-6*y0*y3*x2"


def spikes() -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return weights, and spikes so dense that some come twice an epoch."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-60, 60, (POST, PRE))
    return weights, rng.random((STEPS, PRE)) < 0.35, rng.random((STEPS, POST)) < 0.3


def assert_engine_equals_lava(
    rule: LoihiRule, domain: Domain, third: dict[str, NDArray[Any]] | None = None
) -> None:
    weights, pre, post = spikes()
    wanted, _ = learning_dense.run(rule, weights, pre, post, third, domain, timeout=60)
    engine = LoihiEngine(rule, weights, domain)
    for t in range(STEPS):
        now = {name: values[t] for name, values in (third or {}).items()}
        np.testing.assert_array_equal(engine.advance(pre[t], post[t], now), wanted[t], f"step {t}")
    assert np.count_nonzero(wanted[-1] != wanted[0]) > 20


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("dw", TWO_FACTORS)
@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_engine_is_lavas_two_factors(domain: Domain, epoch: int, dw: str) -> None:
    assert_engine_equals_lava(LoihiRule(dw, t_epoch=epoch, rng_seed=5, **TRACES), domain)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_engine_is_lavas_three_factors(domain: Domain, epoch: int) -> None:
    rng = np.random.default_rng(4)
    third = {name: rng.integers(0, 90, (STEPS, POST)) for name in ("y1", "y2", "y3")}
    rule = LoihiRule(THREE_FACTORS, 3, t_epoch=epoch, rng_seed=9, **TRACES)
    assert_engine_equals_lava(rule, domain, third)


def test_a_fraction_counts_twice_and_one_number_decides_for_all() -> None:
    # 0..127 is drawn: an impulse of 0.5 (128/256) is always rounded up, one of 0.25 half the time.
    steps, units = 400, 50
    ones, weights = np.ones(units, bool), np.zeros((1, units))
    grown = {}
    for impulse in (0.5, 0.25):
        rule = LoihiRule("2^-7*u0*x1", impulses={"x1": impulse}, taus={"x1": 1e-9}, rng_seed=1)
        engine = LoihiEngine(rule, weights, "fixed")
        traces = []
        for _ in range(steps):
            engine.advance(ones, ones[:1])
            assert len(np.unique(engine.weights)) == 1  # fully correlated
            traces.append(engine.sides["x"].traces[0, 0])
        grown[impulse] = np.mean(traces)
    assert grown[0.5] == 1
    assert 0.4 < grown[0.25] < 0.6


def test_the_language_of_rules() -> None:
    assert parse("-3*2^-2*u4*(x1-2)*w - y0*24") == (
        Product(-3, -2, "u", (("x1", -2), ("w", None)), 4),
        Product(-6, 2, "y0"),
    )
    for text, word in (
        ("x1**2*u0", "misreads"),
        ("u10*x1", "misreads"),
        ("x1*y1", "dependency"),
        ("x0*y0", "one dependency"),
        ("0.5*x0", "factor"),
        ("x0*(x1-x2)", "factor"),
        ("1000001*x0", "4 bits"),
        ("2^9*x0", "4 bits"),
        ("x0*(", "never closed"),
    ):
        with pytest.raises(ValueError, match=word):
            parse(text)


def test_what_the_library_becomes() -> None:
    # The text of terms is sorted: constants first, then by signals.
    found = {
        "hebb": learning_dense.translate(library.hebb(0.5)),
        "covariance": learning_dense.translate(library.covariance(0.5, 0.25, 2)),
        "oja": learning_dense.translate(library.oja(0.125)),
        "bcm": learning_dense.translate(library.bcm(0.25, 0.125)),
        "delta": learning_dense.translate(library.delta(0.25)),
        "stdp": learning_dense.translate(library.stdp(0.5, 0.25, 0.25, 0.125)),
    }
    assert {name: translated.rule.dw for name, translated in found.items()} == {
        "hebb": "1*2^-1*x0*y1",
        "covariance": "1*2^-2*u0 - 1*2^-1*y0 + 2*2^0*x0*y1 - 1*2^0*x0",
        "oja": "1*2^-3*x0*y1 - 1*2^-3*y0*w",
        "bcm": "-1*2^-2*x0*y1*y2 + 1*2^-2*x0*y1",
        "delta": "-1*2^-2*y0*x1 + 1*2^-2*x0*y1",
        "stdp": "1*2^-1*y0*x1 - 1*2^-2*x0*y1",
    }
    assert found["delta"].third == {"y1": "target"}
    assert found["delta"].rule.factors == 3
    assert any("65535" in text for text in found["delta"].approximations)
    assert all(parse(translated.rule.dw) for translated in found.values())


def test_what_is_approximated_is_said() -> None:
    rule = library.anti_hebb(0.3, low=-4, high=4, epoch=3)
    translated = learning_dense.translate(rule)
    assert translated.rule.dw == "-5*2^-4*x0*y1"
    said = " | ".join(translated.approximations)
    for word in ("-0.3 became 0.3125", "bounds -4 and 4", "wherever in the epoch"):
        assert word in said
    fixed = Rule("4*post*x1", traces={"x1": Trace("pre", 1024, 32)}, shift=8, low=-9, high=9)
    translated = learning_dense.translate(fixed, "fixed")
    assert translated.rule.dw == "1*2^-6*y0*x1"
    assert translated.rule.taus["x1"] == pytest.approx(-1 / np.log(0.75))
    assert "7 bits" in " ".join(translated.approximations)


def test_every_gap_is_named_at_once() -> None:
    rule = library.storkey(8, epoch="episode", momentum=0.5)
    with pytest.raises(Unsupported) as caught:
        learning_dense.translate(rule)
    where = {gap.where for gap in caught.value.gaps}
    assert where == {
        "rule.epoch",
        "rule.momentum",
        "rule.self_connections",
        "rule.factors['field_pre']",
    }
    many = Rule(
        "a*b*c*pre",
        traces={n: Trace("pre", d) for n, d in zip("abc", (0.1, 0.2, 0.3), strict=True)},
    )
    with pytest.raises(Unsupported, match="2 traces of the presynaptic side"):
        learning_dense.translate(many)
    with pytest.raises(Unsupported, match="lies outside"):
        learning_dense.translate(library.hebb(1e-4))


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize(
    "rule",
    [library.oja(0.125), library.bcm(0.25, 0.125), library.stdp(0.5, 0.25, 0.25, 0.0)],
    ids=["oja", "bcm", "stdp"],
)
def test_a_translated_rule_learns_what_ours_does(rule: Rule) -> None:
    weights, pre, post = spikes()
    translated = learning_dense.translate(rule)
    got, seconds = learning_dense.run(translated.rule, weights, pre, post)
    assert seconds > 0
    graph = Graph(
        "ours",
        {
            "x": Input(PRE, signal="spike"),
            "y": Input(POST, signal="spike"),
            "w": Dense(weights, rule=rule),
        },
        # Spikes reach the synapses a step late, so those of the other side do, too.
        [Connection("x.out", "w.s"), Connection("y.out", "w.post", 1)],
        [Probe("w.weights")],
    )
    ours = compile(graph).run({"x": pre, "y": post}, STEPS + 1).states["w.weights"][0, 1:]
    np.testing.assert_allclose(got.reshape(STEPS, -1), ours, 1e-9, 1e-9)
