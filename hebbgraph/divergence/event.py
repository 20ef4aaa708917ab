"""Divergence: the first event in which one run departs from another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.processes import Process

#: What diverges: a spike, a state variable, a graded output, a weight as it was recorded at every
#: step, or what was learned at the end of a run: a weight, its accumulator or momentum.
Kind = Literal["spike", "state", "output", "weight", "learned"]
#: Position of an event in the order in which things happen.
When = tuple[int, int, int, int, int, int]

#: Variables in the order in which a step computes them, where that is not states, then output:
#: whether a unit spikes is decided before v is reset.
COMPUTED: Mapping[str, tuple[str, ...]] = {
    "LIF": ("u", "s", "v", "r"),
    "TernaryLIF": ("u", "s", "v"),
}


class NotComparable(ValueError):
    """Raised where only one of two runs recorded something, or in another shape."""


class Observed(Protocol):
    """What two runs are compared by: a `Result`, or anything with its arrays."""

    @property
    def spikes(self) -> Mapping[str, NDArray[Any]]:
        """Return rasters by path."""

    @property
    def states(self) -> Mapping[str, NDArray[Any]]:
        """Return recorded values by probe target."""

    @property
    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Return weights at the end by ``path.weights`` and so on."""


@dataclass(frozen=True)
class Divergence:
    """The first event in which a run departs from the reference."""

    #: The number of steps, for what was learned at the end of a run.
    step: int
    episode: int
    #: Path of the process.
    process: str
    #: The postsynaptic unit, for a weight.
    unit: int
    #: An output port such as ``s``, a state variable, ``weights``, ``accumulator``, ``momentum``.
    variable: str
    expected: float
    got: float
    kind: Kind = "state"
    #: The presynaptic unit, for a weight.
    pre: int | None = None

    @property
    def place(self) -> str:
        """Return where it is: ``memory[3]``, or ``loop[3, 5]`` for a synapse."""
        index = f"{self.unit}" if self.pre is None else f"{self.unit}, {self.pre}"
        return f"{self.process}[{index}]"

    @property
    def words(self) -> str:
        """Return the event as a sentence without its end: ``step 17, memory[3]: spiked, ...``."""
        return f"{self.when_words}, {self.place}: {self.what_words}"

    @property
    def when_words(self) -> str:
        """Return when it is: ``episode 2, step 17``."""
        if self.kind == "learned":
            return f"episode {self.episode}, at its end"
        return f"episode {self.episode}, step {self.step}"

    @property
    def what_words(self) -> str:
        """Return what happened and what should have."""
        if self.kind == "spike" and {self.expected, self.got} <= {0.0, 1.0}:
            if self.got:
                return "spiked, should not have"
            return "did not spike, should have"
        if self.kind == "spike":
            return f"sent {self.got:+.0f}, should have sent {self.expected:+.0f}".replace("+0", "0")
        name = "weight" if self.variable == "weights" else self.variable
        return f"{name} is {self.got:.17g}, should be {self.expected:.17g}"

    def __str__(self) -> str:
        values = f"{self.expected:.17g} expected, got {self.got:.17g}"
        where = f"{self.place}.{self.variable}"
        return f"step {self.step}, {where}: {values} (episode {self.episode})"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; values that are not finite become text."""
        return asdict(self) | {"expected": number(self.expected), "got": number(self.got)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Divergence:
        """Return the event that `as_dict` described."""
        values = {name: float(document[name]) for name in ("expected", "got")}
        return cls(**{**document, **values})

    def later(self, episodes: int) -> Divergence:
        """Return the event of a run whose episodes are counted from another one."""
        return replace(self, episode=self.episode + episodes)


def number(value: float) -> float | str:
    """Return `value` as JSON can hold it."""
    return float(value) if math.isfinite(value) else str(float(value))


def first_divergence(
    graph: Graph,
    expected: Observed,
    got: Observed,
    *,
    tolerance: float = 0.0,
    batch: int = 1,
    extent: tuple[int, int] | None = None,
) -> Divergence | None:
    """Return the earliest event in which `got` departs from `expected`, or None.

    Both are runs of `graph`, or of a graph with the same processes. Spikes must be equal. Any other
    value x may depart by `tolerance` max(1, |x|). Raises `NotComparable`, a ValueError, if only one
    of them recorded something.

    Earliest is in the order in which things happen, so that what is named is a cause and not a
    consequence: by step, then episode, then topological position of the process, then variable in
    the order of its computation, then unit. Where weights learn, episodes run one after another,
    `batch` by `batch`, and come before steps; weights come at the end of a step. Weights that were
    recorded at the end of the run only come last, as of one step more; `extent`, (episodes, steps),
    says when that is where nothing else was recorded.
    """
    found = list(divergences(graph, expected, got, tolerance, batch, extent))
    return min(found, key=timing(graph, batch), default=None)


def divergences(
    graph: Graph,
    expected: Observed,
    got: Observed,
    tolerance: float,
    batch: int = 1,
    extent: tuple[int, int] | None = None,
) -> Iterator[Divergence]:
    """Yield the earliest event of everything recorded that diverges."""
    size = batch if graph.plastic else None
    processes = graph.flat_processes
    for path, ours, theirs in _pairs(expected.spikes, got.spikes):
        target = f"{path}.{_output(processes[path])}"
        yield from _event(target, "spike", 0.0, ours, theirs, size)
    for target, ours, theirs in _pairs(expected.states, got.states):
        path, _, variable = target.rpartition(".")
        kind: Kind = "output" if variable in processes[path].outputs else "state"
        if variable == "weights":
            width = processes[path].inputs["s"].size
            yield from _event(target, "weight", tolerance, ours, theirs, size, width)
        else:
            yield from _event(target, kind, tolerance, ours, theirs, size)
    learned = [_learned(graph, run.weights) for run in (expected, got)]
    for target, ours, theirs in _pairs(*learned):
        episodes, steps = extent or extent_of(expected)
        width = ours.shape[1]
        rows = ours.reshape(1, 1, -1), theirs.reshape(1, 1, -1)
        for event in _event(target, "learned", tolerance, *rows, size, width):
            yield replace(event, step=steps, episode=episodes - 1)


def timing(graph: Graph, batch: int = 1) -> Callable[[Divergence], When]:
    """Return what sorts events of runs of `graph` by the order in which they happen."""
    place = {path: index for index, path in enumerate(graph.order)}
    plastic = bool(graph.plastic)

    def when(event: Divergence) -> When:
        turn = event.episode // batch if plastic else 0
        learns = event.kind in ("weight", "learned")
        position = place[event.process] + (len(place) if learns else 0)
        order = variables(graph.flat_processes[event.process])
        rank = order.index(event.variable) if event.variable in order else len(order)
        return turn, event.step, event.episode, position, rank, event.unit

    return when


def variables(process: Process) -> tuple[str, ...]:
    """Return what a process computes in a step, in that order."""
    kind = type(process).__name__
    return COMPUTED.get(kind, (*process.states, *process.outputs))


def _output(process: Process) -> str:
    return next(iter(process.outputs))


def extent_of(run: Observed) -> tuple[int, int]:
    """Return the number of episodes and of steps."""
    arrays: Iterable[NDArray[Any]] = (*run.spikes.values(), *run.states.values())
    return next((array.shape[:2] for array in arrays), (1, 0))


def _learned(graph: Graph, weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return those of `weights` that learn."""
    return {key: w for key, w in weights.items() if key.rpartition(".")[0] in graph.plastic}


