"""Bidirectional associative memory: pairs of patterns, each recalled from the other.

B. Kosko, "Bidirectional associative memories", IEEE Trans. Syst. Man Cybern. 18(1), 1988,
doi:10.1109/21.87054.

Pairs (x, y) of -1/+1 patterns are stored in one matrix between two layers, and the layers decide
in turns; a unit keeps its state where its field is 0::

    W = sum_mu y^mu (x^mu)^T,    y <- sign(W x),    x <- sign(W^T y)

Every turn lowers E = -y^T W x, so every recall comes to rest, whatever W is.

A pattern of the family is x followed by y, ``split`` units and the others. A cue may know one of
them only (0 for the other): corruption ``hide_end`` hides y.

The spiking realisation is two populations of `Sign` units that send their state, -1 or +1, or with
``event`` the change of it, when there is one; W is a `Dense` and its `Transpose`. The cue arrives
at the port ``set`` through one-to-one synapses, so the layers hold it in step 1; y decides in
even steps and x in odd ones, by clocks at the ports ``on``. W is counted in whole numbers that
saturate at ``weight_bits``, so `fixed` equals `float`. The rule is local: W can be learned in the
graph, a pair at a time (`hebb` at the synapses from x to y).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import flag_faults, memory_faults, whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner, show_first
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import Clock, Dense, Input, Process, Sign, Sparse, Transpose
from hebbgraph.random import stream
from hebbgraph.result import Result
from hebbgraph.rules.library import hebb

#: Widest weight of the chip with its sign, and widest of all.
CHIP_BITS, MOST_BITS = 8, 24
#: Matrices in float64 that are held while one is built, or run.
COPIES = 2
#: Steps that no episode is as long as: a clock of this period ticks once.
NEVER = 2**31
#: Steps of a lesson: the pair is shown, taken by the layers, seen by the synapses.
LESSON = 3


def build(
    patterns: ArrayLike,
    *,
    split: int | None = None,
    event: bool = False,
    weight_bits: int = CHIP_BITS,
    name: str = "bam",
) -> Graph:
    """Return the memory of `patterns` (K, N), each x of `split` units followed by y of the others.

    By default x is the first half. `event` sends changes only. W saturates at
    2**(`weight_bits` - 1) - 1; up to 8 bits fit the chip. Raises `Invalid` with every fault of the
    arguments.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    units = stored.shape[1]
    faults += _faults(units, split, event, weight_bits)
    faults += memory_faults("patterns", f"{units} units", COPIES * 8.0 * (units / 2) ** 2)
    if faults:
        raise Invalid("bam.build", faults)
    x, y = _layers(stored, split)
    largest = 2 ** (weight_bits - 1) - 1
    weights = np.clip(y.T.astype(np.float32) @ x.astype(np.float32), -largest, largest)
    return _recalling(name, weights, event)


def _faults(units: int, split: object, event: object, weight_bits: object) -> list[Fault]:
    found = flag_faults("event", event)
    chip = f"; the chip takes up to {CHIP_BITS}"
    found += whole_faults("weight_bits", weight_bits, 2, MOST_BITS, chip)
    if units and split is not None:
        found += whole_faults("split", split, 1, max(units - 1, 1), ": both layers need units")
    if units == 1:
        found.append(Fault("patterns", "1 unit", "must hold two or more, for two layers"))
    return found


