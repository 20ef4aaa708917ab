"""Parity: whether two results agree, and if not, the first divergent event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.result import Result


@dataclass(frozen=True)
class Divergence:
    """The first event in which a result departs from the reference."""

    step: int
    episode: int
    #: Path of the process.
    process: str
    unit: int
    #: ``s`` for a spike, else the state variable.
    variable: str
    expected: float
    got: float

    def __str__(self) -> str:
        return (
            f"step {self.step}, {self.process}[{self.unit}].{self.variable}: "
            f"{self.expected:.17g} expected, got {self.got:.17g} (episode {self.episode})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def first_divergence(
    reference: Result, other: Result, *, tolerance: float = 0.0
) -> Divergence | None:
    """Return the earliest event in which `other` departs from `reference`, or None.

    Spikes must be equal. A state x may depart by `tolerance` max(1, |x|). Earliest is by step,
    then episode, then process path, variable and unit. What only one of them recorded raises
    ValueError: such results are not comparable.
    """
    found = [
        _earliest(f"{path}.s", 0.0, expected, got)
        for path, expected, got in _pairs(reference.spikes, other.spikes)
    ]
    found += [
        _earliest(target, tolerance, expected, got)
        for target, expected, got in _pairs(reference.states, other.states)
    ]
    events = [divergence for divergence in found if divergence]
    return min(events, key=_when, default=None)


def _when(event: Divergence) -> tuple[int, int, str, str, int]:
    return event.step, event.episode, event.process, event.variable, event.unit


def _pairs(
    ours: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]
) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    if set(ours) != set(theirs):
        raise ValueError(f"recorded {sorted(ours)} and {sorted(theirs)}: not comparable")
    for key, array in ours.items():
        if array.shape != theirs[key].shape:
            raise ValueError(f"{key}: shapes {array.shape} and {theirs[key].shape} differ")
    return [(key, array, theirs[key]) for key, array in ours.items()]


def _earliest(
    target: str, tolerance: float, expected: NDArray[Any], got: NDArray[Any]
) -> Divergence | None:
    if tolerance:
        bound = tolerance * np.maximum(1.0, np.abs(expected))
        both_nan = np.isnan(expected) & np.isnan(got)
        differs = ~((np.abs(expected - got) <= bound) | (expected == got) | both_nan)
    else:
        differs = (expected != got) & ~((expected != expected) & (got != got))
    if not differs.any():
        return None
    step = int(np.argmax(differs.any(axis=(0, 2))))
    episode, unit = (int(i) for i in np.argwhere(differs[:, step])[0])
    path, _, variable = target.rpartition(".")
    values = (float(array[episode, step, unit]) for array in (expected, got))
    return Divergence(step, episode, path, unit, variable, *values)
