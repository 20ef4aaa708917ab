"""Backend: one capability record, `availability`, `lower`; discovered, never listed by hand.

A back end is a folder in `backends/` whose package has a module-level ``BACKEND``. Its one
`Capability` record feeds lowering, error texts, the documentation table and the skips of tests.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from hebbgraph.checks import Domain
from hebbgraph.errors import Fault, Gap, Invalid, Unsupported
from hebbgraph.graph import Graph
from hebbgraph.processes import KINDS, Input, Process
from hebbgraph.recording import Learned, Recording
from hebbgraph.rules.library import LIBRARY

#: Called with (steps done, steps in all) while an engine runs; where an engine cannot tell, never.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Option:
    """One setting of a back end: its default and what else it may be."""

    default: Any
    #: The allowed values; empty means any value of the default's type.
    choices: tuple[Any, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Variant:
    """Options under which the conformance suite holds a back end to the reference."""

    options: Mapping[str, Any] = field(default_factory=dict)
    #: Whether preparing it takes long (a compiler runs): then only the slow tests use it.
    slow: bool = False

    def label(self, backend: str) -> str:
        """Return a short name for tables and test identifiers."""
        return "-".join([backend, *(f"{key}={value}" for key, value in self.options.items())])


@dataclass(frozen=True)
class Capability:
    """What a back end can run: the one record that lowering, errors, docs and tests read."""

    #: The name used in `compile`, a folder of `backends/`.
    name: str
    #: What the engine is, in a few words.
    title: str
    #: Process kinds by class name, with the domains in which each runs.
    processes: Mapping[str, tuple[Domain, ...]]
    #: The longest delay of a connection into a synapse or out of one.
    max_delay: int
    #: Domains in which weights can learn, and whether batches of episodes can learn together.
    learning: tuple[Domain, ...] = ()
    batches: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    #: The settings that must each equal the reference.
    variants: tuple[Variant, ...] = (Variant(),)
    #: What no option changes, in words for the documentation.
    remarks: tuple[str, ...] = ()

    def gaps(self, graph: Graph) -> list[Gap]:
        """Return everything in `graph` that lies outside this record."""
        found: list[Gap] = []
        for path, process in graph.walk():
            kind = type(process).__name__
            domains = self.processes.get(kind, ())
            if not domains:
                known = ", ".join(self.processes)
                remedy = f"use one of {known}, or another back end"
                found.append(Gap(path, f"{self.name} has no {kind}", remedy))
            elif graph.domain not in domains:
                remedy = f"compile with domain={domains[0]!r}"
                found.append(Gap(path, f"{self.name} has no {kind} in {graph.domain}", remedy))
        for path in graph.plastic:
            if graph.domain not in self.learning and self.learning:
                remedy = f"compile with domain={self.learning[0]!r}"
                found.append(Gap(path, f"{self.name} learns nothing in {graph.domain}", remedy))
            elif not self.learning:
                remedy = "use another back end, or a graph without rules"
                found.append(Gap(path, f"{self.name} has no learning rules", remedy))
        for connection in graph.flat_connections:
            if (connection.delay or 0) > self.max_delay:
                where = f"connection {connection.source} -> {connection.target}"
                lacking = f"{self.name} delays by at most {self.max_delay} steps"
                found.append(Gap(where, f"{lacking}, not {connection.delay}", "shorten the delay"))
        return found

    def resolve_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option with its value; raises `Invalid` with all unknown or bad ones."""
        faults: list[Fault] = []
        for name, value in given.items():
            option = self.options.get(name)
            if option is None:
                known = ", ".join(self.options) or "none"
                need = f"options of {self.name} are: {known}"
                faults.append(Fault(f"option {name}", repr(value), need))
            elif option.choices and value not in option.choices:
                need = f"must be one of {', '.join(map(repr, option.choices))}"
                faults.append(Fault(f"option {name}", repr(value), need))
        if faults:
            raise Invalid(f"options of {self.name}", faults)
        return {name: given.get(name, option.default) for name, option in self.options.items()}


