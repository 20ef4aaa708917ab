"""Random float graphs with every kind of unit and of synapse."""

from __future__ import annotations

from typing import Any

import numpy as np

import hebbgraph as hg
from tests.snntorch_backend.cases import Case

#: Units in every population: two groups of four.
SIZE = 8
STEPS = 18


def units(rng: np.random.Generator) -> dict[str, Any]:
    """Return a population of every kind, and of every variant that has code of its own."""
    decay = rng.random(SIZE)
    return {
        "lif": hg.LIF(SIZE, 0.5, 0.25, rng.normal(0, 0.3, SIZE), rng.random(SIZE)),
        "resting": hg.LIF(SIZE, 1, decay, 0.2, 0.7, refractory=2),
        "holding": hg.LIF(SIZE, decay, 1, 0.1, 0.5, when_off="hold"),
        "ternary": hg.TernaryLIF(SIZE, 0.75, 0.5, 0.1, 0.8, -0.6),
        "sign": hg.Sign(SIZE, rng.normal(0, 0.2, SIZE)),
        "flips": hg.Sign(SIZE, integrates=True),
        "leaky": hg.LeakyIntegrator(SIZE, decay),
        "changes": hg.SigmaDelta(SIZE, 0.4, 0.1, rectified=True, cumulative=bool(rng.integers(2))),
        "graded": hg.Graded(SIZE, 0.1, low=-0.9, high=1.2, dead_zone=0.05),
        "poly": hg.Polynomial(SIZE, [0.1, 0.2, -0.05], 2.0, rectified=bool(rng.integers(2))),
        "exp": hg.Exponential(SIZE, -0.5),
        "bus": hg.Bus(4, 2, rng.choice(["sum", "count", "max"]), spread=True),
        "winners": hg.WinnerTakeAll(4, 2, k=int(rng.integers(1, 4)), floor=-1.5),
        "softmax": hg.Softmax(4, 2, beta=1.5),
        "cells": hg.Dendrite(4, 2, 0.4),
    }


def synapses(rng: np.random.Generator) -> dict[str, Any]:
    """Return synapses of every kind, from 8 to 8 units, or from 4."""
    weights = rng.normal(0, 0.3, (SIZE, SIZE))
    post, pre = np.nonzero(rng.random((SIZE, SIZE)) < 0.4)
    return {
        "dense": hg.Dense(weights),
        "late": hg.Dense(rng.normal(0, 0.3, (SIZE, SIZE)), delays=rng.integers(0, 5, (SIZE, SIZE))),
        "back": hg.Transpose("dense", SIZE, SIZE),
        "sparse": hg.Sparse(SIZE, SIZE, pre, post, rng.normal(0, 0.5, len(pre))),
        "few": hg.Sparse(
            SIZE, SIZE, pre, post, rng.normal(0, 0.5, len(pre)), delays=rng.integers(0, 3, len(pre))
        ),
        "blocks": hg.BlockDense(rng.normal(0, 0.4, (4, 4)), 2),
        "conv": hg.Conv2d(rng.normal(0, 0.4, (2, 2, 2, 2)), (2, 2), padding=(1, 0), stride=(1, 1)),
        "small": hg.Dense(rng.normal(0, 0.4, (SIZE, 4))),
    }


def zoo(seed: int, *, recurrent: bool, episodes: int = 3) -> Case:
    """Return a random graph of every kind, all outputs and states probed, and data for it.

    Units hear units before them; synapses drive units after those they hear, or `recurrent` any.
    """
    rng = np.random.default_rng(seed)
    kinds, joins = units(rng), synapses(rng)
    names = [str(name) for name in rng.permutation(list(kinds))]
    processes: dict[str, Any] = {"x": hg.Input(SIZE, gain=0.5), "gate": hg.Input(1, signal="spike")}
    processes |= {**kinds, **joins, "readout": hg.LeakyIntegrator(6, 0.3)}
    connections = [hg.Connection("conv.a", "readout.a", 1)]
    heard = ["x.out"]  # what may be heard in the same step
    for name in names:
        main, *others = kinds[name].inputs
        for source in rng.choice(heard, min(2, len(heard)), replace=False):
            delay = int(rng.choice([0, 0, 1, 3]))
            connections.append(hg.Connection(str(source), f"{name}.{main}", delay))
        for port, source in (("on", "gate.out"), ("n", "x.out"), ("gain", "gate.out")):
            if port in others and rng.random() < 0.5:
                delay = int(rng.integers(3))
                connections.append(hg.Connection(source, f"{name}.{port}", delay))
        if "reset" in others:
            connections.append(hg.Connection("gate.out", f"{name}.reset", 2))
        if kinds[name].output.size == SIZE:
            heard.append(f"{name}.{next(iter(kinds[name].outputs))}")
    for join, synapse in joins.items():
        pre, post = synapse.inputs["s"].size, synapse.output.size
        first = int(rng.choice([i for i, n in enumerate(names) if kinds[n].output.size == pre]))
        port = next(iter(kinds[names[first]].outputs))
        delay = int(rng.choice([1, 1, 2, 6]))
        connections.append(hg.Connection(f"{names[first]}.{port}", f"{join}.s", delay))
        targets = names if recurrent else names[first + 1 :]
        if targets and post == SIZE:
            target = str(rng.choice(targets))
            port = f"{target}.{next(iter(kinds[target].inputs))}"
            connections.append(hg.Connection(f"{join}.a", port, int(rng.choice([0, 0, 2]))))
    return _recorded(seed, processes, connections), _data(rng, episodes), STEPS


def _recorded(seed: int, processes: dict[str, Any], connections: list[hg.Connection]) -> hg.Graph:
    """Return the graph with every output and state probed."""
    probes = [
        hg.Probe(f"{name}.{variable}")
        for name, process in processes.items()
        if process.ROLE != "source"
        for variable in (*process.outputs, *process.states)
    ]
    return hg.Graph(f"zoo{seed}", processes, connections, probes)


def _data(rng: np.random.Generator, episodes: int) -> dict[str, Any]:
    return {
        "x": rng.normal(0, 2, (episodes, STEPS - 4, SIZE)),
        "gate": rng.random((episodes, STEPS - 2, 1)) < 0.8,
    }
