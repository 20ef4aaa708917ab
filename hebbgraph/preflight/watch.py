"""watch: the reference with every wrap and saturation counted in the fixed domain.

Each kind has a function here that is given what its step is given, before it is taken, and
returns where a register would leave its width. The equations are those of the process kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job
from hebbgraph.backends.reference.interpreter import Interpreter
from hebbgraph.backends.reference.loihi import B, saturate_v, shift, towards_zero, wrap32, wrap_u
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Array, State, Step
from hebbgraph.backends.reference.steps.synapses import exact_product
from hebbgraph.graph import Graph
from hebbgraph.processes import TernaryLIF
from hebbgraph.recording import Recording

#: Returns, by event, where it happens: (episodes, units).
Events = dict[str, NDArray[np.bool_]]
Look = Callable[[Any, State, dict[str, Array]], Events]

#: What each event is called, and whether its value has then another sign or size altogether.
WRAPS = ("u wraps", "sum wraps")
SATURATIONS = ("v saturates", "state saturates", "payload saturates", "input clipped")
RESIDUE = "decided by residue"


@dataclass
class Watch:
    """What was counted while a graph ran."""

    #: By path and event, how often it happened, and at how many units.
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    units: dict[str, dict[str, NDArray[np.bool_]]] = field(default_factory=dict)
    #: By path, unit updates in which it could have happened.
    updates: dict[str, int] = field(default_factory=dict)

    def add(self, path: str, events: Events, size: int) -> None:
        """Count the events of one step."""
        self.updates[path] = self.updates.get(path, 0) + size
        for name, where in events.items():
            counts, units = self.counts.setdefault(path, {}), self.units.setdefault(path, {})
            counts[name] = counts.get(name, 0) + int(np.count_nonzero(where))
            units[name] = units.get(name, np.zeros(where.shape[1], bool)) | where.any(axis=0)


def watched_run(graph: Graph, job: Job) -> tuple[Recording, Watch]:
    """Return what the reference records of `graph`, and what was counted if it is fixed."""
    watch = Watch()
    paths = {id(process): path for path, process in graph.walk()}

    def watched(kind: str, domain: str, step: Step) -> Step:
        look = LOOKS.get(kind) if domain == "fixed" else None

        def taken(process: Any, state: State, arriving: dict[str, Array]) -> Array:
            events = look(process, state, arriving) if look else {}
            emitted = step(process, state, arriving)
            if look:
                watch.add(paths[id(process)], events, emitted.size)
            return emitted

        return taken

    steps: Mapping[tuple[str, str], Step] = {
        (kind, domain): watched(kind, domain, step) for (kind, domain), step in STEPS.items()
    }
    return Interpreter(graph, steps).run(job), watch


def _lif(process: Any, state: State, arriving: dict[str, Array]) -> Events:
    drive = arriving["a"] << 6
    raw = towards_zero(state["u"] * (4095 - process.decay_u)) + wrap32(drive)
    u = wrap_u(wrap32(raw))
    residue = towards_zero(state["v"] * (4096 - process.decay_v))
    v = residue + u + (process.bias << process.bias_exponent)
    on = arriving["on"] != 0
    events = {
        "u wraps": on & ((raw > B) | (raw <= -B) | (wrap32(drive) != drive)),
        "v saturates": on & (saturate_v(v) != v),
    }
    level = saturate_v(v) + arriving["n"]
    without = saturate_v(v - residue) + arriving["n"]
    high = process.threshold << 6
    decided = (level > high) != (without > high)
    if isinstance(process, TernaryLIF):
        low = process.lower << 6
        decided |= (level < low) != (without < low)
    # A decay of 4095 stands for one of 1: what it leaves behind should decide nothing.
    forgets = process.decay_v == 4095
    ready = state["r"] == 0 if "r" in state else True
    return {**events, RESIDUE: on & ready & forgets & decided}


def _integrator(process: Any, state: State, arriving: dict[str, Array]) -> Events:
    x = np.where(arriving["reset"] != 0, 0, state["x"])
    x = towards_zero(x * (4096 - process.decay)) + arriving["a"]
    return {"state saturates": (arriving["on"] != 0) & (saturate_v(x) != x)}


def _sign(process: Any, state: State, arriving: dict[str, Array]) -> Events:
    h = state["h"] + arriving["a"] if process.integrates else arriving["a"]
    return {"state saturates": saturate_v(h) != h}


def _graded(process: Any, _state: State, arriving: dict[str, Array]) -> Events:
    x = arriving["a"] + process.bias
    y = np.where(np.abs(x) >= process.dead_zone, np.clip(x, process.low, process.high), 0)
    return {"payload saturates": _too_wide(shift(y, process.exponent), process.bits)}


def _polynomial(process: Any, _state: State, arriving: dict[str, Array]) -> Events:
    a = np.broadcast_to(arriving["a"], (len(arriving["a"]), process.size))
    x = np.clip(a, -process.limit, process.limit)
    x = np.maximum(x, 0) if process.rectified else x
    total = np.zeros_like(x)
    for coefficient in process.coefficients[::-1]:
        total = total * x + coefficient
    wide = _too_wide(total // process.divisor, process.bits)
    sent = np.abs(x) >= process.dead_zone
    return {"input clipped": np.abs(a) > process.limit, "payload saturates": sent & wide}


def _bus(process: Any, _state: State, arriving: dict[str, Array]) -> Events:
    x = arriving["x"].reshape(len(arriving["x"]), process.groups, -1)
    if process.operation == "count":
        reduced = (x != 0).sum(axis=-1)
    else:
        reduced = x.sum(axis=-1) if process.operation == "sum" else x.max(axis=-1)
    return {"payload saturates": _too_wide(reduced, process.bits)}


def _sigma_delta(_process: Any, state: State, arriving: dict[str, Array]) -> Events:
    sigma = state["sigma"] + arriving["a"]
    return {"sum wraps": (arriving["on"] != 0) & (wrap32(sigma) != sigma)}


def _winners(_process: Any, _state: State, arriving: dict[str, Array]) -> Events:
    return {"input clipped": saturate_v(arriving["a"]) != arriving["a"]}


def _synapses(process: Any, state: State, arriving: dict[str, Array]) -> Events:
    total = _total(state, arriving["s"])
    return {"sum wraps": (wrap32(total) != total) | _beyond(shift(total, process.exponent), 32)}


def _conv2d(_process: Any, state: State, arriving: dict[str, Array]) -> Events:
    return {"sum wraps": _beyond(_total(state, arriving["s"]), 24)}


def _total(state: State, s: Array) -> Array:
    """Return the sums that synapses deliver, or zeros where none can leave its register."""
    weights, delays = state["weights"], state["delays"]
    largest = np.abs(weights).sum(axis=1).max(initial=0) * np.abs(s).max(initial=0)
    if delays is not None:
        past = [s, *state["past"]][: int(delays.max()) + 1]
        return sum(
            (exact_product(x, np.where(delays == d, weights, 0).T) for d, x in enumerate(past)),
            start=np.zeros((len(s), len(weights)), s.dtype),
        )
    if largest < B:
        return np.zeros((len(s), len(weights)), s.dtype)
    return exact_product(s, weights.T)


def _beyond(x: Array, bits: int) -> NDArray[np.bool_]:
    """Return where x is outside the two's complement of `bits`."""
    return (x >= 2 ** (bits - 1)) | (x < -(2 ** (bits - 1)))


def _too_wide(x: Array, bits: int) -> NDArray[np.bool_]:
    """Return where x is outside the symmetric range of `bits`."""
    return np.abs(x) > 2 ** (bits - 1) - 1


#: By kind, what is looked for; the other kinds have nothing that could leave its width unseen.
LOOKS: dict[str, Look] = {
    "LIF": _lif,
    "TernaryLIF": _lif,
    "Sign": _sign,
    "LeakyIntegrator": _integrator,
    "Graded": _graded,
    "Polynomial": _polynomial,
    "Bus": _bus,
    "SigmaDelta": _sigma_delta,
    "WinnerTakeAll": _winners,
    **dict.fromkeys(("Dense", "Transpose", "Sparse", "BlockDense"), _synapses),
    "Conv2d": _conv2d,
}
