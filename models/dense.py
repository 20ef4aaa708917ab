"""Dense associative memory: patterns stored in p-body couplings that are never built.

E. Gardner, "Multiconnected neural network models", J. Phys. A 20, 1987,
doi:10.1088/0305-4470/20/11/046; D. Krotov and J. Hopfield, "Dense associative memory for pattern
recognition", NeurIPS 2016, arXiv:1606.01164; L. Albanese et al., "Replica symmetry breaking in
dense Hebbian neural networks", J. Stat. Phys. 189, 2022, arXiv:2111.12997.

With K patterns xi of N units and S_mu = sum_j xi_mu,j sigma_j, an update computes, without any
unit's own contribution::

    h_i = sum_mu xi_mu,i phi(S_mu - xi_mu,i sigma_i),    sigma_i <- sign(h_i), kept where h_i = 0

- ``distinct``: couplings of p different units, E = -sum_mu e_p(xi_mu sigma), and phi = e_{p-1}, the
  elementary symmetric polynomial of the N - 1 other units.
- ``krotov``: E = -sum_mu F(S_mu), F(x) = x**p, phi(y) = F(y + 1) - F(y - 1): every unit takes the
  value of lower energy.
- ``rectified``: the same with F(x) = max(x, 0)**p; patterns with S < 2 are silent.

The variants differ in noise, (p-1)! against (2p-3)!!: ``krotov`` holds 1.5, 2.5, 4.4 times fewer
patterns at p = 3, 4, 5. With odd p of the first two a pattern is stable and its negative is not;
with even p both are; ``rectified`` never recalls a negative.

**The spiking realisation.** Visible and hidden units share one matrix of signs (stored as -2 and 2,
mantissas of mixed sign are even), used forwards and, transposed, backwards. An update takes two
steps::

    even steps   memory decides; its state, ternary spikes, or with ``changes`` its flips, graded
                 (-2, 2; the cue -1, 1), leave through relay
    odd steps    every hidden unit sends its polynomial of S_mu, a graded spike

Hidden units see S_mu with unit i in it. An identity takes it out again, exactly::

    h_i = sum_mu xi_mu,i A(S_mu) - sigma_i sum_mu B(S_mu)                    (`leave_one_out`)

The second sum is one number: hidden_self sends B to a `Bus`, which take subtracts from the field of
units that are up and give adds to that of units that are down. ``self_term="kept"`` does without,
h_i = sum_mu xi_mu,i phi(S_mu): little changes while payloads are exact. The self-term of coarse
payloads (`payload_bits`) is not that of A and B: near capacity they freeze the cue, and with the
bus they may drive units to and fro.

``mode="exact"`` is what theory describes: all K hidden units send. In ``mode="event_sparse"`` only
those with |S_mu| >= theta sqrt(N) do: a handful, and it recalls *better* than theory's dynamics
while sqrt(2 ln K) <= theta < m0 sqrt(N), m0 the overlap of a cue.

All numbers are integers: S_mu, payloads, sums of 32 bits of which only the sign counts. So `fixed`
equals `float` as long as A(N) fits `payload_bits` (`largest_exact`: 24 bits hold N up to 4096 at
p = 3, 370 at p = 4, 120 at p = 5, 65 at p = 6, ``distinct``). Above, payloads are divided by a
power of two and rounded down in `fixed`; a note of the graph says so. Noise of a temperature is
drawn from 256 values there. Floats are exact below 2**53; float32 (an option of snnTorch) below
2**24, which sums of polynomials soon exceed: then fields that nearly cancel may change their sign.

Memory: the matrix takes 8 K N bytes, and as much in an engine (half in float32); a run of E cues
keeps E K numbers for what hidden units hear and for what each of their kinds sends, and records
whether they sent, a byte per hidden unit, cue and step.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import choice_faults, flag_faults, memory_faults, whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import Dense
from hebbgraph.random import stream
from hebbgraph.visible_hidden import (
    VARIANTS,
    WEIGHT,
    Hidden,
    Variant,
    chance,
    elementary,
    leave_one_out,
    parts,
    plain,
)

Mode = Literal["exact", "event_sparse"]
SelfTerm = Literal["bus", "kept"]

#: Largest order: `Polynomial` has degrees up to 12.
MOST_BODIES = 13
#: Width of a graded spike of the chip.
PAYLOAD = 24
#: Copies of the matrix that a run holds: the graph's, the engine's, and one in the making.
COPIES = 3


def build(
    patterns: ArrayLike,
    p: int = 4,
    *,
    variant: Variant = "distinct",
    mode: Mode = "exact",
    theta: float | None = None,
    self_term: SelfTerm = "bus",
    changes: bool | None = None,
    update: float = 1.0,
    temperature: float = 0.0,
    payload_bits: int | None = None,
    seed: int = 0,
    name: str = "dense",
) -> Graph:
    """Return the memory of `patterns` (K, N), values -1 and +1, as a process graph.

    `p` (2 to 13) is the order, `variant` the energy. `theta` is the dead zone of ``event_sparse``
    in units of sqrt(N), see `default_theta`. `changes` sends only flips to the hidden units, by
    default in ``event_sparse``. `update` is the probability with which a unit decides in an
    update, `temperature` that of Glauber dynamics, where the field of a recalled pattern is 1;
    both draw with `seed`. `payload_bits` (2 to 32) is the width of a hidden spike in `fixed`:
    given, payloads that do not fit are rounded to the nearest that do, for which half a grain is
    added in both domains; else they have 24 bits and are rounded down.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    faults += order_faults(p, variant)
    faults += choice_faults("mode", mode, get_args(Mode))
    faults += choice_faults("self_term", self_term, get_args(SelfTerm))
    faults += [] if changes is None else flag_faults("changes", changes)
    faults += _number_faults(mode, theta, update, temperature, stored.shape[1])
    bits = PAYLOAD if payload_bits is None else payload_bits
    faults += whole_faults("payload_bits", bits, 2, 32)
    faults += whole_faults("seed", seed, 0, 2**63 - 1)
    got = f"{stored.shape[0]} patterns of {stored.shape[1]} units"
    remedy = "store fewer patterns, or smaller ones"
    faults += memory_faults("patterns", got, 8.0 * COPIES * stored.size, remedy)
    if faults:
        raise Invalid("dense.build", faults)
    zone = dead_zone(mode, theta, stored)
    hidden = hidden_units(len(stored), stored.shape[1], p, variant, self_term, zone)
    flips_only = mode == "event_sparse" if changes is None else changes
    nearest = payload_bits is not None
    processes, wires = parts(hidden, bits, changes=flips_only, nearest=nearest)
    processes["patterns"] = Dense(WEIGHT * stored)
    noise = WEIGHT * hidden.signal / hidden.grain(bits, nearest=nearest) * temperature / 2
    further, more = chance(hidden.units, update, noise, seed)
    connections = [Connection(*wire) for wire in (*wires, *more)]
    notes = hidden.notes(bits, nearest=nearest)
    return Graph(name, processes | further, connections, [Probe("memory.s")], notes=notes)


