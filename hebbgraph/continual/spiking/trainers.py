"""Ways to the gradient of a spiking network, all with the same call.

``gradients(net, x, loss)`` shows `x` (B, ...), adds dL/dW to the ``grad`` of every parameter and
returns the readout (B, classes); `loss` maps class currents (B, classes) to a scalar.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from hebbgraph.continual.spiking import layered
from hebbgraph.continual.spiking.nets import SpikingNet
from hebbgraph.continual.spiking.neurons import Spiking
from hebbgraph.continual.spiking.norm import Norm
from hebbgraph.continual.spiking.synapses import Factor, Synapses
from hebbgraph.errors import Fault, Invalid

Loss = Callable[[Tensor], Tensor]


class Trainer(Protocol):
    """A way to the gradient."""

    def gradients(self, net: SpikingNet, x: Tensor, loss: Loss) -> Tensor:
        """Add dL/dW to every ``grad``; return the readout."""

    def show(self, net: SpikingNet, x: Tensor) -> None:
        """Show `x` without learning: synapses that listen hear what the update would take."""


class OTTT:
    """On-line training through time: the loss of every step, errors that pass no step, traces.

    L = (1 / T) sum_t loss(a_L[t]);  dL/dW = (1 / T) sum_t delta[t] p[t]^T with p the trace of what
    arrives at W. Xiao et al. 2022, arXiv:2210.04195. Chains of layers are computed layer by layer
    (`hebbgraph.continual.spiking.layered`) unless told otherwise, others step by step.
    """

    def __init__(self, *, layered: bool = True) -> None:
        self.layered = layered

    def gradients(self, net: SpikingNet, x: Tensor, loss: Loss) -> Tensor:
        """Add dL/dW to every ``grad``; return the readout."""
        _prepare(net, "trace", online=True)
        pairs = layered.chain(net) if self.layered else None
        if pairs:
            return layered.gradients(net, pairs, x, loss)
        total = torch.zeros(())
        for _ in range(net.steps):
            currents = net.step(x)
            (loss(currents) / net.steps).backward()  # type: ignore[no-untyped-call]
            total = total + currents.detach()
        for part in net.parts(Synapses):
            part.finish()
        return total / net.steps

    def show(self, net: SpikingNet, x: Tensor) -> None:
        """Show `x`; traces are heard."""
        _prepare(net, "trace", online=True)
        pairs = layered.chain(net) if self.layered else None
        if pairs:
            with torch.no_grad():
                layered.shown(net, pairs, x)
        else:
            net(x, keep=True)


class BPTT:
    """Backpropagation through time with a surrogate gradient, resets detached.

    L = loss((1 / T) sum_t a_L[t]). Neftci et al. 2019, arXiv:1901.09948.
    """

    def gradients(self, net: SpikingNet, x: Tensor, loss: Loss) -> Tensor:
        """Add dL/dW to every ``grad``, from the last step to the first; return the readout."""
        _prepare(net, "arrived", online=False)
        total = net.step(x)
        for _ in range(net.steps - 1):
            total = total + net.step(x)
        readout = total / net.steps
        loss(readout).backward()  # type: ignore[no-untyped-call]
        return readout.detach()

    def show(self, net: SpikingNet, x: Tensor) -> None:
        """Show `x`; the spikes of every step are heard."""
        _prepare(net, "arrived", online=False)
        net(x, keep=True)


class Rates:
    """Differentiation on the spike representation (DSR): errors pass weighted firing rates.

    The network fires for T steps. With the means r = sum_t leak^(T-t) s[t] / sum_t leak^(T-t) of
    its spikes and a, alike, of its currents, a unit that leaves little charge has

        r = clamp(a / threshold, 0, 1),

    whose derivative leads the errors back; ``dL/dW = delta r^T`` and the synapses hear r. The
    readout is the mean current with the same weights (`SpikingNet.fade`). Norms take the
    statistics of all steps of the minibatch together, as constants. Thresholds do not learn: with
    spikes of height 1 they do what a factor on the currents does. Meng et al. 2022,
    arXiv:2205.00459.
    """

    def gradients(self, net: SpikingNet, x: Tensor, loss: Loss) -> Tensor:
        """Add dL/dW to every ``grad``, through the rates; return the readout of the rates."""
        with _rated(net, x):
            readout = net.step(x)
            loss(readout).backward()  # type: ignore[no-untyped-call]
        return readout.detach()

    def show(self, net: SpikingNet, x: Tensor) -> None:
        """Show `x`; weighted rates are heard."""
        with _rated(net, x), torch.no_grad():
            net.step(x)


@contextlib.contextmanager
def _rated(net: SpikingNet, x: Tensor) -> Iterator[None]:
    """Let the network fire for its steps; then its units show the rates that they had."""
    _prepare(net, "arrived", online=False)
    units, norms, layers = net.parts(Spiking), net.parts(Norm), net.parts(Synapses)
    ears = [layer.heard for layer in layers]
    try:
        for layer in layers:
            layer.heard = None
        for norm in norms:
            norm.gathered = [] if norm.training else None
        with torch.no_grad():
            rates = _weighted_rates(net, x, units)
        for layer, heard in zip(layers, ears, strict=True):
            layer.heard = heard
        net.begin()
        for norm in norms:
            norm.hold()
        for unit, rate in zip(units, rates, strict=True):
            unit.rate = rate
        yield
    finally:
        for unit in units:
            unit.rate = None
        for norm in norms:
            norm.release()


def _weighted_rates(net: SpikingNet, x: Tensor, units: list[Spiking]) -> list[Tensor]:
    sums: list[Tensor] = []
    whole = 0.0
    for _ in range(net.steps):
        net.step(x)
        spikes = [unit.spikes() for unit in units]
        leaks = [unit.leak for unit in units]
        sums = [
            s if not sums else leak * total + s
            for s, leak, total in zip(spikes, leaks, sums or spikes, strict=True)
        ]
        whole = whole * (leaks[0] if leaks else 0.0) + 1.0
    return [total / whole for total in sums]


def _prepare(net: SpikingNet, factor: Factor, *, online: bool) -> None:
    for part in net.parts(Synapses):
        part.factor, part.online = factor, online
    for unit in net.parts(Spiking):
        unit.online = online
    net.begin()


TRAINERS: dict[str, Callable[[], Trainer]] = {"ottt": OTTT, "bptt": BPTT, "dsr": Rates}


def trainer(name: str) -> Trainer:
    """Return the trainer of that name; raises `Invalid`."""
    if name not in TRAINERS:
        need = f"must be one of {', '.join(TRAINERS)}"
        raise Invalid("trainer", [Fault("trainer", repr(name), need)])
    return TRAINERS[name]()
