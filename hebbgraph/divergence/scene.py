"""Scene: what surrounds a divergent event, small enough to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.divergence.event import Divergence, Observed, differing
from hebbgraph.graph import Graph

#: Steps shown before and after the event, and units (or weights a side) in all.
BEFORE, AFTER, UNITS = 24, 12, 40

#: What a cell shows: nothing, a spike (or a weight) in both, in the reference only, in the engine
#: only, values that differ.
NONE, BOTH, MISSING, ADDED, OTHER = range(5)


@dataclass(frozen=True, eq=False)
class Scene:
    """The process that departed, around the event."""

    event: Divergence
    #: Steps (the columns) and units (the rows) of `cells`; of weights, the synapses of the event's
    #: moment: presynaptic and postsynaptic units.
    columns: range
    rows: range
    #: What each unit did in each step, (units, steps): one of the five above.
    cells: NDArray[np.int8]
    #: Steps of the traces; what is traced (``v``), at the event's unit; empty if nothing was.
    steps: range
    variable: str
    expected: NDArray[np.float64]
    got: NDArray[np.float64]


def scene(
    graph: Graph, event: Divergence, expected: Observed, got: Observed, first: int, tolerance: float
) -> Scene:
    """Return what surrounds `event`; `first` is the episode with which the runs begin."""
    row = event.episode - first
    process = graph.flat_processes[event.process]
    if event.kind in ("weight", "learned"):
        return _synapses(event, expected, got, row, tolerance, process.inputs["s"].size)
    if event.process in expected.spikes:
        ours, theirs = (run.spikes[event.process][row] for run in (expected, got))
        cells = _spikes(ours, theirs)
    else:
        target = f"{event.process}.{event.variable}"
        ours, theirs = (run.states[target][row] for run in (expected, got))
        cells = np.where(differing(ours, theirs, tolerance), OTHER, NONE).astype(np.int8)
    steps = _about(event.step, len(cells), BEFORE, AFTER)
    units = _about(event.unit, cells.shape[1], UNITS // 2, UNITS // 2)
    names = [event.variable, *process.states, *process.outputs]
    traced = [n for n in names if f"{event.process}.{n}" in expected.states]
    shown = cells[steps.start : steps.stop, units.start : units.stop].T
    if not traced:
        nothing = np.zeros(0)
        return Scene(event, steps, units, shown, range(0), "", nothing, nothing)
    # Where spikes differ, what they were decided by says more than a state that was reset since.
    name = "v" if event.kind == "spike" and "v" in traced else traced[0]
    target = f"{event.process}.{name}"
    traces = [
        run.states[target][row, steps.start : steps.stop, event.unit].astype(np.float64)
        for run in (expected, got)
    ]
    return Scene(event, steps, units, shown, steps, name, *traces)


def _spikes(expected: NDArray[Any], got: NDArray[Any]) -> NDArray[np.int8]:
    both = np.where(expected == got, BOTH, OTHER)
    one = np.where(expected != 0, MISSING, np.where(got != 0, ADDED, NONE))
    return np.where((expected != 0) & (got != 0), both, one).astype(np.int8)


def _synapses(
    event: Divergence, expected: Observed, got: Observed, row: int, tolerance: float, width: int
) -> Scene:
    """Return the matrix of weights at the event, and the weight of the event over time."""
    target, pre = f"{event.process}.{event.variable}", event.pre or 0
    runs: Sequence[Observed] = (expected, got)
    recorded = event.kind == "weight"
    steps = range(0)
    traces = [np.zeros(0), np.zeros(0)]
    if recorded:
        matrices = [run.states[target][row, event.step].reshape(-1, width) for run in runs]
        steps = _about(event.step, expected.states[target].shape[1], BEFORE, AFTER)
        index = event.unit * width + pre
        traces = [
            run.states[target][row, steps.start : steps.stop, index].astype(np.float64)
            for run in runs
        ]
    else:
        matrices = [run.weights[target] for run in runs]
    ours, theirs = matrices
    cells = np.where(differing(ours, theirs, tolerance), OTHER, NONE).astype(np.int8)
    rows = _about(event.unit, cells.shape[0], UNITS // 2, UNITS // 2)
    columns = _about(pre, cells.shape[1], UNITS // 2, UNITS // 2)
    shown = cells[rows.start : rows.stop, columns.start : columns.stop]
    return Scene(event, columns, rows, shown, steps, "weight" if recorded else "", *traces)


def _about(centre: int, size: int, before: int, after: int) -> range:
    """Return a range of up to `before` + `after` + 1 around `centre`, within 0 to `size`."""
    stop = min(size, max(centre + after + 1, before + after + 1))
    return range(max(0, min(centre - before, stop - before - after - 1)), stop)
