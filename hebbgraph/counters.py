"""Event counters, derived centrally from rasters so that every back end counts alike.

Law: the same graph, inputs and raster give the same counters on every back end. Pricing them is
`hebbgraph.energy`'s work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.processes import LIF, Dense, Input

#: Bits of one synaptic memory word (Loihi: 64).
WORD_BITS = 64
#: Bits that one synapse takes in memory: 8-bit weight and sign.
SYNAPSE_BITS = 9


@dataclass(frozen=True)
class ProcessCounts:
    """Counts of one process over a whole run (all episodes and steps)."""

    #: Spikes emitted.
    spikes: int = 0
    #: Nonzero graded values emitted (by inputs).
    graded_events: int = 0
    #: Unit-steps: every unit is visited once a step.
    neuron_accesses: int = 0
    #: Unit-steps in which the unit has a bias, receives an event through a nonzero synapse or a
    #: wire, or spikes.
    updates_active: int = 0
    #: The other unit-steps: only the leak was computed.
    updates_idle: int = 0
    #: Synaptic operations by spikes: spike times nonzero targets.
    synops_ac: int = 0
    #: Synaptic operations by graded values: nonzero value times nonzero targets.
    synops_mac: int = 0
    #: What a machine without sparsity does: every weight, every step.
    synops_dense: int = 0
    #: Words of synaptic memory read: per event, its nonzero synapses in 64-bit words.
    synaptic_words: int = 0
    #: Learning, apart from inference.
    weight_updates: int = 0
    learning_visits: int = 0
    trace_updates: int = 0
    third_factor_ops: int = 0
    random_draws: int = 0


@dataclass(frozen=True)
class Counters:
    """Counts by process path, and of the run as a whole."""

    processes: Mapping[str, ProcessCounts]
    episodes: int
    #: Steps over all episodes.
    timesteps: int
    #: Barrier synchronisations: one a step.
    barriers: int
    #: Bits that enter: one per input spike, 24 per nonzero graded value.
    host_in_bits: int
    #: Bits that leave: one per recorded unit and step.
    host_out_bits: int

    def total(self, counter: str) -> int:
        """Return one counter of `ProcessCounts` summed over processes, or one of the run."""
        if counter in {f.name for f in fields(ProcessCounts)}:
            return sum(int(getattr(counts, counter)) for counts in self.processes.values())
        return int(getattr(self, counter))

    def totals(self) -> dict[str, int]:
        """Return every counter, summed over processes."""
        names = [f.name for f in fields(ProcessCounts)]
        names += [f.name for f in fields(self) if f.name != "processes"]
        return {name: self.total(name) for name in names}

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types: the run's counts, and per process those that are not 0."""
        run = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "processes"}
        per_process = {}
        for path, counts in self.processes.items():
            per_process[path] = {
                f.name: getattr(counts, f.name) for f in fields(counts) if getattr(counts, f.name)
            }
        return {"run": run, "processes": per_process}


def count(
    graph: Graph,
    inputs: Mapping[str, NDArray[Any]],
    spikes: Mapping[str, NDArray[np.bool_]],
    steps: int,
) -> Counters:
    """Return the counters of one run of `graph`.

    `inputs` is what each Input emitted, `spikes` what each spiking process emitted, both by path
    with shape (episodes, steps, units). An event counts at the step in which it arrives; what is
    still under way when the episode ends does not.
    """
    emitted = {**inputs, **spikes}
    episodes = next((len(array) for array in emitted.values()), 1)
    counts: dict[str, ProcessCounts] = {}
    for path, process in graph.walk():
        if isinstance(process, Input):
            counts[path] = _count_input(process, emitted[path])
        elif isinstance(process, Dense):
            counts[path] = _count_dense(graph, path, process, emitted, episodes * steps)
        elif isinstance(process, LIF):
            counts[path] = _count_lif(graph, path, process, emitted)
        else:
            raise AssertionError(f"no counting rule for {type(process).__name__}")
    recorded = [probe.path for probe in graph.flat_probes if probe.path in spikes]
    return Counters(
        processes=counts,
        episodes=episodes,
        timesteps=episodes * steps,
        barriers=episodes * steps,
        host_in_bits=sum(
            counts[path].spikes + 24 * counts[path].graded_events for path in graph.of_kind(Input)
        ),
        host_out_bits=sum(int(spikes[path].size) for path in recorded),
    )


def _count_input(process: Input, values: NDArray[Any]) -> ProcessCounts:
    events = int(np.count_nonzero(values))
    if process.signal == "spike":
        return ProcessCounts(spikes=events)
    return ProcessCounts(graded_events=events)


def _count_dense(
    graph: Graph, path: str, process: Dense, emitted: Mapping[str, NDArray[Any]], timesteps: int
) -> ProcessCounts:
    arriving = _arrivals(graph, f"{path}.s", emitted)
    events = np.count_nonzero(arriving, axis=(0, 1)).astype(np.int64)
    fan_out = np.count_nonzero(process.weights, axis=0).astype(np.int64)
    words = -(-fan_out * SYNAPSE_BITS // WORD_BITS)
    synops = int(events @ fan_out)
    binary = graph.arrives_as(f"{path}.s") == "spike"
    return ProcessCounts(
        synops_ac=synops if binary else 0,
        synops_mac=0 if binary else synops,
        synops_dense=timesteps * process.weights.size,
        synaptic_words=int(events @ words),
    )


def _count_lif(
    graph: Graph, path: str, process: LIF, emitted: Mapping[str, NDArray[Any]]
) -> ProcessCounts:
    raster = emitted[path]
    active = raster.astype(bool)
    biased = np.asarray(process.bias) != 0
    if not biased.all():
        for connection in graph.sources(f"{path}.a"):
            source, _, _ = connection.source.rpartition(".")
            events = _touched(graph, source, emitted)
            active |= _delayed(events, connection.delay or 0)
    active = active | biased
    updates = int(np.count_nonzero(active))
    return ProcessCounts(
        spikes=int(np.count_nonzero(raster)),
        neuron_accesses=raster.size,
        updates_active=updates,
        updates_idle=raster.size - updates,
    )


def _touched(graph: Graph, path: str, emitted: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return where a process sends an event: a nonzero value, or through a nonzero synapse."""
    process = graph.flat_processes[path]
    if not isinstance(process, Dense):
        return np.asarray(emitted[path] != 0)
    events = (_arrivals(graph, f"{path}.s", emitted) != 0).astype(np.float32)
    return np.asarray(events @ (process.weights != 0).T.astype(np.float32) > 0)


def _arrivals(graph: Graph, target: str, emitted: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return what arrives at a synapse's port, summed over its connections."""
    sources = graph.sources(target)
    total: NDArray[Any] | None = None
    for connection in sources:
        path = connection.source.rpartition(".")[0]
        values = _delayed(emitted[path], connection.delay or 0)
        total = values if total is None else total + 1 * values
    if total is None:
        shape = next(iter(emitted.values())).shape[:2] if emitted else (1, 0)
        return np.zeros((*shape, graph.port(target).size), dtype=bool)
    return total


def _delayed(values: NDArray[Any], delay: int) -> NDArray[Any]:
    """Return `values` (episodes, steps, units) `delay` steps later, zeros before."""
    if delay == 0:
        return values
    late = np.zeros_like(values)
    late[:, delay:] = values[:, :-delay]
    return late
