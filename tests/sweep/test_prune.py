"""Pruning: which synapses go, and that what is left is the coupling without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph.compile import compile  # noqa: A004
from hebbgraph.errors import Invalid
from hebbgraph.harness.trial import trial
from hebbgraph.models import hopfield, willshaw
from hebbgraph.processes import Dense, Input
from hebbgraph.sweep.prune import pruned, pruned_family


def _patterns(units: int = 40, count: int = 3) -> NDArray[Any]:
    return np.where(np.random.default_rng(1).random((count, units)) < 0.5, -1, 1)


@pytest.mark.parametrize("density", [0.25, 0.6])
def test_the_smallest_go_and_the_state_follows_the_pruned_coupling(density: float) -> None:
    stored = _patterns()
    graph = hopfield.build(stored, tie="low")
    thin = pruned(graph, density, seed=3, signed=True)
    before = graph.flat_processes["recurrent"].matrix()
    after = thin.flat_processes["recurrent"].matrix()
    kept, gone = after != 0, (after == 0) & (before != 0)
    assert np.count_nonzero(kept) == round(density * np.count_nonzero(before))
    assert np.abs(before[gone]).max() <= np.abs(before[kept]).min()
    assert (after[kept] == before[kept]).all()
    # sigma(t + 1) = sign(J sigma(t)) with J the pruned coupling, ties falling to -1.
    rng = np.random.default_rng(2)
    sigma = np.where(rng.random((5, stored.shape[1])) < 0.5, -1, 1)
    with compile(thin, "reference") as program:
        result = program.run({"cue": hopfield.FAMILY.present(sigma)["cue"]}, 6)
    states = 2 * result.spikes["memory"].astype(int) - 1
    assert (states[:, 0] == sigma).all()  # the cue outweighs the bias still
    for step in range(1, 6):
        field = states[:, step - 1] @ after.T
        assert (states[:, step] == np.where(field > 0, 1, -1)).all()


def test_equal_weights_go_by_chance_of_the_seed() -> None:
    graph = willshaw.build(_binary())
    first, again, other = (pruned(graph, 0.5, seed).content_hash for seed in (1, 1, 2))
    assert first == again != other


def _binary() -> NDArray[Any]:
    return (np.random.default_rng(0).random((6, 12)) < 0.3).astype(int)


def test_encoders_stay_and_unknown_paths_are_refused() -> None:
    graph = willshaw.build(_binary())
    thin = pruned(graph, 0.5)
    changed = [
        path
        for path, process in graph.walk()
        if isinstance(process, Dense)
        and (process.matrix() != thin.flat_processes[path].matrix()).any()
    ]
    assert changed == ["synapses"]
    assert isinstance(thin.flat_processes["cue"], Input)
    with pytest.raises(Invalid, match="must be among the matrices"):
        pruned(graph, 0.5, paths=["nothing"])


def test_a_family_keeps_its_arguments() -> None:
    one = trial("hopfield", units=20, count=2, tie="low")
    family = pruned_family(one.bound(0), 0.5, 0, ())
    stored, _ = one.stored(0)
    weights = family.build(stored).flat_processes["recurrent"].matrix()
    whole = one.bound(0).build(stored).flat_processes["recurrent"].matrix()
    assert np.count_nonzero(weights) == round(0.5 * np.count_nonzero(whole))
    assert pruned_family(family, 1.0, 0, ()) is family
