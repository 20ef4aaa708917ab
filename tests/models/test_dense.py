from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import metrics
from hebbgraph.backend import discover
from hebbgraph.data import random_patterns
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import dense
from hebbgraph.visible_hidden import VARIANTS, leave_one_out

ORDERS = (2, 3, 4, 5, 6)


def stored(count: int, units: int, seed: int = 0) -> np.ndarray:
    return random_patterns(count, units, seed).patterns.astype(np.int64)


def spoiled(patterns: np.ndarray, level: float, seed: int = 0) -> np.ndarray:
    return cues(patterns, "flip", level, seed=seed)[:, 0].astype(np.int64)


def run(
    graph: hg.Graph,
    starts: np.ndarray,
    steps: int,
    backend: str = "reference",
    domain: Any = "float",
) -> hg.Result:
    with hg.compile(graph, backend, domain=domain) as program:
        return program.run({"cue": starts[:, np.newaxis].astype(float)}, steps)


def updates(result: hg.Result) -> np.ndarray:
    """Return the states after 0, 1, 2, ... updates: those of even steps."""
    return result.spikes["memory"][:, ::2].astype(np.int64)


def tensor_fields(patterns: np.ndarray, state: np.ndarray, p: int) -> np.ndarray:
    """Return h_i from couplings over every set of p different units, spelt out."""
    units = len(state)
    found = np.zeros(units, dtype=np.int64)
    for i in range(units):
        others = [j for j in range(units) if j != i]
        for chosen in itertools.combinations(others, p - 1):
            coupling = (patterns[:, i] * patterns[:, list(chosen)].prod(axis=1)).sum()
            found[i] += coupling * state[list(chosen)].prod()
    return found


def difference_fields(patterns: np.ndarray, state: np.ndarray, p: int, variant: str) -> np.ndarray:
    """Return by how much lower the energy -sum F(S) is with sigma_i = 1 than with -1."""
    found = np.zeros(len(state), dtype=np.int64)
    sums = patterns @ state
    for i in range(len(state)):
        rest = sums - patterns[:, i] * state[i]
        gain = (rest + patterns[:, i]) ** p - (rest - patterns[:, i]) ** p
        found[i] = gain[sums >= 2].sum() if variant == "rectified" else gain.sum()
    return found


def next_state(fields: np.ndarray, state: np.ndarray) -> np.ndarray:
    return np.where(fields == 0, state, np.sign(fields))


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_updates_are_those_of_the_couplings_spelt_out(variant: Any, p: int, domain: str) -> None:
    patterns = stored(7, 9)
    starts = stored(5, 9, seed=1)
    graph = dense.build(patterns, p, variant=variant)
    got = updates(run(graph, starts, 7, domain=domain))
    for begin, states in zip(starts, got, strict=True):
        state = begin
        for t, seen in enumerate(states):
            assert np.array_equal(seen, state), t
            spelt = (
                tensor_fields(patterns, state, p)
                if variant == "distinct"
                else difference_fields(patterns, state, p, variant)
            )
            state = next_state(spelt, state)


@pytest.mark.parametrize("variant", ["distinct", "krotov"])
@pytest.mark.parametrize("p", [3, 4])
def test_the_bus_takes_exactly_the_self_term_out(p: int, variant: Any) -> None:
    """Fields of the graph are twice those without unit i, to the last bit."""
    patterns, starts = stored(40, 24), stored(6, 24, seed=3)
    graph = dense.build(patterns, p, variant=variant).with_probes("memory.h")
    fields = run(graph, starts, 3).states["memory.h"][:, 2]
    for begin, got in zip(starts, fields, strict=True):
        sums = (patterns @ begin)[:, np.newaxis] - patterns * begin
        n, scale = 23, 2.0
        if variant == "distinct":
            phi = (sums**2 - n) // 2 if p == 3 else (sums**3 - (3 * n - 2) * sums) // 6
        else:
            phi = (sums + 1) ** p - (sums - 1) ** p
            scale = {3: 2 / 2, 4: 2 / 8}[p]  # 2 and 8 are common factors
        assert np.array_equal(got, scale * (patterns * phi).sum(axis=0))


