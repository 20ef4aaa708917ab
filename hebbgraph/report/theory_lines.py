"""Theory lines of surveys: which memory has one, for which settings, and what it says there."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hebbgraph import theory
from hebbgraph.errors import Fault, Invalid
from hebbgraph.harness.sweep import Point, Sweep
from hebbgraph.harness.trial import Trial

#: Parameters of `build` with their defaults, ``count``, ``units`` and ``load``.
Settings = Mapping[str, Any]
#: From so many bits on, rounding makes no noise that could be seen.
FINE_BITS = 12


@dataclass(frozen=True)
class TheoryLine:
    """The overlap at rest that theory has for a memory of random patterns."""

    source: str
    #: What it needs that the settings do not have; empty where it holds.
    lacks: Callable[[Settings], str]
    overlap: Callable[[Settings], float]
    #: ``edge(T)``: the load at which retrieval ends at a temperature, where that is known.
    edge: Callable[[float], float] | None = None

    def at(self, base: Trial, knobs: Mapping[str, Any]) -> float:
        """Return the overlap of `base` with `knobs` turned; NaN where the line does not hold."""
        found = settings(base, knobs)
        return math.nan if self.lacks(found) else self.overlap(found)

    def of(self, point: Point) -> float:
        """Return the overlap at a point, at the load that was run."""
        return self.at(point.trial, {})


def theory_line(sweep: Sweep) -> TheoryLine:
    """Return the line of the memory of a sweep.

    Raises `Invalid` with the reason if there is none for any of its points.
    """
    return require_line(sweep.base, sweep.knobs, [point.trial for point in sweep.points])


def require_line(base: Trial, knobs: Mapping[str, Any], trials: list[Trial]) -> TheoryLine:
    """Return the line of a memory; raises `Invalid` if it holds for none of the trials."""
    line = LINES.get(base.name)
    reasons: list[str] = []
    if line is None:
        reasons.append(f"no line for {base.name}; memories that have one: {', '.join(LINES)}")
    elif any(trial.data is not None for trial in trials):
        reasons.append("the line is for random patterns, without --data")
    elif "level" in knobs:
        reasons.append("the line is of states at rest and does not know the cue")
    else:
        lacking = [line.lacks(settings(trial, {})) for trial in trials]
        if all(lacking):
            reasons += [f"the line is for {text}" for text in dict.fromkeys(lacking)]
    if reasons or line is None:
        remedy = "leave --theory out"
        raise Invalid("survey", [Fault("--theory", base.name, text, remedy) for text in reasons])
    return line


def settings(trial: Trial, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything a line may ask for; the load is that of the knobs, not rounded."""
    held = inspect.signature(trial.family.build).parameters.items()
    found = {name: p.default for name, p in held if p.default is not p.empty}
    found |= {**trial.parameters, "count": trial.count, "units": trial.units, **knobs}
    found["load"] = knobs.get("load", found["count"] / found["units"])
    return found


# --- the lines ---------------------------------------------------------------------------------


def _hopfield_lacks(at: Settings) -> str:
    return "" if at["rule"] == "hebbian" else "rule=hebbian"


def _hopfield(at: Settings) -> float:
    bits = at["weight_bits"]
    noise = theory.clipping_noise(bits) if bits < FINE_BITS else 0.0
    return theory.hopfield_overlap(at["load"], at["temperature"], noise)


def _bam_lacks(at: Settings) -> str:
    equal = at["split"] in (None, at["units"] / 2)
    return "" if equal and at["weight_bits"] >= 8 else "layers of equal size and 8 bits or more"


def _dense_lacks(at: Settings) -> str:
    fine = at["p"] == int(at["p"]) and at["p"] >= 3 and at["mode"] == "exact"
    return "" if fine else "p of 3 or more and mode=exact"


def _dense(at: Settings) -> float:
    p = int(at["p"])
    load = theory.dense_load(p, at["load"] * at["units"], at["units"], at["variant"])
    return theory.dense_overlap(p, load, at["temperature"])


def _archetypes_lacks(at: Settings) -> str:
    known = at["p"] == int(at["p"]) and (at["p"] > 2 or at["teaching"] == "supervised")
    fine = known and at["temperature"] == 0
    return "" if fine else "temperature=0, and teaching=supervised where p=2"


def _archetypes(at: Settings) -> float:
    p = int(at["p"])
    load = theory.dense_load(p, at["load"] * at["units"], at["units"], at["variant"])
    return theory.archetype_overlap(at["teaching"], at["quality"], at["examples"], load, p)


#: By model; papers stand in the docstrings of `hebbgraph.theory`.
LINES: dict[str, TheoryLine] = {
    "hopfield": TheoryLine(
        "replica theory of Amit, Gutfreund and Sompolinsky (1987), with the noise of rounded"
        " weights of Sompolinsky (1986)",
        _hopfield_lacks,
        _hopfield,
        theory.hopfield_capacity,
    ),
    "bam": TheoryLine(
        "theory of two layers at rest, after Kurchan, Peliti and Saber (1994)",
        _bam_lacks,
        lambda at: theory.bam_overlap(2 * at["load"]),
    ),
    "dense": TheoryLine(
        "replica theory of Gardner (1987) and Albanese et al. (2022)", _dense_lacks, _dense
    ),
    "archetypes": TheoryLine(
        "replica theory of learning from examples, `hebbgraph.theory.archetypes`",
        _archetypes_lacks,
        _archetypes,
    ),
}
