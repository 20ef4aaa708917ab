"""Layer by layer against step by step: the same gradients, readout and heard signals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from hebbgraph.continual.spiking.layered import chain
from hebbgraph.continual.spiking.nets import SpikingNet, mlp
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.spiking.trainers import OTTT

SIZES, STEPS = (7, 12, 9, 4), 8


def made(**given: Any) -> SpikingNet:
    draws = np.random.default_rng(0)
    shapes = list(zip(SIZES[1:], SIZES, strict=False))
    weights = [1.8 * draws.standard_normal(shape) / shape[1] ** 0.5 for shape in shapes]
    return mlp(weights, STEPS, dtype=torch.float64, **given)


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("most", [0, 3])
@pytest.mark.parametrize("error", ["bp", "fa", "ss"])
def test_gradients_readout_and_what_is_heard_are_the_same(
    error: str, most: int, filtered: bool
) -> None:
    x = torch.rand(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([0, 3, 1, 2, 2])
    outcomes = []
    for layered in (False, True):
        net = made(error=error, fires=0.9, leak=0.6)
        for number, layer in enumerate(net.parts(Synapses)):
            layer.listen(most, np.random.default_rng(number))
            if filtered and layer.static:
                layer.filter = lambda rows: rows * torch.linspace(0, 1, 7, dtype=torch.float64)
        trainer = OTTT(layered=layered)
        readout = trainer.gradients(net, x, lambda a: cross_entropy(a, y))
        trainer.gradients(net, x + 0.1, lambda a: cross_entropy(a, y))
        grads = [layer.weight.grad for layer in net.parts(Synapses)]
        outcomes.append((readout, grads, [layer.taken() for layer in net.parts(Synapses)]))
    (readout, grads, heard), (readout2, grads2, heard2) = outcomes
    torch.testing.assert_close(readout, readout2, rtol=1e-12, atol=1e-14)
    for one, other in zip(grads, grads2, strict=True):
        assert one is not None
        assert one.abs().max() > 1e-3
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-14)
    for rows, rows2 in zip(heard, heard2, strict=True):
        assert len(rows)
        torch.testing.assert_close(rows, rows2, rtol=1e-12, atol=1e-14)


def test_only_plain_chains_are_taken_layer_by_layer() -> None:
    assert chain(made()) is not None
    assert chain(made(surrogate="atan")) is None
