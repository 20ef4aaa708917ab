"""How large values can get in one run, so that only what is needed for exactness is computed.

Sums of integers that stay below 2**24 are exact in float32, in any order of summation; a u that
cannot reach 2**23 needs no wrapping. Both are proved here from the weights and data of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.network import GraphNetwork, Synapse
from hebbgraph.backends.snntorch.neurons import GraphNeuron
from hebbgraph.graph import Connection

#: Integers below this are exact in float32.
EXACT_FLOAT32 = 2.0**24
#: Integers below this are exact in float64.
EXACT_FLOAT64 = 2.0**53
#: No `Dense` emits more in the fixed domain.
REGISTER = 2.0**31


class Bound(NamedTuple):
    """A bound on absolute values, and whether they are whole numbers."""

    largest: float
    whole: bool


class Bounds:
    """Bounds on what arrives at the ports of `network` when its Inputs emit `data`."""

    def __init__(self, network: GraphNetwork, data: Mapping[str, Tensor]) -> None:
        self.network = network
        self.data = data
        self._row_sums: dict[str, float] = {}

    def arriving(self, sources: Sequence[Connection]) -> Bound:
        """Return the bound on the sum of what `sources` carry."""
        bounds = [self.emitted(connection.source.rpartition(".")[0]) for connection in sources]
        return Bound(sum(b.largest for b in bounds), all(b.whole for b in bounds))

    def product(self, path: str) -> Bound:
        """Return the bound on the sums in the Dense at `path`, before any shift or wrap."""
        synapse = self.network.node(path)
        assert isinstance(synapse, Synapse), path
        arriving = self.arriving(self.network.graph.sources(f"{path}.s"))
        largest = self._row_sum(path, synapse) * arriving.largest
        if not arriving.whole or largest >= EXACT_FLOAT32:
            return Bound(largest, arriving.whole and synapse.fixed)  # no need to look
        return Bound(largest, synapse.fixed or _is_whole(synapse.weights))

    def states(self, path: str, steps: int) -> tuple[float, float, float]:
        """Return bounds on 64 a, u and v of the FixedLIF at `path`, were nothing wrapped."""
        neuron = self.network.node(path)
        assert isinstance(neuron, GraphNeuron), path
        arriving = 64 * self.arriving(self.network.graph.sources(f"{path}.a")).largest
        leak_u, leak_v = (float(leak.max()) for leak in neuron.leaks())
        u = arriving * _geometric(leak_u, steps)
        v = (u + float(neuron.drive().abs().max())) * _geometric(leak_v, steps)
        return arriving, u, v

    def emitted(self, path: str) -> Bound:
        """Return the bound on what the process at `path` emits."""
        module = self.network.node(path)
        if isinstance(module, GraphNeuron):
            return Bound(1.0, True)
        if not isinstance(module, Synapse):
            values = self.data[path]
            whole = self.network.graph.domain == "fixed" or _is_whole(values)
            return Bound(float(values.abs().max()), whole)
        if not module.fixed:
            return Bound(float("inf"), False)  # nothing needs more
        if module.chained:
            return Bound(REGISTER, True)  # a chain of synapses may be a cycle
        return Bound(min(self.product(path).largest * 2.0**module.exponent + 1, REGISTER), True)

    def _row_sum(self, path: str, synapse: Synapse) -> float:
        """Return the largest sum of absolute weights that one postsynaptic unit has."""
        if path not in self._row_sums:
            sums = torch.linalg.vector_norm(synapse.weights.detach(), ord=1, dim=1)
            self._row_sums[path] = float(sums.max())
        return self._row_sums[path]


def _is_whole(values: Tensor) -> bool:
    return torch.equal(values, torch.round(values))


def _geometric(factor: float, steps: int) -> float:
    """Return a bound on 1 + factor + factor**2 + ... of `steps` terms."""
    return float(steps) if factor >= 1 else min(float(steps), 1 / (1 - factor))
