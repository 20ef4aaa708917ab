"""Buffers: what the worker and Lava's processes share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hebbgraph.backends.lava.worker.memory import shared_array
from hebbgraph.backends.lava.worker.plan import Array, Plan

#: Bytes of shared memory per graph at most (touched pages only count), and episodes per batch.
BUFFER_BYTES = 2**27
BATCH = 256
#: Entries of `control`: Lava's time step before the chunk; whether an episode, and a run, begin
#: with the chunk; whether the run ends with it; how many steps and episodes it holds; its first
#: step within the episode, the steps of an episode, and the number of its first episode.
ORIGIN, FRESH, BEGIN, END, STEPS, EPISODES, STEP, LENGTH, EPISODE = range(9)


class Buffers:
    """Shared arrays: inputs, rasters, probed states, learned weights, and `control`.

    Data have one row per step and episode, (cells, units), of which a chunk is (steps, episodes,
    units); weights, which all episodes of a batch have in common, one row per step.
    """

    def __init__(self, plan: Plan, model: str, chunk: int) -> None:
        self.plan = plan
        sources = plan.of_kind("Input")
        number = np.dtype(plan.dtype).itemsize
        width = sum(node.units * number for node in sources)
        width += sum(units * np.dtype(dtype).itemsize for units, dtype in plan.rasters().values())
        shared = sum(_synapses(plan, path) * number for path, name in plan.states if _whole(name))
        width += sum(plan.nodes[p].units * number for p, name in plan.states if not _whole(name))
        self.steps = max(1, min(chunk, BUFFER_BYTES // max(1, shared)))
        fitting = max(1, BUFFER_BYTES // max(1, width))
        #: Rows; in the fused model as many as fit where a batch has to run side by side.
        self.cells = min(self.steps, fitting)
        if model == "fused":
            self.cells = fitting if plan.plastic else min(fitting, self.steps * BATCH)
        self.control = shared_array((9,), np.int64)
        self._peaks = shared_array((len(sources),), np.float64)
        self.inputs = {n.path: shared_array((self.cells, n.units), plan.dtype) for n in sources}
        self.rasters = {
            key: shared_array((self.cells, units), dtype)
            for key, (units, dtype) in plan.rasters().items()
        }
        self.states = {(path, name): self._record(path, name) for path, name in plan.states}
        self.learned = {path: Learning(plan, path) for path in plan.plastic}

    def peaks(self) -> dict[str, float]:
        """Return the largest magnitude that each Input emits in this run."""
        return {path: float(self._peaks[k]) for k, path in enumerate(self.inputs)}

    def announce(self, inputs: Mapping[str, Array]) -> None:
        """Note the peaks of `inputs`, rounded up to powers of two (so they seldom change)."""
        for index, path in enumerate(self.inputs):
            peak = float(np.abs(inputs[path]).max(initial=1))
            self._peaks[index] = 2.0 ** np.ceil(np.log2(max(peak, 1.0)))

    def batch(self, episodes: int) -> int:
        """Return how many of `episodes` independent episodes run side by side at most."""
        return min(episodes, BATCH, self.cells)

    def chunk(self, steps: int, episodes: int) -> tuple[Any, Any, Any]:
        """Return views of inputs, rasters and states, `steps` by `episodes`."""
        return (
            {path: _view(array, steps, episodes) for path, array in self.inputs.items()},
            {key: _view(array, steps, episodes) for key, array in self.rasters.items()},
            {
                key: _view(array, steps, 1 if _whole(key[1]) else episodes)
                for key, array in self.states.items()
            },
        )

    def _record(self, path: str, name: str) -> Array:
        if _whole(name):
            return shared_array((self.steps, _synapses(self.plan, path)), self.plan.dtype)
        return shared_array((self.cells, self.plan.nodes[path].units), self.plan.dtype)


class Learning:
    """What one set of plastic synapses begins a run with, and ends it with."""

    def __init__(self, plan: Plan, path: str) -> None:
        shape = plan.nodes[path].arrays["weights"].shape
        self.accumulator = shared_array(shape, plan.number)
        self.momentum = shared_array(shape, plan.number)
        #: Ends of epochs at which the rule was applied, weights that changed at one.
        self.counts = shared_array((2,), np.int64)

    def put(self, plastic: Any) -> None:
        """Keep what `plastic` holds at the end of a run."""
        self.accumulator[...], self.momentum[...] = plastic.accumulator, plastic.momentum
        self.counts[...] = plastic.events, plastic.changed


def _view(array: Array, steps: int, episodes: int) -> Array:
    return array[: steps * episodes].reshape(steps, episodes, -1)


def _whole(variable: str) -> bool:
    """Return whether a variable is one of all episodes together."""
    return variable == "weights"


def _synapses(plan: Plan, path: str) -> int:
    return int(plan.nodes[path].arrays["weights"].size)
