"""Modern Hopfield memory: real patterns, recalled by a softmax over their overlaps with the state.

H. Ramsauer et al., "Hopfield networks is all you need", ICLR 2021, arXiv:2008.02217. With K
patterns x_mu in R^N as the rows of X, a state xi and an inverse temperature beta::

    xi'  = X^T softmax(beta X xi)
    E    = -lse(beta, X xi) + xi^T xi / 2 + log(K) / beta + M^2 / 2,   M = max_mu ||x_mu||

and E falls with every update. Well-separated patterns are recalled in one update; patterns that are
close together for their beta are recalled as their mean, a metastable state.

The spiking realisation is a visible and a hidden population with one matrix between them, used in
both directions. The visible units hold the state and send it as graded values in even steps; K
hidden units integrate their overlaps and answer in odd steps, so that one update takes two steps:

- ``readout="softmax"``: the answer is graded, each unit's share of the exponentials (in `fixed`
  from a table of 256 entries, shares of 12 bits). All K hidden units send.
- ``readout="winner"``: the `winners` units with the largest overlaps spike and nothing else is
  sent; with one winner this is softmax at beta to infinity. A first-to-spike race on a chip.

Keys take 8 bits with their sign in `fixed`. For patterns of whole numbers and one winner `fixed`
equals `float`; otherwise the keys, the table and the shares are rounded, every engine alike, and
the notes of the quantised graph say by how much.

With ``rate`` below 1 the visible units are leaky and all send in every step, the continuous
dynamics of D. Krotov and J. Hopfield, ICLR 2021, arXiv:2008.06996, (model B) with fast hidden
units, in steps of tau / rate: tau dv/dt = X^T softmax(beta X v) - v. Its rest states are the same.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import memory_faults, whole_faults
from hebbgraph.data import sphere_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner, Values
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import (
    Clock,
    Dense,
    Input,
    LeakyIntegrator,
    Softmax,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.result import Result
from hebbgraph.rules.library import hebb
from hebbgraph.rules.rule import Rule

Readout = Literal["softmax", "winner"]
#: beta times the mean squared norm of the patterns, where beta is not given.
SHARPNESS = 16.0
#: Largest weight that learns on the chip.
CHIP_WEIGHT = 255
#: Copies of the patterns, in float64, that building a graph takes.
COPIES = 3
#: Bits of a share in `fixed`.
SHARE_BITS = 12


def build(
    patterns: ArrayLike,
    *,
    beta: float | None = None,
    readout: Readout = "softmax",
    winners: int = 1,
    rate: float = 1.0,
    weight_bits: int | None = None,
    capacity: int = 64,
    limit: float | None = None,
    name: str = "modern_hopfield",
) -> Graph:
    """Return the memory of `patterns` (K, N), any real numbers, as a process graph.

    `beta` is the inverse temperature, by default `SHARPNESS` over the mean squared norm of the
    patterns. `readout` and `winners`, how many of them spike and are averaged, as above. `rate` is
    the share of the way that one step of the continuous dynamics goes; 1 are updates.
    `weight_bits` rounds the keys to so many bits, sign included, in either domain. `capacity` and
    `limit`, units set aside and the largest value, are those of on-line learning (`blank`).

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "real")
    faults += _faults(beta, readout, rate, weight_bits) + _learning_faults(capacity, limit)
    faults += whole_faults("winners", winners, 1, max(1, len(stored)))
    got = f"{stored.shape[0]} hidden units of {stored.shape[1]} keys"
    faults += memory_faults("patterns", got, 8.0 * COPIES * stored.size, "store fewer")
    if faults:
        raise Invalid("modern_hopfield.build", faults)
    keys = stored if weight_bits is None else rounded(stored, weight_bits)
    count, units = keys.shape
    factor = rate / winners if readout == "winner" else rate
    sharp = sharpness(stored) if beta is None else float(beta)
    hidden: Softmax | WinnerTakeAll
    if readout == "softmax":
        hidden = Softmax(count, beta=sharp / factor, bits=SHARE_BITS)
    else:
        hidden = WinnerTakeAll(count, k=winners)
    into, out = (f"hidden.{next(iter(ports))}" for ports in (hidden.inputs, hidden.outputs))
    processes = {
        "cue": Input(units),
        "memory": LeakyIntegrator(units, decay=rate),
        "keys": Dense(factor * keys),
        "hidden": hidden,
        "values": Transpose("keys", count, units),
    }
    wires = [
        Connection("cue.out", "memory.a"),
        Connection("memory.out", "keys.s"),
        Connection("keys.a", into),
        Connection(out, "values.s"),
        Connection("values.a", "memory.a"),
    ]
    if rate == 1:
        processes |= {"even": Clock(2, ((0, 1),)), "odd": Clock(2, ((1, 2),))}
        wires += [Connection("even.out", "memory.on"), Connection("odd.out", "hidden.on")]
    return Graph(name, processes, wires, [Probe("memory.x")])


def sharpness(patterns: NDArray[Any]) -> float:
    """Return the default beta: `SHARPNESS` over the mean squared norm of `patterns`."""
    size = float(np.square(patterns, dtype=np.float64).sum(axis=1).mean())
    return SHARPNESS / size if size else SHARPNESS


