"""Learning: the fast kernel against the reference's definition, runs that go on, batches, room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe, Rule, Trace, Unsupported
from hebbgraph.backends.lava.document import describe
from hebbgraph.backends.lava.worker.bounds import EXACT64
from hebbgraph.backends.lava.worker.fused.plastic import FastPlastic, exact, plastic_for
from hebbgraph.backends.lava.worker.plan import read_plan
from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.compile import compile  # noqa: A004 - the field's word
from hebbgraph.processes import DOMAINS, Domain
from hebbgraph.rules import library
from tests.lava.random_graphs import everything

BOUNDS: dict[str, Any] = {"low": -200, "high": 200}


def rule_as_sent(rule: Rule, domain: Domain) -> Any:
    """Return `rule` as the worker has it."""
    graph = Graph("one", {"w": Dense(np.zeros((2, 2)), rule=rule)}, domain=domain)
    return read_plan(*describe(graph)).nodes["w"].rule


def drawn(rng: np.random.Generator, rule: Rule, batch: int, shape: tuple[int, int]) -> Any:
    """Return random signals of a step, sparse ones and dense ones, and a gate."""
    sizes = {"post": shape[0], "pre": shape[1], "all": 1}
    sparse = rng.choice([0.05, 0.2, 1.0])
    signals = {
        name: rng.integers(-3, 4, (batch, sizes[side]))
        * (rng.random((batch, sizes[side])) < sparse)
        for name, side in {"pre": "pre", "post": "post", **rule.factors}.items()
    }
    return signals, (rng.random((batch, 1)) < 0.8).astype(int)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seed", range(40))
def test_the_fast_kernel_is_the_definition(seed: int, domain: Domain) -> None:
    graph, _, _ = everything(seed, domain, learns=True)
    rule = graph.plastic["p"].rule
    assert rule is not None
    rng = np.random.default_rng(seed)
    batch, shape = int(rng.choice([1, 2, 4])), (int(rng.integers(5, 30)), int(rng.integers(5, 30)))
    number = np.float64 if domain == "float" else np.int64
    start = rng.integers(-30, 31, shape).astype(number) * 2**rule.fraction
    sent = rule_as_sent(rule, domain)
    ours, theirs = (
        kind("p", sent, domain, start, np.zeros(shape, number)) for kind in (FastPlastic, Plastic)
    )
    for step in range(12):
        if step % 6 == 0:
            for plastic in (ours, theirs):
                plastic.begin(batch)
        signals, gate = drawn(rng, rule, batch, shape)
        for plastic in (ours, theirs):
            plastic.read({name: values.astype(number) for name, values in signals.items()})
            plastic.learn(gate.astype(number), seed, step)
        for name in ("accumulator", "momentum", "weights"):
            got, wanted = getattr(ours, name), getattr(theirs, name)
            if domain == "fixed":
                np.testing.assert_array_equal(got, wanted, name)
            else:
                np.testing.assert_allclose(got, wanted, 1e-9, 1e-9, err_msg=name)
        assert ours.events == theirs.events
        if domain == "fixed":
            assert ours.changed == theirs.changed
    assert ours.changed > 0


def test_where_float64_would_not_be_exact_the_definition_itself_learns() -> None:
    rule = Rule("post**2*pre", signal_bits=17, shift=40, **BOUNDS)
    sent, zeros = rule_as_sent(rule, "fixed"), np.zeros((2, 2), np.int64)
    assert sent.largest_sum < EXACT64 / 8
    assert exact(sent, zeros, 8)
    assert not exact(sent, zeros, 32)
    assert isinstance(plastic_for("w", sent, "fixed", zeros, zeros, 8), FastPlastic)
    assert isinstance(plastic_for("w", sent, "fixed", zeros, zeros, 32), Plastic)


def network(domain: Domain, rule: Rule, units: int = 5) -> Graph:
    """Return units that excite each other through synapses that learn."""
    weights = np.random.default_rng(1).integers(-9, 10, (units, units))
    decays = (2047, 1024) if domain == "fixed" else (0.5, 0.25)
    processes = {
        "x": Input(units),
        "unit": LIF(units, decays[0], decays[1], 0, 6),
        "w": Dense(weights, rule=rule),
    }
    wires = [
        Connection("x.out", "unit.a"),
        Connection("unit.s", "w.s"),
        Connection("unit.s", "w.post", 0),
        Connection("w.a", "unit.a"),
    ]
    return Graph("network", processes, wires, [Probe("w.weights"), Probe("unit.v")], domain)


def hebb(domain: Domain) -> Rule:
    if domain == "float":
        return library.hebb(0.3, momentum=0.5, **BOUNDS)
    more = {**BOUNDS, "shift": 2, "fraction": 3, "momentum": 2048}
    return Rule("3*post*pre - w", rounding="stochastic", **more)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("model", ["fused", "parts"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_learning_goes_on_where_it_ended(
    domain: Domain, model: str, assert_equal: Callable[..., None]
) -> None:
    graph = network(domain, hebb(domain))
    inputs = {"x": np.random.default_rng(2).integers(-4, 9, (4, 9, 5))}
    reference = compile(graph)
    with compile(graph, "lava", model=model, chunk=4) as program:
        first = {name: values[:2] for name, values in inputs.items()}
        then = {name: values[2:] for name, values in inputs.items()}
        weights = program.run(first).weights
        assert_equal(
            program.run(then, weights=weights, first_episode=2), _second(reference, first, then)
        )
        # Without weights it starts again, whatever was learned.
        assert_equal(program.run(inputs), reference.run(inputs))


def _second(program: Any, first: Any, then: Any) -> Any:
    weights = program.run(first).weights
    return program.run(then, weights=weights, first_episode=2)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("domain", DOMAINS)
def test_batches_learn_together_in_the_fused_model(
    domain: Domain, assert_equal: Callable[..., None]
) -> None:
    graph = network(domain, hebb(domain))
    inputs = {"x": np.random.default_rng(3).integers(-4, 9, (8, 7, 5))}
    wanted = compile(graph).run(inputs, batch=4)
    with compile(graph, "lava", chunk=3) as program:
        assert_equal(program.run(inputs, batch=4), wanted)


@pytest.mark.usefixtures("lava")
def test_batches_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network("fixed", hebb("fixed"))
    inputs = {"x": np.ones((2, 3, 5))}
    with (
        compile(graph, "lava", model="parts") as program,
        pytest.raises(Unsupported, match="one episode at a time; use batch=1, or model='fused'"),
    ):
        program.run(inputs, batch=2)
    with compile(graph, "lava") as program:
        monkeypatch.setattr(program._executable, "_room", 1)
        with pytest.raises(Unsupported, match="room for 1 episodes side by side, not 2"):
            program.run(inputs, batch=2)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("model", ["fused", "parts"])
def test_synapses_may_hear_themselves(model: str, assert_equal: Callable[..., None]) -> None:
    # Their own output is read in the learning phase of the same step: no cycle, and no deadlock.
    rule = Rule("post*pre - 2*slow", {}, {"slow": "post"}, {"y": Trace("slow", 1024)}, **BOUNDS)
    processes = {"x": Input(3), "w": Dense(np.eye(3), rule=rule)}
    wires = [
        Connection("x.out", "w.s"),
        Connection("w.a", "w.post", 0),
        Connection("w.a", "w.slow", 2),
    ]
    graph = Graph("own", processes, wires, [Probe("w.weights"), Probe("w.a")], "fixed")
    inputs = {"x": np.random.default_rng(4).integers(-2, 3, (2, 8, 3))}
    wanted = compile(graph).run(inputs)
    assert wanted.counters.total("weight_updates") > 5
    with compile(graph, "lava", model=model, timeout=60.0) as program:
        assert_equal(program.run(inputs), wanted)
