"""Dense Hebbian memory of archetypes that are known from noisy examples only, p-body couplings.

E. Agliari, L. Albanese, F. Alemanno, A. Alessandrelli, A. Barra, F. Giannotti, D. Lotito and
D. Pedreschi, "Dense Hebbian neural networks: a replica symmetric picture of supervised learning",
Physica A 626, 2023, arXiv:2212.00606, and "... of unsupervised learning", arXiv:2211.14067.

Archetype xi^mu in {-1, +1}^N is seen as M examples eta_i = xi_i chi, chi = +1 with probability
(1 + r) / 2, r the quality. rho = (1 - r**2) / (r**2 M) is what the examples leave open. One hidden
unit h holds weights w_h in R^N; with S_h = sum_j w_hj sigma_j the field on unit i is::

    h_i = sum_h w_hi P(S_h - w_hi sigma_i),      sigma_i <- sign(h_i)

- ``supervised``: a hidden unit a class, w = the *sum* of its examples (whole numbers);
- ``unsupervised``: a hidden unit an example, w = the example itself (1 bit). No teacher says which
  belong together; the price is M times the hidden units and synapses.

P is (p-1)! e_{p-1}, the elementary symmetric polynomial of couplings between *distinct* units
(`variant` ``distinct``; of w_j sigma_j with sum_j w_j**2 = Q and w_j**2 = v it follows from
P_k = S P_{k-1} - (k-1) (Q - (k-2) v) P_{k-2}: exact for +-1 examples; for class sums Q and v are
means, a relative error of 1/N), or
S**(p-1), plain ``krotov``. The two have different capacities. For p = 2 both are Hopfield's.

The spiking realisation is that of `hebbgraph.models.dense`, whose graph this is with other weights
(`hebbgraph.visible_hidden`): ternary `Sign` units decide at even steps, graded hidden units send
P(S_h) at odd steps. A unit's own contribution is taken out by an expansion of P
(`hebbgraph.summed_hidden`): unsupervised a `Bus` carries it, one number for all units; supervised
there is one per unit, from a second matrix of squared weights.

Weights of examples are 1 bit, those of class sums log2(M + 1) bits and a sign (the chip holds sums
up to 127). All numbers are whole, so `fixed` equals `float` while P fits 24 bits; the largest S is
sum_j abs(w_hj), near r N M supervised, N unsupervised. Beyond, payloads are divided by a power of
two and rounded down in `fixed`; a note says so.

Temperature: logistic noise of scale T / 2 at the units (Glauber), T in units of the field that an
archetype gets from its own class, M r (M r N)**(p-1) supervised and M r (r N)**(p-1) unsupervised.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import choice_faults, flag_faults, memory_faults, whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import Dense, Input, Process
from hebbgraph.random import stream
from hebbgraph.result import Result
from hebbgraph.rules import Rule, library
from hebbgraph.summed_hidden import hidden_units, polynomial, weighed_parts
from hebbgraph.visible_hidden import WEIGHT, Hidden, Variant, chance

Teaching = Literal["supervised", "unsupervised"]
Weights = NDArray[Any]

VARIANTS = ("distinct", "krotov")
#: Width of a graded spike of the chip.
PAYLOAD = 24
#: Copies of the weights, as float64, that a run holds: graph, engine, and one in the making.
COPIES = 3
#: The most examples of a class that plastic weights of the chip can count.
COUNTABLE = 255
#: Steps of a lesson: the example is shown, and learned when it has arrived.
LESSON = 2


def build(
    patterns: ArrayLike,
    p: int = 4,
    *,
    teaching: Teaching = "supervised",
    quality: float = 0.8,
    examples: int = 10,
    variant: Variant = "distinct",
    self_term: bool = False,
    temperature: float = 0.0,
    update: float = 1.0,
    seed: int = 0,
    name: str = "archetypes",
) -> Graph:
    """Return the memory that learned `examples` examples of each of the archetypes `patterns`.

    Examples are drawn from `patterns` (K, N), values -1 and +1, with `quality` r in (0, 1] and
    `seed` (`draw_examples`). `p` is the number of units in a coupling, `self_term` keeps the effect
    of a unit on itself, `update` is the share of units that decide in each step (1/2 is free of
    the cycles of synchronous dynamics), `temperature` T as above.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    faults += _faults(p, teaching, variant, self_term, temperature, update, seed)
    faults += _sample_faults(quality, examples)
    if not faults:
        count = len(stored) * (examples if teaching == "unsupervised" else 1)
        faults += _size_faults(count, stored.shape[1])
    if faults:
        raise Invalid("archetypes.build", faults)
    weights, v = _weights(draw_examples(stored, quality, examples, seed), teaching)
    hidden = hidden_units(weights, v, p, variant, self_term)
    heat = temperature * _unit(teaching, quality, examples, stored.shape[1], p)
    return _graph(weights, hidden, heat, update, seed, name)


