"""homes: where each process of a graph lives: on the chip, on a host beside it, or outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hebbgraph.graph import Connection, Graph
from hebbgraph.preflight.finding import Finding, Verdict
from hebbgraph.processes import LIF, Noise, Process

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Built into the chip, a program for its neurons, a computer beside it, or where data come from.
Place = Literal["chip", "program", "host", "outside"]
#: Bits of a graded value whose process does not say.
GRADED_BITS = 24
#: Ports of `LIF` that Loihi's units do not have, and what they would be.
EXTRA_PORTS = {
    "n": "noise is added to v from outside in every step",
    "on": "units are switched off and on in single steps",
}


@dataclass(frozen=True)
class Home:
    """Where a process lives, and why not on the chip."""

    place: Place
    why: str = ""


def homes(graph: Graph, hardware: Hardware) -> dict[str, Home]:
    """Return the home of every process; `graph` is flat.

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


def home_findings(graph: Graph, hardware: Hardware, found: dict[str, Home]) -> list[Finding]:
    """Return one finding per process, and one per feature that the chip's units lack."""
    words: dict[Place, tuple[Verdict, str, str]] = {
        "chip": ("ok", "", ""),
        "outside": ("ok", "comes from outside", ""),
        "program": ("note", "", "write the program of its units, or use a kind that is built in"),
        "host": ("warning", "", "a host has to compute it in every step, or choose another kind"),
    }
    findings: list[Finding] = []
    for path, process in graph.walk():
        home = found[path]
        verdict, text, remedy = words[home.place]
        got = f"{type(process).__name__}, {process.output.size} wide"
        findings.append(
            Finding(path, "fit", "process", verdict, got, None, home.why or text, remedy)
        )
        if home.place == "chip" and isinstance(process, LIF):
            findings += _feature_findings(graph, hardware, path)
    for connection in graph.flat_connections if hardware.processes is not None else ():
        findings += _wire_findings(graph, connection, found)
    return findings


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


def _feature_findings(graph: Graph, hardware: Hardware, path: str) -> list[Finding]:
    """Return what a LIF uses beyond the chip's own units."""
    process = graph.flat_processes[path]
    assert isinstance(process, LIF)
    if hardware.processes is None:
        return []
    remedy = "a host has to do it in every step, or build the graph without it"
    found = [
        Finding(path, "fit", f"port {port}", "warning", "connected", None, text, remedy)
        for port, text in EXTRA_PORTS.items()
        if graph.sources(f"{path}.{port}")
    ]
    if process.when_off == "hold":
        text = "units that are switched off repeat their last spike"
        found.append(Finding(path, "fit", "when_off", "warning", "hold", None, text, remedy))
    return found


def _wire_findings(graph: Graph, connection: Connection, found: dict[str, Home]) -> list[Finding]:
    """Return what a wire into units on the chip needs that is no synapse."""
    source, target = (end.rpartition(".")[0] for end in (connection.source, connection.target))
    sender, receiver = graph.flat_processes[source], graph.flat_processes[target]
    on_chip = found[target].place in ("chip", "program") and receiver.ROLE == "units"
    if not on_chip or sender.ROLE == "synapses" or graph.port(connection.target).learning:
        return []
    if found[source].place == "outside" and sender.output.signal != "spike":
        text = f"graded values are written into the units of {target} as a bias, step by step"
        got = f"{sender.output.size} values a step"
        return [Finding(source, "fit", "input", "note", got, None, text)]
    if sender.ROLE == "units" and not connection.delay:
        text = f"{connection.source} reaches {connection.target} in the same step"
        remedy = "give the connection delay=1: a spike takes a step on the chip"
        return [Finding(target, "fit", "delay", "warning", 0, 1, text, remedy)]
    return []
