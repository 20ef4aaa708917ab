"""values: what a knob may be set to: a list, a range, or a distribution to draw from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hebbgraph.checks import is_whole
from hebbgraph.errors import Fault

#: Distributions, and what their two numbers are.
DISTRIBUTIONS: Mapping[str, tuple[str, str]] = {
    "uniform": ("low", "high"),
    "log_uniform": ("low", "high"),
    "integers": ("low", "high"),
    "log_integers": ("low", "high"),
    "normal": ("mean", "standard deviation"),
}
FORMS = (
    "a list, {from, to, count} or {from, to, step} (log: true for equal ratios, whole: true for"
    f" whole numbers), or [low, high] of one of {', '.join(DISTRIBUTIONS)}"
)
#: The most values of one knob.
MOST = 100_000


@dataclass(frozen=True)
class Values:
    """The values of one knob: `listed`, or drawn from a distribution."""

    listed: tuple[Any, ...] = ()
    distribution: str = ""
    low: float = 0.0
    high: float = 0.0

    def draw(self, random: np.random.Generator) -> Any:
        """Return one value."""
        if self.listed:
            return self.listed[int(random.integers(len(self.listed)))]
        if self.distribution == "normal":
            return float(f"{random.normal(self.low, self.high):.12g}")
        if self.distribution == "integers":
            return int(random.integers(int(self.low), int(self.high) + 1))
        if self.distribution == "uniform":
            return float(f"{random.uniform(self.low, self.high):.12g}")
        drawn = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return round(drawn) if self.distribution == "log_integers" else float(f"{drawn:.12g}")

    def __str__(self) -> str:
        if self.distribution:
            return f"{self.distribution}({self.low:g}, {self.high:g})"
        return ", ".join(map(str, self.listed))


def values_of(where: str, given: Any) -> tuple[Values, list[Fault]]:
    """Return the values that a spec gives for a knob, and what is wrong with them."""
    if isinstance(given, Mapping):
        return _range(where, given) if "from" in given else _distribution(where, given)
    listed = list(given) if isinstance(given, list | tuple) else [given]
    if not listed:
        return Values(), [Fault(where, "an empty list", "must have one value or more")]
    return _listed(where, [tuple(v) if isinstance(v, list) else v for v in listed])


def _listed(where: str, listed: list[Any]) -> tuple[Values, list[Fault]]:
    faults = []
    if any(isinstance(v, dict) for v in listed):
        faults.append(Fault(where, "a mapping among the values", "must be plain values"))
    elif any(isinstance(v, float) and not math.isfinite(v) for v in listed):
        faults.append(Fault(where, str(listed), "must be finite"))
    elif len({(type(v), v) for v in listed}) < len(listed):
        faults.append(Fault(where, str(listed), "must be distinct"))
    return Values(tuple(listed)), faults


def _range(where: str, given: Mapping[str, Any]) -> tuple[Values, list[Fault]]:
    known = {"from", "to", "count", "step", "log", "whole"}
    unknown = [str(key) for key in given if key not in known]
    ends: tuple[Any, Any] = given.get("from"), given.get("to")
    log, whole = given.get("log", False), given.get("whole", False)
    faults = [Fault(f"{where}.{key}", "an unknown key", f"must be {FORMS}") for key in unknown]
    if not all(_is_number(end) for end in ends):
        faults.append(Fault(where, f"from {ends[0]!r} to {ends[1]!r}", "must be two numbers"))
    if not (isinstance(log, bool) and isinstance(whole, bool)):
        faults.append(Fault(where, f"log {log!r}, whole {whole!r}", "must be true or false"))
    if ("count" in given) == ("step" in given):
        faults.append(Fault(where, f"keys {', '.join(map(str, given))}", "needs count or step"))
    elif "count" in given and not (is_whole(given["count"]) and 1 <= given["count"] <= MOST):
        faults.append(Fault(f"{where}.count", repr(given["count"]), f"must be in 1 to {MOST:,}"))
    elif "step" in given and not (_is_number(given["step"]) and given["step"] > 0):
        faults.append(Fault(f"{where}.step", repr(given["step"]), "must be a number above 0"))
    elif "step" in given and log is True:
        faults.append(Fault(f"{where}.step", "with log", "needs count: ratios are equal"))
    if not faults and log and min(ends) <= 0:
        faults.append(Fault(where, f"from {ends[0]} to {ends[1]}", "must be above 0 with log"))
    if not faults and "step" in given and not 0 <= (ends[1] - ends[0]) / given["step"] < MOST:
        got = f"from {ends[0]} to {ends[1]} by {given['step']}"
        faults.append(Fault(where, got, f"must be 1 to {MOST:,} values, going up"))
    if faults:
        return Values(), faults
    return Values(_spaced(given, log, whole)), []


def _spaced(given: Mapping[str, Any], log: bool, whole: bool) -> tuple[Any, ...]:
    low, high = float(given["from"]), float(given["to"])
    if "step" in given:
        count = math.floor((high - low) / given["step"] + 1e-9) + 1
        found = low + np.arange(count) * float(given["step"])
    elif log:
        found = np.geomspace(low, high, given["count"])
    else:
        found = np.linspace(low, high, given["count"])
    inputs = (given["from"], given["to"], given.get("step", 1))
    if whole or (all(map(is_whole, inputs)) and (np.mod(found, 1) == 0).all()):
        made: list[Any] = [round(v) for v in found.tolist()]
    else:
        made = [float(f"{v:.12g}") for v in found.tolist()]  # 0.3, not 0.30000000000000004
    return tuple(dict.fromkeys(made))


def _distribution(where: str, given: Mapping[str, Any]) -> tuple[Values, list[Fault]]:
    names = [name for name in given if name in DISTRIBUTIONS]
    if len(given) != 1 or not names:
        got = f"keys {', '.join(map(str, given)) or 'none'}"
        return Values(), [Fault(where, got, f"must be {FORMS}")]
    name, ends = names[0], given[names[0]]
    meaning = " and ".join(DISTRIBUTIONS[name])
    pair = isinstance(ends, list | tuple) and len(ends) == 2 and all(map(_is_number, ends))
    if not pair:
        return Values(), [Fault(f"{where}.{name}", repr(ends), f"must be [{meaning}]")]
    low, high = ends
    need = ""
    if name == "normal":
        need = "standard deviation must be above 0" if high <= 0 else ""
    elif low >= high:
        need = "low must be below high"
    elif name.startswith("log") and low <= 0:
        need = "must be above 0"
    elif "integers" in name and not (is_whole(low) and is_whole(high)):
        need = "must be whole numbers"
    if need:
        return Values(), [Fault(f"{where}.{name}", repr(list(ends)), need)]
    return Values((), name, float(low), float(high)), []


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
