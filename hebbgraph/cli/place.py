"""`hebbgraph place`: which units go to which core of a machine, and what they then send."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from rich.table import Table

from hebbgraph.checks import Domain
from hebbgraph.cli.subject import Subject, add_arguments, subject_of
from hebbgraph.cli.tables import console
from hebbgraph.compile import compile as compile_graph
from hebbgraph.compile import lower_stages
from hebbgraph.energy import EnergyReport, energy
from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.placement import LOADS, METHODS, UNLIMITED, WORDS, Placement, place, traffic
from hebbgraph.placement.loads import limits_of
from hebbgraph.preflight.machine import find
from hebbgraph.result import Result

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware
    from hebbgraph.placement import Traffic

EXAMPLES = """examples:
  hebbgraph place hopfield --hardware loihi1_nahuku
  hebbgraph place hopfield --data mnist5k --count 50 --png chip.png
  hebbgraph place runs/NAME/graph.hgraph --result runs/NAME/rasters/lava-fixed-seed0.zip
  hebbgraph place net.hgraph --chips 2 --fit-only --method mtkahypar --json > placement.json
  hebbgraph place hopfield --sanafe replay       and: cd replay; python run.py, where sanafe is

Without --result the subject's data are run on the reference, in the machine's integers.
exit code: 0 it fits, 1 it does not, 2 bad input"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "place",
        help="map units to the cores of a machine, count packets and hops",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    add = parser.add_argument
    add(
        "--hardware",
        default="loihi1_nahuku",
        metavar="NAME",
        help="a machine, the beginning of its name, or a .yaml file (default: %(default)s)",
    )
    add("--result", metavar="FILE", help="a stored run of the graph (.zip) that gives the spikes")
    add("--fit-only", action="store_true", help="run nothing: every sender counts alike")
    add("--method", choices=METHODS, default="auto", help="how cores are filled")
    add("--chips", type=int, default=1, help="how many chips there are (default: %(default)s)")
    add("--png", metavar="FILE", help="draw the chip, by process and by load (matplotlib)")
    add("--sanafe", metavar="FOLDER", help="write the run for SANA-FE, an independent simulator")
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(parsed: argparse.Namespace) -> int:
    """Place what the arguments say; exit code 1 if it does not fit."""
    _check(parsed)
    subject = subject_of(parsed, example=False)
    machine, remark = find(parsed.hardware)
    fixed = machine.numerics is not None and subject.graph.domain == "float"
    stages = lower_stages(subject.graph, "fixed" if fixed else None, machine)
    graph = stages["flatten"]
    result, data = _result(parsed, subject, machine)
    placement = place(graph, machine, result=result, method=parsed.method, seed=parsed.seed)
    sent = None if result is None else traffic(placement, result)
    priced = None
    if result is not None and sent is not None:
        priced = energy(result, machine, sent, allow_synthetic=True)
    if parsed.sanafe and result is not None:
        from hebbgraph.placement.sanafe import export  # an option

        export(result, placement, parsed.sanafe)
    if parsed.png:
        _draw(placement, parsed.png)
    per_chip = machine.limits.cores if machine.limits else None
    fits = not placement.overruns
    fits &= not per_chip or len(placement.cores) <= parsed.chips * per_chip
    if parsed.json:
        document = {"fits": fits, "data": data, "placement": placement.as_dict()}
        document["traffic"] = sent.as_dict() if sent else None
        document["energy"] = priced.as_dict() if priced else None
        print(json.dumps(document, indent=2))
    else:
        for line in filter(None, [remark, data and f"spikes: {data}"]):
            console().print(line)
        _print(placement, sent, priced, parsed.chips, fits)
    return 0 if fits else 1


def _check(parsed: argparse.Namespace) -> None:
    faults = []
    if parsed.chips < 1:
        faults.append(Fault("--chips", str(parsed.chips), "must be a whole number above 0"))
    if parsed.fit_only and parsed.result:
        faults.append(Fault("--fit-only", "given with --result", "leave out one of the two"))
    if parsed.fit_only and parsed.sanafe:
        faults.append(Fault("--sanafe", "given with --fit-only", "needs a run to replay"))
    if faults:
        raise Invalid("arguments", faults)


