"""fit: neurons, memory, axons, cores, delays and widths against the limits of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hebbgraph.graph import Graph
from hebbgraph.placement import LOADS, UNLIMITED, WORDS, Placement, limits_of
from hebbgraph.placement.homes import Home
from hebbgraph.preflight.finding import WHOLE, Finding
from hebbgraph.processes import LIF, BlockDense, Dense, Process, Sparse, TernaryLIF, Transpose

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Bits of u and v in the fixed domain.
STATE_BITS = 24


def placement_findings(placement: Placement, hardware: Hardware, chips: int) -> list[Finding]:
    """Return per population what its fullest core holds, every overrun, and the total."""
    limit = limits_of(hardware)
    over = {(o.path, o.what): o for o in placement.overruns}
    found: list[Finding] = []
    for path in dict.fromkeys(r.path for r in placement.shares):
        shares = placement.of(path)
        bounds = [WORDS[r.bound][0] for r in shares if r.bound]
        cut = f"; {max(set(bounds), key=bounds.count)} binds" if bounds else ""
        spread = f"on {len(shares)} core{'s' if len(shares) > 1 else ''}{cut}"
        for what in LOADS:
            name, remedy = WORDS[what]
            most, allowed = max(getattr(r.load, what) for r in shares), getattr(limit, what)
            text = f"{sum(len(r.units) for r in shares):,} units {spread}"
            shown = None if allowed == UNLIMITED else allowed
            if what != "units":
                text = "bits on the fullest core" if what == "synaptic_bits" else "on a core"
            if (path, what) in over:
                worst = over[path, what]
                cores = sum(o.path == path and o.what == what for o in placement.overruns)
                text = f"core {worst.core}; {cores} core{'s' if cores > 1 else ''} exceed it"
                found.append(Finding(path, "fit", name, "fault", worst.got, shown, text, remedy))
            else:
                found.append(Finding(path, "fit", name, "ok", most, shown, text))
    return found + _core_finding(placement, hardware, chips)


def _core_finding(placement: Placement, hardware: Hardware, chips: int) -> list[Finding]:
    cores = hardware.limits.cores if hardware.limits else None
    if not cores or not placement.cores:
        return []
    needed = placement.chips(cores)
    available = f"{chips} chip{'s' if chips > 1 else ''} of {cores} cores"
    if len(placement.cores) <= cores * chips:
        return [
            Finding(WHOLE, "fit", "cores", "ok", len(placement.cores), cores * chips, available)
        ]
    bounds = [r.bound for r in placement.shares if r.bound]
    binding = max(set(bounds), key=bounds.count) if bounds else "units"
    path = max((r.path for r in placement.shares), key=lambda p: len(placement.of(p)))
    text = f"{available}; most cores go to {path}, where {WORDS[binding][0]} binds"
    remedy = f"{WORDS[binding][1]}, or take {needed} chips"
    got = len(placement.cores)
    return [Finding(WHOLE, "fit", "cores", "fault", got, cores * chips, text, remedy)]


def width_findings(graph: Graph, hardware: Hardware, homes: Mapping[str, Home]) -> list[Finding]:
    """Return delays, widths of weights and exponents of every process on the chip."""
    found: list[Finding] = []
    for path, process in graph.walk():
        if homes[path].place == "host":
            continue
        if process.ROLE == "synapses":
            found += _delay_finding(graph, hardware, path, process)
            if graph.domain == "fixed":
                found += _weight_finding(hardware, path, process)
                found += _exponent_finding(hardware, path, process)
        elif graph.domain == "fixed" and isinstance(process, LIF | TernaryLIF):
            found += _unit_findings(hardware, path, process)
    return found


def _delay_finding(graph: Graph, hardware: Hardware, path: str, process: Process) -> list[Finding]:
    """Compare the longest way of a spike through the synapses at `path`, in steps."""
    limit = hardware.limits.max_delay if hardware.limits else None
    into = [int(c.delay or 0) for c in graph.sources(f"{path}.s")]
    out = [
        int(c.delay or 0)
        for c in graph.flat_connections
        if c.source == f"{path}.a" and not graph.port(c.target).learning
    ]
    if not into or limit is None:
        return []
    own = process.longest_delay
    total = max(into) + own + max(out, default=0)
    text = f"steps: {max(into)} into the synapses, {own} of their own, {max(out, default=0)} out"
    if total <= limit:
        return [Finding(path, "fit", "delay", "ok", total, limit, text)]
    remedy = "shorten one of them, or pass the spikes on through further units"
    return [Finding(path, "fit", "delay", "fault", total, limit, text, remedy)]


def _weight_finding(hardware: Hardware, path: str, process: Process) -> list[Finding]:
    limit = hardware.limits.weight_bits if hardware.limits else None
    if limit is None or isinstance(process, Transpose):
        return []
    weights = np.asarray(process.weights)  # type: ignore[attr-defined]
    low, high = int(weights.min()), int(weights.max())
    bits = 1 + max(max(high, 0).bit_length(), max(-low - (high > 0), 0).bit_length())
    text = f"bits with sign; weights {low} to {high}"
    if bits <= limit:
        return [Finding(path, "fit", "weight bits", "ok", bits, limit, text)]
    remedy = "quantise the float graph for this machine"
    return [Finding(path, "fit", "weight bits", "fault", bits, limit, text, remedy)]


def _exponent_finding(hardware: Hardware, path: str, process: Process) -> list[Finding]:
    if hardware.numerics is None or not isinstance(
        process, Dense | Transpose | Sparse | BlockDense
    ):
        return []
    low, high = hardware.numerics.min_weight_exponent, hardware.numerics.max_weight_exponent
    span = f"{low} to {high}"
    if low <= process.exponent <= high:
        return [Finding(path, "fit", "exponent", "ok", process.exponent, span)]
    remedy = "scale the weights instead"
    return [Finding(path, "fit", "exponent", "fault", process.exponent, span, "", remedy)]


def _unit_findings(hardware: Hardware, path: str, process: LIF | TernaryLIF) -> list[Finding]:
    """Compare the widths of bias, its exponent and the threshold."""
    numerics = hardware.numerics
    if numerics is None:
        return []
    widths = (
        ("bias bits", _signed_bits(process.bias), numerics.bias_mantissa_bits),
        ("bias exponent", process.bias_exponent, numerics.max_bias_exponent),
        ("threshold bits", _bits(process.threshold), numerics.threshold_mantissa_bits),
        ("decay bits", max(_bits(process.decay_u), _bits(process.decay_v)), numerics.decay_bits),
    )
    remedy = "quantise the float graph for this machine"
    narrow = [
        Finding(
            path,
            "fit",
            "state bits",
            "warning",
            STATE_BITS,
            numerics.state_bits,
            "u and v are computed with more bits here than the machine has",
        )
    ]
    return (narrow if numerics.state_bits < STATE_BITS else []) + [
        Finding(path, "fit", aspect, "ok", got, limit)
        if got <= limit
        else Finding(path, "fit", aspect, "fault", got, limit, "", remedy)
        for aspect, got, limit in widths
    ]


def _bits(values: object) -> int:
    return int(np.abs(np.asarray(values)).max()).bit_length()


def _signed_bits(values: object) -> int:
    """Return the bits of two's complement, which reaches one further down than up."""
    array = np.asarray(values)
    return 1 + max(_bits(np.maximum(array, 0)), _bits(np.minimum(array + 1, 0)))
