"""`hebbgraph cite`: the papers behind a run."""

from __future__ import annotations

import argparse
import json
from typing import Any

from hebbgraph.citations import bibliography, of_run
from hebbgraph.cli.tables import console

EXAMPLES = """examples:
  hebbgraph cite runs/NAME
  hebbgraph cite runs/NAME --bibtex > run.bib
  hebbgraph cite runs/NAME --json

The model's paper, the data, the engines that ran, the sources of the prices, and the studies whose
break-even conditions the report prints."""

#: What the references of each subject are, in the order in which they are printed.
TITLES = {
    "model": "model",
    "data": "data",
    "engine": "engines",
    "hardware": "hardware figures",
    "break-even": "break-even conditions",
}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "cite",
        help="the papers behind a run",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN_FOLDER", help="a folder that a run wrote")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--bibtex", action="store_true", help="print BibTeX")
    form.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Print the references by what they stand behind."""
    found = of_run(parsed.run)
    if parsed.json:
        print(json.dumps([one.as_dict() for one in found], indent=2))
        return 0
    if parsed.bibtex:
        print(bibliography(found), end="")
        return 0
    out = console()
    for subject, title in TITLES.items():
        rows = [one for one in found if one.subject == subject]
        if rows:
            out.print(f"{title}:")
        for one in rows:
            out.print(f"  {', '.join(one.of)}: {one.text}", soft_wrap=True, highlight=False)
    return 0
