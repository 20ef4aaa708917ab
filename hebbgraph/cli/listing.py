"""`hebbgraph list`: models, data, back ends, hardware."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from hebbgraph import catalogue, data, hardware
from hebbgraph.backend import capability_table, discover


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("list", help="models, data sets, back ends, hardware")
    parser.add_argument(
        "what", nargs="?", choices=["models", "data", "backends", "hardware"], help="only these"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--table",
        action="store_true",
        help="print what runs where, or with `models` the memories, as a Markdown table",
    )
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Print each kind of thing with what it takes."""
    if parsed.table:
        print(catalogue.memory_table() if parsed.what == "models" else capability_table())
        return 0
    found: dict[str, dict[str, dict[str, Any]]] = {
        "models": {
            name: {
                "about": catalogue.summary(module),
                "parameters": catalogue.parameters(module),
            }
            for name, module in catalogue.models().items()
        },
        "data": {name: {"about": first_line(make)} for name, make in data.DATASETS.items()},
        "backends": {
            name: {
                "about": backend.capability.title,
                "parameters": {k: o.default for k, o in backend.capability.options.items()},
            }
            for name, backend in discover().items()
        },
        "hardware": {name: {"about": _about(name)} for name in hardware.available()},
    }
    if parsed.what:
        found = {parsed.what: found[parsed.what]}
    if parsed.json:
        print(json.dumps(found, indent=2, default=str))
        return 0
    console = Console(markup=False)
    for kind, entries in found.items():
        table = Table(title=kind, title_justify="left", show_header=False)
        for name, entry in entries.items():
            settings = ", ".join(f"{k}={v}" for k, v in entry.get("parameters", {}).items())
            table.add_row(name, entry["about"] + (f"\n{settings}" if settings else ""))
        console.print(table)
    return 0


def _about(name: str) -> str:
    """Return the title of a machine, with a word on energies that are guesses."""
    config = hardware.load(name)
    return f"{config.title} (SYNTHETIC)" if config.synthetic else config.title


def first_line(make: Any) -> str:
    """Return what a data set is, from the docstring of what makes it."""
    return str(make.__doc__ or "").strip().split("\n", 1)[0].removeprefix("Return ")
