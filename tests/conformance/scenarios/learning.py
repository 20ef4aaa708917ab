"""Plastic synapses: every rule of the library, epochs, gates, batches, rounding, momentum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hebbgraph import LIF, Clock, Dense, Graded, Input, Rule, Trace, Transpose
from hebbgraph.rules import library
from tests.conformance.scenarios.base import (
    ROUNDING,
    Scenario,
    both_domains,
    draw_of,
    whole_of,
)

Wires = list[tuple[Any, ...]]
#: A rule's fixed counterpart: coefficients times 2**shift, in integers.
BOUNDS: Any = {"low": -200, "high": 200}


def _outer_products() -> Scenario:
    # Three pairs of patterns, one an episode: the weights are the sum of their outer products.
    pre, post = whole_of("outer pre", -1, 1, 3, 4), whole_of("outer post", -1, 1, 3, 3)
    dense = Dense(np.zeros((3, 4)), rule=library.hebb(epoch="episode", **BOUNDS))
    floating = {"x": Input(4, signal="ternary"), "y": Input(3, signal="ternary"), "w": dense}
    wires: Wires = [("x.out", "w.s"), ("y.out", "w.post")]
    inputs = {"x": pre[:, np.newaxis], "y": np.stack([0 * post, post], axis=1)}
    return Scenario(
        "outer_products",
        **both_domains("outer", floating, {}, wires, ["w.weights", "w.a"]),
        inputs=inputs,
        steps=2,
        expected_weights={"w.weights": post.T @ pre},
    )


def _hebb_by_hand() -> Scenario:
    # One synapse, pre at every step, post at steps 1 and 3: +1 at both, acting a step later.
    dense = Dense([[5.0]], rule=library.hebb(**BOUNDS))
    floating = {"x": Input(1, signal="spike"), "y": Input(1, signal="spike"), "w": dense}
    wires: Wires = [("x.out", "w.s"), ("y.out", "w.post")]
    inputs = {"x": np.ones((1, 5, 1)), "y": np.array([[[0], [1], [0], [1], [0]]])}
    weights = np.array([[[5], [6], [6], [7], [7]]])
    return Scenario(
        "hebb_by_hand",
        **both_domains("by_hand", floating, {}, wires, ["w.weights", "w.a"]),
        inputs=inputs,
        steps=5,
        expected_states={"w.weights": weights, "w.a": np.array([[[0], [5], [6], [6], [7]]])},
        expected_weights={"w.weights": [[7]]},
    )


def _network(
    name: str, rule: Rule, fixed_rule: Rule, *, extra: Any = (), steps: int = 20, **run: Any
) -> Scenario:
    """Return a recurrent net of spiking units whose synapses learn by `rule`, three episodes.

    `extra` are further wires to ports of the rule.
    """
    units = 9
    start = np.rint(np.clip(40 * draw_of(f"{name} start", 9, 9) - 20, rule.low, rule.high))
    floating = {
        "data": Input(units),
        "target": Input(units),
        "clock": Clock(4, ((1, 4),)),
        "unit": LIF(units, 0.5, 0.25, 0, 8),
        "back": Transpose("loop", units, units),
        "loop": Dense(start, rule=rule),
    }
    fixed = {
        "unit": LIF(units, 2047, 1024, 0, 8),
        "loop": Dense(start, rule=fixed_rule),
    }
    wires: Wires = [
        ("data.out", "unit.a"),
        ("unit.s", "loop.s"),
        ("loop.a", "unit.a"),
        ("unit.s", "back.s"),
        *((("unit.s", "loop.post"),) if "post" in rule.ports else ()),
        *extra,
    ]
    inputs = {
        "data": whole_of(f"{name} data", -4, 9, 4, steps, units),
        "target": whole_of(f"{name} target", -2, 2, 4, steps, units),
    }
    graphs = both_domains(name, floating, fixed, wires, ["unit.v", "loop.weights", "back.a"])
    return Scenario(name, **graphs, inputs=inputs, steps=steps, tolerance=1e-7, run=run)


def _library() -> list[Scenario]:
    """Return one network per rule of the library; rates as eighths and sixteenths."""
    gate = ("clock.out", "loop.gate")
    wide: Any = {"shift": 4, "rounding": "nearest", **BOUNDS}
    return [
        _network("hebb", library.hebb(2, **BOUNDS), library.hebb(2, **BOUNDS)),
        _network(
            "anti_hebb",
            library.anti_hebb(1, self_connections=False, epoch=3, **BOUNDS),
            library.anti_hebb(1, self_connections=False, epoch=3, **BOUNDS),
        ),
        _network(
            "covariance",
            library.covariance(0.5, 0.25, 2, **BOUNDS),
            # 2 (y - 1/2)(x - 1/4) = (16 y x - 4 y - 8 x + 2) / 8
            Rule("16*post*pre - 4*post - 8*pre + 2", shift=3, **BOUNDS),
            extra=[gate],
        ),
        _network("willshaw", library.willshaw(), library.willshaw()),
        _network(
            "oja",
            library.oja(0.125, **BOUNDS),
            Rule("post*pre - post**2*w", shift=3, fraction=3, **BOUNDS, rounding="stochastic"),
        ),
        _network(
            "oja_subspace",
            library.oja_subspace(0.0625, **BOUNDS),
            Rule("post*(pre - xhat)", factors={"xhat": "pre"}, signal_bits=12, **wide),
            extra=[("back.a", "loop.xhat")],
        ),
        _network(
            "bcm",
            library.bcm(0.25, 0.125, **BOUNDS),
            Rule(
                "16*post**2*pre - post*theta*pre",
                traces={"theta": Trace("post**2", 512, 16)},
                **wide,
            ),
        ),
        _network(
            "delta",
            library.delta(0.25, **BOUNDS),
            Rule("(target - post)*pre", factors={"target": "post"}, shift=2, **BOUNDS),
            extra=[("target.out", "loop.target")],
        ),
        _network(
            "storkey",
            library.storkey(8, **BOUNDS),
            replace(library.storkey(1, **BOUNDS), shift=3, rounding="truncate", signal_bits=12),
            extra=[("target.out", "loop.field_pre", 1), ("target.out", "loop.field_post")],
        ),
        _network(
            "stdp",
            library.stdp(0.5, 0.375, 0.25, 0.125, **BOUNDS),
            Rule(
                "4*post*x1 - 3*y1*pre",
                traces={"x1": Trace("pre", 1024, 32), "y1": Trace("post", 512, 32)},
                shift=8,
                signal_bits=8,
                rounding="shared",
                seed=9,
                **BOUNDS,
            ),
        ),
        _network(
            "three_factor",
            library.three_factor(0.5, **BOUNDS),
            Rule("-delta*xhat", factors={"delta": "post", "xhat": "pre"}, shift=1, **BOUNDS),
            extra=[("target.out", "loop.delta"), ("data.out", "loop.xhat", 2), gate],
        ),
    ]


def _everything() -> list[Scenario]:
    """Return rules of one's own: third factors of every side, momentum, batches, fine weights."""
    own = Rule(
        "rate*reward*post*(x1 - 2) + 0.5*pre*surprise - w/16",
        {"rate": 0.25},
        {"reward": "all", "surprise": "post"},
        {"x1": Trace("pre", 0.5), "unused": Trace("reward", 0.25)},
        momentum=0.5,
        **BOUNDS,
    )
    fixed = Rule(
        "4*reward*post*(x1 - 2) + 8*pre*surprise - w",
        factors=own.factors,
        traces={"x1": Trace("pre", 2048), "unused": Trace("reward", 1024)},
        momentum=2048,
        shift=4,
        fraction=4,
        rounding="stochastic",
        seed=4,
        signal_bits=9,
        **BOUNDS,
    )
    extra = [("clock.out", "loop.reward"), ("target.out", "loop.surprise", 1)]
    return [
        _network("own_rule", own, fixed, extra=extra),
        _network(
            "own_rule_batch",
            replace(own, epoch="episode"),
            replace(fixed, epoch="episode"),
            extra=extra,
            steps=6,
            batch=2,
        ),
        _network(
            "fine_weights",
            Rule("0.75*pre - 0.5*post", low=-3, high=3),
            Rule("768*pre - 512*post", low=-3, high=3, fraction=10),
        ),
    ]