def _result(
    parsed: argparse.Namespace, subject: Subject, machine: Hardware
) -> tuple[Result | None, str]:
    """Return the run whose spikes count, and where they come from, in words."""
    if parsed.fit_only:
        return None, ""
    if parsed.result:
        return Result.load(parsed.result), parsed.result
    fixed = machine.numerics is not None or subject.graph.domain == "fixed"
    domain: Domain = "fixed" if fixed else "float"
    with compile_graph(subject.graph, "reference", domain=domain, hardware=machine) as program:
        result = program.run(subject.inputs, subject.steps, episodes=subject.episodes)
    return result, subject.data


def _draw(placement: Placement, path: str) -> None:
    from hebbgraph.report import chip, pictures  # matplotlib on use

    width = placement.layout.width if placement.layout else 8
    with pictures.defaults():
        _, (above, below) = pictures.figure(max(5.0, 0.5 * width + 2.5), 6, 2)
        chip.chip(placement, by="process", ax=above)
        chip.chip(placement, by="load", ax=below)
        write_atomic(path, pictures.png(above))


def _print(
    placement: Placement,
    sent: Traffic | None,
    priced: EnergyReport | None,
    chips: int,
    fits: bool,
) -> None:
    """Print one line for each population, then the totals."""
    out = console()
    limit = limits_of(placement.hardware)
    table = Table(
        title=f"{placement.graph.name} on {placement.hardware.name}", title_justify="left"
    )
    for column in ("population", "units", "cores", *(f"most {WORDS[what][0]}" for what in LOADS)):
        table.add_column(column, justify="left" if column == "population" else "right")
    table.add_column("what binds", overflow="fold")
    over = {(found.path, found.what) for found in placement.overruns}
    for path in dict.fromkeys(share.path for share in placement.shares):
        shares = placement.of(path)
        bounds = dict.fromkeys(WORDS[share.bound][0] for share in shares if share.bound)
        most = {what: max(getattr(share.load, what) for share in shares) for what in LOADS}
        loads = [
            f"{most[what]:,}" + (" (too many)" if (path, what) in over else "") for what in LOADS
        ]
        units = sum(len(share.units) for share in shares)
        binding = ", ".join(bounds) or "-"
        table.add_row(path, f"{units:,}", str(len(shares)), *loads, binding)
    shown = [getattr(limit, what) for what in LOADS]
    ends = ["-" if value == UNLIMITED else f"{value:,}" for value in shown]
    table.add_section()
    table.add_row("a core holds", "", "", *ends, "")
    out.print(table)
    out.print(*_totals(placement, sent, priced), sep="\n")
    if placement.host:
        out.print(f"left to a host: {', '.join(sorted(placement.host))}")
    try:
        placement.require_fit(chips)
    except Invalid as error:
        out.print(str(error))
    out.print("fits" if fits else "does not fit")


def _totals(placement: Placement, sent: Traffic | None, priced: EnergyReport | None) -> list[str]:
    cores = len(placement.cores)
    lines = [f"{cores} core{'s' if cores != 1 else ''} filled by {placement.method}"]
    if sent is None:
        reach = placement.reach().values()
        each = int(sum(counts.sum() for counts in reach))
        return [*lines, f"{each:,} packets if every sender spikes once"]
    if sent.tiles:
        lines[0] += f", {sent.tiles} tile{'s' if sent.tiles != 1 else ''}"
        lines[0] += f", {sent.chips} chip{'s' if sent.chips != 1 else ''}"
    lines.append(
        f"{sent.packets:,} packets in {sent.episodes} episodes: {sent.packets_within:,} within a"
        f" core, {sent.packets_outside:,} from outside, {sent.packets_between_chips:,} to another"
        " chip"
    )
    if sent.hops_x is not None:
        lines.append(
            f"{sent.hops_x:,} hops east-west, {sent.hops_y:,} north-south,"
            f" {sent.chip_crossings:,} from chip to chip"
        )
    if priced is not None:
        noc = priced.components.get("noc")
        network = noc.text("J") if noc else "no price"
        least = "at least " if priced.lower_bound else ""
        lines.append(
            f"network: {network}; all dynamic energy: {least}{priced.dynamic.text('J')}"
            f" ({', '.join(priced.basis)})"
        )
        if priced.latency:
            lines.append(f"time: {priced.latency.time.text('s')}, {priced.latency.words}")
    return lines
