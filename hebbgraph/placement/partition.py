"""partition: the hypergraph of packets cut by Mt-KaHyPar, an option.

L. Gottesbüren, T. Heuer, N. Maas, P. Sanders, S. Schlag, "Scalable high-quality hypergraph
partitioning", ACM Transactions on Algorithms 20(1), 2024, doi:10.1145/3626527.
"""

from __future__ import annotations

import functools
import importlib
import os
from itertools import pairwise
from typing import Any

import numpy as np

from hebbgraph.errors import Unavailable
from hebbgraph.placement.fill import Order, needed_packets
from hebbgraph.placement.problem import Piece, Problem

#: How uneven the blocks may be.
IMBALANCE = 0.03


def partitioned(problem: Problem, blocks: int, pieces: list[Piece], seed: int) -> Order:
    """Return the units block by block, a core of its own for each, in `blocks` blocks.

    Nodes are units, weighted by the memory that each took on average where `pieces` has it; nets
    are senders, weighted by their spikes; what is lowered is the number of blocks a net reaches.
    The limits of a core are not known to it: they are checked as the cores are filled.
    """
    units = [(path, unit) for path, size in problem.sizes.items() for unit in range(size)]
    if blocks < 2 or len(units) < 2:
        return [(path, unit, False) for path, unit in units]
    needs = needed_packets(problem).tocsc()
    spans = [(a, b) for a, b in pairwise(needs.indptr.tolist()) if b > a + 1]
    nets = [needs.indices[a:b].tolist() for a, b in spans]
    weights = [1 + round(float(needs.data[a])) for a, _ in spans]
    sizes: dict[str, int] = {}
    for piece in pieces:
        each = -(-piece.load.synaptic_bits // max(1, len(piece.units)))
        sizes[piece.path] = max(sizes.get(piece.path, 1), each // 64 + 1)
    block = _cut(blocks, nets, [sizes[path] for path, _ in units], weights, seed)
    order = np.lexsort((np.arange(len(units)), block))
    found: list[tuple[str, int, bool]] = []
    last = -1
    for i in order:
        found.append((*units[i], bool(block[i] != last)))
        last = block[i]
    return found


@functools.cache
def _library(threads: int) -> Any:
    """Return the library, which can be initialised once only."""
    return importlib.import_module("mtkahypar").initialize(threads)


def _cut(
    blocks: int, nets: list[list[int]], nodes: list[int], weights: list[int], seed: int
) -> Any:
    try:
        mtkahypar = importlib.import_module("mtkahypar")
    except ImportError as error:
        text = 'placement: mtkahypar is not installed; pip install mtkahypar, or use method="auto"'
        raise Unavailable(text) from error
    library = _library(len(os.sched_getaffinity(0)))
    mtkahypar.set_seed(seed)
    context = library.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
    context.set_partitioning_parameters(blocks, IMBALANCE, mtkahypar.Objective.KM1)
    context.logging = False
    graph = library.create_hypergraph(context, len(nodes), len(nets), nets, nodes, weights)
    return np.array(graph.partition(context).get_partition())
