"""Labelled map: the surroundings of a map's winner, read out by one layer under a teacher.

The last two layers of action recognition after Z. Gharaee, "Action in Mind", 2018,
arXiv:2104.14870: a map that has learned (`som`, `growing_grid`) and a one-layer supervised network
on its activity. With c the winner and g a bump around it, the classes' activities are
y = W g(|r_i - r_c|^2), the answer is the largest, and W learns by the delta rule (Widrow and Hoff
1960) ::

    dW = rate (target - y) g / max |g|^2

Spiking realisation. The winner and the answer are one spike each; the bump and y are graded::

    x -> prototypes -> score -> winner            step 1
    winner -> bump                                step 2
    bump -> readout -> answer; the rule           step 3

A lesson or a question is an episode of four steps in which x is shown. Prototypes are whole
numbers of 8 bits with exact norms, the bump is whole numbers up to 16; the winner is the same in
`fixed` and `float` for inputs that are whole numbers of grains. W has 8 bits, and 8 more in its
accumulators.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.maps import nearest, pair_faults, positions, scale_of, to_grains
from hebbgraph.maps.graphs import squared_distances
from hebbgraph.processes import Dense, Input, WinnerTakeAll
from hebbgraph.random import stream
from hebbgraph.rules import Rule

#: The top of the bump, and what a target of 1 is; weights are at most their double quotient.
TOP, TARGET = 16, 512
#: Steps of a lesson or a question.
STEPS = 4


def build(
    prototypes: ArrayLike,
    classes: int,
    *,
    places: ArrayLike | None = None,
    scale: float | None = None,
    width: float = 0.7,
    rate: float = 0.25,
    learns: bool = True,
    weights: ArrayLike | None = None,
    name: str = "labelled_map",
) -> Graph:
    """Return the map of `prototypes` (units, N) with a read-out of `classes`.

    - `places`: of the units on their lattice, (units, 2); by default they stand in one row.
    - `scale`: the power of two within which inputs lie; by default that of the prototypes.
    - `width`: of the bump around a winner.
    - `rate`: of the delta rule, up to 1; without `learns` the weights stay.
    - `weights`: of the read-out (classes, units), by default 0.

    Raises `Invalid` with every fault of the arguments.
    """
    held, faults = checked_patterns(prototypes, "real", where="prototypes")
    faults += whole_faults("classes", classes, 2, 2**16)
    faults += pair_faults("(width, width)", (width, width), 0.05, 4096.0)
    faults += pair_faults("(rate, rate)", (rate, rate), 1e-4, 1.0)
    where = positions(1, len(held)) if places is None else np.asarray(places)
    if not faults and where.shape != (len(held), 2):
        faults.append(Fault("places", f"shape {where.shape}", f"must be ({len(held)}, 2)"))
    start = np.zeros((0, 0)) if faults else np.zeros((classes, len(held)))
    if weights is not None and not faults:
        start = np.asarray(weights, dtype=np.float64)
        if start.shape != (classes, len(held)):
            got, need = f"shape {start.shape}", f"must be ({classes}, {len(held)})"
            faults.append(Fault("weights", got, need))
    if faults:
        raise Invalid("labelled_map.build", faults)
    bump = np.rint(TOP * np.exp(-squared_distances(where) / (2 * width**2)))
    processes, wires = nearest(held, scale or scale_of(held))
    rule = _delta(rate / float((bump**2).sum(axis=0).max())) if learns else None
    processes |= {"bump": Dense(bump), "readout": Dense(start, rule=rule)}
    processes["answer"] = WinnerTakeAll(classes)
    wires += [("winner.s", "bump.s"), ("bump.a", "readout.s"), ("readout.a", "answer.a")]
    if learns:
        processes["target"] = Input(classes, gain=TARGET)
        wires += [("target.out", "readout.target"), ("readout.a", "readout.post")]
    probes = [Probe("winner.s"), Probe("answer.s"), Probe("readout.a")]
    return Graph(name, processes, [Connection(*wire) for wire in wires], probes)


def _delta(rate: float) -> Rule:
    """Return the delta rule, at the last step of a lesson."""
    most = 2.0 * TARGET / TOP
    return Rule(
        "rate*(target - post)*pre",
        {"rate": rate},
        {"target": "post"},
        low=-most,
        high=most,
        epoch="episode",
        signal_bits=16,
    )


def teach(patterns: ArrayLike, labels: ArrayLike, classes: int) -> dict[str, NDArray[Any]]:
    """Return lessons of `patterns` (K, N) with their classes, one each."""
    targets = np.eye(classes)[np.asarray(labels)]
    return ask(patterns) | {"target": np.repeat(targets[:, np.newaxis], STEPS, axis=1)}


def ask(patterns: ArrayLike) -> dict[str, NDArray[Any]]:
    """Return questions after the class of `patterns` (K, N), one each."""
    given = np.asarray(patterns, dtype=np.float64)
    return {"x": np.repeat(given[:, np.newaxis], STEPS, axis=1)}


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    draw = stream(0, "labelled_map", "example")
    prototypes = to_grains(2 * draw.random((8, 3)) - 1, 1.0)
    shown = to_grains(2 * draw.random((12, 3)) - 1, 1.0)
    labels = (shown[:, 0] > 0).astype(int) + (shown[:, 1] > 0)
    graph = build(prototypes, 3, places=positions(2, 4), scale=1.0)
    return graph.with_probes("readout.weights"), teach(shown, labels, 3), STEPS
