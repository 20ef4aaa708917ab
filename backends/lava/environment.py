"""The worker's own Python environment: find it, create it, describe it.

lava-nc 0.10.0 is the last release and runs on Python 3.10 only, so its back end has an environment
of its own, inside the virtual environment that holds hebbgraph (or, where that cannot be written,
in the user's cache)::

    python -m hebbgraph.backends.lava.environment [--shim] [--python PATH] [--rebuild]

creates it and says so in one line. Exit code 0: it is there. 3: no Python 3.10 was found.
1: something else went wrong.

``HEBBGRAPH_LAVA_PYTHON`` names an interpreter that already has lava and overrides all of this;
``HEBBGRAPH_PYTHON310`` names the Python 3.10 from which to create the environment.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import hebbgraph.files
from hebbgraph.backends.lava.interpreters import (
    PYTHON310,
    PythonNotFound,
    find_python310,
    last_line,
    python_version,
)
from hebbgraph.errors import Unavailable
from hebbgraph.files import write_atomic

LAVA = "lava-nc==0.10.0"
#: Environment variable that names an interpreter in which lava is already installed.
OVERRIDE = "HEBBGRAPH_LAVA_PYTHON"
#: The file that is written last: an environment without it is half made.
MARKER = "hebbgraph-lava.json"
#: Layout of the marker; one of another layout is rebuilt.
FORMAT = 1
#: What the command line and the Makefile exit with if no Python 3.10 was found.
EXIT_NO_PYTHON = 3

CAVEAT = "lava-nc on Python {python} through an import shim: unsupported upstream"

#: Told, in one line each, what is being done.
Report = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """An interpreter that can run the Lava worker."""

    #: The interpreter.
    python: Path
    #: Whether lava needs the import shim there (Python above 3.10: unsupported upstream).
    shim: bool
    #: Versions of python, lava-nc and numpy.
    versions: Mapping[str, str] = field(default_factory=dict)
    #: The interpreter it was created from; empty for one that was given.
    base: str = ""

    @property
    def caveat(self) -> str:
        """Return in words what is unsupported about it; empty if nothing is."""
        return CAVEAT.format(python=self.versions.get("python", "3.11+")) if self.shim else ""


def locations() -> list[Path]:
    """Return where the environment may be, best first."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    inside = [Path(sys.prefix) / "hebbgraph-lava"] if sys.prefix != sys.base_prefix else []
    return [*inside, cache / "hebbgraph" / "lava"]


def find() -> Environment | None:
    """Return the environment to use; None if there is none yet.

    Raises `Unavailable` if ``HEBBGRAPH_LAVA_PYTHON`` names something that cannot run lava.
    """
    given = os.environ.get(OVERRIDE)
    if given:
        return _given(given)
    found = (read_marker(folder) for folder in locations())
    return next((environment for environment in found if environment), None)


