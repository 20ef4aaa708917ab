"""PatternSet: patterns with what is known about them, and which of them are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.alphabets import Alphabet, checked_patterns
from hebbgraph.checks import is_whole
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream


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
    faults = choice_faults(patterns, count, per_class)
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


def choice_faults(patterns: PatternSet, count: int, per_class: int | None = None) -> list[Fault]:
    """Return why `count` patterns, `per_class` of each class drawn, cannot be chosen."""
    if not is_whole(count) or not 1 <= count <= len(patterns):
        need = f"must be a whole number in [1, {len(patterns)}], the patterns there are"
        return [Fault("count", repr(count), need)]
    if per_class is None:
        return []
    if patterns.labels is None:
        remedy = "leave per_class out"
        return [Fault("per_class", repr(per_class), f"{patterns.name} has no classes", remedy)]
    classes = len(np.unique(patterns.labels))
    if not is_whole(per_class) or per_class < 1 or count % per_class:
        need = f"must be a whole number that divides count = {count}"
        return [Fault("per_class", repr(per_class), need)]
    if count // per_class > classes:
        need = f"count / per_class must not exceed the {classes} classes"
        return [Fault("per_class", f"{count} / {per_class}", need, "raise per_class")]
    return []


def binary(grey: NDArray[Any], threshold: float) -> NDArray[np.int8]:
    """Return +1 where `grey` is at or above `threshold`, else -1."""
    return np.where(grey >= threshold, np.int8(1), np.int8(-1))