def _pairs(
    ours: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]
) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    if set(ours) != set(theirs):
        raise NotComparable(f"recorded {sorted(ours)} and {sorted(theirs)}: not comparable")
    for key, array in ours.items():
        if array.shape != theirs[key].shape:
            raise NotComparable(f"{key}: shapes {array.shape} and {theirs[key].shape} differ")
    return [(key, array, theirs[key]) for key, array in ours.items()]


def differing(
    expected: NDArray[Any], got: NDArray[Any], tolerance: float = 0.0
) -> NDArray[np.bool_]:
    """Return where two arrays differ; NaN equals NaN."""
    both_nan = (expected != expected) & (got != got)
    if not tolerance:
        return np.asarray((expected != got) & ~both_nan)
    with np.errstate(invalid="ignore"):
        near = np.abs(expected - got) <= tolerance * np.maximum(1.0, np.abs(expected))
    return np.asarray(~(near | (expected == got) | both_nan))


def _event(
    target: str,
    kind: Kind,
    tolerance: float,
    expected: NDArray[Any],
    got: NDArray[Any],
    batch: int | None,
    width: int | None = None,
) -> Iterator[Divergence]:
    """Yield the earliest event of one target, if any; `width` is how many weights a row has.

    With a `batch`, episodes of one batch come before those of the next.
    """
    differs = differing(expected, got, tolerance)
    if not differs.any():
        return
    first = 0
    if batch is not None:
        first = int(np.argmax(differs.any(axis=(1, 2)))) // batch * batch
        differs = differs[first : first + batch]
    step = int(np.argmax(differs.any(axis=(0, 2))))
    episode, index = (int(i) for i in np.argwhere(differs[:, step])[0])
    episode += first
    path, _, variable = target.rpartition(".")
    ours, theirs = (float(array[episode, step, index]) for array in (expected, got))
    unit, pre = (index, None) if width is None else divmod(index, width)
    yield Divergence(step, episode, path, unit, variable, ours, theirs, kind, pre)
