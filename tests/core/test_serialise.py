from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import files
from hebbgraph.serialise import pack, to_document
from tests.conformance.scenarios import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_saved_graph_is_the_same_graph(scenario: Scenario, tmp_path: Path) -> None:
    hg.save(scenario.graph, tmp_path / "g.hgraph")
    loaded = hg.load(tmp_path / "g.hgraph")
    assert loaded.content_hash == scenario.graph.content_hash
    assert loaded.name == scenario.graph.name
    assert str(loaded) == str(scenario.graph)


def test_equal_graphs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        hg.save(SCENARIOS[0].graph, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_a_truncated_file_is_named(keep: float, tmp_path: Path) -> None:
    hg.save(SCENARIOS[0].graph, tmp_path / "g")
    data = (tmp_path / "g").read_bytes()
    cut = int(keep * len(data)) if 0 < keep < 1 else int(keep)
    (tmp_path / "g").write_bytes(data[:cut])
    with pytest.raises(hg.Invalid, match="must be a whole graph file") as caught:
        hg.load(tmp_path / "g")
    assert str(tmp_path / "g") in str(caught.value)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    hg.save(SCENARIOS[0].graph, tmp_path / "g")
    data = bytearray((tmp_path / "g").read_bytes())
    data[60] ^= 0xFF
    (tmp_path / "g").write_bytes(data)
    with pytest.raises(hg.Invalid):
        hg.load(tmp_path / "g")


def test_another_layout_is_refused(tmp_path: Path) -> None:
    document, arrays = to_document(SCENARIOS[0].graph)
    (tmp_path / "g").write_bytes(pack(document | {"format": 99}, arrays))
    with pytest.raises(hg.Invalid, match="99"):
        hg.load(tmp_path / "g")


def test_objects_are_not_loaded(tmp_path: Path) -> None:
    document, arrays = to_document(SCENARIOS[0].graph)
    arrays["unit.bias"] = np.array([{"an": "object"}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        pack(document, arrays)


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    files.write_atomic(target, "old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_atomic(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
