"""machine: which hardware config a name means."""

from __future__ import annotations

import os
from typing import Any

from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware import Hardware, available, load

#: The sections of a config that a check reads.
READ = ("limits", "numerics", "synaptic_memory", "learning", "processes")


def find(name: Hardware | str | os.PathLike[str]) -> tuple[Hardware, str]:
    """Return the config of a name, a path or the beginning of names, and a remark.

    Where several shipped configs begin with `name` and hold the same limits, they are the same
    machine with other prices, and the first is taken. Raises `Invalid` naming those there are if
    they differ, or if there is none.
    """
    if isinstance(name, Hardware):
        return name, ""
    matching = [known for known in available() if isinstance(name, str) and known.startswith(name)]
    if not matching or name in matching:
        return load(name), ""
    configs = [load(known) for known in matching]
    if len(configs) == 1:
        return configs[0], f"{name} is {configs[0].name}"
    first, others = configs[0], ", ".join(matching[1:])
    if all(_read(first) == _read(other) for other in configs[1:]):
        text = f"{name} is {first.name}; {others} holds the same, only its prices differ"
        return first, text
    need = "must say which: limits and widths of the configs that begin so differ"
    raise Invalid(
        "hardware", [Fault("hardware", repr(name), need, f"use {first.name} or {others}")]
    )


def _read(hardware: Hardware) -> dict[str, Any]:
    """Return what a check reads, without the sources."""
    document = hardware.model_dump(mode="json", include=set(READ))
    for section in document.values():
        if section:
            del section["source"]
    return document
