"""Random networks, both ways, against a program that runs NIR by the letter."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import nir as interchange
from tests.nir import oracle
from tests.nir.networks import DT, STEPS, random_graph, random_nir
from tests.nir.oracle import nir
from tests.nir.running import outputs

SEEDS = range(60)


def written_and_read(graph: Any) -> Any:
    """Return a NIR graph as a stock reader gets it from a file, with nir's own checks."""
    file = io.BytesIO()
    nir.write(file, graph)
    return nir.read(file)


@pytest.mark.parametrize("seed", SEEDS)
def test_export_gives_the_same_spikes_earlier_by_the_stated_shift(seed: int) -> None:
    graph, inputs = random_graph(seed)
    exported, fidelity = interchange.to_nir(graph, DT)
    assert fidelity.grade == "faithful"
    exported = written_and_read(exported)
    expected = hg.compile(graph).run(inputs, STEPS + max(fidelity.shifts.values())).spikes
    emitted = oracle.run(exported, DT, {name: data[0] for name, data in inputs.items()}, STEPS)
    for path, shift in fidelity.shifts.items():
        node = "output" if len(fidelity.shifts) == 1 else f"{path}_output"
        assert not expected[path][0, :shift].any()
        assert np.array_equal(expected[path][0, shift : shift + STEPS], emitted[node]), path


@pytest.mark.parametrize("seed", SEEDS)
def test_round_trip_by_file_is_the_same_graph(seed: int) -> None:
    graph, _ = random_graph(seed)
    read, fidelity = interchange.from_nir(written_and_read(interchange.to_nir(graph, DT)[0]))
    assert read.content_hash == graph.content_hash
    assert read.name == graph.name
    assert fidelity.grade == "faithful"


@pytest.mark.parametrize("seed", SEEDS)
def test_round_trip_without_metadata_gives_the_same_spikes(seed: int) -> None:
    graph, inputs = random_graph(seed)
    exported, ahead = interchange.to_nir(graph, DT)
    exported.metadata = {}
    read, fidelity = interchange.from_nir(written_and_read(exported), DT)
    steps = STEPS + max(ahead.shifts.values())
    expected = hg.compile(graph).run(inputs, steps).spikes
    data = {path: inputs.get(path, np.zeros((1, 1, 1)))[0] for path in read.of_kind(hg.Input)}
    got = outputs(read, fidelity, data, STEPS)
    for path, shift in ahead.shifts.items():
        node = "output" if len(ahead.shifts) == 1 else f"{path}_output"
        assert np.array_equal(got[node], expected[path][0, shift : shift + STEPS]), path


@pytest.mark.parametrize("seed", SEEDS)
def test_import_gives_what_nir_says_later_by_the_stated_shift(seed: int) -> None:
    given, inputs = random_nir(seed)
    graph, fidelity = interchange.from_nir(written_and_read(given), DT)
    assert fidelity.grade == "faithful"
    emitted = oracle.run(given, DT, inputs, STEPS)
    for node, values in outputs(graph, fidelity, inputs, STEPS).items():
        np.testing.assert_allclose(values, emitted[node], 1e-12, 1e-12, err_msg=node)


def test_random_networks_are_alive_and_of_every_kind() -> None:
    """Silent networks, or none with a Delay or a cycle, would prove nothing."""
    spikes, delays, kinds = 0, 0, set()
    for seed in SEEDS:
        graph, inputs = random_graph(seed)
        spikes += int(sum(r.sum() for r in hg.compile(graph).run(inputs, STEPS).spikes.values()))
        nodes = interchange.to_nir(graph, DT)[0].nodes.values()
        delays += any(isinstance(node, nir.Delay) for node in nodes)
        kinds |= {type(node).__name__ for node in random_nir(seed)[0].nodes.values()}
        kinds |= {type(node).__name__ for node in nodes}
    assert spikes > 1000
    assert 5 < delays <= len(SEEDS)
    assert kinds >= {"LIF", "CubaLIF", "IF", "LI", "CubaLI", "I", "Threshold", "Affine", "Delay"}
