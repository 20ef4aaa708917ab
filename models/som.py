"""Self-organising map: units on a lattice whose prototypes spread over the data and keep its order.

T. Kohonen, "Self-organized formation of topologically correct feature maps", Biol. Cybern. 43,
1982, doi:10.1007/BF00337288. As the first layers of action recognition: Z. Gharaee, "Action in
Mind", 2018, arXiv:2104.14870; there as here with a `growing_grid` beside it.

With prototypes w_i at places r_i of a lattice, every lesson x moves the winner and those near it::

    c = argmin_i |x - w_i|,    w_i += eta_i (x - w_i),    eta_i = rate g(|r_i - r_c|^2)
    g(d2) = exp(-d2 / 2 width^2)   ``gaussian``
            [d2 <= width^2]        ``rectangle``
            max(0, 1 - d2 / width^2)   ``parabola``

and the recall of x is w_c. The winner is found by a score that is linear in x: |x - w|^2 is least
where w x - |w|^2 / 2 is largest. For this |w|^2 must follow w, and it does, inside the graph: a
synapse v = -|w|^2 / 2 of each unit, from one unit that is always active, learns by the identity ::

    v += -eta (1 - eta) w x - (2 eta - eta^2) v - eta^2 |x|^2 / 2

whose signals are all at the synapse: eta, eta^2 and the match w x at its unit, |x|^2 for all.
Errors
of v shrink by (1 - eta)^2 in each lesson, so the rounding of a chip does not add up.

Spiking realisation. A lesson takes three steps, the last of which can be the first of the next
(`hebbgraph.maps.training.in_a_row`); only the winner spikes::

    x is shown                                        step 0, graded
    x -> prototypes, norms -> winner                  step 1, one spike
    winner -> pulse -> kernel -> eta -> eta^2         step 2, one graded event spreads
    the rules of prototypes and norms                 at its end

``gaussian``, ``rectangle``: the kernel holds g, the pulse the rate; a run has a constant width.
``parabola``: the kernel holds -d2, the pulse rate / width^2, and ``eta`` is what is above 0 of
``reach`` - pulse d2, reach = rate: a schedule of both runs in one graph. No energy function exists
(Erwin, Obermayer and Schulten, Biol. Cybern. 67, 1992, doi:10.1007/BF00201801).

Precision. Values are graded events of 8 bits (``GRAIN`` steps up to the scale), eta a whole number
of 1/65536, weights 8 bits with 8 more in their accumulators, v 8 bits of the longest input's
|x|^2 / 2. In `fixed` maps are bit-equal on all engines; they differ from `float` by this rounding.
In what recalls, prototypes are whole numbers of grains, and |w|^2 is exact in both domains.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import choice_faults, whole_faults
from hebbgraph.compile import compile  # noqa: A004
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner
from hebbgraph.graph import Graph
from hebbgraph.maps import (
    GRAIN,
    LEAST_RATE,
    LESSON,
    MOST_UNITS,
    WIDEST,
    Map,
    Neighbourhood,
    alone,
    falling,
    in_a_row,
    learning_graph,
    lesson_order,
    pair_faults,
    plastic_only,
    positions,
    positive_faults,
    recall_graph,
    scale_of,
    schedule,
    to_grains,
)
from hebbgraph.processes import Domain
from hebbgraph.random import stream
from hebbgraph.result import Result

#: Lessons per unit unless told otherwise.
LESSONS = 40


# --- training -----------------------------------------------------------------------------------


def train(
    patterns: ArrayLike,
    rows: int = 5,
    cols: int = 5,
    *,
    lessons: int | None = None,
    neighbourhood: Neighbourhood = "gaussian",
    rates: tuple[float, float] = (0.5, 0.02),
    widths: tuple[float, float] | None = None,
    phases: int = 8,
    start: ArrayLike | None = None,
    seed: int = 0,
    backend: str = "reference",
    domain: Domain = "float",
    options: Mapping[str, Any] | None = None,
) -> Map:
    """Return the map of `patterns` (K, N) on a lattice of `rows` times `cols`.

    Rate and width fall by a constant factor per lesson, from the first to the last of their pair;
    unless it is a parabola's, the width falls in `phases` steps, one graph each. Without `widths`
    it goes from half the longer side to 1/3, where a winner learns alone; without `lessons` there
    are 40 per unit. Prototypes begin as `start` (units, N), by default as patterns, drawn at
    random. All learning is done by the graph, on `backend`.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "real")
    faults += _faults(rows, cols, neighbourhood, rates, widths, lessons)
    if start is not None and not faults:
        faults += _start_faults(start, (rows * cols, stored.shape[1]))
    faults += whole_faults("phases", phases, 1, 2**16) + whole_faults("seed", seed, 0, 2**63 - 1)
    if faults:
        raise Invalid("som.train", faults)
    total = lessons or LESSONS * rows * cols
    first = stored[lesson_order(len(stored), rows * cols, seed + 1)] if start is None else start
    there = np.concatenate([stored, np.asarray(first, dtype=np.float64)])
    scale, length = scale_of(there), float(np.sqrt((there**2).sum(axis=1).max()))
    weights, held = to_grains(there[len(stored) :], scale), None
    progress = (np.arange(total) + 0.5) / total
    rate, width = falling(rates, progress), falling(widths or usual_widths(rows, cols), progress)
    order, places = stored[lesson_order(len(stored), total, seed)], positions(rows, cols)
    stretches = 1 if neighbourhood == "parabola" else min(phases, total)
    for part in np.array_split(np.arange(total), stretches):
        graph = learning_graph(
            weights,
            places,
            scale=scale,
            length=length,
            neighbourhood=neighbourhood,
            width=float(width[part].mean()),
        )
        lessons_here = in_a_row(order[part], **schedule(rate[part], width[part], neighbourhood))
        with compile(graph, backend, domain=domain, **(options or {})) as program:
            result = program.run(lessons_here, weights=held)
        held = plastic_only(result.weights, "prototypes", "norms")
    return Map(result.value("prototypes.weights"), places, scale, total, ((rows, cols),))


