"""Altered: the reference with one law changed, and where a change may be looked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from numpy.typing import NDArray

from hebbgraph.backend import Job
from hebbgraph.backends.reference.interpreter import Interpreter
from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Array, State, Step
from hebbgraph.divergence.event import Divergence
from hebbgraph.divergence.laws import StepTable
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import Domain, Noise, Process, Transpose

#: Why an engine departs from the reference. UNKNOWN: nothing that was tried explains it.
Code = Literal[
    "RESET",
    "ORDER",
    "DELAY",
    "ROUND",
    "SATURATE",
    "WRAP",
    "THRESHOLD-TIE",
    "RNG",
    "UNSUPPORTED",
    "UNKNOWN",
]

#: What each code means, in words.
CODES: Mapping[Code, str] = {
    "RESET": "v, u or the refractory period is reset in another way, or at another time",
    "ORDER": "phases of a step, or terms of a sum, come in another order",
    "DELAY": "something arrives a step too late or too early",
    "ROUND": "a quotient or a weight is rounded in another way, or to fewer bits",
    "SATURATE": "a value leaves its range where it should be clipped",
    "WRAP": "a register overflows in another way",
    "THRESHOLD-TIE": "a value lies exactly on a threshold, or so near that rounding decides",
    "RNG": "other random numbers",
    "UNSUPPORTED": "the engine lacks something that the graph needs",
    "UNKNOWN": "nothing that was tried explains it",
}


@dataclass(frozen=True)
class Altered:
    """The reference with one law changed: what differs from it, the rest is left as it is."""

    #: Where it is changed, in words; empty where there is one place only.
    where: str = ""
    graph: Graph | None = None
    #: Returns a table of steps, anew for each run because a step may remember.
    steps: Callable[[], StepTable] | None = None
    plastic: Callable[..., Plastic] | None = None
    #: What sources emit, by path, in all episodes.
    inputs: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def interpreter(self, graph: Graph) -> Interpreter:
        """Return the reference of `graph`, altered."""
        steps = dict(STEPS) if self.steps is None else {**STEPS, **self.steps()}
        return Interpreter(self.graph or graph, steps, self.plastic or Plastic)


@dataclass(frozen=True)
class Alteration:
    """One way in which an engine could be wrong."""

    code: Code
    #: One line that completes "the engine departs because ...".
    words: str
    #: Returns the altered references to try at a site, none where it does not apply.
    make: Callable[[Site], Iterable[Altered]]


@dataclass(frozen=True)
class Site:
    """Where an engine departed, and what was run there."""

    #: The graph as engines were given it, and before its sources became Inputs.
    graph: Graph
    source: Graph
    job: Job
    event: Divergence
    #: What was recorded, by probe target; spikes by ``path.s``.
    recorded: frozenset[str]

    @property
    def domain(self) -> Domain:
        """Return the arithmetic."""
        return self.graph.domain

    @cached_property
    def suspects(self) -> tuple[str, ...]:
        """Return the processes whose law may be at fault, in topological order.

        These are the one that departed first, and what it hears of that was not recorded.
        """
        found: set[str] = set()
        pending = [self.event.process]
        while pending:
            path = pending.pop()
            if path in found:
                continue
            found.add(path)
            process = self.graph.flat_processes[path]
            if isinstance(process, Transpose):
                pending.append(process.of)
            pending += [
                source
                for connection in self.into([path])
                for source in (connection.source.rpartition(".")[0],)
                if connection.source not in self.recorded
                and self.graph.flat_processes[source].ROLE != "source"
            ]
        return tuple(path for path in self.graph.order if path in found)

    def into(self, paths: Iterable[str]) -> list[Connection]:
        """Return the connections into any of `paths`."""
        wanted = set(paths)
        return [c for c in self.graph.flat_connections if c.target.rpartition(".")[0] in wanted]

    def noises(self) -> dict[str, Noise]:
        """Return the sources of noise that a suspect hears."""
        heard = {c.source.rpartition(".")[0] for c in self.into(self.suspects)}
        return {p: noise for p, noise in self.source.of_kind(Noise).items() if p in heard}

    def learners(self) -> dict[str, Process]:
        """Return the suspects whose weights learn."""
        return {path: p for path, p in self.graph.plastic.items() if path in self.suspects}


def law(make: Callable[[], Mapping[tuple[str, str], Step]]) -> Callable[[Site], Iterator[Altered]]:
    """Return what tries altered steps in the suspects' kinds, in all kinds, in one process."""

    def tried(site: Site) -> Iterator[Altered]:
        if site.event.kind in ("weight", "learned"):
            return
        table = make()
        processes = site.graph.flat_processes
        names = {type(p).__name__ for p in processes.values()}
        altered = {kind for kind, domain in table if domain == site.domain and kind in names}
        suspected = {path: type(processes[path]).__name__ for path in site.suspects}
        kinds = [k for k in dict.fromkeys(suspected.values()) if k in altered]
        for kind in kinds:
            several = sum(type(p).__name__ == kind for p in processes.values()) > 1
            where = f"in every {kind}" if several else ""
            yield Altered(where, steps=functools.partial(_of_kind, make, kind))
        if kinds and altered - set(kinds):
            yield Altered("in every kind", steps=make)
        for path, kind in suspected.items():
            if kind in altered and sum(type(p).__name__ == kind for p in processes.values()) > 1:
                steps = functools.partial(_at, make, processes[path])
                yield Altered(f"in {path} only", steps=steps)

    return tried


def _of_kind(make: Callable[[], StepTable], kind: str) -> StepTable:
    return {key: step for key, step in make().items() if key[0] == kind}


def _at(make: Callable[[], StepTable], process: Process) -> StepTable:
    """Return the altered steps for one process, those of the reference for others."""
    table = make()

    def chosen(key: tuple[str, str]) -> Step:
        altered, lawful = table[key], STEPS[key]

        def taken(one: Any, state: State, arriving: dict[str, Array]) -> Array:
            return (altered if one is process else lawful)(one, state, arriving)

        return taken

    kind = type(process).__name__
    return {key: chosen(key) for key in table if key[0] == kind}
