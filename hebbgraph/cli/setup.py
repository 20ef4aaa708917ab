"""`hebbgraph setup lava`: the Lava worker's own Python environment."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("setup", help="build the environment of an engine")
    parser.add_argument("engine", choices=["lava"])
    parser.add_argument("--python", help="the Python 3.10 to use (else one is looked for)")
    parser.add_argument(
        "--shim",
        action="store_true",
        help="run lava-nc on this newer Python through an import shim (unsupported upstream)",
    )
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Create the environment if it is not there; one line says what was done."""
    from hebbgraph.backends.lava import environment

    arguments = ["--shim"] if parsed.shim else []
    if parsed.python:
        arguments += ["--python", parsed.python]
    return environment.main(arguments)