def rounded(patterns: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Return `patterns` rounded to `bits` bits: 2**bits - 1 levels up to the largest value.

    With one bit the sign is left, times the mean of the absolute values.
    """
    if bits == 1:
        return np.where(patterns < 0, -1.0, 1.0) * np.abs(patterns).mean()
    grain = np.abs(patterns).max() / (2 ** (bits - 1) - 1)
    return np.rint(patterns / grain) * grain if grain else patterns


def read(result: Result) -> Values:
    """Return the states (episodes, steps, N): what the visible units hold after every step."""
    return result.value("memory.x")


def energy(
    patterns: ArrayLike, states: ArrayLike, beta: float | None = None, **_: Any
) -> NDArray[np.float64]:
    """Return E of states (..., N), shape (...); 0 or more, and falling with every update."""
    stored, xi = np.asarray(patterns, np.float64), np.asarray(states, np.float64)
    sharp = sharpness(stored) if beta is None else beta
    scores = sharp * (xi @ stored.T)
    top = scores.max(axis=-1, keepdims=True)
    lse = (top[..., 0] + np.log(np.exp(scores - top).sum(axis=-1))) / sharp
    largest = np.square(stored).sum(axis=1).max()
    constant = np.log(len(stored)) / sharp + largest / 2
    return np.asarray(np.square(xi).sum(axis=-1) / 2 - lse + constant)


# --- learning on-line ----------------------------------------------------------------------------


def blank(units: int, *, capacity: int = 64, limit: float | None = None, **_: Any) -> Graph:
    """Return the graph that writes each lesson, a pattern of `units`, into a free hidden unit.

    A synapse from a clock to every hidden unit is weakened once the unit has been used, and the
    winner among all is the first unit that has not: it takes the pattern as its weights, in one
    shot. All rules are local: dw = post pre for the keys, dw = -post pre for the marks. Weights are
    bounded by `limit`; in `fixed` it decides how fine they are, and without one they are as fine as
    with a `limit` of 1.
    """
    faults = _learning_faults(capacity, limit)
    if faults:
        raise Invalid("modern_hopfield.blank", faults)
    bounds = {} if limit is None else {"low": -float(limit), "high": float(limit)}
    # A power of two, so that nothing is rounded in float; in fixed the lesson comes as integers.
    gain = 2.0 ** math.floor(math.log2(CHIP_WEIGHT / (limit or 1.0)))
    write = hebb(1 / gain, epoch="episode", **bounds)
    mark = Rule("-post*pre", low=-1, high=0, epoch="episode")
    return Graph(
        "modern_hopfield_lessons",
        {
            "lesson": Input(units, gain=gain),
            "always": Clock(1, ((0, 1),)),
            "marks": Dense(np.zeros((capacity, 1)), rule=mark),
            "pointer": WinnerTakeAll(capacity, floor=-0.5),
            "keys": Dense(np.zeros((capacity, units)), rule=write),
        },
        [
            Connection("lesson.out", "keys.s"),
            Connection("always.out", "marks.s"),
            Connection("marks.a", "pointer.a"),
            Connection("pointer.s", "keys.post"),
            Connection("pointer.s", "marks.post"),
        ],
    )


def teach(patterns: Values) -> dict[str, Values]:
    """Return lessons: each pattern, for one step."""
    return {"lesson": np.asarray(patterns, dtype=np.float64)[:, np.newaxis, :]}


def learned(result: Result, **parameters: Any) -> Graph:
    """Return the memory of what a run of `blank` learned; raises `Invalid` if units ran out."""
    wrote = np.atleast_1d(result.spikes["pointer"][:, -1].any(axis=-1))
    if not wrote.all():
        got = f"no free unit for {np.count_nonzero(~wrote)} of {len(wrote)} patterns"
        held = len(result.weights["keys.weights"])
        need = f"there are {held} hidden units"
        raise Invalid("modern_hopfield", [Fault("capacity", got, need, "raise capacity")])
    used = result.value("marks.weights")[:, 0] < -0.5
    return build(result.value("keys.weights")[used], **parameters)


def _faults(beta: Any, readout: Any, rate: Any, weight_bits: Any) -> list[Fault]:
    faults: list[Fault] = []
    if beta is not None and not (_is_number(beta) and 0 < beta < np.inf):
        faults.append(Fault("beta", repr(beta), "must be a finite number above 0, or None"))
    if readout not in get_args(Readout):
        need = f"must be one of {', '.join(get_args(Readout))}"
        faults.append(Fault("readout", repr(readout), need))
    if not _is_number(rate) or not 0 < rate <= 1:
        faults.append(Fault("rate", repr(rate), "must be in (0, 1]; 1 are whole updates"))
    if weight_bits is not None:
        faults += whole_faults("weight_bits", weight_bits, 1, 24)
    return faults


def _learning_faults(capacity: Any, limit: Any) -> list[Fault]:
    faults = whole_faults("capacity", capacity, 1, 2**20)
    if limit is not None and not (_is_number(limit) and 0 < limit < np.inf):
        faults.append(Fault("limit", repr(limit), "must be a finite number above 0, or None"))
    return faults


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


FAMILY = Family(
    build,
    alphabet="real",
    read=read,
    steps=7,
    corruption=("noise", 0.3),
    energy=energy,
    learner=Learner(blank, teach, learned, steps=2),
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    patterns = sphere_patterns(9, 20, seed=0).patterns
    noise = sphere_patterns(5, 20, seed=1).patterns
    cues = np.concatenate([patterns[:5] + 0.4 * noise, patterns[5:7] + patterns[6:8]])
    graph = build(patterns, beta=6.0).with_probes("hidden.out", "keys.a", "values.a")
    return graph, {"cue": cues[:, np.newaxis, :]}, 7