def test_two_bodies_are_the_hopfield_memory() -> None:
    patterns, starts = stored(5, 30), stored(8, 30, seed=2)
    got = updates(run(dense.build(patterns, 2), starts, 5))
    coupling = patterns.T @ patterns
    np.fill_diagonal(coupling, 0)
    state = starts
    for t in range(3):
        assert np.array_equal(got[:, t], state)
        state = next_state(state @ coupling, state)


@pytest.mark.parametrize("p", [3, 4])
def test_sending_flips_changes_nothing_but_the_events(p: int) -> None:
    patterns = stored(30, 40)
    starts = spoiled(patterns[:8], 0.2)
    states, flips = (
        run(dense.build(patterns, p, changes=changes), starts, 9) for changes in (False, True)
    )
    assert np.array_equal(states.spikes["memory"], flips.spikes["memory"])
    count = {
        name: result.counters.processes["relay"].graded_events
        for name, result in (("states", states), ("flips", flips))
    }
    seen = updates(flips)
    changed = np.count_nonzero(seen[:, 1:] != seen[:, :-1])
    assert count == {"states": 8 * 5 * 40, "flips": 8 * 40 + changed}


def test_odd_orders_tell_a_pattern_from_its_negative() -> None:
    patterns = stored(3, 40)
    for p, variant, stays in (
        (3, "distinct", False),
        (4, "distinct", True),
        (4, "rectified", False),
    ):
        graph = dense.build(patterns, p, variant=variant)  # type: ignore[arg-type]
        final = updates(run(graph, -patterns, 5))[:, -1]
        assert np.array_equal(final, -patterns) == stays, (p, variant)


def test_modes_are_not_the_same_memory() -> None:
    """Beyond the load that exact dynamics bear, a dead zone recalls, with a handful of spikes."""
    units, count, tested = 40, 2_500, 20
    patterns = stored(count, units)
    starts = spoiled(patterns[:tested], 0.1)
    overlaps, spikes = {}, {}
    for mode, theta in (("exact", None), ("event_sparse", 3.9)):
        graph = dense.build(patterns, 4, mode=mode, theta=theta)  # type: ignore[arg-type]
        result = run(graph, starts, 11)
        final = result.spikes["memory"][:, -1]
        overlaps[mode] = metrics.overlap(final, patterns[:tested]).mean()
        spikes[mode] = result.counters.processes["hidden"].graded_events / tested / 5
    assert overlaps["event_sparse"] > 0.99 > 0.9 > overlaps["exact"]
    assert spikes["event_sparse"] < 4 < 0.8 * count < spikes["exact"]


def test_a_coarse_payload_holds_on_to_the_cue() -> None:
    """At 6 bits patterns near the edge of the first grain vote for what the units already are."""
    patterns = stored(1700, 40)  # alpha' 0.16
    starts = spoiled(patterns[:20], 0.1)
    stays = {}
    for self_term, bits in (("bus", None), ("kept", None), ("kept", 6)):
        graph = dense.build(patterns, 4, self_term=self_term, payload_bits=bits)  # type: ignore[arg-type]
        assert bool(graph.notes) == (bits == 6)
        final = run(graph, starts, 11, domain="fixed").spikes["memory"][:, -1]
        stays[self_term, bits] = metrics.overlap(final, starts).mean()
    assert stays["kept", 6] > 0.95 > 0.7 > max(stays["bus", None], stays["kept", None])


