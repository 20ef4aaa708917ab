"""Graphs for the tests of placement."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph.random import stream

FORGETFUL: dict[str, Any] = {"decay_u": 4095, "decay_v": 4095}


def recurrent(units: int, bits: int, threshold: int = 100) -> hg.Graph:
    """Return an all-to-all memory with weights of so many bits, none of them 0."""
    rng = stream(units, "placement", "recurrent")
    weights = rng.integers(1, 2**bits, (units, units))
    return hg.Graph(
        "recurrent",
        {
            "cue": hg.Input(units),  # graded: written as a bias, takes no axon
            "memory": hg.LIF(units, **FORGETFUL, threshold=threshold),
            "loop": hg.Dense(weights),
        },
        [
            hg.Connection("cue.out", "memory.a"),
            hg.Connection("memory.s", "loop.s"),
            hg.Connection("loop.a", "memory.a"),
        ],
        domain="fixed",
    )


def layered(*sizes: int, threshold: int = 3000) -> hg.Graph:
    """Return a feed-forward net with 8-bit weights of both signs."""
    rng = stream(sum(sizes), "placement", "layered")
    processes: dict[str, Any] = {"data": hg.Input(sizes[0], signal="spike")}
    connections = []
    sender = "data.out"
    for number, (pre, post) in enumerate(pairwise(sizes), start=1):
        processes[f"w{number}"] = hg.Dense(2 * rng.integers(-100, 101, (post, pre)))
        processes[f"layer{number}"] = hg.LIF(post, **FORGETFUL, threshold=threshold)
        connections += [
            hg.Connection(sender, f"w{number}.s"),
            hg.Connection(f"w{number}.a", f"layer{number}.a"),
        ]
        sender = f"layer{number}.s"
    return hg.Graph("layered", processes, connections, domain="fixed")


def mixed_groups(groups: int, size: int, seed: int = 0) -> hg.Graph:
    """Return groups of units that hear only their own group, numbered in a shuffled order."""
    units = groups * size
    member = stream(seed, "placement", "groups").permutation(np.arange(units) % groups)
    weights = (member[:, None] == member).astype(np.int64)
    return hg.Graph(
        "groups",
        {
            "data": hg.Input(units, signal="spike"),
            "seed": hg.Sparse(units, units, np.arange(units), np.arange(units), np.full(units, 9)),
            "unit": hg.LIF(units, **FORGETFUL, threshold=1),
            "loop": sparse(weights),
        },
        [
            hg.Connection("data.out", "seed.s"),
            hg.Connection("seed.a", "unit.a"),
            hg.Connection("unit.s", "loop.s"),
            hg.Connection("loop.a", "unit.a"),
        ],
        domain="fixed",
    )


def chain(seed: int, delays: bool = True) -> hg.Graph:
    """Return two populations that drive one another through sparse synapses with delays."""
    rng = stream(seed, "placement", "chain")
    forth = np.where(rng.random((12, 20)) < 0.3, rng.integers(1, 40, (12, 20)), 0)
    back = np.where(rng.random((20, 12)) < 0.4, rng.integers(1, 40, (20, 12)), 0)
    late = rng.integers(0, 4, (20, 12)) if delays else np.zeros((20, 12), np.int64)
    return hg.Graph(
        "chain",
        {
            "data": hg.Input(20, signal="spike"),
            "enter": hg.Dense(40 * np.eye(20, dtype=np.int64)),
            "first": hg.LIF(20, **FORGETFUL, threshold=30),
            "forth": sparse(forth),
            "second": hg.LIF(12, **FORGETFUL, threshold=30),
            "back": hg.Dense(back, delays=late),
        },
        [
            hg.Connection("data.out", "enter.s"),
            hg.Connection("enter.a", "first.a"),
            hg.Connection("first.s", "forth.s", 3 if delays else 1),
            hg.Connection("forth.a", "second.a"),
            hg.Connection("second.s", "back.s"),
            hg.Connection("back.a", "first.a", 2 if delays else 0),
        ],
        domain="fixed",
    )


def sparse(weights: NDArray[np.int64]) -> hg.Sparse:
    """Return the synapses of a matrix, those that are not 0."""
    post, pre = np.nonzero(weights)
    return hg.Sparse(weights.shape[1], weights.shape[0], pre, post, weights[post, pre])


def spikes(graph: hg.Graph, episodes: int, steps: int, rate: float, seed: int = 0) -> Any:
    """Return made-up spikes for the graph's inputs."""
    return {
        path: (stream(seed, path, "spikes").random((episodes, steps, source.size)) < rate).astype(
            float
        )
        for path, source in graph.of_kind(hg.Input).items()
    }
