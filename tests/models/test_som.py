"""Self-organising map: its lessons, its norms, what it recalls, on every engine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.maps import (
    LESSON,
    in_a_row,
    learning_graph,
    positions,
    quantisation_error,
    recall_graph,
    schedule,
    silent_units,
    to_grains,
    topographic_error,
    winners,
)
from hebbgraph.maps.graphs import GRAIN, base_of
from hebbgraph.models import som
from hebbgraph.random import stream
from hebbgraph.theory import som_chain, som_magnification, som_uniform_error

ENGINES = sorted(discover())
PLACES = positions(3, 3)


def draws(name: str, *shape: int) -> np.ndarray[Any, Any]:
    return to_grains(1.8 * stream(0, "test_som", name).random(shape) - 0.9, 1.0)


def eta_of(d2: np.ndarray[Any, Any], rate: float, width: float, neighbourhood: str) -> Any:
    if neighbourhood == "gaussian":
        return rate * np.rint(64 * np.exp(-d2 / (2 * width**2))) / 64
    return np.maximum(rate - rate * d2 / width**2, 0)


def textbook(
    patterns: Any,
    start: Any,
    places: Any,
    rate: float,
    width: float,
    neighbourhood: str,
    winning: Any = None,
) -> Any:
    """Return prototypes after lessons, by distances and nothing else, or with winners given."""
    weights = start.copy()
    for lesson, x in enumerate(patterns):
        won = ((x - weights) ** 2).sum(axis=1).argmin() if winning is None else winning[lesson]
        d2 = ((places - places[won]) ** 2).sum(axis=1)
        weights += eta_of(d2, rate, width, neighbourhood)[:, np.newaxis] * (x - weights)
    return weights


def graph_of(neighbourhood: Any, **changes: Any) -> hg.Graph:
    given: dict[str, Any] = {
        "scale": 1.0,
        "length": 1.8,
        "neighbourhood": neighbourhood,
        "width": 2.0,
        "rate": 0.25,
    }
    return learning_graph(draws("start", 9, 4), PLACES, **(given | changes))


@pytest.mark.parametrize(
    ("backend", "neighbourhood"),
    [*((backend, "gaussian") for backend in ENGINES), ("reference", "parabola")],
)
def test_lessons_are_the_textbooks_and_norms_follow(backend: str, neighbourhood: str) -> None:
    patterns = draws("patterns", 25, 4)
    with hg.compile(graph_of(neighbourhood), backend) as program:
        result = program.run(som.teach(patterns), LESSON)
    weights = result.weights["prototypes.weights"]
    wanted = textbook(patterns, draws("start", 9, 4), PLACES, 0.25, 2.0, neighbourhood)
    np.testing.assert_allclose(weights, wanted, atol=1e-12)
    v = result.weights["norms.weights"][:, 0] * base_of(1.8, 1 / GRAIN) / GRAIN
    np.testing.assert_allclose(v, -(weights**2).sum(axis=1) / 2, atol=1e-12)


@pytest.mark.parametrize("neighbourhood", ["gaussian", "parabola"])
def test_fixed_maps_are_equal_on_all_engines_and_near_float(neighbourhood: str) -> None:
    patterns = draws("patterns", 25, 4)
    found = []
    for backend in ENGINES:
        with hg.compile(graph_of(neighbourhood), backend, domain="fixed") as program:
            found.append(program.run(som.teach(patterns), LESSON))
    for result in found:
        for key, weights in found[0].weights.items():
            assert np.array_equal(result.weights[key], weights), key
    # Where two prototypes are nearly as far, the other may win; the rest is rounding.
    won = found[0].spikes["winner"][:, 1].argmax(axis=1)
    start = draws("start", 9, 4)
    wanted = textbook(patterns, start, PLACES, 0.25, 2.0, neighbourhood, won)
    weights = found[0].value("prototypes.weights")
    assert np.abs(weights - wanted).max() < 1 / GRAIN
    for lesson, x in enumerate(patterns):
        before = textbook(patterns[:lesson], start, PLACES, 0.25, 2.0, neighbourhood, won)
        distances = ((x - before) ** 2).sum(axis=1)
        assert distances[won[lesson]] < distances.min() + 4 / GRAIN
    base = base_of(1.8, 1 / GRAIN)
    v = found[0].value("norms.weights")[:, 0] * base / GRAIN
    assert np.abs(v + (weights**2).sum(axis=1) / 2).max() < 2 * base / GRAIN


def test_one_lesson_by_hand() -> None:
    # Two units at 0 and 1/2; x = 1/4 + 1/8 is nearer to the second, which goes half the way.
    start = np.array([[0.0], [0.5]])
    graph = learning_graph(
        start,
        positions(1, 2),
        scale=1.0,
        length=1.0,
        neighbourhood="parabola",
        width=2.0,
        rate=0.5,
    )
    with hg.compile(graph) as program:
        result = program.run(som.teach(np.array([[0.375]])), LESSON)
    # eta of the neighbour: 1/2 (1 - 1/4) = 3/8.
    assert result.weights["prototypes.weights"].ravel().tolist() == [0.140625, 0.4375]
    assert result.spikes["winner"][0, 1].tolist() == [False, True]


def test_units_that_are_off_neither_win_nor_learn() -> None:
    patterns = draws("patterns", 12, 4)
    alive = np.ones((12, 9))
    alive[:, [2, 4, 7]] = 0
    graph = graph_of("gaussian", rate=None, switched=True)
    signals = schedule(np.full(12, 0.25), np.full(12, 2.0), "gaussian")
    with hg.compile(graph) as program:
        result = program.run(in_a_row(patterns, alive=alive, **signals))
    start, weights = draws("start", 9, 4), result.weights["prototypes.weights"]
    assert np.array_equal(weights[[2, 4, 7]], start[[2, 4, 7]])
    assert not result.spikes["winner"][:, :, [2, 4, 7]].any()
    on = [0, 1, 3, 5, 6, 8]
    wanted = textbook(patterns, start[on], PLACES[on], 0.25, 2.0, "gaussian")
    np.testing.assert_allclose(weights[on], wanted, atol=1e-12)


def test_partial_fit_learns_what_the_textbook_does() -> None:
    patterns = draws("patterns", 12, 4)
    given: dict[str, Any] = {"rows": 3, "cols": 3, "rates": (0.25, 0.1), "widths": (2.0, 1.0)}
    start = som.blank(4, **given).processes["prototypes"].weights  # type: ignore[union-attr]
    wanted = textbook(patterns, start, PLACES, 0.25, 1.0, "gaussian")
    cues = draws("cues", 20, 4)
    right = to_grains(wanted, 1.0)[winners(cues, to_grains(wanted, 1.0))[:, 0]]
    for backend in ENGINES:
        memory = hg.Memory("som", backend=backend, **given)
        memory.partial_fit(patterns[:5]).partial_fit(patterns[5:])
        np.testing.assert_allclose(memory.recall(cues), right, atol=1e-12)


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_recall_is_the_nearest_prototype_on_all_engines(domain: Any) -> None:
    weights = 3 * draws("weights", 12, 5)
    held = to_grains(weights, 4.0)
    cues = to_grains(3 * draws("recall", 40, 5), 4.0)
    wanted = held[winners(cues, held)[:, 0]]
    for backend in ENGINES:
        with hg.compile(recall_graph(weights, 4.0), backend, domain=domain) as program:
            assert all(note.startswith("memory.x") for note in program.graph.notes)
            result = program.run(som.FAMILY.present(cues), 6)
        states = som.FAMILY.read(result)
        assert not states[:, :2].any()
        assert np.array_equal(states[:, 2:], np.repeat(wanted[:, np.newaxis], 4, axis=1))


@pytest.mark.parametrize("neighbourhood", ["gaussian", "parabola"])
def test_training_orders_the_map(neighbourhood: Any) -> None:
    patterns = 2 * stream(0, "test_som", "square").random((200, 2))
    found = som.train(patterns, 4, 4, lessons=400, neighbourhood=neighbourhood, phases=4)
    assert (found.scale, found.shape, found.lessons) == (4.0, (4, 4), 400)
    assert topographic_error(patterns, found.weights, found.places) < 0.05
    assert silent_units(patterns, found.weights) == 0
    begun = quantisation_error(patterns, patterns[:16])
    assert quantisation_error(patterns, found.weights) < begun


def test_memory_stores_patterns_that_have_a_unit_each() -> None:
    patterns = som.FAMILY.patterns(4, 30, seed=0)
    memory = hg.Memory("som", rows=3, cols=3, lessons=150).fit(patterns)
    assert memory.score(patterns) > 0.99
    assert memory.score(patterns, level=0.3) > 0.99
    assert memory.recall(patterns[0]).shape == (30,)
    with pytest.raises(hg.Unsupported, match="no energy"):
        memory.energy_(patterns[0])


def test_measures_by_hand() -> None:
    weights = np.array([[0.0], [1.0], [2.0], [1.1]])
    places = positions(1, 4)
    assert winners([[0.9]], weights, 3).tolist() == [[1, 3, 0]]
    assert math.isclose(quantisation_error([[0.25], [2.5]], weights), 0.375)
    # 0.2: units 0 and 1 touch; 1.06: units 3 and 1 do not.
    assert topographic_error([[0.2], [1.06]], weights, places) == 0.5
    assert silent_units([[0.2], [1.06]], weights) == 0.5


def test_theory_of_chains() -> None:
    # Ritter 1991: 1/3 alone, 3/5 with one neighbour to each side, 2/3 with many.
    found = [som_magnification(n) for n in (0, 1, 10**6)]
    np.testing.assert_allclose(found, [1 / 3, 3 / 5, 2 / 3], atol=1e-9)
    # Density x: the k-th of four lies where x^2 = (k + 1/2) / 4.
    places = som_chain(lambda x: 2 * x, 4, 1.0)
    np.testing.assert_allclose(places, np.sqrt((np.arange(4) + 0.5) / 4), atol=1e-6)
    even = som_chain(lambda x: 2 * x, 5, 0.0)
    x = np.linspace(0, 1, 5001)[:, np.newaxis]
    assert math.isclose(quantisation_error(x, even[:, np.newaxis]), 0.05, rel_tol=1e-3)
    assert som_uniform_error(5) == 0.05
    for bad in (-1, 0.5, True):
        with pytest.raises(hg.Invalid, match="reach"):
            som_magnification(bad)  # type: ignore[arg-type]


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        som.train(
            [[0.0, np.nan]],
            0,
            neighbourhood="bubble",  # type: ignore[arg-type]
            rates=(0.0, 2.0),
            widths=(1.0,),  # type: ignore[arg-type]
            lessons=0,
            phases=0,
        )
    text = str(caught.value)
    assert len(caught.value.faults) == 7
    for part in ("finite", "rows", "'bubble'", "rates", "widths", "lessons", "phases"):
        assert part in text
    with pytest.raises(hg.Invalid, match="start"):
        som.train([[0.0], [1.0]], 1, 2, start=[[0.0]])
    with pytest.raises(hg.Invalid, match="2 to 4096 units"):
        som.build([[0.0]], 100, 100)
    with pytest.raises(hg.Invalid, match="equally long"):
        som.build([[0.0], [1.0, 2.0]])
    with pytest.raises(hg.Invalid, match="above 0"):
        som.blank(3, scale=-1.0, length=0.0)