def hidden_units(
    count: int,
    units: int,
    p: int,
    variant: Variant = "distinct",
    self_term: SelfTerm = "bus",
    zone: float = 0.0,
) -> Hidden:
    """Return the hidden units of order `p` that send where |S| >= `zone`."""
    if self_term == "kept":
        field, own = plain(p, units, variant), None
    else:
        field, own = leave_one_out(p, units, variant)
        zone = max(zone, 2.0) if variant == "rectified" else zone
    return Hidden(count, units, field, own, zone, rectified=variant == "rectified")


def dead_zone(mode: Mode, theta: float | None, patterns: NDArray[Any]) -> float:
    """Return the smallest |S| at which a hidden unit sends."""
    if mode == "exact":
        return 0.0
    count, units = patterns.shape
    return (default_theta(count, units) if theta is None else theta) * math.sqrt(units)


def default_theta(count: int, units: int) -> float:
    """Return sqrt(2 ln K), the least dead zone that is quiet, but at most 0.7 sqrt(N)."""
    return min(math.sqrt(2 * math.log(max(count, 2))), 0.7 * math.sqrt(units))


def largest_exact(p: int, variant: Variant = "distinct", bits: int = PAYLOAD) -> int:
    """Return the largest N whose payloads fit `bits` with their sign: `fixed` is exact up to it."""
    low, high = 2, 2**40
    while high - low > 1:
        middle = (low + high) // 2
        fits = hidden_units(1, middle, p, variant).grain(bits) == 1
        low, high = (middle, high) if fits else (low, middle)
    return low


