"""quantise: from the float domain to the fixed domain of a chip, dynamics preserved.

Reading order: `numerics` (a chip's widths), `scales` (how many fixed units one float unit is, port
by port) with `measures` and `bounds`, `forms` (each kind) and `plastic` (rules), `notes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.passes.quantise.bounds import Bounds
from hebbgraph.passes.quantise.forms import Context, fixed_form
from hebbgraph.passes.quantise.notes import residue_notes, wrap_notes
from hebbgraph.passes.quantise.numerics import Numerics, numerics_of
from hebbgraph.passes.quantise.scales import Scales
from hebbgraph.processes import LIF, TernaryLIF

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware


def quantise(
    graph: Graph,
    hardware: Hardware | str | None = None,
    data: Mapping[str, Any] | None = None,
    steps: int | None = None,
) -> Graph:
    """Return `graph` in the fixed domain, with everything that was approximated in its notes.

    Ports that wires connect share one scale g (fixed units per float unit): weights, biases,
    thresholds, gains and tables are multiplied by it, so the same units spike. g is the smallest
    power of two from 1 on that makes all of them exact integers within the chip's widths, large
    enough that leaky units lose nothing; where there is none, values are rounded, at a g at which
    everything fits and no u can wrap. Each set of synapses has its own power of two on its sums;
    weights are even where signs are mixed. Decays become 12-bit integers, exponentials tables of
    256 entries, rules integer coefficients with a shift.

    `hardware` is a config with numerics, or its name; Loihi's numerics without one. `data` are
    inputs of some episodes (`Program.run`), of `steps` steps: ranges are then what a run of the
    float graph shows, times 2, instead of worst cases. Raises `Invalid` if a threshold is negative
    (the chip's is unsigned) or values of different scales are added.
    """
    if graph.domain == "fixed":
        return graph
    flat = graph.flat()
    numerics = numerics_of(hardware)
    faults = [
        Fault(
            f"{path}.threshold",
            f"{np.min(lif.threshold):g}",
            "must be 0 or more in the fixed domain (the chip's threshold is unsigned)",
            "shift threshold and bias up together",
        )
        for path, lif in flat.of_kind(LIF).items()
        if np.min(lif.threshold) < 0
    ]
    if faults:
        raise Invalid(f"quantise {graph.name!r}", faults)
    bounds = Bounds(flat, data, steps)
    context = Context(flat, Scales(flat, numerics, bounds), bounds, numerics, [])
    processes = {path: fixed_form(context, path, p) for path, p in flat.flat_processes.items()}
    scales = context.scales.table() | {k: v for k, v in context.weights.items() if v != 1}
    fixed = replace(flat, processes=processes, domain="fixed", notes=(), scales=scales)
    notes = [*graph.notes, *context.notes]
    for path in flat.of_kind(LIF):
        notes += residue_notes(context, fixed, path)
    for path in (*flat.of_kind(LIF), *flat.of_kind(TernaryLIF)):
        if not bounds.calibrated:
            notes += wrap_notes(context, fixed, path)
    return replace(fixed, notes=tuple(notes))


__all__ = ["Numerics", "quantise"]
