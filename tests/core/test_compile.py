"""What a program refuses, and what it notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import LIF, Connection, Dense, Graph, Input
from hebbgraph.divergence import first_divergence

GRAPH = Graph(
    "g",
    {"x": Input(2), "w": Dense(np.eye(2) * 2), "n": LIF(2, threshold=1)},
    [Connection("x.out", "w.s"), Connection("w.a", "n.a")],
    [hg.Probe("n.v")],
)


@pytest.mark.parametrize(
    ("inputs", "steps", "part"),
    [
        (np.ones((3, 2)), None, "must be a mapping of Input paths (x)"),
        ({}, None, "needs an array (episodes, steps, 2)"),
        ({"y": np.ones((3, 2))}, None, "Input processes are: x"),
        ({"x": np.ones((3, 5))}, None, "must have shape (episodes, steps, 2)"),
        ({"x": [[1, 2], [3]]}, None, "must have shape"),
        ({"x": np.array([["a", "b"]])}, None, "must be real numbers"),
        ({"x": np.full((3, 2), np.nan)}, None, "must be finite"),
        ({"x": np.ones((3, 2))}, 2, "must not be longer than steps=2"),
        ({"x": np.ones((3, 2))}, "10", "must be a whole number above 0"),
        ({"x": np.ones((3, 2))}, True, "must be a whole number above 0"),
        ({"x": np.ones((0, 3, 2))}, 5, "at least one episode"),
    ],
)
def test_bad_inputs_are_named(inputs: Any, steps: Any, part: str) -> None:
    with pytest.raises(hg.Invalid) as caught:
        hg.compile(GRAPH).run(inputs, steps)
    assert part in str(caught.value)


@pytest.mark.parametrize("size", [2.0**23, 1e18, 1e19, -1e308])
def test_data_beyond_24_bits_are_refused_in_fixed(size: float) -> None:
    with pytest.raises(hg.Invalid, match="24 signed bits"):
        hg.compile(GRAPH, domain="fixed").run({"x": np.array([[0.0, size]])}, 3)


def test_rounded_data_are_noted() -> None:
    fixed = hg.compile(GRAPH, domain="fixed")
    exact = fixed.run({"x": np.array([[1.0, 2]])}, 3)
    assert exact.provenance.approximations == ()
    rounded = fixed.run({"x": np.array([[1.0, 0.4]])}, 3)
    (note,) = rounded.provenance.approximations
    assert note == (
        "x.out: 1 of 2 values rounded to integers, by up to 0.4; raise its gain to keep more"
    )


def test_what_cannot_be_compiled() -> None:
    with pytest.raises(hg.Invalid, match="must be a Graph"):
        hg.compile("graph")  # type: ignore[arg-type]
    with pytest.raises(hg.Invalid, match="back ends are reference"):
        hg.compile(GRAPH, "brain3")
    with pytest.raises(hg.Invalid, match="nonsense"):
        hg.compile(GRAPH, hardware="nonsense")
    with pytest.raises(hg.Invalid, match="options of reference"):
        hg.compile(GRAPH, speed=11)


def test_equal_nans_do_not_diverge() -> None:
    wide = Graph(
        "wide",
        {"x": Input(1), "w": Dense([[1e308]]), "n": LIF(1, threshold=1)},
        [Connection("x.out", "w.s"), Connection("w.a", "n.a")],
        [hg.Probe("n.v")],
    )
    with np.errstate(all="ignore"):
        one, other = (hg.compile(wide).run({"x": [[1e10]]}, 4) for _ in range(2))
    assert np.isnan(one.states["n.v"]).any()
    assert first_divergence(wide, one, other) is None
    assert first_divergence(wide, one, other, tolerance=1e-9) is None


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_a_saved_result_is_the_same_result(domain: Any, tmp_path: Path) -> None:
    result = hg.compile(GRAPH, domain=domain).run({"x": np.ones((2, 3, 2))}, 6)
    result.save(tmp_path / "r.zip")
    loaded = hg.Result.load(tmp_path / "r.zip")
    assert first_divergence(GRAPH, result, loaded) is None
    assert loaded.counters == result.counters
    assert loaded.provenance == result.provenance
    assert all(np.array_equal(loaded.weights[k], w) for k, w in result.weights.items())
    (tmp_path / "r.zip").write_bytes((tmp_path / "r.zip").read_bytes()[:200])
    for name in ("r.zip", "none.zip"):
        with pytest.raises(hg.Invalid, match="whole result file"):
            hg.Result.load(tmp_path / name)
