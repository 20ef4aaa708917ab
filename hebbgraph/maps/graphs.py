"""The graphs of maps: one that learns prototypes on a lattice, one that recalls them.

`hebbgraph.models.som` has the equations and the spiking realisation.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import (
    Bus,
    Clock,
    Dense,
    Graded,
    Input,
    LeakyIntegrator,
    Polynomial,
    Process,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.rules import Rule

Neighbourhood = Literal["gaussian", "rectangle", "parabola"]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: Arguments of a `Connection`.
Wire = tuple[Any, ...]
Epoch = int | Literal["episode"]

#: Steps from 0 to the scale: values are graded events of this resolution.
GRAIN = 128
#: What an eta of 1 is.
ONE = 2**16
#: What a kernel of 1 is where it is no parabola; the pulse has the remaining bits.
KERNEL = 2**6
#: The grain of a rate.
LEAST_RATE = KERNEL / ONE
#: Most units: the kernel has the square of their number as synapses.
MOST_UNITS = 4096
#: The widest parabola: -d2 is a weight of 8 bits.
WIDEST = 15.0
#: Steps of a lesson that is an episode of its own, and from one to the next within an episode.
LESSON, PACE = 3, 2
#: Never again within an episode.
LONG = 2**30


def positions(rows: int, cols: int) -> Whole:
    """Return the places (units, 2) of a lattice, row by row."""
    return np.stack(np.divmod(np.arange(rows * cols), cols), axis=1)


def squared_distances(places: Whole) -> Whole:
    """Return d2 (units, units) between places on a lattice."""
    steps = places[:, np.newaxis] - places[np.newaxis]
    return np.asarray((steps**2).sum(axis=2))


def scale_of(patterns: NDArray[Any]) -> float:
    """Return the power of two that all values of `patterns` fit in, in whole grains."""
    largest = max(float(np.abs(patterns).max()), 2.0**-40)
    return 2.0 ** math.ceil(math.log2(largest * GRAIN / (GRAIN - 1)))


def to_grains(weights: NDArray[Any], scale: float) -> Floats:
    """Return `weights` as whole numbers of grains, scale / 128, with 127 at most."""
    grains = np.clip(np.rint(np.asarray(weights) * (GRAIN / scale)), 1 - GRAIN, GRAIN - 1)
    return np.asarray(grains * (scale / GRAIN))


def learning_graph(
    weights: Floats,
    places: Whole,
    *,
    scale: float,
    length: float,
    neighbourhood: Neighbourhood,
    width: float,
    rate: float | None = None,
    switched: bool = False,
    name: str = "som_learning",
) -> Graph:
    """Return the graph that learns from `weights` (units, N) on, units at `places` (units, 2).

    Values are within `scale`, inputs no longer than `length`. With a `rate` each lesson is an
    episode of `LESSON` steps. Without one, all lessons are one episode (`in_a_row`), and the rate
    comes from Input ``strength`` (a parabola's also from ``reach``; the width is theirs), see
    `schedule`. With `switched`, units are off where Input ``alive`` is 0: they neither win nor
    learn.
    """
    units, channels = weights.shape
    grain = scale / GRAIN
    base = base_of(length, grain)
    stencil = neighbourhood != "parabola"
    gain = ONE // KERNEL if stencil else ONE
    pulse = 0.0 if rate is None else gain * rate / (1.0 if stencil else width**2)
    reach = 0.0 if rate is None or stencil else ONE * rate
    epoch: Epoch = PACE if rate is None else "episode"
    norms = -(weights**2).sum(axis=1, keepdims=True) / (2 * grain * base)
    processes: dict[str, Process | Graph] = {
        "x": Input(channels, gain=1 / grain),
        "prototypes": Dense(weights, rule=_prototype_rule(scale, epoch)),
        "base": Graded(1, bias=base),
        "norms": Dense(norms, rule=_norm_rule(grain, base, epoch)),
        "winner": WinnerTakeAll(units),
        "pulse": Graded(units, bias=np.rint(pulse)),
        "kernel": Dense(kernel(places, neighbourhood, width)),
        "eta": Graded(units, bias=np.rint(reach), low=0, high=ONE),
        "eta2": Polynomial(units, [0, 0, 1], divisor=ONE, limit=ONE, bits=24),
        "squares": Polynomial(channels, [0, 0, 1], limit=GRAIN),
        "energy": Bus(channels),
    }
    wires: list[Wire] = [
        *(("x.out", "prototypes.s"), ("base.out", "norms.s")),
        *(("prototypes.a", "winner.a"), ("norms.a", "winner.a")),
        *(("winner.s", "pulse.on"), ("pulse.out", "kernel.s"), ("kernel.a", "eta.a")),
        *(("eta.out", "eta2.a"), ("x.out", "squares.a", 1), ("squares.out", "energy.x")),
        *(("eta.out", "prototypes.eta"), ("eta.out", "norms.eta"), ("eta2.out", "norms.eta2")),
        *(("prototypes.a", "norms.match"), ("energy.out", "norms.energy")),
    ]
    _add_inputs(processes, wires, gain, rate is None, stencil, units * switched)
    return Graph(name, processes, [Connection(*wire) for wire in wires], [Probe("winner.s")])


def _add_inputs(
    processes: dict[str, Process | Graph],
    wires: list[Wire],
    gain: int,
    scheduled: bool,
    stencil: bool,
    switched: int,
) -> None:
    """Add the Inputs that steer a graph that learns: ``strength``, ``reach``, ``alive``.

    `switched` is how many units there are to switch.
    """
    if scheduled:
        processes["strength"] = Input(1, gain=gain)
        wires.append(("strength.out", "pulse.a"))
        if not stencil:
            processes["reach"] = Input(1, gain=ONE)
            wires.append(("reach.out", "eta.a"))
    if switched:
        processes["alive"] = Input(switched, signal="spike")
        wires += [("alive.out", "winner.on"), ("alive.out", "eta.on")]


def base_of(length: float, grain: float) -> float:
    """Return the power of two that v is counted in, so that 8 bits hold that of `length`."""
    return 2.0 ** max(0, math.ceil(math.log2(length**2 / (2 * grain * 255))))


def kernel(places: Whole, neighbourhood: Neighbourhood, width: float) -> Floats:
    """Return the weights (units, units) over which a pulse of the winner spreads, whole numbers."""
    d2 = squared_distances(places)
    if neighbourhood == "parabola":
        return np.asarray(-np.minimum(d2, 255), dtype=np.float64)
    if neighbourhood == "rectangle":
        return np.asarray(KERNEL * (d2 <= width**2), dtype=np.float64)
    return np.asarray(np.rint(KERNEL * np.exp(-d2 / (2 * width**2))))


def _prototype_rule(scale: float, epoch: Epoch) -> Rule:
    """Return dw = eta (x - w)."""
    constants = {"grain": scale / GRAIN, "one": ONE}
    dw = "eta*(grain*pre - w)/one"
    return Rule(dw, constants, {"eta": "post"}, low=-scale, high=scale, epoch=epoch)


def _norm_rule(grain: float, base: float, epoch: Epoch) -> Rule:
    """Return the change of v = -|w|^2 / 2, in units of grain * base."""
    dw = "-(eta - eta2)*match/(base*one) - (2*eta - eta2)*w/one - half_grain*eta2*energy/(base*one)"
    constants = {"half_grain": grain / 2, "base": base, "one": ONE}
    factors: Any = {"eta": "post", "eta2": "post", "match": "post", "energy": "all"}
    bounds: Any = {"low": -255.0, "high": 0.0}
    return Rule(dw, constants, factors, epoch=epoch, signal_bits=24, **bounds)


def nearest(weights: Floats, scale: float) -> tuple[dict[str, Process | Graph], list[Wire]]:
    """Return processes and wires from Input ``x`` to ``winner``, a step later: the nearest unit.

    Prototypes `weights` (units, N) are whole numbers of grains: they and their norms are exact in
    both domains.
    """
    held = to_grains(weights, scale)
    half = (held**2).sum(axis=1) * (GRAIN / scale) / 2
    processes: dict[str, Process | Graph] = {
        "x": Input(held.shape[1], gain=GRAIN / scale),
        "prototypes": Dense(held),
        "score": Graded(len(held), bias=-half),
        "winner": WinnerTakeAll(len(held)),
    }
    wires: list[Wire] = [
        *(("x.out", "prototypes.s"), ("prototypes.a", "score.a"), ("score.out", "winner.a")),
    ]
    return processes, wires


def winner_graph(weights: Floats, scale: float, name: str = "map_winners") -> Graph:
    """Return the graph whose ``winner`` is the unit nearest to what ``x`` was a step before."""
    processes, wires = nearest(weights, scale)
    return Graph(name, processes, [Connection(*wire) for wire in wires], [Probe("winner.s")])


def recall_graph(weights: Floats, scale: float, name: str = "som") -> Graph:
    """Return the graph that recalls: the prototype of `weights` (units, N) nearest to a cue.

    The cue is shown at step 0, its winner spikes at step 1, and from step 2 on ``memory`` holds the
    winner's prototype, which comes back over the same synapses.
    """
    processes, wires = nearest(weights, scale)
    units, channels = weights.shape
    processes |= {
        "cue": processes.pop("x"),
        "now": Clock(LONG, ((1, 2),)),
        "back": Transpose("prototypes", units, channels),
        "memory": LeakyIntegrator(channels),
    }
    wires = [
        *(("cue.out", "prototypes.s"), *wires[1:], ("now.out", "winner.on")),
        *(("winner.s", "back.s"), ("back.a", "memory.a")),
    ]
    probes = [Probe("winner.s"), Probe("memory.out")]
    return Graph(name, processes, [Connection(*wire) for wire in wires], probes)
