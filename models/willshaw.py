"""Willshaw memory: one-shot binary storage of sparse patterns, with inhibition that counts the cue.

D. J. Willshaw, O. P. Buneman and H. C. Longuet-Higgins, "Non-holographic associative memory",
Nature 222, 1969, doi:10.1038/222960a0. As a benchmark of spiking platforms: A. Stoeckel,
C. Jenzen, M. Thies and U. Rueckert, "Binary associative memories as a benchmark for spiking
neuromorphic hardware", Front. Comput. Neurosci. 11, 2017, doi:10.3389/fncom.2017.00071.

Pairs of a key x and a value y, both 0/1, are stored in binary weights; recall compares sums with
the size of the cue::

    W_ij = max over patterns of y_i x_j,        y_i = [sum_j W_ij x_j >= |x| - slack],  |x| > 0

Auto-association stores each pattern with itself (y = x); hetero-association splits each pattern:
its last ``values`` units are y, the units before them x.

Spiking realisation. Cue and recall are one volley of spikes each. Synapses are 1 bit wide. With
``readout="threshold"`` the graph is feed-forward, and two steps after the cue ``memory`` fires::

    cue -> gather -> inhibitory -> inhibition -> memory     i = max(|x| - 1 - slack, 0), graded
    cue ---------------- synapses ----------------> memory     [sum_j W_ij x_j - i > 0]

``inhibitory`` is one interneuron whose single graded event carries the size of the cue, so that
thresholds need no tuning and a silent cue recalls nothing. With ``readout="winners"`` no size is
needed: the k units with the largest sums fire, one step after the cue, and in auto-association
they are the next cue (iterated retrieval: F. Schwenker, F. T. Sommer and G. Palm, Neural Networks
9(3), 1996). Every quantity is a whole number, at most the width of the cue: `fixed` equals `float`.

Weights are learned by one local rule, dw = y x within [0, 1]: the OR of y and x (`LEARNER`).
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import choice_faults, whole_faults
from hebbgraph.data import sparse_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner, read_volleys
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.harness.corrupt import cues
from hebbgraph.processes import LIF, Dense, Graded, Input, Process, Sparse, WinnerTakeAll
from hebbgraph.result import Result
from hebbgraph.rules.library import willshaw as or_rule

Readout = Literal["threshold", "winners"]


def build(
    patterns: ArrayLike,
    *,
    values: int = 0,
    readout: Readout = "threshold",
    slack: int = 0,
    winners: int | None = None,
    name: str = "willshaw",
) -> Graph:
    """Return the memory of `patterns` (K, N), values 0 and 1, as a process graph.

    - `values`: the last so many units of a pattern are what its other units recall; 0 for
      auto-association.
    - `readout`: ``"threshold"``, one volley of all units that reach the size of the cue, or
      ``"winners"``.
    - `slack`: how many active units of a cue may be wrong (threshold).
    - `winners`: k, by default the number of units that are active in every stored value.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "binary")
    units = stored.shape[1] if not faults else None
    faults += _argument_faults(units, values, readout, slack, winners)
    if not faults:
        faults += _activity_faults(stored, values, readout, winners)
    if faults:
        raise Invalid("willshaw.build", faults)
    if winners is None:
        winners = int(_valued(stored, values)[0].sum())
    return assembled(weights_of(stored, values), readout, slack, winners, name)


def weights_of(patterns: NDArray[Any], values: int = 0) -> NDArray[np.int8]:
    """Return W (values, N), 1 where a value unit was active together with a key unit.

    Columns of value units are 0: there are no such synapses. In auto-association W is (N, N).
    """
    # Sums of a float32 product are at least 1 where they are not 0, whatever they are rounded to.
    active = patterns.astype(np.float32)
    weights = (_valued(active, values).T @ active > 0).astype(np.int8)
    if values:
        weights[:, patterns.shape[1] - values :] = 0
    return weights


def assembled(
    weights: NDArray[Any], readout: Readout, slack: int, winners: int, name: str = "willshaw"
) -> Graph:
    """Return the graph that recalls with `weights` (values, N)."""
    outputs, units = weights.shape
    processes: dict[str, Process | Graph] = {
        "cue": Input(units, signal="spike"),
        "synapses": Dense(weights),
    }
    wires = [Connection("synapses.a", "memory.a")]
    if readout == "winners":
        processes["memory"] = WinnerTakeAll(outputs, k=winners, floor=0)
        wires.append(Connection("cue.out", "synapses.s", delay=1))
        if outputs == units:
            wires.append(Connection("memory.s", "synapses.s", delay=1))
    else:
        is_key = np.arange(units) < units - outputs if outputs < units else np.ones(units, int)
        processes |= {
            "gather": Dense(is_key[np.newaxis].astype(int)),
            "inhibitory": Graded(1, bias=-1 - slack, low=0),
            "inhibition": Dense(np.full((outputs, 1), -1)),
            "memory": LIF(outputs, decay_u=1, decay_v=1, threshold=0),
        }
        wires += [
            Connection("cue.out", "gather.s", delay=1),
            Connection("gather.a", "inhibitory.a"),
            Connection("inhibitory.out", "inhibition.s", delay=1),
            Connection("inhibition.a", "memory.a"),
            Connection("cue.out", "synapses.s", delay=2),
        ]
    return Graph(name, processes, wires, [Probe("cue.out"), Probe("memory.s")])


