"""Sparse distributed memory: patterns spread over the hard locations nearest to them.

P. Kanerva, "Sparse Distributed Memory", MIT Press, 1988. Selected coordinates: L. A. Jaeckel, "An
alternative design for a sparse distributed memory", RIACS Technical Report 89.28, 1989. A fixed
number of active locations: the N-of-M address decoder of S. B. Furber, W. J. Bainbridge,
J. M. Cumpstey and S. Temple, "Sparse distributed memory using N-of-M codes", Neural Networks
17(10), 2004, whose data store is a Willshaw matrix instead of counters.

M hard locations have random addresses A (M, N) of -1 and +1 (0 where a location does not look,
with ``coordinates``) and counters C (N, M). A location is active where its address differs from
the state x in at most ``radius`` of the c units it looks at::

    y_m = [sum_j A_mj x_j >= c - 2 radius],      or the ``winners`` locations of largest sum
    write:  C_im <- clip(C_im + x_i y_m, -L, L),  L = 2**(counter_bits - 1) - 1
    read:   x_i <- sign(sum_m C_im y_m),          a sum of 0 keeps x_i

Patterns are written at their own address and read repeatedly, so that a spoiled cue walks to
the stored pattern if it is nearer than the critical distance.

Spiking realisation. ``memory`` emits signs (ternary events) every step, ``locations`` 0/1 spikes,
only about p M of them for p the share of addresses within the radius; nothing is graded. Address
weights are +-1 and fixed, counters signed integers of 8 bits; a loop takes two steps::

    cue -> memory -> decoder -> locations -> counters -> memory

Thresholds lie between whole sums: `fixed` equals `float`, up to some 2000 units by worst case
(Loihi's voltage residue, which `quantise` would note). Counters learn by one local rule with the
teacher at the postsynaptic side (`LEARNER`).

Memory in use: A and C are N M numbers each, of 8 bytes in `float`. Kanerva's own example, N = 1000
and M = 10**6, is refused as too large (`LARGEST`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import whole_faults
from hebbgraph.data import random_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.harness.corrupt import cues
from hebbgraph.processes import LIF, Dense, Input, Process, Sign, WinnerTakeAll
from hebbgraph.random import stream
from hebbgraph.result import Result
from hebbgraph.rules.library import hebb
from hebbgraph.theory.binary import kanerva_best_share, kanerva_share

#: Most weights of one matrix: 2 GiB of float64.
LARGEST = 2**28
#: Patterns a location that a radius is chosen for, if none is given: Kanerva's capacity, about.
LOAD = 0.1


def build(
    patterns: ArrayLike,
    *,
    locations: int = 1000,
    radius: int | None = None,
    coordinates: int | None = None,
    winners: int | None = None,
    counter_bits: int = 8,
    seed: int = 0,
    name: str = "kanerva",
) -> Graph:
    """Return the memory of `patterns` (K, N), values -1 and +1, as a process graph.

    - `locations`: M, the number of hard locations.
    - `radius`: largest distance of an active location; by default the one whose share of active
      locations is nearest to the best one for M / 10 patterns (`best_radius`).
    - `coordinates`: units that each location looks at, by default all N. Jaeckel's design has
      about ten, and radius 0.
    - `winners`: so many locations are active, the nearest; instead of a radius.
    - `counter_bits`: 2 to 8, with the sign.
    - `seed`: of the addresses.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    units = None if faults else stored.shape[1]
    faults += _faults(units, locations, radius, coordinates, winners, counter_bits, seed)
    if faults:
        raise Invalid("kanerva.build", faults)
    decoder = Decoder(stored.shape[1], locations, radius, coordinates, winners, seed)
    counters = counters_of(stored, decoder.active(stored), counter_bits)
    return assembled(decoder, counters, name)


class Decoder:
    """The address decoder: which locations a state makes active."""

    def __init__(
        self,
        units: int,
        locations: int,
        radius: int | None,
        coordinates: int | None,
        winners: int | None,
        seed: int,
    ) -> None:
        self.winners = winners
        looked = coordinates or units
        #: A, (M, N), int8.
        self.addresses = _addresses(units, locations, looked, seed)
        self.radius = best_radius(looked, locations) if radius is None else radius
        #: A location is active where its sum is larger.
        self.threshold = looked - 2 * self.radius - 0.5

    def active(self, states: NDArray[Any]) -> NDArray[np.bool_]:
        """Return y (K, M) for states (K, N)."""
        # Sums are whole and below 2**24: exact in float32.
        sums = states.astype(np.float32) @ self.addresses.T.astype(np.float32)
        if self.winners is None:
            return np.asarray(sums > self.threshold)
        nearest = np.argsort(-sums, axis=1, kind="stable")[:, : self.winners]
        chosen = np.zeros(sums.shape, dtype=bool)
        np.put_along_axis(chosen, nearest, True, axis=1)
        return np.asarray(chosen & (sums > 0))

    def processes(self) -> dict[str, Process | Graph]:
        """Return ``decoder`` and ``locations``."""
        count = len(self.addresses)
        units: Process = LIF(count, decay_u=1, decay_v=1, threshold=self.threshold)
        if self.winners is not None:
            units = WinnerTakeAll(count, k=self.winners, floor=0)
        return {"decoder": Dense(self.addresses), "locations": units}


