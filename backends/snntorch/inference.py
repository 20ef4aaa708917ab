"""The fast loop: every process an emitter with its own buffers, changed in place.

It computes what `GraphNetwork.forward` does, without gradients and without what a run cannot need:
terms that are zero, states nobody reads, wraps that `bounds` rules out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import B, product32, turns, wrap32
from hebbgraph.backends.snntorch.bounds import EXACT_FLOAT32, EXACT_FLOAT64, REGISTER, Bound, Bounds
from hebbgraph.backends.snntorch.network import GraphNetwork, Synapse
from hebbgraph.backends.snntorch.neurons import FixedLIF, GraphNeuron


class Emitter(ABC):
    """One process during a run."""

    @abstractmethod
    def step(self, t: int) -> None:
        """Update the process and let it emit for step `t`."""

    @abstractmethod
    def emitted(self, t: int) -> Tensor | None:
        """Return what was emitted at step `t`, (episodes, units); None if that is nothing."""


class Arrivals:
    """Deliver: the sum over connections of what each source emitted `delay` steps ago."""

    def __init__(self, sources: Sequence[tuple[Emitter, int]], total: Tensor) -> None:
        self._sources = tuple(sources)
        self._total = total

    def at(self, t: int) -> Tensor | None:
        """Return what arrives at step `t`, not to be changed; None if that is nothing."""
        arriving = [source.emitted(t - delay) for source, delay in self._sources if t >= delay]
        live = [values for values in arriving if values is not None]
        if len(live) < 2:
            return live[0] if live else None
        self._total.copy_(live[0])
        for values in live[1:]:
            self._total.add_(values)
        return self._total


@final
class Given(Emitter):
    """An Input: data (episodes, steps given, units), then nothing."""

    def __init__(self, data: Tensor) -> None:
        self._rows = data.unbind(1)

    def step(self, t: int) -> None:
        """Do nothing: the data is there."""

    def emitted(self, t: int) -> Tensor | None:
        """Return row `t` of the data."""
        return self._rows[t] if t < len(self._rows) else None


@final
class Product(Emitter):
    """A Dense: one matrix product a step, in float32 where that is exact."""

    def __init__(
        self,
        synapse: Synapse,
        sums: Bound,
        like: Tensor,
        episodes: int,
        longest_delay: int,
    ) -> None:
        narrow = sums.whole and sums.largest < EXACT_FLOAT32
        dtype = torch.float32 if narrow else like.dtype
        weights = synapse.weights.detach()
        # A power of two above 1 is exact in the weights, one below it needs rounding of the sum.
        factor = 2.0 ** max(synapse.exponent, 0)
        self._weights = (weights.to(dtype) * factor if factor > 1 else weights.to(dtype)).t()
        self._exponent = synapse.exponent
        self._wraps = synapse.fixed and sums.largest * factor >= REGISTER
        self._splits = synapse.fixed and sums.largest >= EXACT_FLOAT64
        pre, post = self._weights.shape
        self._sent: list[Tensor | None] = [None] * (longest_delay + 1)
        self._buffers = weights.new_empty(longest_delay + 1, episodes, post, dtype=dtype).unbind(0)
        self._s = weights.new_empty(episodes, pre, dtype=dtype)
        self.arrivals: Arrivals

    def step(self, t: int) -> None:
        """Multiply, unless nothing arrives."""
        slot = t % len(self._sent)
        s = self.arrivals.at(t)
        if s is None:
            self._sent[slot] = None
            return
        if s.dtype != self._s.dtype:
            s = self._s.copy_(s)
        total = self._buffers[slot]
        if self._splits:
            total.copy_(product32(s, self._weights.t()))
        else:
            torch.mm(s, self._weights, out=total)
        if self._wraps:
            total.copy_(wrap32(total))
        if self._exponent < 0:
            total.mul_(2.0**self._exponent).floor_()
        self._sent[slot] = total

    def emitted(self, t: int) -> Tensor | None:
        """Return the product of step `t`."""
        return self._sent[t % len(self._sent)]


class Spiking(Emitter):
    """A LIF: its raster (episodes, steps, units), bool, and its probed states."""

    def __init__(
        self, neuron: GraphNeuron, episodes: int, steps: int, probed: Sequence[str]
    ) -> None:
        leak_u, leak_v = (leak.detach() for leak in neuron.leaks())
        self._leak_u, self._forgets_u = leak_u, not bool(leak_u.any())
        self._leak_v, self._forgets_v = leak_v, not bool(leak_v.any())
        self._drive, self._level = neuron.drive().detach(), neuron.level().detach()
        self._u = self._drive.new_zeros(episodes, neuron.size)
        self._v = torch.zeros_like(self._u)
        self.raster = self._u.new_empty(episodes, steps, neuron.size, dtype=torch.bool)
        self._rows = self.raster.unbind(1)
        self.states = {name: self._u.new_empty(episodes, steps, neuron.size) for name in probed}
        self._records = {name: states.unbind(1) for name, states in self.states.items()}
        self._resets = not self._forgets_v or "v" in probed
        self.arrivals: Arrivals

    @abstractmethod
    def _integrate(self, a: Tensor | None) -> Tensor:
        """Change ``_v`` to its value before the reset and return u."""

    def step(self, t: int) -> None:
        """Integrate, fire, reset, record."""
        u = self._integrate(self.arrivals.at(t))
        fired = torch.gt(self._v, self._level, out=self._rows[t])
        if self._resets:
            self._v.masked_fill_(fired, 0.0)
        if self._records:
            for name, rows in self._records.items():
                rows[t].copy_(u if name == "u" else self._v)

    def emitted(self, t: int) -> Tensor | None:
        """Return the spikes of step `t`, bool."""
        return self._rows[t]


@final
class FloatSpiking(Spiking):
    """A FloatLIF."""

    def _integrate(self, a: Tensor | None) -> Tensor:
        u, v = self._u, self._v
        if self._forgets_u:
            u = u if a is None else a  # self._u stays zero
        else:
            u.mul_(self._leak_u)
            if a is not None:
                u.add_(a)
        if self._forgets_v:
            torch.add(u, self._drive, out=v)
        else:
            v.mul_(self._leak_v).add_(u).add_(self._drive)
        return u


@final
class FixedSpiking(Spiking):
    """A FixedLIF whose arithmetic cannot overflow 32 bits."""

    def __init__(
        self,
        neuron: FixedLIF,
        episodes: int,
        steps: int,
        probed: Sequence[str],
        *,
        wraps: bool,
        saturates: bool,
    ) -> None:
        super().__init__(neuron, episodes, steps, probed)
        self._wraps, self._saturates = wraps, saturates
        self._keeps_u = wraps or "u" in probed or not self._forgets_u

    def _integrate(self, a: Tensor | None) -> Tensor:
        u, v = self._u, self._v
        v.mul_(self._leak_v).trunc_()
        if self._keeps_u:
            self._integrate_u(a)
            v.add_(u)
        elif a is not None:
            v.add_(a, alpha=64)
        v.add_(self._drive)
        if self._saturates:
            v.clamp_(1 - B, B - 1)
        return u

    def _integrate_u(self, a: Tensor | None) -> None:
        u = self._u
        u.mul_(self._leak_u).trunc_()
        if a is not None:
            u.add_(a, alpha=64)
        if self._wraps:
            u.sub_(turns(u), alpha=2 * B)


@final
class FarSpiking(Spiking):
    """A FixedLIF with arrivals so large that registers may overflow: as it is defined."""

    def __init__(self, neuron: FixedLIF, episodes: int, steps: int, probed: Sequence[str]) -> None:
        super().__init__(neuron, episodes, steps, probed)
        self._neuron = neuron
        self._nothing = torch.zeros_like(self._u)

    def _integrate(self, a: Tensor | None) -> Tensor:
        a = self._nothing if a is None else a.to(self._u.dtype)
        self._u, self._v = self._neuron.integrate(a, self._u, self._v)
        return self._u


def emitters(network: GraphNetwork, data: Mapping[str, Tensor], steps: int) -> dict[str, Emitter]:
    """Return the emitter of every process, by path, in the order in which a step runs them.

    `data` holds what each Input emits, (episodes, steps given, units), in the network's dtype.
    """
    graph, bounds = network.graph, Bounds(network, data)
    like = network.like
    episodes = next((len(values) for values in data.values()), 1)
    found: dict[str, Emitter] = {}
    for path in graph.order:
        module = network.node(path)
        if isinstance(module, GraphNeuron):
            found[path] = _spiking(network, path, bounds, episodes, steps)
        elif isinstance(module, Synapse):
            delays = [c.delay or 0 for c in graph.flat_connections if c.source == f"{path}.a"]
            longest = max(delays, default=0)
            found[path] = Product(module, bounds.product(path), like, episodes, longest)
        else:
            found[path] = Given(data[path])
    for path, emitter in found.items():
        if isinstance(emitter, Product | Spiking):
            (port,) = graph.flat_processes[path].inputs
            connections = graph.sources(f"{path}.{port}")
            sources = [(found[c.source.rpartition(".")[0]], c.delay or 0) for c in connections]
            width = graph.port(f"{path}.{port}").size if len(sources) > 1 else 0
            emitter.arrivals = Arrivals(sources, like.new_empty(episodes, width))
    return found


def _spiking(
    network: GraphNetwork, path: str, bounds: Bounds, episodes: int, steps: int
) -> Spiking:
    """Return the leanest emitter that is exact for the LIF at `path`."""
    neuron = network.node(path)
    probes = [probe for probe in network.graph.flat_probes if probe.path == path]
    probed = [probe.variable for probe in probes if probe.variable != "s"]
    if not isinstance(neuron, FixedLIF):
        assert isinstance(neuron, GraphNeuron), path
        return FloatSpiking(neuron, episodes, steps, probed)
    arriving, largest_u, largest_v = bounds.states(path, steps)
    if arriving > 2 * B:
        return FarSpiking(neuron, episodes, steps, probed)
    wraps, saturates = largest_u >= B, largest_v >= B
    return FixedSpiking(neuron, episodes, steps, probed, wraps=wraps, saturates=saturates)
