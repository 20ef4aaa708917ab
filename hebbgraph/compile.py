"""compile: graph -> named stages -> Program -> Result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hebbgraph import backend as backends
from hebbgraph.backend import Backend, Progress
from hebbgraph.counters import count
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.graph import Graph
from hebbgraph.passes.flatten import flatten
from hebbgraph.passes.quantise import quantise
from hebbgraph.processes import DOMAINS, Dense, Domain, Input
from hebbgraph.processes.base import is_whole, read_only
from hebbgraph.result import Provenance, Result

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: The passes every graph goes through on its way to an engine, in this order. Each is pure, has a
#: name at which `Program.stages` can be read, and gives the same answer as the stage before it.
LOWERING = (("flatten", flatten),)


def compile(  # noqa: A001 - the field's word
    graph: Graph,
    backend: str = "reference",
    *,
    domain: Domain | None = None,
    hardware: Hardware | str | None = None,
    **options: Any,
) -> Program:
    """Return `graph` compiled to `backend`.

    With ``domain="fixed"`` a float graph is first quantised to the numerics of `hardware` (Loihi's
    without one). Raises `Invalid` (options), `Unavailable` (the engine is missing, with the
    remedy) and `Unsupported` (every gap at once).
    """
    if not isinstance(graph, Graph):
        need = "must be a Graph"
        raise Invalid("compile", [Fault("graph", type(graph).__name__, need, "build or load one")])
    engine = backends.get(backend)
    resolved = engine.capability.resolve_options(options)
    stages = lower_stages(graph, domain, hardware)
    final = stages[next(reversed(stages))]
    backends.require(engine, final)
    found = engine.availability()
    if not found.usable:
        raise Unavailable(f"{backend}: {found.reason}; {found.remedy}")
    return Program(stages, engine, resolved, dict(found.versions))


def lower_stages(
    graph: Graph, domain: Domain | None = None, hardware: Hardware | str | None = None
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
        stages["quantise"] = graph = quantise(graph, hardware)
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
        self.graph = self.stages[next(reversed(self.stages))]
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
        progress: Progress | None = None,
    ) -> Result:
        """Run episodes from zero states and return what happened.

        `inputs` gives, per Input process, an array (episodes, steps, units), or (steps, units)
        for one episode; where it is shorter than `steps`, zeros follow. Without `steps` the
        longest input decides. Raises `Invalid` with every fault of the inputs.
        """
        emitted, steps = encode_inputs(self.graph, {} if inputs is None else inputs, steps)
        notes = _rounding_notes(self.graph, inputs or {}, emitted)
        start = time.perf_counter()
        trace = self._executable.run(emitted, steps, progress)
        seconds = time.perf_counter() - start
        provenance = Provenance(
            graph=self.graph.name,
            graph_hash=self.graph.content_hash,
            backend=self.backend.capability.name,
            domain=self.graph.domain,
            options=self.options,
            versions=self.versions,
            wall_seconds=seconds,
            approximations=self.graph.notes + notes,
        )
        weights = {
            f"{path}.weights": process.weights
            for path, process in self.graph.of_kind(Dense).items()
        }
        counters = count(self.graph, emitted, trace.spikes, steps)
        return Result(trace.spikes, trace.states, counters, provenance, weights)

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
    graph: Graph, inputs: Mapping[str, Any], steps: int | None
) -> tuple[dict[str, NDArray[Any]], int]:
    """Return what every Input emits, (episodes, steps given, units), and the number of steps.

    This is the one place where data becomes what engines are fed, so all are fed alike.
    """
    sources = graph.of_kind(Input)
    if not isinstance(inputs, Mapping):
        need = f"must be a mapping of Input paths ({', '.join(sources) or 'none'}) to arrays"
        raise Invalid("inputs", [Fault("inputs", type(inputs).__name__, need)])
    if steps is not None and not is_whole(steps):
        raise Invalid("inputs", [Fault("steps", repr(steps), "must be a whole number above 0")])
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
    if faults:
        raise Invalid("inputs", faults)
    return emitted, int(steps)


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
    if process.signal == "spike" and not np.isin(data, (0, 1)).all():
        return Fault(where, "values other than 0 and 1", "a source of spikes takes 0 and 1")
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
