"""Figures: one number with its unit, range, source and kind, and the sources they name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from decimal import Decimal
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
PLACEMENT_COUNTERS: tuple[str, ...] = ("packets", "hops_x", "hops_y", "chip_crossings")

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
Signed = Annotated[float, Strict(), Field(allow_inf_nan=False)]
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


def _plain_dict(value: Any, handler: Callable[[Any], Any]) -> Any:
    return handler(dict(value))


K = TypeVar("K")
V = TypeVar("V")
#: A mapping that cannot be changed.
Frozen = Annotated[Mapping[K, V], AfterValidator(MappingProxyType), WrapSerializer(_plain_dict)]
Counter = Annotated[str, AfterValidator(_known_counter)]


class Section(BaseModel):
    """Part of a config: cannot be changed, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Section):
    """Where figures come from, and how far they can be trusted."""

    #: Authors, title, venue, year.
    cite: Text
    #: Digital object identifier, or `url` instead; neither where the basis is ``assumption``.
    doi: str = ""
    url: str = ""
    #: Whether it was measured, fitted, simulated, claimed, calculated or assumed.
    basis: Basis
    #: Process node, voltage, workload, tool: what the figures hold for.
    conditions: Text

    @property
    def address(self) -> str:
        """Return where it can be read, ``doi:...`` or a URL; empty where it is an assumption."""
        return f"doi:{self.doi}" if self.doi else self.url

    @property
    def text(self) -> str:
        """Return citation and address on one line."""
        return ", ".join(part for part in (" ".join(self.cite.split()), self.address) if part)


class Figure(Section):
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
    #: How the cost follows knobs: names of ``laws`` by names of ``knobs``; their factors multiply.
    scales: Frozen[str, str] = Field(default_factory=dict, validate_default=True)


class Duration(Figure):
    """Time that one event keeps a core busy (or, for barriers, the whole chip)."""

    UNIT: ClassVar[str] = "s"


class Power(Figure):
    """Power drawn by one chip whatever it does, or by one core in use."""

    UNIT: ClassVar[str] = "W"


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Costs = Annotated[tuple[Cost, ...], BeforeValidator(_as_list), Field(min_length=1)]
