"""Sparsey: one macrocolumn that stores each item in a single trial, similar items in similar codes.

G. J. Rinkus, "A cortical sparse distributed coding model linking mini- and macrocolumn-scale
functionality", Front. Neuroanat. 4, 2010, doi:10.3389/fnana.2010.00017; "Sparsey: event
recognition via deep hierarchical sparse distributed codes", Front. Comput. Neurosci. 8, 2014,
doi:10.3389/fncom.2014.00160.

A macrocolumn is Q minicolumns of K units, and its code one winner in each. With binary weights w,
input x of |x| ones and Gumbel noise g, the code selection algorithm (CSA) is, in one step::

    V_j  = sum_i w_ji x_i / |x|             share of the input that unit j has seen before
    G    = mean_q max_{j in q} V_j          familiarity: 1 for a stored input
    beta = gain ([G - floor]_+ / (1 - floor))**power
    s_j  = [j = argmax_{j in q} beta V_j + g_j],  so P(j) = exp(beta V_j) / sum_q exp(beta V)
    w_j <- w_j or (s_j and x)               unless ``saturation`` of the weights w_j are 1 already

A novel input (G near 0) gets a random code, a familiar one the code it had, one in between keeps
some winners: similar inputs get overlapping codes. Rinkus weighs units by psi = (eta - 1) / (1 +
exp(-lambda (V - phi))) + 1 with eta set by G; here psi = exp(beta V), which has the same limits,
is a softmax (so Gumbel noise samples it exactly) and needs one product per minicolumn. Compare the
two in `hebbgraph.theory.sparsey`.

The spiking realisation. ``cue`` and ``code`` are spikes. Divisive inhibition by the count of active
inputs is a `Softmax` of the input, so steep that its shares are x_i / |x|; they are graded, of 16
bits. ``peaks``, ``sum``, ``above`` and ``gain`` compute beta, one graded number per step. `Noise`
is Gumbel noise, a table of 256 numbers in `fixed`. Weights are one bit: the rule is dw = s x within
[0, 1]. A blank input has the share 1/N everywhere, hence in the step after the code ``up`` delivers
the filled share of each unit's weights: ``full`` compares it with ``saturation`` and closes the
rule of the units that it exceeds. Shares are rounded down in `fixed` and noise has 256 values,
so that a lesson there may draw other codes than in `float`, and a unit freeze some weights later;
every engine draws and freezes alike.

Recall needs no noise and no normalisation: winners are argmax_j sum_i w_ji x_i, whole numbers, so
`fixed` equals `float`. Feedback weights from the code to the input learn by the same rule from the
same spikes, so they are the transpose of ``up``; ``memory`` holds the cue and then every unit for
which a share ``readout`` of the winners vote. A loop takes two steps, hence the cue is shown for
two: both phases carry it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import hebbgraph as hg
from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import is_whole, whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner, read_spikes
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import (
    Bus,
    Clock,
    Dendrite,
    Dense,
    Graded,
    Input,
    Noise,
    Polynomial,
    Process,
    Softmax,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.random import stream
from hebbgraph.result import Result
from hebbgraph.rules import Rule

#: Steps of a lesson: cue, code, fill.
LESSON = 3
#: With this beta the softmax of a binary input is x / |x|, but for less than 1e-27.
STEEP = 64.0
#: Bits of a share, and of the sum of V over modules: its square must fit in 2**52 with room.
SHARE_BITS, SUM_BITS = 16, 21
#: The floor of G is rounded to this grain, so that `fixed` holds it exactly.
GRAIN = 2.0**-10
#: Most weights, 8 bytes each while they learn.
MOST_WEIGHTS = 2**28


def build(
    patterns: ArrayLike,
    *,
    modules: int = 16,
    width: int = 16,
    floor: float = 0.5,
    gain: float = 60.0,
    power: int = 2,
    saturation: float = 1.0,
    readout: float = 0.9,
    seed: int = 0,
    name: str = "sparsey",
) -> Graph:
    """Return the macrocolumn that has seen `patterns` (M, N), values 0 and 1, once each in order.

    The reference engine runs the graph that learns (`blank`). Q is `modules`, K `width`; for the
    other parameters see the equations above; `seed` is that of the noise. Raises `Invalid` with
    every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "binary")
    if not faults and not stored.any(axis=1).all():
        empty = np.flatnonzero(~stored.any(axis=1))
        got = f"pattern {empty[0]} is all 0, {len(empty)} such patterns"
        faults.append(
            Fault("patterns", got, "must have a 1 each, or there is nothing to divide by")
        )
    units = stored.shape[1] or 1
    settings: dict[str, Any] = {
        "floor": floor,
        "gain": gain,
        "power": power,
        "saturation": saturation,
    }
    faults += parameter_faults(units, modules, width, readout=readout, seed=seed, **settings)
    if faults:
        raise Invalid("sparsey.build", faults)
    graph = blank(units, modules=modules, width=width, seed=seed, **settings)
    steps = LESSON if saturation < 1 else LESSON - 1
    with hg.compile(graph, domain="float") as program:
        result = program.run(teach(stored), steps)
    return recalling(result.weights["up.weights"], modules, readout, name)


