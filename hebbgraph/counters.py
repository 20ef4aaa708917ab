"""Event counters, derived centrally from rasters so that every back end counts alike.

Law: the same graph, inputs and raster give the same counters on every back end. Pricing them is
`hebbgraph.energy`'s work.

An *event* is one nonzero value carried by one connection; it counts at the step in which it
arrives. Two connections into one port carry two events even where their values cancel, because a
machine has to move and process both. What is still under way when an episode ends does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import LIF, Dense, Input

#: Bits of one synaptic memory word (Loihi: 64; Davies et al., doi:10.1109/MM.2018.112130359).
WORD_BITS = 64
#: Bits that one synapse takes in memory: 8-bit weight and sign.
SYNAPSE_BITS = 9
#: Bits of one graded value, or one state, that crosses the border to the host (Loihi: 24).
VALUE_BITS = 24


@dataclass(frozen=True)
class ProcessCounts:
    """Counts of one process over a whole run (all episodes and steps)."""

    #: Spikes emitted.
    spikes: int = 0
    #: Nonzero graded values emitted, by inputs and by synapses that feed other synapses.
    graded_events: int = 0
    #: Unit-steps: every unit is visited once a step.
    neuron_accesses: int = 0
    #: Unit-steps in which the unit has a bias, receives an event through a nonzero synapse or a
    #: wire, or spikes.
    updates_active: int = 0
    #: The other unit-steps: only the leak was computed.
    updates_idle: int = 0
    #: Synaptic operations by spikes (accumulate): events from ports that spike, times the
    #: nonzero synapses of the unit each came from.
    synops_ac: int = 0
    #: Synaptic operations by graded values (multiply and accumulate): events from graded ports
    #: likewise, whatever their value.
    synops_mac: int = 0
    #: What a machine without sparsity does: every weight, every step.
    synops_dense: int = 0
    #: Words of synaptic memory read: per event, its nonzero synapses in 64-bit words.
    synaptic_words: int = 0
    #: Weights that learning changed. This and the next four are learning, apart from inference.
    weight_updates: int = 0
    #: Plastic synapses that learning looked at, changed or not.
    learning_visits: int = 0
    #: Updates of eligibility traces.
    trace_updates: int = 0
    #: Operations on third factors.
    third_factor_ops: int = 0
    #: Random numbers drawn, for stochastic rounding and the like.
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
    #: Bits that leave: per step and unit, one for a recorded spike port, 24 for a recorded state.
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

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Counters:
        """Return the counters that `as_dict` described."""
        processes = {p: ProcessCounts(**counts) for p, counts in document["processes"].items()}
        return cls(processes=processes, **document["run"])


#: Counters by name: those of processes, then those of the run.
COUNTERS: tuple[str, ...] = tuple(
    field.name
    for kind in (ProcessCounts, Counters)
    for field in fields(kind)
    if field.name != "processes"
)
#: The counters that only learning raises.
LEARNING = frozenset(
    ("weight_updates", "learning_visits", "trace_updates", "third_factor_ops", "random_draws")
)
#: Counters that measure the length of a run; nothing happens on a machine when they rise.
LENGTHS = frozenset(("episodes", "timesteps"))


def count(
    graph: Graph,
    inputs: Mapping[str, NDArray[Any]],
    spikes: Mapping[str, NDArray[np.bool_]],
    steps: int,
) -> Counters:
    """Return the counters of one run of `graph`.

    `inputs` is what each Input emitted, `spikes` what each spiking process emitted, both by path
    with shape (episodes, steps, units); an input that ends early emits nothing afterwards.
    """
    episodes = next((len(array) for array in (*inputs.values(), *spikes.values())), 1)
    emitted = _with_relays(graph, {**inputs, **spikes}, episodes, steps)
    counts: dict[str, ProcessCounts] = {}
    for path, process in graph.walk():
        if isinstance(process, Input):
            counts[path] = _count_input(process, emitted[path])
        elif isinstance(process, Dense):
            counts[path] = _count_dense(graph, path, process, emitted, episodes, steps)
        elif isinstance(process, LIF):
            counts[path] = _count_lif(graph, path, process, emitted, steps)
        else:
            raise AssertionError(f"no counting rule for {type(process).__name__}")
    entered = [counts[path] for path in graph.of_kind(Input)]
    return Counters(
        processes=counts,
        episodes=episodes,
        timesteps=episodes * steps,
        barriers=episodes * steps,
        host_in_bits=sum(c.spikes + VALUE_BITS * c.graded_events for c in entered),
        host_out_bits=episodes * steps * _recorded_bits(graph),
    )


def _recorded_bits(graph: Graph) -> int:
    """Return the bits that probes read out each step; inputs come from the host and cost none."""
    bits = 0
    for probe in graph.flat_probes:
        process = graph.flat_processes[probe.path]
        units = next(iter(process.outputs.values())).size
        if not isinstance(process, Input):
            bits += units * (VALUE_BITS if probe.variable in process.STATES else 1)
    return bits


def _with_relays(
    graph: Graph, emitted: dict[str, NDArray[Any]], episodes: int, steps: int
) -> dict[str, NDArray[Any]]:
    """Return `emitted` and what each Dense emits that feeds another synapse.

    No raster holds these graded values, so they are computed as the reference defines them. A
    synapse hears only earlier steps (its delays are 1 or more), so any order within a step will do.
    """
    dense = graph.of_kind(Dense)
    relays = [
        path
        for path in dense
        if any(
            c.source == f"{path}.a" and c.target.rpartition(".")[0] in dense
            for c in graph.flat_connections
        )
    ]
    if not relays:
        return emitted
    from hebbgraph.backends.reference.steps import STEPS  # the definition; it needs the processes

    dtype = np.float64 if graph.domain == "float" else np.int64
    step = STEPS["Dense", graph.domain]
    for path in relays:
        emitted[path] = np.zeros((episodes, steps, dense[path].weights.shape[0]), dtype)
    for t in range(steps):
        for path in relays:
            arriving = np.zeros((episodes, dense[path].weights.shape[1]), dtype)
            for connection in graph.sources(f"{path}.s"):
                sent_at = t - (connection.delay or 0)
                source = emitted[connection.source.rpartition(".")[0]]
                if 0 <= sent_at < source.shape[1]:
                    arriving = arriving + source[:, sent_at]
            emitted[path][:, t] = step(dense[path], {}, {"s": arriving})["a"]
    return emitted


def _count_input(process: Input, values: NDArray[Any]) -> ProcessCounts:
    events = int(np.count_nonzero(values))
    if process.signal == "spike":
        return ProcessCounts(spikes=events)
    return ProcessCounts(graded_events=events)


def _count_dense(
    graph: Graph,
    path: str,
    process: Dense,
    emitted: Mapping[str, NDArray[Any]],
    episodes: int,
    steps: int,
) -> ProcessCounts:
    fan_out = np.count_nonzero(process.weights, axis=0).astype(np.int64)
    words = -(-fan_out * SYNAPSE_BITS // WORD_BITS)
    synops = {"spike": 0, "graded": 0}
    words_read = 0
    for connection in graph.sources(f"{path}.s"):
        events = _events_by_unit(connection, emitted, steps)
        synops[graph.port(connection.source).signal] += int(events @ fan_out)
        words_read += int(events @ words)
    return ProcessCounts(
        graded_events=int(np.count_nonzero(emitted[path])) if path in emitted else 0,
        synops_ac=synops["spike"],
        synops_mac=synops["graded"],
        synops_dense=episodes * steps * process.weights.size,
        synaptic_words=words_read,
    )


def _count_lif(
    graph: Graph, path: str, process: LIF, emitted: Mapping[str, NDArray[Any]], steps: int
) -> ProcessCounts:
    raster = emitted[path]
    biased = np.asarray(process.bias) != 0
    updates = raster.size
    if not biased.all():
        active = raster | biased
        for connection in graph.sources(f"{path}.a"):
            source = connection.source.rpartition(".")[0]
            synapse = graph.flat_processes[source]
            if isinstance(synapse, Dense):
                touched = _touched(graph, source, synapse, emitted, raster.shape[:2])
                active |= _delayed(touched, connection.delay or 0, steps)
            else:
                active |= _events(connection, emitted, steps)
        updates = int(np.count_nonzero(active))
    return ProcessCounts(
        spikes=int(np.count_nonzero(raster)),
        neuron_accesses=raster.size,
        updates_active=updates,
        updates_idle=raster.size - updates,
    )


def _touched(
    graph: Graph,
    path: str,
    process: Dense,
    emitted: Mapping[str, NDArray[Any]],
    shape: tuple[int, ...],
) -> NDArray[np.bool_]:
    """Return where an event passes a nonzero synapse: (episodes, steps, postsynaptic units)."""
    arriving = np.zeros((*shape, process.weights.shape[1]), dtype=bool)
    for connection in graph.sources(f"{path}.s"):
        arriving |= _events(connection, emitted, shape[1])
    synapses = (process.weights != 0).T.astype(np.float32)
    return np.asarray(arriving.astype(np.float32) @ synapses > 0)


def _events(
    connection: Connection, emitted: Mapping[str, NDArray[Any]], steps: int
) -> NDArray[np.bool_]:
    """Return where `connection` delivers a nonzero value: (episodes, steps, units)."""
    values = emitted[connection.source.rpartition(".")[0]]
    return _delayed(np.asarray(values != 0), connection.delay or 0, steps)


def _events_by_unit(
    connection: Connection, emitted: Mapping[str, NDArray[Any]], steps: int
) -> NDArray[np.int64]:
    """Return how many nonzero values `connection` delivers from each unit: (units,)."""
    kept = max(0, steps - (connection.delay or 0))
    values = emitted[connection.source.rpartition(".")[0]][:, :kept]
    mask = values if values.dtype == bool else values != 0
    counts: NDArray[np.int64] = mask.sum(axis=1, dtype=np.int64).sum(axis=0)
    return counts


def _delayed(values: NDArray[np.bool_], delay: int, steps: int) -> NDArray[np.bool_]:
    """Return `values` (episodes, given, units) `delay` steps later, nothing before or after."""
    late = np.zeros((values.shape[0], steps, values.shape[2]), dtype=bool)
    kept = values[:, : max(0, steps - delay)]
    late[:, delay : delay + kept.shape[1]] = kept
    return late
