"""Afferents: which axons arrive at which units of a population, and through which synapses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Connection, Graph
from hebbgraph.placement.memory import delay_bits, stored_bits
from hebbgraph.processes import Dense, Process, Transpose

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Returns the sending units, sorted, that have a synapse onto unit i of a population.
Rows = Callable[[int], NDArray[np.int64]]


@dataclass(frozen=True)
class Afferent:
    """All axons from one sender to one population through one set of synapses.

    A unit of the sender needs one axon into every core that hosts a unit it has a synapse onto;
    another set of synapses needs axons of its own, since its format or exponent may differ.
    """

    #: Path of the synapses, or the port that a wire without synapses enters.
    synapses: str
    #: Path of the sender, and how many units it has.
    sender: str
    senders: int
    #: Bits of one synapse: weight and delay.
    synapse_bits: int
    #: Places that one axon takes in the table of incoming axons.
    slots: int
    rows: Rows


def afferents(
    graph: Graph, hardware: Hardware, population: str, host: Collection[str] = ()
) -> list[Afferent]:
    """Return everything that sends spikes to the units at `population`.

    `host` names processes that are not on the chip; what their synapses deliver is written into
    the units and needs no axon, and so are graded values where spikes carry no payload.
    """
    process = graph.flat_processes[population]
    units = process.output.size
    found: list[Afferent] = []
    for name, port in process.inputs.items():
        if port.learning:
            continue
        for last in graph.sources(f"{population}.{name}"):
            path = last.source.rpartition(".")[0]
            reached = graph.flat_processes[path]
            if reached.ROLE == "synapses" and path not in host:
                width = 1 if reached.output.size == 1 else port.size
                through = _through(graph, hardware, path, last, _window(width, units))
                found += through
            elif reached.ROLE != "synapses" and _is_axon(hardware, path, reached, host):
                found.append(_wire(hardware, path, reached, last, _window(port.size, units)))
    return found


def _through(
    graph: Graph, hardware: Hardware, path: str, last: Connection, window: Rows
) -> Iterator[Afferent]:
    """Yield one afferent per connection into the synapses at `path`."""
    process = graph.flat_processes[path]
    holder = graph.flat_processes[process.of] if isinstance(process, Transpose) else process
    presynaptic = _presynaptic(process, holder)
    learns = isinstance(holder, Dense) and holder.rule is not None
    slots = hardware.learning.axon_slots if learns and hardware.learning else 1
    for first in graph.sources(f"{path}.s"):
        sender = first.source.rpartition(".")[0]
        further = (first.delay or 0) - 1 + (last.delay or 0)
        bits = stored_bits(holder, graph.domain, hardware) + delay_bits(process, further)
        senders = graph.flat_processes[sender].output.size
        broadcast = senders == 1
        rows = _rows(presynaptic, window, broadcast)
        yield Afferent(path, sender, senders, bits, slots, rows)


def _wire(
    hardware: Hardware, path: str, sender: Process, last: Connection, window: Rows
) -> Afferent:
    """Return the afferent of a wire without synapses: one synapse of weight 1 for each unit."""
    memory = hardware.synaptic_memory
    bits = min(memory.weight_formats) if memory else 1
    bits += max(0, (last.delay or 0) - 1).bit_length()
    rows = _rows(lambda i: np.array([i]), window, sender.output.size == 1)
    return Afferent(last.target, path, sender.output.size, bits, 1, rows)


def _is_axon(hardware: Hardware, path: str, sender: Process, host: Collection[str]) -> bool:
    payload = (hardware.limits.spike_payload_bits if hardware.limits else None) or 0
    if sender.output.signal == "spike":
        return path not in host or sender.ROLE == "source"
    return payload > 0 and path not in host


def _presynaptic(process: Process, holder: Process) -> Rows:
    """Return which presynaptic units each postsynaptic one has a synapse from."""
    if isinstance(holder, Dense):
        exists = np.ones_like(holder.weights, dtype=bool) if holder.rule else holder.weights != 0
        exists = exists if process is holder else exists.T
        return lambda i: np.flatnonzero(exists[i])
    post, pre = process.synapses()
    order = np.lexsort((pre, post))
    pre, starts = pre[order], np.searchsorted(post[order], np.arange(process.output.size + 1))
    return lambda i: pre[starts[i] : starts[i + 1]]


def _window(width: int, units: int) -> Rows:
    """Return which of `width` port indices unit i reads: its own, its segments', its group's."""
    if width >= units:
        each = width // units
        return lambda i: np.arange(i * each, (i + 1) * each)
    share = units // width
    return lambda i: np.array([i // share])


def _rows(presynaptic: Rows, window: Rows, broadcast: bool) -> Rows:
    def rows(i: int) -> NDArray[np.int64]:
        read = window(i)
        if len(read) == 1:
            senders = presynaptic(int(read[0]))
        else:
            senders = np.unique(np.concatenate([presynaptic(int(k)) for k in read]))
        return np.zeros(min(1, len(senders)), np.int64) if broadcast else senders

    return rows
