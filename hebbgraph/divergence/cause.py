"""cause: why an engine departs from the reference, found by counterfactual replay.

The reference is run again with one law altered at a time, `alterations.ALTERATIONS`. The alteration
that does what the engine did, at the event and the longest beyond it, names the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hebbgraph.divergence.alterations import ALTERATIONS
from hebbgraph.divergence.altered import Alteration, Altered, Code
from hebbgraph.divergence.event import Divergence
from hebbgraph.divergence.moment import Moment, moment_of
from hebbgraph.divergence.replay import Runs
from hebbgraph.divergence.rounding import rounding_cause
from hebbgraph.divergence.shifted import shifted_cause

#: Floats of an altered reference need not be nearer to an engine's than this.
NEAR = 1e-9
#: Where a process hears random numbers, what explains it for fewer steps may do so by chance.
LASTING = 8
#: Called with (done, total) alterations.
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Cause:
    """Why an engine departs from the reference."""

    code: Code
    #: What the engine does instead, or what was tried in vain.
    words: str
    #: Numbers of the reference at the event, such as how near v was to its threshold.
    evidence: str = ""
    #: Whether the altered reference does everything that the engine did, to the end.
    complete: bool = False
    #: Otherwise, the first event that the alteration does not explain.
    until: Divergence | None = None
    #: Alterations of another kind that explain the run as long: (code, words).
    also: tuple[tuple[Code, str], ...] = field(default=())
    #: How many altered references were run.
    tried: int = 0

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.words}"]
        if self.evidence:
            parts.append(self.evidence)
        if self.until is not None:
            parts.append(f"explains the run until {self.until.when_words}")
        if self.also:
            others = ", ".join(f"{code} ({words})" for code, words in self.also)
            parts.append(f"so does {others}")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        until = self.until.as_dict() if self.until else None
        return asdict(self) | {"until": until, "also": [list(pair) for pair in self.also]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Cause:
        """Return the cause that `as_dict` described."""
        until = document["until"]
        also = tuple((code, words) for code, words in document["also"])
        values = {"until": Divergence.from_dict(until) if until else None, "also": also}
        return cls(**{**document, **values})


@dataclass(frozen=True)
class _Found:
    """An altered reference that does what the engine did."""

    alteration: Alteration
    altered: Altered
    until: Divergence | None

    @property
    def words(self) -> str:
        where = f", {self.altered.where}" if self.altered.where else ""
        return f"{self.alteration.words}{where}"


def find_cause(runs: Runs, tolerance: float, tell: Tell | None = None) -> Cause:
    """Return why the engine departs at the event of `runs`.

    Alterations come first; then rounding, in the float domain; then values that were recorded a
    step late or early; then random numbers, if the process hears any. What explains the run to its
    end comes before what does so for a while.
    """
    moment = moment_of(runs)
    near = max(tolerance, NEAR)
    # A difference of rounding is explained by rounding: every alteration that changes nothing else
    # would pass, too.
    departs = runs.departure(near)
    tiny = departs is None or runs.instant_of(departs) > runs.instant
    found, tried = ([], 0) if tiny else _tried(runs, near, tell)
    evidence = _evidence(moment, runs.site.event)
    if not found or found[0].until is not None:
        rounding = rounding_cause(runs, moment, tolerance)
        if rounding:
            code, words = rounding
            return Cause(code, words, "" if evidence in words else evidence, tried=tried)
    random = _hears_randomness(runs)
    if found and not (random and _is_brief(runs, found[0])):
        return _named(found, evidence, runs, tried)
    shifted = shifted_cause(runs, near)
    if shifted:
        return Cause(*shifted, evidence, tried=tried)
    if random:
        words = "no altered law explains it for long, and it hears random numbers"
        return Cause("RNG", words, evidence, tried=tried)
    words = f"none of {tried} altered references does what the engine did"
    return Cause("UNKNOWN", words, evidence, tried=tried)


def _tried(runs: Runs, tolerance: float, tell: Tell | None) -> tuple[list[_Found], int]:
    """Return the alterations that explain the event, the best first, and how many were tried."""
    found: list[_Found] = []
    tried = 0
    for index, alteration in enumerate(ALTERATIONS):
        if tell:
            tell(index, len(ALTERATIONS))
        for altered in alteration.make(runs.site):
            tried += 1
            if runs.explains(altered, tolerance):
                until = runs.until(altered, tolerance)
                if until is None or runs.instant_of(until) > runs.instant:
                    found.append(_Found(alteration, altered, until))
    if tell:
        tell(len(ALTERATIONS), len(ALTERATIONS))
    return sorted(found, key=lambda one: _rank(runs, one)), tried


def _is_brief(runs: Runs, one: _Found) -> bool:
    """Return whether an explanation may be one by chance, where numbers are random."""
    if one.until is None or one.alteration.code == "RNG":
        return False
    (turn, step), (until_turn, until_step) = runs.instant, runs.instant_of(one.until)
    return until_turn == turn and until_step - step < LASTING


def _rank(runs: Runs, one: _Found) -> tuple[int, int, int]:
    """Return what sorts explanations: those that hold the longest first."""
    if one.until is None:
        return 0, 0, 0
    turn, step = runs.instant_of(one.until)
    return 1, -turn, -step


def _named(found: list[_Found], evidence: str, runs: Runs, tried: int) -> Cause:
    best = found[0]
    equal = [one for one in found[1:] if _rank(runs, one) == _rank(runs, best)]
    also = {one.alteration.code: one.words for one in reversed(equal)}
    also.pop(best.alteration.code, None)
    return Cause(
        best.alteration.code,
        best.words,
        evidence,
        best.until is None,
        best.until,
        tuple(also.items()),
        tried,
    )


def _evidence(moment: Moment | None, event: Divergence) -> str:
    """Return how near a unit was to deciding otherwise, if it is spikes that differ."""
    if moment is None or event.kind != "spike":
        return ""
    margin = moment.margin()
    return margin.words if margin else ""


def _hears_randomness(runs: Runs) -> bool:
    site = runs.site
    if site.noises():
        return True
    rules = [site.graph.plastic[path].rule for path in site.learners()]
    drawn = ("stochastic", "shared")
    return site.domain == "fixed" and any(r and r.shift and r.rounding in drawn for r in rules)
