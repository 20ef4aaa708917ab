"""Hardware: what a machine can hold and what its events cost, each figure with its source.

A machine is one YAML file in ``hw_configs/``, or a file of your own in the same form. `load`
checks it whole and raises `Invalid` with every fault at once; `available` lists the shipped ones.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware.checked_yaml import check, lines_of, parse_mapping
from hebbgraph.hardware.faults import consistency_faults
from hebbgraph.hardware.figures import (
    PLACEMENT_COUNTERS,
    Cost,
    Costs,
    Counter,
    Duration,
    Figure,
    Frozen,
    Power,
    Section,
    Source,
    Text,
)
from hebbgraph.hardware.scaling import scaled
from hebbgraph.hardware.sections import (
    Knob,
    Law,
    LearningEngine,
    Limits,
    Mesh,
    Numerics,
    ProcessKinds,
    SynapticMemory,
)
from hebbgraph.hardware.variant import merged

Part = Literal["limits", "numerics", "learning", "timing", "static"]


class Hardware(Section):
    """One machine: its sources, what it holds and computes, costs, timing and static power."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    description: Text
    #: Why its energies are guesses, in words; `hebbgraph.energy` refuses them unless told to use
    #: them. Empty where they rest on published figures.
    synthetic: str = ""
    sources: Frozen[str, Source]
    limits: Limits | None = None
    #: How the cores are connected; None where that is not known, or there is nothing to connect.
    mesh: Mesh | None = None
    #: The machine's integers; None where it computes in floating point.
    numerics: Numerics | None = None
    synaptic_memory: SynapticMemory | None = None
    #: How weights can learn on the machine; None where they cannot, or nothing is known.
    learning: LearningEngine | None = None
    processes: ProcessKinds | None = None
    #: Energy per event by counter; one counter may have several costs (an add and a memory read).
    costs: Frozen[Counter, Costs]
    #: Counters that cost nothing extra here, with the reason: they are inside another cost.
    covered: Frozen[Counter, Text] = Field(default_factory=dict, validate_default=True)
    #: Time per event by counter; `barriers` is spent by the whole chip, the rest by one core.
    timing: Frozen[Counter, Duration] = Field(default_factory=dict, validate_default=True)
    #: Power of one chip that runs but computes nothing.
    static: Power | None = None
    #: Power of one core in use, on top of it, for as long as the run takes.
    active_core: Power | None = None
    #: What costs follow, and how; `at` turns the knobs.
    knobs: Frozen[str, Knob] = Field(default_factory=dict, validate_default=True)
    laws: Frozen[str, Law] = Field(default_factory=dict, validate_default=True)
    #: Why a section is missing, in words.
    absent: Frozen[Part, Text] = Field(default_factory=dict, validate_default=True)

    @cached_property
    def content_hash(self) -> str:
        """Return SHA-256 over the whole content, in SI units; comments and order do not count."""
        document = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(document.encode()).hexdigest()

    def at(self, **knobs: float) -> Hardware:
        """Return this machine with its knobs set: every cost scaled by the laws it names.

        ``load("digital_45nm").at(state_bits=16)``. The result has a name and a hash of its own, and
        its costs are of kind ``scaled``; limits, numerics and times stay. Raises `Invalid` for an
        unknown knob and a value outside the range in which the laws hold.
        """
        return scaled(self, knobs)


def available() -> list[str]:
    """Return the names of the shipped configs."""
    files = resources.files("hebbgraph.hw_configs").iterdir()
    return sorted(file.name[:-5] for file in files if file.name.endswith(".yaml"))


def priceable() -> list[str]:
    """Return the shipped configs whose energies are no guesses: those that price by default."""
    return [name for name in available() if not load(name).synthetic]


