"""homes: where each process of a graph lives: on the chip, on a host beside it, or outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hebbgraph.graph import Graph
from hebbgraph.processes import Noise, Process

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Built into the chip, a program for its neurons, a computer beside it, or where data come from.
Place = Literal["chip", "program", "host", "outside"]
#: Bits of a graded value whose process does not say.
GRADED_BITS = 24


@dataclass(frozen=True)
class Home:
    """Where a process lives, and why not on the chip."""

    place: Place
    why: str = ""


def homes(graph: Graph, hardware: Hardware) -> dict[str, Home]:
    """Return the home of every process.

    Units live where their kind can be computed. Synapses live with the units they end at, unless
    what they carry cannot travel as spikes of the chip, or nobody on the chip receives it.
    """
    found = {
        path: _own_home(process, hardware)
        for path, process in graph.walk()
        if process.ROLE != "synapses"
    }
    for path, process in graph.walk():
        if process.ROLE == "synapses":
            found[path] = _synapse_home(graph, hardware, path, process, found)
    return {path: found[path] for path, _ in graph.walk()}


def on_host(graph: Graph, hardware: Hardware) -> frozenset[str]:
    """Return the paths of the processes that a host has to compute."""
    return frozenset(path for path, home in homes(graph, hardware).items() if home.place == "host")


def payload_bits(process: Process) -> int:
    """Return the bits that a spike must carry for what `process` emits, beyond that it is there."""
    signal = process.output.signal
    if signal == "spike":
        return 0
    if signal == "ternary":
        return 1
    return int(getattr(process, "bits", GRADED_BITS))


def _own_home(process: Process, hardware: Hardware) -> Home:
    kind, kinds = type(process).__name__, hardware.processes
    if isinstance(process, Noise):
        drawn = "its numbers, one per unit and step, are drawn outside and sent"
        return Home("outside" if kinds is None else "host", drawn)
    if process.ROLE == "source":
        return Home("outside")
    if kinds is None or kind in kinds.native:
        return Home("chip")
    if kind in kinds.programmed:
        return Home("program", f"{kind} needs a program for the neurons of {hardware.name}")
    return Home("host", f"{hardware.name} has no {kind}")


def _synapse_home(
    graph: Graph, hardware: Hardware, path: str, process: Process, found: dict[str, Home]
) -> Home:
    own = _own_home(process, hardware)
    if own.place != "chip" or hardware.processes is None:
        return own
    available = (hardware.limits.spike_payload_bits if hardware.limits else None) or 0
    for connection in graph.sources(f"{path}.s"):
        sender = graph.flat_processes[connection.source.rpartition(".")[0]]
        if sender.ROLE == "synapses":
            return Home("host", f"{connection.source} enters it with no unit between them")
        needed = payload_bits(sender)
        if needed > available:
            carried = f"{available} bits" if available else "no payload"
            return Home("host", f"{connection.source} has {needed} bits, a spike carries {carried}")
    targets = {
        c.target.rpartition(".")[0]
        for c in graph.flat_connections
        if c.source == f"{path}.a" and not graph.port(c.target).learning
    }
    if targets and all(found.get(t, Home("host")).place == "host" for t in targets):
        return Home("host", f"{', '.join(sorted(targets))}, where it ends, is not on the chip")
    return own
