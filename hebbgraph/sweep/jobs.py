"""jobs: points of a space, and the jobs that run what of them has to run.

A point sets every knob. A job is what runs for it with one seed: points that differ in the
architecture alone share their jobs. A job is named by the hash of everything that decides its
result: subject, settings, numerics, pruning, seed, data, versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import metadata
from typing import Any

import hebbgraph
from hebbgraph.errors import HebbgraphError
from hebbgraph.sweep.knobs import Target, target
from hebbgraph.sweep.spec import Subject

#: Packages whose version decides results, by the kind of subject.
PACKAGES = {"recall": ("numpy",), "continual": ("numpy", "torch", "snntorch")}
#: The machine whose integers are changed where a subject names none.
MACHINE = "loihi1_davies2018"


@dataclass(frozen=True)
class Job:
    """One run: JSON types that say everything a worker needs."""

    #: What runs: kind, model or preset, settings by where they go, seed.
    work: Mapping[str, Any]
    #: Whether graph and activity are to come back, which a placement needs.
    keep: bool = False

    @cached_property
    def key(self) -> str:
        """Return what its result is found by."""
        text = json.dumps(self.work, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    @cached_property
    def group(self) -> str:
        """Return what jobs share that are best run one after another, as text; or nothing."""
        if self.work["kind"] != "continual":
            return ""
        apart = ("numerics", "prune")
        return json.dumps({k: v for k, v in self.work.items() if k not in apart}, sort_keys=True)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {"key": self.key, "work": dict(self.work), "keep": self.keep}


@dataclass(frozen=True, eq=False)
class Point:
    """One place of the space: knobs by name, split by whether they run or only price."""

    subject: str
    #: Every knob, as the spec names them.
    at: Mapping[str, Any]
    #: Those of the architecture.
    machine: Mapping[str, Any]
    #: One for each seed.
    jobs: tuple[Job, ...] = field(repr=False)

    @cached_property
    def key(self) -> str:
        """Return what tells points apart."""
        text = json.dumps([self.subject, {k: self.at[k] for k in sorted(self.at)}])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def run(self) -> dict[str, Any]:
        """Return the knobs that run."""
        return {name: value for name, value in self.at.items() if name not in self.machine}


def point_of(
    name: str,
    subject: Subject,
    targets: Mapping[str, Target],
    at: Mapping[str, Any],
    seeds: tuple[int, ...],
    *,
    keep: bool,
) -> Point:
    """Return the point at which the knobs have these values."""
    work = work_of(subject, targets, at)
    machine = {n: v for n, v in at.items() if _target(n, targets).where == "machine"}
    jobs = tuple(Job({**work, "seed": int(seed)}, keep) for seed in seeds)
    return Point(name, dict(at), machine, jobs)


def work_of(
    subject: Subject, targets: Mapping[str, Target], at: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a job of these knobs does, but the seed."""
    places: dict[str, dict[str, Any]] = {}
    for name, value in {**subject.settings, **at}.items():
        held = _target(name, targets)
        if held.where == "machine":
            continue
        plain: Any = list(value) if isinstance(value, tuple) else value
        places.setdefault(held.where, {})[held.name] = plain + held.plus if held.plus else plain
    kind = {"kind": subject.kind, "version": _versions(subject.kind)}
    if subject.kind == "recall":
        settings = places.get("trial", {})
        data = settings.get("data")
        extra = {"fingerprint": _fingerprint(data)} if data else {}
        own = {"model": subject.model, "trial": settings, **extra}
        own["parameters"] = places.get("parameter", {})
    else:
        own = {"preset": subject.preset, "method": subject.method}
        own |= {name: places.get(name, {}) for name in ("net", "stream", "run")}
    own["numerics"] = places.get("numerics", {})
    own["prune"] = places.get("prune", {}).get("density", 1.0)
    return kind | own


def _target(name: str, targets: Mapping[str, Target]) -> Target:
    held = target(name, targets)
    assert held is not None
    return held


@lru_cache(maxsize=4)
def _versions(kind: str) -> str:
    found = [f"hebbgraph {hebbgraph.__version__}"]
    for name in PACKAGES[kind]:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


@lru_cache(maxsize=16)
def _fingerprint(data: str) -> str:
    """Return what the data are; nothing where they cannot be read, which the job then tells."""
    from hebbgraph import data as datasets
    from hebbgraph.harness.trial import fingerprint

    try:
        return fingerprint(datasets.load(data))
    except HebbgraphError:
        return ""
