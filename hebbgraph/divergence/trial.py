"""Trial: what every engine is given in one domain, and how it is run and watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import backend as backends
from hebbgraph.backend import Backend, Job, Progress
from hebbgraph.compile import Program, lower_stages
from hebbgraph.errors import Unavailable
from hebbgraph.feed import encode_inputs
from hebbgraph.graph import Graph
from hebbgraph.processes import Domain, Input
from hebbgraph.result import Result
from hebbgraph.weights import start_weights

#: Bytes that the states and outputs of a watched run may take, and those of weights at every step.
STATE_BYTES, WEIGHT_BYTES = 256 * 2**20, 64 * 2**20


@dataclass(frozen=True)
class Limits:
    """How much of a run is watched."""

    #: Bytes of states and graded outputs; beyond, fewer episodes are watched.
    state_bytes: int = STATE_BYTES
    #: Bytes of weights at every step; beyond, weights are compared at the end of each episode.
    weight_bytes: int = WEIGHT_BYTES


@dataclass(frozen=True, eq=False)
class Trial:
    """One graph in one domain, its data, and which episodes are watched."""

    #: The graph as it was given, in the domain.
    graph: Graph
    #: The same with everything recorded that decides what happens.
    watched_graph: Graph
    inputs: Mapping[str, Any]
    episodes: int
    steps: int
    batch: int
    first_episode: int
    #: Where plastic weights start, or nothing: as the graph has them.
    weights: Mapping[str, Any]
    #: How many episodes are watched, and whether one batch at a time.
    window: int
    in_turn: bool
    #: What is not watched, in words.
    notes: tuple[str, ...] = field(default=())

    @property
    def domain(self) -> Domain:
        """Return the arithmetic."""
        return self.graph.domain

    @cached_property
    def lowered(self) -> dict[str, Graph]:
        """Return the stages of the watched graph."""
        return lower_stages(self.watched_graph)

    @cached_property
    def job(self) -> Job:
        """Return what an engine is given for all episodes, random numbers drawn."""
        flat = self.lowered["flatten"]
        _, emitted, steps = encode_inputs(
            flat, self.inputs, self.steps, self.episodes, self.first_episode
        )
        learned = start_weights(self.lowered["feed_sources"], self.weights)
        return Job(emitted, self.episodes, steps, self.batch, self.first_episode, learned)

    def parts(self, first: int = 0, episodes: int | None = None) -> list[range]:
        """Return the episodes of each run in which the window from `first` on is watched."""
        count = self.window if episodes is None else episodes
        size = self.batch if self.in_turn else count
        return [range(e, min(e + size, first + count)) for e in range(first, first + count, size)]

    def window_about(self, episode: int | None) -> int:
        """Return the first watched episode, so that `episode` is watched if it can be."""
        if episode is None or self.graph.plastic:
            return 0
        return min(episode, self.episodes - self.window)


def prepare(
    graph: Graph,
    inputs: Mapping[str, Any],
    *,
    steps: int | None,
    episodes: int | None,
    batch: int,
    first_episode: int,
    weights: Mapping[str, Any],
    limits: Limits,
) -> Trial:
    """Return the trial of `graph`; raises `Invalid` with every fault of the data."""
    flat = graph.flat()
    count, _, length = encode_inputs(flat, inputs, steps, episodes, first_episode)
    targets, per_episode = _targets(flat, length)
    window, notes = count, []
    if count * per_episode > limits.state_bytes:
        window = max(limits.state_bytes // per_episode // batch, 1) * batch
        window = min(window, count)
    if window * per_episode > limits.state_bytes:
        notes.append(
            f"states are not compared: those of {batch} episodes take {batch * per_episode:,} bytes"
        )
        targets, window = [], count
    elif window < count:
        notes.append(f"states are compared in {window} of {count} episodes, spikes in all")
    weight_bytes = 8 * window * length * sum(d.weights.size for d in flat.plastic.values())
    in_turn = bool(flat.plastic) and weight_bytes > limits.weight_bytes
    if in_turn:
        ends = "episode" if batch == 1 else f"batch of {batch} episodes"
        notes.append(f"learned weights are compared at the end of each {ends}")
    else:
        targets += [f"{path}.weights" for path in flat.plastic]
    data = {path: _rows(inputs[path]) for path in flat.of_kind(Input)}
    watched = flat.with_probes(*targets)
    given = (data, count, length, batch, first_episode, weights)
    return Trial(graph, watched, *given, window, in_turn, tuple(notes))


def _targets(flat: Graph, steps: int) -> tuple[list[str], int]:
    """Return every state and graded output but those of sources, and their bytes per episode."""
    found: list[str] = []
    width = 0
    for path, process in flat.walk():
        if process.ROLE == "source":
            continue
        graded = process.output.signal == "graded"
        names = [*process.states, *(process.outputs if graded else ())]
        found += [f"{path}.{name}" for name in names]
        width += len(names) * process.output.size
    return found, 8 * steps * max(width, 1)


def _rows(values: Any) -> NDArray[Any]:
    """Return data of one episode or more as (episodes, steps, units)."""
    array = np.asarray(values)
    return array[np.newaxis] if array.ndim == 2 else array


def usable(engine: Backend) -> Mapping[str, str]:
    """Return the versions of an engine that can be used; raises `Unavailable` with the remedy."""
    found = engine.availability()
    if not found.usable:
        raise Unavailable(f"{found.reason}; {found.remedy}")
    return found.versions


def run_given(
    trial: Trial, engine: Backend, options: Mapping[str, Any], progress: Progress | None = None
) -> Result:
    """Return the run of the graph as it was given, on one engine."""
    with _program(trial.graph, engine, options) as program:
        return program.run(
            trial.inputs,
            trial.steps,
            episodes=trial.episodes,
            batch=trial.batch,
            weights=trial.weights,
            first_episode=trial.first_episode,
            progress=progress,
        )


def run_watched(
    trial: Trial,
    engine: Backend,
    options: Mapping[str, Any],
    parts: Sequence[range],
    progress: Progress | None = None,
) -> list[Result]:
    """Return the runs of `parts` of the episodes with everything recorded, on one engine.

    Where there are several, each goes on learning from where the one before ended.
    """
    found: list[Result] = []
    weights = trial.weights
    with _program(trial.watched_graph, engine, options) as program:
        for part in parts:
            result = program.run(
                {path: data[part.start : part.stop] for path, data in trial.inputs.items()},
                trial.steps,
                episodes=len(part),
                batch=trial.batch,
                weights=weights,
                first_episode=trial.first_episode + part.start,
                progress=progress,
            )
            learning = program.graph.plastic
            weights = {k: w for k, w in result.weights.items() if k.rpartition(".")[0] in learning}
            found.append(result)
    return found


def _program(graph: Graph, engine: Backend, options: Mapping[str, Any]) -> Program:
    """Return `graph` compiled to an engine that need not be one of `hebbgraph.backends`."""
    resolved = engine.capability.resolve_options(options)
    stages = lower_stages(graph)
    backends.require(engine, stages[next(reversed(stages))])
    return Program(stages, engine, resolved, dict(usable(engine)))


def part_of(job: Job, part: range, learned: Mapping[str, Any], steps: int | None = None) -> Job:
    """Return the job of some episodes, cut after `steps`, with weights as they are by then."""
    length = job.steps if steps is None else steps
    inputs = {path: a[part.start : part.stop, :length] for path, a in job.inputs.items()}
    return replace(
        job,
        inputs=inputs,
        episodes=len(part),
        steps=length,
        first_episode=job.first_episode + part.start,
        learned=learned,
    )
