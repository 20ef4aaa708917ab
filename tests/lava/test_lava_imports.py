"""What the worker shares with us needs NumPy alone, and a Python as old as lava's."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hebbgraph
from hebbgraph.backends.lava import environment

PACKAGE = Path(hebbgraph.__file__).parent
REFERENCE, WORKER = PACKAGE / "backends" / "reference", PACKAGE / "backends" / "lava" / "worker"
SHARED = [
    PACKAGE / "random.py",
    REFERENCE / "loihi.py",
    REFERENCE / "learning.py",
    *sorted((REFERENCE / "steps").glob("*.py")),
]
#: Of hebbgraph, what the worker may import.
OURS = (
    "hebbgraph.random",
    "hebbgraph.backends.reference.loihi",
    "hebbgraph.backends.reference.learning",
    "hebbgraph.backends.reference.steps",
    "hebbgraph.backends.lava.worker",
)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


def is_ours(name: str) -> bool:
    return any(name == allowed or name.startswith(f"{allowed}.") for allowed in OURS)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_the_definition_needs_numpy_alone(path: Path) -> None:
    for name in imported(path):
        top = name.partition(".")[0]
        assert top == "numpy" or top in sys.stdlib_module_names or is_ours(name), name
        assert not name.startswith("hebbgraph.backends.lava"), name


@pytest.mark.parametrize("path", sorted(WORKER.rglob("*.py")), ids=lambda path: path.name)
def test_the_worker_needs_lava_numpy_and_the_definition(path: Path) -> None:
    for name in imported(path):
        top = name.partition(".")[0]
        known = top in ("numpy", "scipy", "lava") or top in sys.stdlib_module_names
        assert known or is_ours(name), name


SCRIPT = """
import sys, types, runpy
worker = runpy.run_path({worker!r}, run_name="worker")
worker["name_packages"]({package!r})
import hebbgraph.backends.lava.worker.fused.kernel
import hebbgraph.backends.reference.learning
from hebbgraph.backends.reference.steps import STEPS
packages = ("lava", "scipy", "pydantic", "hebbgraph")
others = [m for m in sys.modules if m.partition(".")[0] in packages]
print(len(STEPS), *sorted(m for m in others if not m.startswith("hebbgraph.backends")))
"""


@pytest.mark.parametrize("python", ["this", "lava's"])
def test_it_is_imported_under_its_own_name_without_the_package(python: str) -> None:
    executable = Path(sys.executable)
    if python == "lava's":
        found = environment.find()
        if found is None:
            pytest.skip("no Lava environment")
        executable = found.python
    text = SCRIPT.format(worker=str(WORKER / "__main__.py"), package=str(PACKAGE))
    done = subprocess.run(
        [str(executable), "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    count, *modules = done.stdout.split()
    assert int(count) >= 30
    assert modules == ["hebbgraph", "hebbgraph.random"]