@dataclass(frozen=True)
class Availability:
    """Whether an engine can be used here; if not, why and the exact remedy."""

    usable: bool
    #: Versions of what was found, for `doctor` and provenance.
    versions: Mapping[str, str] = field(default_factory=dict)
    #: Why the engine cannot be used; empty if it can.
    reason: str = ""
    #: The command that mends it; empty if nothing is to do.
    remedy: str = ""
    #: What works only with a caveat, in words (an unsupported interpreter, say).
    caveat: str = ""


@dataclass(frozen=True)
class Job:
    """What an engine is to run."""

    #: Per source process, what it emits: (episodes, at most `steps`, units), float64 or int64 by
    #: domain; nothing is emitted after its end. All have the same number of episodes.
    inputs: Mapping[str, NDArray[Any]]
    episodes: int
    steps: int
    #: Where weights learn: how many episodes run side by side, their mean change being learned.
    batch: int = 1
    #: What the random numbers of the first episode are keyed by.
    first_episode: int = 0
    #: Every set of plastic synapses by path, at the start of the run.
    learned: Mapping[str, Learned] = field(default_factory=dict)


class Executable(Protocol):
    """A lowered graph, ready to run any number of times."""

    @property
    def artefact(self) -> Any:
        """Return what a user of the engine would take over: a Network, an nn.Module, ..."""

    def run(self, job: Job, progress: Progress | None = None) -> Recording:
        """Run every episode of `job` for its steps, each from zero states."""

    def close(self) -> None:
        """Release processes, files and memory; safe to call twice."""


class Backend(Protocol):
    """One engine."""

    capability: Capability

    def availability(self) -> Availability:
        """Say whether the engine can be used here, without starting anything slow."""

    def lower(self, graph: Graph, options: Mapping[str, Any]) -> Executable:
        """Return `graph` (flat, without gaps) in the engine's own terms, options resolved."""


def names() -> list[str]:
    """Return the folders in `hebbgraph.backends`, the reference first; nothing is imported."""
    package = importlib.import_module("hebbgraph.backends")
    found = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg)
    return sorted(found, key=lambda name: name != "reference")


def discover() -> dict[str, Backend]:
    """Return every back end by name; importing a back end's package never imports its engine."""
    return {name: get(name) for name in names()}


def get(name: str) -> Backend:
    """Return the back end called `name`; raises `Invalid` naming those there are."""
    if name not in names():
        need = f"back ends are {', '.join(names())}"
        raise Invalid("back end", [Fault("backend", repr(name), need)])
    module = importlib.import_module(f"hebbgraph.backends.{name}")
    if not hasattr(module, "BACKEND"):
        need = "a back end's package must define BACKEND"
        raise Invalid("back end", [Fault(f"backends/{name}/__init__.py", "no BACKEND", need)])
    backend: Backend = module.BACKEND
    return backend


def require(backend: Backend, graph: Graph) -> None:
    """Raise `Unsupported` with every gap between `graph` and `backend`."""
    gaps = backend.capability.gaps(graph)
    if gaps:
        raise Unsupported(backend.capability.name, gaps)


def capability_table() -> str:
    """Return a Markdown table of process kinds against back ends, from the capability records."""
    records = [backend.capability for backend in discover().values()]
    head = ["process", *(record.name for record in records)]
    rows = [
        [name, *(", ".join(r.processes.get(_runs_as(kind), ())) or "gap" for r in records)]
        for name, kind in KINDS.items()
    ]
    learning = [", ".join(record.learning) or "gap" for record in records]
    rows += [[f"rule: {name}", *learning] for name in (*LIBRARY, "one of your own")]
    rows.append(["learning in batches", *("yes" if r.batches else "gap" for r in records)])
    rows.append(["longest delay", *(str(record.max_delay) for record in records)])
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _runs_as(kind: type[Process]) -> str:
    """Return the kind that engines are given: sources that make their own data become Inputs."""
    return Input.__name__ if kind.ROLE == "source" else kind.__name__