def _layers(values: NDArray[Any], split: int | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return x and y of values (..., N)."""
    at = values.shape[-1] // 2 if split is None else split
    return values[..., :at], values[..., at:]


def _recalling(name: str, weights: NDArray[Any], event: bool) -> Graph:
    """Return the graph that recalls with W (units of y, units of x)."""
    post, pre = weights.shape
    processes, connections = _units(pre, post, event)
    processes |= {
        "forward": Dense(weights),
        "backward": Transpose("forward", post=post, pre=pre),
        "take_cue": Clock(NEVER, ((1, 2),)),
        "x_turn": Clock(2, ((1, 2),)),
        "y_turn": Clock(2, ((0, 1),)),
    }
    connections += [
        Connection("x.s", "forward.s", delay=1),
        Connection("forward.a", "y.a"),
        Connection("y.s", "backward.s", delay=1),
        Connection("backward.a", "x.a"),
        Connection("x_turn.out", "x.on"),
        Connection("y_turn.out", "y.on"),
        Connection("take_cue.out", "y.on"),
    ]
    variable = "sigma" if event else "s"
    return Graph(name, processes, connections, [Probe(f"{layer}.{variable}") for layer in "xy"])


def _units(pre: int, post: int, event: bool) -> tuple[dict[str, Process], list[Connection]]:
    """Return both layers and how the cue enters them."""
    units, x, y = pre + post, np.arange(pre), np.arange(post)
    processes: dict[str, Process] = {
        "cue": Input(units, signal="ternary"),
        "show_x": Sparse(units, pre, x, x, np.ones(pre)),
        "show_y": Sparse(units, post, pre + y, y, np.ones(post)),
        "x": Sign(pre, integrates=event),
        "y": Sign(post, integrates=event),
    }
    connections = [Connection("cue.out", f"show_{layer}.s", delay=1) for layer in "xy"]
    connections += [Connection(f"show_{layer}.a", f"{layer}.set") for layer in "xy"]
    return processes, connections


def blank(
    units: int, *, split: int | None = None, event: bool = False, weight_bits: int = CHIP_BITS
) -> Graph:
    """Return the network that learns one pair in an episode of `LESSON` steps."""
    faults = _faults(units, split, event, weight_bits)
    if faults:
        raise Invalid("bam", faults)
    pre = units // 2 if split is None else split
    largest = 2 ** (weight_bits - 1) - 1
    rule = hebb(low=-largest, high=largest, epoch="episode")
    processes, connections = _units(pre, units - pre, event=False)
    processes["forward"] = Dense(np.zeros((units - pre, pre)), rule=rule)
    connections += [
        Connection("x.s", "forward.s", delay=1),
        Connection("y.s", "forward.post", delay=1),
    ]
    return Graph("bam_learning", processes, connections)


def from_learned(result: Result, *, name: str = "bam", event: bool = False, **_: Any) -> Graph:
    """Return the memory of what a run of `blank` learned; other parameters were its own."""
    learned = result.weights["forward.weights"] / result.scales.get("forward.weights", 1.0)
    return _recalling(name, learned, event)


def read(result: Result) -> NDArray[Any]:
    """Return the states of x and y side by side, (episodes, steps, N); 0 in step 0."""
    if "x.sigma" in result.states:
        layers = [result.value("x.sigma"), result.value("y.sigma")]
    else:
        layers = [result.spikes["x"], result.spikes["y"]]
    return np.concatenate(layers, axis=-1)


def energy(
    patterns: ArrayLike,
    states: ArrayLike,
    *,
    split: int | None = None,
    weight_bits: int = CHIP_BITS,
    **_: Any,
) -> NDArray[np.float64]:
    """Return E = -y^T W x of states (..., N), with the W that `build` stores."""
    x, y = _layers(checked_patterns(patterns, "bipolar")[0].astype(np.float64), split)
    largest = 2 ** (weight_bits - 1) - 1
    weights = np.clip(y.T @ x, -largest, largest)
    one, other = _layers(np.asarray(states, dtype=np.float64), split)
    return np.asarray(-((one @ weights.T) * other).sum(axis=-1))


FAMILY = Family(
    build,
    read=read,
    corruption=("hide_end", 0.5),
    energy=energy,
    learner=Learner(blank, show_first, from_learned, steps=LESSON),
    variants={"event": {"event": True}},
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    patterns = np.where(stream(0, "bam", "example").random((3, 26)) < 0.5, 1, -1)
    one, other, both = patterns.copy(), patterns.copy(), patterns.copy()
    one[:, 14:], other[:, :14], both[:, ::5] = 0, 0, -both[:, ::5]
    graph = build(patterns, split=14).with_probes("x.h", "y.h", "y.sigma")
    return graph, show_first(np.concatenate([one, other, both])), 9
