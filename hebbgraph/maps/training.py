"""What training a map needs beside its graph: which lesson comes when, at what rate and width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault
from hebbgraph.maps.graphs import KERNEL, LESSON, ONE, PACE, Floats, Neighbourhood, Whole
from hebbgraph.random import stream


@dataclass(frozen=True, eq=False)
class Map:
    """What training made: prototypes (units, N) at places (units, 2) of a lattice."""

    weights: Floats
    places: Whole
    #: Largest magnitude that values may have, a power of two.
    scale: float
    #: Lessons it took, and the rows and columns after each stretch of them.
    lessons: int
    shapes: tuple[tuple[int, int], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Return the rows and columns at the end."""
        return self.shapes[-1]

    def __len__(self) -> int:
        return len(self.weights)


def lesson_order(patterns: int, lessons: int, seed: int) -> Whole:
    """Return the rows (lessons,) of the patterns to show: all once, in random order, then again."""
    draw = stream(seed, "maps", "order")
    rounds = [draw.permutation(patterns) for _ in range(-(-lessons // patterns))]
    return np.concatenate(rounds)[:lessons]


def alone(patterns: Floats) -> dict[str, NDArray[Any]]:
    """Return inputs of one lesson an episode, of patterns (lessons, N)."""
    given = np.asarray(patterns, dtype=np.float64)
    return {"x": np.repeat(given[:, np.newaxis], LESSON, axis=1)}


def in_a_row(patterns: Floats, **signals: ArrayLike) -> dict[str, NDArray[Any]]:
    """Return inputs of one episode in which patterns (lessons, N) are learned one after another.

    `signals` are (lessons,) or (lessons, n). Lesson k is shown at steps 2 k + 1 and 2 k + 2; its
    winner spikes at step 2 k + 2 (`won_in_a_row`), and weights learn at 2 k + 3, the moment before
    the next lesson arrives. Signals come a step after what is shown.
    """
    given = np.asarray(patterns, dtype=np.float64)
    inputs = {"x": np.pad(np.repeat(given, PACE, axis=0), ((1, 1), (0, 0)))}
    for name, signal in signals.items():
        values = np.asarray(signal, dtype=np.float64).reshape(len(given), -1)
        inputs[name] = np.pad(np.repeat(values, PACE, axis=0), ((PACE, 0), (0, 0)))
    return {name: values[np.newaxis] for name, values in inputs.items()}


def won_in_a_row(raster: NDArray[Any]) -> NDArray[Any]:
    """Return the winners' spikes (lessons, units) of a run's ``winner`` (1, steps, units)."""
    return raster[0, PACE::PACE]


def plastic_only(weights: Mapping[str, NDArray[Any]], *paths: str) -> dict[str, NDArray[Any]]:
    """Return of `Result.weights` what the synapses at `paths` go on learning from."""
    return {key: w for key, w in weights.items() if key.rpartition(".")[0] in paths}


def falling(pair: tuple[float, float], progress: Floats) -> Floats:
    """Return what falls by a constant factor from the first to the last of `pair`."""
    return np.asarray(pair[0] * (pair[1] / pair[0]) ** progress)


def schedule(rate: Floats, width: Floats, neighbourhood: Neighbourhood) -> dict[str, Floats]:
    """Return data of the Inputs ``strength`` and ``reach``, in whole numbers of their grains."""
    if neighbourhood != "parabola":
        return {"strength": np.rint(rate * (ONE // KERNEL)) / (ONE // KERNEL)}
    # A parabola narrower than 1 is the winner alone, as one of width 1 is.
    strength = np.rint(ONE * rate / np.maximum(width, 1.0) ** 2) / ONE
    return {"strength": strength, "reach": np.rint(ONE * rate) / ONE}


def pair_faults(name: str, pair: Any, low: float, high: float) -> list[Fault]:
    """Return the fault of what is no pair (first, last) of numbers from `low` to `high`."""
    good = isinstance(pair, Sequence) and len(pair) == 2
    if (
        good
        and not any(positive_faults(name, v) for v in pair)
        and all(low <= v <= high for v in pair)
    ):
        return []
    need = f"must be a pair (first, last) of numbers from {low:.3g} to {high:g}"
    return [Fault(name, repr(pair), need)]


def positive_faults(name: str, value: Any) -> list[Fault]:
    """Return the fault of a value that is no finite number above 0."""
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    good = good and 0 < value < np.inf
    return [] if good else [Fault(name, repr(value), "must be a finite number above 0")]
