"""Baselines on the same cues as the memory: what one learns without any dynamics.

A recall that is no better than the nearest stored pattern of the raw cue has cleaned up pixels, but
not told patterns apart; every report shows both numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.data import PatternSet
from hebbgraph.metrics import identified, nearest, overlaps

#: What `nearest_mean` took the means over.
MEANS_OF_CLASSES = "means of the classes, over the whole data set"
MEANS_OF_STORED = "the stored patterns themselves, each its own class"


@dataclass(frozen=True)
class Baselines:
    """Which cues each baseline gets right, arrays (episodes,) bool."""

    #: 1-NN: the stored pattern nearest to the raw cue is the right one.
    nearest_stored: NDArray[np.bool_]
    #: 1-NN: its class is the right one; None without labels.
    nearest_stored_class: NDArray[np.bool_] | None
    #: The nearest mean is that of the right class.
    nearest_mean: NDArray[np.bool_]
    #: What the means were taken over, in words.
    means: str


def baselines(
    data: PatternSet, rows: NDArray[np.int64], cues: NDArray[Any], targets: NDArray[np.int64]
) -> Baselines:
    """Return what the baselines make of `cues` (episodes, N).

    `rows` (K,) are the stored patterns within `data`, `targets` (episodes,) the right one of the K
    for each cue. Ties count as wrong.
    """
    stored = data.patterns[rows]
    by_pattern = identified(cues, stored, targets)
    if data.labels is None:
        return Baselines(by_pattern, None, nearest_mean(cues, stored, targets), MEANS_OF_STORED)
    labels = data.labels[rows]
    by_class = class_right(cues, stored, labels, targets)
    classes, means = class_means(data)
    by_mean = nearest_mean(cues, means, np.searchsorted(classes, labels[targets]))
    return Baselines(by_pattern, by_class, by_mean, MEANS_OF_CLASSES)


def class_right(
    states: NDArray[Any],
    stored: NDArray[Any],
    labels: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return whether all stored patterns nearest to a state are of the target's class.

    `states` (episodes, N), `stored` (K, N) with `labels` (K,), `targets` (episodes,) rows of it.
    """
    scores = overlaps(states, stored)
    best = scores == scores.max(axis=1, keepdims=True)
    wrong = labels[np.newaxis, :] != labels[targets][:, np.newaxis]
    return np.asarray(~(best & wrong).any(axis=1))


@lru_cache(maxsize=4)
def class_means(data: PatternSet) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the classes in order and the mean pattern of each, (classes, N), read-only."""
    assert data.labels is not None
    classes = np.unique(data.labels)
    means = [data.patterns[data.labels == label].mean(axis=0) for label in classes]
    found = np.array(means)
    found.setflags(write=False)
    return classes, found


def nearest_mean(
    cues: NDArray[Any], means: NDArray[Any], right: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return [argmin_k |x - mu_k|^2 = right], ties wrong; `means` (classes, N), `right` rows."""
    centres = means.astype(np.float64)
    # |x|^2 is the same for every k, so only 2 x.mu - |mu|^2 decides.
    scores = 2 * cues.astype(np.float64) @ centres.T - (centres**2).sum(axis=1)
    return np.asarray(nearest(scores) == right)