def best_radius(coordinates: int, locations: int) -> int:
    """Return the radius whose share p of active locations is nearest to the best one, in log p.

    The best is (2 M T)**(-1/3), for T = `LOAD` M patterns.
    """
    wanted = np.log(kanerva_best_share(locations, LOAD * locations))
    shares = [kanerva_share(coordinates, r) for r in range((coordinates - 1) // 2 + 1)]
    return int(np.argmin(np.abs(np.log(shares) - wanted)))


def counters_of(patterns: NDArray[Any], active: NDArray[np.bool_], bits: int) -> NDArray[np.int64]:
    """Return C (N, M) after `patterns` (K, N) were written one by one at `active` (K, M)."""
    limit = 2 ** (bits - 1) - 1
    if active.sum(axis=0).max() <= limit:  # no counter can reach its end
        sums = patterns.T.astype(np.float32) @ active.astype(np.float32)
        return np.rint(sums).astype(np.int64)
    counters = np.zeros((patterns.shape[1], active.shape[1]), dtype=np.int64)
    for pattern, row in zip(patterns.astype(np.int64), active, strict=True):
        changed = counters[:, row] + pattern[:, np.newaxis]
        counters[:, row] = np.clip(changed, -limit, limit)
    return counters


def assembled(decoder: Decoder, counters: NDArray[Any], name: str = "kanerva") -> Graph:
    """Return the graph that reads `counters` (N, M) at what `decoder` makes active."""
    units = len(counters)
    return Graph(
        name,
        {
            "cue": Input(units, signal="ternary"),
            "memory": Sign(units),
            **decoder.processes(),
            "counters": Dense(counters),
        },
        [
            Connection("cue.out", "memory.set"),
            Connection("memory.s", "decoder.s", delay=1),
            Connection("decoder.a", "locations.a"),
            Connection("locations.s", "counters.s", delay=1),
            Connection("counters.a", "memory.a"),
        ],
        [Probe("memory.s")],
    )


# --- learning one pattern after another ---------------------------------------------------------


def blank(
    units: int,
    *,
    locations: int = 1000,
    radius: int | None = None,
    coordinates: int | None = None,
    winners: int | None = None,
    counter_bits: int = 8,
    seed: int = 0,
) -> Graph:
    """Return the graph that learns: the counters of active locations move towards the teacher.

    Step 0 of a lesson shows the pattern, at step 1 the locations fire, and at step 2 their spikes
    meet the pattern, which is as late, at the counters.

    Raises `Invalid` with every fault of the arguments.
    """
    faults = _faults(units, locations, radius, coordinates, winners, counter_bits, seed)
    if faults:
        raise Invalid("kanerva.blank", faults)
    decoder = Decoder(units, locations, radius, coordinates, winners, seed)
    limit = 2 ** (counter_bits - 1) - 1
    counters = Dense(np.zeros((units, locations)), rule=hebb(low=-limit, high=limit))
    return Graph(
        "kanerva_learning",
        {
            "teacher": Input(units, signal="ternary"),
            **decoder.processes(),
            "counters": counters,
        },
        [
            Connection("teacher.out", "decoder.s", delay=1),
            Connection("decoder.a", "locations.a"),
            Connection("locations.s", "counters.s", delay=1),
            Connection("teacher.out", "counters.post", delay=2),
        ],
        [Probe("locations.s")],
    )


def teach(patterns: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return lessons of `patterns` (K, N), one each, as data of the Input ``teacher``."""
    return {"teacher": np.asarray(patterns)[:, np.newaxis, :]}


def learned(
    result: Result,
    *,
    locations: int = 1000,
    radius: int | None = None,
    coordinates: int | None = None,
    winners: int | None = None,
    seed: int = 0,
    **_: Any,
) -> Graph:
    """Return the memory of what a run of `blank` learned."""
    counters = np.rint(result.value("counters.weights")).astype(np.int64)
    decoder = Decoder(len(counters), locations, radius, coordinates, winners, seed)
    return assembled(decoder, counters)


# --- inside -------------------------------------------------------------------------------------


def _addresses(units: int, locations: int, looked: int, seed: int) -> NDArray[np.int8]:
    draw = stream(seed, "kanerva", "addresses")
    addresses = draw.integers(0, 2, (locations, units), dtype=np.int8) * 2 - 1
    if looked < units:
        order = np.argsort(draw.random((locations, units)), axis=1)
        np.put_along_axis(addresses, order[:, looked:], 0, axis=1)
    return addresses.astype(np.int8)


def _faults(
    units: int | None,
    locations: Any,
    radius: Any,
    coordinates: Any,
    winners: Any,
    counter_bits: Any,
    seed: Any,
) -> list[Fault]:
    width = units or 2**24
    faults = whole_faults("locations", locations, 1, LARGEST)
    if not faults and locations * (units or 1) > LARGEST:
        got = f"{locations} locations of {units} units"
        need = f"must hold at most {LARGEST} counters (2 GiB of float64)"
        faults.append(Fault("locations", got, need, "use fewer locations"))
    many = 2**24 if faults else locations
    wrong = [] if coordinates is None else whole_faults("coordinates", coordinates, 1, width)
    looked = width if wrong or coordinates is None else coordinates
    if radius is not None:
        why = ", below half of the units a location looks at"
        wrong += whole_faults("radius", radius, 0, (looked - 1) // 2, why)
    if winners is not None:
        wrong += whole_faults("winners", winners, 1, many)
        if radius is not None:
            need = "must be left out where winners are chosen"
            wrong.append(Fault("radius", repr(radius), need, "give one of the two"))
    wrong += whole_faults("counter_bits", counter_bits, 2, 8, ", the sign included")
    return faults + wrong + whole_faults("seed", seed, 0, 2**63 - 1)


LEARNER = Learner(blank, teach, learned, steps=3)
FAMILY = Family(build, steps=13, corruption=("flip", 0.1), learner=LEARNER, survey=(6, 96))


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    stored = random_patterns(5, 32, seed=0).patterns
    graph = build(stored, locations=60, radius=12).with_probes("locations.v", "memory.h")
    spoiled = cues(stored, "flip", 0.15, seed=0)[:, 0]
    return graph, {"cue": spoiled[:, np.newaxis]}, 7
