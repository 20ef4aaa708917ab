"""Specs of small sweeps, and what tests do with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hebbgraph.sweep import Found, Plan, Where, parse, plan, run
from hebbgraph.sweep.found import json_text

SMALL: Mapping[str, Any] = {
    "name": "small",
    "subject": {
        "model": "hopfield",
        "settings": {"units": 24, "count": 3, "steps": 6, "domain": "fixed", "tie": "low"},
    },
    "knobs": {"weight_bits": [4, 8], "level": [0.0, 0.2]},
    "seeds": 2,
    "hardware": ["loihi1_nahuku", "digital_45nm"],
    "samples": 50,
}


def spec(**changes: Any) -> dict[str, Any]:
    """Return the small spec with changes."""
    return {**SMALL, **changes}


def planned(**changes: Any) -> Plan:
    """Return the plan of the small spec with changes."""
    made, source = parse(spec(**changes))
    return plan(made, source)


def ran(folder: Path, workers: int = 1, **changes: Any) -> Found:
    """Return the small sweep with changes, run."""
    return run(planned(**changes), folder, Where(workers))


def table(found: Found) -> str:
    """Return the final table as text, which equal results make equal."""
    return json_text(found)
