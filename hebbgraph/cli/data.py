"""`hebbgraph data`: what data sets there are, fetching them, and where they are kept."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, get_args

from rich.filesize import decimal
from rich.table import Table

from hebbgraph import data
from hebbgraph.cli.listing import first_line
from hebbgraph.cli.progress import Reporter
from hebbgraph.cli.tables import console
from hebbgraph.data.downloads import FOLDER_VARIABLE, Remote, cache_folder
from hebbgraph.data.images import SETS, Split
from hebbgraph.errors import Fault, Invalid, Unavailable

EXAMPLES = f"""examples:
  hebbgraph data list              data sets, and which are here
  hebbgraph data fetch mnist       all its files that are not here yet
  hebbgraph data fetch cifar10 --split train
  hebbgraph data path              the folder of fetched data
  hebbgraph data path mnist        the files that mnist consists of, there or not

A download that was cut off goes on where it ended, and every file is checked. Without a network,
`data fetch NAME` says which file to put where. {FOLDER_VARIABLE} names another folder.
exit code: 0 done, 2 bad input, or a file could not be fetched"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    look: dict[str, Any] = {
        "description": __doc__,
        "epilog": EXAMPLES,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    parser = commands.add_parser("data", help="data sets: which are here, fetch them", **look)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = actions.add_parser("list", help="data sets, and which are here", **look)
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.set_defaults(handler=handle_list)
    fetched = actions.add_parser("fetch", help="fetch what is not here yet", **look)
    fetched.add_argument("names", nargs="+", metavar="NAME", help="data sets")
    splits = get_args(Split)
    fetched.add_argument("--split", choices=splits, help="only these images (default: all)")
    fetched.add_argument("--quiet", action="store_true", help="no progress")
    fetched.set_defaults(handler=handle_fetch)
    path = actions.add_parser("path", help="where fetched data are kept", **look)
    path.add_argument("name", nargs="?", metavar="NAME", help="a data set: its files")
    path.set_defaults(handler=handle_path)


def handle_list(parsed: argparse.Namespace) -> int:
    """Print every data set, what it is and whether it is here."""
    rows = {
        name: {"about": first_line(make), "state": _state(name), "files": _files_of(name)}
        for name, make in data.DATASETS.items()
    }
    if parsed.json:
        print(json.dumps({"folder": str(cache_folder()), "data": rows}, indent=2))
        return 0
    table = Table(title="data sets", title_justify="left")
    for head in ("name", "what it is", "state"):
        table.add_column(head, overflow="fold")
    for name, row in rows.items():
        table.add_row(name, str(row["about"]), str(row["state"]))
    out = console()
    out.print(table)
    out.print(f"fetched data are kept in {cache_folder()}", soft_wrap=True)
    return 0


def handle_fetch(parsed: argparse.Namespace) -> int:
    """Fetch all files of the data sets that are not here."""
    _require(parsed.names)
    with Reporter(not parsed.quiet) as progress:
        for name in dict.fromkeys(parsed.names):
            _fetch(name, parsed.split, progress)
    for name in dict.fromkeys(parsed.names):
        folders = ((cache_folder() / remote.path).parent for remote in _remotes(name))
        where = ", ".join(dict.fromkeys(map(str, folders)))
        print(f"{name}: in {where}" if where else f"{name}: here, it needs no file of its own")
    return 0


def _fetch(name: str, split: Split | None, progress: Reporter) -> None:
    """Fetch the files of a set; raises `Unavailable` with what to do about all of them."""
    if name not in SETS:
        data.load(name)  # its package may be missing
        return
    try:
        for one in (split,) if split else get_args(Split):
            data.fetch(name, one, progress)
    except Unavailable as error:
        hint = f"`hebbgraph data path {name}` names all its files, `data list --json` their URLs"
        raise Unavailable(f"{error}\n{hint}") from error


def handle_path(parsed: argparse.Namespace) -> int:
    """Print the folder of fetched data, or the files of one set."""
    if parsed.name is None:
        print(cache_folder())
        return 0
    _require([parsed.name])
    for remote in _remotes(parsed.name):
        print(cache_folder() / remote.path)
    if parsed.name not in SETS:
        print(f"hebbgraph: {parsed.name} needs no file of its own", file=sys.stderr)
    return 0


def _require(names: list[str]) -> None:
    """Raise `Invalid` with every name that is no data set."""
    need = f"data sets are {', '.join(data.DATASETS)}"
    faults = [Fault("NAME", repr(name), need) for name in names if name not in data.DATASETS]
    if faults:
        raise Invalid("data set", faults)


def _remotes(name: str, split: Split | None = None) -> list[Remote]:
    """Return the files of a set, each once."""
    files = SETS[name].files if name in SETS else {}
    chosen = (remotes for held, remotes in files.items() if split in (None, held))
    return list(dict.fromkeys(remote for remotes in chosen for remote in remotes))


def _files_of(name: str) -> list[dict[str, Any]]:
    """Return path, size and presence of the files of a set."""
    places = [(cache_folder() / remote.path, remote) for remote in _remotes(name)]
    return [
        {"path": str(path), "bytes": remote.size, "here": path.exists(), "urls": list(remote.urls)}
        for path, remote in places
    ]


def _state(name: str) -> str:
    """Return in words what is here of a set."""
    files = _files_of(name)
    missing = [file["bytes"] for file in files if not file["here"]]
    if not files:
        return "needs no file"
    return f"{decimal(sum(missing))} to fetch" if missing else "here"
