"""knobs: everything a sweep can turn, where each goes, and what it may be set to.

========== ========================================================================================
reaches    how
========== ========================================================================================
trial      a field of `hebbgraph.harness.trial.Trial`, or ``load``
parameter  an argument of the memory's ``build``
numerics   a width of the chip's integers: the graph is compiled for a machine with those widths
prune      ``density``, the share of synapses that stay (`hebbgraph.sweep.prune`)
net        a field of `hebbgraph.continual.spiking.settings.NetSettings`
stream     an argument of `hebbgraph.continual.sources.stream`
run        ``epochs``, ``method``, ``tested``, rows of a run of continual learning
machine    the architecture and its costs: prices a stored run anew, runs nothing
========== ========================================================================================
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from hebbgraph import catalogue
from hebbgraph.checks import is_whole
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.harness.trial import KNOBS as TRIAL
from hebbgraph.harness.trial import Trial, trial
from hebbgraph.passes.quantise import Numerics
from hebbgraph.sweep.spec import Subject
from hebbgraph.sweep.variants import FACTORS, LAW, PLACING

Where = Literal["trial", "parameter", "numerics", "prune", "net", "stream", "run", "machine"]

#: Short names: where the memory's ``build`` has one of these it is meant, else the chip's width.
WIDTHS: Mapping[str, str] = {"state_bits": "state_bits", "decay_bits": "decay_bits"}
#: Names under which ``build`` may have what a sweep calls otherwise.
GRADED = ("graded_bits", "payload_bits")
#: Arguments of a stream, with the kind of each.
STREAM: Mapping[str, type] = {"tasks": int, "train_per_class": int, "test_per_class": int}
RUN: Mapping[str, type] = {
    "epochs": int,
    "method": str,
    "tested": int,
    "first_rows": tuple,
    "later_rows": tuple,
}


@dataclass(frozen=True)
class Target:
    """Where a knob goes."""

    where: Where
    #: What it is called there.
    name: str
    #: What kind of value it takes; None where any may do.
    kind: type | None = None
    #: Bounds of a number.
    low: float = float("-inf")
    high: float = float("inf")
    #: What is added to the value on its way there.
    plus: int = 0


def known(subject: Subject) -> dict[str, Target]:
    """Return every knob of a subject by name; raises `Invalid` for an unknown model or preset."""
    found = _recall(subject) if subject.kind == "recall" else _continual(subject)
    for name, (least, most) in _bounds().items():
        found[f"numerics.{name}"] = Target("numerics", name, int, least, most)
    for name, field in WIDTHS.items():
        found.setdefault(name, found[f"numerics.{field}"])
    if "weight_bits" not in found:  # beside the sign there is a bit that mixed weights lose
        found["weight_bits"] = Target("numerics", "weight_bits", int, 2, 8, plus=1)
    found["density"] = Target("prune", "density", float, 0.0, 1.0)
    for name in PLACING:
        found[name] = Target("machine", name, int, 1, 2**40)
    for name in FACTORS:
        found[name] = Target("machine", name, float, 0.0, 1e6)
    return found


def target(name: str, targets: Mapping[str, Target]) -> Target | None:
    """Return where a knob goes, None if there is none of that name."""
    if name.startswith(LAW) and len(name) > len(LAW):
        return Target("machine", name, float, 0.0, 1e12)
    return targets.get(name)


def unknown(where: str, name: str, targets: Mapping[str, Target], subject: str) -> Fault:
    """Return the fault of a name that is no knob, with the nearest that are."""
    close = difflib.get_close_matches(name, [*targets, f"{LAW}weight_bits"], n=3, cutoff=0.5)
    if close:
        return Fault(
            where, "no such knob", f"must be a knob of {subject}", f"write {' or '.join(close)}"
        )
    groups: dict[str, list[str]] = {}
    for known_name, held in targets.items():
        groups.setdefault(held.where, []).append(known_name)
    listed = "; ".join(f"{group}: {', '.join(names)}" for group, names in groups.items())
    need = f"knobs of {subject} are: {listed}; {LAW}NAME for a cost law of a machine"
    return Fault(where, "no such knob", need)


def value_fault(where: str, value: Any, held: Target) -> Fault | None:
    """Return what is wrong with a value by its kind and bounds, None if nothing is."""
    if held.kind in (int, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if held.kind is int and not is_whole(value):
            return Fault(where, repr(value), f"must be a whole number{_span(held)}")
        if not number or not held.low <= value <= held.high:
            return Fault(where, repr(value), f"must be a number{_span(held)}")
        if held.where == "prune" and value <= 0:
            return Fault(where, repr(value), "must be above 0, the share of synapses that stay")
    elif held.kind is bool and not isinstance(value, bool):
        return Fault(where, repr(value), "must be true or false")
    elif held.kind is str and not isinstance(value, str):
        return Fault(where, repr(value), "must be text")
    elif held.kind is tuple and not isinstance(value, list | tuple):
        return Fault(where, repr(value), "must be a list")
    return None


def _span(held: Target) -> str:
    return f" in {held.low:g} to {held.high:g}" if held.high < float("inf") else ""


def _bounds() -> dict[str, tuple[float, float]]:
    """Return the range of each width; the widest are what the fixed domain computes with."""
    found: dict[str, tuple[float, float]] = {}
    for field in fields(Numerics):
        widest = int(getattr(Numerics(), field.name))
        ends = (0, widest) if "exponent" in field.name else (2, widest)
        found[field.name] = min(ends), max(ends)
    return found


def _recall(subject: Subject) -> dict[str, Target]:
    assert subject.model is not None
    catalogue.family(subject.model)
    base = trial(subject.model)
    kinds: dict[str, type] = {
        name: type(value)
        for name in TRIAL
        if isinstance(value := getattr(base, name, None), bool | int | float | str)
    }
    left = ("options", "hardware")  # machines are built from `numerics.` knobs
    found = {n: Target("trial", n, kinds.get(n)) for n in TRIAL if n not in left}
    found["data"] = Target("trial", "data", str)
    found["per_class"] = Target("trial", "per_class", int, 1, 10**6)
    found["load"] = Target("trial", "load", float, 1e-12, 1e12)
    found["level"] = Target("trial", "level", float)
    own = catalogue.parameters(catalogue.model(subject.model))
    for name, default in own.items():
        if name != "seed":
            found[name] = Target("parameter", name, _kind(default))
    if GRADED[1] in own:
        found[GRADED[0]] = found[GRADED[1]]
    return found


def _kind(default: Any) -> type | None:
    if isinstance(default, bool):
        return bool
    if isinstance(default, int):
        return int
    if isinstance(default, float):
        return float
    return str if isinstance(default, str) else None


def _continual(subject: Subject) -> dict[str, Target]:
    from hebbgraph.continual.presets import preset

    assert subject.preset is not None
    preset(subject.preset)
    try:
        from hebbgraph.continual.spiking.settings import NetSettings  # torch, on use
    except ImportError as error:
        text = 'continual learning: torch is not installed; pip install "hebbgraph[torch]"'
        raise Unavailable(text) from error
    found: dict[str, Target] = {}
    for name, held in NetSettings.__dataclass_fields__.items():
        kind = tuple if isinstance(held.default, tuple) else _kind(held.default)
        found[name] = Target("net", name, kind)
    for name, kind in STREAM.items():
        found[name] = Target("stream", name, kind, 1, 10**6)
    for name, kind in RUN.items():
        found[name] = Target("run", name, kind, *((1, 10**6) if kind is int else ()))
    return found


def base_trial(subject: Subject) -> Trial:
    """Return the trial of a recall before anything is set."""
    if subject.model is None:
        raise Invalid("subject", [Fault("model", "nothing", "is needed")])
    return trial(subject.model)
