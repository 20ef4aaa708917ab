"""The differentiable run: stages for all time steps at once, cycles and learning step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hebbgraph.backends.snntorch.learning import Learning, plastic_of
from hebbgraph.backends.snntorch.parts import GraphSynapses
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
                Loop(self, stage.paths).run()
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
        scanned = getattr(part, "scanned", None)
        if scanned is not None and not ports and first is not None:
            values = cut(first.values, self.steps - first.late)
            found = scanned(values, first.late, self.steps, self.probed.get(path, []))
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
            else (self.states[path][variable])
        )

    def _output(self, path: str, process: Process) -> Tensor:
        emitted = self.emitted[path]
        if emitted is None:
            return self.network.like.new_zeros(self.steps, self.episodes, process.output.size)
        return emitted.over(0, self.steps)


class Loop:
    """One stage of a pass, step by step."""

    def __init__(self, whole: Pass, paths: Sequence[str]) -> None:
        self.whole, self.graph, self.steps = whole, whole.graph, whole.steps
        self.paths = [path for path in paths if path not in whole.data]
        self.plastic = {path: whole.plastic[path] for path in self.paths if path in whole.plastic}
        #: By path of a source in this stage, what it emitted so far.
        self.rows: dict[str, list[Tensor]] = {path: [] for path in self.paths}
        #: By path of a source before it, what it emits, and from which step on.
        self.given: dict[str, tuple[Sequence[Tensor], int]] = {}
        self.registers: dict[str, Sequence[Any]] = {path: () for path in self.paths}
        self.recorded: dict[str, dict[str, list[Tensor]]] = {
            path: {variable: [] for variable in variables}
            for path, variables in whole.probed.items()
            if path in self.rows
        }
        self.ports = {
            path: {name: _Port(self, f"{path}.{name}") for name in self._heard(path)}
            for path in self.paths
        }
        self.fixed_matrices = {
            path: whole.matrices(path)
            for path in self.paths
            if isinstance(whole.network.node(path), GraphSynapses)
        }

    def run(self) -> None:
        """Run all steps."""
        for t in range(self.steps):
            for path in self.paths:
                self._step(path, t)
            for path, plastic in self.plastic.items():
                self._learn(path, plastic, t)
        for path, rows in self.rows.items():
            self.whole.emitted[path] = Late(torch.stack(rows), 0) if rows else None
        for path, recorded in self.recorded.items():
            outputs = self.graph.flat_processes[path].outputs
            self.whole.states[path] = {
                name: torch.stack(rows) for name, rows in recorded.items() if name not in outputs
            }

    def _step(self, path: str, t: int) -> None:
        """Deliver to the process at `path`, update it, let it emit."""
        part = self.whole.network.node(path)
        main, *others = self.ports[path].items()
        ports: dict[str, Any] = {name: port.at(t) for name, port in others if not port.learning}
        if path in self.fixed_matrices:
            ports = {"matrices": self._matrices(path)}
        emitted = part(main[1].at(t), *self.registers[path], **ports)
        if part.registers:
            emitted, *self.registers[path] = emitted
            for name, state in zip(part.registers, self.registers[path], strict=True):
                if name in self.recorded.get(path, ()):
                    self.recorded[path][name].append(state)
        self.rows[path].append(emitted)

    def _learn(self, path: str, plastic: Learning, t: int) -> None:
        """Let one set of synapses read this step's signals and, at the end of an epoch, learn."""
        ports, rule = self.ports[path], plastic.rule
        names = {"pre": "s", **{name: name for name in rule.ports}}
        plastic.read({name: ports[port].at(t) for name, port in names.items()})
        if rule.learns_at(t, self.steps):
            gate = ports["gate"].at(t) if self.graph.sources(f"{path}.gate") else None
            plastic.learn(gate, self.whole.first_episode, t)
        if "weights" in self.recorded.get(path, ()):
            weights = plastic.weights.reshape(1, -1).expand(self.whole.episodes, -1)
            self.recorded[path]["weights"].append(weights)

    def _matrices(self, path: str) -> Matrices:
        """Return the weights of this step."""
        return self.whole.matrices(path) if self.plastic else self.fixed_matrices[path]

    def _heard(self, path: str) -> list[str]:
        """Return the ports of `path` that something arrives at, the first in any case."""
        process = self.graph.flat_processes[path]
        main, *others = process.inputs
        rule = self.graph.plastic[path].rule if path in self.plastic else None
        needed = rule.ports if rule is not None else {}
        found = [n for n in others if n in needed or self.graph.sources(f"{path}.{n}")]
        return [main, *found]


class _Port:
    """What arrives at one port of a loop."""

    def __init__(self, loop: Loop, target: str) -> None:
        whole, graph = loop.whole, loop.graph
        port = graph.port(target)
        self.size, self.learning = port.size, port.learning
        self.sources: list[tuple[Sequence[Tensor], int]] = []
        for connection in graph.sources(target):
            path, delay = connection.source.rpartition(".")[0], connection.delay or 0
            if path in loop.rows:
                self.sources.append((loop.rows[path], delay))
                continue
            if path not in loop.given:
                late = whole.emitted[path]
                loop.given[path] = ((), 0) if late is None else (late.values.unbind(0), late.late)
            rows, late_by = loop.given[path]
            self.sources.append((rows, delay + late_by))
        self.nothing = whole.network.like.new_zeros(whole.episodes, self.size)

    def at(self, t: int) -> Tensor:
        """Deliver: the sum over connections of what the source emitted at t - delay."""
        total: Tensor | None = None
        for rows, delay in self.sources:
            if 0 <= t - delay < len(rows):
                row = rows[t - delay]
                total = row if total is None else total + row
        if total is None:
            return self.nothing
        return total if total.shape[-1] == self.size else total.expand(-1, self.size)