def blank(
    units: int,
    *,
    modules: int = 16,
    width: int = 16,
    floor: float = 0.5,
    gain: float = 60.0,
    power: int = 2,
    saturation: float = 1.0,
    readout: float = 0.9,
    seed: int = 0,
    name: str = "sparsey_lesson",
) -> Graph:
    """Return the graph that learns, with all weights 0: an item per episode, cue at step 0.

    The code is there at step 1; weights change at step 1, or at step 2 if there is a `saturation`
    below 1. Raises `Invalid` with every fault.
    """
    faults = whole_faults("units", units, 1, 2**31)
    settings: dict[str, Any] = {
        "floor": floor,
        "gain": gain,
        "power": power,
        "saturation": saturation,
    }
    faults += parameter_faults(units, modules, width, readout=readout, seed=seed, **settings)
    if faults:
        raise Invalid("sparsey.blank", faults)
    late = int(saturation < 1)
    rule = Rule("post*x", factors={"x": "pre"}, low=0, high=1)
    if late:
        rule = replace(rule, dw="post*x*(1 - full)", factors={"x": "pre", "full": "post"})
    hidden, bits = modules * width, share_bits(modules)
    processes: dict[str, Process | Graph] = {
        "cue": Input(units, signal="spike"),
        "shares": Softmax(units, beta=STEEP, bits=bits),
        "up": Dense(np.zeros((hidden, units)), rule=rule),
        "phase": Clock(LESSON, ((1, 2),)),
        "learn": Clock(LESSON, ((1 + late, 2 + late),)),
        **selection(modules, width, floor, gain, power, seed),
    }
    connections = [
        Connection("cue.out", "shares.x"),
        Connection("shares.out", "up.s", delay=1),
        Connection("cue.out", "up.x", delay=1 + late),
        Connection("code.s", "up.post", delay=late),
        Connection("phase.out", "code.on"),
        Connection("learn.out", "up.gate"),
        *competition("up.a"),
    ]
    if late:
        # Half a weight below the number of weights that is meant: sums are rounded.
        level = (math.ceil(round(saturation * units, 6)) - 0.5) / units
        level = max(1, round(level * 2.0**bits)) / 2.0**bits
        processes["full"] = Dendrite(hidden, threshold=level)
        connections += [Connection("up.a", "full.a"), Connection("full.s", "up.full")]
    return Graph(name, processes, connections, [Probe("code.s"), Probe("sum.out")])


def selection(
    modules: int, width: int, floor: float, gain: float, power: int, seed: int, peak: float = 1.0
) -> dict[str, Process]:
    """Return the processes of the CSA; `peak` is V of a familiar input."""
    lowest = round(modules * peak * floor / GRAIN) * GRAIN
    factor = gain / (modules * peak - lowest) ** power
    most = math.ceil(modules * peak)
    return {
        "code": WinnerTakeAll(width, modules),
        "noise": Noise(modules * width, "gumbel", seed=seed),
        "peaks": Bus(width, modules, "max", bits=32),
        "sum": Bus(modules, bits=32),
        "above": Graded(1, bias=-lowest, low=0, high=most, bits=32),
        "gain": Polynomial(1, [0] * power + [factor], limit=most),
    }


def competition(*sources: str) -> list[Connection]:
    """Return the wires of the CSA, evidence V arriving from `sources`."""
    return [
        *(Connection(source, target) for source in sources for target in ("code.a", "peaks.x")),
        Connection("noise.out", "code.n"),
        Connection("peaks.out", "sum.x"),
        Connection("sum.out", "above.a"),
        Connection("above.out", "gain.a"),
        Connection("gain.out", "code.gain"),
    ]


def share_bits(modules: int) -> int:
    """Return how many bits shares have in `fixed`."""
    return max(1, min(SHARE_BITS, SUM_BITS - math.ceil(math.log2(modules))))


