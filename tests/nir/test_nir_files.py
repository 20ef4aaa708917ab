"""Files: every graph that can be written is read again as it was; damaged ones are named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import nir as interchange
from hebbgraph.models import hopfield
from tests.conformance.scenarios import SCENARIOS, Scenario
from tests.nir.oracle import nir

CASES = [
    pytest.param(scenario, domain, id=f"{scenario.name}-{domain}")
    for scenario in SCENARIOS
    for domain in scenario.domains
]


def refusal(graph: hg.Graph, file: Path) -> interchange.Lossy | None:
    """Write `graph`, or return why not."""
    try:
        written = interchange.write(graph, file, lossy=True)
    except interchange.Lossy as error:
        return error
    assert {entry.node for entry in written.entries} == set(graph.flat_processes)
    return None


@pytest.mark.parametrize(("scenario", "domain"), CASES)
def test_scenarios_come_back_as_they_were(scenario: Scenario, domain: Any, tmp_path: Path) -> None:
    graph, file = scenario.in_domain(domain), tmp_path / "graph.nir"
    refused = refusal(graph, file)
    if refused:
        assert refused.fidelity.grade == "unsupported"
        assert all(fault.need and fault.remedy for fault in refused.faults)
        assert not file.exists()
        return
    nir.read(file)  # with the checks of a stock reader
    read, fidelity = interchange.read(file)
    assert read.content_hash == graph.content_hash
    assert (read.name, read.domain, read.notes) == (graph.name, graph.domain, graph.notes)
    assert list(read.processes) == list(graph.processes)  # nesting, too
    assert fidelity.grade == "faithful"


def test_enough_scenarios_can_be_written(tmp_path: Path) -> None:
    """If all were refused, the test above would prove nothing."""
    good = [s.name for s in SCENARIOS if not refusal(s.in_domain(s.domains[-1]), tmp_path / "x")]
    assert len(good) > len(SCENARIOS) / 3
    assert {"hebb", "nested", "convolution", "synaptic_delays", "oja"} <= set(good)


def test_the_memory_is_the_same_to_a_reader_without_metadata() -> None:
    graph, inputs, steps = hopfield.example()
    exported, fidelity = interchange.to_nir(graph)
    assert fidelity.grade == "faithful"
    exported.metadata = {}
    read, _ = interchange.from_nir(exported)
    expected = hg.compile(graph).run(inputs, steps).spikes["memory"]
    assert np.array_equal(hg.compile(read).run(inputs, steps).spikes["memory"], expected)


def test_equal_graphs_give_equal_files(tmp_path: Path) -> None:
    graph = hopfield.example()[0]
    for name in ("a.nir", "b.nir"):
        interchange.write(graph, tmp_path / name)
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.nir", "b.nir"]


def test_weights_are_stored_once(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).random((200, 200))
    graph = hg.Graph(
        "large",
        {"x": hg.Input(200), "w": hg.Dense(weights), "unit": hg.LIF(200)},
        [hg.Connection("x.out", "w.s"), hg.Connection("w.a", "unit.a")],
    )
    interchange.write(graph, tmp_path / "large.nir")
    assert (tmp_path / "large.nir").stat().st_size < 1.5 * weights.nbytes


def test_changed_nodes_count_more_than_the_metadata() -> None:
    graph = hopfield.example()[0]
    exported, _ = interchange.to_nir(graph)
    exported.nodes["recurrent"].weight[0, 0] += 2
    read, fidelity = interchange.from_nir(exported)
    assert read.content_hash != graph.content_hash
    assert (
        read.flat_processes["recurrent"].matrix()[0, 0]
        == 2 + graph.flat_processes["recurrent"].matrix()[0, 0]
    )
    assert fidelity.remarks == (
        "read from the nodes alone: hebbgraph wrote it, but its nodes were changed",
    )


def test_another_step_is_another_network() -> None:
    graph = hg.Graph(
        "leaky",
        {"x": hg.Input(1), "unit": hg.LIF(1, decay_v=0.25)},
        [hg.Connection("x.out", "unit.a")],
    )
    exported, _ = interchange.to_nir(graph, 1e-3)
    assert interchange.from_nir(exported)[0].content_hash == graph.content_hash
    assert interchange.from_nir(exported, 1e-3)[0].content_hash == graph.content_hash
    finer, fidelity = interchange.from_nir(exported, 5e-4)
    unit: Any = finer.flat_processes["unit"]
    assert unit.decay_v[0] == pytest.approx(0.125)
    assert "another step" in fidelity.remarks[0]


@pytest.mark.parametrize("damage", ["text", "empty", "cut", "missing", "folder"])
def test_what_is_no_nir_file_is_named(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "x.nir"
    interchange.write(hopfield.example()[0], file)
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "folder":
        file = tmp_path
    else:
        file.write_bytes({"text": b"hello", "empty": b"", "cut": data[: len(data) // 2]}[damage])
    with pytest.raises(hg.Invalid, match="must be a NIR file"):
        interchange.read(file)


def test_damaged_metadata_are_named() -> None:
    exported, _ = interchange.to_nir(hopfield.example()[0])
    exported.metadata["hebbgraph"]["graph"] = "{}"
    with pytest.raises(hg.Invalid, match="delete this entry"):
        interchange.from_nir(exported)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(hg.Invalid, match="must be a file that can be written"):
        interchange.write(hopfield.example()[0], tmp_path / "file" / "x.nir")


def test_a_missing_package_comes_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(hg.Unavailable, match=r'pip install "hebbgraph\[nir\]"'):
        interchange.to_nir(hopfield.example()[0])
    with pytest.raises(hg.Unavailable):
        interchange.read("x.nir")
