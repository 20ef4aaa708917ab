"""Small graphs in which every event can be worked out by hand, and effects appear late."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph import LIF, Connection, Dense, Graph, Input, Noise, Probe, Rule
from hebbgraph.random import stream

#: Graph, inputs, steps.
Case = tuple[Graph, dict[str, Any], int]


def drawn(name: str, *shape: int) -> Any:
    return stream(3, name, "parity").random(shape)


def relay(steps: int = 30) -> Case:
    """Three units, each with one that follows it three steps later; two episodes.

    Units integrate without loss and fire above 8. Unit 0 hears 3 from step 12 on: v is 3, 6, 9 and
    it fires at steps 14, 17, 20. Its synapse (weight 4) is reached at steps 17, 20, 23, so that its
    follower (threshold 6) has v of 4 and fires at step 20. In episode 1 unit 2 hears 1 at steps 10
    to 17: v is exactly 8 after step 17.
    """
    graph = Graph(
        "relay",
        {
            "data": Input(3),
            "first": LIF(3, 1, 0, 0, 8),
            "synapses": Dense(np.eye(3) * 4),
            "second": LIF(3, 1, 0, 0, 6),
        },
        [
            Connection("data.out", "first.a"),
            Connection("first.s", "synapses.s", 3),
            Connection("synapses.a", "second.a"),
        ],
    )
    data = np.zeros((2, steps, 3))
    data[:, 12:21, 0] = 3
    data[1, 10:18, 2] = 1
    return graph, {"data": data}, steps


def leak(steps: int = 24) -> Case:
    """Two fixed units that lose a quarter of v a step, in whole numbers.

    Unit 1 hears 8, unit 0 hears -8 at step 12: 64 times that is 512, 384, 288, 216, 162, 121.5 of
    which 121 is kept at step 17.
    """
    graph = Graph(
        "leak",
        {"data": Input(2), "unit": LIF(2, 4095, 1024, 0, 100)},
        [Connection("data.out", "unit.a")],
        domain="fixed",
    )
    data = np.zeros((1, steps, 2))
    data[0, 12] = -8, 8
    return graph, {"data": data}, steps


def extremes(steps: int = 24) -> Case:
    """Two fixed units at the ends of their registers.

    Unit 0 hears 131073 at step 20: 64 times that is 2**23 + 64, and u wraps. Unit 1 hears -100000
    at steps 15 and 16: v would be -12.8e6 and saturates at -2**23 + 1.
    """
    graph = Graph(
        "extremes",
        {"data": Input(2), "unit": LIF(2, 4095, 0, 0, 100)},
        [Connection("data.out", "unit.a")],
        domain="fixed",
    )
    data = np.zeros((1, steps, 2))
    data[0, 20, 0] = 131073
    data[0, 15:17, 1] = -100000
    return graph, {"data": data}, steps


def hebb(rule: Rule | None = None, domain: Any = "float", steps: int = 16) -> Case:
    """Two synapses onto two units: pre always, post of unit 1 from step 9 on; three episodes.

    Weights of unit 1 grow at steps 9, 10, ... and act from step 10 on.
    """
    weights = np.array([[2, 4], [6, 8]])
    rule = rule or Rule("post*pre", low=-100, high=100)
    graph = Graph(
        "hebb",
        {
            "pre": Input(2, signal="spike"),
            "post": Input(2, signal="spike"),
            "w": Dense(weights, rule=rule),
        },
        [Connection("pre.out", "w.s"), Connection("post.out", "w.post")],
        domain=domain,
    )
    post = np.zeros((3, steps, 2))
    post[:, 9:, 1] = 1
    return graph, {"pre": np.ones((3, steps, 2)), "post": post}, steps


def noisy(domain: Any = "float", steps: int = 40) -> Case:
    """Four silent units that only their noise can make fire."""
    threshold = 3.0 if domain == "float" else 2
    lif = LIF(4, 1, 1, 0, threshold) if domain == "float" else LIF(4, 4095, 4095, 0, threshold)
    scale = 1.0 if domain == "float" else 40.0
    graph = Graph(
        "noisy",
        {"noise": Noise(4, scale=scale, seed=5), "unit": lif},
        [Connection("noise.out", "unit.n")],
        domain=domain,
    )
    return graph, {}, steps


def fractions(threshold: Any = 100.0, steps: int = 20) -> Case:
    """Synapses whose float sums depend on the order of their terms; data from step 11 on."""
    weights = np.array([[0.1, 0.2, 0.3, 0.7, 1.1, 0.013], [0.3, 0.6, 0.1, 0.9, 1.7, 0.017]])
    graph = Graph(
        "fractions",
        {"data": Input(6), "w": Dense(weights), "unit": LIF(2, 1, 1, 0, threshold)},
        [Connection("data.out", "w.s"), Connection("w.a", "unit.a")],
        [Probe("w.a")],
    )
    data = np.zeros((1, steps, 6))
    data[:, 11:] = drawn("fractions", 1, steps - 11, 6)
    return graph, {"data": data}, steps


def delays(steps: int = 30) -> Case:
    """Two synapses onto one unit, one of them three steps slower; a spike at step 14."""
    graph = Graph(
        "delays",
        {
            "data": Input(2, signal="spike"),
            "w": Dense([[2.0, 4.0]], delays=[[0, 3]]),
            "unit": LIF(1, 1, 1, 0, 3),
        },
        [Connection("data.out", "w.s", 2), Connection("w.a", "unit.a")],
    )
    data = np.zeros((1, steps, 2))
    data[0, 14] = 1
    return graph, {"data": data}, steps
