"""Fast-weight memory: keys and values in one matrix of outer products, as in linear attention.

J. Schmidhuber, Neural Computation 4(1), 1992, doi:10.1162/neco.1992.4.1.131; I. Schlag, K. Irie and
J. Schmidhuber, "Linear transformers are secretly fast weight programmers", ICML 2021,
arXiv:2102.11174. A pattern is a key k and a value v side by side, values -1 and +1. Pairs are
written one after another into the fast weights S, and a query q is answered at once::

    rule="hebb":   S <- (1 - decay) S + rate v k^T                linear attention, with decay
    rule="delta":  S <- (1 - decay) S + rate (v - S k) k^T        what is already known is left out
    y = S q,       recalled value sign(y)

For random keys of d units and K pairs without decay the signal-to-noise ratio of y is d / (K - 1).
The delta rule with its default rate 1 / d stores the last pair exactly, and overwrites the value
of a key that comes again; with several passes it stores up to d pairs with independent keys.

The spiking realisation is one population of `Sign` units, keys and values side by side, which send
ternary spikes through one matrix T = [[1, 0], [S, 0]]: the keys keep themselves and tell the values
what they are. The cue is a key, with 0 for its value (corruption ``hide_end``); one step answers.
With ``hebb`` and no decay S holds integers, and `fixed` is exact and equals `float` while they
stay within 127; otherwise S is rounded to 8 bits, every engine alike.

Learning is on-line in the graph itself, by either rule at the synapses of S: each pair is shown
for one step, the key at their presynaptic side, the value at the postsynaptic one.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import memory_faults, whole_faults
from hebbgraph.data import random_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner, Values
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import Dense, Graded, Input, Sign
from hebbgraph.result import Result
from hebbgraph.rules.rule import Rule

Writing = Literal["hebb", "delta"]
#: Copies of the matrix, in float64, that building a graph takes.
COPIES = 3


def build(
    patterns: ArrayLike,
    rule: Writing = "hebb",
    *,
    keys: int | None = None,
    decay: float = 0.0,
    rate: float | None = None,
    name: str = "fast_weights",
) -> Graph:
    """Return the memory of `patterns` (K, N), values -1 and +1, as a process graph.

    The first `keys` units of a pattern are its key, by default half of them. Pairs are written in
    their order by `rule`; `decay` is the share of S lost with each, and `rate` by default 1 for
    ``hebb`` and 1 / keys for ``delta``.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    units = stored.shape[1] if stored.size else 2
    faults += _faults(units, rule, keys, decay, rate)
    if faults:
        raise Invalid("fast_weights.build", faults)
    return _graph(written(stored, rule, keys=keys, decay=decay, rate=rate), units, name)


def written(
    patterns: ArrayLike,
    rule: Writing = "hebb",
    *,
    keys: int | None = None,
    decay: float = 0.0,
    rate: float | None = None,
) -> NDArray[np.float64]:
    """Return S (values, keys) after the pairs in `patterns` (K, N) were written one by one."""
    pairs = np.asarray(patterns, dtype=np.float64)
    width = _width(pairs.shape[1], keys)
    step = _rate(rule, width, rate)
    fast = np.zeros((pairs.shape[1] - width, width))
    for key, value in zip(pairs[:, :width], pairs[:, width:], strict=True):
        told = value - fast @ key if rule == "delta" else value
        fast = (1 - decay) * fast + step * np.outer(told, key)
    return fast


def energy(
    patterns: ArrayLike,
    states: ArrayLike,
    rule: Writing = "hebb",
    *,
    keys: int | None = None,
    decay: float = 0.0,
    rate: float | None = None,
    **_: Any,
) -> NDArray[np.float64]:
    """Return E = -v^T S k of states (..., N): the value that is recalled has the least of its key.

    The energy of a bidirectional associative memory (Kosko 1988), in which only values move.
    """
    fast = written(patterns, rule, keys=keys, decay=decay, rate=rate)
    sigma = np.asarray(states, dtype=np.float64)
    width = fast.shape[1]
    return np.asarray(-(sigma[..., width:] * (sigma[..., :width] @ fast.T)).sum(axis=-1))


