"""Graphs for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg

FORGETFUL: dict[str, Any] = {"decay_u": 4095, "decay_v": 4095}


def memory(units: int, weights: NDArray[Any] | None = None, delay: int = 1) -> hg.Graph:
    """Return a recurrent memory in `fixed`, all-to-all with 8-bit weights of both signs."""
    if weights is None:
        values = np.arange(units * units, dtype=np.int64).reshape(units, units)
        weights = 2 * (values % 127 + 1) * np.where(values % 2, 1, -1)
    return hg.Graph(
        "memory",
        {
            "cue": hg.Input(units, signal="spike"),
            "memory": hg.LIF(units, **FORGETFUL, threshold=100),
            "recurrent": hg.Dense(weights),
        },
        [
            hg.Connection("memory.s", "recurrent.s", delay),
            hg.Connection("recurrent.a", "memory.a"),
        ],
        domain="fixed",
    )


def feed_forward(weights: NDArray[Any], domain: Any = "fixed", **unit: Any) -> hg.Graph:
    """Return an Input of spikes, Dense synapses, and LIF units."""
    post, pre = weights.shape
    defaults = FORGETFUL if domain == "fixed" else {}
    return hg.Graph(
        "feed_forward",
        {
            "data": hg.Input(pre, signal="spike"),
            "w": hg.Dense(weights),
            "unit": hg.LIF(post, **{**defaults, **unit}),
        },
        [hg.Connection("data.out", "w.s"), hg.Connection("w.a", "unit.a")],
        domain=domain,
    )


def plastic(rule: hg.Rule, domain: Any = "fixed", **ports: str) -> hg.Graph:
    """Return two populations whose synapses learn by `rule`; `ports` connects its other ports."""
    unit = FORGETFUL if domain == "fixed" else {}
    graded = {"teacher": 3, "signal": 4, "reward": 1}
    processes: dict[str, Any] = {
        "pre": hg.LIF(4, **unit, threshold=5),
        "w": hg.Dense(np.zeros((3, 4)), rule=rule),
        "post": hg.LIF(3, **unit, threshold=5),
        "data": hg.Input(4),
        "spikes": hg.Input(3, signal="spike"),
    }
    processes |= {name: hg.Input(size) for name, size in graded.items()}
    connections = [
        hg.Connection("data.out", "pre.a"),
        hg.Connection(ports.pop("s", "pre.s"), "w.s"),
        hg.Connection("w.a", "post.a"),
    ]
    if "post" in rule.ports:
        connections.append(hg.Connection(ports.pop("post", "post.s"), "w.post"))
    connections += [hg.Connection(source, f"w.{port}") for port, source in ports.items()]
    return hg.Graph("plastic", processes, connections, domain=domain)
