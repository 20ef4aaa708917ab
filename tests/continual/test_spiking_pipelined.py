"""The plain tensors of HLOP against its graph, executed by the reference."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from hebbgraph.compile import compile  # noqa: A004, E402
from hebbgraph.continual.methods.subspace import Subspace  # noqa: E402
from hebbgraph.continual.spiking.pipelined import Pipelined  # noqa: E402
from hebbgraph.models import hlop  # noqa: E402
from hebbgraph.random import stream  # noqa: E402

STEPS = 12


def rows(count: int, width: int, layer: int, task: int) -> NDArray[np.float64]:
    drawn = hlop.fresh_rows(count, width, 0, layer, task)
    assert drawn is not None
    return drawn


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("sizes", [(9, 4), (9, 8, 4), (9, 8, 7, 4)])
def test_learned_weights_are_those_of_the_graph(sizes: tuple[int, ...], batch: int) -> None:
    weights = [2 * w for w in hlop.first_weights(sizes, seed=3)]
    old = [rows(2, w.shape[1], i, 0) for i, w in enumerate(weights, 1)]
    new = [rows(3, w.shape[1], i, 1) for i, w in enumerate(weights, 1)]
    rates = [0.05, 0.02, 0.03][: len(weights)]
    draw = stream(0, "test", "pipelined")
    x, labels = draw.random((6, 9)), np.arange(6) % 4
    graph = hlop.build(weights, old, new, steps=STEPS, rate=0.5, hebbian_rates=rates)
    inputs = {"x": np.repeat(x[:, None], STEPS, axis=1)}
    inputs["target"] = np.repeat(np.eye(4)[labels][:, None], STEPS, axis=1)
    with compile(graph, "reference") as program:
        found = program.run(inputs, STEPS, batch=batch)
    subspaces = []
    for held, fresh in zip(old, new, strict=True):
        subspace = Subspace(held.shape[1], torch.zeros(1, dtype=torch.float64))
        subspace.old, subspace.new = torch.tensor(held), torch.tensor(fresh)
        subspace.momentum = torch.zeros_like(subspace.new)
        subspaces.append(subspace)
    learner = Pipelined([torch.tensor(w) for w in weights], subspaces, STEPS, 0.5, rates)
    readout = [
        learner.learn(
            torch.tensor(x[i : i + batch]), torch.tensor(np.eye(4)[labels[i : i + batch]])
        )
        for i in range(0, 6, batch)
    ]
    np.testing.assert_allclose(
        torch.cat(readout), found.states["readout.out"][:, -1], rtol=1e-9, atol=1e-12
    )
    for layer, (weight, subspace) in enumerate(zip(learner.weights, subspaces, strict=True), 1):
        assert not np.allclose(weight, weights[layer - 1], atol=1e-3)
        np.testing.assert_allclose(
            weight, found.weights[f"w{layer}.weights"], rtol=1e-9, atol=1e-12
        )
        wanted = found.weights[f"subspace{layer}.new.weights"]
        assert not np.allclose(new[layer - 1], wanted, atol=1e-4)
        np.testing.assert_allclose(subspace.new, wanted, rtol=1e-9, atol=1e-12)