def usual_widths(rows: int, cols: int) -> tuple[float, float]:
    """Return the widths that `train` goes through, unless told otherwise."""
    return min(max(rows, cols) / 2, WIDEST), 1 / 3


def build(
    patterns: ArrayLike,
    rows: int = 5,
    cols: int = 5,
    *,
    lessons: int | None = None,
    neighbourhood: Neighbourhood = "gaussian",
    rates: tuple[float, float] = (0.5, 0.02),
    widths: tuple[float, float] | None = None,
    scale: float | None = None,
    length: float | None = None,
    seed: int = 0,
    name: str = "som",
) -> Graph:
    """Return the map that `train` makes of `patterns` (K, N), as the graph that recalls.

    `scale` and `length` are for learning one pattern after another (`blank`); here the patterns
    tell them.

    Raises `Invalid` with every fault of the arguments.
    """
    del scale, length
    found = train(
        patterns,
        rows,
        cols,
        lessons=lessons,
        neighbourhood=neighbourhood,
        rates=rates,
        widths=widths,
        seed=seed,
    )
    return recall_graph(found.weights, found.scale, name)


# --- learning one pattern after another ---------------------------------------------------------


def blank(
    units: int,
    *,
    rows: int = 5,
    cols: int = 5,
    lessons: int | None = None,
    neighbourhood: Neighbourhood = "gaussian",
    rates: tuple[float, float] = (0.5, 0.02),
    widths: tuple[float, float] | None = None,
    scale: float | None = None,
    length: float | None = None,
    seed: int = 0,
) -> Graph:
    """Return the graph that learns `units` channels on-line, its prototypes drawn at random.

    There is no schedule: the rate is the first of `rates`, the width the last of `widths`. Values
    must lie within `scale`, 1 by default, and patterns be no longer than `length`, by default as
    long as the scale allows; a tight one makes `fixed` finer.

    Raises `Invalid` with every fault of the arguments.
    """
    faults = _faults(rows, cols, neighbourhood, rates, widths, lessons)
    for key, value in (("scale", scale), ("length", length)):
        faults += [] if value is None else positive_faults(key, value)
    if faults:
        raise Invalid("som.blank", faults)
    within = scale_of(np.array([(1 - 1 / GRAIN) * (scale or 1.0)]))
    draws = stream(seed, "som", "prototypes").random((rows * cols, units))
    longest = length or within * math.sqrt(units)
    start = to_grains((2 * draws - 1) * min(within, longest / math.sqrt(units)), within)
    wide = widths or usual_widths(rows, cols)
    return learning_graph(
        start,
        positions(rows, cols),
        scale=within,
        length=longest,
        neighbourhood=neighbourhood,
        width=max(wide[1], 1.0) if neighbourhood == "parabola" else wide[1],
        rate=rates[0],
    )


