"""The knobs of `hebbgraph survey`: what each kind varies, and where its values come from."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Sequence
from typing import Any

from hebbgraph.cli.arguments import knob_of, pairs, values_of
from hebbgraph.errors import Fault, Invalid, Unsupported
from hebbgraph.harness.surveys import BITS, LEVELS, bits_parameter
from hebbgraph.harness.trial import Trial

#: Every kind of survey, and what it shows.
KINDS = {
    "basin": "recall against the corruption of the cue: where it breaks down, the basin ends",
    "capacity": "recall against load, patterns stored per unit",
    "phase": "recall over two knobs, as a map",
    "learning": "recall against the number and quality of examples",
    "quantisation": "recall against load at each width of numbers",
    "cost": "energy per recall, and per stored bit, on every machine",
}
#: Loads by default, in multiples of that of the memory's own survey.
MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
EXAMPLES = (2, 5, 10, 20, 40)
QUALITIES = (0.4, 0.6, 0.8)

Knobs = dict[str, tuple[Any, ...]]


def add_knobs(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add the arguments that say what a kind of survey varies."""
    group = parser.add_argument_group("what is varied")
    add = group.add_argument
    if kind == "basin":
        levels = ",".join(map(str, LEVELS))
        add("--levels", metavar="VALUES", help=f"of corruption (default: {levels})")
    if kind in ("capacity", "quantisation", "cost"):
        stored = group.add_mutually_exclusive_group()
        own = "that of the memory's survey" if kind == "cost" else "0.5 to 4 times its survey's"
        stored.add_argument("--loads", metavar="VALUES", help=f"patterns per unit (default: {own})")
        stored.add_argument("--counts", metavar="VALUES", help="patterns stored, instead of loads")
    if kind == "phase":
        add("--x", metavar="NAME=VALUES", help="default: load, 0.5 to 4 times its survey's")
        add("--y", metavar="NAME=VALUES", help="default: level, 0 to 0.5")
    if kind == "learning":
        add("--examples", metavar="VALUES", help=f"default: {','.join(map(str, EXAMPLES))}")
        add("--quality", metavar="VALUES", help=f"default: {','.join(map(str, QUALITIES))}")
    if kind == "quantisation":
        add("--bits", metavar="VALUES", help=f"default: {','.join(map(str, BITS))}")
        add("--parameter", metavar="NAME", help="default: the model's first that ends in 'bits'")
    add(
        "--by",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="a further knob, a line each: a parameter, level, corruption, units, ...",
    )


def knobs_of(parsed: argparse.Namespace, base: Trial) -> Knobs:
    """Return the grid: engines, what was asked for by ``--by``, and what the kind varies.

    The last knob lies along x of a curve. Raises `Invalid` with what was set twice.
    """
    named: list[tuple[str, tuple[Any, ...]]] = [
        (name, tuple(dict.fromkeys(values)))
        for name, values in (("backend", parsed.backend), ("domain", parsed.domain))
        if values and len(set(values)) > 1
    ]
    named += [knob_of(text, "--by") for text in parsed.by]
    named += _own(parsed, base)
    names = [name for name, _ in named]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    twice += [name for name in dict.fromkeys(names) if name in _fixed(parsed)]
    if twice:
        need = "must be varied, or set to one value, once"
        raise Invalid("survey", [Fault(name, "twice", need) for name in twice])
    return dict(named)


def _own(parsed: argparse.Namespace, base: Trial) -> list[tuple[str, tuple[Any, ...]]]:
    """Return what a kind of survey varies."""
    if parsed.kind == "basin":
        return [("level", _given(parsed.levels, "--levels", LEVELS))]
    if parsed.kind == "capacity":
        return [_stored(parsed, _loads(base))]
    if parsed.kind == "phase":
        x = knob_of(parsed.x, "--x") if parsed.x else ("load", _loads(base))
        y = knob_of(parsed.y, "--y") if parsed.y else ("level", LEVELS)
        _require_map(x, y)
        return [x, y]
    if parsed.kind == "learning":
        _require_parameters(base, "examples", "quality")
        quality = _given(parsed.quality, "--quality", QUALITIES)
        examples = _given(parsed.examples, "--examples", EXAMPLES, whole=True)
        return [("quality", quality), ("examples", examples)]
    if parsed.kind == "quantisation":
        name = parsed.parameter or _width(base)
        bits = _given(parsed.bits, "--bits", BITS, whole=True)
        return [(name, bits), _stored(parsed, _loads(base))]
    if parsed.loads or parsed.counts:
        return [_stored(parsed, ())]
    return [("count", (base.count,))]


def _stored(parsed: argparse.Namespace, loads: Sequence[float]) -> tuple[str, tuple[Any, ...]]:
    if parsed.counts:
        return "count", values_of(parsed.counts, "--counts", whole=True)
    return "load", _given(parsed.loads, "--loads", loads)


def _given(text: str | None, flag: str, other: Sequence[Any], *, whole: bool = False) -> Any:
    return tuple(other) if text is None else values_of(text, flag, whole=whole)


def _loads(base: Trial) -> tuple[float, ...]:
    """Return loads around that of the memory's own survey."""
    count, units = base.family.survey
    return tuple(float(f"{factor * count / units:.4g}") for factor in MULTIPLES)


def _fixed(parsed: argparse.Namespace) -> set[str]:
    """Return the knobs that arguments set to one value; load and count are one."""
    flags = {"per_class", "units", "corruption", "level", "tested", "steps", "tail", "data"}
    found = {name for name in flags if getattr(parsed, name, None) is not None}
    if getattr(parsed, "count", None) is not None or getattr(parsed, "load", None) is not None:
        held = {"count", "load"}
        # A survey of cost without a range shows the one load that was asked for.
        found |= held if parsed.kind != "cost" or parsed.loads or parsed.counts else set()
    if parsed.cues is not None:
        found.add("cues_per_pattern")
    return found | set(pairs(parsed.set, "--set"))


def _require_parameters(base: Trial, *names: str) -> None:
    held = inspect.signature(base.family.build).parameters
    faults = [
        Fault("model", base.name, f"has no parameter {name}", "`hebbgraph list models` shows them")
        for name in names
        if name not in held
    ]
    if faults:
        raise Invalid("survey", faults)


def _width(base: Trial) -> str:
    try:
        return bits_parameter(base)
    except Unsupported:
        need = "has no parameter that ends in 'bits'"
        remedy = "name one by --parameter, or survey `capacity` with --domain float --domain fixed"
        raise Invalid("survey", [Fault("model", base.name, need, remedy)]) from None


def _require_map(*knobs: tuple[str, tuple[Any, ...]]) -> None:
    faults = []
    for name, values in knobs:
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < len(values) or len(values) < 2:
            need = "an axis of a map must have two numbers or more"
            faults.append(Fault(name, ", ".join(map(str, values)), need, "other knobs go to --by"))
    if faults:
        raise Invalid("survey", faults)
