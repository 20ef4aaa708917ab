"""compile: graph -> named stages -> Program -> Result."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hebbgraph import backend as backends
from hebbgraph.backend import Backend, Job, Progress
from hebbgraph.checks import DOMAINS, Domain, whole_faults
from hebbgraph.counters import activity, count
from hebbgraph.errors import Fault, Gap, Invalid, Unavailable, Unsupported
from hebbgraph.feed import encode_inputs, probed_sources, rounding_notes
from hebbgraph.graph import Graph
from hebbgraph.passes.feed_sources import feed_sources
from hebbgraph.passes.flatten import flatten
from hebbgraph.passes.quantise import quantise
from hebbgraph.result import Provenance, Result
from hebbgraph.weights import end_weights, start_weights

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: The passes every graph goes through on its way to an engine, in this order. Each is pure, has a
#: name at which `Program.stages` can be read, and gives the same answer as the stage before it.
LOWERING = (("flatten", flatten), ("feed_sources", feed_sources))


def compile(  # noqa: A001 - the field's word
    graph: Graph,
    backend: str = "reference",
    *,
    domain: Domain | None = None,
    hardware: Hardware | str | None = None,
    calibration: Mapping[str, Any] | None = None,
    **options: Any,
) -> Program:
    """Return `graph` compiled to `backend`.

    With ``domain="fixed"`` a float graph is first quantised to the numerics of `hardware` (Loihi's
    without one); `calibration` are inputs of some episodes that show how large values get.

    Raises `Invalid` (options), `Unavailable` (the engine is missing, with the remedy) and
    `Unsupported` (every gap at once).
    """
    if not isinstance(graph, Graph):
        need = "must be a Graph"
        raise Invalid("compile", [Fault("graph", type(graph).__name__, need, "build or load one")])
    engine = backends.get(backend)
    resolved = engine.capability.resolve_options(options)
    stages = lower_stages(graph, domain, hardware, calibration)
    final = stages[next(reversed(stages))]
    backends.require(engine, final)
    found = engine.availability()
    if not found.usable:
        raise Unavailable(f"{backend}: {found.reason}; {found.remedy}")
    return Program(stages, engine, resolved, dict(found.versions))


def lower_stages(
    graph: Graph,
    domain: Domain | None = None,
    hardware: Hardware | str | None = None,
    calibration: Mapping[str, Any] | None = None,
) -> dict[str, Graph]:
    """Return every stage by name, the given graph first."""
    if domain is not None and domain not in DOMAINS:
        raise Invalid("domain", [Fault("domain", repr(domain), 'must be "float" or "fixed"')])
    if isinstance(hardware, str):
        from hebbgraph.hardware import load  # pydantic is imported on use

        hardware = load(hardware)
    stages = {"given": graph}
    if domain == "float" and graph.domain == "fixed":
        fault = Fault("domain", "a fixed graph", "float needs the float graph", "build it anew")
        raise Invalid("domain", [fault])
    if domain == "fixed" and graph.domain == "float":
        stages["quantise"] = graph = quantise(graph, hardware, calibration)
    for name, lowering in LOWERING:
        stages[name] = graph = lowering(graph)
    return stages


class Program:
    """A compiled graph; keeps every stage. Use it as a context manager, or `close` it."""

    def __init__(
        self,
        stages: Mapping[str, Graph],
        backend: Backend,
        options: Mapping[str, Any],
        versions: Mapping[str, str],
    ) -> None:
        self.stages = dict(stages)
        #: What the engine runs, and what inputs are named and events are counted by.
        self.graph = self.stages[next(reversed(self.stages))]
        self.source = self.stages["flatten"]
        self.backend = backend
        self.options = dict(options)
        self.versions = dict(versions)
        self._executable = backend.lower(self.graph, self.options)

    @property
    def artefact(self) -> Any:
        """Return what a user of the engine would take over: a Network, an nn.Module, ..."""
        return self._executable.artefact

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        steps: int | None = None,
        *,
        episodes: int | None = None,
        batch: int = 1,
        weights: Mapping[str, Any] | None = None,
        first_episode: int = 0,
        progress: Progress | None = None,
    ) -> Result:
        """Run episodes from zero states and return what happened.

        `inputs` gives, per Input process, an array (episodes, steps, units), or (steps, units)
        for one episode; where it is shorter than `steps`, zeros follow. Without `steps` the
        longest input decides; `episodes` is for graphs without an Input.

        Plastic weights start as the graph has them, or as `weights` says (`Result.weights` of an
        earlier run), and persist from episode to episode. `batch` episodes learn together, their
        mean change. `first_episode` is the number under which the first episode draws its random
        numbers: count on where an earlier run ended.

        Raises `Invalid` with every fault of the arguments, `Unsupported` if the back end cannot
        learn in batches.
        """
        given, emitted, steps = encode_inputs(self.source, inputs, steps, episodes, first_episode)
        job = Job(
            inputs=emitted,
            episodes=given,
            steps=steps,
            batch=self._checked_batch(batch, given),
            first_episode=first_episode,
            learned=start_weights(self.graph, weights),
        )
        notes = rounding_notes(self.source, inputs or {}, emitted)
        start = time.perf_counter()
        recording = self._executable.run(job, progress)
        seconds = time.perf_counter() - start
        provenance = Provenance(
            graph=self.source.name,
            graph_hash=self.source.content_hash,
            backend=self.backend.capability.name,
            domain=self.graph.domain,
            options=self.options,
            versions=self.versions,
            wall_seconds=seconds,
            approximations=self.graph.notes + notes,
        )
        counters = functools.partial(count, self.source, emitted, recording, steps)
        learned = end_weights(self.graph, recording.learned)
        spikes, states = probed_sources(self.source, emitted, steps)
        spikes, states = {**recording.spikes, **spikes}, {**recording.states, **states}
        emit = functools.partial(activity, emitted, recording)
        return Result(spikes, states, counters, provenance, learned, self.graph.scales, emit)

    def _checked_batch(self, batch: int, episodes: int) -> int:
        faults = whole_faults("batch", batch, 1, 2**20)
        if not faults and self.graph.plastic:
            if episodes % batch:
                need = f"must divide the number of episodes, {episodes}"
                faults.append(Fault("batch", repr(batch), need, "leave out the last few"))
            if self.graph.domain == "fixed" and batch & (batch - 1):
                need = "must be a power of two in the fixed domain"
                faults.append(Fault("batch", repr(batch), need))
        if faults:
            raise Invalid("inputs", faults)
        if batch > 1 and self.graph.plastic and not self.backend.capability.batches:
            name = self.backend.capability.name
            lacking = f"{name} learns from one episode at a time"
            raise Unsupported(name, [Gap("batch", lacking, "use batch=1, or another back end")])
        return batch

    def close(self) -> None:
        """Release what the engine holds; safe to call twice."""
        self._executable.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


__all__ = ["LOWERING", "Program", "compile", "lower_stages"]
