"""HLOP as a graph: its algebra by hand, engines alike, and what it protects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.continual import held_out, permuted, run_stream
from hebbgraph.continual.learners.hlop import HlopLearner, HlopSettings
from hebbgraph.errors import Invalid
from hebbgraph.models import hlop

STEPS = 6


def one_layer(old: Any, new: Any, **given: Any) -> hg.Graph:
    return hlop.build([np.zeros((2, 3))], [old], [new], steps=STEPS, **given)


def shown(x: Any, target: Any) -> dict[str, Any]:
    return {
        "x": np.tile(np.asarray(x, float), (1, STEPS, 1)),
        "target": np.tile(np.asarray(target, float), (1, STEPS, 1)),
    }


def test_weights_do_not_move_along_old_rows() -> None:
    old = np.array([[0.6, 0.8, 0.0]])
    data = shown([1.0, 0.5, -0.3], [1, 0])
    free = hg.compile(one_layer(None, None)).run(data).weights["w1.weights"]
    kept = hg.compile(one_layer(old, None)).run(data).weights["w1.weights"]
    assert np.abs(free @ old.T).max() > 0.01
    assert np.abs(kept @ old.T).max() < 1e-15
    # The first change is -(eta / T)(1/2 - target) of the residual x - old^T old x.
    x = np.array([1.0, 0.5, -0.3])
    residual = x - old.T @ (old @ x)
    one = hlop.build([np.zeros((2, 3))], [old], [None], steps=STEPS, rate=0.1)
    short = {name: array[:, :3] for name, array in data.items()}
    got = hg.compile(one).run(short).weights["w1.weights"]
    np.testing.assert_allclose(got, 0.1 / STEPS * np.outer([0.5, -0.5], residual), atol=1e-15)


def test_new_rows_learn_what_old_ones_leave() -> None:
    old, start = np.array([[1.0, 0.0, 0.0]]), np.array([[0.5, 0.5, 0.1]])
    graph = one_layer(old, start, hebbian_rates=0.05, momentum=0.0)
    program = hg.compile(graph)
    weights = program.run(shown([2.0, 1.0, 0.0], [1, 0])).weights
    for _ in range(60):
        weights = program.run(shown([2.0, 1.0, 0.0], [1, 0]), weights=weights).weights
    row = weights["subspace1.new.weights"][0]
    assert abs(row[1]) == pytest.approx(1, abs=0.02)
    assert np.abs(weights["subspace1.old.weights"] - old).max() == 0


@pytest.mark.parametrize("engine", ["brian2", "snntorch", "lava"])
def test_engines_learn_alike(engine: str) -> None:
    if not hg.backend.get(engine).availability().usable:
        pytest.skip(f"{engine} is not here")
    graph, data, steps = hlop.example()
    expected = hg.compile(graph, "reference").run(data, steps)
    with hg.compile(graph, engine) as program:
        got = program.run(data, steps)
    for name, learned in expected.weights.items():
        np.testing.assert_allclose(got.weights[name], learned, rtol=0, atol=1e-12)


@pytest.mark.parametrize("error", ["bp", "fa", "ss"])
def test_every_error_path_learns(error: Any) -> None:
    weights = hlop.first_weights((6, 12, 3), seed=1)
    graph = hlop.build([2 * w for w in weights], steps=20, rate=0.5, error=error)
    x = np.eye(3).repeat(2, axis=1)
    data = {"x": np.repeat(x[:, None], 20, 1), "target": np.repeat(np.eye(3)[:, None], 20, 1)}
    program, held = hg.compile(graph, "snntorch"), None
    for _ in range(30):
        result = program.run(data, weights=held)
        held = result.weights
    assert (result.states["readout.out"][:, -1].argmax(axis=1) == [0, 1, 2]).all()


def small() -> Any:
    draw = np.random.default_rng(3)
    centres = draw.random((4, 16))
    x = np.clip(centres.repeat(20, axis=0) + 0.1 * draw.standard_normal((80, 16)), 0, 1)
    return permuted(*held_out(x, np.arange(4).repeat(20), 0.25), 2, seed=0)


def test_a_run_that_was_stopped_goes_on_to_the_same_matrix(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop_at(number: int) -> Any:
        def tell(done: int, total: int, text: str) -> None:
            if done == number:
                raise Stopped

        return tell

    settings = HlopSettings(hidden=(20,), first_rows=(4, 5), later_rows=(4, 5), batch=8)
    whole = run_stream(small(), HlopLearner(settings), epochs=2)
    path = tmp_path / "run.zip"
    for number in (1, 2, 3):
        with pytest.raises(Stopped):
            run_stream(
                small(), HlopLearner(settings), epochs=2, checkpoint=path, progress=stop_at(number)
            )
    again = run_stream(small(), HlopLearner(settings), epochs=2, checkpoint=path)
    assert np.array_equal(again.report.matrix, whole.report.matrix)
    assert again.log == whole.log
    with pytest.raises(Invalid, match="another run's"):
        run_stream(small(), HlopLearner(settings), epochs=2, seed=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Invalid, match="must be a whole checkpoint"):
        run_stream(small(), HlopLearner(settings), epochs=2, checkpoint=path)


def test_bad_input_is_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        hlop.build([np.zeros((4, 3)), np.zeros((2, 5))], error="dfa", leak=2.0)  # type: ignore[arg-type]
    assert {fault.where for fault in caught.value.faults} == {"weights[1]", "error", "leak"}
    with pytest.raises(Invalid, match="must not exceed the 3 inputs"):
        hlop.build([np.zeros((4, 3))], [np.zeros((2, 3))], [np.zeros((2, 3))])
    crowded = HlopSettings(hidden=(20,), first_rows=(12, 5), later_rows=(12, 5))
    with pytest.raises(Invalid, match="2 tasks must fit the 16 inputs of layer 1"):
        run_stream(small(), HlopLearner(crowded))
