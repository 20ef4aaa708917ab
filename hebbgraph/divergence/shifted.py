"""shifted: whether what an engine recorded is right, only of another step."""

from __future__ import annotations

from hebbgraph.divergence.altered import Code
from hebbgraph.divergence.event import differing
from hebbgraph.divergence.replay import Runs


def shifted_cause(runs: Runs, tolerance: float) -> tuple[Code, str] | None:
    """Return the code and the words if the recorded variable is that of a step before or after."""
    event = runs.site.event
    target = f"{event.process}.{event.variable}"
    for late, words in ((True, "before"), (False, "after")):
        if all(target in run.states for run in runs.expected) and _is_shifted(
            runs, target, tolerance, late=late
        ):
            return "ORDER", f"what is recorded of {event.variable} is its value of the step {words}"
    return None


def _is_shifted(runs: Runs, target: str, tolerance: float, *, late: bool) -> bool:
    earlier, later = slice(None, -1), slice(1, None)
    for ours, theirs in zip(runs.expected, runs.got, strict=True):
        expected, got = ours.states[target], theirs.states[target]
        pair = (
            (expected[:, earlier], got[:, later]) if late else (expected[:, later], got[:, earlier])
        )
        if differing(*pair, tolerance=tolerance).any():
            return False
    return True
