"""Event counters, derived centrally from activity so that every back end counts alike.

Law: the same graph, inputs and activity give the same counters on every back end. Pricing them is
`hebbgraph.energy`'s work.

An *event* is one nonzero value carried by one connection; it counts at the step in which it
arrives. Two connections into one port carry two events even where their values cancel, because a
machine has to move and process both. What is still under way when an episode ends does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import BlockDense, Conv2d, Dense, Input, Noise, Process, Sparse, Transpose
from hebbgraph.recording import Learned, Recording

#: Bits of one synaptic memory word (Loihi: 64; Davies et al., doi:10.1109/MM.2018.112130359).
WORD_BITS = 64
#: Bits that one synapse takes in memory: 8-bit weight and sign.
SYNAPSE_BITS = 9
#: Bits of one value, by signal, that crosses the border to the host (Loihi: 24 if graded).
VALUE_BITS = {"spike": 1, "ternary": 2, "graded": 24}


@dataclass(frozen=True)
class ProcessCounts:
    """Counts of one process over a whole run (all episodes and steps)."""

    #: Spikes emitted.
    spikes: int = 0
    #: Nonzero graded values emitted, by inputs, units and synapses that feed other synapses.
    graded_events: int = 0
    #: Random numbers emitted by a `Noise`.
    noise_draws: int = 0
    #: Unit-steps: every unit is visited once a step.
    neuron_accesses: int = 0
    #: Unit-steps in which the unit has a bias, receives an event through a nonzero synapse or a
    #: wire, or spikes.
    updates_active: int = 0
    #: The other unit-steps: only the leak was computed.
    updates_idle: int = 0
    #: Synaptic operations by spikes (accumulate): events from ports that spike, with a sign or
    #: without, times the synapses (not of weight 0) of the unit each came from.
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
    #: Values of third factors that were read, per end of epoch.
    third_factor_ops: int = 0
    #: Random numbers drawn for stochastic rounding.
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
    #: Bits that enter: one per input spike (two with a sign), 24 per nonzero graded value.
    host_in_bits: int
    #: Bits that leave: per step and unit, one for a recorded spike port (two with a sign), 24 for
    #: a graded port or a state, 9 for a weight.
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


def added(one: Counters, other: Counters) -> Counters:
    """Return the counters of two runs of the same memory, count by count."""
    none = ProcessCounts()
    paths = dict.fromkeys([*one.processes, *other.processes])
    processes = {
        path: ProcessCounts(
            **{
                f.name: getattr(one.processes.get(path, none), f.name)
                + getattr(other.processes.get(path, none), f.name)
                for f in fields(ProcessCounts)
            }
        )
        for path in paths
    }
    names = [f.name for f in fields(Counters) if f.name != "processes"]
    sums = {name: getattr(one, name) + getattr(other, name) for name in names}
    return Counters(processes=processes, **sums)


def count(
    graph: Graph, inputs: Mapping[str, NDArray[Any]], recording: Recording, steps: int
) -> Counters:
    """Return the counters of one run of `graph`.

    `inputs` is what each source emitted by path, (episodes, steps, units); one that ends early
    emits nothing afterwards. `recording` is what an engine returned.
    """
    return Events(graph, activity(inputs, recording), steps, recording.learned).counters()


def activity(
    inputs: Mapping[str, NDArray[Any]], recording: Recording
) -> dict[str, NDArray[np.bool_]]:
    """Return by path where something but 0 was emitted: (episodes, steps given, units)."""
    values = {**inputs, **recording.spikes, **recording.active}
    return {path: np.asarray(emitted != 0) for path, emitted in values.items()}


class Events:
    """Who was active when in one run, and what can be counted from it."""

    def __init__(
        self,
        graph: Graph,
        active: Mapping[str, NDArray[np.bool_]],
        steps: int,
        learned: Mapping[str, Learned] | None = None,
    ) -> None:
        self.graph, self.steps, self.learned = graph, steps, learned or {}
        #: By path, where something but 0 was emitted: (episodes, steps, units).
        self.active = active
        self.episodes = next((len(array) for array in self.active.values()), 1)

    def counters(self) -> Counters:
        """Return everything."""
        counts = {path: self._process(path, process) for path, process in self.graph.walk()}
        entered = 0
        for path, process in self.graph.of_kind(Input).items():
            events = counts[path].spikes + counts[path].graded_events
            entered += VALUE_BITS[process.signal] * events
        instants = self.episodes * self.steps
        return Counters(
            processes=counts,
            episodes=self.episodes,
            timesteps=instants,
            barriers=instants,
            host_in_bits=entered,
            host_out_bits=instants * sum(map(self._recorded_bits, self.graph.flat_probes)),
        )

    def _process(self, path: str, process: Process) -> ProcessCounts:
        if process.ROLE == "synapses":
            return self._synapses(path, process)
        if isinstance(process, Noise):
            return ProcessCounts(noise_draws=self.episodes * self.steps * process.size)
        if process.ROLE == "source":
            return ProcessCounts(**self._emitted(path, process))
        return self._units(path, process)

    def _emitted(self, path: str, process: Process) -> dict[str, int]:
        events = int(np.count_nonzero(self.active[path])) if path in self.active else 0
        return {"graded_events" if process.output.signal == "graded" else "spikes": events}

    def _synapses(self, path: str, process: Process) -> ProcessCounts:
        synops = {"spike": 0, "ternary": 0, "graded": 0}
        words_read = 0
        for connection in self.graph.sources(f"{path}.s"):
            signal = self.graph.port(connection.source).signal
            for delay, fan_out in self._fan_out(process):
                events = self._events_by_unit(connection, delay, len(fan_out))
                synops[signal] += int(events @ fan_out)
                words_read += int(events @ -(-fan_out * SYNAPSE_BITS // WORD_BITS))
        return ProcessCounts(
            **self._emitted(path, process),
            synops_ac=synops["spike"] + synops["ternary"],
            synops_mac=synops["graded"],
            synops_dense=self.episodes * self.steps * self._stored(process),
            synaptic_words=words_read,
            **(self._learning(path) if path in self.graph.plastic else {}),
        )

    def _learning(self, path: str) -> dict[str, int]:
        rule, learned = self.graph.plastic[path].rule, self.learned[path]
        assert rule is not None
        post, pre = self.graph.plastic[path].weights.shape
        sizes = {"post": post, "pre": pre, "all": 1}
        traces = sum(sizes[rule.sides[name]] for name in rule.traces)
        factors = sum(sizes[side] for side in rule.factors.values())
        divided = self.graph.domain == "fixed" and rule.shift > 0
        draws = {"stochastic": post * pre, "shared": 1}.get(rule.rounding, 0) if divided else 0
        return {
            "weight_updates": learned.changed,
            "learning_visits": learned.events * post * pre,
            "trace_updates": self.episodes * self.steps * traces,
            "third_factor_ops": learned.events * factors,
            "random_draws": learned.events * draws,
        }

    def _units(self, path: str, process: Process) -> ProcessCounts:
        accesses = self.active[path].size
        updates = int(np.count_nonzero(self.updated(path)))
        return ProcessCounts(
            **self._emitted(path, process),
            neuron_accesses=accesses,
            updates_active=updates,
            updates_idle=accesses - updates,
        )

    def updated(self, path: str) -> NDArray[np.bool_]:
        """Return where units have a bias, receive an event or spike: (episodes, steps, units)."""
        process, active = self.graph.flat_processes[path], self.active[path]
        if "bias" in process.PARAMETERS:
            active = active | (np.asarray(process.bias) != 0)  # type: ignore[attr-defined]
        for name in process.inputs:
            for connection in self.graph.sources(f"{path}.{name}"):
                if active.all():
                    return active
                heard = self._heard(connection)
                if heard.shape[-1] in (1, active.shape[-1]):
                    active = active | heard
                else:  # a group whose members hear different things is updated as a whole
                    active = active | heard.any(axis=-1, keepdims=True)
        return active

    def _heard(self, connection: Connection) -> NDArray[np.bool_]:
        """Return where `connection` brings a value that an event caused, per unit."""
        source = connection.source.rpartition(".")[0]
        process = self.graph.flat_processes[source]
        if process.ROLE != "synapses":
            return self._events(connection)
        touched = np.zeros((self.episodes, self.steps, process.output.size), dtype=bool)
        arriving = np.zeros((self.episodes, self.steps, process.inputs["s"].size), dtype=bool)
        for entering in self.graph.sources(f"{source}.s"):
            arriving |= self._events(entering)
        for delay, exists in self._existing(process):
            reached = arriving.astype(np.float32) @ exists > 0
            touched |= delayed(reached, delay, self.steps)
        return delayed(touched, connection.delay or 0, self.steps)

    def _events(self, connection: Connection) -> NDArray[np.bool_]:
        """Return where `connection` delivers a value but 0: (episodes, steps, units)."""
        values = self.active[connection.source.rpartition(".")[0]]
        return delayed(values, connection.delay or 0, self.steps)

    def _events_by_unit(self, connection: Connection, later: int, units: int) -> NDArray[np.int64]:
        """Return how many values but 0 arrive from each unit, `later` steps after delivery."""
        kept = max(0, self.steps - (connection.delay or 0) - later)
        mask = self.active[connection.source.rpartition(".")[0]][:, :kept]
        counts: NDArray[np.int64] = mask.sum(axis=1, dtype=np.int64).sum(axis=0)
        return np.broadcast_to(counts, (units,))

    def _fan_out(self, process: Process) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield (delay, number of synapses of every presynaptic unit) by the synapses' delays."""
        whole = self.whole(process)
        if whole is not None:
            yield 0, np.count_nonzero(whole, axis=0)
            return
        for delay, _, pre in self.delayed_synapses(process):
            yield delay, np.bincount(pre, minlength=process.inputs["s"].size)

    def _existing(self, process: Process) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield (delay, 1 where there is a synapse), (presynaptic, postsynaptic)."""
        whole = self.whole(process)
        if whole is not None:
            yield 0, whole.T.astype(np.float32)
            return
        for delay, post, pre in self.delayed_synapses(process):
            exists = np.zeros((process.inputs["s"].size, process.output.size), np.float32)
            exists[pre, post] = 1
            yield delay, exists

    def whole(self, process: Process) -> NDArray[np.bool_] | None:
        """Return where synapses exist that are a matrix without delays: no list of them is made."""
        held = self.graph.flat_processes[process.of] if isinstance(process, Transpose) else process
        if not isinstance(held, Dense) or held.longest_delay or held.rule:
            return None
        exists: NDArray[np.bool_] = held.weights != 0
        return exists.T if isinstance(process, Transpose) else exists

    def delayed_synapses(
        self, process: Process
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield (delay, postsynaptic, presynaptic units) of all synapses, by their own delay."""
        if isinstance(process, Transpose):
            dense = self.graph.flat_processes[process.of]
            pre, post = dense.synapses()  # the other way round
            yield 0, post, pre
            return
        post, pre = process.synapses()
        if not process.longest_delay:
            yield 0, post, pre
            return
        assert isinstance(process, Dense | Sparse)
        if isinstance(process, Dense):
            delays = process.delay_matrix()[post, pre]
        else:
            delays = np.broadcast_to(process.delays, process.weights.shape)[process.weights != 0]
        for delay in np.unique(delays):
            yield int(delay), post[delays == delay], pre[delays == delay]

    def _stored(self, process: Process) -> int:
        """Return how many weights a machine without sparsity visits each step."""
        if isinstance(process, Sparse):
            return int(process.weights.size)
        if isinstance(process, Conv2d):
            return len(process.unrolled[0])
        units = process.inputs["s"].size * process.output.size
        return units // process.copies if isinstance(process, BlockDense) else units

    def _recorded_bits(self, probe: Probe) -> int:
        """Return the bits that a probe reads out each step; inputs come from outside."""
        process = self.graph.flat_processes[probe.path]
        if isinstance(process, Input):
            return 0
        if probe.variable == "weights":
            return SYNAPSE_BITS * int(process.matrix().size)
        recorded_port = probe.variable in process.outputs
        bits = VALUE_BITS[process.output.signal] if recorded_port else VALUE_BITS["graded"]
        return process.output.size * bits


def delayed(values: NDArray[np.bool_], delay: int, steps: int) -> NDArray[np.bool_]:
    """Return `values` (episodes, given, units) `delay` steps later, nothing before or after."""
    late = np.zeros((values.shape[0], steps, values.shape[2]), dtype=bool)
    kept = values[:, : max(0, steps - delay)]
    late[:, delay : delay + kept.shape[1]] = kept
    return late
