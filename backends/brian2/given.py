"""given: what a run is given, as the arrays that a network reads: data, weights, random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job
from hebbgraph.backends.brian2.kernels.learning import drawn_bits
from hebbgraph.backends.brian2.plan import Layout, Plan, Plasticity
from hebbgraph.recording import Learned

Array = NDArray[Any]


def given_arrays(plan: Plan, layout: Layout, job: Job) -> dict[str, Array]:
    """Return arrays by their keys in the text of the network.

    Data of sources have the shape (rounds, copies, steps given, units); in a compiled network they
    are rows of a TimedArray, one per step.
    """
    found: dict[str, Array] = {}
    for path, data in job.inputs.items():
        lying = data.reshape(layout.rounds, layout.copies, *data.shape[1:])
        found[path] = _rows(lying, layout) if plan.compiled else lying
    for path, start in job.learned.items():
        p = plan.plastic[path]
        if not p.accumulator:
            found[f"{path}.accumulator"], found[f"{path}.momentum"] = (
                start.accumulator,
                start.momentum,
            )
            continue
        found |= {f"{p.name}.{name}": values for name, values in effective(p, start).items()}
    for p in plan.plastic.values():
        if p.draws:
            found[p.draws] = _draws(p, layout, job.first_episode)
    return found


def effective(p: Plasticity, start: Learned) -> dict[str, Array]:
    """Return the variables of plastic synapses at the start of a run, one number per synapse."""
    held = start.accumulator.ravel()
    found = {p.accumulator: held}
    if p.accumulator != "w":
        found["w"] = (held + 2 ** (p.rule.fraction - 1)) >> p.rule.fraction
    return found | ({"D": start.momentum.ravel()} if p.momentum else {})


def _rows(data: Array, layout: Layout) -> NDArray[np.float64]:
    """Return the rows of a TimedArray; zeros follow where the data ends before the episode does."""
    missing = layout.steps - data.shape[2]
    padded = np.pad(data, ((0, 0), (0, 0), (0, missing), (0, 0))).astype(np.float64)
    return padded.transpose(0, 2, 1, 3).reshape(layout.duration, -1)


def _draws(p: Plasticity, layout: Layout, first_episode: int) -> NDArray[np.float64]:
    """Return the random numbers of every step that ends an epoch, 0 in the others."""
    count = int(np.prod(p.shape)) if p.rule.rounding == "stochastic" else 1
    rows = np.zeros((layout.rounds, layout.steps, count))
    for turn in range(layout.rounds):
        for step in range(layout.steps):
            if p.rule.learns_at(step, layout.steps):
                episode = first_episode + turn
                rows[turn, step] = drawn_bits(
                    p.rule.seed, p.path, episode, step, count, p.rule.shift
                )
    flat = rows.reshape(layout.duration, count)
    return flat if p.rule.rounding == "stochastic" else flat[:, 0]
