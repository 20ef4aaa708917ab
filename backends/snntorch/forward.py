"""The differentiable run: stages for all time steps at once, cycles and learning step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hebbgraph.backends.snntorch.learning import Learning, plastic_of
from hebbgraph.backends.snntorch.loop import Loop
from hebbgraph.backends.snntorch.parts import GraphSynapses
from hebbgraph.backends.snntorch.parts.graded import LeakyIntegratorUnit
from hebbgraph.backends.snntorch.parts.neurons import LIFNeuron
from hebbgraph.backends.snntorch.parts.synapses import Matrices, TransposeSynapses
from hebbgraph.backends.snntorch.plan import Stage
from hebbgraph.errors import Fault, Invalid
from hebbgraph.processes import Process

if TYPE_CHECKING:
    from hebbgraph.backends.snntorch.network import GraphNetwork


class Held(NamedTuple):
    """What one set of plastic synapses holds: see `hebbgraph.recording.Learned`."""

    accumulator: Tensor
    momentum: Tensor


class _Recorded(NamedTuple):
    #: Spikes of every process that spikes by path: 0 or 1, or with a sign.
    spikes: dict[str, Tensor]
    #: Probed states and graded outputs by probe target, ``memory.v``.
    states: dict[str, Tensor]


class Recording(_Recorded):
    """What a forward pass returns, ``spikes, states``: tensors (episodes, steps, units)."""

    #: Every set of plastic synapses by path, at the end.
    learned: dict[str, Held]


class Late(NamedTuple):
    """What is emitted, (some steps, episodes, units), from step `late` on; before and after, 0.

    There may be more of it than steps.
    """

    values: Tensor
    late: int

    def over(self, first: int, last: int) -> Tensor:
        """Return steps `first` to before `last`, zeros where nothing is emitted."""
        if not len(self.values):
            return self.values.new_zeros(last - first, *self.values.shape[1:])
        before, end = self.late - first, self.late + len(self.values)
        if before == 0 and end >= last:
            return cut(self.values, last - first)
        return functional.pad(self.values, (0, 0, 0, 0, before, last - end))


def cut(values: Tensor, steps: int) -> Tensor:
    """Return the first steps of `values`; themselves if there are no more (no gradient is made)."""
    return values if len(values) <= steps else values[:steps]


class Pass:
    """One forward pass of a network."""

    def __init__(
        self,
        network: GraphNetwork,
        data: Mapping[str, Tensor],
        steps: int,
        episodes: int,
        learned: Mapping[str, Held],
        first_episode: int,
    ) -> None:
        self.network, self.graph, self.data = network, network.graph, data
        self.steps, self.episodes, self.first_episode = steps, episodes, first_episode
        #: What finished stages emitted; None for nothing at all.
        self.emitted: dict[str, Late | None] = {}
        self.plastic = {path: self._plastic(path, learned) for path in self.graph.plastic}
        self.probed: dict[str, list[str]] = {}
        for probe in self.graph.state_probes:
            self.probed.setdefault(probe.path, []).append(probe.variable)
        #: By path, probed states, (steps, episodes, units).
        self.states: dict[str, dict[str, Tensor]] = {path: {} for path in self.probed}

    def run(self, stages: Sequence[Stage]) -> Recording:
        """Run every stage."""
        for path, values in self.data.items():
            emitted = self.network.node(path)(values).transpose(0, 1)
            self.emitted[path] = Late(cut(emitted, self.steps), 0)
        for stage in stages:
            if stage.stepwise:
                self._step_by_step(stage.paths)
            elif stage.paths[0] not in self.data:
                self._whole(stage.paths[0])
        return self._recording()

    def matrices(self, path: str) -> Matrices:
        """Return the weights of the synapses at `path` as they are now."""
        synapses = self.network.node(path)
        if path in self.plastic:
            return [(0, self.plastic[path].weights)]
        if isinstance(synapses, TransposeSynapses):
            holder = self.graph.flat_processes[path].of  # type: ignore[attr-defined]
            if holder in self.plastic:
                return [(0, self.plastic[holder].weights.t())]
        found: Matrices = synapses.matrices()
        return found

    def _step_by_step(self, paths: Sequence[str]) -> None:
        """Run processes that hear each other, or learn."""
        loop = Loop(self, paths)
        loop.run()
        for path, rows in loop.rows.items():
            self.emitted[path] = Late(torch.stack(rows), 0) if rows else None
        for path, recorded in loop.recorded.items():
            self.states[path] = {name: torch.stack(rows) for name, rows in recorded.items()}

    # --- all steps at once -----------------------------------------------------------------

    def _whole(self, path: str) -> None:
        """Run a process that hears nothing of what it emits for all steps."""
        part, process = self.network.node(path), self.graph.flat_processes[path]
        arriving = {name: self._arriving(f"{path}.{name}") for name in process.inputs}
        main, *others = process.inputs
        first = arriving[main]
        if isinstance(part, GraphSynapses):
            self.emitted[path] = self._products(path, part, first)
            return
        ports = {
            name: self._zeros(f"{path}.{name}") if late is None else late.over(0, self.steps)
            for name in others
            for late in (arriving[name],)
            if self.graph.sources(f"{path}.{name}")
        }
        if isinstance(part, LIFNeuron | LeakyIntegratorUnit) and not ports and first is not None:
            values, probed = cut(first.values, self.steps - first.late), self.probed.get(path, [])
            found = part.scanned(values, first.late, self.steps, probed)
            if found is not None:
                out, self.states[path] = found
                self.emitted[path] = Late(out, 0)
                return
        values = self._zeros(f"{path}.{main}") if first is None else first.over(0, self.steps)
        out = self._stepped(path, part, values, ports) if part.registers else part(values, **ports)
        self.emitted[path] = Late(out, 0)

    def _products(self, path: str, part: GraphSynapses, arriving: Late | None) -> Late | None:
        """Return what synapses emit: all products at once, those of late synapses shifted."""
        if arriving is None:
            return None
        values, late = arriving
        room = self.steps - late
        # What comes after the end: cut where the rows are shorter (a gradient is padded there).
        post, pre = part.shape
        if pre <= post or not values.requires_grad or len(values) > 2 * room:
            values = cut(values, room)
        length = min(len(values) + part.longest_delay, room)
        total: Tensor | None = None
        for delay, weights in self.matrices(path):
            product = Late(part.summed(values, weights), delay).over(0, length)
            total = product if total is None else total + product
        return None if total is None else Late(part.kept(total), late)

    def _stepped(self, path: str, part: Any, values: Tensor, ports: Mapping[str, Tensor]) -> Tensor:
        """Return what a unit with a memory emits, step by step."""
        rows = {name: port.unbind(0) for name, port in ports.items()}
        registers: tuple[Any, ...] = ()
        emitted, states = [], []
        for t, arriving in enumerate(values.unbind(0)):
            out, *registers = part(arriving, *registers, **{n: row[t] for n, row in rows.items()})
            emitted.append(out)
            states.append(registers)
        for index, name in enumerate(part.registers):
            if name in self.probed.get(path, ()):
                self.states[path][name] = torch.stack([state[index] for state in states])
        return torch.stack(emitted)

    def _arriving(self, target: str) -> Late | None:
        """Deliver: the sum over connections of what the source emitted `delay` steps earlier."""
        arriving = []
        for connection in self.graph.sources(target):
            late = self.emitted[connection.source.rpartition(".")[0]]
            if late is not None:
                delay = late.late + (connection.delay or 0)
                if delay < self.steps:
                    arriving.append(Late(late.values, delay))
        if not arriving:
            return None
        size = self.graph.port(target).size
        if len(arriving) == 1:
            values, late_by = arriving[0]
            return Late(values.expand(-1, -1, size), late_by)
        first = min(late.late for late in arriving)
        last = min(self.steps, max(late.late + len(late.values) for late in arriving))
        total = arriving[0].over(first, last)
        for late in arriving[1:]:
            total = total + late.over(first, last)
        return Late(total.expand(-1, -1, size), first)

    def _zeros(self, target: str) -> Tensor:
        size = self.graph.port(target).size
        return self.network.like.new_zeros(self.steps, self.episodes, size)

    # --- what comes of it ------------------------------------------------------------------

    def _plastic(self, path: str, learned: Mapping[str, Held]) -> Learning:
        """Return the synapses at `path` before they learn."""
        rule, weights = self.graph.plastic[path].rule, self.network.node(path).weights
        assert rule is not None
        held = learned.get(path, Held(weights * 2.0**rule.fraction, torch.zeros_like(weights)))
        fixed = self.graph.domain == "fixed"
        if fixed and self.episodes & (self.episodes - 1):
            need = "must be a power of two where rules learn in the fixed domain"
            raise Invalid("inputs", [Fault("inputs", f"{self.episodes} episodes", need)])
        plastic = plastic_of(path, rule, *held, fixed=fixed, episodes=self.episodes, in_place=False)
        plastic.begin(self.episodes)
        return plastic

    def _recording(self) -> Recording:
        spikes: dict[str, Tensor] = {}
        for path, process in self.graph.walk():
            if process.ROLE != "source" and process.output.signal != "graded":
                spikes[path] = self._output(path, process).transpose(0, 1)
        states = {
            probe.target: self._probed(probe.path, probe.variable).transpose(0, 1)
            for probe in self.graph.state_probes
        }
        recording = Recording(spikes, states)
        recording.learned = {p: Held(w.accumulator, w.momentum) for p, w in self.plastic.items()}
        return recording

    def _probed(self, path: str, variable: str) -> Tensor:
        process = self.graph.flat_processes[path]
        return (
            self._output(path, process)
            if variable in process.outputs
            else self.states[path][variable]
        )

    def _output(self, path: str, process: Process) -> Tensor:
        emitted = self.emitted[path]
        if emitted is None:
            return self.network.like.new_zeros(self.steps, self.episodes, process.output.size)
        return emitted.over(0, self.steps)