def teach(patterns: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return lessons of `patterns` (K, N), one each, as data of the Input ``x``."""
    return alone(patterns)


def learned(result: Result, *, scale: float | None = None, **_: Any) -> Graph:
    """Return the memory of what a run of `blank` learned."""
    within = scale_of(np.array([(1 - 1 / GRAIN) * (scale or 1.0)]))
    return recall_graph(result.value("prototypes.weights"), within)


# --- what can be wrong --------------------------------------------------------------------------


def _faults(
    rows: Any, cols: Any, neighbourhood: Any, rates: Any, widths: Any, lessons: Any
) -> list[Fault]:
    faults = whole_faults("rows", rows, 1, MOST_UNITS) + whole_faults("cols", cols, 1, MOST_UNITS)
    if not faults and not 2 <= rows * cols <= MOST_UNITS:
        need = f"must make 2 to {MOST_UNITS} units: every two of them have a synapse in the kernel"
        faults.append(Fault("rows * cols", str(rows * cols), need))
    faults += choice_faults("neighbourhood", neighbourhood, get_args(Neighbourhood))
    faults += pair_faults("rates", rates, LEAST_RATE, 1.0)
    if widths is not None:
        most = WIDEST if neighbourhood == "parabola" else float(MOST_UNITS)
        faults += pair_faults("widths", widths, 1 / GRAIN, most)
    return faults + ([] if lessons is None else whole_faults("lessons", lessons, 1, 2**31))


def _start_faults(start: ArrayLike, shape: tuple[int, int]) -> list[Fault]:
    held, faults = checked_patterns(start, "real", where="start")
    if not faults and held.shape != shape:
        faults.append(Fault("start", f"shape {held.shape}", f"must have shape {shape}"))
    return faults


FAMILY = Family(
    build,
    alphabet="real",
    steps=4,
    corruption=("noise", 0.3),
    learner=Learner(blank, teach, learned, steps=LESSON),
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    draw = stream(0, "som", "example")
    patterns = to_grains(2 * draw.random((10, 3)) - 1, 1.0)
    places = positions(3, 4)
    start = to_grains(draw.random((12, 3)) - 0.5, 1.0)
    graph = learning_graph(
        start,
        places,
        scale=1.0,
        length=math.sqrt(3),
        neighbourhood="parabola",
        width=1.0,
        switched=True,
    ).with_probes("prototypes.weights", "norms.weights", "eta.out", "prototypes.a")
    progress = np.arange(10) / 10
    rate, width = falling((0.75, 0.25), progress), falling((3.0, 1.0), progress)
    alive = np.ones((10, 12))
    alive[:, 5] = 0
    signals = schedule(rate, width, "parabola")
    return graph, in_a_row(patterns, alive=alive, **signals), 22
