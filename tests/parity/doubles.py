"""Test doubles: back ends that run the reference's interpreter with one thing wrong in it.

Every broken step is written out here, without `hebbgraph.divergence`, which has to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hebbgraph.backend import Availability, Capability, Executable, Job, Progress
from hebbgraph.backends.reference import BACKEND as REFERENCE
from hebbgraph.backends.reference.interpreter import Interpreter
from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Step
from hebbgraph.graph import Graph
from hebbgraph.processes import Dense
from hebbgraph.random import stream
from hebbgraph.recording import Recording

B = 2**23


@dataclass(eq=False)
class Double:
    """A back end with other steps, another `Plastic`, another graph or other data."""

    capability: Capability
    steps: Callable[[], Mapping[tuple[str, str], Step]] = dict
    plastic: Callable[..., Plastic] = Plastic
    graph: Callable[[Graph], Graph] = lambda graph: graph
    job: Callable[[Graph, Job], Job] = lambda graph, job: job
    after: Callable[[Recording], Recording] = lambda recording: recording
    found: Availability = field(default=Availability(True))

    def availability(self) -> Availability:
        return self.found

    def lower(self, graph: Graph, options: Mapping[str, Any]) -> Executable:
        return Broken(self, self.graph(graph))


class Broken:
    """What a double runs."""

    def __init__(self, double: Double, graph: Graph) -> None:
        self.double, self.graph = double, graph

    @property
    def artefact(self) -> None:
        return None

    def run(self, job: Job, progress: Progress | None = None) -> Recording:
        steps = {**STEPS, **self.double.steps()}
        interpreter = Interpreter(self.graph, steps, self.double.plastic)
        recording = interpreter.run(self.double.job(self.graph, job), progress)
        return self.double.after(recording)

    def close(self) -> None:
        pass


def double(name: str, **parts: Any) -> Double:
    return Double(replace(REFERENCE.capability, name=name), **parts)


# --- LIF, written anew -------------------------------------------------------------------------


def tz(x: Any) -> Any:
    return np.sign(x) * (np.abs(x) >> 12)


def lif(
    *,
    divide: Callable[[Any], Any] = tz,
    wrap: bool = True,
    saturate: bool = True,
    at_threshold: bool = False,
    subtract: bool = False,
    old_u: bool = False,
) -> dict[tuple[str, str], Step]:
    """Return LIF in both domains, with something wrong; no noise, no gate, no refractory period."""

    def finish(state: Any, u: Any, v: Any, level: Any) -> Any:
        s = v >= level if at_threshold else v > level
        state["u"] = u
        state["v"] = np.where(s, v - level if subtract else 0, v)
        return s

    def floating(p: Any, state: Any, arriving: Any) -> Any:
        u = state["u"] * (1 - p.decay_u) + arriving["a"]
        v = state["v"] * (1 - p.decay_v) + (state["u"] if old_u else u) + p.bias
        return finish(state, u, v, p.threshold)

    def fixed(p: Any, state: Any, arriving: Any) -> Any:
        u = divide(state["u"] * (4095 - p.decay_u)) + 64 * arriving["a"]
        if wrap:
            u = np.where(u > B, u - 2 * B, u)
            u = np.where(u <= -B, u + 2 * B, u)
        current = state["u"] if old_u else u
        v = divide(state["v"] * (4096 - p.decay_v)) + current + p.bias * 2**p.bias_exponent
        if saturate:
            v = np.clip(v, -B + 1, B - 1)
        return finish(state, u, v, 64 * p.threshold)

    return {("LIF", "float"): floating, ("LIF", "fixed"): fixed}


def floor(x: Any) -> Any:
    return np.floor_divide(x, 4096)


def nearest(x: Any) -> Any:
    return np.floor_divide(x + 2048, 4096)


# --- sums --------------------------------------------------------------------------------------


def backwards() -> dict[tuple[str, str], Step]:
    """Return Dense that adds its float terms one by one, the last one first."""

    def summed(p: Any, state: Any, arriving: Any) -> Any:
        total = np.zeros((len(arriving["s"]), len(state["weights"])))
        for j in reversed(range(state["weights"].shape[1])):
            total = total + arriving["s"][:, j : j + 1] * state["weights"][:, j]
        return total

    return {("Dense", "float"): summed}


def single() -> dict[tuple[str, str], Step]:
    """Return Dense that computes in float32."""

    def summed(p: Any, state: Any, arriving: Any) -> Any:
        s, w = arriving["s"].astype(np.float32), state["weights"].astype(np.float32)
        return (s @ w.T).astype(np.float64)

    return {("Dense", "float"): summed}


def late_weights() -> dict[tuple[str, str], Step]:
    """Return Dense whose weights, as they were learned, act a step late."""
    queues: dict[int, Any] = {}

    def altered(step: Step) -> Step:
        def taken(p: Any, state: Any, arriving: Any) -> Any:
            fresh = state["weights"].copy()
            held = {**state, "weights": queues.get(id(p), fresh)}
            queues[id(p)] = fresh
            return step(p, held, arriving)

        return taken

    return {key: altered(STEPS[key]) for key in (("Dense", "float"), ("Dense", "fixed"))}


# --- graphs and data ---------------------------------------------------------------------------


def slower(graph: Graph) -> Graph:
    """Return `graph` whose synapses are reached one step later."""
    wires = tuple(replace(c, delay=(c.delay or 0) + bool(c.delay)) for c in graph.connections)
    return replace(graph, connections=wires)


def one_delay(graph: Graph) -> Graph:
    """Return `graph` in which all synapses of a Dense have the same delay."""
    plain = {p: replace(d, delays=0) for p, d in graph.of_kind(Dense).items()}
    return replace(graph, processes={**graph.flat_processes, **plain})


def reseeded(path: str, make: Callable[[Job], Any]) -> Callable[[Graph, Job], Job]:
    """Return what gives the source at `path` other numbers."""

    def changed(graph: Graph, job: Job) -> Job:
        return replace(job, inputs={**job.inputs, path: make(job)})

    return changed


class OtherRounding(Plastic):
    """Rounds at random, by other random numbers."""

    def _random(self, shape: tuple[int, ...], bits: int, episode: int, step: int) -> Any:
        return stream(99, "mine", "own", step=step).integers(0, 2**bits, shape)


class Unbounded(Plastic):
    """Does not keep weights within their bounds."""

    def learn(self, gate: Any, episode: int, step: int) -> None:
        rule = self.rule
        self.rule = replace(rule, low=-(2**20), high=2**20)
        super().learn(gate, episode, step)
        self.rule = rule


class Truncating(Plastic):
    """Cuts changes of weights off instead of rounding them."""

    def __init__(self, path: str, rule: Any, *given: Any) -> None:
        super().__init__(path, replace(rule, rounding="truncate"), *given)
