"""Streams: data sets as sequences of tasks, each with samples to learn and samples to test.

A stream names its scenario (van de Ven and Tolias, "Three scenarios for continual learning",
2019, arXiv:1904.07734):

- ``domain``-incremental: the same classes in every task, other inputs, one head;
- ``task``-incremental: other classes in every task, a head each, the task is known at test;
- ``class``-incremental: other classes in every task, one head over all, the task is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream

Scenario = Literal["domain", "task", "class"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Samples x (n, N), real, and their classes y (n,), from 0 on; arrays are read-only."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name, dtype in (("x", np.float64), ("y", np.int64)):
            array = np.ascontiguousarray(getattr(self, name), dtype=dtype)
            array = array.view()
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[Any]) -> Labelled:
        """Return some of the samples."""
        return Labelled(self.x[rows], self.y[rows])


@dataclass(frozen=True, eq=False)
class Task:
    """One task: what to learn, what to test."""

    name: str
    train: Labelled
    test: Labelled
    #: The columns of the readout that this task uses.
    classes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Stream:
    """Tasks in their order."""

    name: str
    scenario: Scenario
    tasks: tuple[Task, ...]
    #: Columns of the readout over all tasks.
    outputs: int
    source: str

    @property
    def inputs(self) -> int:
        """Return N, the number of input channels."""
        return int(self.tasks[0].train.x.shape[1])

    def __len__(self) -> int:
        return len(self.tasks)


def permuted(
    train: Labelled, test: Labelled, tasks: int, seed: int = 0, *, first_plain: bool = True
) -> Stream:
    """Return `tasks` times the same samples, the inputs of each task in an order of its own.

    Domain-incremental. The first task has the plain order unless told otherwise (Goodfellow et
    al. 2013, arXiv:1312.6211). Raises `Invalid` with every fault.
    """
    _check("permuted", train, test, tasks)
    made = []
    for number in range(tasks):
        order = stream(seed, "continual.permuted", "order", episode=number).permutation(
            train.x.shape[1]
        )
        if number == 0 and first_plain:
            order = np.arange(train.x.shape[1])
        learn, tested = (Labelled(part.x[:, order], part.y) for part in (train, test))
        made.append(Task(f"permutation {number}", learn, tested, _classes(train)))
    source = f"inputs permuted, seed {seed}"
    return Stream(f"permuted-{tasks}", "domain", tuple(made), _outputs(train), source)


def rotated(
    train: Labelled,
    test: Labelled,
    angles: Sequence[float],
    image_shape: tuple[int, int],
) -> Stream:
    """Return the same images turned by each of `angles`, in degrees; domain-incremental.

    Bilinear interpolation, 0 beyond the edge. Raises `Invalid` with every fault.
    """
    from scipy.ndimage import rotate

    _check("rotated", train, test, len(angles))
    if np.prod(image_shape) != train.x.shape[1]:
        need = f"must hold {train.x.shape[1]} pixels"
        raise Invalid("rotated", [Fault("image_shape", repr(image_shape), need)])
    made = []
    for angle in angles:
        turned = []
        for part in (train, test):
            images = part.x.reshape(-1, *image_shape)
            flat = rotate(images, angle, axes=(1, 2), reshape=False, order=1).reshape(len(part), -1)
            turned.append(Labelled(flat if angle else part.x, part.y))
        made.append(Task(f"{angle:g} degrees", turned[0], turned[1], _classes(train)))
    return Stream(f"rotated-{len(angles)}", "domain", tuple(made), _outputs(train), "images turned")


def split(
    train: Labelled,
    test: Labelled,
    groups: Sequence[Sequence[int]],
    scenario: Scenario = "task",
) -> Stream:
    """Return one task for each group of classes.

    ``task``: each has columns of its own in the readout and only they count at test; ``class``:
    columns of its own, and all count; ``domain``: all share the columns 0, 1, ..., so groups must
    be equally large. Raises `Invalid` with every fault: a class twice, one that has no samples, a
    task with fewer than two classes.
    """
    _check("split", train, test, len(groups))
    faults = _group_faults(train, test, groups, scenario)
    if faults:
        raise Invalid("split", faults)
    made, first = [], 0
    for group in groups:
        columns = range(len(group)) if scenario == "domain" else range(first, first + len(group))
        first += len(group)
        place = dict(zip(group, columns, strict=True))
        learn, tested = (_relabelled(part, place) for part in (train, test))
        shown = ", ".join(map(str, group))
        made.append(Task(f"classes {shown}", learn, tested, tuple(columns)))
    outputs = len(groups[0]) if scenario == "domain" else first
    names = f"split-{len(groups)}-{scenario}"
    return Stream(names, scenario, tuple(made), outputs, "classes in groups")


def held_out(
    x: ArrayLike, y: ArrayLike, test_share: float = 0.2, seed: int = 0
) -> tuple[Labelled, Labelled]:
    """Return samples to learn and to test, drawn class by class; raises `Invalid`.

    Of every class round(test_share n) samples are tested, at least one.
    """
    images, labels = np.asarray(x, dtype=np.float64), np.asarray(y)
    faults = []
    if images.ndim != 2 or labels.shape != (len(images),) or not len(images):
        got = f"x {images.shape}, y {labels.shape}"
        faults.append(Fault("data", got, "must be (samples, inputs) and (samples,)"))
    if not 0 < test_share < 1:
        faults.append(Fault("test_share", repr(test_share), "must be in (0, 1)"))
    if not faults and not np.isfinite(images).all():
        faults.append(Fault("x", f"{np.count_nonzero(~np.isfinite(images))} values", "be finite"))
    if faults:
        raise Invalid("held_out", faults)
    tested = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order = stream(seed, "continual.held_out", "rows", episode=int(label)).permutation(rows)
        tested[order[: max(1, round(test_share * len(rows)))]] = True
    whole = Labelled(images, labels.astype(np.int64))
    return whole.take(np.flatnonzero(~tested)), whole.take(np.flatnonzero(tested))


def _relabelled(part: Labelled, place: dict[int, int]) -> Labelled:
    rows = np.flatnonzero(np.isin(part.y, list(place)))
    return Labelled(part.x[rows], np.array([place[int(label)] for label in part.y[rows]]))


def _classes(part: Labelled) -> tuple[int, ...]:
    return tuple(range(_outputs(part)))


def _outputs(part: Labelled) -> int:
    return int(part.y.max()) + 1


def _check(where: str, train: Labelled, test: Labelled, tasks: int) -> None:
    faults = whole_faults("tasks", tasks, 1, 10**6)
    for name, part in (("train", train), ("test", test)):
        if part.x.ndim != 2 or part.y.shape != (len(part.x),) or not len(part):
            got = f"x {part.x.shape}, y {part.y.shape}"
            faults.append(Fault(name, got, "must be (samples, inputs) and (samples,)"))
        elif not np.isfinite(part.x).all():
            faults.append(Fault(f"{name}.x", "NaN or infinite values", "must be finite"))
        elif part.y.min() < 0:
            faults.append(Fault(f"{name}.y", str(part.y.min()), "classes must count from 0"))
    if not faults and len(np.unique(train.y)) < 2:
        need = "must have two or more classes"
        faults.append(Fault("train.y", f"only class {train.y[0]}", need))
    if not faults and train.x.shape[1] != test.x.shape[1]:
        got = f"{train.x.shape[1]} and {test.x.shape[1]} inputs"
        faults.append(Fault("train and test", got, "must have the same inputs"))
    if faults:
        raise Invalid(where, faults)


def _group_faults(
    train: Labelled, test: Labelled, groups: Sequence[Sequence[int]], scenario: object
) -> list[Fault]:
    faults = []
    if scenario not in get_args(Scenario):
        need = f"must be one of {', '.join(get_args(Scenario))}"
        faults.append(Fault("scenario", repr(scenario), need))
    every = [label for group in groups for label in group]
    twice = sorted({label for label in every if every.count(label) > 1})
    if twice:
        faults.append(Fault("groups", f"class {twice[0]} twice", "must not share classes"))
    for number, group in enumerate(groups):
        if len(set(group)) < 2:
            need = "a task needs two or more classes"
            faults.append(Fault(f"groups[{number}]", str(list(group)), need))
        for label in group:
            for name, part in (("train", train), ("test", test)):
                if not (part.y == label).any():
                    faults.append(Fault(f"groups[{number}]", f"class {label}", f"is not in {name}"))
    if scenario == "domain" and len({len(group) for group in groups}) > 1:
        got = str([len(group) for group in groups])
        faults.append(Fault("groups", f"sizes {got}", "must be equally large to share a head"))
    return faults