def teach(patterns: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return `patterns` (M, N) as lessons for `blank`: each shown at step 0."""
    return {"cue": np.asarray(patterns, dtype=np.float64)[:, np.newaxis, :]}


def recalling(
    weights: NDArray[Any], modules: int, readout: float = 0.9, name: str = "sparsey"
) -> Graph:
    """Return the macrocolumn with `weights` (QK, N) as it recalls: no noise, no learning.

    ``familiar.out`` over ``modules * present.out`` of the step before is G.
    """
    hidden, units = weights.shape
    return Graph(
        name,
        {
            "cue": Input(units, gain=modules),
            "memory": Dendrite(units, threshold=votes(modules, readout)),
            "up": Dense(weights),
            "code": WinnerTakeAll(hidden // modules, modules, floor=0),
            "down": Transpose("up", hidden, units),
            "present": Bus(units, operation="count"),
            "peaks": Bus(hidden // modules, modules, "max"),
            "familiar": Bus(modules),
        },
        [
            Connection("cue.out", "memory.a"),
            Connection("memory.s", "up.s", delay=1),
            Connection("up.a", "code.a"),
            Connection("code.s", "down.s", delay=1),
            Connection("down.a", "memory.a"),
            Connection("memory.s", "present.x"),
            Connection("up.a", "peaks.x"),
            Connection("peaks.out", "familiar.x"),
        ],
        [Probe("memory.s"), Probe("code.s"), Probe("present.out"), Probe("familiar.out")],
    )


def votes(modules: int, readout: float) -> int:
    """Return how many winners must vote for an input unit."""
    return max(1, math.ceil(round(modules * readout, 6)))


def learned(result: Result, *, modules: int = 16, readout: float = 0.9, **_: Any) -> Graph:
    """Return the graph that recalls what a run of `blank` learned."""
    return recalling(result.value("up.weights"), modules, readout)


def familiarity(result: Result, modules: int = 16) -> NDArray[np.float64]:
    """Return G of the cues from a recall: what the mac computes in its second step, (episodes,)."""
    heard = result.value("familiar.out")[:, 1, 0]
    shown = result.value("present.out")[:, 0, 0]
    return np.asarray(heard / (modules * np.maximum(shown, 1)), dtype=np.float64)


def codes(result: Result, modules: int, step: int = 1) -> NDArray[np.int64]:
    """Return the winners at `step` by minicolumn, (episodes, Q); -1 where none won."""
    raster = result.spikes["code"][:, step]
    split = raster.reshape(len(raster), modules, -1)
    return np.where(split.any(axis=2), split.argmax(axis=2), -1)


def parameter_faults(units: int, modules: Any, width: Any, **values: Any) -> list[Fault]:
    """Return everything wrong with the parameters of `build`."""
    found = whole_faults("modules", modules, 1, 2**10) + whole_faults("width", width, 2, 2**16)
    if not found and modules * width * units > MOST_WEIGHTS:
        got = f"{modules} x {width} units x {units} inputs"
        need = f"must not exceed {MOST_WEIGHTS} weights (2 GiB while they learn)"
        found.append(Fault("modules", got, need, "use fewer modules or a smaller width"))
    ranges = {
        "floor": (0, 1, "at least 0 and below 1"),
        "gain": (0, 2.0**12, "in (0, 4096)"),
        "saturation": (0, 1, "above 0, 1 for no freezing"),
        "readout": (0, 1, "above 0 and at most 1, the share of winners that vote"),
    }
    for name, (low, high, words) in ranges.items():
        if name not in values:
            continue
        value = values[name]
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        lowest = low <= value if number and name == "floor" else number and low < value
        highest = number and (value < high if name in ("floor", "gain") else value <= high)
        if not (lowest and highest):
            found.append(Fault(name, repr(value), f"must be a number {words}"))
    if "power" in values:
        found += whole_faults("power", values["power"], 1, 2)
    if not is_whole(values.get("seed", 0)) or values.get("seed", 0) < 0:
        found.append(Fault("seed", repr(values["seed"]), "must be a whole number from 0 on"))
    return found


def show_twice(cues: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return cues (episodes, N) as data of the Input ``cue``, shown at steps 0 and 1."""
    shown = np.asarray(cues, dtype=np.float64)[:, np.newaxis, :]
    return {"cue": np.repeat(shown, 2, axis=1)}


FAMILY = Family(
    build,
    alphabet="binary",
    present=show_twice,
    read=read_spikes,
    steps=6,
    corruption=("move", 0.2),
    learner=Learner(blank, teach, learned, LESSON),
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return lessons of similar items with freezing, for the conformance suite."""
    draws = stream(0, "sparsey", "example").random((6, 24))
    items = (draws < 0.3).astype(float)
    items[3:5] = np.where(draws[3:5] > 0.85, 1 - items[1:3], items[1:3])  # similar to two before
    items[5] = items[0]
    graph = blank(24, modules=4, width=5, floor=0.25, saturation=0.4)
    probes = ("up.a", "up.weights", "shares.out", "gain.out", "full.s", "peaks.out")
    return graph.with_probes(*probes), teach(items), LESSON
