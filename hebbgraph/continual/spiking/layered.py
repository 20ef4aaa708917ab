"""Layered: networks that are a plain chain, one layer after another for all steps at once.

With on-line training no error passes from step to step, and a layer of a chain needs nothing of the
layers above: a minibatch is then one product for each layer, over all steps, and only membranes and
traces go from step to step. The same sums as step by step, several times faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hebbgraph.continual.spiking.neurons import Spiking
from hebbgraph.continual.spiking.synapses import Synapses

if TYPE_CHECKING:
    from hebbgraph.continual.spiking.nets import SpikingNet

Chain = list[tuple[Synapses, Spiking]]


def chain(net: SpikingNet) -> Chain | None:
    """Return the layers before the head if they are a plain chain, else None.

    Plain are fully connected synapses without norms, the first with a static input, each followed
    by spiking units that have a box for their surrogate and no gate.
    """
    if not isinstance(net.body, nn.Sequential) or not isinstance(net.head, Synapses):
        return None
    parts = list(net.body)
    pairs: Chain = []
    for synapses, unit in zip(parts[::2], parts[1::2], strict=False):
        if not isinstance(synapses, Synapses) or not isinstance(unit, Spiking):
            return None
        if unit.gate is not None or unit.rate is not None or unit.surrogate != "box":
            return None
        pairs.append((synapses, unit))
    layers = [*(synapses for synapses, _ in pairs), net.head]
    static = [layer.static for layer in layers]
    if len(parts) % 2 or not pairs or static != [True] + [False] * len(pairs):
        return None
    return None if any(layer.window or layer.norm for layer in layers) else pairs


def shown(net: SpikingNet, pairs: Chain, x: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Show `x`; return membranes (T, B, n) and traces of each layer, and the currents of the head.

    Synapses that listen hear `x`, then traces.
    """
    membranes, traces, layers = [], [], [s for s, _ in pairs]
    layers[0].hear(x)
    a = (x @ layers[0].weight.detach().T).expand(net.steps, -1, -1)
    for (_, unit), above in zip(pairs, [*layers[1:], net.head], strict=True):
        assert isinstance(above, Synapses)
        v, s = _fired(a, unit)
        trace = _traced(s, above.leak)
        membranes.append(v)
        traces.append(trace)
        above.hear_steps(trace)
        a = s @ above.weight.detach().T
    return membranes, traces, a


def gradients(net: SpikingNet, pairs: Chain, x: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Add dL/dW of on-line training to every ``grad``; return the readout (B, classes)."""
    assert isinstance(net.head, Synapses)
    with torch.no_grad():
        membranes, traces, currents = shown(net, pairs, x)
    currents.requires_grad_()
    whole = torch.stack([loss(step) for step in currents.unbind()]).sum() / net.steps
    (delta,) = torch.autograd.grad(whole, currents)
    layers = [*(synapses for synapses, _ in pairs), net.head]
    with torch.no_grad():
        for layer in range(len(pairs), 0, -1):
            synapses, unit = layers[layer], pairs[layer - 1][1]
            _add(synapses, delta.flatten(0, 1), traces[layer - 1].flatten(0, 1))
            near = (membranes[layer - 1] - unit.fires * unit.threshold).abs_() < unit.width
            delta = (delta @ synapses.back()).mul_(near)
        _add(layers[0], delta.sum(0), x)
    return currents.detach().mean(0)


def _fired(a: Tensor, unit: Spiking) -> tuple[Tensor, Tensor]:
    """Return membranes and spikes for currents `a` (T, B, n)."""
    v, s = torch.empty_like(a, memory_format=torch.contiguous_format), torch.empty(a.shape).to(a)
    level, reset = unit.fires * unit.threshold, unit.leak * unit.threshold
    v[0] = a[0]
    torch.gt(v[0], level, out=s[0])
    for t in range(1, len(a)):
        torch.sub(a[t], s[t - 1], alpha=reset, out=v[t])
        v[t].add_(v[t - 1], alpha=unit.leak)
        torch.gt(v[t], level, out=s[t])
    return v, s


def _traced(s: Tensor, leak: float) -> Tensor:
    trace = torch.empty_like(s)
    trace[0] = s[0]
    for t in range(1, len(s)):
        torch.add(s[t], trace[t - 1], alpha=leak, out=trace[t])
    return trace


def _add(synapses: Synapses, delta: Tensor, p: Tensor) -> None:
    used = p if synapses.filter is None else synapses.filter(p)
    change = delta.T @ used
    weight = synapses.weight
    weight.grad = change if weight.grad is None else weight.grad + change
