"""Run folders: written whole or not at all."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from hebbgraph.errors import Fault, Invalid

#: What a folder is called while it is being written; the number is the writer's process.
PARTIAL = ".partial-"

#: Packages whose versions can change a result.
PACKAGES = ("hebbgraph", "numpy", "brian2", "torch", "snntorch", "scikit-learn", "mlxtend")


def prepare(parent: str | os.PathLike[str]) -> None:
    """Create the folder of runs, before anything is computed for it.

    Raises `Invalid` if it cannot be written to.
    """
    where = os.fspath(parent)
    try:
        Path(where).mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(where, os.W_OK) and where else "no write permission"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        need = "must be a folder that can be written to"
        raise Invalid("run folder", [Fault(repr(where), reason, need, "name another with --runs")])


def write_folder(parent: str | os.PathLike[str], name: str, files: Mapping[str, bytes]) -> Path:
    """Write `files` (by relative path) to a new folder below `parent` and return it.

    The files go to a hidden folder that is renamed at the end, so a folder that can be seen is
    complete. A name that is taken gets a number. What earlier writers left behind when they were
    killed is removed.
    """
    home = Path(parent)
    home.mkdir(parents=True, exist_ok=True)
    remove_leftovers(home)
    partial = home / f"{PARTIAL}{os.getpid()}-{name}"
    partial.mkdir()
    try:
        for path, data in files.items():
            target = partial / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return _rename(partial, home, name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def remove_leftovers(home: Path) -> None:
    """Remove the hidden folders of writers that no longer run."""
    for left in home.glob(f"{PARTIAL}*"):
        number = left.name.removeprefix(PARTIAL).partition("-")[0]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def timestamp() -> str:
    """Return the time in UTC, fit for a folder's name."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def environment() -> dict[str, Any]:
    """Return what the run depended on: interpreter, system, processor, package versions."""
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": versions,
    }


def _rename(partial: Path, home: Path, name: str) -> Path:
    for number in range(1, 1000):
        target = home / (name if number == 1 else f"{name}-{number}")
        if target.exists():
            continue
        try:
            return partial.rename(target)
        except OSError:  # taken in between
            continue
    raise FileExistsError(f"{home / name}: a thousand folders of this name")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