def from_examples(
    examples: ArrayLike,
    labels: ArrayLike | None = None,
    p: int = 4,
    *,
    variant: Variant = "distinct",
    self_term: bool = False,
    temperature: float = 0.0,
    update: float = 1.0,
    seed: int = 0,
    name: str = "archetypes",
) -> Graph:
    """Return the memory of `examples` (n, N), supervised by `labels` (n,), unsupervised without.

    Classes of different size weigh alike: their sums are scaled to the largest class.
    `temperature` is here that of the plain fields. The other arguments are those of `build`.
    """
    stored, faults = checked_patterns(examples, "bipolar", where="examples")
    teaching: Teaching = "unsupervised" if labels is None else "supervised"
    faults += _faults(p, teaching, variant, self_term, temperature, update, seed)
    if labels is not None and np.shape(labels) != (len(stored),) and stored.size:
        need = f"must be ({len(stored)},), one label per example"
        faults.append(Fault("labels", f"shape {np.shape(labels)}", need))
    faults += [] if faults else _size_faults(len(stored), stored.shape[1])
    if faults:
        raise Invalid("archetypes.from_examples", faults)
    weights = stored.astype(np.int64)
    if labels is not None:
        _, which, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
        weights = np.eye(len(sizes))[which].T @ stored * (sizes.max() / sizes)[:, np.newaxis]
    v = max(1, round(float((weights**2).mean())))
    hidden = hidden_units(weights, v, p, variant, self_term)
    return _graph(weights, hidden, temperature, update, seed, name)


def draw_examples(
    archetypes: ArrayLike, quality: float, examples: int, seed: int = 0
) -> NDArray[np.int8]:
    """Return `examples` noisy copies of each archetype (K, N), shape (K, M, N), int8.

    Example a of archetype mu is the same whatever K and M are, and the better the quality, the
    fewer of the same units are flipped.
    """
    xi = np.asarray(archetypes, dtype=np.int8)
    found = np.empty((len(xi), examples, xi.shape[1]), dtype=np.int8)
    wrong = (1 - quality) / 2
    for mu, archetype in enumerate(xi):
        draws = stream(seed, "archetypes", "examples", episode=mu).random(found.shape[1:])
        found[mu] = np.where(draws < wrong, -archetype, archetype)
    return found


def _weights(examples: NDArray[np.int8], teaching: Teaching) -> tuple[Weights, int]:
    """Return the weights of all hidden units (H, N), and the mean of their squares, rounded."""
    if teaching == "unsupervised":
        return examples.reshape(-1, examples.shape[2]), 1
    sums = examples.sum(axis=1, dtype=np.int64)
    return sums, max(1, round(float((sums**2).mean())))


def _graph(
    weights: Weights, hidden: Hidden, temperature: float, update: float, seed: int, name: str
) -> Graph:
    processes, wires = weighed_parts(hidden, weights, PAYLOAD)
    processes["patterns"] = Dense(WEIGHT * weights)
    noise = WEIGHT * temperature / 2 / hidden.grain(PAYLOAD)
    further, more = chance(hidden.units, update, noise, seed)
    connections = [Connection(*wire) for wire in (*wires, *more)]
    notes = hidden.notes(PAYLOAD)
    return Graph(name, processes | further, connections, [Probe("memory.s")], notes=notes)


def _unit(teaching: Teaching, quality: float, examples: int, units: int, p: int) -> float:
    """Return sum w P(S) of an archetype and its own hidden units, for P(S) = S**(p-1)."""
    grain = examples if teaching == "supervised" else 1
    return float(examples * quality * (grain * quality * units) ** (p - 1))


def energy(
    patterns: ArrayLike,
    states: ArrayLike,
    p: int = 4,
    *,
    teaching: Teaching = "supervised",
    quality: float = 0.8,
    examples: int = 10,
    variant: Variant = "distinct",
    seed: int = 0,
    **_: Any,
) -> NDArray[np.float64]:
    """Return E = -(p-1)! sum_h e_p(S_h), or -sum_h S_h**p / p, over N times the unit of T.

    An archetype has an energy near -1/p. `states` (..., N); flipping a unit that gains field h
    changes N E by 2 sigma_i h_i, for distinct units of +-1 exactly.
    """
    xi = np.asarray(patterns)
    weights, v = _weights(draw_examples(xi, quality, examples, seed), teaching)
    unit = _unit(teaching, quality, examples, xi.shape[1], p)
    overlaps = np.asarray(states, dtype=np.float64) @ weights.astype(np.float64).T
    whole = polynomial(p + 1, v * xi.shape[1], v, variant)
    values = np.polynomial.polynomial.polyval(overlaps, np.array(whole, dtype=np.float64))
    return np.asarray(-values.sum(axis=-1) / (p * unit * xi.shape[1]))


# --- learning in the graph ---------------------------------------------------------------------


