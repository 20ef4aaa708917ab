"""RecallTask: what a memory is asked to store and recall, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.data import PatternSet, choose
from hebbgraph.errors import Fault, Invalid
from hebbgraph.harness.corrupt import corruption_faults, cues

#: What a unit of a real pattern may be off to be right, as a share of the pattern's rms.
REAL_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class RecallTask:
    """Store `count` patterns, recall each from `cues_per_pattern` corrupted copies, for each seed.

    A seed decides which patterns are stored and how the cues are spoiled, and nothing else does:
    every memory, engine and domain is given the same cues. Raises `Invalid` with every fault.
    """

    #: Where the patterns come from.
    data: PatternSet
    #: K, the number of patterns stored.
    count: int
    #: A name in `hebbgraph.harness.corrupt.CORRUPTIONS`.
    corruption: str = "flip"
    #: Share of the units that the corruption is about, 0 to 1.
    level: float = 0.1
    cues_per_pattern: int = 1
    #: One network and one set of cues each; intervals are taken over them.
    seeds: Sequence[int] = field(default=(0, 1, 2, 3, 4))
    #: Steps that every recall runs; step 0 shows the cue.
    steps: int = 20
    #: Stored patterns of each class drawn, or None to draw without regard to classes.
    per_class: int | None = None

    def __post_init__(self) -> None:
        faults = corruption_faults(self.corruption, self.level, self.data.alphabet)
        for name, least in (("count", 1), ("cues_per_pattern", 1), ("steps", 2)):
            value = getattr(self, name)
            if not _is_whole(value) or value < least:
                need = f"must be a whole number of {least} or more"
                faults.append(Fault(name, repr(value), need))
        faults += seed_faults(self.seeds)
        if faults:
            raise Invalid("recall task", faults)
        object.__setattr__(self, "seeds", tuple(map(int, self.seeds)))
        self.stored(self.seeds[0])  # names what is wrong with count and per_class

    @property
    def recalls(self) -> int:
        """Return the number of recalls per seed, K times `cues_per_pattern`."""
        return self.count * self.cues_per_pattern

    def stored(self, seed: int) -> NDArray[np.int64]:
        """Return the rows of `data` that are stored, (K,)."""
        return choose(self.data, self.count, seed, per_class=self.per_class)

    def cues(self, seed: int, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the cues of the stored `rows`, (recalls, N), pattern by pattern."""
        made = cues(
            self.data.patterns[rows],
            self.corruption,
            self.level,
            seed=seed,
            alphabet=self.data.alphabet,
            per_pattern=self.cues_per_pattern,
            image_shape=self.data.image_shape,
        )
        return made.reshape(self.recalls, self.data.units)

    def targets(self) -> NDArray[np.int64]:
        """Return which of the K stored patterns each cue was made from, (recalls,)."""
        return np.repeat(np.arange(self.count), self.cues_per_pattern)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; the data by name, size and source."""
        return {
            "data": self.data.name,
            "source": self.data.source,
            "units": self.data.units,
            "alphabet": self.data.alphabet,
            "count": int(self.count),
            "load": self.count / self.data.units,
            "corruption": self.corruption,
            "level": float(self.level),
            "cues_per_pattern": int(self.cues_per_pattern),
            "recalls_per_seed": self.recalls,
            "seeds": list(self.seeds),
            "steps": int(self.steps),
            "per_class": self.per_class,
        }


def seed_faults(seeds: Sequence[int]) -> list[Fault]:
    """Return what is wrong with a list of seeds: not whole numbers, none at all, one twice."""
    if isinstance(seeds, str) or not np.iterable(seeds):
        return [Fault("seeds", repr(seeds), "must be a list of whole numbers", "write [0, 1, 2]?")]
    given = list(seeds)
    if not given or not all(map(_is_whole, given)):
        return [Fault("seeds", repr(given), "must be one or more whole numbers")]
    if len(set(given)) < len(given):
        need = "must be distinct, each is one sample"
        return [Fault("seeds", repr(given), need, "remove the repeated ones")]
    return []


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
