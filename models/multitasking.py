"""Multitasking Hebbian network: diluted patterns, several of them retrieved at once.

E. Agliari, A. Barra et al., "Multitasking associative networks", Phys. Rev. Lett. 109, 2012,
doi:10.1103/PhysRevLett.109.268101, and arXiv:1304.4488; learning from examples, supervised and
unsupervised: arXiv:2308.04106.

K patterns xi in {-1, 0, 1}^N with a share d of zeros (d = `dilution`, measured) are stored as
J = sum_mu xi xi^T / (N (1 - d)). A pattern leaves the units where it is 0 to others, so that a
state holds several patterns with the amplitudes m_mu = sum_i xi_i sigma_i / (N (1 - d)):
hierarchical at T = 0, 1, d, d**2 ..., deformed beyond the dilution d_c(K); equal in a window of
temperatures ("parallel"). `hebbgraph.theory.multitasking` has the lines.

The spiking realisation is that of `hebbgraph.models.dense` at p = 2 with ternary weights
(`hebbgraph.visible_hidden`): `Sign` units decide at even steps, K hidden units send S_mu =
sum_j xi_j sigma_j, graded, at odd steps. No N x N matrix is built; a 0 is no synapse, so that
2 N K (1 - d) remain. ``itself`` takes a unit's own contribution, sum_mu xi_i**2, out again: one
synapse per unit. Units on which all patterns that hold the state are 0 feel no field and keep their
sign. All numbers are whole and within N K, so `fixed` equals `float`; with a temperature it draws
noise from 256 values.

A cue may hold 0 for unknown: such units decide when they first feel a field. Examples instead of
patterns are stored by `from_examples`, summed by class (supervised) or each on its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import whole_faults
from hebbgraph.data import diluted_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import Dense, Sparse
from hebbgraph.random import stream
from hebbgraph.visible_hidden import WEIGHT, Hidden, Ratio, chance, parts


def build(
    patterns: ArrayLike,
    *,
    temperature: float = 0.0,
    update: float = 1.0,
    seed: int = 0,
    name: str = "multitasking",
) -> Graph:
    """Return the memory of `patterns` (K, N), values -1, 0 and 1, as a process graph.

    `temperature` T is in units of the field of one pattern (Glauber dynamics); `update` is the
    share of units that decide in each step. Both draw with `seed`.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "ternary")
    faults += _faults(temperature, update, seed)
    if not faults and not stored.any():
        faults.append(Fault("patterns", "all 0", "must hold a -1 or a 1"))
    if faults:
        raise Invalid("multitasking.build", faults)
    return _graph(stored, temperature * np.count_nonzero(stored) / len(stored), update, seed, name)


def from_examples(
    examples: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    temperature: float = 0.0,
    update: float = 1.0,
    seed: int = 0,
    name: str = "multitasking",
) -> Graph:
    """Return the memory of `examples` (n, N), values -1, 0 and 1.

    With `labels` (n,) the examples of a class are summed by a teacher into one hidden unit, without
    there is a hidden unit per example. `temperature` is here that of the plain fields.
    """
    stored, faults = checked_patterns(examples, "ternary", where="examples")
    faults += _faults(temperature, update, seed)
    if stored.size and labels is not None and np.shape(labels) != (len(stored),):
        need = f"must be ({len(stored)},), one label per example"
        faults.append(Fault("labels", f"shape {np.shape(labels)}", need))
    if faults:
        raise Invalid("multitasking.from_examples", faults)
    weights = stored.astype(np.int64)
    if labels is not None:
        _, which = np.unique(np.asarray(labels), return_inverse=True)
        weights = np.eye(which.max() + 1, dtype=np.int64)[which].T @ weights
    return _graph(weights, temperature, update, seed, name)


