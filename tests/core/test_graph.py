from __future__ import annotations

import copy

import numpy as np
import pytest

from hebbgraph import LIF, Connection, Dense, Graph, Input, Invalid, Probe


def small(**changes: object) -> Graph:
    parts: dict[str, object] = {
        "processes": {
            "drive": Input(3),
            "unit": LIF(3, threshold=1),
            "loop": Dense(np.ones((3, 3))),
        },
        "connections": [
            Connection("drive.out", "unit.a"),
            Connection("unit.s", "loop.s"),
            Connection("loop.a", "unit.a"),
        ],
        "probes": [Probe("unit.v")],
    }
    return Graph("small", **(parts | changes))  # type: ignore[arg-type]


def test_all_faults_are_raised_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        Graph(
            "bad",
            {
                "unit": LIF(3, decay_v=-1, threshold=[1, np.nan, 2]),
                "w": Dense(np.ones(3)),
                "not ok": Input(0),
            },
        )
    text = str(caught.value)
    assert len(caught.value.faults) == 5
    for part in ("unit.decay_v", "-1", "unit.threshold", "nan at [1]", "w.weights", "'not ok'"):
        assert part in text


def test_connection_faults_name_ports_and_widths() -> None:
    with pytest.raises(Invalid) as caught:
        small(
            connections=[
                Connection("drive.out", "unit.a", -1),
                Connection("unit.s", "loop.s", 0),
                Connection("unit.s", "loop.s", 63),
                Connection("unit.x", "loop.s"),
                Connection("nobody.s", "unit.a"),
                Connection("loop.a", "unit.a", 1),
                Connection("loop.a", "unit.a", 1),
            ],
            probes=[Probe("unit.w"), Probe("ghost.v")],
        )
    faults = [str(fault) for fault in caught.value.faults]
    assert len(faults) == 8
    assert "delay -1" in faults[0]
    assert "[0, 62]" in faults[0]
    assert "at least one step" in faults[1]
    assert "delay 63" in faults[2]
    assert "output ports of unit (LIF) are: s" in faults[3]
    assert "there are drive, unit, loop" in faults[4]
    assert "twice" in faults[5]
    assert "unit (LIF) can record: s, u, v" in faults[6]


def test_parameters_that_are_no_numbers() -> None:
    with pytest.raises(Invalid) as caught:
        Graph(
            "types",
            {
                "ragged": Dense([[1, 2], [3]]),
                "real": Dense(np.ones((2, 2)), exponent=1.0),  # type: ignore[arg-type]
                "list": Dense(np.ones((2, 2)), exponent=[1]),  # type: ignore[arg-type]
                "text": LIF(2, threshold="high"),
            },
            domain="fixed",
        )
    assert len(caught.value.faults) == 4
    with pytest.raises(Invalid, match="must name ports as text"):
        small(connections=[Connection(1, 2)])  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="must be a mapping"):
        small(processes=[Input(1)])


def test_ports_of_different_width() -> None:
    with pytest.raises(Invalid, match="3 units into 2"):
        Graph(
            "w",
            {"a": Input(3), "b": LIF(2)},
            [Connection("a.out", "b.a")],
        )


def test_a_same_step_cycle_is_printed() -> None:
    with pytest.raises(Invalid, match=r"(first -> second -> first)|(second -> first -> second)"):
        Graph(
            "loop",
            {"first": LIF(2), "second": LIF(2)},
            [Connection("first.s", "second.a"), Connection("second.s", "first.a")],
        )


def test_a_cycle_with_a_delay_is_legal() -> None:
    graph = Graph(
        "loop",
        {"first": LIF(2), "second": LIF(2)},
        [Connection("first.s", "second.a"), Connection("second.s", "first.a", 1)],
    )
    assert graph.order == ("first", "second")


def test_default_delay_is_one_into_synapses_and_zero_elsewhere() -> None:
    assert [c.delay for c in small().connections] == [0, 1, 0]


def test_hash_tells_content_from_presentation() -> None:
    graph = small()
    shuffled = small(
        processes=dict(reversed(list(graph.processes.items()))),
        connections=list(reversed(graph.connections)),
    )
    assert graph.content_hash == shuffled.content_hash
    assert Graph("outer", {"g": graph}).content_hash == Graph("o", {"g": graph}).flat().content_hash
    weights = np.ones((3, 3))
    weights[1, 2] = 1 + 1e-15
    changed = small(processes={**graph.processes, "loop": Dense(weights)})
    assert changed.content_hash != graph.content_hash
    assert small(probes=[]).content_hash != graph.content_hash


def test_arrays_are_copied_and_read_only() -> None:
    weights = np.ones((3, 3))
    dense = Dense(weights)
    weights[0, 0] = 5
    assert dense.weights[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        dense.weights[0, 0] = 2
    assert not small().processes["unit"].bias.flags.writeable  # type: ignore[union-attr]


def test_fixed_domain_ranges() -> None:
    with pytest.raises(Invalid) as caught:
        Graph(
            "fixed",
            {
                "unit": LIF(1, decay_u=4096, decay_v=0.5, bias=4096, threshold=-1),
                "mixed": Dense([[3, -3]]),
                "large": Dense([[256]], exponent=8),
                "low": Dense([[-256]]),
            },
            domain="fixed",
        )
    text = "\n".join(str(fault) for fault in caught.value.faults)
    for part in (
        "unit.decay_u: must be in [0, 4095]",
        "unit.decay_v: must be integers",
        "unit.bias: must be in [-4096, 4095]",
        "unit.threshold: must be in [0, 131071]",
        "mixed.weights: must be even",
        "large.weights: must be in [-255, 255]",
        "large.exponent: must be a whole number in [-8, 7]",
        "low.weights: must be in [-255, 255]",
    ):
        assert part in text


def test_nested_graphs_share_the_domain() -> None:
    with pytest.raises(Invalid, match=r"inner\.domain"):
        Graph("outer", {"inner": small()}, domain="fixed")


def test_a_copy_is_the_same_graph() -> None:
    graph = Graph("outer", {"layer": small()})
    assert copy.deepcopy(graph).content_hash == graph.content_hash


def test_str_is_a_tree_with_sizes_delays_and_probes() -> None:
    text = str(Graph("outer", {"layer": small()}))
    assert "outer  float  3 processes, 3 connections" in text
    assert "layer/" in text
    assert "9 synapses" in text
    assert "layer.loop.s (delay 1)" in text
    assert "records layer.unit.v" in text


def test_float32_weights_are_taken_and_large_read_only_ones_are_shared() -> None:
    narrow = Graph("narrow", {"w": Dense(np.ones((2, 3), np.float32))})
    assert narrow.processes["w"].weights.dtype == np.float64  # type: ignore[union-attr]
    weights = np.ones((2, 3))
    weights.setflags(write=False)
    graph = Graph("shared", {"w": Dense(weights)}).flat()
    assert graph.processes["w"].weights is weights  # type: ignore[union-attr]
    copied = Dense(np.ones((2, 3))[:, ::-1])
    assert copied.weights.base is None