# --- learning one pattern after another ---------------------------------------------------------


def blank(
    units: int,
    *,
    values: int = 0,
    readout: Readout = "threshold",
    slack: int = 0,
    winners: int | None = None,
) -> Graph:
    """Return the graph that learns: a teacher lets keys arrive and makes value units fire.

    Step 0 of a lesson shows the pattern; at step 1 it has crossed the synapses and ``memory`` fires
    its value, and every synapse between two active units is set. Columns of value units learn
    too, and are left out of what recalls.

    Raises `Invalid` with every fault of the arguments.
    """
    faults = _argument_faults(units, values, readout, slack, winners)
    if not faults and readout == "winners" and winners is None:
        need = "must be given where patterns are learned one by one"
        faults.append(Fault("winners", "None", need, "say how many units of a value are active"))
    if faults:
        raise Invalid("willshaw.blank", faults)
    outputs = values or units
    ends = np.arange(outputs)
    processes: dict[str, Process | Graph] = {
        "teacher": Input(units, signal="spike"),
        "force": Sparse(units, outputs, ends + units - outputs, ends, np.ones(outputs, int)),
        "memory": LIF(outputs, decay_u=1, decay_v=1, threshold=0),
        "synapses": Dense(np.zeros((outputs, units)), rule=or_rule()),
    }
    wires = [
        Connection("teacher.out", "force.s", delay=1),
        Connection("force.a", "memory.a"),
        Connection("teacher.out", "synapses.s", delay=1),
        Connection("memory.s", "synapses.post"),
    ]
    return Graph("willshaw_learning", processes, wires, [Probe("memory.s")])


def teach(patterns: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return lessons of `patterns` (K, N), one each, as data of the Input ``teacher``."""
    return {"teacher": np.asarray(patterns)[:, np.newaxis, :]}


def learned(
    result: Result,
    *,
    values: int = 0,
    readout: Readout = "threshold",
    slack: int = 0,
    winners: int | None = None,
) -> Graph:
    """Return the memory of what a run of `blank` learned."""
    weights = np.rint(result.value("synapses.weights")).astype(np.int8)
    if values:
        weights[:, weights.shape[1] - values :] = 0
    return assembled(weights, readout, slack, winners or 1)


# --- what can be wrong --------------------------------------------------------------------------


def _valued(patterns: NDArray[Any], values: int) -> NDArray[Any]:
    """Return the value part of each pattern, all of it in auto-association."""
    return patterns[:, patterns.shape[1] - values :] if values else patterns


def _argument_faults(
    units: int | None, values: Any, readout: Any, slack: Any, winners: Any
) -> list[Fault]:
    most = units - 1 if units else 2**31
    faults = whole_faults("values", values, 0, most, ", and leave units for the key")
    faults += choice_faults("readout", readout, get_args(Readout))
    faults += whole_faults("slack", slack, 0, units or 2**31)
    if winners is not None:
        outputs = values if not faults and values else units
        faults += whole_faults("winners", winners, 1, outputs or 2**31)
    return faults


def _activity_faults(
    stored: NDArray[Any], values: int, readout: Readout, winners: int | None
) -> list[Fault]:
    faults = []
    keys = stored[:, : stored.shape[1] - values]
    for part, what in ((keys, "key"), (_valued(stored, values), "value")):
        empty = np.flatnonzero(part.sum(axis=1) == 0)
        if len(empty) and (values or what == "key"):
            got = f"no active unit in the {what} of pattern {empty[0]}, {len(empty)} such"
            faults.append(Fault("patterns", got, "must have at least one 1", "leave them out"))
    sizes = np.unique(_valued(stored, values).sum(axis=1))
    if not faults and readout == "winners" and winners is None and len(sizes) > 1:
        got = f"None, and {sizes[0]} to {sizes[-1]} units are active in a value"
        faults.append(Fault("winners", got, "must be given where values differ in size"))
    return faults


LEARNER = Learner(blank, teach, learned, steps=2)
FAMILY = Family(
    build,
    alphabet="binary",
    read=read_volleys,
    steps=6,
    corruption=("hide", 0.3),
    learner=LEARNER,
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    stored = sparse_patterns(12, 40, seed=0, active=5).patterns
    spoiled = cues(stored[:6], "move", 0.2, seed=0, alphabet="binary")[:, 0]
    hidden = cues(stored[:6], "hide", 0.4, seed=0, alphabet="binary")[:, 0]
    silent = np.zeros((1, 40), np.int8)
    shown = np.concatenate([spoiled, hidden, silent])
    graph = build(stored, slack=1).with_probes("memory.v", "inhibitory.out")
    return graph, {"cue": shown[:, np.newaxis]}, 4
