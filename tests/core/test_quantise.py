from __future__ import annotations

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe
from hebbgraph.passes.quantise import quantise
from hebbgraph.random import stream


def driven(weights: object, **lif: object) -> Graph:
    matrix = np.atleast_2d(weights)  # type: ignore[call-overload]
    post, pre = matrix.shape
    return Graph(
        "driven",
        {
            "drive": Input(pre, signal="spike"),
            "w": Dense(matrix),
            "unit": LIF(post, **lif),  # type: ignore[arg-type]
        },
        [Connection("drive.out", "w.s"), Connection("w.a", "unit.a")],
        [Probe("unit.v")],
    )


def test_integers_that_fit_stay_as_they_are() -> None:
    fixed = quantise(driven([[2, -4], [6, 254]], bias=3, threshold=5))
    assert fixed.processes["w"].weights.tolist() == [[2, -4], [6, 254]]  # type: ignore[union-attr]
    assert fixed.processes["unit"].threshold.tolist() == [5, 5]  # type: ignore[union-attr]
    assert fixed.notes == ()


def test_odd_mixed_weights_are_doubled_with_the_threshold() -> None:
    fixed = quantise(driven([[1, -3]], bias=1, threshold=2))
    unit = fixed.processes["unit"]
    assert isinstance(unit, LIF)
    assert fixed.processes["w"].weights.tolist() == [[2, -6]]  # type: ignore[union-attr]
    assert unit.threshold.tolist() == [4]
    assert (unit.bias << unit.bias_exponent).tolist() == [128]  # 1 * scale 2 * register 64


def test_rounding_is_listed_with_its_size() -> None:
    fixed = quantise(driven([[0.3, -0.7]], threshold=0.5))
    text = "\n".join(fixed.notes)
    assert "w.weights" in text
    weights = fixed.processes["w"].weights  # type: ignore[union-attr]
    assert (weights % 2 == 0).all()
    assert np.abs(weights).max() == 254


def test_decays_become_the_chips_and_say_so() -> None:
    fixed = quantise(driven([[2.0]], decay_u=0.3, decay_v=0.0, threshold=2))
    unit = fixed.processes["unit"]
    assert isinstance(unit, LIF)
    assert unit.decay_u.tolist() == [round(0.3 * 4096) - 1]  # the chip adds 1
    assert unit.decay_v.tolist() == [0]
    assert any("decay_u" in note for note in fixed.notes)
    assert not any("decay_v" in note for note in fixed.notes)


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(hg.Invalid, match=r"unit\.threshold.*unsigned.*shift threshold and bias"):
        quantise(driven([[2.0]], threshold=-1))


def test_a_residue_that_may_decide_is_noted() -> None:
    # 34 synapses of -254 leave a voltage of -552704, of which 134 stay; the grain is 128.
    graph = driven(np.append(np.full(34, -254), 2)[None, :], threshold=0)
    note = next(n for n in quantise(graph).notes if "4095/4096" in n)
    assert "1 of 1 units" in note
    calm = driven(np.append(np.full(32, -254), 2)[None, :], threshold=0)
    assert quantise(calm).notes == ()


def test_the_noted_residue_really_decides() -> None:
    graph = driven(np.append(np.full(34, -254), 2)[None, :], threshold=0)
    spikes = np.zeros((1, 2, 35))
    spikes[0, 0, :34] = 1
    spikes[0, 1, 34] = 1
    floating = hg.compile(graph).run({"drive": spikes}, 4).events("unit")
    fixed = hg.compile(graph, domain="fixed").run({"drive": spikes}, 4).events("unit")
    assert floating.tolist() == [[0, 2, 0]]
    assert fixed.tolist() == []


def test_a_wrap_that_may_happen_is_noted() -> None:
    notes = quantise(driven(np.full((1, 600), 253.0), threshold=1000)).notes
    assert any("wrap" in note for note in notes)


def test_populations_that_share_a_synapse_share_a_scale() -> None:
    graph = Graph(
        "shared",
        {
            "drive": Input(1, signal="spike"),
            "w": Dense([[0.5]]),
            "one": LIF(1, threshold=0.25),
            "two": LIF(1, threshold=1.5),
        },
        [
            Connection("drive.out", "w.s"),
            Connection("w.a", "one.a"),
            Connection("w.a", "two.a"),
        ],
    )
    fixed = quantise(graph)
    scale = fixed.processes["w"].weights[0, 0] / 0.5  # type: ignore[union-attr]
    assert fixed.processes["one"].threshold[0] == 0.25 * scale  # type: ignore[union-attr]
    assert fixed.processes["two"].threshold[0] == 1.5 * scale  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(8))
def test_a_leaky_network_keeps_its_rates(seed: int) -> None:
    draw = stream(seed, "quantise", "rates").random((3, 30, 30))
    graph = Graph(
        "leaky",
        {
            "drive": Input(30, signal="spike"),
            "w": Dense(draw[0] - 0.4),
            "unit": LIF(30, decay_u=0.4, decay_v=0.1, bias=0.05, threshold=2),
        },
        [Connection("drive.out", "w.s"), Connection("w.a", "unit.a")],
    )
    spikes = stream(seed, "quantise", "drive").random((2, 100, 30)) < 0.1
    floating = hg.compile(graph).run({"drive": spikes}, 100).spikes["unit"]
    fixed = hg.compile(graph, domain="fixed").run({"drive": spikes}, 100).spikes["unit"]
    assert floating.mean() > 0.02
    assert np.corrcoef(floating.mean((0, 1)), fixed.mean((0, 1)))[0, 1] > 0.99
