"""Records: results of a sweep in a file, one line each, so that a killed sweep goes on.

A line is written at once, whole. What a kill left of one has no end of line and is cut off before
the next is written. A result is found by everything that decided it, hence one file may serve many
sweeps, and a finer grid or further seeds only run what is new.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hebbgraph.errors import Fault, Invalid


def key(trial: Mapping[str, Any], seed: int) -> str:
    """Return what a result is found by: `Trial.as_dict` and the seed, as text."""
    return json.dumps([trial, int(seed)], sort_keys=True)


def read(path: str | os.PathLike[str] | None) -> dict[str, dict[str, Any]]:
    """Return the results in a file by their `key`; none if there is no file.

    Raises `Invalid` if a whole line is no result.
    """
    if path is None or not Path(path).exists():
        return {}
    found: dict[str, dict[str, Any]] = {}
    content = Path(path).read_bytes()
    whole = content[: content.rfind(b"\n") + 1]  # the rest was being written when it was killed
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            record = json.loads(line)
            found[key(record["trial"], record["seed"])] = record
        except (ValueError, KeyError, TypeError) as error:
            need = "must be a result of a sweep, one JSON object"
            remedy = "remove the line, or name another file"
            fault = Fault(f"{os.fspath(path)}, line {number}", f"{line[:60]!r}", need, remedy)
            raise Invalid("records", [fault]) from error
    return found


def append(path: str | os.PathLike[str] | None, record: Mapping[str, Any]) -> None:
    """Add one result to a file, which is made where there is none; nothing without a path."""
    if path is None:
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    with open(path, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        if size:
            _cut_unfinished(file, size)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _cut_unfinished(file: Any, size: int) -> None:
    """Cut off a last line without an end."""
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
