from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hebbgraph.runfolder import PARTIAL, environment, write_folder


def test_files_are_written_and_names_never_collide(tmp_path: Path) -> None:
    first = write_folder(tmp_path, "run", {"a.txt": b"1", "sub/b.txt": b"2"})
    second = write_folder(tmp_path, "run", {"a.txt": b"3"})
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["run", "run-2"]
    assert (first / "sub/b.txt").read_bytes() == b"2"
    assert (second / "a.txt").read_bytes() == b"3"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_folder(tmp_path, "run", {"a": b"1", "b": "text"})  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f"{PARTIAL}{gone.pid}-run").mkdir()
    (tmp_path / f"{PARTIAL}1-run").mkdir()
    write_folder(tmp_path, "run", {})
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{PARTIAL}1-run", "run"]


def test_environment_names_versions() -> None:
    found = environment()
    assert found["packages"]["numpy"]
    assert found["packages"]["hebbgraph"]
