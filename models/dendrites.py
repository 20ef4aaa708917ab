"""Sparse distributed representations on active dendrites: one neuron a pattern, completed back.

J. Hawkins and S. Ahmad, "Why neurons have thousands of synapses, a theory of sequence memory in
neocortex", Front. Neural Circuits 10, 2016, doi:10.3389/fncir.2016.00023; S. Ahmad and J. Hawkins,
"How do neurons operate on sparse distributed representations?", 2016, arXiv:1601.00720.

A pattern of a active cells among n is recognised by a neuron whose D dendritic segments each have
s synapses onto some of its active cells. A segment is active (an NMDA spike) from theta hits on,
the neuron if any segment is::

    active_kd = [number of synapses of segment d of neuron k on active cells >= theta]
    z_k       = 1 if any active_kd, else 0

With few cells active, s and theta well below a make false positives rare and tolerate much noise;
the union of several patterns is recognised as all of them (`hebbgraph.theory.dendrites`).

What recall means here: ``somas`` that fire send their whole pattern back to the cells, so that a
state has the shape of the cue as in any other memory. A cue that one neuron recognises is
completed to its pattern, a union of patterns to that union; one that none recognises stays as it
is::

    cue -> segments -> somas -> completion -> memory       memory_i = [some z_k with pattern_ki]

Spiking realisation. Everything is a spike: the cue is one volley, the somas answer a step later,
``memory`` another step later. Synapses are 1 bit wide, sums are hits: `fixed` equals `float`.
Synapses: K D s onto the segments and K a back; the patterns are not learned but wired (a segment
grows its synapses when its pattern is shown once).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import whole_faults
from hebbgraph.data import sparse_patterns
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, read_volleys
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.harness.corrupt import cues
from hebbgraph.processes import LIF, Dendrite, Input, Process, Sparse
from hebbgraph.random import stream

#: Synapses of a segment, unless told otherwise or patterns have fewer active cells.
SYNAPSES = 20


def build(
    patterns: ArrayLike,
    *,
    synapses: int | None = None,
    threshold: int | None = None,
    segments: int = 1,
    seed: int = 0,
    name: str = "dendrites",
) -> Graph:
    """Return the memory of `patterns` (K, N), values 0 and 1, as a process graph.

    - `synapses`: s, of every segment; by default 20, or the active cells of the sparsest pattern.
    - `threshold`: theta; by default half of the synapses, rounded up.
    - `segments`: D, of every neuron, each onto its own random choice of the active cells.
    - `seed`: of those choices.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "binary")
    fewest = int(stored.sum(axis=1).min()) if not faults else 2**31
    if not faults and fewest == 0:
        silent = np.flatnonzero(~stored.any(axis=1))
        got = f"no active cell in pattern {silent[0]}, {len(silent)} such"
        faults.append(Fault("patterns", got, "must have at least one 1", "leave them out"))
    faults += whole_faults("segments", segments, 1, 2**20)
    faults += whole_faults("seed", seed, 0, 2**63 - 1)
    wrong = []
    if synapses is not None:
        why = ", the active cells of the sparsest pattern" if fewest < 2**31 else ""
        wrong = whole_faults("synapses", synapses, 1, max(fewest, 1), why)
    count = min(SYNAPSES, fewest) if synapses is None or wrong else synapses
    if threshold is not None:
        wrong += whole_faults("threshold", threshold, 1, max(count, 1), ", the synapses there are")
    if faults + wrong:
        raise Invalid("dendrites.build", faults + wrong)
    theta = -(-count // 2) if threshold is None else threshold
    graph = neurons(sampled(stored, segments, count, seed), stored.shape[1], theta, name)
    pattern, cell = np.nonzero(stored)
    completion = Sparse(len(stored), stored.shape[1], pattern, cell, np.ones(len(cell), int))
    memory = LIF(stored.shape[1], decay_u=1, decay_v=1, threshold=0)
    return Graph(
        name,
        {**graph.processes, "completion": completion, "memory": memory},
        [
            *graph.connections,
            Connection("somas.s", "completion.s", delay=1),
            Connection("completion.a", "memory.a"),
        ],
        [*graph.probes, Probe("memory.s")],
    )


def sampled(
    patterns: NDArray[Any], segments: int, synapses: int, seed: int = 0
) -> NDArray[np.int64]:
    """Return active cells of each pattern, drawn without replacement: (K, segments, synapses).

    The draws for a pattern depend on the seed and its row only.
    """
    chosen = np.empty((len(patterns), segments, synapses), dtype=np.int64)
    for k, pattern in enumerate(patterns):
        active = np.flatnonzero(pattern)
        order = stream(seed, "dendrites", "synapses", episode=k).random((segments, len(active)))
        chosen[k] = active[np.argsort(order, axis=1)[:, :synapses]]
    return chosen


def neurons(cells: NDArray[np.int64], units: int, threshold: int, name: str = "neurons") -> Graph:
    """Return neurons of which segment d of neuron k has synapses onto ``cells[k, d]``.

    `cells` (K, D, s) may hold segments for patterns of any kind: several patterns a neuron, as in
    hierarchical temporal memory, or several samples of one. Spikes of ``somas`` are what was
    recognised in the cue, one step later.
    """
    count, segments, synapses = cells.shape
    branch = np.repeat(np.arange(count * segments), synapses)
    onto = Sparse(units, count * segments, cells.ravel(), branch, np.ones(cells.size, int))
    processes: dict[str, Process | Graph] = {
        "cue": Input(units, signal="spike"),
        "segments": onto,
        "somas": Dendrite(count, segments, threshold),
    }
    wires = [
        Connection("cue.out", "segments.s", delay=1),
        Connection("segments.a", "somas.a"),
    ]
    return Graph(name, processes, wires, [Probe("cue.out"), Probe("somas.s")])


FAMILY = Family(build, alphabet="binary", read=read_volleys, steps=4, corruption=("move", 0.2))


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    stored = sparse_patterns(6, 48, seed=0, active=8).patterns
    spoiled = cues(stored, "move", 0.25, seed=0, alphabet="binary")[:, 0]
    union, silent = stored[:3].max(axis=0), np.zeros(48, np.int8)
    graph = build(stored, synapses=6, threshold=4, segments=2)
    return graph, {"cue": np.stack([*spoiled, union, silent])[:, np.newaxis]}, 4
