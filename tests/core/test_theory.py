from __future__ import annotations

import pytest

from hebbgraph.theory import hopfield_capacity, hopfield_overlap


def test_capacity_and_overlap_at_it() -> None:
    assert hopfield_capacity() == pytest.approx(0.137906, abs=2e-6)
    assert hopfield_overlap(0.137905) == pytest.approx(0.9674, abs=1e-3)
    assert hopfield_overlap(0.1380) == 0.0


@pytest.mark.parametrize(
    ("alpha", "overlap"),
    [(0.05, 0.99999), (0.08, 0.99956), (0.10, 0.99800), (0.12, 0.99322), (0.13, 0.98721)],
)
def test_published_overlaps(alpha: float, overlap: float) -> None:
    assert hopfield_overlap(alpha) == pytest.approx(overlap, abs=6e-6)
