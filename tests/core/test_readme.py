"""What the README shows is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hebbgraph.backend import capability_table
from hebbgraph.catalogue import memory_table

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_capability_table_is_current() -> None:
    shown = README.partition("list --table`; a test compares -->")[2].partition(
        "<!-- end of table -->"
    )[0]
    assert shown.strip() == capability_table(), "paste the output of `hebbgraph list --table`"


def test_the_memory_table_is_current() -> None:
    shown = README.partition("models --table`; a test compares -->")[2]
    shown = shown.partition("<!-- end of memories -->")[0]
    assert shown.strip() == memory_table(), "paste the output of `hebbgraph list models --table`"


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 5
    scope: dict[str, Any] = {}
    names = []
    for block in blocks:
        exec(block.replace('"snntorch"', '"reference"'), scope)
        names.append(scope["graph"].name if "graph" in scope else "")
    assert names == ["", "hopfield", "ring", "component", "component"]
    assert scope["recalled"].shape == (10, 64)
    assert scope["run"].report.acc > 0.8
    assert (tmp_path / "hlop.ckpt").exists()
    assert np.abs(scope["learned"] @ [0.6, -0.8, 0]) == pytest.approx(1, abs=0.01)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in target or (ROOT / target).exists(), target
