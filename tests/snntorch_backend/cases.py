"""Random graphs, and how results are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

import hebbgraph as hg
from hebbgraph.processes import Domain

Style = Literal["fixed", "whole", "generic"]
Case = tuple[hg.Graph, dict[str, Any], int]

STEPS = 70
#: (process, its size); Dense sizes follow from what they join.
SIZES = {"currents": 9, "events": 7, "a1": 9, "a2": 7, "a3": 9}


def random_case(style: Style, seed: int, episodes: int = 3) -> Case:
    """Return a random graph of every kind of connection, probed throughout, and data for it."""
    rng = np.random.default_rng(seed)
    domain: Domain = "fixed" if style == "fixed" else "float"
    cells = {name: _lif(style, SIZES[name], rng) for name in ("a1", "a2", "a3")}
    processes: dict[str, Any] = {
        "currents": hg.Input(9, gain=rng.choice([1, 3, 40]) if style != "generic" else 0.3),
        "events": hg.Input(7, signal="spike"),
        **cells,
    }
    connections = [
        hg.Connection("currents.out", "a1.a", int(rng.choice([0, 0, 1, 5]))),
        hg.Connection("events.out", "a2.a", int(rng.choice([0, 3]))),
        hg.Connection("a1.s", "a3.a", 0),
        hg.Connection("a3.s", "a1.a", int(rng.integers(1, 9))),
    ]
    joins = [("currents.out", "a2"), ("events.out", "a3"), ("a1.s", "a1"), ("a2.s", "a1")]
    joins += [("a3.s", "a2"), ("a3.s", "a3")]
    for index, (source, target) in enumerate(joins):
        name, pre = f"w{index}", SIZES[source.split(".")[0]]
        processes[name] = _dense(style, SIZES[target], pre, rng)
        late = int(rng.choice([1, 1, 2, 7, 30, 62]))
        connections += [
            hg.Connection(source, f"{name}.s", late),
            hg.Connection(f"{name}.a", f"{target}.a", int(rng.choice([0, 0, 1, 11]))),
        ]
    # Two sources into one synapse, and a synapse that feeds a synapse.
    connections.append(hg.Connection("a1.s", "w4.s", 2))
    processes["chained"] = _dense(style, 7, 9, rng)
    connections.append(hg.Connection("w2.a", "chained.s", 3))
    connections.append(hg.Connection("chained.a", "a2.a", 1))
    probes = [hg.Probe(f"{name}.{state}") for name in cells for state in ("s", "u", "v")]
    graph = hg.Graph(f"{style}{seed}", processes, connections, probes, domain)
    scale = 2 ** int(rng.choice([2, 6, 14, 20])) if style == "fixed" else 4
    currents = rng.normal(0, scale, (episodes, STEPS - 20, 9)).clip(-(2.0**17), 2.0**17)
    grain = {"fixed": 0.5, "whole": 1.0, "generic": 0.01}[style]
    data = {
        "currents": grain * np.rint(currents / grain),  # halves in `fixed`: they are rounded
        "events": rng.random((episodes, STEPS, 7)) < 0.3,
    }
    return graph, data, STEPS


def _lif(style: Style, size: int, rng: np.random.Generator) -> hg.LIF:
    if style == "fixed":
        decays = [0, 1, 17, 2048, 4001, 4094, 4095]
        return hg.LIF(
            size,
            decay_u=rng.choice(decays, size) if rng.random() < 0.7 else 4095,
            decay_v=rng.choice(decays, size),
            bias=rng.integers(-4096, 4096, size) // rng.choice([1, 64]),
            threshold=rng.integers(0, 2 ** int(rng.integers(4, 18)), size),
            bias_exponent=int(rng.integers(0, 8)),
        )
    if style == "whole":
        ends = [rng.integers(0, 2, size), 1, 0]
        decay_u, decay_v = (ends[rng.integers(3)] for _ in range(2))
        return hg.LIF(size, decay_u, decay_v, rng.integers(-3, 4, size), rng.integers(0, 9, size))
    decay_u, decay_v = rng.random(size), rng.random(size)
    return hg.LIF(size, decay_u, decay_v, rng.normal(0, 0.3, size), rng.random(size))


def _dense(style: Style, post: int, pre: int, rng: np.random.Generator) -> hg.Dense:
    if style == "generic":
        return hg.Dense(rng.normal(0, 0.5, (post, pre)))
    if style == "whole":
        return hg.Dense(rng.integers(-4, 5, (post, pre)))
    weights = [
        2 * rng.integers(-128, 128, (post, pre)),
        rng.integers(0, 256, (post, pre)),
        -rng.integers(0, 256, (post, pre)),
    ][rng.integers(3)]
    return hg.Dense(weights, exponent=int(rng.integers(-8, 8)))


def run(case: Case, backend: str = "snntorch", **options: Any) -> hg.Result:
    graph, data, steps = case
    with hg.compile(graph, backend, **options) as program:
        return program.run(data, steps)


def assert_same(ours: Any, reference: Any, tolerance: float = 0.0) -> None:
    """Compare what has spikes and states, exactly or within a tolerance of the states."""
    assert ours.spikes.keys() == reference.spikes.keys()
    assert ours.states.keys() == reference.states.keys()
    for path, raster in reference.spikes.items():
        np.testing.assert_array_equal(np.asarray(ours.spikes[path], dtype=float), raster, path)
    for target, states in reference.states.items():
        np.testing.assert_allclose(
            ours.states[target], states, rtol=tolerance, atol=tolerance, err_msg=target
        )


class Arrays(NamedTuple):
    """What a forward pass returns."""

    spikes: Mapping[str, Any]
    states: Mapping[str, Any]


def forward(case: Case, *, stepwise: bool = False) -> Arrays:
    """Run the lowered network itself, gradients and all, as a user of torch would."""
    graph, data, steps = case
    with hg.compile(graph, "snntorch") as program:
        tensors = {name: torch.tensor(values) for name, values in data.items()}
        spikes, states = program.artefact(tensors, steps, stepwise=stepwise)
    return Arrays(*({k: v.detach().numpy() for k, v in part.items()} for part in (spikes, states)))
