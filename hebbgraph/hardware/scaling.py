"""Scaling: a machine with other knobs, its costs scaled by the laws they name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from hebbgraph.errors import Fault, Invalid

if TYPE_CHECKING:
    from hebbgraph.hardware import Cost, Hardware


def scaled(hardware: Hardware, knobs: Mapping[str, float]) -> Hardware:
    """Return `hardware` with `knobs` set, see `Hardware.at`."""
    _check(hardware, knobs)
    turned = {k: float(x) for k, x in knobs.items() if x != hardware.knobs[k].value}
    if not turned:
        return hardware
    costs = {
        counter: tuple(_cost(hardware, cost, turned) for cost in entry)
        for counter, entry in hardware.costs.items()
    }
    held = {
        name: knob.model_copy(update={"value": turned.get(name, knob.value)})
        for name, knob in hardware.knobs.items()
    }
    settings = ",".join(f"{name}={x:g}" for name, x in sorted(turned.items()))
    update = {
        "name": f"{hardware.name}@{settings}",
        "title": f"{hardware.title}, {settings}",
        "costs": MappingProxyType(costs),
        "knobs": MappingProxyType(held),
    }
    found = hardware.model_copy(update=update)
    vars(found).pop("content_hash", None)  # that of the machine it was copied from
    return found


def _cost(hardware: Hardware, cost: Cost, turned: Mapping[str, float]) -> Cost:
    """Return a cost at other values of the knobs; its bounds with the bounds of the exponents."""
    low = value = high = 1.0
    words: list[str] = []
    for knob, name in cost.scales.items():
        if knob not in turned:
            continue
        law, ratio = hardware.laws[name], turned[knob] / hardware.knobs[knob].value
        ends = sorted(ratio**exponent for exponent in (law.low, law.exponent, law.high))
        low, value, high = low * ends[0], value * ratio**law.exponent, high * ends[2]
        words.append(
            f"scaled to {knob} = {turned[knob]:g} by the law {name}, exponent {law.exponent:g} "
            f"[{law.low:g} to {law.high:g}] ({law.source})"
        )
    if not words:
        return cost
    return cost.model_copy(
        update={
            "low": cost.low * low,
            "value": cost.value * value,
            "high": cost.high * high,
            "kind": "scaled",
            "bound": "nominal",
            "note": "; ".join([cost.note.strip().rstrip("."), *words]),
        }
    )


def _check(hardware: Hardware, knobs: Mapping[str, float]) -> None:
    """Raise `Invalid` for every knob that is not there and every value out of its range."""
    faults: list[Fault] = []
    for name, value in knobs.items():
        knob = hardware.knobs.get(name)
        if knob is None:
            known = ", ".join(hardware.knobs) or "none"
            close = difflib.get_close_matches(name, list(hardware.knobs), n=1)
            remedy = f"write {close[0]}" if close else ""
            faults.append(Fault(f"knob {name}", repr(value), f"knobs are: {known}", remedy))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            faults.append(Fault(f"knob {name}", repr(value), f"must be a number of {knob.unit}"))
        elif not knob.low <= value <= knob.high:
            need = f"must be {knob.low:g} to {knob.high:g} {knob.unit}, where its laws hold"
            faults.append(Fault(f"knob {name}", f"{value:g}", need))
    if faults:
        raise Invalid(f"knobs of {hardware.name}", faults)
