"""Sparsey for sequences: horizontal weights make a code stand for an input in its context.

G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes", Front.
Comput. Neurosci. 8, 2014, doi:10.3389/fncom.2014.00160.

As `hebbgraph.models.sparsey`, with weights h from the code of one frame to that of the next, which
learn by the same rule in the same single trial. For frame x(t) and the code s(t-1) before it::

    V_j = sum_i w_ji x_i(t) / |x(t)| + eta sum_k h_jk s_k(t-1),    eta the power of two up to 1 / Q
    G   = mean_q max_{j in q} V_j / (1 + eta Q)
    h   <- h or (s(t) and s(t-1))

and P(j) = exp(beta V_j) / sum_q exp(beta V): as probabilities the evidence from below and from the
side multiply, which is Rinkus's U^a H^b. A known frame in a new context has G of about 1/2, so with
``floor`` at 1/2 or above it gets a new code: the mac remembers whole pasts, and sequences that
share frames are kept apart. No context can be wrong for the first frame: ``start`` adds what a
perfect one would.

A sequence is an episode, a frame a step; codes follow a step behind. Recall takes a prompt, the
first frames; when it ends, h alone drives the mac through the codes that followed, and the feedback
weights (the transpose of ``up``) show their frames, two steps behind. With |x| = A for all frames
recall needs whole numbers only, Q' sum w x + A' sum h s (Q' : A' = Q : A), and `fixed` equals
`float`. There is no freezing here: ``full`` would have to be asked between frames.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import hebbgraph as hg
from hebbgraph.alphabets import checked_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.models.sparsey import (
    STEEP,
    competition,
    parameter_faults,
    selection,
    share_bits,
    votes,
)
from hebbgraph.processes import (
    Clock,
    Dendrite,
    Dense,
    Input,
    Process,
    Softmax,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.random import stream
from hebbgraph.rules import Rule

#: Bits of a share: the largest power of two that one weight, of `start`, can be is 2**14.
SHARE_BITS = 14
#: The largest factor on whole weights of recall: a mantissa of one sign.
MOST = 255


def build(
    sequences: ArrayLike,
    *,
    modules: int = 16,
    width: int = 16,
    floor: float = 0.6,
    gain: float = 60.0,
    power: int = 2,
    readout: float = 0.9,
    seed: int = 0,
    name: str = "sparsey_sequences",
) -> Graph:
    """Return the macrocolumn that has seen `sequences` (S, L, N) of 0 and 1 once each, in order.

    Show a prompt of frames to ``cue`` from step 0 on; ``memory`` shows the frame of step t at step
    t + 2, and goes on when the prompt has ended. Raises `Invalid` with every fault.
    """
    given, faults = _checked(sequences)
    settings: dict[str, Any] = {"floor": floor, "gain": gain, "power": power}
    faults += parameter_faults(
        given.shape[2], modules, width, readout=readout, seed=seed, **settings
    )
    if faults:
        raise Invalid("sparsey_sequences.build", faults)
    length, units = given.shape[1:]
    graph = blank(units, length, modules=modules, width=width, seed=seed, **settings)
    with hg.compile(graph, domain="float") as program:
        weights = program.run(teach(given), length + 1).weights
    active = given.sum() / (len(given) * length)
    return recalling(
        weights["up.weights"],
        weights["across.weights"] > 0,
        modules,
        active=float(active),
        readout=readout,
        name=name,
    )


def _checked(sequences: ArrayLike) -> tuple[NDArray[Any], list[Fault]]:
    """Return `sequences` (S, L, N) as an array, and everything wrong with them."""
    none = np.zeros((1, 1, 1))
    try:
        given = np.asarray(sequences)
        got = f"shape {given.shape}"
    except ValueError:
        given, got = np.zeros(0), "rows of mixed length"
    if given.ndim != 3 or given.size == 0 or given.dtype == object:
        need = "must be an array (sequences, frames, units) with at least one of each"
        return none, [Fault("sequences", got, need, "make all equally long")]
    frames, faults = checked_patterns(given.reshape(-1, given.shape[2]), "binary")
    if faults:
        return none, faults
    if not frames.any(axis=1).all():
        return none, [Fault("sequences", "a frame that is all 0", "every frame must have a 1")]
    return given, []


def blank(
    units: int,
    length: int,
    *,
    modules: int = 16,
    width: int = 16,
    floor: float = 0.6,
    gain: float = 60.0,
    power: int = 2,
    seed: int = 0,
    name: str = "sparsey_sequence_lesson",
) -> Graph:
    """Return the graph that learns sequences of `length` frames, one an episode, weights 0."""
    hidden, eta = modules * width, share(modules)
    bottom_up = Rule("post*x", factors={"x": "pre"}, low=0, high=1)
    horizontal = Rule("eta*post*pre", {"eta": eta}, low=0, high=eta)
    peak = 1 + eta * modules
    chosen = selection(modules, width, floor, gain, power, seed, peak)
    processes: dict[str, Process | Graph] = {
        "cue": Input(units, signal="spike"),
        "shares": Softmax(units, beta=STEEP, bits=min(SHARE_BITS, share_bits(2 * modules))),
        "up": Dense(np.zeros((hidden, units)), rule=bottom_up),
        "across": Dense(np.zeros((hidden, hidden)), rule=horizontal),
        "begin": Clock(length + 1, ((0, 1),)),
        "start": Dense([[peak - 1]]),
        "phase": Clock(length + 1, ((1, length + 1),)),
        **chosen,
    }
    connections = [
        Connection("cue.out", "shares.x"),
        Connection("shares.out", "up.s", delay=1),
        Connection("cue.out", "up.x", delay=1),
        Connection("code.s", "up.post"),
        Connection("code.s", "across.s", delay=1),
        Connection("code.s", "across.post"),
        Connection("begin.out", "start.s", delay=1),
        Connection("phase.out", "code.on"),
        *competition("up.a", "across.a", "start.a"),
    ]
    return Graph(name, processes, connections, [Probe("code.s"), Probe("sum.out")])


def share(modules: int) -> float:
    """Return eta, the largest power of two that is not above 1 / Q."""
    return 2.0 ** -math.ceil(math.log2(modules))


def teach(sequences: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return `sequences` (S, L, N) as lessons for `blank`."""
    return {"cue": np.asarray(sequences, dtype=np.float64)}


