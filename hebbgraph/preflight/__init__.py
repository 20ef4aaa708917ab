"""Preflight: what a graph will meet on a machine, before it runs there.

Does it fit, can the machine learn it, will it still fire, what is approximated: `check` answers
with a `CheckReport` of findings, each with the path of its process and its numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.passes.quantise import quantise
from hebbgraph.placement import Placement, place
from hebbgraph.placement.homes import homes
from hebbgraph.preflight.finding import WHOLE, Finding
from hebbgraph.preflight.firing import Run, firing_findings, run
from hebbgraph.preflight.fit import placement_findings, width_findings
from hebbgraph.preflight.learning import learning_findings
from hebbgraph.preflight.notes import note_findings
from hebbgraph.preflight.report import CheckReport
from hebbgraph.preflight.samples import Sample, sample
from hebbgraph.preflight.where import home_findings

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware


def check(
    graph: Graph,
    hardware: Hardware | str | os.PathLike[str] = "loihi1_davies2018",
    inputs: Mapping[str, Any] | None = None,
    steps: int | None = None,
    *,
    chips: int = 1,
    simulate: bool = True,
    data: str = "",
) -> CheckReport:
    """Return what `graph` will meet on `hardware`, on so many `chips` of it.

    `hardware` is a config, its name, a file, or the beginning of a name (``"loihi1"``). A float
    graph is quantised for it; then both are run on the reference and compared, on `inputs` as
    `Program.run` takes them, or on made-up data, described in words by `data`. Without `simulate`
    nothing is run. Raises `Invalid` for bad arguments; what is wrong with the graph on that
    machine is a finding.
    """
    from hebbgraph.preflight.machine import find  # pydantic is imported on use

    faults = whole_faults("chips", chips, 1, 2**20)
    if not isinstance(graph, Graph):
        need = "must be a Graph"
        faults.append(Fault("graph", type(graph).__name__, need, "build or load one"))
    if faults:
        raise Invalid("check", faults)
    machine, remark = find(hardware)
    flat = graph.flat()
    fixed, unfit = _quantised(flat, machine)
    on_machine = flat if fixed is None else fixed
    chosen = sample(flat, inputs, steps, data)
    findings, placement = _fit(on_machine, machine, chips)
    # Rules are judged as they will run; where there is no fixed form yet, as they were written.
    learns = on_machine if set(on_machine.plastic) == set(flat.plastic) else flat
    floating = run(flat, machine, chosen) if simulate and flat.domain == "float" else None
    on_chip = run(fixed, machine, chosen) if simulate and fixed is not None else None
    ran = on_chip or floating
    findings += [*unfit, *learning_findings(learns, machine, ran.steps if ran else steps or 0)]
    findings += [*firing_findings(on_machine, floating, on_chip), *note_findings(on_machine)]
    cores = machine.limits.cores if machine.limits else None
    return CheckReport(
        graph=graph.name,
        graph_hash=graph.content_hash,
        hardware=machine.name,
        cores=len(placement.cores) if cores else 0,
        chips=placement.chips(cores) if cores else 0,
        data=chosen.words if ran else "",
        steps=ran.steps if ran else 0,
        findings=tuple(findings),
        remark=remark,
    )


def _quantised(flat: Graph, machine: Hardware) -> tuple[Graph | None, list[Finding]]:
    """Return the graph in `fixed`, or None and why it has no such form on this machine."""
    if flat.domain == "fixed":
        return flat, []
    if machine.numerics is None:
        return None, []
    try:
        return quantise(flat, machine), []
    except Invalid as error:
        return None, [_no_form(flat, fault) for fault in error.faults]


def _no_form(flat: Graph, fault: Fault) -> Finding:
    owners = (p for p in flat.flat_processes if f"{fault.where}.".startswith(f"{p}."))
    path = max(owners, key=len, default=fault.where)
    aspect = fault.where[len(path) + 1 :] or "fixed domain"
    return Finding(path, "firing", aspect, "fault", fault.got, None, fault.need, fault.remedy)


def _fit(graph: Graph, machine: Hardware, chips: int) -> tuple[list[Finding], Placement]:
    places = homes(graph, machine)
    host = {path for path, home in places.items() if home.place == "host"}
    findings = home_findings(graph, machine, places)
    placement = place(graph, machine, host)
    if machine.limits is None:
        why = machine.absent.get("limits", "its config gives none")
        findings.append(Finding(WHOLE, "fit", "limits", "note", "none known", None, why))
    else:
        findings += placement_findings(placement, machine, chips)
        findings += width_findings(graph, machine, places)
    return findings, placement


__all__ = ["CheckReport", "Finding", "Run", "Sample", "check"]
