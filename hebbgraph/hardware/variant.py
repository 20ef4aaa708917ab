"""Variants: a config that extends another and says only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hebbgraph.errors import Fault

#: What a machine is called; a variant is another machine and says it itself.
OWN = ("name", "title", "description")
#: One figure each, replaced as a whole.
FIGURES = ("static", "active_core")
#: Sections whose figures share one source.
ONE_SOURCE = ("limits", "mesh", "numerics", "synaptic_memory", "learning", "processes")


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the data of a base with those of a variant in their place, and what is wrong.

    Sections are merged entry by entry; an entry (a cost, a time, a source) is replaced as a whole,
    so that no figure has the source or the note of another. ``None`` takes an entry away.
    """
    data = {key: value for key, value in base.items() if key not in OWN}
    faults: list[Fault] = []
    for key, value in own.items():
        held = data.get(key)
        if value is None:
            data.pop(key, None)
        elif key in FIGURES or not (isinstance(held, Mapping) and isinstance(value, Mapping)):
            data[key] = value
        else:
            data[key] = {k: v for k, v in {**held, **value}.items() if v is not None}
            if key in ONE_SOURCE and "source" not in value:
                need = "must name the source of what the variant changes"
                faults.append(Fault(f"{key}.source", "that of the base", need, "add it"))
    return data, faults
