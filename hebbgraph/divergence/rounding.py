"""rounding: whether a difference of float runs is one of rounding, and of which kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.divergence.altered import Code
from hebbgraph.divergence.event import Divergence
from hebbgraph.divergence.moment import DOUBLE, FEW, SINGLE, Moment
from hebbgraph.divergence.replay import Runs

#: Rounding differences that grew step by step pass the tolerance by no more than this factor.
GROWTH = 1e3


def rounding_cause(runs: Runs, moment: Moment | None, tolerance: float) -> tuple[Code, str] | None:
    """Return the code and the words if rounding explains the event, None if it does not.

    A difference counts as one of rounding if another order of summation could make it: with n terms
    of which the sizes add up to S, the sums of any two orders lie within n 2**-52 S of each other
    (2**-23 in single precision).
    """
    event = runs.site.event
    if runs.site.domain != "float":
        return None
    if moment is None:
        return _grown(runs, tolerance)
    total, terms = moment.magnitude()
    inherited = _inherited(runs, event)
    bounds = {unit: (terms + FEW) * unit * total + inherited for unit in (DOUBLE, SINGLE)}
    single = _is_single(runs, event)
    if event.kind == "spike":
        return _decided(moment, bounds, single)
    size = abs(event.got - event.expected)
    if size <= bounds[DOUBLE]:
        apart = size / max(np.spacing(abs(event.expected)), np.spacing(1e-300))
        of = f"{terms} terms" if terms > 1 else "what is added up"
        words = f"float sums taken in another order: {apart:.0f} units in the last place apart"
        return "ORDER", f"{words}, within the rounding of {of} of {total:.3g} in all"
    if single and size <= bounds[SINGLE]:
        return "ROUND", "values have single precision (float32)"
    return _grown(runs, tolerance)


def _decided(moment: Moment, bounds: dict[float, float], single: bool) -> tuple[Code, str] | None:
    """Return whether rounding decided between spiking and not."""
    margin = moment.margin()
    if margin is None:
        return None
    if abs(margin.distance) <= bounds[DOUBLE]:
        return "THRESHOLD-TIE", f"rounding decides: {margin.words}"
    if single and abs(margin.distance) <= bounds[SINGLE]:
        return "ROUND", f"values have single precision (float32): {margin.words}"
    return None


def _grown(runs: Runs, tolerance: float) -> tuple[Code, str] | None:
    """Return whether differences of rounding grew, step by step, beyond the tolerance."""
    event = runs.site.event
    first = runs.departure(0.0)
    small = abs(event.got - event.expected) <= GROWTH * tolerance * max(1, abs(event.expected))
    if first is None or event.kind == "spike" or not small or not tolerance:
        return None
    if abs(first.got - first.expected) > 2**10 * DOUBLE * max(1, abs(first.expected)):
        return None
    began = f"{first.when_words}, {first.place}"
    return "ORDER", f"rounding differences, first in {began}, grew beyond the tolerance"


def _inherited(runs: Runs, event: Divergence) -> float:
    """Return the rounding differences that reached the process: in what arrived, in its states."""
    graph, total = runs.site.graph, 0.0
    for connection in runs.site.into([event.process]):
        total += _difference(runs, connection.source, event, event.step - (connection.delay or 0))
    for name in graph.flat_processes[event.process].states:
        total += _difference(runs, f"{event.process}.{name}", event, event.step - 1)
    return total


def _difference(runs: Runs, target: str, event: Divergence, step: int) -> float:
    """Return the largest difference of a recorded value in one step."""
    found = _recorded(runs, target, event)
    if found is None or step < 0:
        return 0.0
    ours, theirs = found
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(np.abs(ours[step] - theirs[step])).max(initial=0))


def _is_single(runs: Runs, event: Divergence) -> bool:
    """Return whether the engine's values of the process fit float32, and the reference's do not."""
    names = runs.site.graph.flat_processes[event.process]
    for name in (*names.states, *names.outputs):
        found = _recorded(runs, f"{event.process}.{name}", event)
        if found is not None and not _fits(found[0]) and _fits(found[1]):
            return True
    return False


def _fits(values: NDArray[Any]) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values.astype(np.float32), values))


def _recorded(
    runs: Runs, target: str, event: Divergence
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return what was recorded of a target in the episode of the event, (steps, units)."""
    for part, ours, theirs in zip(runs.parts, runs.expected, runs.got, strict=True):
        if event.episode in part and target in ours.states:
            row = event.episode - part.start
            return ours.states[target][row], theirs.states[target][row]
    return None
