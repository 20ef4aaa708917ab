"""Subject: the graph that a command is about, what it is fed and how a task scores it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import catalogue
from hebbgraph.cli.arguments import arrays_in, is_file, pairs
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.harness.compare import RunConfig
from hebbgraph.harness.recall import require_alphabet
from hebbgraph.metrics import identified
from hebbgraph.processes import Input
from hebbgraph.random import stream
from hebbgraph.result import Result
from hebbgraph.serialise import load

#: The memory that `run` builds first; episodes, steps, rate and size of data that are made up.
DEFAULT = RunConfig()
EPISODES, STEPS, RATE, LARGEST = 4, 40, 0.2, 8


@dataclass(frozen=True)
class Subject:
    """A graph and its data."""

    name: str
    graph: Graph
    inputs: Mapping[str, Any]
    steps: int | None
    #: Where the data come from, in words.
    data: str
    episodes: int | None = None
    #: What a run is worth, and what that is called.
    score: Callable[[Result], float] | None = None
    score_name: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `subject_of` reads."""
    parser.add_argument(
        "subject", metavar="MODEL", help="a model, see `hebbgraph list models`, or a graph file"
    )
    group = parser.add_argument_group("data")
    add = group.add_argument
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="parameter of the model")
    add(
        "--data",
        help="data set that a model stores, or an .npz file with an array (episodes, steps, units)"
        " by path of each Input (default: the example of the model; made-up data for a graph file)",
    )
    add("--count", type=int, help=f"patterns stored, with --data (default: {DEFAULT.count})")
    add("--level", type=float, help="share of a cue that is corrupted, with --data")
    add("--cues", type=int, help="cues per pattern, with --data (default: 1)")
    add("--seed", type=int, default=0, help="seed of cues, or of made-up data (default: 0)")
    add("--steps", type=int, help="steps of an episode")
    add("--episodes", type=int, help=f"episodes of made-up data (default: {EPISODES})")


def subject_of(parsed: argparse.Namespace, *, example: bool = True) -> Subject:
    """Return the graph and data that the arguments name; raises `Invalid` with their faults.

    A memory of which nothing is asked is its small example or, without `example`, what `run`
    builds first.
    """
    parameters = pairs(parsed.set, "--set")
    from_file = parsed.data is not None and parsed.data.endswith(".npz")
    inputs = arrays_in(parsed.data) if from_file else None
    if is_file(parsed.subject):
        return _file(parsed, parameters, inputs)
    module = catalogue.model(parsed.subject)
    catalogue.check_parameters(module, parameters)
    asked = {"--count": parsed.count, "--level": parsed.level, "--cues": parsed.cues}
    wanted = not example or bool(parameters) or parsed.data is not None
    wanted |= any(value is not None for value in asked.values())
    if wanted and parsed.subject in catalogue.families():
        return _memory(parsed, parameters, inputs)
    if any(value is not None for value in asked.values()) or (parsed.data and not from_file):
        names = [f"{k} {v}" for k, v in {**asked, "--data": parsed.data}.items() if v is not None]
        need = f"is for models that store patterns, {parsed.subject} does not"
        raise Invalid("arguments", [Fault(", ".join(names), "given", need)])
    return _model(parsed, module, parameters, inputs)


def _file(
    parsed: argparse.Namespace, parameters: dict[str, Any], inputs: dict[str, Any] | None
) -> Subject:
    faults = []
    if parameters:
        faults.append(Fault("--set", str(parameters), "is for models, a graph file has none"))
    if parsed.data and inputs is None:
        need = "must be an .npz file for a graph file, data sets are for models"
        faults.append(Fault("--data", repr(parsed.data), need))
    if faults:
        raise Invalid("arguments", faults)
    graph = load(parsed.subject)
    return _fed(parsed, graph.name, graph, inputs)


def _model(
    parsed: argparse.Namespace,
    module: ModuleType,
    parameters: dict[str, Any],
    inputs: dict[str, Any] | None,
) -> Subject:
    """Return a model as its parameters say, or its example."""
    if parameters:
        return _fed(parsed, parsed.subject, module.build(**parameters), inputs)
    graph, own, steps = module.example()
    if inputs is not None:
        return _fed(parsed, parsed.subject, graph, inputs)
    words = f"the example of {parsed.subject}"
    return Subject(parsed.subject, graph, own, parsed.steps or steps, words)


def _fed(
    parsed: argparse.Namespace, name: str, graph: Graph, inputs: dict[str, Any] | None
) -> Subject:
    """Return a graph with data of a file, or made-up ones."""
    if inputs is not None:
        return Subject(name, graph, inputs, parsed.steps, parsed.data, parsed.episodes)
    steps = STEPS if parsed.steps is None else parsed.steps
    episodes = EPISODES if parsed.episodes is None else parsed.episodes
    faults = [
        Fault(flag, str(value), "must be a whole number above 0")
        for flag, value in (("--steps", steps), ("--episodes", episodes))
        if value < 1
    ]
    if parsed.seed < 0:
        faults.append(Fault("--seed", str(parsed.seed), "must be a whole number, 0 or above"))
    if faults:
        raise Invalid("arguments", faults)
    sources = graph.of_kind(Input)
    made = {p: _made_up(p, source, episodes, steps, parsed.seed) for p, source in sources.items()}
    words = (
        f"made-up data (seed {parsed.seed}): spikes at rate {RATE:g}, whole numbers from"
        f" -{LARGEST} to {LARGEST}"
    )
    return Subject(name, graph, made, steps, words if made else "its own sources", episodes)


def _made_up(path: str, source: Input, episodes: int, steps: int, seed: int) -> NDArray[np.float64]:
    draws = stream(seed, path, "made-up data").random((episodes, steps, source.size))
    if source.signal == "graded":
        return np.floor(draws * (2 * LARGEST + 1)) - LARGEST
    spikes = (draws < RATE).astype(np.float64)
    return spikes if source.signal == "spike" else np.where(draws < RATE / 2, -1.0, spikes)


def _memory(
    parsed: argparse.Namespace, parameters: dict[str, Any], inputs: dict[str, Any] | None
) -> Subject:
    """Return the memory of a data set, cues for it, and the share of cues that are identified."""
    config = RunConfig(
        model=parsed.subject,
        parameters=parameters,
        data=DEFAULT.data if inputs is not None or not parsed.data else parsed.data,
        count=DEFAULT.count if parsed.count is None else parsed.count,
        level=DEFAULT.level if parsed.level is None else parsed.level,
        cues_per_pattern=1 if parsed.cues is None else parsed.cues,
        seeds=(parsed.seed,),
        steps=DEFAULT.steps if parsed.steps is None else parsed.steps,
    )
    task = config.task()
    rows = task.stored(parsed.seed)
    stored = task.data.patterns[rows]
    family = config.family()
    require_alphabet(task, family)
    graph = family.build(stored)
    if inputs is not None:
        return Subject(parsed.subject, graph, inputs, config.steps, parsed.data)
    cues, targets = task.cues(parsed.seed, rows), task.targets()

    def score(result: Result) -> float:
        return float(identified(family.read(result)[:, -1], stored, targets).mean())

    kind = f"{config.corruption}, {config.level:g}"
    words = f"{len(cues)} corrupted cues ({kind}) of {config.count} stored {config.data} patterns"
    given = family.present(cues)
    return Subject(
        parsed.subject, graph, given, config.steps, words, None, score, "recall accuracy"
    )