def order_faults(p: Any, variant: Any) -> list[Fault]:
    """Return what is wrong with an order and a variant."""
    return whole_faults("p", p, 2, MOST_BODIES, ", the bodies of a coupling") + choice_faults(
        "variant", variant, VARIANTS
    )


def _number_faults(
    mode: object, theta: Any, update: Any, temperature: Any, units: int
) -> list[Fault]:
    faults = []
    if not _is_real(update) or not 0 < update <= 1:
        faults.append(Fault("update", repr(update), "must be in (0, 1], a probability"))
    if not _is_real(temperature) or not 0 <= temperature < math.inf:
        faults.append(Fault("temperature", repr(temperature), "must be a number of 0 or more"))
    if theta is None:
        return faults
    if mode == "exact":
        need = "belongs to event_sparse"
        faults.append(Fault("theta", repr(theta), need, 'give mode="event_sparse" too'))
    elif not _is_real(theta) or theta < 0 or (units and theta > math.sqrt(units)):
        need = f"must be in [0, sqrt(N)] = [0, {math.sqrt(units):.3g}]"
        remedy = "no overlap is larger; use sqrt(2 ln K) or a little more"
        faults.append(Fault("theta", repr(theta), need, remedy))
    return faults


def _is_real(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def energy(
    patterns: ArrayLike,
    states: ArrayLike,
    p: int = 4,
    variant: Variant = "distinct",
    **_: Any,
) -> NDArray[np.float64]:
    """Return E = -sum_mu e_p(xi_mu sigma) / C(N, p), or -sum_mu F(S_mu) / N**p, of `states`.

    A stored pattern alone has -1. Flipping unit i of ``distinct`` raises the first sum by 2
    sigma_i h_i: dynamics of one unit at a time never raise E. `states` has shape (..., N).
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    faults += order_faults(p, variant)
    if faults:
        raise Invalid("dense.energy", faults)
    units = stored.shape[1]
    sums = np.asarray(states, dtype=np.float64) @ stored.T.astype(np.float64)
    if variant == "distinct":
        ratio = elementary(p, units)
        values = np.polyval(np.array(ratio.coefficients[::-1], dtype=np.float64), sums)
        return np.asarray(-values.sum(axis=-1) / ratio.divisor / math.comb(units, p))
    base = np.maximum(sums, 0) if variant == "rectified" else sums
    return np.asarray(-((base / units) ** p).sum(axis=-1))


#: An odd number of steps, so that the last one shows what the last update changed.
FAMILY = Family(build, steps=21, energy=energy, survey=(24, 64))


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    bits = stream(0, "dense", "example").random((12, 30)) < 0.5
    patterns = np.where(bits, 1, -1)
    noisy = patterns[:6].copy()
    noisy[:, ::8] *= -1
    graph = build(patterns, 4, mode="event_sparse", theta=0.7, changes=False, update=0.7)
    cues = noisy[:, np.newaxis, :].astype(np.float64)
    return graph.with_probes("memory.sigma", "hidden.out"), {"cue": cues}, 9
