"""`hebbgraph show`: a graph file as a tree."""

from __future__ import annotations

import argparse
import json
from typing import Any

from hebbgraph.serialise import load, to_document


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("show", help="print the graph in a file, as in a run folder")
    parser.add_argument("file", help="a file that hebbgraph.save wrote, such as graph.hgraph")
    parser.add_argument("--json", action="store_true", help="print JSON, without the arrays")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Print the graph."""
    graph = load(parsed.file)
    if parsed.json:
        document, _ = to_document(graph)
        print(json.dumps(document | {"content_hash": graph.content_hash}, indent=2))
    else:
        print(graph)
    return 0