def draw_examples(
    patterns: ArrayLike, quality: float, examples: int, seed: int = 0
) -> NDArray[np.int8]:
    """Return noisy copies of `patterns` (K, N), (K, M, N): a sign is wrong with (1 - r) / 2.

    Units at 0 stay at 0.
    """
    xi = np.asarray(patterns, dtype=np.int8)
    found = np.empty((len(xi), examples, xi.shape[1]), dtype=np.int8)
    for mu, pattern in enumerate(xi):
        draws = stream(seed, "multitasking", "examples", episode=mu).random(found.shape[1:])
        found[mu] = np.where(draws < (1 - quality) / 2, -pattern, pattern)
    return found


def amplitudes(states: ArrayLike, patterns: ArrayLike) -> NDArray[np.float64]:
    """Return m_mu = sum_i xi_i sigma_i / sum_i xi_i**2 of states (..., N), shape (..., K)."""
    xi = np.asarray(patterns, dtype=np.float64)
    sums = np.asarray(states, dtype=np.float64) @ xi.T
    return np.asarray(sums / np.maximum((xi**2).sum(axis=1), 1))


def energy(patterns: ArrayLike, states: ArrayLike, **_: Any) -> NDArray[np.float64]:
    """Return E = -sum_mu (S_mu**2 - sum_i xi_i**2) / (2 N (1 - d)), pairs of distinct units only.

    It has no part for unknown units: `states` (..., N) hold -1 and 1, and 0 counts as silent.
    """
    xi = np.asarray(patterns, dtype=np.float64)
    sigma = np.asarray(states, dtype=np.float64)
    pairs = ((sigma @ xi.T) ** 2 - sigma**2 @ (xi.T**2)).sum(axis=-1)
    return np.asarray(-pairs / 2 / (np.count_nonzero(xi) / len(xi)))


def _graph(weights: NDArray[Any], temperature: float, update: float, seed: int, name: str) -> Graph:
    hidden, units = weights.shape
    reach = int(np.abs(weights).sum(axis=1).max())
    identity = Hidden(hidden, units, Ratio((0, 1)), reach=reach)
    processes, wires = parts(identity)
    further, more = chance(units, update, WEIGHT * temperature / 2, seed)
    squares = (weights.astype(np.float64) ** 2).sum(axis=0)
    known = np.flatnonzero(squares)
    processes["patterns"] = Dense(WEIGHT * weights)
    processes["itself"] = Sparse(units, units, known, known, -WEIGHT * squares[known])
    # The relay sends at even steps only, so that the field is 0 at odd ones here too.
    wires += [("relay.out", "itself.s", 2), ("itself.a", "memory.a"), *more]
    connections = [Connection(*wire) for wire in wires]
    return Graph(name, processes | further, connections, [Probe("memory.s")])


def _faults(temperature: object, update: object, seed: object) -> list[Fault]:
    found = whole_faults("seed", seed, 0, 2**63 - 1)
    if not _is_number(temperature) or not 0 <= temperature < np.inf:  # type: ignore[operator]
        found.append(Fault("temperature", repr(temperature), "must be a number of 0 or more"))
    if not _is_number(update) or not 0 < update <= 1:  # type: ignore[operator]
        found.append(Fault("update", repr(update), "must be in (0, 1], the share of units"))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def sample(count: int, units: int, seed: int) -> NDArray[np.int8]:
    """Return random patterns of dilution 0.2: a recall holds its pattern wherever that is not 0.

    The overlap of a state of -1 and 1 with such a pattern is at most sqrt(0.8).
    """
    return diluted_patterns(count, units, seed, 0.2).patterns


FAMILY = Family(
    build,
    alphabet="ternary",
    sample=sample,
    energy=energy,
    steps=21,
    corruption=("hide", 0.2),
    survey=(3, 120),
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    draws = stream(0, "multitasking", "example").random((4, 30))
    patterns = np.select([draws < 0.4, draws < 0.7], [0, 1], -1)
    cues = np.concatenate([patterns, np.where(patterns == 0, patterns[::-1], patterns)])
    graph = build(patterns, update=0.75).with_probes("memory.h", "hidden.out")
    return graph, {"cue": cues[:, np.newaxis].astype(float)}, 12
