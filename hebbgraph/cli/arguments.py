"""Arguments that several commands share."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hebbgraph import backend
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.serialise import DAMAGE


def pairs(texts: Sequence[str], flag: str) -> dict[str, Any]:
    """Return KEY=VALUE texts as a dictionary; values are read as YAML."""
    found = {}
    faults = []
    for text in texts:
        key, equals, value = text.partition("=")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not key or not equals:
            faults.append(Fault(flag, repr(text), "must be KEY=VALUE"))
        elif sum(other.partition("=")[0] == key for other in texts) > 1:
            faults.append(Fault(flag, repr(text), f"must give {key} once"))
    if faults:
        raise Invalid("arguments", faults)
    return found


def options_of(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the options of back ends, BACKEND.KEY=VALUE, by name of the back end."""
    options: dict[str, dict[str, Any]] = {}
    for key, value in pairs(texts, "--option").items():
        name, dot, option = key.partition(".")
        if not dot:
            need = "must be BACKEND.KEY=VALUE, as in brian2.target=cython"
            raise Invalid("arguments", [Fault("--option", repr(key), need)])
        options.setdefault(name, {})[option] = value
    return options


def require_engines(names: Sequence[str]) -> None:
    """Raise `Unavailable` for the engines among `names`, asked for by name, that cannot be used."""
    found = {name: backend.get(name).availability() for name in names}
    missing = [f"{n}: {a.reason}; {a.remedy}" for n, a in found.items() if not a.usable]
    if missing:
        raise Unavailable("\n".join(missing))


def is_file(subject: str) -> bool:
    """Return whether a command's subject is a graph file, there or not, and no model's name."""
    return subject.endswith(".hgraph") or Path(subject).name != subject or Path(subject).is_file()


def arrays_in(path: str) -> dict[str, Any]:
    """Return the arrays of an .npz file by name."""
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (*DAMAGE, OSError) as error:
        need = "must be an .npz file, as numpy.savez writes it, without objects"
        raise Invalid("inputs", [Fault(path, str(error), need)]) from None


def values_of(text: str, flag: str, *, whole: bool = False) -> tuple[Any, ...]:
    """Return the values of ``0.1,0.2,0.4`` or ``start:stop:count``, both ends included.

    Those of a list are read as YAML. A range is of whole numbers where its ends and step are, or
    rounded to them if they must be `whole`. Raises `Invalid` on anything else.
    """
    need = f"must be a list such as {'2,4,8' if whole else '0.1,0.2'} or start:stop:count"
    faults = [Fault(flag, repr(text), need)]
    try:
        parts = text.split(":")
        values = _spaced(parts, whole) if len(parts) > 1 else yaml.safe_load(f"[{text}]")
    except (ValueError, yaml.YAMLError):
        raise Invalid("arguments", faults) from None
    plain = all(isinstance(v, str | int | float) for v in values)
    numbers = [v for v in values if isinstance(v, float | int) and not isinstance(v, bool)]
    if whole and len(numbers) == len(values) and all(v == int(v) for v in numbers):
        values = [int(v) for v in values]
    elif whole or not plain or not values or not np.isfinite(numbers).all():
        raise Invalid("arguments", faults)
    return tuple(dict.fromkeys(values))


def _spaced(parts: Sequence[str], whole: bool) -> list[float] | list[int]:
    """Return the numbers of a range; raises `ValueError` if it is none."""
    start, stop, count = parts
    ends = float(start), float(stop)
    if not np.isfinite(ends).all():
        raise ValueError(ends)
    found = np.linspace(*ends, int(count))
    if whole or (np.mod(found, 1) == 0).all():
        return [round(value) for value in found]
    return [float(f"{value:.12g}") for value in found]  # 0.3, not 0.30000000000000004


def knob_of(text: str, flag: str) -> tuple[str, tuple[Any, ...]]:
    """Return the name and values of ``NAME=VALUES``, see `values_of`."""
    name, equals, values = text.partition("=")
    if not name or not equals:
        need = "must be NAME=VALUES, as in load=0.05:0.2:4 or rule=hebbian,storkey"
        raise Invalid("arguments", [Fault(flag, repr(text), need)])
    return name, values_of(values, flag)


def seeds_of(text: str) -> tuple[int, ...]:
    """Return seeds 0 to n - 1 for a number, or those of a comma-separated list."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or (len(numbers) == 1 and numbers[0] < 1):
        need = "must be a number of seeds above 0, or a list such as 3,5,8"
        raise Invalid("arguments", [Fault("--seeds", repr(text), need)])
    return tuple(range(numbers[0])) if len(numbers) == 1 else tuple(numbers)
