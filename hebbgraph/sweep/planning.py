"""planning: the points and jobs of a sweep, checked before anything runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hebbgraph.energy import refuse_synthetic
from hebbgraph.errors import Fault, HebbgraphError, Invalid
from hebbgraph.hardware import Hardware, load, priceable
from hebbgraph.random import stream
from hebbgraph.sweep.jobs import Job, Point, point_of
from hebbgraph.sweep.knobs import Target, known, target, unknown, value_fault
from hebbgraph.sweep.objectives import Objective, objectives_of
from hebbgraph.sweep.spec import Source, Spec, Subject, seeds_of, spec_faults
from hebbgraph.sweep.values import Values, values_of
from hebbgraph.sweep.variants import LAW, PLACING, law_faults

#: The most points of one sweep.
MOST = 200_000
#: Knobs that mean nothing unless runs are placed on cores.
PLACED = (*PLACING, "hop_cost", "packet_cost")


@dataclass(frozen=True, eq=False)
class Space:
    """What one subject is swept over."""

    name: str
    subject: Subject
    targets: Mapping[str, Target]
    knobs: Mapping[str, Values]


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep that is ready to run."""

    spec: Spec
    spaces: tuple[Space, ...]
    machines: tuple[Hardware, ...]
    objectives: tuple[Objective, ...]
    seeds: tuple[int, ...]
    #: Whether runs are placed on cores.
    placing: bool
    #: In the order of the spec; none yet for a search.
    points: tuple[Point, ...]
    source: Source = field(default_factory=Source, repr=False)

    @property
    def jobs(self) -> list[Job]:
        """Return the jobs of all points, each once."""
        return list({job.key: job for point in self.points for job in point.jobs}.values())

    @property
    def knobs(self) -> dict[str, Values]:
        """Return the knobs of all subjects by name, in the order of the spec."""
        found: dict[str, Values] = {}
        for space in self.spaces:
            for name, values in space.knobs.items():
                both = (*(found[name].listed if name in found else ()), *values.listed)
                found[name] = Values(tuple(dict.fromkeys(both))) if both else values
        return found

    def point(self, space: Space, at: Mapping[str, Any]) -> Point:
        """Return the point of a subject at which the knobs have these values."""
        return point_of(space.name, space.subject, space.targets, at, self.seeds, keep=self.placing)


def plan(spec: Spec, source: Source | None = None, *, expand: bool = True) -> Plan:
    """Return what a spec runs; raises `Invalid` with every fault, each at its line.

    Without `expand` the plan has no points; `Plan.point` makes them.
    """
    origin = source or Source()
    faults = spec_faults(spec)
    machines = _machines(spec, faults)
    spaces = [_space(spec, name, one, machines, faults) for name, one in spec.subjects.items()]
    objectives = objectives_of(spec, machines, faults)
    origin.refuse(faults)
    ready = [space for space in spaces if space is not None]
    turned = [name for space in ready for name in space.knobs]
    turned += [name for point in spec.strategy.points for name in point]
    placing = any(name in PLACED for name in turned) if spec.placement is None else spec.placement
    seeds = seeds_of(spec)
    made = Plan(spec, tuple(ready), machines, objectives, seeds, placing, (), origin)
    if not expand:
        return made
    places = [(space, at) for space in ready for at in _places(spec, space, faults)]
    origin.refuse(faults)
    points = [made.point(space, at) for space, at in places]
    _check_points(made, points, faults)
    origin.refuse(faults)
    return Plan(spec, made.spaces, machines, objectives, seeds, placing, tuple(points), origin)


def _machines(spec: Spec, faults: list[Fault]) -> tuple[Hardware, ...]:
    found = []
    for place, name in enumerate(spec.hardware or priceable()):
        try:
            machine = load(name)
            refuse_synthetic([machine], spec.allow_synthetic)
            found.append(machine)
        except Invalid as error:
            remedy = "`allow_synthetic: true` in the spec prices with it all the same"
            for one in error.faults:
                told = remedy if "allow_synthetic" in one.remedy else one.remedy
                faults.append(Fault(f"hardware.{place}", one.got, one.need, told))
    return tuple(found)


def _space(
    spec: Spec,
    name: str,
    subject: Subject,
    machines: tuple[Hardware, ...],
    faults: list[Fault],
) -> Space | None:
    """Return the space of one subject; None where the subject itself is wrong."""
    where = f"subjects.{name}"
    try:
        targets = known(subject)
    except Invalid as error:
        at = "model" if subject.kind == "recall" else "preset"
        faults += [Fault(f"{where}.{at}", f.got, f.need, f.remedy) for f in error.faults]
        return None
    for key, value in subject.settings.items():
        _check_setting(f"{where}.settings.{key}", name, key, value, targets, faults)
    knobs: dict[str, Values] = {}
    for key, given in {**spec.knobs, **subject.knobs}.items():
        at = f"{where}.knobs.{key}" if key in subject.knobs else f"knobs.{key}"
        if given is None and key in subject.knobs:
            continue  # this subject does not turn it
        values, wrong = values_of(at, given)
        faults += wrong
        _check_knob(at, name, key, values, targets, machines, faults)
        if values.distribution and spec.strategy.kind == "grid":
            need = "a grid needs a list or a range"
            remedy = "or `strategy: {kind: random, n: ...}`"
            faults.append(Fault(at, str(values), need, remedy))
        knobs[key] = values
    return Space(name, subject, targets, knobs)


