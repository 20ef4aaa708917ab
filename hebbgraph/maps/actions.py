"""Recognition of actions by two maps, one of postures and one of how they follow each other.

After Z. Gharaee, "Action in Mind", 2018, arXiv:2104.14870::

    skeletons -> preprocessing -> map of postures -> ordered vector -> map of actions -> read-out

Preprocessing makes postures independent of place, direction and size. The winners of a sequence
draw a path on the first map; the ordered vector is that path at evenly spaced points, however fast
the action was. All winners, prototypes and weights come from graphs on one engine; preprocessing
and the ordered vector are plain functions between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.compile import compile  # noqa: A004
from hebbgraph.data.actions import JOINTS
from hebbgraph.errors import Fault, Invalid
from hebbgraph.maps.graphs import Floats, Whole, winner_graph
from hebbgraph.maps.training import Map, lesson_order
from hebbgraph.memory import NotFitted
from hebbgraph.models import labelled_map
from hebbgraph.processes import Domain

#: Trains a map of patterns (K, N) with ``seed``, ``backend``, ``domain`` and ``options``.
Trainer = Callable[..., Map]
#: Frames that are averaged: noise would draw a path of its own.
SMOOTHED = 5


def postures(sequence: NDArray[Any], joints: Sequence[str] = JOINTS) -> Floats:
    """Return what a `sequence` (frames, joints, 3) of skeletons shows, (frames, 3 joints - 3).

    Joints are seen from the hip, turned so that the shoulders face forward, in lengths of the
    trunk, both taken over the whole sequence, and each is the mean of `SMOOTHED` frames.
    """
    at = {joint: index for index, joint in enumerate(joints)}
    centred = sequence - sequence[:, at["hip"]][:, np.newaxis]
    trunk = np.linalg.norm(centred[:, at["neck"]], axis=1).mean()
    across = (centred[:, at["right_shoulder"]] - centred[:, at["left_shoulder"]]).mean(axis=0)
    cos, sin = np.array([across[0], across[2]]) / np.hypot(across[0], across[2])
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    seen = np.delete(centred @ turn.T, at["hip"], axis=1) / trunk
    around = SMOOTHED // 2
    padded = np.pad(seen.reshape(len(sequence), -1), ((around, around), (0, 0)), "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED, axis=0)
    return np.asarray(windows.mean(axis=-1))


def ordered_vector(path: ArrayLike, points: int) -> Floats:
    """Return `points` evenly spaced places on a `path` (steps, 2) over a map, one after another.

    The path is the line through its places, each stay counted once: shape (2 points,).
    """
    places = np.asarray(path, dtype=np.float64)
    moved = np.concatenate([[True], (np.diff(places, axis=0) != 0).any(axis=1)])
    places = places[moved]
    if len(places) == 1:
        return np.tile(places[0], points)
    length = np.concatenate([[0.0], np.sqrt((np.diff(places, axis=0) ** 2).sum(axis=1)).cumsum()])
    at = np.linspace(0, length[-1], points)
    return np.stack([np.interp(at, length, axis) for axis in places.T], axis=1).ravel()


@dataclass(eq=False)
class Recogniser:
    """Two maps and a read-out: fit sequences of skeletons with their classes, predict classes."""

    #: Train the map of postures, and that of ordered vectors.
    first: Trainer
    second: Trainer
    #: Points of an ordered vector.
    points: int = 16
    #: Most postures that the first map is shown at all, drawn from the sequences at random.
    most_postures: int = 2000
    #: Rounds of the read-out over all sequences.
    rounds: int = 6
    seed: int = 0
    backend: str = "reference"
    domain: Domain = "float"
    options: Mapping[str, Any] | None = None
    #: The maps, once fitted.
    maps: tuple[Map, ...] = field(default=(), init=False)
    readout: Floats = field(default_factory=lambda: np.zeros((0, 0)), init=False)

    def fit(self, sequences: Sequence[NDArray[Any]], labels: ArrayLike) -> Recogniser:
        """Learn from sequences (frames, joints, 3) and their classes, 0 and up.

        Raises `Invalid` with every fault of the arguments, before any work.
        """
        faults = sequence_faults(sequences) + _label_faults(labels, len(sequences))
        if faults:
            raise Invalid("Recogniser.fit", faults)
        seen = np.concatenate([postures(s) for s in sequences])
        rows = lesson_order(len(seen), min(self.most_postures, len(seen)), self.seed)
        self.maps = (self._trained(self.first, seen[rows]),)
        vectors = self.vectors(sequences)
        self.maps += (self._trained(self.second, vectors),)
        self._teach(vectors, np.asarray(labels))
        return self

    def vectors(self, sequences: Sequence[NDArray[Any]]) -> Floats:
        """Return the ordered vectors (sequences, 2 points), places in lattices of side 1."""
        paths = self.paths(sequences)
        size = np.maximum(np.array(self.maps[0].shape) - 1, 1)
        return np.stack([ordered_vector(path / size, self.points) for path in paths])

    def paths(self, sequences: Sequence[NDArray[Any]]) -> list[Whole]:
        """Return the places (frames, 2) of the winners of each sequence on the first map.

        A sequence is an episode, a frame a step. Raises `NotFitted` before `fit`, `Invalid` with
        every fault of the sequences.
        """
        if not self.maps:
            raise NotFitted("the recogniser has learned nothing yet; call fit(sequences, labels)")
        faults = sequence_faults(sequences)
        if faults:
            raise Invalid("sequences", faults)
        grid = self.maps[0]
        frames = [postures(s) for s in sequences]
        shown = np.zeros((len(frames), max(map(len, frames)) + 1, frames[0].shape[1]))
        for row, one in enumerate(frames):
            shown[row, : len(one)] = one
        with compile(winner_graph(grid.weights, grid.scale), **self._engine()) as program:
            won = program.run({"x": shown}, shown.shape[1]).spikes["winner"].argmax(axis=2)
        return [grid.places[row[1 : len(one) + 1]] for row, one in zip(won, frames, strict=True)]

    def predict(self, sequences: Sequence[NDArray[Any]]) -> Whole:
        """Return the class of each sequence; raises as `paths` does."""
        vectors = self.vectors(sequences)
        with compile(self._labelled(learns=False), **self._engine()) as program:
            result = program.run(labelled_map.ask(vectors), labelled_map.STEPS)
        return np.asarray(result.spikes["answer"][:, -1].argmax(axis=1))

    def score(self, sequences: Sequence[NDArray[Any]], labels: ArrayLike) -> float:
        """Return the share of sequences whose class is found."""
        return float((self.predict(sequences) == np.asarray(labels)).mean())

    def _teach(self, vectors: Floats, labels: Whole) -> None:
        classes = int(labels.max()) + 1
        self.readout = np.zeros((max(classes, 2), len(self.maps[1])))
        order = lesson_order(len(vectors), self.rounds * len(vectors), self.seed)
        lessons = labelled_map.teach(vectors[order], labels[order], len(self.readout))
        with compile(self._labelled(learns=True), **self._engine()) as program:
            result = program.run(lessons, labelled_map.STEPS)
        self.readout = result.value("readout.weights")

    def _labelled(self, learns: bool) -> Any:
        grid, classes = self.maps[1], len(self.readout)
        return labelled_map.build(
            grid.weights,
            classes,
            places=grid.places,
            scale=grid.scale,
            learns=learns,
            weights=self.readout,
        )

    def _trained(self, trainer: Trainer, patterns: Floats) -> Map:
        given = {"backend": self.backend, "domain": self.domain, "options": self.options}
        return trainer(patterns, seed=self.seed, **given)

    def _engine(self) -> dict[str, Any]:
        return {"backend": self.backend, "domain": self.domain, **(self.options or {})}


def sequence_faults(sequences: Sequence[NDArray[Any]]) -> list[Fault]:
    """Return everything wrong with sequences of skeletons, each (frames, joints, 3)."""
    if not len(sequences):
        return [Fault("sequences", "none", "must hold at least one")]
    faults = []
    for index, sequence in enumerate(sequences):
        where, held = f"sequences[{index}]", np.asarray(sequence)
        if held.ndim != 3 or held.shape[1:] != (len(JOINTS), 3) or not len(held):
            need = (
                f"must be (frames, {len(JOINTS)}, 3), joints as `hebbgraph.data.actions` has them"
            )
            faults.append(Fault(where, f"shape {held.shape}", need))
        elif not np.issubdtype(held.dtype, np.number) or not np.isfinite(held).all():
            faults.append(Fault(where, f"dtype {held.dtype}", "must be finite numbers"))
    return faults


def _label_faults(labels: ArrayLike, count: int) -> list[Fault]:
    held = np.asarray(labels)
    if held.shape == (count,) and np.issubdtype(held.dtype, np.integer) and (held >= 0).all():
        return []
    need = f"must be {count} whole numbers, 0 or more, one per sequence"
    return [Fault("labels", f"shape {held.shape}, dtype {held.dtype}", need)]
