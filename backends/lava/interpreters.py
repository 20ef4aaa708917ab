"""Find a Python 3.10 on this machine, or have uv fetch one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hebbgraph.errors import Unavailable

PYTHON310 = (3, 10)
#: Environment variable that names the Python 3.10 to use.
SETTING = "HEBBGRAPH_PYTHON310"

#: Seconds that an interpreter gets to say its version, and uv to fetch one.
ANSWER_SECONDS, FETCH_SECONDS = 30, 600


class PythonNotFound(Unavailable):
    """Raised if there is no Python 3.10; the text names every way out."""

    def __init__(self, problem: str = "no Python 3.10 was found") -> None:
        super().__init__(
            f"{problem}; install Python 3.10 (python3.10, pyenv or uv), or name one with"
            f" --python PATH or {SETTING}=PATH, or run `hebbgraph setup lava --shim` to use this"
            " Python (unsupported upstream)"
        )


def find_python310(explicit: str | None = None) -> str:
    """Return the path of a Python 3.10 that runs; raises `PythonNotFound`.

    Tried in this order: `explicit`, ``HEBBGRAPH_PYTHON310``, ``python3.10`` on the path, pyenv's
    versions, uv's (which fetches one if it can). What was named explicitly must work: nothing
    else is tried then.
    """
    named = explicit or os.environ.get(SETTING)
    if named:
        if python_version(named) != PYTHON310:
            raise PythonNotFound(f"{named} is not a Python 3.10 that runs")
        return named
    for candidate in _candidates():
        if python_version(candidate) == PYTHON310:
            return candidate
    raise PythonNotFound


def python_version(python: str) -> tuple[int, int] | None:
    """Return (major, minor) of an interpreter; None if it does not run."""
    script = "import sys; print(*sys.version_info[:2])"
    answer = _ask([python, "-c", script], ANSWER_SECONDS)
    try:
        major, minor = map(int, (answer or "").split())
    except ValueError:
        return None
    return major, minor


def last_line(text: str) -> str:
    """Return the last line of `text` that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _candidates() -> Iterator[str]:
    # Every python3.10 on the path: the first may be a shim of pyenv's that refuses to run.
    for folder in os.get_exec_path():
        found = shutil.which("python3.10", path=folder)
        if found:
            yield found
    yield from _pyenv_versions()
    uv = _uv()
    if uv:
        for command in (["python", "find", "3.10"], ["python", "install", "3.10"]):
            seconds = FETCH_SECONDS if command[1] == "install" else ANSWER_SECONDS
            answer = _ask([uv, *command], seconds)
            if command[1] == "install" and answer is not None:
                answer = _ask([uv, "python", "find", "3.10"], ANSWER_SECONDS)
            if answer:
                yield last_line(answer)


def _pyenv_versions() -> list[str]:
    """Return pyenv's Pythons 3.10, newest first; its shims run only the selected version."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [
        (int(patch), folder / "bin" / "python")
        for folder in (root / "versions").glob("3.10.*")
        if (patch := folder.name.removeprefix("3.10.")).isdigit()
    ]
    return [str(python) for _, python in sorted(found, reverse=True) if python.exists()]


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.exists() else None)


def _ask(command: list[str], seconds: float) -> str | None:
    """Return what `command` prints; None if it fails or takes longer."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