def recalling(
    up: NDArray[Any],
    across: NDArray[Any],
    modules: int,
    *,
    active: float,
    readout: float = 0.9,
    name: str = "sparsey_sequences",
) -> Graph:
    """Return the mac with weights `up` (QK, N) and `across` (QK, QK) of 0 and 1 as it recalls.

    `active` is |x|, or its mean: what a vote from the side counts beside one from below.
    """
    hidden, units = up.shape
    grain = max(1.0, max(modules, active) / MOST)
    below, aside = max(1, round(modules / grain)), max(1, round(active / grain))
    return Graph(
        name,
        {
            "cue": Input(units, signal="spike"),
            "up": Dense(np.asarray(up) * below),
            "across": Dense(np.asarray(across) * aside),
            "code": WinnerTakeAll(hidden // modules, modules, floor=0),
            "down": Transpose("up", hidden, units),
            "memory": Dendrite(units, threshold=below * votes(modules, readout)),
        },
        [
            Connection("cue.out", "up.s", delay=1),
            Connection("up.a", "code.a"),
            Connection("code.s", "across.s", delay=1),
            Connection("across.a", "code.a"),
            Connection("code.s", "down.s", delay=1),
            Connection("down.a", "memory.a"),
        ],
        [Probe("memory.s"), Probe("code.s")],
    )


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return lessons of sequences that share frames, for the conformance suite."""
    draws = stream(0, "sparsey_sequences", "example").random((3, 4, 20))
    frames = (draws.argsort(axis=2).argsort(axis=2) < 5).astype(float)
    frames[1, 2] = frames[0, 2]
    frames[2] = frames[0]
    graph = blank(20, 4, modules=4, width=4)
    probes = ("up.weights", "across.weights", "across.a", "gain.out", "above.out")
    return graph.with_probes(*probes), teach(frames), 5
