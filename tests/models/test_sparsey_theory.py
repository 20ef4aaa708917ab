from __future__ import annotations

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.data import sparse_patterns
from hebbgraph.models import sparsey
from hebbgraph.theory import (
    sparsey_capacity,
    sparsey_code_overlap,
    sparsey_novel_familiarity,
    sparsey_published_overlap,
    sparsey_recognition,
)


def test_codes_go_from_chance_to_equality() -> None:
    for overlap in (sparsey_code_overlap, sparsey_published_overlap):
        line = overlap(np.linspace(0, 1, 101), 16)
        assert line[0] == pytest.approx(1 / 16)
        assert line[-1] > 0.998
        assert (np.diff(line) >= 0).all()
    # beta = 15 at a similarity of 3/4
    assert sparsey_code_overlap(0.75, 4) == pytest.approx(1 / (1 + 3 * np.exp(-15 * 0.75)))
    # eta = 1e4 / 128 at 1/2, psi = (eta - 1) / 2 + 1; psi(0) = 1 but for exp(-13)
    psi = (1e4 / 128 - 1) / 2 + 1
    assert sparsey_published_overlap(0.5, 4) == pytest.approx(psi / (psi + 3), rel=1e-3)


def test_code_overlap_is_what_a_mac_draws() -> None:
    base = np.zeros(64)
    base[:16] = 1
    for shared in (8, 11, 13):
        other = np.zeros(64)
        other[16 - shared : 32 - shared] = 1
        lessons = np.stack([base, other])
        found = []
        for seed in range(12):
            graph = sparsey.blank(64, modules=32, width=8, floor=0.25, gain=20, seed=seed)
            with hg.compile(graph) as program:
                first, second = sparsey.codes(program.run(sparsey.teach(lessons), 2), 32)
            found.append((first == second).mean())
        line = sparsey_code_overlap(shared / 16, 8, floor=0.25, gain=20)
        error = np.sqrt(line * (1 - line) / (32 * 12))
        assert abs(np.mean(found) - line) < 3.5 * error


def test_few_items_by_hand() -> None:
    assert sparsey_recognition(1, 100, 10) == 1
    # With one item before, one unit of K has it: V = 10/100 of a bit of overlap each.
    below = np.array([(1 - 1 / 4) + (1 / 4) * sum_below(k, 10, 0.1) for k in range(10)])
    assert sparsey_novel_familiarity(1, 100, 10, 4) == pytest.approx((1 - below**4).sum() / 10)


def sum_below(k: int, n: int, p: float) -> float:
    """Return P(Binomial(n, p) <= k)."""
    from math import comb

    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("items", [40, 120])
def test_recognition_and_familiarity_are_a_macs(items: int) -> None:
    """Codes are random while novel items are less familiar than the floor: here always."""
    units, active, modules = 128, 16, 16
    stored = sparse_patterns(items, units, 0, active).patterns
    novel = sparse_patterns(100, units, 1, active).patterns
    graph = sparsey.blank(units, floor=0.99)
    with hg.compile(graph) as program:
        lessons = program.run(sparsey.teach(stored), 2)
    with hg.compile(sparsey.recalling(lessons.weights["up.weights"], modules)) as program:
        known = program.run(sparsey.show_twice(stored), 2)
        other = program.run(sparsey.show_twice(novel), 2)
    right = (sparsey.codes(known, modules) == sparsey.codes(lessons, modules)).mean()
    assert right == pytest.approx(sparsey_recognition(items, units, active), abs=0.02)
    seen = sparsey.familiarity(other).mean()
    assert seen == pytest.approx(sparsey_novel_familiarity(items, units, active), abs=0.02)


def test_capacity_is_where_the_line_meets_the_floor() -> None:
    for floor in (0.5, 0.75):
        items = sparsey_capacity(floor, 128, 16)
        around = [sparsey_novel_familiarity(int(items) + d, 128, 16) for d in (0, 1)]
        assert around[0] <= floor <= around[1]
    assert sparsey_capacity(0.01, 128, 16) == 1


def test_bad_arguments_are_named() -> None:
    with pytest.raises(hg.Invalid, match="active"):
        sparsey_recognition(5, 10, 11)
    with pytest.raises(hg.Invalid) as caught:
        sparsey_novel_familiarity(0, 10, 2, 1)
    assert len(caught.value.faults) == 2
    with pytest.raises(hg.Invalid, match="floor"):
        sparsey_capacity(1.0, 10, 2)
