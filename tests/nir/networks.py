"""Random networks, all of whose numbers are exact in binary: no rounding decides a spike."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import hebbgraph as hg
from tests.nir.oracle import nir

#: A step in seconds by which time constants divide exactly.
DT = 2.0**-13
UNITS = 3
STEPS = 25


def random_graph(seed: int) -> tuple[hg.Graph, dict[str, Any]]:
    """Return populations of every decay joined at random, cycles and delays included, and data."""
    draw = np.random.default_rng(seed)
    populations = [f"p{k}" for k in range(int(draw.integers(1, 5)))]
    inputs = [f"in{k}" for k in range(int(draw.integers(1, 3)))]
    processes: dict[str, Any] = {}
    for name in inputs:
        processes[name] = hg.Input(UNITS, gain=float(draw.choice([1, 2])))
    for name in populations:
        processes[name] = hg.LIF(
            UNITS,
            decay_u=float(draw.choice([0, 0.25, 0.5, 1])),
            decay_v=float(draw.choice([0, 0.25, 0.5, 1])),
            bias=float(draw.choice([0, 0, 0.25])),
            threshold=draw.choice([0.5, 1, 1.5], UNITS) + 1 / 64,
        )
    connections = []
    for k in range(int(draw.integers(len(populations), 2 * len(populations) + 3))):
        name = f"w{draw.integers(100)}_{k}"
        weights = draw.integers(-4, 8, (UNITS, UNITS)) / 8 * (draw.random((UNITS, UNITS)) < 0.7)
        delays = draw.integers(0, 3, (UNITS, UNITS)) if draw.random() < 0.2 else 0
        processes[name] = hg.Dense(weights, delays=delays)
        ends = [*(f"{p}.out" for p in inputs), *(f"{p}.s" for p in populations)]
        delay = int(draw.integers(1, 4)) if draw.random() < 0.4 else 1
        connections.append(hg.Connection(str(draw.choice(ends)), f"{name}.s", delay))
        targets = draw.permutation(populations)[: 1 + int(draw.random() < 0.2)]
        for target in map(str, targets):
            late = int(draw.integers(0, 3)) if draw.random() < 0.3 else 0
            connections.append(hg.Connection(f"{name}.a", f"{target}.a", late))
    probes = [hg.Probe(f"{name}.s") for name in populations]
    shape = (1, STEPS, UNITS)
    data = {p: (draw.random(shape) < 0.5) * draw.integers(0, 3, shape) for p in inputs}
    return hg.Graph(f"random {seed}", processes, connections, probes), data


def random_nir(seed: int) -> tuple[Any, dict[str, Any]]:
    """Return a NIR graph of every kind of neuron, with cycles and Delay nodes, and data."""
    draw = np.random.default_rng(seed)
    nodes: dict[str, Any] = {"in0": nir.Input({"input": np.array([UNITS])})}
    if draw.random() < 0.3:
        nodes["in1"] = nir.Input({"input": np.array([UNITS])})
    edges: list[tuple[str, str]] = []
    sources = list(nodes)
    for k in range(int(draw.integers(1, 6))):
        unit = f"p{k}"
        nodes[unit] = _neuron(draw)
        for j in range(int(draw.integers(1, 3))):
            _feed(draw, nodes, edges, str(draw.choice(sources)), unit, f"{k}{j}")
        if draw.random() < 0.3:
            nodes[f"r{k}"] = nir.Linear(weight=draw.integers(-4, 5, (UNITS, UNITS)) / 8)
            edges += [(unit, f"r{k}"), (f"r{k}", unit)]
        if k and draw.random() < 0.2:
            nodes[f"b{k}"] = nir.Linear(weight=draw.integers(-4, 5, (UNITS, UNITS)) / 8)
            nodes[f"c{k}"] = nir.Delay(delay=np.full(UNITS, draw.integers(4, 9) * DT))
            back = f"p{draw.integers(k)}"
            edges += [(unit, f"b{k}"), (f"b{k}", f"c{k}"), (f"c{k}", back)]
        sources.append(unit)
    for unit in sources:
        heard = any(source == unit for source, _ in edges)
        if unit == sources[-1] or not heard or draw.random() < 0.5:
            nodes[f"out_{unit}"] = nir.Output({"output": np.array([UNITS])})
            edges.append((unit, f"out_{unit}"))
    shape = (STEPS, UNITS)
    names = [name for name in nodes if name.startswith("in")]
    data = {p: (draw.random(shape) < 0.5) * draw.integers(0, 3, shape) for p in names}
    return nir.NIRGraph(nodes, edges), data


def _neuron(draw: Any) -> Any:
    def some(*values: float) -> Any:
        return draw.choice(values, UNITS).astype(float)

    kinds = ["LIF", "CubaLIF", "IF", "LI", "CubaLI", "I", "Threshold"]
    kind = str(draw.choice(kinds, p=[0.25, 0.25, 0.15, 0.1, 0.1, 0.05, 0.1]))
    leak = some(0, 0, 0.25) if draw.random() < 0.3 else np.zeros(UNITS)
    level = some(0.5, 1, 1.5) + 1 / 64
    fires = {"v_threshold": level, "v_reset": np.zeros(UNITS)}
    filters = {"tau_syn": DT * some(1, 2, 4), "tau_mem": DT * some(1, 2, 4), "r": some(1, 2, 4)}
    match kind:
        case "LIF":
            return nir.LIF(tau=DT * some(1, 2, 4), r=some(0.5, 1, 2, 4), v_leak=leak, **fires)
        case "CubaLIF":
            return nir.CubaLIF(**filters, v_leak=leak, w_in=some(1, 2, -1), **fires)
        case "IF":
            return nir.IF(r=some(0.5, 1, 2) / DT, **fires)
        case "LI":
            return nir.LI(tau=DT * some(1, 2, 4), r=some(1, 2), v_leak=leak)
        case "CubaLI":
            return nir.CubaLI(**filters, v_leak=leak, w_in=some(1, 2))
        case "I":
            return nir.I(r=some(0.5, 1) / DT)
    return nir.Threshold(threshold=level)


def _feed(
    draw: Any, nodes: dict[str, Any], edges: list[Any], source: str, unit: str, name: str
) -> None:
    """Join `source` to `unit`: directly, by synapses, or by synapses and a Delay."""
    if draw.random() < 0.1 and (source, unit) not in edges:
        edges.append((source, unit))
        return
    weights = draw.integers(-4, 8, (UNITS, UNITS)) / 8 * (draw.random((UNITS, UNITS)) < 0.8)
    synapses = f"w{name}"
    kind = draw.random()
    if kind < 0.3:
        nodes[synapses] = nir.Affine(weight=weights, bias=draw.integers(-1, 3, UNITS) / 8)
    elif kind < 0.4:
        nodes[synapses] = nir.Scale(scale=draw.choice([0.5, 1, 2], UNITS))
    else:
        nodes[synapses] = nir.Linear(weight=weights)
    way = [source, synapses, unit]
    if draw.random() < 0.3:
        each = draw.integers(1, 5, UNITS)
        steps = each if draw.random() < 0.4 else np.full(UNITS, each[0])
        nodes[f"d{name}"] = nir.Delay(delay=steps * DT)
        way.insert(1 + int(draw.random() < 0.5), f"d{name}")
    edges += list(itertools.pairwise(way))
