"""Sparse distributed memory: its law in plain NumPy, its decoders, what it learns one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Memory
from hebbgraph.data import random_patterns
from hebbgraph.errors import Invalid
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import kanerva

ENGINES = ("reference", "brian2", "snntorch", "lava")
STORED = random_patterns(6, 48, seed=2).patterns
SMALL: dict[str, Any] = {"locations": 120, "radius": 19}
#: One of each design.
DESIGNS: tuple[dict[str, Any], ...] = (
    SMALL,
    {"locations": 120, "winners": 9},
    {"locations": 120, "coordinates": 7, "radius": 1},
    SMALL | {"counter_bits": 2},
)


def plain(stored: np.ndarray, cue: np.ndarray, steps: int, design: dict[str, Any]) -> np.ndarray:
    """Write and read by the definition: distances, counters, signs."""
    bits, winners = design.get("counter_bits", 8), design.get("winners")
    graph = kanerva.build(stored, **design)
    addresses: Any = graph.processes["decoder"].weights  # type: ignore[union-attr]
    limit = 2 ** (bits - 1) - 1

    def active(state: np.ndarray) -> list[int]:
        looked = addresses != 0
        distance = (looked & (addresses != state)).sum(axis=1)
        if winners is None:
            return list(np.flatnonzero(distance <= design["radius"]))
        order = sorted(range(len(distance)), key=lambda m: (distance[m], m))
        return order[:winners]

    counters = np.zeros((len(addresses), stored.shape[1]), int)
    for pattern in stored:
        for m in active(pattern):
            counters[m] = np.clip(counters[m] + pattern, -limit, limit)
    states = [cue, cue]
    while len(states) < steps:
        sums = counters[active(states[-2])].sum(axis=0)
        states.append(np.where(sums == 0, states[-1], np.sign(sums)))
    return np.array(states)


@pytest.mark.parametrize("design", DESIGNS, ids=str)
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_dynamics_are_the_definition(design: dict[str, Any], domain: Any) -> None:
    spoiled = cues(STORED, "flip", 0.2, seed=0)[:, 0]
    memory = Memory("kanerva", domain=domain, **design).fit(STORED)
    wanted = [plain(STORED, cue, 7, design) for cue in spoiled]
    assert np.array_equal(memory.trajectory(spoiled, 7), wanted)
    assert memory.result_.provenance.approximations == ()


def test_addresses_look_at_so_many_coordinates() -> None:
    addresses = kanerva.Decoder(48, 120, 0, 7, None, 3).addresses
    assert (np.count_nonzero(addresses, axis=1) == 7).all()
    assert len(np.unique(addresses, axis=0)) == 120
    assert not np.array_equal(addresses, kanerva.Decoder(48, 120, 0, 7, None, 4).addresses)


def test_counters_saturate_in_the_order_of_writing() -> None:
    patterns = np.array([[1], [1], [1], [-1]])
    always = np.ones((4, 1), bool)
    assert kanerva.counters_of(patterns, always, 2).tolist() == [[0]]  # 1, 1, 1, 0
    assert kanerva.counters_of(patterns, always, 8).tolist() == [[2]]


@pytest.mark.parametrize("backend", ENGINES[1:])
@pytest.mark.parametrize(("domain", "design"), [("fixed", SMALL), ("float", DESIGNS[1])], ids=str)
def test_engines_recall_alike(backend: str, domain: Any, design: dict[str, Any]) -> None:
    spoiled = cues(STORED, "flip", 0.2, seed=0)[:, 0]
    wanted = Memory("kanerva", **design).fit(STORED).trajectory(spoiled, 5)
    memory = Memory("kanerva", backend=backend, domain=domain, **design).fit(STORED)
    assert np.array_equal(memory.trajectory(spoiled, 5), wanted)


@pytest.mark.parametrize(
    ("backend", "domain", "design"),
    [
        *(("reference", domain, design) for domain in ("float", "fixed") for design in DESIGNS),
        *((backend, "fixed", DESIGNS[3]) for backend in ENGINES[1:]),
        *((backend, "float", SMALL) for backend in ENGINES[1:]),
    ],
    ids=str,
)
def test_patterns_learned_one_by_one_are_the_programmed_counters(
    backend: str, domain: Any, design: dict[str, Any]
) -> None:
    memory = Memory("kanerva", backend=backend, domain=domain, **design)
    memory.partial_fit(STORED[:4]).partial_fit(STORED[4]).partial_fit(STORED[5:])
    assert memory.graph_.content_hash == kanerva.build(STORED, **design).content_hash


def test_a_cue_within_the_critical_distance_is_cleaned_up() -> None:
    stored = random_patterns(10, 96, seed=0).patterns
    memory = Memory("kanerva", locations=1000).fit(stored)
    basin = memory.basin((0.0, 0.1, 0.5), cues_per_pattern=1).mean(axis=1)
    assert basin[0] == 1
    assert basin[1] > 0.95
    assert basin[-1] < 0.5
    assert memory.graph_.processes["locations"].size == 1000  # type: ignore[union-attr]
    unknown = stored[0].copy()
    unknown[::6] = 0
    assert np.array_equal(memory.recall(unknown), stored[0])


def test_the_radius_left_out_makes_the_best_share_active() -> None:
    decoder = kanerva.Decoder(256, 2000, None, None, None, 0)
    wanted = (2 * 2000 * 200) ** (-1 / 3)
    share = decoder.active(random_patterns(50, 256, seed=0).patterns).mean()
    assert wanted / 1.6 < share < wanted * 1.6


def test_fixed_is_exact_at_a_thousand_units() -> None:
    graph = kanerva.build(random_patterns(3, 1000, seed=0).patterns, locations=50)
    assert hg.compile(graph, domain="fixed").graph.notes == ()


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(Invalid) as caught:
        kanerva.build([[1, 0]], locations=0, radius=1, winners=0, counter_bits=9, seed=-1)
    text = str(caught.value)
    for part in ("values must be", "locations", "winners", "give one of the two", "2, 8", "seed"):
        assert part in text
    with pytest.raises(Invalid, match="use fewer locations"):
        kanerva.build(STORED, locations=10**8)
    with pytest.raises(Invalid, match="below half of the units"):
        kanerva.build(STORED, radius=24)
    with pytest.raises(Invalid, match="coordinates"):
        kanerva.build(STORED, coordinates=49)