def load(name_or_path: str | os.PathLike[str]) -> Hardware:
    """Return a shipped config by name, or one of your own by its path (``*.yaml``, ``*.yml``).

    A file may extend another (``extends: loihi1_nahuku``, or a path beside it): what it says
    replaces, figure by figure, what the base says, and ``null`` takes it away.

    Raises `Invalid` with every fault: each names the file, its line, the path inside it, what it
    got, what is needed and what to do.
    """
    text = os.fspath(name_or_path)
    is_path = not isinstance(name_or_path, str) or text != Path(text).name
    if is_path or text.endswith((".yaml", ".yml")):
        return _checked(Path(text), ())[0]
    if text not in available():
        close = difflib.get_close_matches(text, available(), n=1)
        remedy = f"write {close[0]}" if close else "or give the path of a .yaml file"
        need = f"hardware configs are: {', '.join(available())}"
        raise Invalid("hardware", [Fault("hardware", repr(text), need, remedy)])
    return _shipped(text)


@cache
def _shipped(name: str) -> Hardware:
    with resources.as_file(resources.files("hebbgraph.hw_configs")) as folder:
        return _checked(folder / f"{name}.yaml", (), f"{name}.yaml")[0]


def _checked(
    path: Path, extended_by: tuple[Path, ...], called: str = ""
) -> tuple[Hardware, dict[str, Any]]:
    """Return the config in a file, and its data with those of its base.

    `extended_by` are the files that led here; `called` is what errors call this one.
    """
    file = called or str(path)
    raw = _read(path)
    data = parse_mapping(raw, file)
    lines = lines_of(raw)
    faults: list[Fault] = []
    if "extends" in data:
        base = _base(data.pop("extends"), path, (*extended_by, path.resolve()), file)
        data, faults = merged(base, data)
    return parse(data, file, lines, faults), data


def _base(name: Any, path: Path, chain: tuple[Path, ...], file: str) -> dict[str, Any]:
    """Return the data of the config that the file at `path` extends."""
    where, known = f"{file}: extends", available()
    if not isinstance(name, str) or not name:
        need = "must be the name of a shipped config, or the path of a file"
        raise Invalid(f"hardware config {file}", [Fault(where, repr(name), need)])
    if name.endswith((".yaml", ".yml")):
        target, called = path.parent / name, ""
    elif name in known:
        with resources.as_file(resources.files("hebbgraph.hw_configs")) as folder:
            target, called = folder / f"{name}.yaml", f"{name}.yaml"
    else:
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"write {close[0]}" if close else "or give the path of a .yaml file"
        need = f"must be a shipped config ({', '.join(known)}) or the path of a file"
        raise Invalid(f"hardware config {file}", [Fault(where, repr(name), need, remedy)])
    if target.resolve() in chain:
        circle = " -> ".join(each.name for each in (*chain, target))
        fault = Fault(where, circle, "must not lead back to itself", "let one of them stand alone")
        raise Invalid(f"hardware config {file}", [fault])
    return _checked(target, chain, called)[1]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        remedy = f"check the path; shipped configs are: {', '.join(available())}"
        fault = Fault(str(path), error.strerror or str(error), "must be a readable file", remedy)
        raise Invalid("hardware", [fault]) from error


def parse(
    data: Mapping[str, Any],
    file: str = "hardware",
    lines: Mapping[str, int] | None = None,
    faults: Sequence[Fault] = (),
) -> Hardware:
    """Return the config that `data` describes; raises `Invalid` with every fault, naming `file`.

    `lines` are the lines of the file by dotted path; `faults` were found in it before.
    """
    hardware, found = check(Hardware, data)
    found = [*faults, *found, *consistency_faults(data)]
    if found or hardware is None:
        named = [Fault(_place(file, f.where, lines or {}), f.got, f.need, f.remedy) for f in found]
        raise Invalid(f"hardware config {file}", named)
    return hardware


def _place(file: str, where: str, lines: Mapping[str, int]) -> str:
    """Return file, line and path; where the path is missing in the file, the line it belongs to."""
    path = where
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return f"{file}:{lines[path]}: {where}" if path else f"{file}: {where}"


__all__ = [
    "PLACEMENT_COUNTERS",
    "Cost",
    "Duration",
    "Figure",
    "Hardware",
    "Knob",
    "Law",
    "LearningEngine",
    "Limits",
    "Mesh",
    "Power",
    "Source",
    "SynapticMemory",
    "available",
    "load",
    "parse",
    "priceable",
]
