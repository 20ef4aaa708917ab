"""visible_hidden: the graph that memories with polynomial hidden units share.

Visible units `memory` and hidden units are joined by one matrix, forwards (``patterns``) and,
transposed, backwards (``back``). What a memory adds is the matrix, the polynomials of its hidden
units and their dead zone. `hebbgraph.models.dense` says what it computes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from hebbgraph.processes import (
    Bus,
    Clock,
    Graded,
    Input,
    LeakyIntegrator,
    Noise,
    Polynomial,
    Process,
    Sign,
    Transpose,
)
from hebbgraph.processes.polynomial import distinct

Variant = Literal["distinct", "krotov", "rectified"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

#: What synapses store for a sign: mantissas of mixed sign are even.
WEIGHT = 2


@dataclass(frozen=True)
class Ratio:
    """A polynomial sum_k c_k x**k / divisor of whole numbers."""

    coefficients: tuple[int, ...]
    divisor: int = 1

    def at(self, x: float) -> float:
        """Return its value, computed in whole numbers where x is one."""
        total: float = 0
        for coefficient in self.coefficients[::-1]:
            total = total * x + coefficient
        return total / self.divisor

    def stretched(self, factor: int) -> Ratio:
        """Return the polynomial of y = factor x that has the same values, in lowest terms."""
        degree = len(self.coefficients) - 1
        grown = [c * factor ** (degree - k) for k, c in enumerate(self.coefficients)]
        divisor = self.divisor * factor**degree
        common = math.gcd(divisor, *grown)
        return Ratio(tuple(c // common for c in grown), divisor // common)


def leave_one_out(p: int, units: int, variant: Variant) -> tuple[Ratio, Ratio]:
    """Return A and B with phi(S - x) = A(S) - x B(S) for every x = +-1, S with x in it.

    ``distinct``: phi = e_{p-1} of the other units; from e_k = e_k' + x e_{k-1}' (primed: without
    unit i) follow A = e_{p-1} + e_{p-3} + ... and B = e_{p-2} + e_{p-4} + ... of all units.
    Else, with F(x) = x**p, phi(y) = F(y + 1) - F(y - 1): A(S) = (F(S + 2) - F(S - 2)) / 2 and
    B(S) = (F(S + 2) - 2 F(S) + F(S - 2)) / 2, both divided by their common factor.
    """
    if variant == "distinct":
        field = _total([elementary(k, units) for k in range(p - 1, -1, -2)])
        own = _total([elementary(k, units) for k in range(p - 2, -1, -2)])
        return field, own
    up = [math.comb(p, k) * 2 ** (p - k) for k in range(p)]
    down = [math.comb(p, k) * (-2) ** (p - k) for k in range(p)]
    outer = [a - b for a, b in zip(up, down, strict=True)]
    inner = [a + b for a, b in zip(up, down, strict=True)]
    common = math.gcd(*outer, *inner)
    return Ratio(tuple(c // common for c in outer)), Ratio(tuple(c // common for c in inner))


def elementary(k: int, units: int) -> Ratio:
    """Return e_k of `units` variables +-1 as a polynomial of their sum; e_0 = 1."""
    coefficients, divisor = distinct(k + 1, units) if k else ([1], 1)
    return Ratio(tuple(coefficients), divisor)


def plain(p: int, units: int, variant: Variant) -> Ratio:
    """Return phi of all units, unit i among them: e_{p-1}, or S**(p-1)."""
    return elementary(p - 1, units) if variant == "distinct" else Ratio((*(0,) * (p - 1), 1))


def _total(parts: Sequence[Ratio]) -> Ratio:
    shared = math.lcm(*(part.divisor for part in parts))
    longest = max(len(part.coefficients) for part in parts)
    summed = [0] * longest
    for part in parts:
        for power, coefficient in enumerate(part.coefficients):
            summed[power] += coefficient * (shared // part.divisor)
    return Ratio(tuple(summed), shared)


@dataclass(frozen=True)
class Hidden:
    """Hidden units: K of them over N visible ones, and what they send."""

    count: int
    units: int
    #: What they send backwards, a polynomial of S.
    field: Ratio
    #: What they send to the bus that takes a unit's own contribution out; None if it stays.
    own: Ratio | None = None
    #: They send only where |S| reaches it.
    dead_zone: float = 0.0
    rectified: bool = False
    #: The largest |S|, where weights are no signs; None for `units`.
    reach: int | None = None

    @property
    def limit(self) -> int:
        """Return the largest |S|."""
        return self.units if self.reach is None else self.reach

    @cached_property
    def largest(self) -> float:
        """Return the largest payload: what the hidden unit of a recalled pattern sends."""
        return abs(self.field.at(self.limit))

    @cached_property
    def signal(self) -> float:
        """Return the field that one stored pattern causes in its units, at the pattern."""
        return self.field.at(self.units) - (self.own.at(self.units) if self.own else 0.0)

    def grain(self, bits: int, *, nearest: bool = False) -> int:
        """Return what payloads are divided by to fit `bits` with their sign: 1 where they do.

        A power of two, so that no float is rounded; with `nearest` the least odd number, so that
        no payload lies half-way between two multiples.
        """
        most = 2 ** (bits - 1) - 1
        least = math.ceil(self.largest / most)
        return least + 1 - least % 2 if nearest else 2 ** max(0, math.ceil(math.log2(least)))

    def notes(self, bits: int, *, nearest: bool = False) -> tuple[str, ...]:
        """Return what `fixed` loses: nothing while the largest payload fits."""
        grain = self.grain(bits, nearest=nearest)
        if grain == 1:
            return ()
        text = f"hidden.out: needs {self.bits_needed} bits, so in fixed it is rounded"
        down = "" if nearest else " down"
        return (f"{text}{down} to multiples of {grain}, which fit {bits}",)

    @property
    def bits_needed(self) -> int:
        """Return the width of the largest payload, with its sign."""
        return math.ceil(math.log2(self.largest + 1)) + 1


#: Processes by name, and connections as (source, target) or (source, target, delay).
Parts = tuple[dict[str, Process], list[tuple[str, str] | tuple[str, str, int]]]


def parts(hidden: Hidden, bits: int = 24, *, changes: bool = False, nearest: bool = False) -> Parts:
    """Return everything but the matrix, a `Dense` of signs times `WEIGHT` named ``patterns``.

    ``cue`` sets ``memory`` at step 0. Its state, or with `changes` its flips, reach ``patterns``
    at even steps; hidden units send at odd steps, and their sum is there one step later, while at
    odd steps no field arrives and every unit keeps its state. In `fixed`, payloads too large for
    `bits` are rounded down, or with `nearest` to the nearest multiple of their grain.
    """
    count, units, grain = hidden.count, hidden.units, hidden.grain(bits, nearest=nearest)
    processes: dict[str, Process] = {
        "cue": Input(units),
        "memory": Sign(units),
        "even": Clock(2, ((0, 1),)),
        "odd": Clock(2, ((1, 2),)),
        "hidden": _sender(hidden, hidden.field, grain, bits, nearest=nearest),
        "back": Transpose("patterns", post=count, pre=units),
    }
    wires: list[tuple[str, str] | tuple[str, str, int]] = [
        ("cue.out", "memory.set"),
        ("odd.out", "hidden.on"),
        ("hidden.out", "back.s"),
        ("back.a", "memory.a"),
    ]
    if changes:
        processes["relay"] = Sign(units, integrates=True)
        processes["overlap"] = LeakyIntegrator(count)
        wires += [("memory.s", "relay.set"), ("relay.s", "patterns.s"), ("patterns.a", "overlap.a")]
        overlap = "overlap.out"
    else:
        processes["relay"] = Graded(units, low=-1, high=1)
        wires += [("memory.s", "relay.a"), ("even.out", "relay.on"), ("relay.out", "patterns.s")]
        overlap = "patterns.a"
    wires.append((overlap, "hidden.a"))
    if hidden.own:
        processes |= _own_parts(hidden, grain)
        wires += [
            (overlap, "hidden_self.a"),
            ("odd.out", "hidden_self.on"),
            ("hidden_self.out", "bus.x"),
            ("memory.s", "up.a", 1),
            ("memory.s", "down.a", 1),
            ("up.out", "take.on"),
            ("down.out", "give.on"),
            ("bus.out", "take.a"),
            ("bus.out", "give.a"),
            ("take.out", "memory.a", 1),
            ("give.out", "memory.a", 1),
        ]
    return processes, wires


def chance(units: int, update: float, noise: float, seed: int) -> Parts:
    """Return what makes `parts` stochastic, at even steps: nothing at an update of 1, no noise.

    Each unit decides with probability `update` (the cue reaches all of them), and its field has
    logistic noise of scale `noise` on it.
    """
    processes: dict[str, Process] = {}
    wires: list[tuple[str, str] | tuple[str, str, int]] = []
    if update < 1:
        processes["mask"] = Noise(units, "bernoulli", scale=update, seed=seed)
        processes["start"] = Clock(2**31 - 1, ((0, 1),))
        wires += [("mask.out", "memory.on"), ("start.out", "memory.on")]
    if noise:
        processes["noise"] = Noise(units, "logistic", scale=noise, seed=seed)
        processes["heat"] = Graded(units)
        wires += [("noise.out", "heat.a"), ("even.out", "heat.on"), ("heat.out", "memory.n")]
    return processes, wires


def _own_parts(hidden: Hidden, grain: int) -> dict[str, Process]:
    """Return what subtracts sigma_i sum_mu B(S_mu): one number, added where sigma_i is -1."""
    assert hidden.own
    units = hidden.units

    def scaled(sign: int) -> Polynomial:
        return Polynomial(units, (0, sign * WEIGHT), divisor=grain, limit=2**31 - 1, bits=32)

    return {
        "hidden_self": _sender(hidden, hidden.own, 1, 32),
        "bus": Bus(hidden.count, bits=32),
        "up": Graded(units, low=0, high=1),
        "down": Graded(units, low=-1, high=0),
        "take": scaled(-1),
        "give": scaled(1),
    }


def _sender(
    hidden: Hidden, ratio: Ratio, grain: int, bits: int, *, nearest: bool = False
) -> Polynomial:
    """Return hidden units that send `ratio` of S / `grain`; WEIGHT times S arrives at them."""
    sent = ratio.stretched(WEIGHT)
    divisor, coefficients = sent.divisor * grain, list(sent.coefficients)
    if nearest and grain > 1:
        coefficients[0] += divisor // 2  # half a grain
    return Polynomial(
        hidden.count,
        coefficients,
        divisor=divisor,
        dead_zone=WEIGHT * math.ceil(hidden.dead_zone),  # S is a whole number
        rectified=hidden.rectified,
        limit=WEIGHT * hidden.limit,
        bits=bits,
    )
