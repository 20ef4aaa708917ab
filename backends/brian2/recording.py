"""recording: what the monitors of a network hold, as a `Recording`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.brian2.plan import Layout, Monitor, Plan, Plasticity
from hebbgraph.recording import Learned, Recording

Array = NDArray[Any]


def recording(plan: Plan, layout: Layout, objects: Mapping[str, Any]) -> Recording:
    """Return what happened; `objects` are the parts of the network by name."""
    spikes: dict[str, Array] = {}
    active: dict[str, Array] = {}
    states: dict[str, Array] = {}
    for monitor in plan.monitors:
        population = plan.population(monitor.path)
        if monitor.spikes:
            held = objects[f"{monitor.population}_spikes"]
            spikes[monitor.path] = _raster(monitor, held, layout, population.units)
        for variable in monitor.variables:
            held = objects[f"{monitor.population}_states"]
            values = np.asarray(getattr(held, variable))
            shape = layout.copies, population.units, layout.rounds, layout.steps
            values = values.reshape(shape).transpose(2, 0, 3, 1)
            values = values.reshape(layout.episodes, layout.steps, population.units)
            if variable == monitor.watched:
                active[monitor.path] = values != 0
            if variable in monitor.probed:
                states[f"{monitor.path}.{variable}"] = np.ascontiguousarray(values)
    for plastic in plan.plastic.values():
        if plastic.probed:
            states[f"{plastic.path}.weights"] = _weights(plastic, layout, objects, plan)
    learned = {p.path: _learned(p, objects, plan) for p in plan.plastic.values()}
    return Recording(spikes, active, states, learned)


def _raster(monitor: Monitor, held: Any, layout: Layout, units: int) -> Array:
    """Return the spikes of one process, (episodes, steps, units)."""
    dtype = np.int8 if monitor.ternary else bool
    raster = np.zeros((layout.rounds, layout.copies, layout.steps, units), dtype)
    turn, step = np.divmod(np.rint(np.asarray(held.t_) * 1000).astype(np.int64), layout.steps)
    copy, unit = np.divmod(np.asarray(held.i), units)
    raster[turn, copy, step, unit] = np.asarray(held.s) if monitor.ternary else True
    return raster.reshape(layout.episodes, layout.steps, units)


def _weights(p: Plasticity, layout: Layout, objects: Mapping[str, Any], plan: Plan) -> Array:
    """Return the weights after every step, the same for all episodes of a batch."""
    if p.accumulator:
        rows = np.asarray(objects[f"{p.name}_states"].w).T
    else:
        rows = np.array(objects[f"{p.name}_recorded"])
    rows = rows.reshape(layout.rounds, layout.steps, -1)
    dtype = np.float64 if plan.domain == "float" else np.int64
    return np.repeat(rows, layout.copies, axis=0).astype(dtype)


def _learned(p: Plasticity, objects: Mapping[str, Any], plan: Plan) -> Learned:
    """Return what one set of synapses has learned."""
    dtype = np.float64 if plan.domain == "float" else np.int64
    if not p.accumulator:
        held = objects[f"{p.name}_learner"]
        accumulator, momentum = held.accumulator.astype(dtype), held.momentum.astype(dtype)
        return Learned(accumulator, momentum, held.events, held.changed)
    synapses = objects[p.name]
    accumulator = np.array(getattr(synapses, p.accumulator)[:]).reshape(p.shape)
    momentum = np.array(synapses.D[:]).reshape(p.shape) if p.momentum else np.zeros(p.shape, dtype)
    events = int(np.asarray(objects[p.counts].learned[:])[0])
    return Learned(accumulator, momentum, events, int(np.asarray(synapses.changed[:]).sum()))
