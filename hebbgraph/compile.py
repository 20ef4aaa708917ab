"""compile: graph -> named stages -> Program -> Result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hebbgraph import backend as backends
from hebbgraph.backend import Backend, Job, Progress
from hebbgraph.checks import DOMAINS, Domain, is_whole, range_faults, whole_faults
from hebbgraph.counters import count
from hebbgraph.errors import Fault, Gap, Invalid, Unavailable, Unsupported
from hebbgraph.graph import Graph
from hebbgraph.passes.feed_sources import feed_sources
from hebbgraph.passes.flatten import flatten
from hebbgraph.passes.quantise import quantise
from hebbgraph.processes import Clock, Input, Noise, Transpose
from hebbgraph.processes.base import BIG, read_only
from hebbgraph.recording import Learned
from hebbgraph.result import Provenance, Result

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
        notes = _rounding_notes(self.source, inputs or {}, emitted)
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
        counters = count(self.source, emitted, recording, steps)
        learned = end_weights(self.graph, recording.learned)
        spikes, states = _probed_sources(self.source, emitted, steps)
        spikes, states = {**recording.spikes, **spikes}, {**recording.states, **states}
        return Result(spikes, states, counters, provenance, learned, self.graph.scales)

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


def encode_inputs(
    graph: Graph,
    inputs: Mapping[str, Any] | None,
    steps: int | None,
    episodes: int | None = None,
    first_episode: int = 0,
) -> tuple[int, dict[str, NDArray[Any]], int]:
    """Return the number of episodes, what every source emits, and the number of steps.

    What a source emits has shape (episodes, steps given, units). This is the one place where data
    become what engines are fed, and where random numbers are drawn, so all are fed alike.
    """
    sources = graph.of_kind(Input)
    inputs = {} if inputs is None else inputs
    if not isinstance(inputs, Mapping):
        need = f"must be a mapping of Input paths ({', '.join(sources) or 'none'}) to arrays"
        raise Invalid("inputs", [Fault("inputs", type(inputs).__name__, need)])
    faults = whole_faults("first_episode", first_episode, 0, 2**63 - 1)
    for name, value in (("steps", steps), ("episodes", episodes)):
        if value is not None and not (is_whole(value) and value > 0):
            faults.append(Fault(name, repr(value), "must be a whole number above 0"))
    if faults:
        raise Invalid("inputs", faults)
    faults = [
        Fault(f"inputs[{name!r}]", "data", f"Input processes are: {', '.join(sources) or 'none'}")
        for name in inputs
        if name not in sources
    ]
    emitted: dict[str, NDArray[Any]] = {}
    for path, process in sources.items():
        if path not in inputs:
            need = f"needs an array (episodes, steps, {process.size})"
            faults.append(Fault(f"inputs[{path!r}]", "nothing", need))
            continue
        data = read_only(inputs[path])
        problem = _input_fault(path, process, data, steps)
        if problem:
            faults.append(problem)
            continue
        data = data[np.newaxis] if data.ndim == 2 else data
        values = data.astype(np.float64) * process.gain
        if graph.domain == "fixed" and (np.abs(np.rint(values)) >= 2**23).any():
            need = "gain times data must lie within 24 signed bits in the fixed domain"
            got = f"up to {np.abs(values).max():g}"
            faults.append(Fault(f"inputs[{path!r}]", got, need, "lower the gain or the data"))
            continue
        emitted[path] = values if graph.domain == "float" else np.rint(values).astype(np.int64)
    sizes = {path: len(values) for path, values in emitted.items()}
    if len(set(sizes.values())) > 1:
        need = "every input must hold the same number of episodes"
        faults.append(Fault("inputs", str(sizes), need))
    if steps is None:
        steps = max((values.shape[1] for values in emitted.values()), default=0)
    if not faults and steps < 1:
        faults.append(Fault("steps", repr(steps), "must be a whole number above 0"))
    count = next(iter(sizes.values()), episodes or 1)
    if not faults and episodes not in (None, count):
        faults.append(Fault("episodes", repr(episodes), f"the inputs hold {count}"))
    if faults:
        raise Invalid("inputs", faults)
    return count, emitted | _made(graph, count, int(steps), first_episode), int(steps)


def _made(graph: Graph, episodes: int, steps: int, first: int) -> dict[str, NDArray[Any]]:
    """Return what Clocks and Noises emit."""
    dtype = np.float64 if graph.domain == "float" else np.int64
    found: dict[str, NDArray[Any]] = {}
    for path, clock in graph.of_kind(Clock).items():
        rows = clock.data(steps).astype(dtype)
        found[path] = np.broadcast_to(rows, (episodes, *rows.shape))
    for path, noise in graph.of_kind(Noise).items():
        draws = [noise.data(graph.domain, path, first + e, steps) for e in range(episodes)]
        found[path] = np.stack(draws)
    return found


def _probed_sources(
    graph: Graph, emitted: Mapping[str, NDArray[Any]], steps: int
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return rasters and values of the sources that are probed, for all steps."""
    spikes: dict[str, NDArray[Any]] = {}
    states: dict[str, NDArray[Any]] = {}
    for probe in graph.flat_probes:
        process = graph.flat_processes[probe.path]
        if process.ROLE != "source":
            continue
        data = emitted[probe.path]
        values = np.pad(data, ((0, 0), (0, steps - data.shape[1]), (0, 0)))
        if process.output.signal == "graded":
            states[probe.target] = values
        else:
            spikes[probe.path] = values.astype(
                bool if process.output.signal == "spike" else np.int8
            )
    return spikes, states


