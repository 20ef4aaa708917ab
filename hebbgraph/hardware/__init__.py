"""Hardware: what a machine can hold and what its events cost, each figure with its source.

A machine is one YAML file in ``hw_configs/``, or a file of your own in the same form. `load`
checks it whole and raises `Invalid` with every fault at once; `available` lists the shipped ones.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    WrapSerializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from hebbgraph.counters import COUNTERS
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware.checked_yaml import check, parse_mapping
from hebbgraph.hardware.faults import consistency_faults
from hebbgraph.processes import KINDS

Basis = Literal[
    "silicon_measured",
    "silicon_fit",
    "pre_silicon_sim",
    "datasheet",
    "vendor_claim",
    "analytic",
    "assumption",
]
Kind = Literal["published", "derived", "scaled", "assumed"]
Bound = Literal["nominal", "lower", "upper"]
Component = Literal["synapse", "neuron", "spike_out", "noc", "memory", "learning", "host"]

#: Events that only a placement on cores can count; until then they are priced but not counted.
PLACEMENT_COUNTERS: tuple[str, ...] = ("packets", "hops_x", "hops_y")

#: Every unit a figure may have: the SI unit it becomes, and the power of ten between them.
UNITS: Mapping[str, tuple[str, int]] = {
    f"{prefix}{unit}": (unit, power)
    for unit in ("J", "s", "W")
    for prefix, power in {
        "": 0, "k": 3, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15
    }.items()
}  # fmt: skip

Text = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Strict(), Field(ge=0)]
Whole = Annotated[int, Strict()]


def _known_counter(name: str) -> str:
    known = (*COUNTERS, *PLACEMENT_COUNTERS)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"write {close[0]}" if close else "rename or remove it"
        need = f"must be a counter: {', '.join(known)}"
        raise PydanticCustomError("counter", "{need}", {"need": need, "remedy": remedy})
    return name


def _known_kind(name: str) -> str:
    if name not in KINDS:
        close = difflib.get_close_matches(name, KINDS, n=1)
        remedy = f"write {close[0]}" if close else "rename or remove it"
        need = f"must be a process kind: {', '.join(KINDS)}"
        raise PydanticCustomError("kind", "{need}", {"need": need, "remedy": remedy})
    return name


def _plain_dict(value: Any, handler: Callable[[Any], Any]) -> Any:
    return handler(dict(value))


K = TypeVar("K")
V = TypeVar("V")
#: A mapping that cannot be changed.
Frozen = Annotated[Mapping[K, V], AfterValidator(MappingProxyType), WrapSerializer(_plain_dict)]
Counter = Annotated[str, AfterValidator(_known_counter)]
Name = Annotated[str, AfterValidator(_known_kind)]
Part = Literal["limits", "numerics", "learning", "timing", "static"]


class _Section(BaseModel):
    """Part of a config: cannot be changed, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Section):
    """Where figures come from, and how far they can be trusted."""

    #: Authors, title, venue, year.
    cite: Text
    #: Digital object identifier, or `url` instead.
    doi: str = ""
    url: str = ""
    #: Whether it was measured, fitted, simulated, claimed, calculated or assumed.
    basis: Basis
    #: Process node, voltage, workload, tool: what the figures hold for.
    conditions: Text


class Figure(_Section):
    """One number with its range, in SI units once loaded.

    ``low <= value <= high``; a `bound` of ``"lower"`` says that the source gives a minimum, so
    that ``low`` is `value`, and ``"upper"`` a maximum, so that ``high`` is.
    """

    UNIT: ClassVar[str]

    value: Number
    #: J, s or W by section; m, u, n, p, f and k prefixes are accepted and converted.
    unit: str
    #: A key of the config's ``sources``.
    source: str
    #: Whether the source has this very number, or it was derived, scaled or assumed from it.
    kind: Kind
    bound: Bound = "nominal"
    low: Number
    high: Number
    #: How the number was derived, and how its range was chosen.
    note: Text

    @field_validator("unit")
    @classmethod
    def _right_unit(cls, unit: str) -> str:
        if UNITS.get(unit, ("", 0))[0] != cls.UNIT:
            fitting = ", ".join(name for name, (si, _) in UNITS.items() if si == cls.UNIT)
            context = {"need": f"must be a unit of {cls.UNIT}: {fitting}"}
            raise PydanticCustomError("unit", "{need}", context)
        return unit

    @model_validator(mode="after")
    def _in_si(self) -> Self:
        unit, power = UNITS[self.unit]
        for name in ("value", "low", "high"):
            # Through decimal digits, so that 23.6 pJ is the float nearest to 23.6e-12.
            converted = float(Decimal(repr(getattr(self, name))).scaleb(power))
            object.__setattr__(self, name, converted)
        object.__setattr__(self, "unit", unit)
        return self


