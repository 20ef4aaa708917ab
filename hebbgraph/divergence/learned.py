"""learned: how far learned weights lie apart, over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hebbgraph.divergence.event import Observed, extent_of, number
from hebbgraph.graph import Graph

#: Up to so many moments are kept; of more, the largest distance in each of so many spans.
MOMENTS = 400


@dataclass(frozen=True)
class LearnedDistance:
    """How far the weights of one process lie from the reference's, moment by moment."""

    path: str
    #: What the moments are: steps over all episodes in their order, or ends of episodes.
    every: Literal["step", "episode"]
    #: The last step or episode of each moment, counted over the whole run.
    at: tuple[int, ...]
    #: Largest |dw|.
    largest: tuple[float, ...]
    #: Frobenius norm of the difference over that of the reference's weights (1 if those are 0).
    relative: tuple[float, ...]

    @property
    def final(self) -> tuple[float, float]:
        """Return both distances at the end."""
        return self.largest[-1], self.relative[-1]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        plain = asdict(self) | {"at": list(self.at)}
        for name in ("largest", "relative"):
            plain[name] = [number(value) for value in getattr(self, name)]
        return plain

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> LearnedDistance:
        """Return the distances that `as_dict` described."""
        values = {name: tuple(map(float, document[name])) for name in ("largest", "relative")}
        return cls(**{**document, **values, "at": tuple(document["at"])})


def learned_distances(
    graph: Graph, expected: Sequence[Observed], got: Sequence[Observed], batch: int
) -> tuple[LearnedDistance, ...]:
    """Return the distance over time of everything in `graph` that learns.

    The runs are of successive episodes: one with the weights recorded at every step, or one per
    batch of episodes of which the weights at the end are compared.
    """
    found: list[LearnedDistance] = []
    for path in graph.plastic:
        target = f"{path}.weights"
        if all(target in run.states for run in expected):
            # Episodes of a batch learn together and have the same weights: the first shows them.
            ours, theirs = (
                _moments(run.states[target][::batch] for run in side) for side in (expected, got)
            )
            found.append(_distance(path, "step", ours, theirs, np.arange(len(ours))))
        else:
            ours, theirs = (
                np.stack([run.weights[target].ravel() for run in side]) for side in (expected, got)
            )
            last = np.cumsum([extent_of(run)[0] for run in expected]) - 1
            found.append(_distance(path, "episode", ours, theirs, last))
    return tuple(found)


def _moments(recorded: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Return weights (episodes, steps, weights) as (moments, weights)."""
    return np.concatenate([array.reshape(-1, array.shape[-1]) for array in recorded])


def _distance(
    path: str,
    every: Literal["step", "episode"],
    expected: NDArray[Any],
    got: NDArray[Any],
    at: NDArray[np.int64],
) -> LearnedDistance:
    largest, relative = np.zeros(len(expected)), np.zeros(len(expected))
    for moment, (ours, theirs) in enumerate(zip(expected, got, strict=True)):
        difference = theirs.astype(np.float64) - ours
        largest[moment] = np.abs(difference).max(initial=0)
        length = float(np.linalg.norm(ours.astype(np.float64)))
        relative[moment] = float(np.linalg.norm(difference)) / (length or 1.0)
    spans = np.array_split(np.arange(len(largest)), min(MOMENTS, len(largest)))
    return LearnedDistance(
        path,
        every,
        tuple(int(at[span[-1]]) for span in spans),
        tuple(float(largest[span].max()) for span in spans),
        tuple(float(relative[span].max()) for span in spans),
    )
