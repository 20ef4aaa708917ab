"""Finding a Python 3.10 and the worker's environment, with interpreters that are fake."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from hebbgraph.backends.lava import BACKEND, environment, interpreters
from hebbgraph.backends.lava.interpreters import PythonNotFound, find_python310
from hebbgraph.errors import Unavailable


def script(path: Path, body: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def fake_python(path: Path, version: str = "3 10") -> str:
    return script(path, f"echo {version}")


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Python 3.10, no pyenv, no uv, no environment of ours."""
    for name in (environment.OVERRIDE, interpreters.SETTING):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    (tmp_path / "venv").mkdir()
    return tmp_path


def test_nothing_found_names_every_way_out() -> None:
    with pytest.raises(PythonNotFound, match=r"no Python 3\.10 was found; install") as caught:
        find_python310()
    for way in ("--python", interpreters.SETTING, "pyenv", "uv", "--shim", "unsupported upstream"):
        assert way in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_order_of_search(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = fake_python(bare_machine / "uvs" / "python3.10")
    script(bare_machine / "bin" / "uv", f'[ "$2" = find ] && echo {found}')
    assert find_python310() == found
    for patch in ("3.10.9", "3.10.13"):
        newest = fake_python(bare_machine / "pyenv" / "versions" / patch / "bin" / "python")
    assert find_python310() == newest
    on_path = fake_python(bare_machine / "bin" / "python3.10")
    assert find_python310() == on_path
    setting = fake_python(bare_machine / "set")
    monkeypatch.setenv(interpreters.SETTING, setting)
    assert find_python310() == setting
    explicit = fake_python(bare_machine / "explicit")
    assert find_python310(explicit) == explicit


def test_a_shim_that_refuses_is_passed_over(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(bare_machine / "bin" / "python3.10", "echo 'pyenv: not selected' >&2; exit 127")
    real = fake_python(bare_machine / "later" / "python3.10")
    monkeypatch.setenv("PATH", f"{bare_machine / 'bin'}:{bare_machine / 'later'}")
    assert find_python310() == real


def test_uv_is_asked_to_fetch_one(bare_machine: Path) -> None:
    got = bare_machine / "fetched" / "python3.10"
    fetch = f"printf '#!/bin/sh\\necho 3 10\\n' > {got}; /bin/chmod 755 {got}"
    got.parent.mkdir()
    body = f'case "$2" in find) [ -e {got} ] && echo {got};; install) {fetch};; esac'
    script(bare_machine / "venv" / "bin" / "uv", body)
    assert find_python310() == str(got)


def test_what_is_named_must_be_a_python310(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(bare_machine / "bin" / "python3.10")
    with pytest.raises(PythonNotFound, match=r"is not a Python 3\.10 that runs"):
        find_python310(fake_python(bare_machine / "new", "3 12"))
    monkeypatch.setenv(interpreters.SETTING, str(bare_machine / "absent"))
    with pytest.raises(PythonNotFound, match="absent"):
        find_python310()


def finished(folder: Path, shim: bool = False, **changes: Any) -> Path:
    fake_python(folder / "bin" / "python")
    entry = {
        "format": environment.FORMAT,
        "lava": environment.LAVA,
        "shim": shim,
        "base": "/base",
        "versions": {"python": "3.12.1" if shim else "3.10.1", "lava-nc": "0.10.0"},
        **changes,
    }
    (folder / environment.MARKER).write_text(json.dumps(entry))
    return folder


def test_availability_reads_the_marker(bare_machine: Path) -> None:
    found = BACKEND.availability()
    assert not found.usable
    assert "missing" in found.reason
    assert found.remedy == "run `hebbgraph setup lava`"
    finished(bare_machine / "cache" / "hebbgraph" / "lava", shim=True)
    found = BACKEND.availability()
    assert found.usable
    assert "3.12.1" in found.caveat
    assert "unsupported upstream" in found.caveat
    finished(bare_machine / "venv" / "hebbgraph-lava")
    found = BACKEND.availability()
    assert (found.usable, found.caveat) == (True, "")
    assert found.versions["python"] == "3.10.1"


@pytest.mark.parametrize("damage", ["marker", "python", "format", "lava"])
def test_half_made_is_not_there(bare_machine: Path, damage: str) -> None:
    folder = finished(bare_machine / "venv" / "hebbgraph-lava")
    if damage == "marker":
        (folder / environment.MARKER).write_text('{"format": 1, ')
    elif damage == "python":
        (folder / "bin" / "python").unlink()
    else:
        changes: dict[str, Any] = {damage: "another"}
        finished(folder, **changes)
    assert not BACKEND.availability().usable


def test_the_override_must_have_lava(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = '{"python": "3.12.4", "lava-nc": "0.10.0", "numpy": "2.0"}'
    monkeypatch.setenv(environment.OVERRIDE, script(bare_machine / "has", f"echo '{told}'"))
    found = BACKEND.availability()
    assert found.usable
    assert "3.12.4" in found.caveat
    monkeypatch.setenv(environment.OVERRIDE, script(bare_machine / "lacks", "echo no >&2; exit 1"))
    assert "has no lava (no)" in BACKEND.availability().reason
    monkeypatch.setenv(environment.OVERRIDE, str(bare_machine / "absent"))
    assert "does not run" in BACKEND.availability().reason


def builder(path: Path, version: str = "3 10") -> str:
    """Return a Python that makes environments whose Python installs and probes anything."""
    versions = '{"python": "3.10.7", "lava-nc": "0.10.0", "numpy": "1.26"}'
    inner = script(path.with_name("inner"), f"case \"$*\" in *--probe*) echo '{versions}';; esac")
    make = f'/bin/mkdir -p "$3/bin" && /bin/cp {inner} "$3/bin/python"'
    return script(path, f'case "$*" in "-m venv"*) {make};; *) echo {version};; esac')


def test_create_is_idempotent_and_mends(
    bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder(bare_machine / "bin" / "python3.10")
    folder = bare_machine / "venv" / "hebbgraph-lava"
    (folder / "junk").mkdir(parents=True)
    assert environment.main([]) == 0
    assert "created" in capsys.readouterr().out
    assert not (folder / "junk").exists()
    made = environment.find()
    assert made is not None
    assert made.versions["python"] == "3.10.7"
    stamp = (folder / environment.MARKER).stat().st_mtime_ns
    assert environment.main([]) == 0
    assert capsys.readouterr().out.startswith("lava: the Lava environment is ready in")
    assert (folder / environment.MARKER).stat().st_mtime_ns == stamp
    assert environment.main(["--rebuild"]) == 0
    assert (folder / environment.MARKER).stat().st_mtime_ns != stamp


def test_the_shim_is_only_used_when_asked_for(
    bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder(bare_machine / "venv" / "bin" / "python", "3 12")
    assert environment.main([]) == environment.EXIT_NO_PYTHON
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "--shim" in said
    assert not BACKEND.availability().usable
    assert environment.main(["--shim"]) == 0
    assert "unsupported upstream" in BACKEND.availability().caveat
    assert environment.main([]) == 0  # what was asked for stays


def test_a_failed_install_leaves_no_marker(
    bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = 'case "$*" in "-m venv"*) echo first >&2; echo no ensurepip >&2; exit 1;;'
    script(bare_machine / "bin" / "python3.10", f"{body} *) echo 3 10;; esac")
    assert environment.main([]) == 1
    assert "no ensurepip" in capsys.readouterr().out
    assert environment.find() is None


def test_the_cache_is_used_where_the_prefix_cannot_be_written(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder(bare_machine / "bin" / "python3.10")
    blocked = str(bare_machine / "venv")
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != blocked)
    made = environment.create()
    assert made.python.is_relative_to(bare_machine / "cache")


def test_a_python_of_the_wrong_kind_is_refused(bare_machine: Path) -> None:
    old = fake_python(bare_machine / "old", "3 9")
    with pytest.raises(Unavailable, match=r"3\.11 or newer with --shim"):
        environment.create(shim=True, python=old)
