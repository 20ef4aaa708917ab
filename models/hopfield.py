"""Binary Hopfield memory: patterns stored in symmetric recurrent weights, recalled from a cue.

J. J. Hopfield, "Neural networks and physical systems with emergent collective computational
abilities", PNAS 79(8), 1982, doi:10.1073/pnas.79.8.2554.

With states sigma = 2 s - 1 in {-1, +1} and synchronous dynamics, step t computes::

    h_i(t) = sum_j J_ij sigma_j(t-1) + theta_i,    sigma_i(t) = sign(h_i(t))

The spiking realisation is one population of McCulloch-Pitts units (`LIF` with decays of 1) that
sends 0/1 spikes through one recurrent `Dense`. Every quantity is a small integer, so that no
engine can round a sum differently: J is scaled to integers once, and with T = 2 J + I (ties keep
their state) or T = J (ties go to -1) the graph holds::

    weights = 2 T,    bias_i = (2 or 1) theta_i - sum_j T_ij,    threshold = 0

The cue sigma in {-1, +1} is given to ``cue`` at step 0 only; its gain |bias| + 1 makes the
spikes of step 0 the cue itself. State of step t: ``2 * spikes["memory"][:, t] - 1``.

On Loihi (`fixed`) a voltage decay of 4095 leaves v / 4096 behind. The integers are scaled so that
no unit's field can exceed 4095 steps of its finest grain, hence this residue is always smaller
than the smallest field: it can never decide a sign. `quantise` checks that and says so.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import LIF, Dense, Input
from hebbgraph.random import stream

Rule = Literal["hebbian", "centred", "pseudo_inverse", "storkey"]
Tie = Literal["keep", "low"]

#: A field of more than this many grains could be decided by Loihi's voltage residue.
FIELD_LIMIT = 4095
#: Widest weight of the chip, without its sign.
CHIP_BITS = 8


def build(
    patterns: ArrayLike,
    rule: Rule = "pseudo_inverse",
    *,
    weight_bits: int = 8,
    tie: Tie = "keep",
    name: str = "hopfield",
) -> Graph:
    """Return the memory of `patterns` (K, N), values -1 and +1, as a process graph.

    `rule` programs the weights (see `couplings`). `weight_bits` is the width of the mixed-sign
    weight: 3 to 8 fit the chip, and then `fixed` equals `float`; up to 24 serve studies in the
    float domain. `tie` says what a unit does whose field is 0: ``"keep"`` its state (the standard,
    at the cost of one bit) or fall to -1, ``"low"``.

    Raises `Invalid` with every fault of the arguments.
    """
    stored = _checked(patterns, rule, weight_bits, tie)
    integers, field = to_integers(*couplings(stored, rule), weight_bits, tie)
    total = 2 * integers + np.eye(len(integers), dtype=np.int64) if tie == "keep" else integers
    bias = (2 if tie == "keep" else 1) * field - total.sum(axis=1)
    units = stored.shape[1]
    return Graph(
        name,
        {
            "cue": Input(units, gain=np.abs(bias) + 1),
            "memory": LIF(units, decay_u=1, decay_v=1, bias=bias, threshold=0),
            "recurrent": Dense(2 * total),
        },
        [
            Connection("cue.out", "memory.a"),
            Connection("memory.s", "recurrent.s", delay=1),
            Connection("recurrent.a", "memory.a"),
        ],
        [Probe("memory.s")],
    )


def couplings(
    patterns: NDArray[np.int64], rule: Rule
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return couplings J (N, N), symmetric with diagonal 0, and fields theta (N,).

    With xi (K, N) the patterns; theta is 0 but for ``centred``:

    - ``hebbian``: J_ij = sum_mu xi_i xi_j (capacity alpha_c = 0.138; Amit, Gutfreund and
      Sompolinsky, Phys. Rev. Lett. 55, 1985, doi:10.1103/PhysRevLett.55.1530).
    - ``centred``: J_ij = sum_mu d_i d_j with d = xi - c, c the mean pattern, and
      theta_i = lambda c_i - sum_j J_ij c_j with lambda the mean of ||d||^2, so that the field at a
      stored pattern is lambda (c + d) but for crosstalk. For correlated patterns (covariance
      storage, after Amit, Gutfreund and Sompolinsky, Phys. Rev. A 35, 1987,
      doi:10.1103/PhysRevA.35.2293, there with one mean for all units).
    - ``pseudo_inverse``: J the projector on the span of the patterns, capacity alpha = 1
      (Personnaz, Guyon and Dreyfus, J. Physique Lett. 46, 1985,
      doi:10.1051/jphyslet:01985004608035900). Its diagonal is removed: kept, it pins the cue.
    - ``storkey``: J_ij += (xi_i xi_j - xi_i h_ji - h_ij xi_j) / N, one pattern after another,
      with h_ij = sum_{k not in {i, j}} J_ik xi_k (Storkey, ICANN 1997, doi:10.1007/BFb0020196).
    """
    xi = patterns.astype(np.float64)
    field = np.zeros(xi.shape[1])
    if rule == "hebbian":
        coupling = xi.T @ xi
    elif rule == "centred":
        centre = xi.mean(axis=0)
        deviation = xi - centre
        coupling = deviation.T @ deviation
        np.fill_diagonal(coupling, 0.0)
        field = (deviation**2).sum() / len(xi) * centre - coupling @ centre
    elif rule == "pseudo_inverse":
        coupling = np.linalg.pinv(xi) @ xi
    else:
        coupling = _storkey(xi)
    coupling = (coupling + coupling.T) / 2
    np.fill_diagonal(coupling, 0.0)
    return coupling, field


