"""How large values can get in one run, so that only what is needed for exactness is computed.

Sums of integers that stay below 2**24 are exact in float32, in any order of summation; a u that
cannot reach 2**23 needs no wrapping. Both are proved here from the weights and data of the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import EXACT_FLOAT32, REGISTER, B
from hebbgraph.backends.snntorch.network import GraphNetwork
from hebbgraph.backends.snntorch.parts.neurons import LIFNeuron
from hebbgraph.backends.snntorch.parts.synapses import GraphSynapses
from hebbgraph.backends.snntorch.shares import shared_out
from hebbgraph.processes import (
    Bus,
    Exponential,
    Graded,
    LeakyIntegrator,
    Polynomial,
    Process,
    Sign,
    Softmax,
    Transpose,
)

#: Numbers that are looked at together, and the largest integer of 8 bits.
BLOCK, OCTET = 2**15 - 1, 127


class Bound(NamedTuple):
    """A bound on absolute values, and whether they are whole numbers."""

    largest: float
    whole: bool


class Bounds:
    """Bounds on what arrives at the ports of `network` when its Inputs emit `data`."""

    def __init__(self, network: GraphNetwork, data: Mapping[str, Tensor]) -> None:
        self.network, self.graph, self.data = network, network.graph, data
        self.fixed = network.graph.domain == "fixed"
        self._row_sums: dict[str, float] = {}
        self._data_sizes: dict[str, float] = {}
        self._whole_data: dict[str, bool] = {}
        self._octets: dict[str, Tensor | None] = {}

    def arriving(self, target: str) -> Bound:
        """Return the bound on what arrives at port `target`."""
        sources = self.graph.sources(target)
        bounds = [self.emitted(connection.source.rpartition(".")[0]) for connection in sources]
        return Bound(sum(b.largest for b in bounds), all(b.whole for b in bounds))

    def product(self, path: str) -> Bound:
        """Return the bound on the sums in the synapses at `path`, before any shift or wrap."""
        synapses = self.network.node(path)
        arriving = self.arriving(f"{path}.s")
        if not self.fixed and not arriving.whole:
            return Bound(math.inf, False)  # no need to look
        largest = self._row_sum(path, synapses) * arriving.largest
        if not arriving.whole or not largest < EXACT_FLOAT32:
            return Bound(largest, arriving.whole and self.fixed)  # no need to look
        learns = _holder(path, self.graph.flat_processes[path]) in self.graph.plastic
        if not (self.fixed or learns):
            return Bound(largest, self.octets(path) is not None or is_whole(self._weights(path)))
        return Bound(largest, self.fixed)

    def octets(self, path: str) -> Tensor | None:
        """Return the weights of the synapses at `path` as `in_octets` does, made only once."""
        process = self.graph.flat_processes[path]
        holder = _holder(path, process)
        if holder not in self._octets:
            self._octets[holder] = in_octets(self._weights(holder))
        made = self._octets[holder]
        return made.t() if isinstance(process, Transpose) and made is not None else made

    def states(self, path: str, steps: int) -> tuple[float, float, float]:
        """Return bounds on a, u and v of the LIF at `path`, a times 64 in `fixed`, unwrapped."""
        neuron: LIFNeuron = self.network.node(path)
        arriving = (64 if self.fixed else 1) * self.arriving(f"{path}.a").largest
        leak_u, leak_v = (float(leak.detach().max()) for leak in neuron.leaks())
        u = arriving * _geometric(leak_u, steps)
        v = (u + float(neuron.drive().detach().abs().max())) * _geometric(leak_v, steps)
        return arriving, u, v

    def fits_float32(self, path: str, steps: int) -> bool:
        """Return whether the LIF at `path`, in the float domain, keeps integers below 2**24."""
        neuron: LIFNeuron = self.network.node(path)
        arriving, noise = self.arriving(f"{path}.a"), self.arriving(f"{path}.n")
        if not (arriving.whole and noise.whole and arriving.largest < EXACT_FLOAT32):
            return False
        _, _, v = self.states(path, steps)
        if not v + noise.largest < EXACT_FLOAT32 or not is_whole(neuron.drive().detach()):
            return False
        return all(bool(((leak == 0) | (leak == 1)).all()) for leak in neuron.leaks())

    def emitted(self, path: str) -> Bound:
        """Return the bound on what the process at `path` emits."""
        process = self.graph.flat_processes[path]
        if path in self.data:
            return Bound(self._largest(path), self.fixed or self._is_whole(path))
        if process.output.signal != "graded":
            return Bound(1.0, True)
        if isinstance(process, Sign):
            return Bound(2.0, True)  # a change of sign
        if isinstance(process, Graded):
            return self._clipped(path, process)
        if process.ROLE != "synapses" and not self.fixed:
            return Bound(math.inf, False)
        if process.ROLE != "synapses":
            return Bound(_emitted_at_most(process), True)
        if self._chained(path):
            return Bound(REGISTER, True) if self.fixed else Bound(math.inf, False)  # maybe a cycle
        if not self.fixed:
            return self.product(path)
        exponent = int(getattr(process, "exponent", 0))
        return Bound(min(self.product(path).largest * 2.0**exponent + 1, REGISTER), True)

    def _clipped(self, path: str, process: Graded) -> Bound:
        """Return the bound on what clipping units emit, whole in the float domain of spikes."""
        unit = self.network.node(path)
        ends = [float(end.detach().abs().max()) for end in (unit.low, unit.high)]
        if self.fixed:
            shifted = max(ends) * 2.0**process.exponent + 1
            return Bound(min(shifted, _emitted_at_most(process)), True)
        arriving = [self.graph.port(c.source).signal for c in self.graph.sources(f"{path}.a")]
        kept = (unit.bias, unit.low, unit.high)
        whole = "graded" not in arriving and all(is_whole(values.detach()) for values in kept)
        return Bound(max(ends), whole)

    def _largest(self, path: str) -> float:
        """Return the largest absolute value of the data at `path`."""
        if path not in self._data_sizes:
            least, most = torch.aminmax(self.data[path])
            self._data_sizes[path] = max(abs(float(least)), abs(float(most)))
        return self._data_sizes[path]

    def _is_whole(self, path: str) -> bool:
        """Return whether the data at `path` are whole numbers."""
        if path not in self._whole_data:
            spikes = self.graph.flat_processes[path].output.signal != "graded"
            self._whole_data[path] = spikes or is_whole(self.data[path])
        return self._whole_data[path]

    def _chained(self, path: str) -> bool:
        """Return whether synapses feed the synapses at `path`."""
        sources = self.graph.sources(f"{path}.s")
        ends = (self.graph.flat_processes[c.source.rpartition(".")[0]] for c in sources)
        return any(end.ROLE == "synapses" for end in ends)

    def _weights(self, path: str) -> Tensor:
        weights: Tensor = self.network.node(_holder(path, self.graph.flat_processes[path])).weights
        return weights.detach()

    def _row_sum(self, path: str, synapses: GraphSynapses) -> float:
        """Return the largest sum of absolute weights that one postsynaptic unit has."""
        if path in self._row_sums:
            return self._row_sums[path]
        process = self.graph.flat_processes[path]
        holder = _holder(path, process)
        if holder in self.graph.plastic:
            rule = self.graph.plastic[holder].rule
            assert rule is not None
            largest = max(abs(rule.low), abs(rule.high)) * synapses.shape[1]
        elif not synapses.dense:
            largest = float(self._weights(path).abs().sum())
        else:
            sums = sum(row_sums(matrix.detach()) for _, matrix in synapses.matrices())
            assert isinstance(sums, Tensor)
            largest = float(sums.max())
        self._row_sums[path] = largest
        return largest


def _holder(path: str, process: Process) -> str:
    """Return the path of the process that has the weights."""
    return process.of if isinstance(process, Transpose) else path


def _emitted_at_most(process: Process) -> float:
    """Return what units with graded outputs emit at most in the fixed domain."""
    if isinstance(process, Graded | Polynomial | Bus):
        return 2.0 ** (process.bits - 1)
    if isinstance(process, Softmax):
        return 2.0**process.bits
    if isinstance(process, Exponential):
        return float(np.abs(process.table).max())
    return B if isinstance(process, LeakyIntegrator) else REGISTER


def is_whole(values: Tensor) -> bool:
    """Return whether all values are whole numbers below 2**31; looks at a cache's worth at a time.

    Conversions, unlike torch.round, are not shared out to threads, which for so little would cost
    more time than they save.
    """
    flat = values.reshape(-1)
    return all(torch.equal(block, block.int().to(block)) for block in torch.split(flat, BLOCK))


def in_octets(values: Tensor, divisor: float = 1) -> Tensor | None:
    """Return `values` / `divisor`, a power of two, as int8 if all are whole numbers up to 127.

    What is no such number does not survive the way there and back.
    """
    made = torch.empty(values.shape, dtype=torch.int8, device=values.device)
    rows = max(1, BLOCK // max(1, values[:1].numel()))
    wrong: list[int] = []

    def do(first: int) -> None:
        part, narrow = values[first : first + rows], made[first : first + rows]
        if wrong:
            return
        part = part / divisor if divisor != 1 else part
        if not torch.equal(narrow.copy_(part).to(part), part):
            wrong.append(first)

    shared_out(do, range(0, len(values), rows))
    if wrong or (made.numel() and int(made.min()) < -OCTET):
        return None
    return made


def row_sums(matrix: Tensor) -> Tensor:
    """Return the sums of the absolute values of each row, some rows after others."""
    if matrix.is_contiguous():
        blocks = torch.split(matrix, max(1, BLOCK // matrix.shape[1]))
        return torch.cat([block.abs().sum(dim=1) for block in blocks])
    blocks = torch.split(matrix.t(), max(1, BLOCK // matrix.shape[0]))
    sums = sum(block.abs().sum(dim=0) for block in blocks)
    assert isinstance(sums, Tensor)
    return sums


def _geometric(factor: float, steps: int) -> float:
    """Return a bound on 1 + factor + factor**2 + ... of `steps` terms."""
    return float(steps) if factor >= 1 else min(float(steps), 1 / (1 - factor))
