"""What cores hold, counted from a graph, an assignment of units and the limits alone.

Nothing of `hebbgraph.placement` is used: weights, delays and connections are read from the graph.
Dense and Sparse synapses between populations of spikes, in the fixed domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import gcd

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg

FORMATS = (1, 2, 3, 4, 5, 6, 8)


def weight_bits(weights: NDArray[np.int64], exponent: int) -> int:
    """Return the bits of a stored weight: zeros that all weights end in are not stored."""
    values = [abs(int(w)) for w in np.unique(weights) if w]
    mixed = weights.min() < 0 < weights.max()
    top = max(int(weights.max()), -int(weights.min()) - int(mixed))
    shift = min(8 - top.bit_length(), exponent + 8)
    common = gcd(*values)
    zeros = (common & -common).bit_length() - 1 + shift
    return min(b for b in FORMATS if b >= max(1, 8 + int(mixed) - zeros))


def words(synapses: int, bits: int) -> int:
    """Return the 64-bit words of one axon: blocks of 64 synapses, 10 bits of header each."""
    total = 0
    for start in range(0, synapses, 64):
        block = min(64, synapses - start)
        total += -(-(block * bits + 10) // 64)
    return total


def held(graph: hg.Graph, home: Mapping[str, NDArray[np.int64]]) -> dict[int, Counter[str]]:
    """Return what every core holds: units, words of synapses, axons in, axons out."""
    cores: dict[int, Counter[str]] = {
        int(core): Counter() for values in home.values() for core in values
    }
    before: Counter[int] = Counter()
    for path in graph.flat_processes:  # populations stand on a core in the order of the graph
        if path not in home:
            continue
        here = {int(core): np.flatnonzero(home[path] == core) for core in set(home[path])}
        for core, units in here.items():
            cores[core]["units"] += len(units)
            before[core] += len(units)
        for last in graph.sources(f"{path}.a"):
            synapses = last.source.rpartition(".")[0]
            process = graph.flat_processes[synapses]
            if isinstance(process, hg.Input):
                assert process.signal == "graded"  # written as a bias
                continue
            weights = process.matrix()
            for first in graph.sources(f"{synapses}.s"):
                sender = first.source.rpartition(".")[0]
                assert first.delay is not None
                assert last.delay is not None
                delay = first.delay - 1 + last.delay + process.longest_delay
                bits = weight_bits(weights, process.exponent) + delay.bit_length()  # type: ignore[attr-defined]
                for core, units in here.items():
                    counts = np.count_nonzero(weights[units], axis=0)
                    index = max(6, (before[core] - 1).bit_length())
                    dense = np.count_nonzero(counts) * words(len(units), bits)
                    table = [words(n, bits + index) for n in range(counts.max() + 1)]
                    cores[core]["words"] += min(dense, sum(table[n] for n in counts))
                    cores[core]["axons in"] += int(np.count_nonzero(counts))
                    for unit in np.flatnonzero(counts) if sender in home else ():
                        cores[int(home[sender][unit])]["axons out"] += 1
    return cores


#: What a core of Loihi 1 holds (Davies et al. 2018; 128 KB in words of 64 bits).
LOIHI = {"units": 1024, "words": 128 * 1024 // 8, "axons in": 4096, "axons out": 4096}


def exceeding(cores: Mapping[int, Counter[str]], limits: Mapping[str, int]) -> list[str]:
    """Return what exceeds a limit, in words."""
    return [
        f"core {core}: {counts[what]} {what} of {limit}"
        for core, counts in sorted(cores.items())
        for what, limit in limits.items()
        if counts[what] > limit
    ]