def _storkey(xi: NDArray[np.float64]) -> NDArray[np.float64]:
    units = xi.shape[1]
    coupling = np.zeros((units, units))
    for pattern in xi:
        # h_ij leaves out the terms k = i and k = j of the full field.
        field = coupling @ pattern - np.diag(coupling) * pattern
        local = field[:, None] - coupling * pattern[None, :]
        np.fill_diagonal(local, field)
        cross = local * pattern[None, :]
        coupling += (np.outer(pattern, pattern) - cross - cross.T) / units
    return coupling


def to_integers(
    coupling: NDArray[np.float64], field: NDArray[np.float64], weight_bits: int, tie: Tie
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `coupling` and `field` as integers: as they are where they fit, else scaled alike.

    Two bounds set the scale: the largest weight 2 T fits `weight_bits` with mixed signs and, where
    these are the chip's 8 or fewer, no unit's field, cue included, exceeds `FIELD_LIMIT` grains.
    """
    grain, self_coupling = (2, 1) if tie == "keep" else (1, 0)
    weight_limit = (2 ** (weight_bits - 1) - 1 - self_coupling) // grain
    field_limit = FIELD_LIMIT - 2 - 2 * self_coupling if weight_bits <= CHIP_BITS else np.inf
    whole = np.array_equal(coupling, np.rint(coupling)) and np.array_equal(field, np.rint(field))
    largest, load = np.abs(coupling).max(), grain * _load(coupling, field)
    scale = 1.0
    if not whole or largest > weight_limit or load > field_limit:
        scale = min(weight_limit / largest, field_limit / load) if largest > 0 else 1.0
    while True:
        # Rounding moves each entry by up to 1/2, so the sums may exceed the bound: shrink again.
        integers = np.rint(coupling * scale).astype(np.int64)
        fields = np.rint(field * scale).astype(np.int64)
        if grain * _load(integers, fields) <= field_limit:
            return integers, fields
        scale *= 0.98


def _load(coupling: NDArray[Any], field: NDArray[Any]) -> float:
    """Return the largest field that all synapses, theta and the cue (|bias| + 1) can add up to."""
    bias = field - coupling.sum(axis=1)
    return float((np.abs(coupling).sum(axis=1) + np.abs(field) + np.abs(bias)).max())


def _checked(
    patterns: ArrayLike, rule: object, weight_bits: object, tie: object
) -> NDArray[np.int64]:
    faults: list[Fault] = []
    try:
        stored = np.asarray(patterns)
        if stored.dtype == object:
            raise ValueError("rows of mixed length")
    except ValueError as error:
        stored = np.zeros((0, 0))
        need = "must be one array (patterns, units)"
        faults.append(Fault("patterns", str(error), need, "make all patterns equally long"))
    if not faults and (stored.ndim != 2 or stored.size == 0):
        need = "must be an array (patterns, units) with at least one of each"
        faults.append(Fault("patterns", f"shape {stored.shape}", need))
    if not faults and not np.isin(stored, (-1, 1)).all():
        bad = stored[~np.isin(stored, (-1, 1))]
        got = f"{bad.flat[0]!s}, {bad.size} such values"
        remedy = "use 2 * bits - 1 for 0/1 data, or binarise at a threshold"
        faults.append(Fault("patterns", got, "values must be -1 or +1", remedy))
    if rule not in get_args(Rule):
        faults.append(Fault("rule", repr(rule), f"must be one of {', '.join(get_args(Rule))}"))
    if tie not in get_args(Tie):
        faults.append(Fault("tie", repr(tie), f"must be one of {', '.join(get_args(Tie))}"))
    if weight_bits not in range(3, 25):
        need = f"must be a whole number in 3..24; the chip takes up to {CHIP_BITS}"
        faults.append(Fault("weight_bits", repr(weight_bits), need))
    if faults:
        raise Invalid("hopfield.build", faults)
    return stored.astype(np.int64)


def cue(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return `patterns` (episodes, N), values -1 and +1, as input for ``cue``: one step long."""
    return np.asarray(patterns, dtype=np.float64)[:, np.newaxis, :]


def energy(
    patterns: ArrayLike, states: ArrayLike, rule: Rule = "pseudo_inverse", **_: Any
) -> NDArray[np.float64]:
    """Return E = -(1/2) sum_ij J_ij sigma_i sigma_j - sum_i theta_i sigma_i, J and theta of `rule`.

    `states` has shape (..., N); the couplings are those before rounding to integers.
    """
    coupling, field = couplings(_checked(patterns, rule, 8, "keep"), rule)
    sigma = np.asarray(states, dtype=np.float64)
    return np.asarray(-((sigma @ coupling) * sigma).sum(axis=-1) / 2 - sigma @ field)


FAMILY = Family(build, energy=energy)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    bits = stream(0, "hopfield", "example").random((7, 24)) < 0.5
    patterns = np.where(bits, 1, -1)
    noisy = patterns[:, :].copy()
    noisy[:, ::6] *= -1
    graph = build(patterns[:4]).with_probes("memory.u", "memory.v")
    return graph, {"cue": cue(noisy)}, 8