def _graph(fast: NDArray[np.float64], units: int, name: str) -> Graph:
    """Return the graph that answers from S: keys keep themselves, values hear them."""
    width = fast.shape[1]
    whole = np.zeros((units, units))
    whole[width:, :width] = fast
    np.fill_diagonal(whole[:width, :width], 1.0)
    return Graph(
        name,
        {"cue": Input(units), "memory": Sign(units), "fast": Dense(whole)},
        [
            Connection("cue.out", "memory.a"),
            Connection("memory.s", "fast.s"),
            Connection("fast.a", "memory.a"),
        ],
        [Probe("memory.s")],
    )


# --- learning on-line ----------------------------------------------------------------------------


def blank(
    units: int,
    *,
    rule: Writing = "hebb",
    keys: int | None = None,
    decay: float = 0.0,
    rate: float | None = None,
) -> Graph:
    """Return the graph that writes each lesson, a pattern of `units`, into its fast weights.

    The key arrives at the presynaptic side in the step after it was shown, and so does the value
    at the postsynaptic one; with ``delta`` the synapses hear also what they answer themselves.
    """
    faults = _faults(units, rule, keys, decay, rate)
    if faults:
        raise Invalid("fast_weights.blank", faults)
    width = _width(units, keys)
    constants = {"rate": _rate(rule, width, rate), "decay": decay}
    told = "(target - post)" if rule == "delta" else "post"
    dw = f"rate*{told}*pre - decay*w"
    factors: Any = {"target": "post"} if rule == "delta" else {}
    # What decays cannot grow past the sum of its geometric series.
    most = constants["rate"] / decay if rule == "hebb" and decay else np.inf
    writing = Rule(dw, constants, factors, low=-most, high=most, epoch="episode")
    of_key = (np.arange(units) < width).astype(float)
    processes = {
        "lesson": Input(units),
        "key": Graded(units, low=-of_key, high=of_key),
        "value": Graded(units, low=of_key - 1, high=1 - of_key),
        "fast": Dense(np.zeros((units, units)), rule=writing),
    }
    wires = [
        Connection("lesson.out", "key.a"),
        Connection("lesson.out", "value.a"),
        Connection("key.out", "fast.s"),
        Connection("value.out", "fast.target" if rule == "delta" else "fast.post", delay=1),
    ]
    if rule == "delta":
        processes["answer"] = Graded(units)
        wires += [Connection("fast.a", "answer.a"), Connection("answer.out", "fast.post")]
    return Graph("fast_weights_lessons", processes, wires)


def teach(patterns: Values) -> dict[str, Values]:
    """Return lessons: each pair, for one step."""
    return {"lesson": np.asarray(patterns, dtype=np.float64)[:, np.newaxis, :]}


def learned(result: Result, *, keys: int | None = None, **_: Any) -> Graph:
    """Return the memory of what a run of `blank` learned."""
    whole = result.value("fast.weights")
    width = _width(len(whole), keys)
    return _graph(whole[width:, :width], len(whole), "fast_weights")


def _width(units: int, keys: int | None) -> int:
    return units // 2 if keys is None else keys


def _rate(rule: Writing, width: int, rate: float | None) -> float:
    default = 1.0 / width if rule == "delta" else 1.0
    return default if rate is None else float(rate)


def _faults(units: int, rule: Any, keys: Any, decay: Any, rate: Any) -> list[Fault]:
    faults: list[Fault] = []
    if units < 2:
        faults.append(Fault("patterns", f"{units} unit", "must have a key and a value, 2 or more"))
    elif keys is not None:
        faults += whole_faults("keys", keys, 1, units - 1)
    got = f"{units} x {units} synapses"
    faults += memory_faults("units", got, 8.0 * COPIES * units**2, "use fewer units")
    if rule not in get_args(Writing):
        need = f"must be one of {', '.join(get_args(Writing))}"
        faults.append(Fault("rule", repr(rule), need))
    if not _is_number(decay) or not 0 <= decay < 1:
        faults.append(Fault("decay", repr(decay), "must be in [0, 1), the share lost per pair"))
    if rate is not None and not (_is_number(rate) and 0 < rate < np.inf):
        faults.append(Fault("rate", repr(rate), "must be a finite number above 0, or None"))
    return faults


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


FAMILY = Family(
    build,
    steps=3,
    corruption=("hide_end", 0.5),
    energy=energy,
    learner=Learner(blank, teach, learned, steps=2),
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    patterns = random_patterns(5, 24, seed=0).patterns
    cues = patterns.astype(float)
    cues[:, 12:] = 0
    graph = build(patterns).with_probes("memory.h", "memory.sigma")
    return graph, {"cue": cues[:, np.newaxis, :]}, 3
