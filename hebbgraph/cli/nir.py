"""`hebbgraph nir`: graphs to NIR files, NIR files to graphs, and how faithfully."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from hebbgraph import catalogue, serialise
from hebbgraph import nir as interchange
from hebbgraph.cli.tables import console
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.nir import Fidelity, Lossy

EXAMPLES = """examples:
  hebbgraph nir export hopfield memory.nir                  a model's example
  hebbgraph nir export runs/NAME/graph.hgraph memory.nir    a graph file
  hebbgraph nir export deep.hgraph deep.nir --dt 1e-3 --lossy
  hebbgraph nir show network.nir                            what could be read, how well
  hebbgraph nir import network.nir network.hgraph --dt 1e-4
  hebbgraph show network.hgraph

exit codes: 0 done, 1 refused as lossy or not supported, 2 bad input
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    raw = argparse.RawDescriptionHelpFormatter
    about = "read and write NIR files (Neuromorphic Intermediate Representation)"
    parser = commands.add_parser("nir", help=about, epilog=EXAMPLES, formatter_class=raw)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, handler, help_text in (
        ("export", handle_export, "write a graph to a NIR file"),
        ("import", handle_import, "write a NIR file's network to a graph file"),
        ("show", handle_show, "print the grade of every node of a NIR file"),
    ):
        one = verbs.add_parser(verb, help=help_text, epilog=EXAMPLES, formatter_class=raw)
        if verb == "export":
            one.add_argument("graph", help="a graph file, or the name of a model (its example)")
            one.add_argument("out", help="the NIR file to write")
            default = interchange.STEP
            help_dt = "seconds per step (default: %(default)s)"
            one.add_argument("--dt", type=float, default=default, help=help_dt)
        else:
            one.add_argument("file", help="a NIR file")
            one.add_argument(
                "--dt", type=float, help="seconds per step (default: hebbgraph's, or 1e-4)"
            )
        if verb == "import":
            one.add_argument("out", help="the graph file to write, by convention .hgraph")
        if verb != "show":
            one.add_argument("--lossy", action="store_true", help="accept what is approximate")
        one.add_argument("--json", action="store_true", help="print JSON")
        one.set_defaults(handler=handler)


def handle_export(parsed: argparse.Namespace) -> int:
    """Write a graph to a NIR file; exit code 1 if that would lose something."""
    graph = _graph(parsed.graph)
    try:
        fidelity = interchange.write(graph, parsed.out, parsed.dt, lossy=parsed.lossy)
    except Lossy as error:
        return _refused(error, parsed.json)
    _print(fidelity, f"{graph.name} -> {parsed.out}", parsed.json)
    return 0


def handle_import(parsed: argparse.Namespace) -> int:
    """Write the network in a NIR file to a graph file; exit code 1 if it loses something."""
    try:
        graph, fidelity = interchange.read(parsed.file, parsed.dt, lossy=parsed.lossy)
    except Lossy as error:
        return _refused(error, parsed.json)
    try:
        serialise.save(graph, parsed.out)
    except OSError as error:
        need = "must be a file that can be written"
        raise Invalid("graph file", [Fault(parsed.out, str(error.strerror), need)]) from None
    _print(fidelity, f"{parsed.file} -> {parsed.out}", parsed.json)
    return 0


def handle_show(parsed: argparse.Namespace) -> int:
    """Print the grade of every node; exit code 1 if a node cannot be read."""
    fidelity = interchange.assess(parsed.file, parsed.dt)
    _print(fidelity, parsed.file, parsed.json)
    return int(fidelity.grade == "unsupported")


def _graph(source: str) -> Graph:
    """Return the graph in a file, or the example of a model."""
    if Path(source).is_file():
        return serialise.load(source)
    models = catalogue.models()
    if source not in models:
        need = f"must be a graph file or a model; models are {', '.join(models)}"
        raise Invalid("arguments", [Fault("graph", repr(source), need)])
    graph: Graph = models[source].example()[0]
    return graph


def _refused(error: Lossy, as_json: bool) -> int:
    print(f"hebbgraph: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps(error.fidelity.as_dict(), indent=2))
    return 1


def _print(fidelity: Fidelity, title: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(fidelity.as_dict(), indent=2))
        return
    table = Table(title=f"{title}: {fidelity.grade}, dt {fidelity.dt:g} s", title_justify="left")
    for column in ("node", "kind", "became", "grade", "remark"):
        table.add_column(column, overflow="fold")
    for entry in fidelity.entries:
        remark = f"{entry.remark}; {entry.remedy}" if entry.remedy else entry.remark
        table.add_row(entry.node, entry.kind, entry.became, entry.grade, remark)
    out = console()
    out.print(table)
    out.print(*fidelity.footer, sep="\n", end="\n" if fidelity.footer else "")
