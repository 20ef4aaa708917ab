"""The document that the worker is given: a graph in JSON types and arrays, nothing left to look up.

The worker runs on a Python on which hebbgraph's processes and rules do not, so what they compute
from their fields - widths, ports, registers, the terms of a rule - is written down here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.processes import Process
from hebbgraph.rules.rule import Rule
from hebbgraph.rules.terms import Term
from hebbgraph.serialise import to_document


def describe(graph: Graph) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return (document, arrays) of `graph`; an array of process ``w`` has a key like ``w.bias``."""
    flat = graph.flat()
    document, arrays = to_document(flat)
    processes = {
        path: {**document["processes"][path], **_described(process)}
        for path, process in flat.walk()
    }
    described = {
        "domain": flat.domain,
        "order": list(flat.order),
        "processes": processes,
        "connections": document["connections"],
        "probes": [probe.target for probe in flat.state_probes],
        "observed": list(flat.observed),
    }
    return described, arrays


def _described(process: Process) -> dict[str, Any]:
    """Return what a process says about itself, and its rule."""
    output = next(iter(process.outputs))
    return {
        "role": process.ROLE,
        "inputs": {
            name: [port.size, float(port.default), port.learning]
            for name, port in process.inputs.items()
        },
        "output": [output, process.output.size, process.output.signal],
        "registers": list(process.registers),
        "longest_delay": process.longest_delay,
        "rule": _rule(getattr(process, "rule", None)),
    }


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    """Return a rule with its terms; infinite bounds are None."""
    if rule is None:
        return None
    return {
        "terms": [_term(term) for term in rule.terms],
        "products": {name: _term(term) for name, term in rule.products.items()},
        "traces": {
            name: {"decay": float(trace.decay), "impulse": float(trace.impulse)}
            for name, trace in rule.traces.items()
        },
        "sides": dict(rule.sides),
        "ports": dict(rule.ports),
        "low": _bound(rule.low),
        "high": _bound(rule.high),
        "epoch": rule.epoch if rule.epoch == "episode" else int(rule.epoch),
        "momentum": float(rule.momentum),
        "self_connections": bool(rule.self_connections),
        "largest_sum": _bound(rule.largest_sum()),
        "rounding": rule.rounding,
        **{name: int(getattr(rule, name)) for name in _WHOLE},
    }


#: The fields of a rule that are whole numbers.
_WHOLE = ("shift", "fraction", "signal_bits", "seed")


def _term(term: Term) -> Mapping[str, Any]:
    return {"coefficient": float(term.coefficient), "powers": [list(p) for p in term.powers]}


def _bound(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
