"""feed: what a user gives a run, and what sources make, as what every engine is fed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import is_whole, whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.processes import Clock, Input, Noise
from hebbgraph.processes.base import read_only


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
        data = _as_array(inputs[path])
        problem = _input_fault(path, process, data, steps)
        if problem:
            faults.append(problem)
            continue
        data = data[np.newaxis] if data.ndim == 2 else data
        if process.signal != "graded":
            emitted[path] = data.astype(np.float64 if graph.domain == "float" else np.int64)
            continue
        values = data * process.gain
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


def _as_array(value: Any) -> NDArray[Any]:
    """Return `value` as an array, without a copy where it is one of numbers."""
    plain = isinstance(value, np.ndarray) and value.dtype != object
    return value if plain else read_only(value)


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
    if data.dtype == bool:
        return None
    if not np.isfinite(data).all():
        return Fault(where, "NaN or infinite values", "must be finite", "clean the data")
    allowed = {"spike": (0, 1), "ternary": (-1, 0, 1)}.get(process.signal)
    if allowed and not sum(data == value for value in allowed).all():
        listed = " and ".join(map(str, allowed))
        need = f"a {process.signal} source takes {listed}"
        return Fault(where, f"values other than {listed}", need)
    return None


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


def probed_sources(
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


def rounding_notes(
    graph: Graph, inputs: Mapping[str, Any], emitted: Mapping[str, NDArray[Any]]
) -> tuple[str, ...]:
    """Say which data the fixed domain rounded to whole numbers, and by how much."""
    if graph.domain == "float":
        return ()
    notes = []
    for path, process in graph.of_kind(Input).items():
        if process.signal != "graded":
            continue
        wanted = np.asarray(inputs[path]) * process.gain
        error = np.abs(wanted - emitted[path])
        if error.max() > 0:
            count = np.count_nonzero(error)
            text = f"{count} of {error.size} values rounded to integers, by up to {error.max():.2g}"
            notes.append(f"{path}.out: {text}; raise its gain to keep more")
    return tuple(notes)
