"""The tables of `hebbgraph bench continual`, for the terminal, the page and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from hebbgraph.continual.bench import ContinualBench, MethodRow
from hebbgraph.continual.matrix import MEASURES
from hebbgraph.energy import EnergyReport, energy
from hebbgraph.energy.band import format_energy
from hebbgraph.report.tables import Table

ACCURACY = (
    "Mean over seeds, standard deviation (n - 1) in brackets, in percent or points. "
    "ACC: all tasks after the last; BWT: what later tasks did to earlier ones; FWT: before learning"
    " against the untrained network; forgetting: from the best ever; LA: right after learning."
)
COST = (
    "Memory: what learning keeps beside the weights. Time: CPU seconds to learn the whole stream."
    " Synops per training sample: all synaptic operations, of errors, residuals and replayed"
    " samples too; weight updates: synapses that learning visits. Counted on the process graph that"
    " learns on line, sample by sample, as hardware would; a dash where there is no graph."
)
ENERGY = (
    "Estimated energy per training sample, learning and the forward pass in it, nominal; >= marks"
    " a lower bound. Inference: the forward pass of one sample alone."
)


def accuracy(found: ContinualBench) -> Table:
    """Return the accuracy of every method."""
    head = ("method", "ACC", "BWT", "FWT", "forgetting", "LA", "seeds")
    rows: list[tuple[str, ...]] = []
    for row in found.rows:
        if not row.runs:
            rows.append((row.method, *("-",) * 5, f"failed: {row.failure}"))
            continue
        cells = [
            _percent(row, name) for name in ("acc", "bwt", "fwt", "forgetting", "learning_accuracy")
        ]
        rows.append((row.method, *cells, str(len(row.runs))))
    return Table(head, tuple(rows), (ACCURACY,))


def costs(found: ContinualBench) -> Table:
    """Return memory, time and operations of every method."""
    head = (
        "method", "memory", "CPU time", "synops per training sample",
        "weight updates per training sample", "synops per inference",
    )  # fmt: skip
    rows = []
    for row in found.rows:
        if row.runs:
            cells = (_bytes(row.memory), f"{row.seconds:.0f} s", *_operations(row))
            rows.append((row.method, *cells))
    return Table(head, tuple(rows), (COST,))


def energies(found: ContinualBench, hardware: Sequence[str]) -> Table:
    """Return the energy per training sample, and per inference, on every machine."""
    rows = []
    for row in found.rows:
        if row.training and row.inference:
            cells = [_energy(energy(row.training, name)) for name in hardware]
            rows.append((row.method, *cells))
    first = next((row for row in found.rows if row.inference), None)
    if first and first.inference:
        cells = [_energy(energy(first.inference, name)) for name in hardware]
        rows.append(("inference", *cells))
    return Table(("method", *hardware), tuple(rows), (ENERGY,))


def csv_text(found: ContinualBench) -> str:
    """Return one line for each method and seed, with every measure, as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(MEASURES)
    writer.writerow(["method", "seed", "epochs", *names, "cpu_seconds", "bytes_beside_weights"])
    for row in found.rows:
        for run in row.runs:
            values = [getattr(run.report, name) for name in names]
            kept = sum(
                v for k, v in run.costs.items() if k.startswith("bytes_") and k != "bytes_weights"
            )
            writer.writerow([row.method, run.seed, run.epochs, *values, run.seconds, kept])
    return out.getvalue()


def headline(found: ContinualBench) -> str:
    """Return the outcome in one sentence."""
    held = {row.method: row for row in found.rows if row.runs}
    best = max(
        (row for name, row in held.items() if name != "joint"),
        key=lambda row: row.mean("acc"),
        default=None,
    )
    if best is None:
        return "no method ran to its end"
    words = f"best on {found.tasks} tasks: {best.method}, ACC {_percent(best, 'acc')} %"
    if "naive" in held and best.method != "naive":
        words += f", naive {_percent(held['naive'], 'acc')} %"
    if "joint" in held:
        words += f"; all tasks at once {_percent(held['joint'], 'acc')} %"
    return words


def _percent(row: MethodRow, measure: str) -> str:
    mean, deviation = row.mean(measure), row.deviation(measure)
    if not math.isfinite(mean):
        return "-"
    signed = measure in ("bwt", "fwt")
    text = f"{100 * mean:+.1f}" if signed else f"{100 * mean:.1f}"
    return f"{text} ({100 * deviation:.1f})" if math.isfinite(deviation) else text


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def _operations(row: MethodRow) -> tuple[str, str, str]:
    if row.training is None or row.inference is None:
        return ("-", "-", "-")
    training, inference = row.training, row.inference
    synops = (training.total("synops_ac") + training.total("synops_mac")) / training.episodes
    visits = training.total("learning_visits") / training.episodes
    forward = (inference.total("synops_ac") + inference.total("synops_mac")) / inference.episodes
    return tuple(f"{value:,.0f}" for value in (synops, visits, forward))  # type: ignore[return-value]


def _energy(report: EnergyReport) -> str:
    least = ">= " if report.lower_bound else ""
    whole = (report.dynamic.nominal + report.learning.nominal) / max(report.episodes, 1)
    return least + format_energy(whole)


def as_json(found: ContinualBench, hardware: Sequence[str]) -> dict[str, Any]:
    """Return everything in JSON types, energies among it."""
    priced = {
        row.method: {
            name: {
                "training": energy(row.training, name).as_dict(),
                "inference": energy(row.inference, name).as_dict(),
            }
            for name in hardware
        }
        for row in found.rows
        if row.training and row.inference
    }
    return found.as_dict() | {"energy": priced}
