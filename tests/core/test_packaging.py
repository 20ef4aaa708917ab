"""The folders at the top, the links in hebbgraph/ and the package list agree; imports are light."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = ("models", "backends", "hw_configs")
HEAVY = (
    "brian2",
    "torch",
    "snntorch",
    "lava",
    "sklearn",
    "matplotlib",
    "scipy",
    "pydantic",
    "rich",
)


def test_links_mapping_and_folders_agree() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    mapping = config["tool"]["setuptools"]["package-dir"]
    assert mapping == {f"hebbgraph.{name}": name for name in TOP}
    for name in TOP:
        assert (ROOT / name).is_dir()
        assert not (ROOT / name).is_symlink()
        assert (ROOT / "hebbgraph" / name).is_symlink()
        assert (ROOT / "hebbgraph" / name).resolve() == ROOT / name


@pytest.mark.parametrize("name", TOP)
def test_a_bare_import_is_refused(name: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"import hebbgraph.{name}, not {name}" in done.stderr


def test_importing_hebbgraph_and_finding_back_ends_is_light() -> None:
    code = (
        "import sys, hebbgraph, hebbgraph.backend as b; b.discover(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_wheel_built_without_links_holds_every_module(tmp_path: Path) -> None:
    """An archive may lose symbolic links; the wheel must be whole all the same."""
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if not (ROOT / name).is_symlink():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(source)], check=True)
    wheel = next(tmp_path.glob("hebbgraph-*.whl"))
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "-q", "--no-deps", "-t", str(site), str(wheel)], check=True)
    packaged = {str(p.relative_to(site)) for p in site.rglob("*") if p.suffix in (".py", ".yaml")}
    for name in tracked:
        top = name.partition("/")[0]
        if name.endswith((".py", ".yaml")) and top in (*TOP, "hebbgraph"):
            inside = name if top == "hebbgraph" else f"hebbgraph/{name}"
            assert inside in packaged