def read_marker(folder: Path) -> Environment | None:
    """Return the finished environment in `folder`; None if there is none."""
    try:
        entry = json.loads((folder / MARKER).read_text())
        python = folder / "bin" / "python"
        if entry["format"] != FORMAT or entry["lava"] != LAVA or not python.exists():
            return None
        return Environment(python, bool(entry["shim"]), dict(entry["versions"]), entry["base"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def create(
    shim: bool = False,
    python: str | None = None,
    rebuild: bool = False,
    report: Report | None = None,
) -> Environment:
    """Return the environment, created if need be; what is there already is kept.

    `python` is the interpreter to create it from: a 3.10, or with `shim` any from 3.11 on (then
    the one that runs this, by default). An environment made from another interpreter, or without
    the shim that is now asked for, is replaced. Raises `PythonNotFound` if there is no 3.10, and
    `Unavailable` if installing fails.
    """
    report = report or _silent
    folder = _writable_location()
    with _lock(folder):
        there = None if rebuild else read_marker(folder)
        if there and _serves(there, shim, python):
            report(f"the Lava environment is ready in {folder}{_label(there)}")
            return there
        base = python or sys.executable if shim else find_python310(python)
        report(f"creating the Lava environment in {folder} from {base}")
        shutil.rmtree(folder, ignore_errors=True)
        made = _build(folder, base, shim)
        report(f"created the Lava environment in {folder}{_label(made)}")
        return made


def worker_command(python: Path) -> list[str]:
    """Return how the worker is started on an interpreter, but for its last arguments."""
    package = Path(hebbgraph.files.__file__).parent
    return [str(python), "-s", str(Path(__file__).parent / "worker" / "__main__.py"), str(package)]


def _serves(there: Environment, shim: bool, python: str | None) -> bool:
    """Return whether `there` is what is asked for; asking for nothing special keeps it."""
    if python is not None and Path(there.base).resolve() != Path(python).resolve():
        return False
    return there.shim or not shim


def _label(environment: Environment) -> str:
    versions = environment.versions
    text = f" (Python {versions.get('python')}, lava-nc {versions.get('lava-nc')})"
    return f"{text}; {environment.caveat}" if environment.shim else text


def _build(folder: Path, base: str, shim: bool) -> Environment:
    """Make a virtual environment from `base`, install lava, try it, write the marker last."""
    version = python_version(base)
    if version is None:
        raise Unavailable(f"{base} does not run; name another interpreter with --python PATH")
    if shim != (version >= (3, 11)) or version < (3, 10):
        need = "Python 3.11 or newer with --shim, 3.10 without it"
        raise Unavailable(f"{base} is Python {version[0]}.{version[1]}; lava needs {need}")
    _run([base, "-m", "venv", str(folder)], f"{base} cannot make a virtual environment")
    python = folder / "bin" / "python"
    for arguments in _requirements(shim):
        command = [str(python), "-m", "pip", "install", "--quiet", "--no-input", *arguments]
        _run(command, f"pip could not install {LAVA}")
    versions = _probe(python, shim)
    made = Environment(python, shim, versions, base)
    entry = {"format": FORMAT, "lava": LAVA, **asdict(made), "python": str(python)}
    write_atomic(folder / MARKER, json.dumps(entry, indent=1))
    return made


def _requirements(shim: bool) -> list[list[str]]:
    if not shim:
        return [[LAVA, "numpy<2", "networkx<=2.8.7"]]
    return [
        ["--ignore-requires-python", "--no-deps", LAVA],
        ["numpy", "scipy", "networkx", "asteval"],
    ]


def _probe(python: Path, shim: bool) -> dict[str, str]:
    """Import lava in the interpreter, as the worker will, and return what it found there."""
    flags = ["--shim"] if shim else []
    output = _run([*worker_command(python), "--probe", *flags], f"{python} cannot run lava")
    return dict(json.loads(output.splitlines()[-1]))


def _run(command: Sequence[str], failure: str) -> str:
    """Run `command` and return its output; raises `Unavailable` with its last line of errors."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    # The lock stays taken as long as a command runs, even if this process is killed meanwhile.
    done = subprocess.run(
        command, capture_output=True, text=True, env=clean, close_fds=False, check=False
    )
    if done.returncode:
        raise Unavailable(f"{failure}: {last_line(done.stderr or done.stdout)}")
    return done.stdout


@functools.lru_cache
def _given(python: str) -> Environment:
    """Return the environment of an interpreter the user named; lava is not imported."""
    script = (
        "import sys, json, importlib.metadata as m;"
        "print(json.dumps({'python': '.'.join(map(str, sys.version_info[:3])),"
        " 'lava-nc': m.version('lava-nc'), 'numpy': m.version('numpy')}))"
    )
    try:
        done = subprocess.run(
            [python, "-c", script], capture_output=True, text=True, check=False, timeout=60
        )
        problem = last_line(done.stderr)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{OVERRIDE}={python} does not run ({error}); unset it") from None
    if done.returncode:
        text = f"{OVERRIDE}={python} has no lava ({problem})"
        raise Unavailable(f"{text}; unset it, or install {LAVA} there")
    versions = json.loads(done.stdout)
    minor = int(versions["python"].split(".")[1])
    return Environment(Path(python), minor > PYTHON310[1], versions)


def _writable_location() -> Path:
    for folder in locations():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder.parent, os.W_OK):
            return folder
    listed = ", ".join(map(str, locations()))
    raise Unavailable(f"nowhere to put the Lava environment (tried {listed}); set XDG_CACHE_HOME")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time create the environment in `folder`."""
    handle = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        os.set_inheritable(handle, True)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Create the environment as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hebbgraph setup lava", description="Create the environment of the Lava back end."
    )
    parser.add_argument("--python", help="the interpreter to create it from (a Python 3.10)")
    parser.add_argument(
        "--shim",
        action="store_true",
        help="use this Python (3.11 or newer) with an import shim: unsupported upstream",
    )
    parser.add_argument("--rebuild", action="store_true", help="make it anew")
    chosen = parser.parse_args(arguments)
    try:
        create(chosen.shim, chosen.python, chosen.rebuild, lambda line: _say(f"lava: {line}"))
    except PythonNotFound as error:
        _say(f"lava: {error}")
        return EXIT_NO_PYTHON
    except Unavailable as error:
        _say(f"lava: {error}")
        return 1
    return 0


def _silent(line: str) -> None:
    """Say nothing."""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
