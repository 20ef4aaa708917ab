"""Kernel: one graph, a batch of episodes, a chunk of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hebbgraph.backends.lava.worker.bounds import EXACT32, Bounds
from hebbgraph.backends.lava.worker.fused.plastic import plastic_for
from hebbgraph.backends.lava.worker.fused.synapses import (
    FixedSynapses,
    FloatSynapses,
    PlasticProduct,
    exact_dtype,
    static_product,
)
from hebbgraph.backends.lava.worker.fused.units import units_for
from hebbgraph.backends.lava.worker.plan import Array, Node, Plan, learns_at


@dataclass(frozen=True)
class Moment:
    """Where in a run a chunk of steps is."""

    #: Its first step within the episode, and how many steps the episode has.
    step: int
    steps: int
    #: The number of the first episode of the batch.
    episode: int


@dataclass
class _Task:
    """What is done with one node in every step."""

    node: Node
    #: The last emissions, one more than the longest delay: (slots, episodes, units).
    slots: Array
    #: What advances it by one step; None for a source.
    step: Any
    #: By input port, (slots of the source, delay) of every connection; learning ports apart.
    arrivals: dict[str, list[tuple[Array, int]]] = field(default_factory=dict)
    learning: dict[str, list[tuple[Array, int]]] = field(default_factory=dict)
    #: The raster it is recorded in; None if it is not observed.
    raster: str | None = None
    graded: bool = False


class Kernel:
    """Executes a plan; delays and states carry over from chunk to chunk until `reset`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        #: By path of synapses and units: what advances them by one step.
        self.steps: dict[str, Any] = {}
        #: The plastic synapses by path, while a run lasts.
        self.learning: dict[str, Any] = {}
        self.tasks: dict[str, _Task] = {}
        self.clock = 0
        self.bounds = Bounds(plan)
        self._peaks: dict[str, float] | None = None

    def load(self, learned: Mapping[str, tuple[Array, Array]], batch: int) -> None:
        """Begin a run: take (accumulator, momentum) of every set of plastic synapses."""
        self.learning = {
            path: plastic_for(path, node.rule, self.plan.domain, *learned[path], batch)
            for path, node in self.plan.plastic.items()
        }

    def reset(self, episodes: int, peaks: Mapping[str, float]) -> None:
        """Begin `episodes` new episodes: zero states, nothing under way.

        `peaks` holds the largest magnitude that each Input will emit: what it rules out - sums
        beyond float32, wrapping registers - is not looked for.
        """
        if peaks != self._peaks:
            self._prepare(peaks)
        self.clock = 0
        for step in self.steps.values():
            step.reset(episodes)
        for plastic in self.learning.values():
            plastic.begin(episodes)
        slots = {path: self._slots(node, episodes) for path, node in self.plan.nodes.items()}
        rasters = {key.partition("/")[2]: key for key in self.plan.rasters()}
        self.tasks = {}
        for path, node in self.plan.nodes.items():
            task = _Task(node, slots[path], self.steps.get(path), raster=rasters.get(path))
            task.graded = node.signal == "graded"
            for name, port in node.inputs.items():
                kept = task.learning if port.learning else task.arrivals
                kept[name] = [
                    (_as_wide_as(port.size, slots[wire.source]), wire.delay)
                    for wire in self.plan.wires(path, name)
                ]
            self.tasks[path] = task

    def run(
        self,
        inputs: Mapping[str, Array],
        rasters: Mapping[str, Array],
        states: Mapping[tuple[str, str], Array],
        steps: int,
        moment: Moment,
    ) -> None:
        """Run one chunk: read `inputs`, write `rasters` and `states`, (steps, episodes, units)."""
        for i in range(steps):
            clock = self.clock
            for path, task in self.tasks.items():
                slots = task.slots
                slot = slots[clock % len(slots)]
                if task.step is None:
                    slot[...] = inputs[path][i]
                    continue
                arriving = {name: self._arrival(w) for name, w in task.arrivals.items()}
                emitted = task.step.advance(arriving, slot)
                if task.raster is not None:
                    rasters[task.raster][i] = emitted != 0 if task.graded else emitted
            for path, plastic in self.learning.items():
                self._learn(self.tasks[path], plastic, moment, moment.step + i)
            for (path, variable), record in states.items():
                record[i] = self._state(path, variable)
            self.clock += 1

    def _learn(self, task: _Task, plastic: Any, moment: Moment, t: int) -> None:
        """Let synapses read this step's signals and, at the end of an epoch, learn."""
        due = learns_at(plastic.rule, t, moment.steps)
        if not (due or plastic.rule.traces):
            return
        ports = {"pre": "s", **{name: name for name in plastic.rule.ports}}
        plastic.read({name: self._signal(task, port) for name, port in ports.items()})
        if due:
            plastic.learn(self._signal(task, "gate"), moment.episode, t)

    def _signal(self, task: _Task, name: str) -> Array:
        """Return what arrives at a port that learning reads, in the type the reference has."""
        values = self._arrival({**task.arrivals, **task.learning}[name])
        if values is None:
            port = task.node.inputs[name]
            return np.full((task.slots.shape[1], port.size), port.default, self.plan.number)
        # A copy where a slot is meant: it will be overwritten while a trace may still be read.
        return values.astype(self.plan.number)

    def _arrival(self, wires: list[tuple[Array, int]]) -> Array | None:
        """Return the sum of what arrives over `wires`; None if there are none."""
        total: Array | None = None
        for slots, delay in wires:
            # A slot not yet written since the reset is zero: nothing was emitted before step 0.
            values = slots[(self.clock - delay) % len(slots)]
            total = values if total is None else np.add(total, values, dtype=np.float64)
        return total

    def _state(self, path: str, variable: str) -> Array:
        """Return a recorded variable as this step left it."""
        node = self.plan.nodes[path]
        if variable == node.output:
            slots = self.tasks[path].slots
            return slots[self.clock % len(slots)]
        if variable == "weights":
            weights: Array = self.learning[path].weights
            return weights.ravel()
        register: Array = self.steps[path].register(variable)
        return register

    def _prepare(self, peaks: Mapping[str, float]) -> None:
        """Choose the arithmetic of every step by the bounds."""
        self._peaks = dict(peaks)
        self.bounds = Bounds(self.plan, peaks)
        self.steps = {
            path: self._step(node)
            for path, node in self.plan.nodes.items()
            if node.role != "source"
        }

    def _slots(self, node: Node, episodes: int) -> Array:
        fixed = self.plan.domain == "fixed"
        narrow = fixed and self.bounds.leaving(node.path) < EXACT32
        dtype = np.float32 if narrow else np.float64
        return np.zeros((self.plan.depth(node.path) + 1, episodes, node.units), dtype)

    def _step(self, node: Node) -> Any:
        if node.role == "units":
            return units_for(self.plan, node, self.bounds)
        fixed = self.plan.domain == "fixed"
        bound = self.bounds.sums(node) if fixed else 0.0
        dtype = exact_dtype(bound) if fixed else np.float64
        holder = self.plan.holder(node)
        if holder.rule is None:
            product = static_product(self.plan, node, dtype)
        else:
            # Weights that learn are held in float64, and not converted in every step.
            dtype = np.float64 if dtype == np.float32 else dtype
            product = PlasticProduct(self.learning_of, holder.path, node is not holder, dtype)
        return FixedSynapses(product, node, bound) if fixed else FloatSynapses(product)

    def learning_of(self, path: str) -> Any:
        """Return the plastic synapses at `path` as they are now."""
        return self.learning[path]


def _as_wide_as(size: int, slots: Array) -> Array:
    """Return `slots`, or a view in which its one unit stands for `size`."""
    return slots if slots.shape[-1] == size else np.broadcast_to(slots, (*slots.shape[:2], size))