ENGINES = [
    pytest.param(name, domain, id=f"{name}-{domain}")
    for name in ("brian2", "snntorch", "lava")
    for domain in ("float", "fixed")
]
KINDS: tuple[dict[str, Any], ...] = (
    {"p": 3, "variant": "krotov", "changes": True},
    {"p": 4, "mode": "event_sparse", "theta": 1.5, "update": 0.5},
    {"p": 6, "variant": "rectified", "self_term": "kept"},
    {"p": 2, "temperature": 0.3},
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"p{kind['p']}")
@pytest.mark.parametrize(("backend", "domain"), ENGINES)
def test_every_engine_recalls_alike(backend: str, domain: Any, kind: dict[str, Any]) -> None:
    availability = discover()[backend].availability()
    if not availability.usable:
        pytest.skip(f"{availability.reason}; {availability.remedy}")
    patterns = stored(10, 20)
    graph = dense.build(patterns, **kind).with_probes("hidden.out", "memory.h")
    starts = spoiled(patterns[:4], 0.2)
    expected = run(graph, starts, 7, domain=domain)
    got = run(graph, starts, 7, backend, domain)
    assert np.array_equal(got.spikes["memory"], expected.spikes["memory"])
    for target, values in expected.states.items():
        np.testing.assert_allclose(got.states[target], values, rtol=1e-12, atol=1e-9)
    assert got.counters == expected.counters


def test_memory_round_trip() -> None:
    patterns = stored(60, 48)
    with hg.Memory("dense", p=3, domain="fixed", backend="snntorch") as memory:
        memory.fit(patterns)
        assert memory.score(patterns, level=0.15) == 1
        assert np.array_equal(memory.recall(spoiled(patterns, 0.1)[0]), patterns[0])
        assert memory.energy_(patterns[0]) < memory.energy_(spoiled(patterns, 0.1)[0])


@pytest.mark.parametrize("p", ORDERS)
def test_energy_falls_by_the_field(p: int) -> None:
    patterns, state = stored(6, 10), stored(1, 10, seed=5)[0]
    fields = tensor_fields(patterns, state, p)
    for i in range(10):
        flipped = state.copy()
        flipped[i] *= -1
        rise = np.diff(dense.energy(patterns, np.stack([state, flipped]), p))[0]
        assert math.isclose(rise * math.comb(10, p), 2 * state[i] * fields[i], abs_tol=1e-9)
    one = patterns[:1]
    for variant in VARIANTS:
        assert math.isclose(dense.energy(one, one, p, variant)[0], -1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("p", [3, 4, 5, 6])
def test_fixed_is_exact_up_to_the_largest_n(p: int, variant: Any) -> None:
    largest = dense.largest_exact(p, variant)
    for units, exact in ((largest, True), (largest + 1, False)):
        assert (leave_one_out(p, units, variant)[0].at(units) < 2**23) == exact
    fixed = hg.compile(dense.build(stored(2, min(largest, 80)), p, variant=variant), domain="fixed")
    assert not any("rounded" in note for note in fixed.graph.notes)
    coarse = dense.build(stored(2, largest + 1), p, variant=variant)
    assert coarse.notes == (
        "hidden.out: needs 25 bits, so in fixed it is rounded down to multiples of 2, which fit 24",
    )


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        dense.build(
            [[0, 1], [1, 1]],
            1,
            variant="gardner",  # type: ignore[arg-type]
            mode="sparse",  # type: ignore[arg-type]
            self_term="gone",  # type: ignore[arg-type]
            update=0,
            temperature=-1,
            payload_bits=64,
        )
    text = str(caught.value)
    assert len(caught.value.faults) == 8
    for part in ("values must be -1 or +1", "[2, 13]", "'gardner'", "krotov", "(0, 1]", "[2, 32]"):
        assert part in text
    with pytest.raises(hg.Invalid, match="belongs to event_sparse"):
        dense.build(stored(2, 9), theta=3.0)
    with pytest.raises(hg.Invalid, match="no overlap is larger"):
        dense.build(stored(2, 9), theta=3.1, mode="event_sparse")
    with pytest.raises(hg.Invalid, match="equally long"):
        dense.build([[1, -1], [1]])


def test_more_hidden_units_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hebbgraph.checks.os.sysconf", lambda name: 100)  # 10 kB of memory
    with pytest.raises(hg.Invalid, match="store fewer patterns"):
        dense.build(stored(100, 10))
    assert dense.build(stored(10, 10))
