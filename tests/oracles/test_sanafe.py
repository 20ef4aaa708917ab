"""Energy and hops against SANA-FE, which is run as a program of its own on a replay of the raster.

SANA-FE finds packets, hops, synaptic operations and updates from neurons, edges and spikes, and
prices them itself. Nothing that `hebbgraph.placement.traffic` counts is told to it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import backend as backends
from hebbgraph.errors import Invalid
from hebbgraph.hardware import Hardware, load, parse
from hebbgraph.models import hopfield
from hebbgraph.placement import place
from hebbgraph.placement.sanafe import FILES, export
from hebbgraph.result import Result
from tests.check.machines import machine
from tests.oracles.tools import interpreter
from tests.placement.nets import FORGETFUL, chain, layered, spikes

NAHUKU = load("loihi1_nahuku")
TIMEOUT = 120


def small(neurons: int = 3, **mesh: Any) -> Hardware:
    """Return the Nahuku board with small cores, so that small nets take many tiles."""
    data = NAHUKU.model_dump(mode="json")
    data["limits"]["neurons_per_core"] = neurons
    data["mesh"] |= mesh
    return parse(data)


Case = tuple[hg.Graph, Any, int, Hardware]


def a_hopfield_memory() -> Case:
    """Graded cues, written from outside: updates without an event."""
    graph, inputs, steps = hopfield.example()
    return hg.compile(graph, domain="fixed").source, inputs, steps, small(entry=[7, 3])


def a_large_hopfield_memory() -> Case:
    """The real chip: 300 units of 8 bits on two cores."""
    rng = np.random.default_rng(0)
    stored = np.sign(rng.standard_normal((20, 300)))
    graph = hg.compile(hopfield.build(stored), domain="fixed").source
    return graph, {"cue": hopfield.cue(stored[:2])}, 6, NAHUKU


def a_feed_forward_net() -> Case:
    graph = layered(30, 40, 10, threshold=1200)
    return graph, spikes(graph, 2, 15, 0.3), 15, small(4, entry=[3, 2])


def a_net_with_delays() -> Case:
    """Delays of connections, of synapses and behind them; spikes under way at the end."""
    graph = chain(1)
    return graph, spikes(graph, 3, 12, 0.2), 12, small(3, entry=[1, 1], height=4, width=8)


def wires_biases_and_a_broadcast() -> Case:
    rng = np.random.default_rng(2)
    graph = hg.Graph(
        "mixed",
        {
            "data": hg.Input(12, signal="spike"),
            "all": hg.Input(1, signal="spike"),
            "first": hg.LIF(12, **FORGETFUL, threshold=30, bias=np.arange(12) % 3),
            "w": hg.Dense(rng.integers(0, 40, (9, 12))),
            "to_all": hg.Dense(np.full((9, 9), 7)),
            "second": hg.LIF(9, **FORGETFUL, threshold=30),
            "back": hg.Transpose("w", 9, 12),
        },
        [
            hg.Connection("data.out", "first.a"),  # a wire: weight 1, no synapse
            hg.Connection("first.s", "w.s"),
            hg.Connection("w.a", "second.a"),
            hg.Connection("all.out", "to_all.s", 2),
            hg.Connection("to_all.a", "second.a"),
            hg.Connection("second.s", "back.s", 4),
            hg.Connection("back.a", "first.a", 1),
        ],
        domain="fixed",
    )
    return graph, spikes(graph, 2, 14, 0.3), 14, small(2)


CASES: tuple[Callable[[], Case], ...] = (
    a_hopfield_memory,
    a_large_hopfield_memory,
    a_feed_forward_net,
    a_net_with_delays,
    wires_biases_and_a_broadcast,
)


def replayed(folder: Path, result: Result, graph: hg.Graph, hardware: Hardware) -> tuple[Any, Any]:
    """Return what SANA-FE found, and what we expect."""
    python = interpreter("sanafe")
    home = export(result, place(graph, hardware, result=result), folder)
    done = subprocess.run(
        [python, "run.py"], cwd=home, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outcome = json.loads((home / "outcome.json").read_text())
    return outcome, json.loads((home / "expected.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_energy_and_hops_are_those_of_sanafe(case: Callable[[], Case], tmp_path: Path) -> None:
    graph, inputs, steps, hardware = case()
    result = hg.compile(graph).run(inputs, steps=steps)
    outcome, expected = replayed(tmp_path, result, graph, hardware)
    assert expected["not_replayed"] == []
    assert expected["counts"]["spikes"] > 30
    assert expected["counts"]["synops_ac"] > 300
    if case is not a_large_hopfield_memory:
        assert outcome["hops"] > 100
    assert outcome["hops"] == expected["hops"]
    for part, joules in expected["energy"].items():
        assert outcome["energy"][part] == pytest.approx(joules, rel=1e-9), part
    # Every part has its own share of the sum, so none can hide behind another.
    assert min(expected["energy"].values()) > 0.01 * expected["energy"]["total"]


def test_every_back_end_can_be_replayed(tmp_path: Path) -> None:
    graph, inputs, steps, hardware = a_net_with_delays()
    found = {}
    for engine in backends.names():
        if backends.get(engine).availability().usable:
            with hg.compile(graph, engine) as program:
                result = program.run(inputs, steps=steps)
            found[engine], _ = replayed(tmp_path / engine, result, graph, hardware)
    assert len(found) > 1
    for engine, outcome in found.items():
        assert outcome == found["reference"], engine


def test_what_is_written_without_the_tool(tmp_path: Path) -> None:
    graph, inputs, steps, hardware = a_feed_forward_net()
    result = hg.compile(graph).run(inputs, steps=steps)
    home = export(result, place(graph, hardware), tmp_path / "replay")
    assert sorted(path.name for path in home.iterdir()) == sorted(FILES)
    architecture = json.loads((home / "architecture.yaml").read_text())["architecture"]
    tiles = {tuple(map(int, tile["name"][4:].split("_"))) for tile in architecture["tile"]}
    used = place(graph, hardware).places
    rows = max(place_ // 4 // 8 for place_ in used) + 1
    assert len(tiles) == 8 * max(rows, 3)  # down to the entry in row 2
    network = (home / "network.yaml").read_text()
    assert network.count("true") >= int(result.activity["data"].sum())


def test_what_sanafe_cannot_describe_is_named(tmp_path: Path) -> None:
    graph = layered(8, 9)
    result = hg.compile(graph).run(spikes(graph, 1, 4, 0.5), steps=4)
    for hardware, words in (
        (machine(mesh=None), "without a mesh"),
        (machine(mesh={"packets": "axon"}), "one packet for each core"),
        (machine(limits={"cores": 4, "neurons_per_core": 2}), "2 chips"),
    ):
        with pytest.raises(Invalid, match=words):
            export(result, place(graph, hardware), tmp_path)
    assert not list(tmp_path.iterdir())
