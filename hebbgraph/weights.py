"""weights: what plastic synapses start a run with, and what every synapse ends it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import range_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.processes import Transpose
from hebbgraph.processes.base import BIG, read_only
from hebbgraph.recording import Learned


def start_weights(graph: Graph, weights: Mapping[str, Any] | None) -> dict[str, Learned]:
    """Return every set of plastic synapses before a run; raises `Invalid` for bad `weights`."""
    given = dict(weights or {})
    faults: list[Fault] = []
    synapses = [path for path, process in graph.walk() if process.synaptic]
    for key in given:
        path, _, kind = key.rpartition(".")
        if path not in synapses or kind not in ("weights", "accumulator", "momentum"):
            need = f"keys are path.weights of synapses, which are {', '.join(synapses) or 'none'}"
            faults.append(Fault(f"weights[{key!r}]", "an array", need))
    found: dict[str, Learned] = {}
    dtype = np.float64 if graph.domain == "float" else np.int64
    for path, dense in graph.plastic.items():
        rule = dense.rule
        assert rule is not None
        scale = 2**rule.fraction
        values = {"weights": dense.weights, "momentum": np.zeros(dense.weights.shape, dtype)}
        values |= {k: given[f"{path}.{k}"] for k in values if f"{path}.{k}" in given}
        key = f"{path}.accumulator"
        held = given.get(key, np.asarray(values["weights"]) * scale)
        held, momentum = read_only(held), read_only(values["momentum"])
        shape, where = dense.weights.shape, f"weights[{path!r}]"
        low, high = max(rule.low * scale, -BIG), min(rule.high * scale, BIG)
        remedy = "take Result.weights of a run of this graph"
        found_here = range_faults(where, held, shape, graph.domain, low, high, remedy)
        found_here += range_faults(where, momentum, shape, graph.domain, -BIG, BIG, remedy)
        faults += found_here
        if not found_here:
            found[path] = Learned(held.astype(dtype), momentum.astype(dtype))
    if faults:
        raise Invalid("weights", faults)
    return found


def end_weights(graph: Graph, learned: Mapping[str, Learned]) -> dict[str, NDArray[Any]]:
    """Return `Result.weights`: what every synapse process holds after a run."""
    found: dict[str, NDArray[Any]] = {}
    for path, process in graph.walk():
        if process.ROLE != "synapses" or isinstance(process, Transpose):
            continue
        if path not in learned:
            found[f"{path}.weights"] = process.weights  # type: ignore[attr-defined]
            continue
        rule, held = graph.plastic[path].rule, learned[path].accumulator
        assert rule is not None
        half = 2 ** (rule.fraction - 1) if rule.fraction else 0
        found[f"{path}.weights"] = (held + half) >> rule.fraction if rule.fraction else held
        if rule.fraction:
            found[f"{path}.accumulator"] = held
        if rule.momentum:
            found[f"{path}.momentum"] = learned[path].momentum
    return found
