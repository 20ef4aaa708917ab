"""The differentiable run of one stage, step by step: a cycle, or what learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hebbgraph.backends.snntorch.learning import Learning
from hebbgraph.backends.snntorch.parts import GraphSynapses
from hebbgraph.backends.snntorch.parts.synapses import Matrices

if TYPE_CHECKING:
    from hebbgraph.backends.snntorch.forward import Pass


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
        self.registers: dict[str, Sequence[Any]] = dict.fromkeys(self.paths, ())
        #: By path, what is probed, but for outputs.
        self.recorded: dict[str, dict[str, list[Tensor]]] = {
            path: {v: [] for v in variables if v not in self.graph.flat_processes[path].outputs}
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
        """Run all steps; `rows` and `recorded` are complete then."""
        for t in range(self.steps):
            for path in self.paths:
                self._step(path, t)
            for path, plastic in self.plastic.items():
                self._learn(path, plastic, t)

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
