"""Notes on what the chip's arithmetic may do to a quantised LIF: residues, and u that wraps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Connection, Graph
from hebbgraph.passes.quantise.forms import Context
from hebbgraph.passes.quantise.measures import REGISTER
from hebbgraph.processes import LIF, Conv2d, Input, Transpose

Whole = NDArray[np.int64]

#: More than any sum that is still of interest: it wraps.
MANY = 2**32


def residue_notes(context: Context, fixed: Graph, path: str) -> list[str]:
    """Judge the v / 4096 that a decay_v of 4095 leaves behind where the float unit forgets v.

    Without it, v - 64 threshold lies on a lattice of 64 gcd(weights, gains). A residue below the
    distance from 0 to the nearest points of that lattice, on either side, decides nothing.
    """
    was, now = context.graph.flat_processes[path], fixed.flat_processes[path]
    assert isinstance(was, LIF)
    assert isinstance(now, LIF)
    forgetful = (was.decay_v == 1) & (was.decay_u == 1)
    if not (was.decay_v == 1).any():
        return []
    grain, low, high = _drive(context, fixed, path, now.size)
    bias = now.bias << now.bias_exponent
    threshold = now.threshold << 6
    offset = bias - threshold
    lattice = np.maximum(REGISTER * grain, 1)
    above = np.where(grain > 0, (offset - 1) % lattice + 1, np.abs(offset))
    below = np.where(grain > 0, -offset % lattice, np.abs(offset))
    # The voltage itself contains the residue before it, hence 4095 and not 4096.
    falls = np.maximum(0, -(REGISTER * low + bias)) // 4095
    lifts = np.maximum(0, np.minimum(threshold, REGISTER * high + bias)) // 4095
    safe = forgetful & ((falls < above) | (falls == 0)) & (lifts <= below)
    unsafe = int(np.count_nonzero(~safe & (was.decay_v == 1)))
    if not unsafe:
        return []
    note = (
        f"{path}.decay_v: 1 became 4095/4096; the v/4096 it leaves behind may decide a spike in "
        f"{unsafe} of {now.size} units (worst case)"
    )
    return [note]


def wrap_notes(context: Context, fixed: Graph, path: str) -> list[str]:
    """Say where all synapses at once could push u past 24 bits, where it wraps around."""
    process: Any = context.graph.flat_processes[path]
    _, low, high = _drive(context, fixed, path, process.size)
    held = 1 / np.maximum(process.decay_u, 1 / 4096)
    wraps = REGISTER * np.maximum(high, -low) * held > 2**23
    if not wraps.any():
        return []
    note = (
        f"{path}.u: may exceed 24 bits and wrap in {np.count_nonzero(wraps)} of {process.size} "
        "units (worst case, all synapses of one sign at once)"
    )
    return [note]


def _drive(context: Context, fixed: Graph, path: str, size: int) -> tuple[Whole, Whole, Whole]:
    """Return per unit the grain of the arriving current and its bounds."""
    grain, low, high = (np.zeros(size, dtype=np.int64) for _ in range(3))
    for connection in fixed.sources(f"{path}.a"):
        source = connection.source.rpartition(".")[0]
        process = fixed.flat_processes[source]
        if process.ROLE == "synapses":
            some, least, most = _sums(context, fixed, source, process)
        elif isinstance(process, Input) and process.signal == "graded":
            some = np.rint(np.abs(process.gain)).astype(np.int64)
            least, most = -some, some
        else:
            some = np.ones(size, dtype=np.int64)
            least, most = (bound * some for bound in _bounds(context, fixed, connection))
        grain, low, high = np.gcd(grain, some), low + least, high + most
    return grain, low, high


def _sums(context: Context, fixed: Graph, path: str, process: Any) -> tuple[Whole, Whole, Whole]:
    """Return grain, least and most of the sums of synapses."""
    holder = process.of if isinstance(process, Transpose) else path
    if holder in fixed.plastic:
        many = np.full(process.output.size, MANY)
        return np.ones_like(many), -many, many
    rows = fixed.flat_processes[holder].matrix()
    rows = rows.T if isinstance(process, Transpose) else rows
    down, up = np.minimum(rows, 0).sum(axis=1), np.maximum(rows, 0).sum(axis=1)
    least, most = np.zeros_like(down), np.zeros_like(up)
    for connection in fixed.sources(f"{path}.s"):
        low, high = _bounds(context, fixed, connection)
        least, most = least + high * down + low * up, most + high * up + low * down
    least, most = np.maximum(least, -MANY), np.minimum(most, MANY)
    grain = np.gcd.reduce(rows, axis=1)
    exponent = 0 if isinstance(process, Conv2d) else process.exponent
    if exponent < 0:
        return np.ones_like(grain), least >> -exponent, -((-most) >> -exponent)
    return grain << exponent, least << exponent, most << exponent


def _bounds(context: Context, fixed: Graph, connection: Connection) -> tuple[int, int]:
    """Return the least and the most that a connection carries, in fixed units."""
    source = connection.source.rpartition(".")[0]
    signal = fixed.port(connection.source).signal
    if signal != "graded":
        return (0, 1) if signal == "spike" else (-1, 1)
    bound = context.bounds.emitted(source) * context.scales.scale(connection.source)
    most = min(MANY, math.ceil(bound)) if np.isfinite(bound) else MANY
    return -most, most
