"""A program that runs NIR by the letter: every node within one step, forward Euler, plain loops.

Around a cycle it takes one step: what is not yet known in a step is taken from the step before.
Delay nodes hold what they are given for whole steps. It shares no code with hebbgraph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

nir: Any = pytest.importorskip("nir", reason='NIR needs nir: pip install "hebbgraph[nir]"')


def run(graph: Any, dt: float, inputs: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """Return what every node emits, flattened, (steps, units)."""
    nodes, edges = flattened(graph)
    order = ordered(nodes, edges)
    states: dict[str, dict[str, Any]] = {name: {} for name in nodes}
    sizes = {name: size_of(node) for name, node in nodes.items()}
    emitted: dict[str, list[Any]] = {name: [] for name in nodes}
    for t in range(steps):
        now: dict[str, Any] = {}
        for name in order:
            heard: Any = 0.0
            for source in sorted(a for a, b in edges if b == name):
                if source in now:
                    heard = heard + now[source]
                elif t:
                    heard = heard + emitted[source][t - 1]
                else:
                    heard = heard + np.zeros(sizes[source])
            if isinstance(nodes[name], nir.Input) and not any(b == name for _, b in edges):
                data = np.asarray(inputs.get(name, []))
                heard = data[t].ravel() if t < len(data) else np.zeros(sizes[name])
            now[name] = np.asarray(step(nodes[name], heard, states[name], dt), float)
        # A Delay emits what it was given earlier, so it is known before what feeds it.
        for name in order:
            if isinstance(nodes[name], nir.Delay):
                heard = sum(now[a] for a, b in edges if b == name)
                states[name].setdefault("past", []).append(heard)
            emitted[name].append(now[name])
    return {name: np.array(values) for name, values in emitted.items()}


def step(node: Any, x: Any, state: dict[str, Any], dt: float) -> Any:
    """Return what a node emits in one step."""
    flat = {k: np.ravel(v) for k, v in vars(node).items() if isinstance(v, np.ndarray)}
    match type(node).__name__:
        case "Linear":
            return node.weight @ x
        case "Affine":
            return node.weight @ x + node.bias
        case "Scale":
            return x * flat["scale"]
        case "Threshold":
            return x > flat["threshold"]
        case "Conv2d":
            return convolved(node, x)
        case "SumPool2d" | "AvgPool2d":
            return pooled(node, x)
        case "Delay":
            past = state.get("past", [])
            back = np.rint(flat["delay"] / dt).astype(int)
            return [past[-k][i] if k <= len(past) else 0.0 for i, k in enumerate(back)]
        case "CubaLIF" | "CubaLI":
            current = state.get("i", 0.0)
            current = current + dt / flat["tau_syn"] * (flat["w_in"] * x - current)
            state["i"] = current
            return voltage(flat, flat["tau_mem"], current, state, dt)
        case "LIF" | "LI":
            return voltage(flat, flat["tau"], x, state, dt)
        case "IF" | "I":
            state["v"] = state.get("v", 0.0) + dt * flat["r"] * x
            return fired(flat, state)
    return x  # Input, Output, Flatten


def voltage(flat: dict[str, Any], tau: Any, current: Any, state: dict[str, Any], dt: float) -> Any:
    v = state.get("v", 0.0)
    state["v"] = v + dt / tau * (flat["v_leak"] - v + flat["r"] * current)
    return fired(flat, state)


def fired(flat: dict[str, Any], state: dict[str, Any]) -> Any:
    if "v_threshold" not in flat:
        return state["v"]
    spikes = state["v"] > flat["v_threshold"]
    state["v"] = np.where(spikes, flat["v_reset"], state["v"])
    return spikes


def convolved(node: Any, x: Any) -> Any:
    """Return the convolution by sliding the kernel, groups and dilation left out."""
    out, channels, high, wide = node.weight.shape
    (pad_y, pad_x), (stride_y, stride_x) = np.ravel(node.padding), np.ravel(node.stride)
    image = np.reshape(x, (channels, *node.input_shape))
    image = np.pad(image, ((0, 0), (pad_y, pad_y), (pad_x, pad_x)))
    rows = range(0, image.shape[1] - high + 1, stride_y)
    columns = range(0, image.shape[2] - wide + 1, stride_x)
    values = [
        [[(image[:, y : y + high, c : c + wide] * w).sum() for c in columns] for y in rows]
        for w in node.weight
    ]
    return (np.array(values) + np.reshape(node.bias, (out, 1, 1))).ravel()


def pooled(node: Any, x: Any) -> Any:
    """Return sums or means of neighbouring squares, padding left out."""
    channels, high, wide = np.ravel(node.input_type["input"])
    (size_y, size_x), (stride_y, stride_x) = np.ravel(node.kernel_size), np.ravel(node.stride)
    image = np.reshape(x, (channels, high, wide))
    rows = range(0, high - size_y + 1, stride_y)
    columns = range(0, wide - size_x + 1, stride_x)
    patches = [[image[:, y : y + size_y, c : c + size_x] for c in columns] for y in rows]
    reduce = np.sum if type(node).__name__ == "SumPool2d" else np.mean
    values = np.array([[reduce(p, axis=(1, 2)) for p in row] for row in patches])
    return np.moveaxis(values, -1, 0).ravel()


def size_of(node: Any) -> int:
    return int(np.prod(next(iter(node.output_type.values()))))


def flattened(graph: Any, prefix: str = "") -> tuple[dict[str, Any], list[Any]]:
    nodes: dict[str, Any] = {}
    edges: list[Any] = []
    ends: dict[str, tuple[str, str]] = {}
    for name, node in graph.nodes.items():
        path = prefix + name
        ends[name] = (path, path)
        if isinstance(node, nir.NIRGraph):
            inside, between = flattened(node, f"{path}.")
            nodes |= inside
            edges += between
            ends[name] = (f"{path}.{next(iter(node.inputs))}", f"{path}.{next(iter(node.outputs))}")
        else:
            nodes[path] = node
    edges += [(ends[a][1], ends[b][0]) for a, b in graph.edges]
    return nodes, edges


def ordered(nodes: Mapping[str, Any], edges: list[Any]) -> list[str]:
    """Return an order in which what is heard is known; a cycle is entered where it is fed."""
    order = [name for name, node in nodes.items() if isinstance(node, nir.Delay)]
    while len(order) < len(nodes):
        left = sorted(set(nodes) - set(order))
        above = {name: ancestors(name, left, edges) for name in left}
        # What waits for nothing, or only for nodes that wait for it.
        free = [n for n in left if all(n in above[a] for a in above[n])]
        ready = [n for n in free if not above[n]]
        fed = [n for n in free if any(b == n and a in order for a, b in edges)]
        order.append((ready or fed or free)[0])
    return order


def ancestors(name: str, left: list[str], edges: list[Any]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        node = waiting.pop()
        more = {a for a, b in edges if b == node and a in left} - found
        found |= more
        waiting += more
    return found
