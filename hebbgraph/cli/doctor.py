"""`hebbgraph doctor`: each engine, usable or why not and the exact remedy."""

from __future__ import annotations

import argparse
import json
import platform
from typing import Any

from rich.table import Table

from hebbgraph import __version__
from hebbgraph.backend import discover
from hebbgraph.cli.tables import console


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="which engines can be used, and the remedies")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Print what was found; exit code 1 if an engine cannot be used."""
    found = {name: backend.availability() for name, backend in discover().items()}
    if parsed.json:
        report = {
            "hebbgraph": __version__,
            "python": platform.python_version(),
            "engines": {
                name: {
                    "usable": a.usable,
                    "versions": dict(a.versions),
                    "reason": a.reason,
                    "remedy": a.remedy,
                    "caveat": a.caveat,
                }
                for name, a in found.items()
            },
        }
        print(json.dumps(report, indent=2))
    else:
        _print_table(found)
    return 0 if all(a.usable for a in found.values()) else 1


def _print_table(found: dict[str, Any]) -> None:
    table = Table(title=f"hebbgraph {__version__}, Python {platform.python_version()}")
    for column in ("engine", "usable", "versions", "remark"):
        table.add_column(column, overflow="fold")
    backends = discover()
    for name, a in found.items():
        versions = ", ".join(f"{key} {value}" for key, value in a.versions.items())
        remark = a.caveat or backends[name].capability.title
        if not a.usable:
            remark = f"{a.reason}; {a.remedy}"
        table.add_row(name, "yes" if a.usable else "NO", versions, remark)
    console().print(table)
