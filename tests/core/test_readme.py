"""What the README shows is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from hebbgraph.backend import capability_table

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_capability_table_is_current() -> None:
    shown = README.partition("a test compares -->")[2].partition("<!-- end of table -->")[0]
    assert shown.strip() == capability_table(), "paste the output of `hebbgraph list --table`"


def test_the_code_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    scope: dict[str, object] = {}
    for block in blocks:
        exec(block.replace('"snntorch"', '"reference"'), scope)
    assert scope["recalled"].shape == (10, 64)  # type: ignore[attr-defined]
    assert scope["graph"].name == "ring"  # type: ignore[attr-defined]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in target or (ROOT / target).exists(), target
