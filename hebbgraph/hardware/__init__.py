"""Hardware: what a machine can hold and what its events cost, each figure with its source.

A machine is one YAML file in ``hw_configs/``, or a file of your own in the same form. `load`
checks it whole and raises `Invalid` with every fault at once; `available` lists the shipped ones.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware.checked_yaml import check, parse_mapping
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
from hebbgraph.hardware.sections import (
    LearningEngine,
    Limits,
    Mesh,
    Numerics,
    ProcessKinds,
    SynapticMemory,
)

Part = Literal["limits", "numerics", "learning", "timing", "static"]


class Hardware(Section):
    """One machine: its sources, what it holds and computes, costs, timing and static power."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    description: Text
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
    #: Why a section is missing, in words.
    absent: Frozen[Part, Text] = Field(default_factory=dict, validate_default=True)

    @cached_property
    def content_hash(self) -> str:
        """Return SHA-256 over the whole content, in SI units; comments and order do not count."""
        document = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(document.encode()).hexdigest()


def available() -> list[str]:
    """Return the names of the shipped configs."""
    files = resources.files("hebbgraph.hw_configs").iterdir()
    return sorted(file.name[:-5] for file in files if file.name.endswith(".yaml"))


def load(name_or_path: str | os.PathLike[str]) -> Hardware:
    """Return a shipped config by name, or one of your own by its path (``*.yaml``, ``*.yml``).

    Raises `Invalid` with every fault: each names the file, the path inside it, what it got, what
    is needed and what to do.
    """
    text = os.fspath(name_or_path)
    is_path = not isinstance(name_or_path, str) or text != Path(text).name
    if is_path or text.endswith((".yaml", ".yml")):
        return parse(parse_mapping(_read(Path(text)), text), text)
    if text not in available():
        close = difflib.get_close_matches(text, available(), n=1)
        remedy = f"write {close[0]}" if close else "or give the path of a .yaml file"
        need = f"hardware configs are: {', '.join(available())}"
        raise Invalid("hardware", [Fault("hardware", repr(text), need, remedy)])
    raw = resources.files("hebbgraph.hw_configs").joinpath(f"{text}.yaml").read_bytes()
    return parse(parse_mapping(raw, f"{text}.yaml"), f"{text}.yaml")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        remedy = f"check the path; shipped configs are: {', '.join(available())}"
        fault = Fault(str(path), error.strerror or str(error), "must be a readable file", remedy)
        raise Invalid("hardware", [fault]) from error


def parse(data: Mapping[str, Any], file: str = "hardware") -> Hardware:
    """Return the config that `data` describes; raises `Invalid` with every fault, naming `file`."""
    hardware, faults = check(Hardware, data)
    faults += consistency_faults(data)
    if faults or hardware is None:
        named = [Fault(f"{file}: {f.where}", f.got, f.need, f.remedy) for f in faults]
        raise Invalid(f"hardware config {file}", named)
    return hardware


__all__ = [
    "PLACEMENT_COUNTERS",
    "Cost",
    "Figure",
    "Hardware",
    "LearningEngine",
    "Limits",
    "Mesh",
    "SynapticMemory",
    "available",
    "load",
    "parse",
]
