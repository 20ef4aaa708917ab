"""Moment: what the reference did in the step and process in which an engine departed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.reference.loihi import saturate_v
from hebbgraph.backends.reference.loihi import shift as power_of_two
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Array, State, Step
from hebbgraph.divergence import laws
from hebbgraph.divergence.altered import Altered
from hebbgraph.divergence.replay import Runs
from hebbgraph.processes import Process

#: Terms that one step of a unit may add beyond those that were counted.
FEW = 16
#: Relative distance of neighbouring numbers, float64 and float32.
DOUBLE, SINGLE = 2.0**-52, 2.0**-23


@dataclass(frozen=True)
class Moment:
    """One step of one process in one episode: arrays have shape (1, units)."""

    process: Process
    domain: str
    unit: int
    arriving: Mapping[str, Array]
    #: Registers before it.
    before: Mapping[str, Any]
    emitted: Array

    def magnitude(self) -> tuple[float, int]:
        """Return the sum of the sizes of what was added up for the unit, and how many terms."""
        if self.process.ROLE == "synapses":
            weights, s = self.before["weights"], self.arriving["s"][0]
            terms = np.abs(weights[self.unit] * s)
            return float(terms.sum()), int(np.count_nonzero(terms))
        sizes = [self._size(values) for values in self.arriving.values()]
        sizes += [self._size(v) for v in self.before.values() if isinstance(v, np.ndarray)]
        sizes += [
            float(np.abs(np.asarray(getattr(self.process, name), np.float64)).max(initial=0))
            for name in self.process.PARAMETERS
            if name in ("bias", "threshold", "lower")
        ]
        sizes.append(self._size(self.emitted))
        return sum(sizes), len(sizes)

    def _size(self, values: Array) -> float:
        """Return |value| at the unit; the largest of all where widths differ."""
        row = np.abs(values[0].astype(np.float64))
        whole = len(row) == self.emitted.shape[1]
        return float(row[self.unit] if whole else row.max(initial=0))

    def margin(self) -> Margin | None:
        """Return how far the unit was from deciding otherwise, for kinds that decide."""
        kind = type(self.process).__name__
        find = MARGINS.get(kind)
        return None if find is None else find(self)


@dataclass(frozen=True)
class Margin:
    """A value and what it was compared with."""

    name: str
    value: float
    against: str
    level: float

    @property
    def distance(self) -> float:
        """Return how far the value lies above the level."""
        return self.value - self.level

    @property
    def words(self) -> str:
        """Return it in words: ``v is 64, the threshold is 64: exactly equal``."""
        head = f"{self.name} is {self.value:.17g}, {self.against} {self.level:.17g}"
        if self.distance == 0:
            return f"{head}: exactly equal"
        side = "above" if self.distance > 0 else "below"
        return f"{head}: {abs(self.distance):.6g} {side}"


def moment_of(runs: Runs) -> Moment | None:
    """Return what the reference did at the event; None for what was learned."""
    site, event = runs.site, runs.site.event
    if event.kind in ("weight", "learned"):
        return None
    process = site.graph.flat_processes[event.process]
    if process.ROLE == "source":
        return None
    turn, row = divmod(event.episode, site.job.batch) if site.graph.plastic else (0, 0)
    wanted = turn * site.job.steps + event.step
    seen: list[Moment] = []
    calls = 0

    def watched(step: Step) -> Step:
        def taken(one: Any, state: State, arriving: dict[str, Array]) -> Array:
            nonlocal calls
            if one is not process:
                return step(one, state, arriving)
            at_event, calls = calls == wanted, calls + 1
            before = dict(state)
            emitted = step(one, state, arriving)
            if at_event:
                heard, held = (
                    {k: _row(v, k, row) for k, v in d.items()} for d in (arriving, before)
                )
                sent = emitted[row : row + 1]
                seen.append(Moment(one, site.domain, event.unit, heard, held, sent))
            return emitted

        return taken

    kind = type(process).__name__
    steps_seen = {key: watched(step) for key, step in STEPS.items() if key[0] == kind}
    runs.replayed(Altered(steps=lambda: steps_seen))
    return seen[0] if seen else None


def _row(values: Any, name: str, row: int) -> Any:
    """Return one episode of an array of all; weights and delays are no such arrays."""
    if name in ("weights", "delays", "matrix", "past") or not isinstance(values, np.ndarray):
        return values
    return values[row : row + 1].copy()


# --- margins -----------------------------------------------------------------------------------


def _threshold(moment: Moment) -> Margin:
    """Return v before its reset, noise included, and the threshold that is nearer."""
    key = type(moment.process).__name__, moment.domain
    state: State = {name: np.array(values) for name, values in moment.before.items()}
    laws.firing(reset=laws.no_reset)[key](moment.process, state, dict(moment.arriving))
    shift = 0 if moment.domain == "float" else 6
    level: Any = moment.process
    noise = _value(moment.arriving["n"], moment.unit)
    v = _value(state["v"], moment.unit) + noise
    name = "v" if not noise else "v with its noise"
    upper = float(level.threshold[moment.unit]) * 2**shift
    if key[0] == "LIF":
        return Margin(name, v, "the threshold is", upper)
    lower = float(level.lower[moment.unit]) * 2**shift
    near = upper if abs(v - upper) <= abs(v - lower) else lower
    return Margin(name, v, "the threshold is", near)


def _segments(moment: Moment) -> Margin:
    process: Any = moment.process
    segments = slice(moment.unit * process.segments, (moment.unit + 1) * process.segments)
    sums = np.broadcast_to(moment.arriving["a"][0], process.threshold.shape)[segments]
    levels = process.threshold[segments]
    nearest = int(np.argmin(np.abs(sums - levels)))
    return Margin(
        "the sum of a segment", float(sums[nearest]), "the threshold is", float(levels[nearest])
    )


def _field(moment: Moment) -> Margin:
    process: Any = moment.process
    h = _value(moment.arriving["a"], moment.unit)
    if process.integrates:
        h += _value(moment.before["h"], moment.unit)
    h += float(process.bias[moment.unit]) + _value(moment.arriving["n"], moment.unit)
    return Margin("the field", h, "what decides is", 0.0)


def _rival(moment: Moment) -> Margin:
    process: Any = moment.process
    gain = np.repeat(moment.arriving["gain"], process.width, axis=-1)
    if moment.domain == "float":
        score = gain * moment.arriving["a"] + moment.arriving["n"]
    else:
        scaled = saturate_v(moment.arriving["a"]) * np.clip(gain, 0, 2**16)
        score = power_of_two(scaled, process.exponent) + moment.arriving["n"]
    scores = np.broadcast_to(score, moment.emitted.shape)[0].reshape(process.groups, -1)
    on = np.broadcast_to(moment.arriving["on"], moment.emitted.shape)[0].reshape(scores.shape)
    group, unit = divmod(moment.unit, process.width)
    others = np.sort(np.delete(scores[group], unit)[np.delete(on[group], unit) != 0])[::-1]
    mine = float(scores[group, unit])
    if len(others) < process.k:
        floor = float(np.broadcast_to(process.floor, ()).item())
        return Margin("its score", mine, "the floor is", floor)
    return Margin(
        "its score", mine, "the last winner's besides it is", float(others[process.k - 1])
    )


def _value(values: NDArray[Any], unit: int) -> float:
    row = values[0]
    return float(row[unit] if len(row) > 1 else row[0])


#: By kind, what decides whether it emits.
MARGINS = {
    "LIF": _threshold,
    "TernaryLIF": _threshold,
    "Dendrite": _segments,
    "Sign": _field,
    "WinnerTakeAll": _rival,
}
