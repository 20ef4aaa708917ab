"""Active dendrites: their law in plain NumPy, unions, noise, segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Memory
from hebbgraph.data import sparse_patterns
from hebbgraph.errors import Invalid
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import dendrites
from hebbgraph.theory import segment_false_positive

STORED = sparse_patterns(8, 64, seed=1, active=9).patterns
SMALL: dict[str, Any] = {"synapses": 7, "threshold": 5, "segments": 2}


def plain(stored: np.ndarray, cells: np.ndarray, cue: np.ndarray, threshold: int) -> np.ndarray:
    """Recognise and complete by the definition."""
    state = np.zeros_like(cue)
    for pattern, segments in zip(stored, cells, strict=True):
        if any(sum(int(cue[j]) for j in segment) >= threshold for segment in segments):
            state |= pattern
    return state if state.any() else cue


@pytest.mark.parametrize(
    ("backend", "domain"),
    [
        ("reference", "float"),
        *((backend, "fixed") for backend in ("reference", "brian2", "snntorch", "lava")),
    ],
)
def test_recall_is_the_definition(backend: str, domain: Any) -> None:
    cells = dendrites.sampled(STORED, 2, 7)
    spoiled = [cues(STORED, "move", m, seed=0, alphabet="binary")[:, 0] for m in (0.2, 0.4)]
    shown = np.concatenate([*spoiled, STORED[:1] * 0, STORED[:4].max(axis=0, keepdims=True)])
    wanted = [plain(STORED, cells, cue, 5) for cue in shown]
    memory = Memory("dendrites", backend=backend, domain=domain, **SMALL).fit(STORED)
    assert np.array_equal(memory.recall(shown), wanted)
    assert memory.result_.provenance.approximations == ()


def test_segments_sample_their_pattern() -> None:
    cells = dendrites.sampled(STORED, 3, 6, seed=5)
    assert cells.shape == (8, 3, 6)
    for pattern, segments in zip(STORED, cells, strict=True):
        assert pattern[segments].all()
        assert all(len(set(segment)) == 6 for segment in segments)
    assert np.array_equal(dendrites.sampled(STORED[:4], 3, 6, seed=5), cells[:4])


def test_a_union_of_patterns_is_recognised_as_all_of_them() -> None:
    stored = sparse_patterns(30, 1000, seed=0, active=20).patterns
    graph = dendrites.build(stored, threshold=15)
    union = stored[:8].max(axis=0)
    with hg.compile(graph) as program:
        result = program.run({"cue": union[np.newaxis, np.newaxis]}, 4)
    assert result.spikes["somas"][0, 1].nonzero()[0].tolist() == list(range(8))
    assert np.array_equal(dendrites.FAMILY.read(result)[0, -1], union)


def test_noise_that_leaves_enough_hits_is_tolerated() -> None:
    stored = sparse_patterns(20, 512, seed=0, active=20).patterns
    memory = Memory("dendrites", threshold=10).fit(stored)
    assert memory.score(stored, level=0.45) == 1  # at least 11 of 20 synapses are hit
    assert memory.score(stored, level=0.6) < 0.6
    assert memory.recall(stored[0] * 0).sum() == 0


def test_false_positives_are_as_many_as_the_law_says() -> None:
    units, active, synapses, threshold = 300, 48, 12, 5
    cells = dendrites.sampled(sparse_patterns(400, units, 0, active).patterns, 1, synapses)
    shown = sparse_patterns(150, units, 99, active).patterns
    with hg.compile(dendrites.neurons(cells, units, threshold)) as program:
        somas = program.run({"cue": shown[:, np.newaxis]}, 2).spikes["somas"][:, 1]
    law = segment_false_positive(units, active, synapses, threshold)
    # Rows and columns share a pattern each: a spread some times that of independent trials.
    assert somas.mean() == pytest.approx(law, abs=5 * np.sqrt(law / somas.size) * 2)


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(Invalid) as caught:
        dendrites.build([[0, 2]], synapses=0, threshold=0, segments=0, seed=-1)
    assert len(caught.value.faults) == 5
    with pytest.raises(Invalid, match="no active cell in pattern 1"):
        dendrites.build([[1, 0], [0, 0]])
    with pytest.raises(Invalid, match="active cells of the sparsest pattern"):
        dendrites.build(STORED, synapses=10)
    with pytest.raises(Invalid, match="the synapses there are"):
        dendrites.build(STORED, synapses=6, threshold=7)