def _check_setting(
    where: str,
    subject: str,
    key: str,
    value: Any,
    targets: Mapping[str, Target],
    faults: list[Fault],
) -> None:
    held = target(key, targets)
    if held is None:
        faults.append(unknown(where, key, targets, subject))
    elif held.where == "machine":
        need = "must be under `knobs:`, with one value: it changes the machine, not the run"
        faults.append(Fault(where, repr(value), need))
    elif wrong := value_fault(where, value, held):
        faults.append(wrong)


def _check_knob(
    where: str,
    subject: str,
    key: str,
    values: Values,
    targets: Mapping[str, Target],
    machines: tuple[Hardware, ...],
    faults: list[Fault],
) -> None:
    if key in ("seed", "seeds"):
        faults.append(Fault(where, "a knob", "must be `seeds:` at the top of the spec"))
        return
    held = target(key, targets)
    if held is None:
        faults.append(unknown(where, key, targets, subject))
        return
    ends: list[Any] = list(values.listed)
    if values.distribution and values.distribution != "normal":
        whole = "integers" in values.distribution
        ends = [int(e) if whole else e for e in (values.low, values.high)]
    if values.distribution and held.kind not in (int, float):
        faults.append(Fault(where, str(values), "must be a list: its values are no numbers"))
        return
    faults += [wrong for value in ends if (wrong := value_fault(where, value, held))]
    if key.startswith(LAW):
        for value in ends:
            need = law_faults(list(machines), key, value)
            faults += [Fault(where, repr(value), "; ".join(need))] if need else []


def _places(spec: Spec, space: Space, faults: list[Fault]) -> list[dict[str, Any]]:
    """Return the values of all knobs at every point of a subject; none for a search."""
    strategy = spec.strategy
    if strategy.kind == "search":
        return []
    if strategy.kind == "points":
        return _listed(spec, space, faults)
    if strategy.kind == "grid":
        sizes = {name: len(values.listed) for name, values in space.knobs.items()}
        if math.prod(sizes.values()) > MOST:
            got = " x ".join(f"{size} {name}" for name, size in sizes.items())
            need = f"must be {MOST:,} points at most"
            faults.append(Fault("knobs", got, need, "`strategy: {kind: random, n: ...}`"))
            return []
        grid = itertools.product(*(values.listed for values in space.knobs.values()))
        return [dict(zip(space.knobs, chosen, strict=True)) for chosen in grid]
    assert strategy.n is not None
    random = stream(strategy.seed, space.name, "sweep points")
    found: dict[str, dict[str, Any]] = {}
    for _ in range(20 * strategy.n):  # a small space may have fewer points
        drawn = {name: values.draw(random) for name, values in space.knobs.items()}
        found.setdefault(repr(drawn), drawn)
        if len(found) == strategy.n:
            break
    return list(found.values())


def _listed(spec: Spec, space: Space, faults: list[Fault]) -> list[dict[str, Any]]:
    found = []
    for place, given in enumerate(spec.strategy.points):
        for key, value in given.items():
            where = f"strategy.points.{place}.{key}"
            held = target(key, space.targets)
            if held is None:
                faults.append(unknown(where, key, space.targets, space.name))
            elif wrong := value_fault(where, value, held):
                faults.append(wrong)
        found.append({k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})
    return found


def _check_points(made: Plan, points: list[Point], faults: list[Fault]) -> None:
    """Add what is wrong with what runs, as far as that can be seen before it does."""
    if not points and made.spec.strategy.kind != "search":
        faults.append(Fault("knobs", "no point", "must give one point or more"))
    if not made.seeds:
        faults.append(Fault("seeds", "none", "must be one or more"))
    turns = [len(space.knobs) for space in made.spaces]
    if made.spec.strategy.kind == "search" and not all(turns):
        faults.append(Fault("knobs", "none", "a search needs a knob to turn"))
    subjects = dict.fromkeys(space.name for space in made.spaces)
    if faults or not subjects:
        return
    seen: set[str] = set()
    for point in points:
        job = point.jobs[0]
        if job.key in seen:
            continue
        seen.add(job.key)
        where = f"subjects.{point.subject}"
        at = ", ".join(f"{k} {v}" for k, v in point.run.items())
        try:
            check_job(job)
        except Invalid as error:
            for f in error.faults:
                got = f"{f.where} {f.got}{f' at {at}' if at else ''}"
                faults.append(Fault(where, got, f"{f.where} {f.need}", f.remedy))
        except HebbgraphError as error:
            faults.append(Fault(where, str(error), "must be something that can run"))
        if len(faults) >= 20:
            return


def check_job(job: Job) -> None:
    """Raise `Invalid` for a job whose settings do not go together; nothing is built."""
    if job.work["kind"] == "recall":
        from hebbgraph.sweep.recall import trial_of

        trial_of(job.work)
        return
    from hebbgraph.sweep.continual import settings_of  # torch, on use

    settings_of(job.work)
