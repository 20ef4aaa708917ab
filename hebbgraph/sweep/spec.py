"""spec: what a sweep is, read from a YAML file and checked whole.

`hebbgraph sweep --example` prints one with comments. A *subject* is what runs: a recall of a memory
(`hebbgraph.harness.trial`), or a run of continual learning (`hebbgraph.continual`). *Knobs* change
it; those of the architecture change what a stored run costs and never run it again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from hebbgraph.checks import is_whole
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware.checked_yaml import check, lines_of, parse_mapping

Kind = Literal["recall", "continual"]
StrategyKind = Literal["grid", "points", "random", "search"]
Whole = Annotated[int, Strict(), Field(ge=0)]
Above = Annotated[int, Strict(), Field(ge=1)]
Number = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]


class Section(BaseModel):
    """A part of a spec: no unknown keys, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(Section):
    """What runs, with the settings that all points have."""

    kind: Kind = "recall"
    #: A memory of `hebbgraph list models`, for recalls.
    model: str | None = None
    #: A preset of `hebbgraph bench continual` and a method, for continual learning.
    preset: str | None = None
    method: str = "hlop"
    #: Names of knobs, each with one value.
    settings: dict[str, Any] = Field(default_factory=dict)
    #: Knobs of this subject alone, beside or instead of those of all.
    knobs: dict[str, Any] = Field(default_factory=dict)


class Strategy(Section):
    """Which points of the space are run."""

    kind: StrategyKind = "grid"
    #: Points to draw (random) or to try (search), for each subject.
    n: Above | None = None
    seed: Whole = 0
    #: Points that a search asks for before it is told how they did; part of what it finds.
    batch: Above = 8
    #: Each a mapping of knobs to values.
    points: tuple[dict[str, Any], ...] = ()


class Spec(Section):
    """A sweep."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] = "sweep"
    subject: Subject | None = None
    subjects: dict[str, Subject] = Field(default_factory=dict)
    knobs: dict[str, Any] = Field(default_factory=dict)
    #: How many, from 0 on, or a list.
    seeds: Any = 3
    strategy: Strategy = Strategy()
    #: Machines on which all points are priced; by default those whose energies are no guesses.
    hardware: tuple[str, ...] = ()
    allow_synthetic: Flag = False
    #: A metric or a price each, see `hebbgraph.sweep.objectives`.
    objectives: tuple[str, ...] = ("accuracy", "energy")
    #: Whether runs are placed on cores; by default where an architecture knob asks for it.
    placement: Flag | None = None
    #: ``machine``: processes that the machine cannot compute are left to a host; ``none``: all
    #: units are placed, as if it could.
    host: Literal["machine", "none"] = "machine"
    #: Whether cost laws of the machine (weight_bits, ...) follow the run's knob of that name.
    follow: Flag = True
    #: Seconds that one job may take.
    time_limit: Number = 3600.0
    #: Draws of the costs.
    samples: Annotated[int, Strict(), Field(ge=10, le=100_000)] = 500


@dataclass(frozen=True)
class Source:
    """Where a spec stands: the file and its lines, for errors that name them."""

    file: str = "spec"
    lines: Mapping[str, int] = field(default_factory=dict)
    #: The name of the one subject, where the file has ``subject:``.
    single: str = ""

    def at(self, where: str) -> str:
        """Return file, line and path; where the path is missing, the line it belongs to."""
        own = f"subjects.{self.single}"
        if self.single and (where == own or where.startswith(f"{own}.")):
            where = f"subject{where[len(own) :]}"
        path = where
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return f"{self.file}:{self.lines[path]}: {where}" if path else f"{self.file}: {where}"

    def refuse(self, faults: list[Fault]) -> None:
        """Raise `Invalid` with all faults, if there are any, each at its line."""
        if faults:
            unique = dict.fromkeys(faults)
            named = [Fault(self.at(f.where), f.got, f.need, f.remedy) for f in unique]
            raise Invalid(f"sweep {self.file}", named)


def read(path: str | os.PathLike[str]) -> tuple[Spec, Source]:
    """Return the spec in a file; raises `Invalid` with every fault of its form, by line."""
    file = os.fspath(path)
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        remedy = "`hebbgraph sweep --example > spec.yaml` writes one to begin with"
        fault = Fault(file, error.strerror or str(error), "must be a readable YAML file", remedy)
        raise Invalid("sweep", [fault]) from error
    data = parse_mapping(raw, file)
    return parse(data, Source(file, lines_of(raw)))


def parse(data: Mapping[str, Any], source: Source | None = None) -> tuple[Spec, Source]:
    """Return the spec that `data` describes; raises `Invalid` with every fault of its form."""
    origin = source or Source()
    spec, faults = check(Spec, data)
    if spec is not None:
        faults = _subject_faults(spec)
    origin.refuse(faults)
    assert spec is not None
    if spec.subject is not None:
        one = spec.subject
        name = one.model or one.method
        spec = spec.model_copy(update={"subjects": {name: one}, "subject": None})
        origin = replace(origin, single=name)
    return spec, origin


def seeds_of(spec: Spec) -> tuple[int, ...]:
    """Return the seeds."""
    return tuple(range(spec.seeds)) if is_whole(spec.seeds) else tuple(spec.seeds)


def _subject_faults(spec: Spec) -> list[Fault]:
    """Return what is wrong with the subjects, before their knobs can be looked at."""
    faults = []
    if (spec.subject is None) == (not spec.subjects):
        got = "both" if spec.subjects else "neither"
        faults.append(Fault("subject", got, "needs `subject:`, or `subjects:` by name"))
    named = dict(spec.subjects) if spec.subject is None else {"": spec.subject}
    for name, one in named.items():
        at = f"subjects.{name}" if name else "subject"
        wanted = "model" if one.kind == "recall" else "preset"
        if getattr(one, wanted) is None:
            faults.append(Fault(f"{at}.{wanted}", "nothing", f"is needed to run a {one.kind}"))
    return faults


def spec_faults(spec: Spec) -> list[Fault]:
    """Return what does not go together in a spec."""
    faults = []
    kind = spec.strategy.kind
    if kind in ("random", "search") and spec.strategy.n is None:
        faults.append(Fault("strategy.n", "nothing", f"is needed: how many points {kind} takes"))
    if kind == "points" and not spec.strategy.points:
        faults.append(Fault("strategy.points", "nothing", "must list one point or more"))
    if kind == "points" and (spec.knobs or any(one.knobs for one in spec.subjects.values())):
        need = "must be left out: `strategy.points` sets them"
        faults.append(Fault("knobs", "given with a list of points", need))
    listed = spec.seeds if isinstance(spec.seeds, list | tuple) else None
    if listed is None and not (is_whole(spec.seeds) and 1 <= spec.seeds <= 10**6):
        need = "must be a whole number above 0, or a list of seeds"
        faults.append(Fault("seeds", repr(spec.seeds), need))
    elif listed is not None and not all(is_whole(seed) and 0 <= seed < 2**63 for seed in listed):
        faults.append(Fault("seeds", str(list(listed)), "must be whole numbers, 0 or more"))
    elif listed is not None and len(set(listed)) < max(1, len(listed)):
        faults.append(Fault("seeds", str(list(listed)), "must be one or more, all different"))
    if len(set(spec.hardware)) < len(spec.hardware):
        faults.append(Fault("hardware", ", ".join(spec.hardware), "must name each machine once"))
    return faults
