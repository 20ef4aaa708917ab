"""`hebbgraph hardware`: what a machine holds and costs, how two differ, whether a file is sound."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from hebbgraph import hardware
from hebbgraph.cli.arguments import pairs
from hebbgraph.cli.tables import console
from hebbgraph.energy.band import PREFIXES
from hebbgraph.errors import Invalid
from hebbgraph.hardware import Figure, Hardware

SHOW = """examples:
  hebbgraph hardware show loihi1_nahuku
  hebbgraph hardware show digital_45nm --set state_bits=16 --set synaptic_kib=32
  hebbgraph hardware show my_chip.yaml --json"""
DIFF = """examples:
  hebbgraph hardware diff loihi1_davies2018 loihi1_nahuku
  hebbgraph hardware diff loihi1_nahuku my_chip.yaml --json

exit code: 0 they hold the same, 1 they differ, 2 bad input"""
VALIDATE = """examples:
  hebbgraph hardware validate my_chip.yaml
  hebbgraph hardware validate chips/*.yaml --json

Every fault of every file is printed, with its line. A file may extend another:

  extends: loihi1_nahuku     # or a path beside it
  name: my_chip
  title: My chip
  description: Loihi 1 with small cores.
  limits: {source: davies2018, neurons_per_core: 256}
  static: null               # takes away what the base says

exit code: 0 all are sound, 1 one is not"""

#: Sections that are shown as names and values.
PLAIN = ("limits", "mesh", "numerics", "synaptic_memory", "learning", "processes")


def add_parser(commands: Any) -> None:
    """Add the command and its three subcommands."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("hardware", help="show, compare and validate hardware configs")
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    about = "what a machine holds and costs, figure by figure with its source"
    show = kinds.add_parser("show", help=about, description=about, epilog=SHOW, formatter_class=raw)
    show.add_argument("name", metavar="NAME", help="a machine, or a .yaml file")
    show.add_argument(
        "--set", action="append", default=[], metavar="KNOB=VALUE", help="turn a knob"
    )
    show.set_defaults(handler=handle_show)
    about = "what two machines do not have in common"
    diff = kinds.add_parser("diff", help=about, description=about, epilog=DIFF, formatter_class=raw)
    diff.add_argument("one", metavar="A", help="a machine, or a .yaml file")
    diff.add_argument("other", metavar="B", help="another")
    diff.set_defaults(handler=handle_diff)
    about = "whether files are sound: every fault at once"
    validate = kinds.add_parser(
        "validate", help=about, description=about, epilog=VALIDATE, formatter_class=raw
    )
    validate.add_argument("files", nargs="+", metavar="FILE", help="a .yaml file, or a name")
    validate.set_defaults(handler=handle_validate)
    for each in (show, diff, validate):
        each.add_argument("--json", action="store_true", help="print JSON")


def handle_show(parsed: argparse.Namespace) -> int:
    """Print one machine."""
    config = hardware.load(parsed.name).at(**pairs(parsed.set, "--set"))
    if parsed.json:
        document = config.model_dump(mode="json") | {"content_hash": config.content_hash}
        print(json.dumps(document, indent=2))
        return 0
    out = console()
    out.print(f"{config.name}: {config.title} ({config.content_hash[:12]})")
    out.print(_words(config.description))
    if config.synthetic:
        out.print(f"SYNTHETIC: {_words(config.synthetic)}")
    for table in _tables(config):
        if table.row_count:
            out.print(table)
    for part, reason in config.absent.items():
        out.print(f"no {part}: {_words(reason)}")
    return 0


def handle_diff(parsed: argparse.Namespace) -> int:
    """Print what differs; exit code 1 if anything does."""
    one, other = hardware.load(parsed.one), hardware.load(parsed.other)
    rows = differences(one, other)
    if parsed.json:
        entries = [{"where": w, one.name: a, other.name: b} for w, a, b in rows]
        print(json.dumps({"equal": not rows, "differences": entries}, indent=2))
        return 1 if rows else 0
    if not rows:
        console().print(f"{parsed.one} and {parsed.other} hold the same")
        return 0
    table = _table(f"{one.name} and {other.name}", "where", one.name, other.name)
    for where, a, b in rows:
        table.add_row(where, a, b)
    console().print(table)
    return 1


def handle_validate(parsed: argparse.Namespace) -> int:
    """Print the faults of every file; exit code 1 if there are any."""
    found: dict[str, dict[str, Any]] = {}
    for file in dict.fromkeys(parsed.files):
        try:
            config = hardware.load(file)
            found[file] = {"valid": True, "name": config.name, "hash": config.content_hash}
        except Invalid as error:
            faults = [vars(fault) | {"text": str(fault)} for fault in error.faults]
            found[file] = {"valid": False, "faults": faults}
    if parsed.json:
        print(json.dumps(found, indent=2))
    else:
        for file, verdict in found.items():
            if verdict["valid"]:
                print(f"ok     {file}: {verdict['name']} ({verdict['hash'][:12]})")
            for fault in verdict.get("faults", ()):
                print(f"fault  {fault['text']}")
    return 0 if all(verdict["valid"] for verdict in found.values()) else 1


def differences(one: Hardware, other: Hardware) -> list[tuple[str, str, str]]:
    """Return (where, in one, in the other) for everything but names, notes and citations."""
    first, second = dict(_facts(one)), dict(_facts(other))
    keys = dict.fromkeys([*first, *second])
    rows = [(key, first.get(key, "-"), second.get(key, "-")) for key in keys]
    return [(where, a, b) for where, a, b in rows if a != b]


def _facts(config: Hardware) -> Iterator[tuple[str, str]]:
    """Yield (where, what), one for each figure and each value of a section."""
    for where, figure in _figures(config):
        yield where, f"{_range(figure)} {figure.kind}, {config.sources[figure.source].basis}"
    for section in PLAIN:
        for name, value in _plain(config, section):
            yield f"{section}.{name}", value
    for counter, reason in config.covered.items():
        yield f"covered.{counter}", _words(reason)
    for knob, held in config.knobs.items():
        yield f"knobs.{knob}", f"{held.value:g} ({held.low:g} to {held.high:g}) {held.unit}"
    for name, law in config.laws.items():
        yield f"laws.{name}", f"exponent {law.exponent:g} ({law.low:g} to {law.high:g})"
    for part, reason in config.absent.items():
        yield f"absent.{part}", _words(reason)
    if config.synthetic:
        yield "synthetic", _words(config.synthetic)


def _figures(config: Hardware) -> Iterator[tuple[str, Figure]]:
    for counter, entry in config.costs.items():
        for n, cost in enumerate(entry):
            again = sum(other.component == cost.component for other in entry[:n])
            yield f"costs.{counter}.{cost.component}" + (f".{again + 1}" if again else ""), cost
    for counter, duration in config.timing.items():
        yield f"timing.{counter}", duration
    for name in ("static", "active_core"):
        power: Figure | None = getattr(config, name)
        if power is not None:
            yield name, power


def _tables(config: Hardware) -> Iterator[Table]:
    heads = ("figure", "value", "kind", "basis", "source", "follows", "note")
    figures = _table("figures: nominal (low to high)", *heads)
    for where, figure in _figures(config):
        bound = "" if figure.bound == "nominal" else f", {figure.bound} bound"
        follows = ", ".join(getattr(figure, "scales", {}))
        basis = config.sources[figure.source].basis
        cells = (f"{figure.kind}{bound}", basis, figure.source, follows, _words(figure.note))
        figures.add_row(where, _range(figure), *cells)
    yield figures
    covered = _table("counters without a cost of their own", "counter", "why")
    for counter, reason in config.covered.items():
        covered.add_row(counter, _words(reason))
    yield covered
    knobs = _table("knobs", "knob", "value", "range", "note")
    for name, knob in config.knobs.items():
        span = f"{knob.low:g} to {knob.high:g} {knob.unit}"
        knobs.add_row(name, f"{knob.value:g}", span, _words(knob.note))
    yield knobs
    laws = _table("laws: cost ~ knob**exponent", "law", "exponent", "kind", "source", "note")
    for name, law in config.laws.items():
        span = f"{law.exponent:g} ({law.low:g} to {law.high:g})"
        laws.add_row(name, span, law.kind, law.source, _words(law.note))
    yield laws
    held = _table("what it holds, computes and learns", "section", "name", "value")
    for section in PLAIN:
        for name, value in _plain(config, section):
            held.add_row(section, name, value)
    yield held
    sources = _table("sources", "key", "basis", "what it is", "conditions")
    for key, source in config.sources.items():
        sources.add_row(key, source.basis, source.text, _words(source.conditions))
    yield sources


def _plain(config: Hardware, section: str) -> Iterator[tuple[str, str]]:
    part = getattr(config, section)
    held: Mapping[str, Any] = part.model_dump() if part is not None else {}
    for name, value in held.items():
        if value is not None and name != "note":
            listed = isinstance(value, list | tuple)
            yield name, ", ".join(map(str, value)) if listed else str(value)


def _range(figure: Figure) -> str:
    """Return a figure with the digits it was published with, unlike what is computed from it."""
    low, value, high = (_exact(x, figure.unit) for x in (figure.low, figure.value, figure.high))
    return value if low == high else f"{value} ({low} to {high})"


def _exact(value: float, unit: str) -> str:
    power = math.floor(math.log10(value) + 1e-12) // 3 if value else 0
    place = min(max(power + PREFIXES.index(""), 0), len(PREFIXES) - 1)
    scale = 10.0 ** (3 * (place - PREFIXES.index("")))
    return f"{value / scale:.6g} {PREFIXES[place]}{unit}"


def _table(title: str, *heads: str) -> Table:
    table = Table(title=title, title_justify="left")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _words(text: str) -> str:
    """Return `text` on one line."""
    return " ".join(text.split())
