"""Family: an associative memory as the harness sees it.

A model in `models/` that stores patterns declares one, ``FAMILY = Family(build, ...)``; with it
the model can be fitted, recalled, compared over engines, benchmarked and drawn like any other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.alphabets import Alphabet
from hebbgraph.data import independent_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.processes import Input
from hebbgraph.result import Result

Values = NDArray[Any]


def show_first(cues: Values) -> dict[str, Values]:
    """Return cues (episodes, N) as data of the Input ``cue``, shown at step 0 only."""
    return {"cue": np.asarray(cues, dtype=np.float64)[:, np.newaxis, :]}


def read_memory(result: Result) -> Values:
    """Return the states of the process ``memory``, (episodes, steps, N).

    The probed state ``memory.sigma`` or graded output ``memory.out`` where the result has it;
    ternary spikes as they are; spikes of LIF units as sigma = 2 s - 1.
    """
    for target in ("memory.sigma", "memory.out"):
        if target in result.states:
            return result.value(target)
    return read_signs(result)


def read_signs(result: Result) -> Values:
    """Return the spikes of ``memory`` as -1 and +1 (int8), ternary ones as they are."""
    raster = result.spikes["memory"]
    return raster if raster.dtype == np.int8 else 2 * raster.astype(np.int8) - 1


def read_spikes(result: Result) -> Values:
    """Return the spikes of ``memory`` as 0 and 1 (int8)."""
    return result.spikes["memory"].astype(np.int8)


def read_volleys(result: Result) -> Values:
    """Return the last volley of ``memory`` as 0 and 1, and the cue until there is one.

    For memories that answer a cue with one volley of spikes and are silent before and after:
    what was recalled stays. ``cue`` is a probed Input of spikes, shown at step 0 only. Where it is
    wider than ``memory``, its first units are the key, which is returned as it was given.
    """
    cue, raster = result.spikes["cue"], result.spikes["memory"]
    steps, key = np.arange(cue.shape[1]), cue.shape[2] - raster.shape[2]
    last = np.maximum.accumulate(np.where(raster.any(axis=2), steps, -1), axis=1)
    held = np.take_along_axis(raster, np.maximum(last, 0)[:, :, np.newaxis], axis=1)
    states = np.repeat(cue[:, :1], len(steps), axis=1).astype(np.int8)
    states[:, :, key:] = np.where(last[:, :, np.newaxis] < 0, states[:, :, key:], held)
    return states


@dataclass(frozen=True)
class Learner:
    """How a family learns one pattern after another, by rules in the graph itself.

    A lesson is one episode. What a run learned is handed on as ``Result.weights``.
    """

    #: ``build(units, **parameters)``: the graph that learns, blank.
    build: Callable[..., Graph]
    #: Inputs of lessons from patterns (episodes, N).
    teach: Callable[[Values], Mapping[str, Values]]
    #: ``memory(result, **parameters)``: the graph that recalls what a run of `build` learned.
    memory: Callable[..., Graph]
    #: Steps of a lesson.
    steps: int = 1


@dataclass(frozen=True)
class Family:
    """What a memory stores, how a cue enters its graph, and how a state is read from a result."""

    #: ``build(patterns, **parameters)``, patterns (K, N): the graph that recalls them.
    build: Callable[..., Graph]
    #: What values patterns, cues and states have.
    alphabet: Alphabet = "bipolar"
    #: Inputs from cues (episodes, N).
    present: Callable[[Values], Mapping[str, Values]] = show_first
    #: States (episodes, steps, N) from a result; the last is what was recalled.
    read: Callable[[Result], Values] = read_memory
    #: Steps of a recall, unless told otherwise.
    steps: int = 20
    #: How cues are spoiled in surveys of all families: a corruption of the alphabet and its level.
    corruption: tuple[str, float] = ("flip", 0.1)
    #: ``sample(count, units, seed)``: patterns that suit the family, (count, units); None for the
    #: independent ones of its alphabet.
    sample: Callable[[int, int, int], Values] | None = None
    #: ``energy(patterns, states, **parameters)``: the energy of states (..., N), shape (...).
    energy: Callable[..., NDArray[np.float64]] | None = None
    #: On-line learning, where the rule is local.
    learner: Learner | None = None
    #: Patterns and units of a small survey, such as `hebbgraph bench recall` runs.
    survey: tuple[int, int] = (6, 96)
    #: Parameters of `build` in that survey.
    survey_parameters: Mapping[str, Any] | None = None
    #: Further settings that the survey shows, each by what it is called in a table.
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def bound(self, **parameters: Any) -> Family:
        """Return the family whose `build` and `energy` have these parameters set."""
        energy = functools.partial(self.energy, **parameters) if self.energy else None
        return replace(self, build=functools.partial(self.build, **parameters), energy=energy)

    @property
    def surveyed(self) -> dict[str, Mapping[str, Any]]:
        """Return the settings that a survey of all families shows, ``""`` the first of them."""
        return {"": self.survey_parameters or {}, **self.variants}

    def patterns(self, count: int, units: int, seed: int) -> Values:
        """Return random patterns (count, units) that suit the family."""
        if self.sample:
            return self.sample(count, units, seed)
        return independent_patterns(self.alphabet, count, units, seed).patterns

    def checked(self, graph: Graph, patterns: Values) -> Graph:
        """Return `graph`; raises `Invalid` if it has not every Input that cues are shown to."""
        asked = self.present(np.zeros((1, patterns.shape[1])))
        others = [path for path in graph.of_kind(Input) if path not in asked]
        faults = []
        for path, data in asked.items():
            process = graph.flat_processes.get(path)
            size = getattr(process, "size", None)
            if size != np.shape(data)[-1]:
                got = "no such process" if process is None else f"{size} units"
                need = f"must be an Input of {np.shape(data)[-1]} units, to show cues to"
                faults.append(Fault(path, got, need))
        if others:
            need = f"must not be there: cues are shown to {', '.join(asked)} only"
            faults.append(Fault(", ".join(others), "another Input", need, "build without it"))
        if faults:
            raise Invalid(f"memory {graph.name!r}", faults)
        return graph