class Cost(Figure):
    """Energy of one event, and the part of the machine that spends it."""

    UNIT: ClassVar[str] = "J"

    component: Component


class Duration(Figure):
    """Time that one event keeps a core busy (or, for barriers, the whole chip)."""

    UNIT: ClassVar[str] = "s"


class Power(Figure):
    """Power drawn by one chip whatever it does."""

    UNIT: ClassVar[str] = "W"


class Limits(_Section):
    """What one chip holds; what is not known is left out."""

    source: str
    cores: Count | None = None
    neurons_per_core: Count | None = None
    #: Synaptic memory of one core.
    synaptic_bits_per_core: Count | None = None
    axons_in_per_core: Count | None = None
    axons_out_per_core: Count | None = None
    #: The longest synaptic delay, in steps.
    max_delay: Count | None = None
    #: Bits of a weight, sign included.
    weight_bits: Count | None = None
    #: Bits a spike can carry; 0 is a binary spike.
    spike_payload_bits: Count | None = None


class Numerics(_Section):
    """Widths of the machine's integers, which `passes.quantise` reads."""

    source: str
    #: Bits of a mixed-sign weight, sign included (its lowest bit is lost).
    weight_bits: Count
    #: Range of the power of two on a synapse group's sum.
    min_weight_exponent: Whole
    max_weight_exponent: Whole
    #: Bits of u and v, sign included.
    state_bits: Count
    #: Bits of a decay constant.
    decay_bits: Count
    #: Bits of the bias mantissa, sign included, and the largest power of two on it.
    bias_mantissa_bits: Count
    max_bias_exponent: Count
    #: Bits of the threshold mantissa, unsigned.
    threshold_mantissa_bits: Count


class SynapticMemory(_Section):
    """How synapses lie in a core's memory; without it a synapse takes its weight's bits alone.

    The synapses of one incoming axon are stored in blocks, each with a header and rounded up to
    whole words. A synapse takes the bits of its weight, of its delay and, where not every unit of
    the core has one from this axon, of the index of its unit.
    """

    source: str
    word_bits: Count
    synapses_per_block: Count
    header_bits: Count
    #: Widths in which weights, and indices of units, can be stored.
    weight_formats: Annotated[tuple[Count, ...], Field(min_length=1)]
    index_formats: Annotated[tuple[Count, ...], Field(min_length=1)]


class LearningEngine(_Section):
    """What changes weights while the chip runs: sums of products of signals at the synapse."""

    source: str
    #: Traces of the presynaptic and of the postsynaptic spikes that a rule can read.
    traces_pre: Count
    traces_post: Count
    #: Bits of a trace, unsigned; of the spare variable each synapse has; of a weight with its sign.
    trace_bits: Count
    tag_bits: Count
    weight_bits: Count
    #: A coefficient is a signed mantissa of so many bits times a power of two in this range.
    mantissa_bits: Count
    min_exponent: Whole
    max_exponent: Whole
    #: Steps between two changes.
    min_epoch: Count
    max_epoch: Count
    #: Where third factors may come from: ``all`` is one for all synapses, ``post`` one per unit.
    third_factors: tuple[Literal["pre", "post", "all"], ...]
    #: Places in a core's table that one incoming axon of plastic synapses takes.
    axon_slots: Count


class ProcessKinds(_Section):
    """Which process kinds run on the chip itself; what is in neither list runs on a host."""

    source: str
    #: Built into the chip.
    native: tuple[Name, ...]
    #: Possible as a program for the chip's neurons, which someone has to write.
    programmed: tuple[Name, ...] = ()


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Costs = Annotated[tuple[Cost, ...], BeforeValidator(_as_list), Field(min_length=1)]


class Hardware(_Section):
    """One machine: its sources, what it holds and computes, costs, timing and static power."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    description: Text
    sources: Frozen[str, Source]
    limits: Limits | None = None
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
