"""Association layers: against plain NumPy, to train, and as graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import hebbgraph as hg  # noqa: E402
from hebbgraph.backend import discover  # noqa: E402
from hebbgraph.layers import Hopfield, HopfieldLayer, HopfieldPooling, to_graph  # noqa: E402
from hebbgraph.models import modern_hopfield  # noqa: E402

ENGINES = [name for name, found in discover().items() if found.availability().usable]
STATIC = {
    "stored_pattern_as_static": True,
    "state_pattern_as_static": True,
    "pattern_projection_as_static": True,
    "disable_out_projection": True,
}
RAW = {
    f"normalize_{name}{suffix}": False
    for name in ("stored_pattern", "state_pattern", "pattern_projection")
    for suffix in ("", "_affine")
}


def drawn(*shape: int, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator)


def shares(scores: Any) -> Any:
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def normal(x: Any, norm: Any) -> Any:
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return y * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def by_hand(layer: Any, stored: Any, state: Any, updates: int) -> Any:
    """Return what one batch gives, head by head."""
    y, r = stored.numpy(), state.numpy()
    inputs = [normal(x, norm) for x, norm in zip((r, y, y), layer.norms, strict=True)]
    parts = []
    for x, linear in zip(inputs, layer.projections, strict=True):
        flat = x @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
        parts.append(np.split(flat, layer.sizes.heads, axis=-1))
    found = []
    for q, k, v in zip(*parts, strict=True):
        beta = float(layer.scaling)
        xi = shares(beta * q @ k.T)
        for _ in range(updates):
            xi = shares(beta * (xi @ k) @ k.T)
        found.append(xi @ v)
    out = layer.out_projection
    return np.concatenate(found, -1) @ out.weight.detach().numpy().T + out.bias.detach().numpy()


@pytest.mark.parametrize("updates", [0, 1, 4])
@pytest.mark.parametrize("heads", [1, 2])
def test_equals_the_formula(updates: int, heads: int) -> None:
    layer = Hopfield(
        8,
        5,
        3,
        4,
        num_heads=heads,
        scaling=3.0,
        update_steps_max=updates,
        update_steps_eps=1e-30,
    )
    torch.manual_seed(0)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    stored, state = drawn(2, 7, 8), drawn(2, 6, 8, seed=1)
    got = layer((stored, state, stored)).detach().numpy()
    for batch in range(2):
        expected = by_hand(layer, stored[batch], state[batch], updates)
        assert np.allclose(got[batch], expected, rtol=1e-4, atol=1e-4)


def test_static_layer_is_the_memory() -> None:
    layer = Hopfield(scaling=2.0, update_steps_max=3, update_steps_eps=1e-30, **STATIC, **RAW)
    stored, cue = drawn(1, 6, 10).double(), drawn(1, 4, 10, seed=2).double()
    got = layer((stored, cue, stored)).numpy()[0]
    graph = modern_hopfield.build(stored[0].numpy(), beta=2.0)
    with hg.compile(graph) as program:
        result = program.run({"cue": cue[0].numpy()[:, np.newaxis]}, 9)
    assert np.allclose(got, result.value("memory.x")[:, -1], atol=1e-6)
    assert not list(layer.parameters())


def test_updates_end_head_by_head() -> None:
    layer = Hopfield(
        scaling=torch.tensor([0.1, 30.0]),
        num_heads=2,
        update_steps_max=None,
        update_steps_eps=1e-6,
        **STATIC,
        **RAW,
    )
    stored = drawn(1, 5, 6)
    xi = layer.get_association_matrix((stored, stored, stored))
    again = shares(
        np.array([0.1, 30.0])[:, None, None] * (xi[0] @ stored).numpy() @ stored[0].numpy().T
    )
    assert np.allclose(xi[0].numpy(), again, atol=1e-4)
    assert np.allclose(xi[0, 1].numpy(), np.eye(5), atol=1e-3)
    assert np.allclose(xi[0, 0].numpy(), 0.2, atol=0.1)


@pytest.mark.parametrize("updates", [0, 2])
def test_masks_hide_patterns(updates: int) -> None:
    layer = Hopfield(8, num_heads=2, update_steps_max=updates).eval()
    stored, state = drawn(3, 7, 8), drawn(3, 4, 8, seed=1)
    padding = torch.zeros(3, 7, dtype=torch.bool)
    padding[:, 5:] = True
    short = layer((stored[:, :5], state, stored[:, :5]))
    assert torch.allclose(layer((stored, state, stored), padding), short, atol=1e-6)
    mask = torch.zeros(4, 7, dtype=torch.bool)
    mask[:, 5:] = True
    assert torch.allclose(layer((stored, state, stored), None, mask), short, atol=1e-6)
    added = torch.zeros(6, 4, 7).masked_fill(mask, -torch.inf)
    assert torch.allclose(layer((stored, state, stored), None, added), short, atol=1e-6)
    xi = layer.get_association_matrix((stored, state, stored), padding, mask)
    assert xi.shape == (3, 2, 4, 7)
    assert (xi[..., 5:] == 0).all()


def test_axes_and_zero_association() -> None:
    layer = Hopfield(8, 8, add_zero_association=True, batch_first=False)
    stored = drawn(7, 3, 8)
    assert layer(stored).shape == (7, 3, 8)
    xi = layer.get_association_matrix(stored)
    assert xi.shape == (3, 1, 7, 8)
    assert layer.get_projected_pattern_matrix(stored)[:, :, -1].abs().max() == 0


def test_pooling_and_lookup_learn() -> None:
    torch.manual_seed(0)
    stored = drawn(16, 5, 6)
    pooling = HopfieldPooling(6, 4, 2, quantity=3)
    assert pooling(stored).shape == (16, 6)
    assert pooling.get_association_matrix(stored).shape == (16, 1, 3, 5)
    lookup = HopfieldLayer(6, quantity=9, lookup_weights_as_separated=True)
    assert lookup(stored).shape == (16, 5, 6)
    assert lookup.get_association_matrix(stored).shape == (16, 1, 5, 9)
    target = stored.mean(1).repeat(1, 1)[:, :6]
    optimiser = torch.optim.Adam(pooling.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = ((pooling(stored) - target) ** 2).mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is not None for p in pooling.parameters())
    still = HopfieldPooling(6, trainable=False)
    assert not still.pooling_weights.requires_grad


@pytest.mark.parametrize("heads", [1, 2])
def test_a_trained_layer_is_a_graph(heads: int) -> None:
    layer = Hopfield(6, 4, 3, num_heads=heads, scaling=1.5)
    torch.manual_seed(1)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    stored, state = drawn(5, 6), drawn(4, 6, seed=3)
    expected = layer((stored[None], state[None], stored[None])).detach().numpy()[0]
    graph = to_graph(layer, stored)
    inputs = {"state": layer.prepared(state).detach().numpy()[:, np.newaxis]}
    for backend in ENGINES:
        with hg.compile(graph, backend) as program:
            got = program.run(inputs, 3).value("answer.out")[:, -1]
        assert np.allclose(got, expected, atol=1e-4), backend
    with hg.compile(graph, domain="fixed", calibration=inputs) as program:
        fixed = program.run(inputs, 3).value("answer.out")[:, -1]
    assert np.abs(fixed - expected).max() < 0.1 * np.abs(expected).max()


def test_the_graph_of_winners_and_of_a_static_layer() -> None:
    layer = Hopfield(scaling=4.0, **STATIC, **RAW)
    stored = drawn(5, 6)
    graph = to_graph(layer, stored, readout="winner")
    cue = (stored + 0.1 * drawn(5, 6, seed=4)).numpy()
    with hg.compile(graph) as program:
        got = program.run({"state": cue[:, np.newaxis]}, 3).value("answer.out")[:, -1]
    best = np.argmax(cue @ stored.numpy().T, axis=1)
    assert np.allclose(got, stored.numpy()[best], atol=1e-6)


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        Hopfield(None, num_heads=0, scaling=-1.0, update_steps_max=-1)
    text = str(caught.value)
    for part in ("num_heads", "scaling", "update_steps_max", "normalize_state_pattern"):
        assert part in text
    with pytest.raises(hg.Invalid, match="multiple of num_heads"):
        Hopfield(8, num_heads=3)
    with pytest.raises(hg.Invalid, match="affine"):
        Hopfield(8, normalize_state_pattern=False)
    with pytest.raises(hg.Invalid, match="same width"):
        Hopfield(8, 5, stored_pattern_as_static=True)(drawn(1, 3, 8))
    with pytest.raises(hg.Invalid, match="update_steps_max"):
        to_graph(Hopfield(8, update_steps_max=1), drawn(3, 8))
