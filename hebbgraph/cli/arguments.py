"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from hebbgraph.errors import Fault, Invalid


def pairs(texts: Sequence[str], flag: str) -> dict[str, Any]:
    """Return KEY=VALUE texts as a dictionary; values are read as YAML."""
    found = {}
    faults = []
    for text in texts:
        key, equals, value = text.partition("=")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not key or not equals:
            faults.append(Fault(flag, repr(text), "must be KEY=VALUE"))
        elif sum(other.partition("=")[0] == key for other in texts) > 1:
            faults.append(Fault(flag, repr(text), f"must give {key} once"))
    if faults:
        raise Invalid("arguments", faults)
    return found