def start_weights(graph: Graph, weights: Mapping[str, Any] | None) -> dict[str, Learned]:
    """Return every set of plastic synapses before a run; raises `Invalid` for bad `weights`."""
    given = dict(weights or {})
    faults: list[Fault] = []
    synapses = [path for path, process in graph.walk() if process.synaptic]
    for key in given:
        path, _, kind = key.rpartition(".")
        if path not in synapses or kind not in ("weights", "accumulator", "momentum"):
            need = f"keys are path.weights of synapses, which are {', '.join(synapses) or 'none'}"
            faults.append(Fault(f"weights[{key!r}]", "an array", need))
    found: dict[str, Learned] = {}
    dtype = np.float64 if graph.domain == "float" else np.int64
    for path, dense in graph.plastic.items():
        rule = dense.rule
        assert rule is not None
        scale = 2**rule.fraction
        values = {"weights": dense.weights, "momentum": np.zeros(dense.weights.shape, dtype)}
        values |= {k: given[f"{path}.{k}"] for k in values if f"{path}.{k}" in given}
        key = f"{path}.accumulator"
        held = given.get(key, np.asarray(values["weights"]) * scale)
        held, momentum = read_only(held), read_only(values["momentum"])
        shape, where = dense.weights.shape, f"weights[{path!r}]"
        low, high = max(rule.low * scale, -BIG), min(rule.high * scale, BIG)
        remedy = "take Result.weights of a run of this graph"
        found_here = range_faults(where, held, shape, graph.domain, low, high, remedy)
        found_here += range_faults(where, momentum, shape, graph.domain, -BIG, BIG, remedy)
        faults += found_here
        if not found_here:
            found[path] = Learned(held.astype(dtype), momentum.astype(dtype))
    if faults:
        raise Invalid("weights", faults)
    return found


def end_weights(graph: Graph, learned: Mapping[str, Learned]) -> dict[str, NDArray[Any]]:
    """Return `Result.weights`: what every synapse process holds after a run."""
    found: dict[str, NDArray[Any]] = {}
    for path, process in graph.walk():
        if process.ROLE != "synapses" or isinstance(process, Transpose):
            continue
        if path not in learned:
            found[f"{path}.weights"] = process.weights  # type: ignore[attr-defined]
            continue
        rule, held = graph.plastic[path].rule, learned[path].accumulator
        assert rule is not None
        half = 2 ** (rule.fraction - 1) if rule.fraction else 0
        found[f"{path}.weights"] = (held + half) >> rule.fraction if rule.fraction else held
        if rule.fraction:
            found[f"{path}.accumulator"] = held
        if rule.momentum:
            found[f"{path}.momentum"] = learned[path].momentum
    return found


def _input_fault(path: str, process: Input, data: NDArray[Any], steps: int | None) -> Fault | None:
    where = f"inputs[{path!r}]"
    if data.ndim not in (2, 3) or data.shape[-1] != process.size:
        need = f"must have shape (episodes, steps, {process.size}) or (steps, {process.size})"
        return Fault(where, f"shape {data.shape}", need)
    if data.shape[0] == 0 or data.shape[-2] == 0:
        return Fault(where, f"shape {data.shape}", "must hold at least one episode and step")
    if steps is not None and data.shape[-2] > steps:
        need = f"must not be longer than steps={steps}"
        return Fault(where, f"{data.shape[-2]} steps", need, "shorten the data or raise steps")
    if not (np.issubdtype(data.dtype, np.number) or data.dtype == bool) or np.iscomplexobj(data):
        return Fault(where, f"dtype {data.dtype}", "must be real numbers")
    if not np.isfinite(data).all():
        return Fault(where, "NaN or infinite values", "must be finite", "clean the data")
    allowed = {"spike": (0, 1), "ternary": (-1, 0, 1)}.get(process.signal)
    if allowed and not np.isin(data, allowed).all():
        listed = " and ".join(map(str, allowed))
        need = f"a {process.signal} source takes {listed}"
        return Fault(where, f"values other than {listed}", need)
    return None


def _rounding_notes(
    graph: Graph, inputs: Mapping[str, Any], emitted: Mapping[str, NDArray[Any]]
) -> tuple[str, ...]:
    """Say which data the fixed domain rounded to whole numbers, and by how much."""
    if graph.domain == "float":
        return ()
    notes = []
    for path, process in graph.of_kind(Input).items():
        wanted = np.asarray(inputs[path]) * process.gain
        error = np.abs(wanted - emitted[path])
        if error.max() > 0:
            count = np.count_nonzero(error)
            text = f"{count} of {error.size} values rounded to integers, by up to {error.max():.2g}"
            notes.append(f"{path}.out: {text}; raise its gain to keep more")
    return tuple(notes)


__all__ = ["LOWERING", "Program", "compile", "encode_inputs", "lower_stages"]
