"""plastic: a rule in the fixed domain: integer coefficients, a shift, accumulators."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hebbgraph.graph import Graph
from hebbgraph.rules import Rule, Trace
from hebbgraph.rules.rule import LARGEST, LARGEST_WITH_MOMENTUM, POST, PRE, WEIGHT
from hebbgraph.rules.terms import Term, as_text

if TYPE_CHECKING:
    from hebbgraph.passes.quantise.forms import Context
    from hebbgraph.passes.quantise.scales import Scales

#: Bits that accumulators get below the weight's, where changes are no whole numbers.
FRACTION = 8
#: A coefficient is rounded to at least this many units, so by less than 0.4 %.
LEAST_MANTISSA = 128
#: Widths of signals that are tried, and the error of a coefficient at which a width will do.
WIDTHS = (16, 14, 12, 10, 9, 8, 7)
TOLERABLE = 1 / LEAST_MANTISSA
#: A trace has at most this scale: 8 bits below one spike.
FINEST_TRACE = 256.0


def fixed_rule(context: Context, path: str, rule: Rule, scale: float) -> tuple[Rule, list[str]]:
    """Return `rule` for weights of `scale` units, and what was approximated.

    Where every coefficient becomes a whole number as it is, nothing is approximated; else the
    weights get accumulators of `FRACTION` more bits, and coefficients a common shift. Signals and
    traces get as many bits as sums of products leave room for.
    """
    units = signal_scales(context.graph, context.scales, path, rule)
    needed = _bits_needed(context, path, rule, units)
    tried = []
    for bits in (b for b in WIDTHS if b <= rule.signal_bits):
        notes: list[str] = []
        found, error = _with_bits(context, path, rule, scale, max(bits, needed), notes)
        if error <= TOLERABLE:
            return found, notes
        tried.append((error, bits, found, notes))
    _, _, found, notes = min(tried, key=lambda entry: entry[:2])
    return found, notes


def _with_bits(
    context: Context, path: str, rule: Rule, scale: float, bits: int, notes: list[str]
) -> tuple[Rule, float]:
    """Return the rule with signals of `bits`, and the relative error of its worst coefficient."""
    rule = replace(rule, signal_bits=bits)
    units = signal_scales(context.graph, context.scales, path, rule)
    traces = {}
    for name, trace in rule.traces.items():
        of = math.prod(units[symbol] ** power for symbol, power in rule.products[name].powers)
        traces[name], units[name] = _fixed_trace(path, rule, name, trace, of, notes)
    bound = context.numerics.largest_weight
    low, high = (float(np.clip(b * scale, -bound, bound)) for b in (rule.low, rule.high))
    low, high = math.ceil(low), math.floor(high)
    if not (np.isfinite(rule.low) and np.isfinite(rule.high)):
        text = f"{path}.rule: weights are bounded to {low / scale:.3g} .. {high / scale:.3g}"
        notes.append(f"{text}, what the chip holds")
    momentum = round(4096 * rule.momentum)
    if momentum != 4096 * rule.momentum:
        notes.append(f"{path}.rule.momentum: {rule.momentum:g} became {momentum}/4096")
    plain = replace(rule, dw="0", constants={}, traces=traces, low=low, high=high)
    fixed = replace(plain, momentum=min(momentum, 4095), fraction=0, shift=0)
    wanted = coefficients(rule, units, scale)
    if all(w == round(w) for w in wanted) and not rule.momentum:
        exact = replace(fixed, dw=_text(rule, wanted))
        if exact.largest_sum() <= LARGEST:
            return exact, 0.0
    return _with_shift(path, fixed, rule, units, scale, notes)


def signal_scales(graph: Graph, scales: Scales, path: str, rule: Rule) -> dict[str, float]:
    """Return the scale of every signal that arrives at the synapses at `path`."""
    ports = {PRE: "s", **{name: name for name in rule.ports}}
    found = {}
    for name, port in ports.items():
        sources = graph.sources(f"{path}.{port}")
        found[name] = scales.scale(sources[0].source) if sources else 1.0
    return {POST: 1.0, **found}


def _bits_needed(context: Context, path: str, rule: Rule, units: Mapping[str, float]) -> int:
    """Return the bits of the largest signal that arrives, no more than the rule's."""
    ports = {PRE: "s", **{name: name for name in rule.ports}}
    largest = max(
        context.bounds.arriving(f"{path}.{port}") * units[name] for name, port in ports.items()
    )
    if not np.isfinite(largest):
        return rule.signal_bits
    return int(np.clip(math.ceil(math.log2(max(largest, 1) + 1)) + 1, 2, rule.signal_bits))


def _fixed_trace(
    path: str, rule: Rule, name: str, trace: Trace, of: float, notes: list[str]
) -> tuple[Trace, float]:
    """Return a trace of integers, and its scale: as fine as its bits allow."""
    decay = round(4096 * trace.decay)
    if decay != 4096 * trace.decay:
        notes.append(f"{path}.rule.traces[{name!r}].decay: {trace.decay:g} became {decay}/4096")
    largest = (2.0 ** (rule.signal_bits - 1) - 1) * max(trace.decay, 1 / 64)
    room = largest / max(abs(trace.impulse) * of, 1e-300)
    finer = 2.0 ** math.floor(math.log2(max(min(room, FINEST_TRACE), 2.0**-20)))
    impulse = round(trace.impulse * finer)
    if impulse != trace.impulse * finer:
        kept = impulse / finer
        text = f"{path}.rule.traces[{name!r}].impulse: {trace.impulse:g} became {kept:g}"
        notes.append(text)
    return Trace(trace.of, decay, impulse), of * finer


def coefficients(rule: Rule, units: Mapping[str, float], weight: float) -> list[float]:
    """Return the coefficients for accumulators of `weight` units."""
    found = []
    for term in rule.terms:
        size = term.coefficient * weight
        for symbol, power in term.powers:
            size /= (weight if symbol == WEIGHT else units[symbol]) ** power
        found.append(size)
    return found


def _with_shift(
    path: str, fixed: Rule, rule: Rule, units: dict[str, float], scale: float, notes: list[str]
) -> tuple[Rule, float]:
    """Return `fixed` as fine as its sums allow, and the error; infinite if they do not fit."""
    wanted = coefficients(rule, units, scale * 2**FRACTION)
    smallest = min((abs(w) for w in wanted), default=1.0)
    shift = max(0, math.ceil(math.log2(LEAST_MANTISSA / smallest)))
    most = LARGEST_WITH_MOMENTUM if fixed.momentum else LARGEST
    for power in range(min(shift, 40), -1, -1):
        rounded = [round(w * 2.0**power) for w in wanted]
        found = replace(fixed, dw=_text(rule, rounded), shift=power, fraction=FRACTION)
        if found.largest_sum() <= most:
            break
    pairs = zip(rounded, wanted, strict=True)
    error = max((abs(r / 2.0**power - w) / abs(w) for r, w in pairs), default=0.0)
    if error > 0:
        notes.append(f"{path}.rule.dw: coefficients rounded, by up to {100 * error:.2g} %")
    text = f"{path}.rule: changes are rounded ({rule.rounding}) to {2.0**-FRACTION / scale:.2g}"
    notes.append(f"{text}, held by accumulators with {FRACTION} bits below the weight's")
    return found, error if found.largest_sum() <= most else math.inf


def _text(rule: Rule, coefficients: Sequence[float]) -> str:
    terms = zip(rule.terms, coefficients, strict=True)
    return as_text(tuple(Term(term.powers, float(c)) for term, c in terms))
