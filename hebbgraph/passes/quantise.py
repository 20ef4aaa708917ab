"""quantise: from the float domain to the fixed domain of a chip, dynamics preserved."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.processes import LIF, Dense, Input, Process

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: A current of 1 at a unit's port is 64 in the registers u and v (Loihi shifts by 6).
REGISTER = 64


@dataclass(frozen=True)
class Numerics:
    """Widths of the integers a chip offers; the defaults are Loihi's.

    Davies et al., IEEE Micro 38(1) 2018, doi:10.1109/MM.2018.112130359; lava-nc 0.10.0.
    """

    #: Bits of a mixed-sign weight, sign included (its lowest bit is lost).
    weight_bits: int = 9
    #: Bits of the bias mantissa, sign included.
    bias_mantissa_bits: int = 13
    #: Largest power of two on a bias.
    max_bias_exponent: int = 7
    #: Bits of the threshold mantissa, unsigned.
    threshold_mantissa_bits: int = 17


def quantise(graph: Graph, hardware: Hardware | str | None = None) -> Graph:
    """Return `graph` in the fixed domain, with everything that was approximated in its notes.

    Each group of populations that share synapses gets one scale g (fixed current per float
    current): weights, bias, threshold and the gain of graded inputs are multiplied by it, so the
    same units spike. g is the smallest power of two that makes all of them exact integers within
    the chip's widths; where there is none, the largest g that fits, and values are rounded
    (weights to even numbers where signs are mixed). Decays become 12-bit integers.

    `hardware` is a config with numerics, or its name; Loihi's numerics without one. Raises
    `Invalid` if a threshold is negative (the chip's is unsigned) or a value cannot be scaled.
    """
    if graph.domain == "fixed":
        return graph
    flat = graph.flat()
    numerics = _numerics(hardware)
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
    notes: list[str] = list(graph.notes)
    processes: dict[str, Process] = {}
    for group in _groups(flat):
        scale = _scale(flat, group, numerics)
        for path in group:
            processes[path] = _quantised(flat, path, scale, numerics, notes)
    for path in flat.flat_processes:
        if path not in processes:
            processes[path] = _quantised(flat, path, 1.0, numerics, notes)
    ordered = {path: processes[path] for path in flat.flat_processes}
    fixed = replace(flat, processes=ordered, domain="fixed", notes=())
    for path in flat.of_kind(LIF):
        notes += _residue_notes(flat, fixed, path) + _wrap_notes(flat, fixed, path)
    return replace(fixed, notes=tuple(notes))


def _numerics(hardware: Hardware | str | None) -> Numerics:
    if hardware is None:
        return Numerics()
    from hebbgraph.hardware import load  # pydantic is imported on use

    config = load(hardware) if isinstance(hardware, str) else hardware
    widest = Numerics()
    too_wide = (
        []
        if config.numerics is None
        else [
            Fault(
                f"{config.name}.numerics.{name}",
                str(getattr(config.numerics, name)),
                f"must be in [2, {most}], what the fixed domain computes with",
            )
            for name, most in (
                ("weight_bits", widest.weight_bits),
                ("bias_mantissa_bits", widest.bias_mantissa_bits),
                ("max_bias_exponent", widest.max_bias_exponent),
                ("threshold_mantissa_bits", widest.threshold_mantissa_bits),
            )
            if not 2 <= getattr(config.numerics, name) <= most
        ]
    )
    if too_wide:
        raise Invalid("quantise", too_wide)
    if config.numerics is None:
        need = "must be a config with a numerics section, such as loihi1_davies2018"
        raise Invalid("quantise", [Fault("hardware", config.name, need)])
    return Numerics(
        weight_bits=config.numerics.weight_bits,
        bias_mantissa_bits=config.numerics.bias_mantissa_bits,
        max_bias_exponent=config.numerics.max_bias_exponent,
        threshold_mantissa_bits=config.numerics.threshold_mantissa_bits,
    )


def _groups(graph: Graph) -> list[set[str]]:
    """Return sets of processes that must share a scale: populations and what feeds their port a."""
    groups: list[set[str]] = []
    for connection in graph.flat_connections:
        source, target = (end.rpartition(".")[0] for end in (connection.source, connection.target))
        if not isinstance(graph.flat_processes[target], LIF):
            continue
        members = {target} if _spikes(graph, source) else {source, target}
        touching = [group for group in groups if group & members]
        groups = [group for group in groups if group not in touching]
        groups.append(members.union(*touching))
    return groups


def _spikes(graph: Graph, path: str) -> bool:
    """Return whether `path` sends spikes: they are 0 or 1 in either domain, so have no scale."""
    return all(port.signal == "spike" for port in graph.flat_processes[path].outputs.values())


def _scale(graph: Graph, group: Iterable[str], numerics: Numerics) -> float:
    members = [graph.flat_processes[path] for path in sorted(group)]
    arriving = [c for path in group for c in graph.sources(f"{path}.a")]
    if any(_spikes(graph, c.source.rpartition(".")[0]) for c in arriving):
        return 1.0  # a spike on a wire is a current of 1, whatever the scale
    largest = min(_largest_scale(member, numerics) for member in members)
    if not math.isfinite(largest):
        return 1.0
    powers = [2.0**power for power in range(-8, 24) if 2.0**power <= largest]
    exact = [power for power in powers if all(_is_exact(m, power, numerics) for m in members)]
    # Units that forget at once gain nothing from a finer scale; leaky ones truncate less.
    leaky = any(isinstance(m, LIF) and _is_leaky(m) for m in members)
    return exact[-1 if leaky else 0] if exact else largest


def _is_leaky(process: LIF) -> bool:
    return bool((process.decay_u < 1).any() or (process.decay_v < 1).any())


def _largest_scale(process: Process, numerics: Numerics) -> float:
    """Return the largest scale at which every parameter of `process` fits."""
    limits = [math.inf]
    if isinstance(process, Dense):
        limits.append(_weight_limit(process.weights, numerics) / _magnitude(process.weights))
    elif isinstance(process, LIF):
        mantissa = 2 ** (numerics.bias_mantissa_bits - 1) - 1
        bias = mantissa * 2**numerics.max_bias_exponent / REGISTER
        limits.append(bias / _magnitude(process.bias))
        limits.append((2**numerics.threshold_mantissa_bits - 1) / _magnitude(process.threshold))
    elif isinstance(process, Input):
        limits.append((2**17 - 1) / _magnitude(process.gain))  # 64 times it fits in 24 bits
    return min(limits)


def _is_exact(process: Process, scale: float, numerics: Numerics) -> bool:
    if isinstance(process, Dense):
        weights = process.weights * scale
        grain = 2 if _is_mixed(weights) else 1
        return bool((weights == grain * np.rint(weights / grain)).all())
    if isinstance(process, LIF):
        bias = process.bias * scale * REGISTER
        threshold = process.threshold * scale
        grain = 2 ** _bias_exponent(bias, numerics)
        whole = (threshold == np.rint(threshold)).all()
        return bool(whole and (bias == grain * np.rint(bias / grain)).all())
    if isinstance(process, Input):
        gain = process.gain * scale
        return bool((gain == np.rint(gain)).all())
    return True


def _quantised(
    graph: Graph, path: str, scale: float, numerics: Numerics, notes: list[str]
) -> Process:
    process = graph.flat_processes[path]
    if isinstance(process, Dense):
        wanted = process.weights * scale
        grain = 2 if _is_mixed(wanted) else 1
        limit = _weight_limit(wanted, numerics)
        weights = np.clip(grain * np.rint(wanted / grain), -limit, limit)
        _note_rounding(notes, f"{path}.weights", wanted, weights, scale)
        return Dense(weights.astype(np.int64))
    if isinstance(process, Input):
        return Input(process.size, process.gain * scale, process.signal)
    if isinstance(process, LIF):
        return _quantised_lif(path, process, scale, numerics, notes)
    need = "has no form in the fixed domain"
    raise Invalid("quantise", [Fault(path, type(process).__name__, need)])


def _quantised_lif(
    path: str, process: LIF, scale: float, numerics: Numerics, notes: list[str]
) -> LIF:
    # The chip's factor on u is (4095 - decay_u) / 4096, on v it is (4096 - decay_v) / 4096.
    decay_u = np.clip(np.rint(4096 * process.decay_u) - 1, 0, 4095)
    decay_v = np.clip(np.rint(4096 * process.decay_v), 0, 4095)
    _note_rounding(notes, f"{path}.decay_u", process.decay_u, (decay_u + 1) / 4096)
    # A decay_v of 1 becomes 4095; what that leaves behind is judged in `_residue_notes`.
    held = np.where(process.decay_v == 1, 1, decay_v / 4096)
    _note_rounding(notes, f"{path}.decay_v", process.decay_v, held)
    wanted = process.bias * scale * REGISTER
    exponent = _bias_exponent(wanted, numerics)
    limit = 2 ** (numerics.bias_mantissa_bits - 1) - 1
    bias = np.clip(np.rint(wanted / 2**exponent), -limit, limit)
    _note_rounding(notes, f"{path}.bias", wanted, bias * 2**exponent, scale * REGISTER)
    threshold = process.threshold * scale
    _note_rounding(notes, f"{path}.threshold", threshold, np.rint(threshold), scale)
    return LIF(process.size, decay_u, decay_v, bias, np.rint(threshold), exponent)


def _bias_exponent(bias: NDArray[Any], numerics: Numerics) -> int:
    """Return the smallest power of two with which the largest bias fits its mantissa."""
    largest = np.abs(np.rint(bias)).max() / (2 ** (numerics.bias_mantissa_bits - 1) - 1)
    return max(0, min(numerics.max_bias_exponent, math.ceil(math.log2(max(largest, 1)))))


def _residue_notes(graph: Graph, fixed: Graph, path: str) -> list[str]:
    """Judge the v / 4096 that a decay_v of 4095 leaves behind where the float unit forgets v.

    Without it, v - 64 threshold lies on a lattice of 64 gcd(weights, gains). A residue below the
    distance from 0 to the nearest points of that lattice, on either side, decides nothing.
    """
    was, now = graph.flat_processes[path], fixed.flat_processes[path]
    assert isinstance(was, LIF)
    assert isinstance(now, LIF)
    forgetful = (was.decay_v == 1) & (was.decay_u == 1)
    if not (was.decay_v == 1).any():
        return []
    grain, low, high = _drive(fixed, path, now.size)
    bias = now.bias << now.bias_exponent
    threshold = now.threshold << 6
    offset = bias - threshold
    lattice = np.maximum(REGISTER * grain, 1)
    above = np.where(grain > 0, (offset - 1) % lattice + 1, np.abs(offset))
    below = np.where(grain > 0, -offset % lattice, np.abs(offset))
    # The voltage itself contains the residue before it, hence 4095 and not 4096.
    falls = np.maximum(0, -(REGISTER * low + bias)) // 4095
    lifts = np.maximum(0, np.minimum(threshold, REGISTER * high + bias)) // 4095
    safe = forgetful & (falls < above) & (lifts <= below)
    unsafe = int(np.count_nonzero(~safe & (was.decay_v == 1)))
    if not unsafe:
        return []
    note = (
        f"{path}.decay_v: 1 became 4095/4096; the v/4096 it leaves behind may decide a spike in "
        f"{unsafe} of {now.size} units (worst case)"
    )
    return [note]


def _wrap_notes(graph: Graph, fixed: Graph, path: str) -> list[str]:
    """Say where all synapses at once could push u past 24 bits, where it wraps around."""
    process = graph.flat_processes[path]
    assert isinstance(process, LIF)
    _, low, high = _drive(fixed, path, process.size)
    held = 1 / np.maximum(process.decay_u, 1 / 4096)
    wraps = REGISTER * np.maximum(high, -low) * held > 2**23
    if not wraps.any():
        return []
    note = (
        f"{path}.u: may exceed 24 bits and wrap in {np.count_nonzero(wraps)} of {process.size} "
        "units (worst case, all synapses of one sign at once)"
    )
    return [note]


def _drive(
    fixed: Graph, path: str, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return per unit the grain of the arriving current and its bounds, for inputs within +-1."""
    grain, low, high = (np.zeros(size, dtype=np.int64) for _ in range(3))
    for connection in fixed.sources(f"{path}.a"):
        process = fixed.flat_processes[connection.source.rpartition(".")[0]]
        if isinstance(process, Dense):
            rows = process.weights
            grain = np.gcd(grain, np.gcd.reduce(rows, axis=1))
            low += np.minimum(rows, 0).sum(axis=1)
            high += np.maximum(rows, 0).sum(axis=1)
        elif isinstance(process, Input) and process.signal == "graded":
            gain = np.rint(np.abs(process.gain)).astype(np.int64)
            grain, low, high = np.gcd(grain, gain), low - gain, high + gain
        else:
            grain, high = np.gcd(grain, 1), high + 1
    return grain, low, high


def _note_rounding(
    notes: list[str], where: str, wanted: Any, got: NDArray[Any], scale: float = 1.0
) -> None:
    error = np.abs(np.asarray(wanted) - got)
    if error.max() > 0:
        count = int(np.count_nonzero(error))
        notes.append(
            f"{where}: {count} of {error.size} values rounded, by up to {error.max() / scale:.2g}"
        )


def _is_mixed(weights: NDArray[Any]) -> bool:
    return bool(weights.min() < 0 < weights.max())


def _weight_limit(weights: NDArray[Any], numerics: Numerics) -> int:
    """Return the largest magnitude: 255 for one sign, 254 for mixed signs (9 bits)."""
    limit: int = 2 ** (numerics.weight_bits - 1) - 1
    return limit - 1 if _is_mixed(np.asarray(weights)) else limit


def _magnitude(values: Any) -> float:
    """Return the largest magnitude; tiny instead of 0, which no scale can make too large."""
    return max(float(np.abs(np.asarray(values)).max()), 1e-300)
