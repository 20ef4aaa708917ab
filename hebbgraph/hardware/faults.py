"""What can be wrong between the parts of a hardware config, found in the data as written.

It is looked for beside the schema, not after it, so that all faults of a file come at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hebbgraph.counters import LEARNING
from hebbgraph.errors import Fault

#: The sections that name one source for all of their figures.
SECTIONS = (
    "limits",
    "mesh",
    "numerics",
    "synaptic_memory",
    "learning",
    "processes",
    "static",
    "active_core",
)


def consistency_faults(data: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong between parts of a config; what has the wrong type is left alone."""
    faults: list[Fault] = []
    sources = _mapping(data.get("sources"))
    for key, source in sources.items():
        if not isinstance(source, Mapping) or source.get("basis") == "assumption":
            continue  # a choice of the config itself cannot be read elsewhere
        if not (source.get("doi") or source.get("url")):
            need = "must have a doi or a url"
            faults.append(Fault(f"sources.{key}", "neither", need, "add where it can be read"))
    for path, part in _parts_with_source(data):
        source = part.get("source")
        if isinstance(source, str) and source not in sources:
            need = f"must be a key of sources: {', '.join(map(str, sources)) or 'there are none'}"
            faults.append(Fault(f"{path}.source", repr(source), need, "add the source or fix it"))
        faults += _range_faults(path, part)
    faults += _mesh_faults(_mapping(data.get("mesh")), _mapping(data.get("limits")).get("cores"))
    faults += _knob_faults(_mapping(data.get("knobs")))
    faults += _law_faults(data)
    costs = _mapping(data.get("costs"))
    for counter in costs:
        for path, cost in _items(f"costs.{counter}", costs[counter]):
            if "component" in cost and (cost["component"] == "learning") != (counter in LEARNING):
                need = '"learning" is the component of learning counters, and of no other'
                faults.append(Fault(f"{path}.component", repr(cost["component"]), need))
        if counter in _mapping(data.get("covered")):
            need = "must not stand in costs too"
            faults.append(Fault(f"covered.{counter}", "a cost", need, "remove one of the two"))
    return faults


def _mesh_faults(mesh: Mapping[str, Any], cores: Any) -> list[Fault]:
    """Return where the tiles of a mesh do not make up its cores, or its entry lies outside."""
    given = [mesh.get(key) for key in ("width", "height", "cores_per_tile")]
    size = [value for value in given if isinstance(value, int) and value > 0]
    if len(size) < 3:
        return []
    width, height, each = size
    faults: list[Fault] = []
    if isinstance(cores, int) and width * height * each < cores:
        got = f"{width} x {height} tiles of {each} cores, {width * height * each} in all"
        faults.append(Fault("mesh", got, f"must hold the {cores} cores of limits.cores"))
    entry = mesh.get("entry", (0, 0))
    if isinstance(entry, list | tuple) and len(entry) == 2:
        for name, value, end in zip(("column", "row"), entry, (width, height), strict=True):
            if isinstance(value, int) and value >= end:
                need = f"must be below {end}, the tiles in that direction"
                faults.append(Fault("mesh.entry", f"{name} {value}", need))
    return faults


def _knob_faults(knobs: Mapping[str, Any]) -> list[Fault]:
    """Return the knobs that could be 0, which no power law can start from."""
    faults: list[Fault] = []
    for name, knob in knobs.items():
        low = _number(_mapping(knob).get("low"))
        faults += _range_faults(f"knobs.{name}", _mapping(knob))
        if low == 0:
            need = "must be above 0, as costs follow its ratio to value"
            faults.append(Fault(f"knobs.{name}.low", "0", need))
    return faults


def _law_faults(data: Mapping[str, Any]) -> list[Fault]:
    """Return exponents out of order, and costs that name a knob or a law that is not there."""
    faults: list[Fault] = []
    knobs, laws = _mapping(data.get("knobs")), _mapping(data.get("laws"))
    for name, law in laws.items():
        found = [_number(_mapping(law).get(key)) for key in ("low", "exponent", "high")]
        order = [value for value in found if value is not None]
        if len(order) == 3 and order != sorted(order):
            need = "must be in order: low, exponent, high"
            faults.append(Fault(f"laws.{name}", ", ".join(map(str, order)), need, "swap them"))
    for counter, entry in _mapping(data.get("costs")).items():
        for path, cost in _items(f"costs.{counter}", entry):
            for knob, law in _mapping(cost.get("scales")).items():
                for kind, key, known in (("knobs", knob, knobs), ("laws", law, laws)):
                    if key not in known:
                        listed = ", ".join(map(str, known)) or "there are none"
                        need = f"must be a key of {kind}: {listed}"
                        faults.append(Fault(f"{path}.scales.{knob}", repr(key), need))
    return faults


def _range_faults(path: str, figure: Mapping[str, Any]) -> list[Fault]:
    low, value, high = (_number(figure.get(key)) for key in ("low", "value", "high"))
    unit, bound = figure.get("unit", ""), figure.get("bound")
    faults: list[Fault] = []
    if low is not None and value is not None and low > value:
        need = f"must not exceed value ({value} {unit})"
        faults.append(Fault(f"{path}.low", f"{low} {unit}", need, "swap or lower it"))
    if high is not None and value is not None and value > high:
        need = f"must not be below value ({value} {unit})"
        faults.append(Fault(f"{path}.high", f"{high} {unit}", need, "swap or raise it"))
    for word, key, end in (("lower", "low", low), ("upper", "high", high)):
        if bound == word and None not in (end, value) and end != value:
            need = f"must equal value ({value} {unit}), which is a {word} bound"
            remedy = f"set {key} to value, or bound to nominal"
            faults.append(Fault(f"{path}.{key}", f"{end} {unit}", need, remedy))
    return faults


def _parts_with_source(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for section in SECTIONS:
        if isinstance(data.get(section), Mapping):
            yield section, data[section]
    for section in ("costs", "timing", "laws"):
        for counter, entry in _mapping(data.get(section)).items():
            yield from _items(f"{section}.{counter}", entry)


def _items(path: str, entry: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(entry, Mapping):
        yield path, entry
    elif isinstance(entry, list):
        yield from ((f"{path}.{i}", e) for i, e in enumerate(entry) if isinstance(e, Mapping))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
