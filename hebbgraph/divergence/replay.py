"""Replay: the reference run again, as it is or altered, and held against what an engine did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from hebbgraph.divergence.altered import Altered, Site
from hebbgraph.divergence.event import Divergence, Observed, first_divergence
from hebbgraph.divergence.trial import part_of
from hebbgraph.weights import end_weights


@dataclass(frozen=True)
class Replayed:
    """What one run showed, or a part of it."""

    spikes: Mapping[str, NDArray[Any]]
    states: Mapping[str, NDArray[Any]]
    weights: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def cut(cls, run: Observed, episodes: slice, steps: int) -> Replayed:
        """Return some episodes and the first steps of a run, without what came at its end."""
        kept = (
            {key: array[episodes, :steps] for key, array in held.items()}
            for held in (run.spikes, run.states)
        )
        return cls(*kept)


@dataclass(frozen=True)
class Runs:
    """An engine beside the reference: the same graph, in successive parts of the episodes."""

    site: Site
    #: The episodes of each part; they need not begin with the first.
    parts: Sequence[range]
    expected: Sequence[Observed]
    got: Sequence[Observed]

    @property
    def instant(self) -> tuple[int, int]:
        """Return when the engine departed, as `_instant` counts."""
        return self.instant_of(self.site.event)

    def instant_of(self, event: Divergence) -> tuple[int, int]:
        """Return (batch, step) of an event; the batch is 0 where weights do not learn."""
        turn = event.episode // self.site.job.batch if self.site.graph.plastic else 0
        return turn, event.step

    def departure(self, tolerance: float) -> Divergence | None:
        """Return where the engine departs from the reference by more than `tolerance`."""
        return self._first(self.expected, self.got, self.parts, tolerance)

    def explains(self, altered: Altered, tolerance: float) -> bool:
        """Return whether the altered reference does what the engine did, the event included.

        It is run no further than that.
        """
        part, steps = self.short()
        runs = self._run(altered, [part], steps)
        index = next(k for k, whole in enumerate(self.parts) if part.start in whole)
        whole = self.parts[index]
        episodes = slice(part.start - whole.start, part.stop - whole.start)
        got = self.got[index]
        if steps < self.site.job.steps or len(part) < len(whole):
            got = Replayed.cut(got, episodes, steps)
            runs = [replace(run, weights={}) for run in runs]
        found = self._first(runs, [got], [part], tolerance)
        return found is None or self.instant_of(found) > self.instant

    def replayed(self, altered: Altered) -> list[Replayed]:
        """Return what the altered reference does up to the event."""
        part, steps = self.short()
        return self._run(altered, [part], steps)

    def until(self, altered: Altered, tolerance: float) -> Divergence | None:
        """Return where the engine departs from the altered reference, None if nowhere."""
        runs = self._run(altered, self.parts, None)
        return self._first(runs, self.got, self.parts, tolerance)

    def short(self) -> tuple[range, int]:
        """Return the episodes, within one part, and the steps up to the event, if they suffice."""
        event, job = self.site.event, self.site.job
        whole = next(part for part in self.parts if event.episode in part)
        steps = min(event.step + 1, job.steps)
        if not self.site.graph.plastic:
            return range(event.episode, event.episode + 1), steps
        stop = (event.episode // job.batch + 1) * job.batch
        part = range(whole.start, min(stop, whole.stop))
        rules = [dense.rule for dense in self.site.graph.plastic.values()]
        whole_needed = len(part) > job.batch or any(r and r.epoch == "episode" for r in rules)
        return part, job.steps if whole_needed else steps

    def _run(self, altered: Altered, parts: Sequence[range], steps: int | None) -> list[Replayed]:
        job = self.site.job
        job = replace(job, inputs={**job.inputs, **altered.inputs})
        interpreter = altered.interpreter(self.site.graph)
        found: list[Replayed] = []
        learned = job.learned
        for part in self._from_start(parts):
            cut = steps if part.start >= parts[0].start else None
            recording = interpreter.run(part_of(job, part, learned, cut))
            learned = recording.learned
            if part.start >= parts[0].start:
                weights = end_weights(self.site.graph, learned)
                found.append(Replayed(recording.spikes, recording.states, weights))
        return found

    def _from_start(self, parts: Sequence[range]) -> list[range]:
        """Return `parts` with those before them through which weights were learned."""
        if not self.site.graph.plastic:
            return list(parts)
        return [part for part in self.parts if part.start < parts[0].start] + list(parts)

    def _first(
        self,
        expected: Sequence[Observed],
        got: Sequence[Observed],
        parts: Sequence[range],
        tolerance: float,
    ) -> Divergence | None:
        graph, job = self.site.graph, self.site.job
        return first_of_parts(graph, expected, got, parts, tolerance, job.batch, job.steps)


def first_of_parts(
    graph: Any,
    expected: Sequence[Observed],
    got: Sequence[Observed],
    parts: Sequence[range],
    tolerance: float,
    batch: int,
    steps: int,
) -> Divergence | None:
    """Return the first divergence of runs of successive episodes."""
    for ours, theirs, part in zip(expected, got, parts, strict=True):
        theirs, extent = _alike(ours, theirs), (len(part), steps)
        found = first_divergence(
            graph, ours, theirs, tolerance=tolerance, batch=batch, extent=extent
        )
        if found:
            return found.later(part.start)
    return None


def _alike(ours: Observed, theirs: Observed) -> Observed:
    """Return of `theirs` what `ours` has too: an engine's result also holds what sources sent."""
    kept = (
        {key: array for key, array in of.items() if key in held}
        for held, of in (
            (ours.spikes, theirs.spikes),
            (ours.states, theirs.states),
            (ours.weights, theirs.weights),
        )
    )
    return Replayed(*kept)
