"""journal: the results of a sweep in its folder, one line each, and what placements need.

One process writes, all others are refused while it runs. A line is added whole; what a kill left of
one is cut off before the next. A line that is damaged is named, and its job runs again.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hebbgraph.counters import Counters
from hebbgraph.errors import EngineError, Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.sweep.outcome import canonical

RESULTS, KEPT, LOCK = "results.jsonl", "kept", ".lock"


class Journal:
    """The results of one folder. Use it as a context manager: it is locked until closed."""

    def __init__(self, folder: str | os.PathLike[str], *, write: bool = True) -> None:
        self.folder = Path(folder)
        self.path = self.folder / RESULTS
        self._lock: Any = None
        if write:
            self._take()
        #: Lines that hold no result, in words.
        self.damaged: list[str] = []
        #: By key; a result stands before an error.
        self.records: dict[str, dict[str, Any]] = {}
        self._read()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()

    def done(self, key: str, *, keep: bool = False) -> bool:
        """Return whether there is a result, with `keep` one that can be placed."""
        record = self.records.get(key)
        if record is None or "error" in record:
            return False
        return not keep or self.kept(key).is_file()

    def failed(self, key: str) -> bool:
        """Return whether a job ended in an error."""
        return "error" in self.records.get(key, {})

    def kept(self, key: str) -> Path:
        """Return the file of what a placement of a job's run needs."""
        return self.folder / KEPT / f"{key}.zip"

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write results; raises `EngineError` where the disk refuses, with what was there whole."""
        lines = []
        try:
            for record in records:
                plain = dict(record)
                packed = plain.pop("kept", None)
                if packed is not None:
                    write_atomic(self.kept(str(plain["key"])), base64.b64decode(packed))
                lines.append((plain, canonical(plain).encode() + b"\n"))
            self._append(b"".join(line for _, line in lines))
        except OSError as error:
            reason = error.strerror or str(error)
            text = (
                f"{self.path}: {reason}; {len(self.records)} results are there,"
                " the same command goes on when there is room"
            )
            raise EngineError(text) from error
        for plain, _ in lines:
            self.records[str(plain["key"])] = plain

    def _append(self, data: bytes) -> None:
        if not data:
            return
        with open(self.path, "a+b", buffering=0) as file:
            size = _whole(file)
            try:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise

    def _take(self) -> None:
        """Lock the folder, which is made where there is none."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / LOCK, "a+b")  # noqa: SIM115 - held until closed
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            need = "must be a folder that no other sweep writes to now"
            fault = Fault(str(self.folder), "in use", need, "wait, or name another with --folder")
            raise Invalid("sweep", [fault]) from error
        except OSError as error:
            need = "must be a folder that can be written to"
            fault = Fault(str(self.folder), error.strerror or str(error), need)
            raise Invalid("sweep", [fault]) from error

    def _read(self) -> None:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]  # the rest was written when it was killed
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = json.loads(line)
                key = record["key"]
                if not isinstance(key, str) or not ({"values", "error"} & set(record)):
                    raise KeyError(key)
                _require_numbers(record)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.damaged.append(f"{self.path}, line {number}: no result ({line[:40]!r})")
                continue
            if "error" not in record or key not in self.records or self.failed(key):
                self.records[key] = record


def _require_numbers(record: Mapping[str, Any]) -> None:
    """Raise an error where metrics or counters of a result cannot be read."""
    for value in record.get("values", {}).values():
        float(0 if value is None else value)
    if "counters" in record:
        Counters.from_dict(record["counters"])


def _whole(file: Any) -> int:
    """Cut off a last line without an end, and return the size."""
    size: int = file.seek(0, os.SEEK_END)
    if not size:
        return 0
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return size
    file.seek(0)
    kept = file.read().rfind(b"\n") + 1
    file.truncate(kept)
    file.seek(0, os.SEEK_END)
    return int(kept)
