"""where: findings about where each process of a graph lives, and what its home lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hebbgraph.graph import Connection, Graph
from hebbgraph.placement.homes import Home, Place
from hebbgraph.preflight.finding import Finding, Verdict
from hebbgraph.processes import LIF

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Ports of `LIF` that Loihi's units do not have, and what they would be.
EXTRA_PORTS = {
    "n": "noise is added to v from outside in every step",
    "on": "units are switched off and on in single steps",
}


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