def learner(units: int, classes: int, *, average: bool = False) -> Graph:
    """Return blank synapses onto `classes` hidden units that learn examples shown to them.

    A teacher's spike opens one class unit; the others do not learn. With x the example and n the
    number of examples of the class so far, the local rule is the running sum ``dw = x`` (whole
    numbers, up to 255 in `fixed`), or with `average` the running mean ``dw = (x - w) / n``, the
    pace 1 / n coming from outside. Give it `lessons`.
    """
    faults = [*whole_faults("units", units, 1, 2**20), *whole_faults("classes", classes, 1, 2**20)]
    faults += [] if faults else _size_faults(classes, units)
    if faults:
        raise Invalid("archetypes.learner", faults)
    rule = library.hebb(1.0, low=-COUNTABLE, high=COUNTABLE)
    if average:
        rule = Rule("pace*post*(pre - w)", factors={"pace": "post"}, low=-1, high=1)
    processes: dict[str, Process] = {
        "example": Input(units),
        "teacher": Input(classes, signal="spike"),
        "up": Dense(np.zeros((classes, units)), rule=rule),
    }
    wires = [
        Connection("example.out", "up.s", 1),
        Connection("teacher.out", "up.post", 1),
    ]
    if average:
        processes["pace"] = Input(classes)
        wires.append(Connection("pace.out", "up.pace", 1))
    return Graph("archetypes_learner", processes, wires, [Probe("up.a")])


def lessons(examples: ArrayLike, labels: ArrayLike, classes: int) -> dict[str, NDArray[np.float64]]:
    """Return the inputs of `learner`: an episode of `LESSON` steps per example (n, N).

    `labels` (n,) are whole numbers from 0 to `classes` - 1. ``pace`` counts from the first example
    here; it is for learners that average.
    """
    shown, which = np.asarray(examples, dtype=np.float64), np.asarray(labels)
    if which.shape != (len(shown),) or not np.isin(which, np.arange(classes)).all():
        need = f"must be one whole number per example, from 0 to {classes - 1}"
        raise Invalid("archetypes.lessons", [Fault("labels", f"shape {which.shape}", need)])
    teacher = np.eye(classes)[which]
    count = np.cumsum(teacher, axis=0)
    pace = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)
    inputs = {"example": shown, "teacher": teacher, "pace": pace}
    return {name: data[:, np.newaxis, :] for name, data in inputs.items()}


def from_learned(
    result: Result,
    p: int = 4,
    variant: Variant = "distinct",
    self_term: bool = False,
    name: str = "archetypes",
) -> Graph:
    """Return the memory of the sums that a run of a `learner` learned.

    Raises `Invalid` for means, whose scale is not known.
    """
    weights = result.value("up.weights")
    if (weights != np.rint(weights)).any():
        need = "must be sums, whole numbers"
        fault = Fault("up.weights", "means", need, "learn without average, or use from_examples")
        raise Invalid("archetypes.from_learned", [fault])
    v = max(1, round(float((weights**2).mean())))
    return _graph(weights, hidden_units(weights, v, p, variant, self_term), 0.0, 1.0, 0, name)


# --- what can be wrong -------------------------------------------------------------------------


def _faults(
    p: object,
    teaching: object,
    variant: object,
    self_term: object,
    temperature: object,
    update: object,
    seed: object,
) -> list[Fault]:
    found = whole_faults("p", p, 2, 12) + whole_faults("seed", seed, 0, 2**63 - 1)
    found += choice_faults("teaching", teaching, get_args(Teaching))
    found += choice_faults("variant", variant, VARIANTS)
    found += flag_faults("self_term", self_term)
    if not _is_number(temperature) or not 0 <= temperature < np.inf:  # type: ignore[operator]
        found.append(Fault("temperature", repr(temperature), "must be a number of 0 or more"))
    if not _is_number(update) or not 0 < update <= 1:  # type: ignore[operator]
        found.append(Fault("update", repr(update), "must be in (0, 1], the share of units"))
    return found


def _sample_faults(quality: object, examples: object) -> list[Fault]:
    found = whole_faults("examples", examples, 1, 2**31)
    if not _is_number(quality) or not 0 < quality <= 1:  # type: ignore[operator]
        need = "must be in (0, 1]: 1 shows the archetypes themselves, 0 nothing of them"
        found.append(Fault("quality", repr(quality), need))
    return found


def _size_faults(hidden: int, units: int) -> list[Fault]:
    got = f"{hidden} hidden units of {units} weights"
    return memory_faults("examples", got, COPIES * 8.0 * hidden * units, "show fewer, or supervise")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


FAMILY = Family(
    build,
    energy=energy,
    steps=21,
    corruption=("flip", 0.1),
    survey=(6, 60),
    survey_parameters={"p": 4, "quality": 0.8, "examples": 10},
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    archetypes = np.where(stream(0, "archetypes", "example").random((3, 24)) < 0.5, 1, -1)
    cues = np.repeat(archetypes, 2, axis=0)
    cues[:, ::7] *= -1
    cues[1::2, 1::5] = 0
    graph = build(archetypes, 3, teaching="unsupervised", examples=4, update=0.75)
    return graph.with_probes("memory.h", "bus.out"), {"cue": cues[:, np.newaxis].astype(float)}, 10