def _gates_per_episode() -> Scenario:
    # Only the second of four episodes has its gate open; two learn together, halves rounded up.
    rule = Rule("3*post*pre", epoch="episode", **BOUNDS)
    floating = {
        "x": Input(2),
        "y": Input(2),
        "open": Input(1, signal="spike"),
        "w": Dense([[1.0, 2], [3, 4]], rule=rule),
        "unit": Graded(2),
    }
    wires: Wires = [
        ("x.out", "w.s"),
        ("y.out", "w.post"),
        ("open.out", "w.gate"),
        ("w.a", "unit.a"),
    ]
    inputs = {
        "x": np.array([[[1, 2]], [[1, 3]], [[5, 5]], [[7, 7]]]),
        "y": np.array([[[0, 0], [9, 9]], [[0, 0], [1, -2]], [[0, 0], [9, 9]], [[0, 0], [9, 9]]]),
        "open": np.array([[[0], [0]], [[0], [1]], [[0], [0]], [[0], [0]]]),
    }
    # 3 (1, -2) x (1, 3) / 2 = (1.5, 4.5; -3, -9), in fixed (2, 5; -3, -9)
    return Scenario(
        "gates_per_episode",
        **both_domains("open", floating, {}, wires, ["unit.out"]),
        inputs=inputs,
        steps=2,
        tolerance=ROUNDING,
        run={"batch": 2},
    )


SCENARIOS = (
    _outer_products(),
    _hebb_by_hand(),
    *_library(),
    *_everything(),
    _gates_per_episode(),
)
