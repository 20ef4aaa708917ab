"""Data sets of patterns: what a memory is asked to store.

Every set is a `PatternSet` of one alphabet, images with values in {-1, +1}. `load` finds one by
name; what a set needs to have installed, or fetched, is looked for on use. The images and labels
behind the fetched sets, as they were published, are `hebbgraph.data.images`.
"""

from __future__ import annotations

from collections.abc import Callable

from hebbgraph.data.actions import ActionSet, actions
from hebbgraph.data.downloads import Teller
from hebbgraph.data.images import (
    LabelledImages,
    cifar10,
    cifar100,
    fashion_mnist,
    fetch,
    load_images,
    mnist,
    notmnist,
    svhn,
)
from hebbgraph.data.independent import (
    diluted_patterns,
    independent_patterns,
    random_patterns,
    sparse_patterns,
    sphere_patterns,
)
from hebbgraph.data.packaged import digits, mnist5k
from hebbgraph.data.patterns import PatternSet, choose
from hebbgraph.errors import Fault, Invalid


def _random() -> PatternSet:
    """Return 512 independent random patterns of 256 units, seed 0."""
    return random_patterns(512, 256, seed=0)


def _diluted() -> PatternSet:
    """Return 512 independent patterns of 256 units in {-1, 0, +1}, half of them 0, seed 0."""
    return diluted_patterns(512, 256, seed=0)


def _sparse() -> PatternSet:
    """Return 512 independent patterns of 256 units in {0, 1}, 8 of them 1, seed 0."""
    return sparse_patterns(512, 256, seed=0)


def _sphere() -> PatternSet:
    """Return 512 independent patterns of 256 real units on the unit sphere, seed 0."""
    return sphere_patterns(512, 256, seed=0)


#: Every data set that has a name, with what makes it; nothing is read or fetched before.
DATASETS: dict[str, Callable[[], PatternSet]] = {
    "digits": digits,
    "mnist5k": mnist5k,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "svhn": svhn,
    "notmnist": notmnist,
    "random": _random,
    "diluted": _diluted,
    "sparse": _sparse,
    "sphere": _sphere,
}


def load(name: str, progress: Teller | None = None) -> PatternSet:
    """Return the data set called `name`; what is published elsewhere is fetched the first time.

    `progress` is told (bytes done, bytes in all, text) meanwhile.

    Raises `Invalid` naming those there are, `Unavailable` if its package is missing or its files
    can neither be found nor fetched.
    """
    if name not in DATASETS:
        need = f"data sets are {', '.join(DATASETS)}"
        raise Invalid("data set", [Fault("data", repr(name), need)])
    if progress:
        fetch(name, progress=progress)
    return DATASETS[name]()


__all__ = [
    "DATASETS",
    "ActionSet",
    "LabelledImages",
    "PatternSet",
    "Teller",
    "actions",
    "choose",
    "cifar10",
    "cifar100",
    "digits",
    "diluted_patterns",
    "fashion_mnist",
    "fetch",
    "independent_patterns",
    "load",
    "load_images",
    "mnist",
    "mnist5k",
    "notmnist",
    "random_patterns",
    "sparse_patterns",
    "sphere_patterns",
    "svhn",
]
