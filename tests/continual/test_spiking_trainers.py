"""Trainers against the equations of their papers, written as plain loops, in float64."""

from __future__ import annotations

from typing import Any

import pytest
import snntorch
import torch
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, cross_entropy

from hebbgraph.continual.spiking.convnet import convnet
from hebbgraph.continual.spiking.nets import SpikingNet, mlp
from hebbgraph.continual.spiking.neurons import spike_gradient
from hebbgraph.continual.spiking.norm import Norm
from hebbgraph.continual.spiking.parts import Parts
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.spiking.trainers import BPTT, OTTT, Rates

STEPS, LEAK, WIDTH = 7, 0.6, 0.8
SIZES = (6, 9, 8, 4)


def drawn(*sizes: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weights() -> list[torch.Tensor]:
    shapes = list(zip(SIZES[1:], SIZES, strict=False))
    return [drawn(*shape, seed=i) * 1.6 / shape[1] ** 0.5 for i, shape in enumerate(shapes)]


X, Y = drawn(5, SIZES[0], seed=9).abs(), torch.tensor([0, 3, 1, 2, 2])


def loss(currents: torch.Tensor) -> torch.Tensor:
    return cross_entropy(currents, Y)


def built(**given: Any) -> SpikingNet:
    arrays = [w.numpy() for w in weights()]
    settings: dict[str, Any] = {"leak": LEAK, "width": WIDTH, "dtype": torch.float64}
    settings |= given
    return mlp(arrays, STEPS, **settings)


def found(net: SpikingNet, trainer: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
    readout = trainer.gradients(net, X, loss)
    grads = [gradient(layer.weight) for layer in net.parts(Synapses)]
    assert all(grad.abs().max() > 1e-6 for grad in grads)
    return readout, grads


def gradient(weight: torch.Tensor) -> torch.Tensor:
    assert weight.grad is not None
    return weight.grad


def normalised(layer: Synapses) -> tuple[torch.Tensor, torch.Tensor]:
    assert layer.norm is not None
    return gradient(layer.weight).clone(), gradient(layer.norm.weight).clone()


def backward(value: torch.Tensor) -> None:
    value.backward()  # type: ignore[no-untyped-call]


def close(got: Any, expected: Any) -> None:
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


def box(v: torch.Tensor) -> torch.Tensor:
    return (v.abs() < WIDTH).double()


def test_bptt_is_autograd_through_a_network_of_snntorch_units() -> None:
    """Units of snnTorch subtract the threshold after the leak: v = leak v + a - threshold s."""
    w = [matrix.clone().requires_grad_() for matrix in weights()]
    slope = spike_gradient("atan", WIDTH)
    units = [
        snntorch.Leaky(
            beta=torch.tensor(LEAK, dtype=torch.float64),
            threshold=1.0,
            spike_grad=slope,
            reset_mechanism="none",
        )
        for _ in range(2)
    ]
    v: list[Any] = [torch.zeros(5, n, dtype=torch.float64) for n in SIZES[1:3]]
    last: list[Any] = [torch.zeros_like(one) for one in v]
    total = torch.zeros(5, 4, dtype=torch.float64)
    for _ in range(STEPS):
        s = X
        for i in range(2):
            last[i], v[i] = units[i](s @ w[i].T - LEAK * last[i].detach(), v[i])
            s = last[i]
        total = total + s @ w[2].T
    backward(loss(total / STEPS))
    readout, grads = found(built(surrogate="atan"), BPTT())
    close(readout, (total / STEPS).detach())
    close(grads, [matrix.grad for matrix in w])


@pytest.mark.parametrize("name", ["sigmoid", "fast_sigmoid", "atan"])
def test_surrogate_derivatives_are_those_of_snntorch(name: str) -> None:
    v = torch.linspace(-3, 3, 41).requires_grad_()
    slope = {"alpha": 2 / WIDTH} if name == "atan" else {"slope": 2 / WIDTH}
    getattr(snntorch.surrogate, name)(**slope)(v).sum().backward()
    ours = torch.linspace(-3, 3, 41).requires_grad_()
    spikes = spike_gradient(name, WIDTH)(ours)
    backward(spikes.sum())
    assert torch.equal(spikes, (v > 0).float())
    torch.testing.assert_close(ours.grad, v.grad, rtol=1e-5, atol=1e-6)


def hand_ottt(error: str, feedback: list[Any]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Forward traces, instantaneous errors: Xiao et al. 2022, equations 4 to 7."""
    w = weights()
    grads = [torch.zeros_like(matrix) for matrix in w]
    v = [torch.zeros(5, n, dtype=torch.float64) for n in SIZES[1:3]]
    s = [torch.zeros_like(one) for one in v]
    traces = [torch.zeros_like(one) for one in v]
    total = torch.zeros(5, 4, dtype=torch.float64)
    for _ in range(STEPS):
        arrived = X
        for i in range(2):
            v[i] = LEAK * (v[i] - s[i]) + arrived @ w[i].T
            s[i] = (v[i] > 1).double()
            traces[i] = LEAK * traces[i] + s[i]
            arrived = s[i]
        out = arrived @ w[2].T
        total += out
        delta = (torch.softmax(out, 1) - torch.eye(4, dtype=torch.float64)[Y]) / 5 / STEPS
        for i in (2, 1, 0):
            grads[i] += delta.T @ (traces[i - 1] if i else X)
            if i:
                back = {"bp": w[i], "ss": w[i].sign() / w[i].shape[1] ** 0.5, "fa": feedback[i]}
                delta = (delta @ back[error]) * box(v[i - 1] - 1)
    return total / STEPS, grads


@pytest.mark.parametrize("error", ["bp", "ss", "fa"])
def test_ottt_is_traces_times_the_errors_of_each_step(error: Any) -> None:
    net = built(error=error)
    feedback = [layer.feedback for layer in net.parts(Synapses)]
    if error == "fa":
        assert feedback[0] is None  # nobody is behind the input
        bounds = [f.abs().max() * f.shape[1] ** 0.5 for f in feedback[1:] if f is not None]
        assert all(0.8 < bound <= 1 for bound in bounds)
    readout, grads = found(net, OTTT())
    expected = hand_ottt(error, feedback)
    close(readout, expected[0])
    close(grads, expected[1])


def test_dsr_leads_errors_through_clamped_rates() -> None:
    """Meng et al. 2022: the spikes' weighted rates stand for the layers' clamped functions."""
    leak, fires = 0.9, 0.5
    w = weights()
    v = [torch.zeros(5, n, dtype=torch.float64) for n in SIZES[1:3]]
    sums = [torch.zeros_like(one) for one in v]
    whole = 0.0
    for t in range(1, STEPS + 1):
        arrived, fade = X, leak ** (STEPS - t)
        whole += fade
        for i in range(2):
            v[i] = leak * v[i] + arrived @ w[i].T
            arrived = (v[i] > fires).double()
            v[i] = v[i] - arrived
            sums[i] += fade * arrived
    rates = [X] + [total / whole for total in sums]
    currents = [r @ matrix.T for r, matrix in zip(rates, w, strict=True)]
    delta = (torch.softmax(currents[2], 1) - torch.eye(4, dtype=torch.float64)[Y]) / 5
    expected = [delta] * 3
    for i in (2, 1, 0):
        expected[i] = delta.T @ rates[i]
        if i:
            delta = (delta @ w[i]) * ((currents[i - 1] > 0) & (currents[i - 1] < 1))
    net = built(leak=leak, fires=fires, fade=leak)
    readout, grads = found(net, Rates())
    close(readout, currents[2])
    close(grads, expected)
    close(net(X), readout)  # what is tested is what was learned
    # Rates are currents over the threshold, but for what the membranes keep.
    for r, a, kept in zip(rates[1:], currents, v, strict=False):
        close(r, a - kept / whole)


@pytest.mark.parametrize("trainer", [OTTT(), BPTT(), Rates()])
def test_what_synapses_hear_is_what_their_update_takes(trainer: Any) -> None:
    net = built(fade=LEAK if isinstance(trainer, Rates) else 1.0)
    layers = net.parts(Synapses)
    for layer in layers:
        layer.listen()
    trainer.gradients(net, X, loss)
    heard = [layer.taken() for layer in layers]
    rows = 5 if isinstance(trainer, Rates) else 5 * STEPS
    assert [len(h) for h in heard] == [5, rows, rows]  # the input is the same in every step
    for layer, p in zip(layers, heard, strict=True):
        # Each row of the gradient is a combination of what was heard.
        grad = gradient(layer.weight)
        close(grad @ torch.linalg.pinv(p) @ p, grad)
    assert all(layer.heard is None for layer in layers)
    for layer in layers:
        layer.listen()
    trainer.show(net, X)
    for layer, p in zip(layers, heard, strict=True):
        close(layer.taken(), p)


def small_conv(error: Any = "bp", **given: Any) -> tuple[SpikingNet, torch.Tensor]:
    settings: dict[str, Any] = {"steps": 4, "leak": LEAK, "width": WIDTH, "gain": 4.0}
    parts = Parts(error=error, dtype=torch.float64, **(settings | given))
    net = convnet(parts, (2, 8, 8), (5, 6), 4)
    return net.train(), drawn(5, 128, seed=4).abs()


def hand_conv(net: SpikingNet, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """BPTT by autograd; normalised by the statistics of each step."""
    w = [layer.weight.detach().clone().requires_grad_() for layer in net.parts(Synapses)]
    v: list[Any] = [0.0, 0.0]
    s: list[Any] = [torch.zeros(1), torch.zeros(1)]
    total: Any = 0.0
    slope = spike_gradient("atan", WIDTH)
    for _ in range(4):
        arrived = x.reshape(5, 2, 8, 8)
        for i in range(2):
            a = batch_norm(conv2d(arrived, w[i], padding=1), None, None, training=True)
            v[i] = LEAK * (v[i] - s[i].detach()) + a
            s[i] = slope(v[i] - 1)
            arrived = avg_pool2d(s[i], 2)
        total = total + arrived.flatten(1) @ w[2].T
    backward(loss(total / 4))
    return (total / 4).detach(), [gradient(matrix) for matrix in w]


def test_bptt_of_the_convolutional_network_is_autograd() -> None:
    net, x = small_conv(surrogate="atan")
    expected = hand_conv(net, x)
    close(BPTT().gradients(net, x, loss), expected[0])
    close([layer.weight.grad for layer in net.parts(Synapses)], expected[1])


@pytest.mark.parametrize("error", ["fa", "ss"])
def test_errors_pass_a_convolution_by_other_weights(error: Any) -> None:
    net, x = small_conv(error)
    layer = net.parts(Synapses)[1]
    s = (drawn(5, 5, 4, 4, seed=2) > 0).double().requires_grad_()
    delta = drawn(5, 6, 4, 4, seed=3)
    layer.norm = None
    backward((layer(s) * delta).sum())
    other = layer.feedback if error == "fa" else layer.weight.sign() * (2 / (9 * 6)) ** 0.5
    assert other is not None
    assert other.abs().max() <= 1 / 45**0.5 or error == "ss"
    expected = torch.nn.functional.conv_transpose2d(delta, other.detach(), padding=1)
    close(s.grad, expected)
    patches = layer.rows(s.detach())
    rows = delta.permute(0, 2, 3, 1).reshape(-1, 6)
    close(gradient(layer.weight).reshape(6, -1), rows.T @ patches)
    OTTT().gradients(net, x, loss)


def test_ottt_carries_a_static_image_once() -> None:
    """The gradient of the first convolution is the sum of all steps' errors, through its norm."""
    net, x = small_conv(surrogate="atan")
    first = net.parts(Synapses)[0]
    OTTT().gradients(net, x, loss)
    once = normalised(first)
    net, x = small_conv(surrogate="atan")
    first = net.parts(Synapses)[0]
    first.static = False  # carried in every step; x is its own trace only in the static case
    first.leak = 0.0
    OTTT().gradients(net, x, loss)
    close(normalised(first), once)


def test_dsr_normalises_by_all_steps_together() -> None:
    net, x = small_conv(leak=0.9, fade=0.9, fires=0.5)
    heard: dict[str, Any] = {}
    norm = net.parts(Norm)[1]
    norm.register_forward_pre_hook(lambda _, a: heard.setdefault("a", []).append(a[0].detach()))
    norm.register_forward_hook(lambda _, __, out: heard.update(out=out.detach()))
    Rates().gradients(net, x, loss)
    steps = torch.stack(heard["a"][:-1])
    mean, variance = steps.mean((0, 1, 3, 4)), steps.var((0, 1, 3, 4), correction=0)
    close(heard["out"], batch_norm(heard["a"][-1], mean, variance))
    assert len(steps) == 4
    assert norm.held is None
