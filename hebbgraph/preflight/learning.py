"""learning: how much of a rule a chip's learning engine can do.

The engine of Loihi changes a weight at the end of an epoch by a sum of products
``m 2**e d f_1 f_2 ...`` (Davies et al., IEEE Micro 38(1) 2018; lava-nc 0.10.0), with m a mantissa
of a few bits, d a dependency (a presynaptic spike x0, a postsynaptic one y0, or the epoch itself)
and factors f of two presynaptic traces, three postsynaptic ones, the weight, and third factors
where the chip has them. Traces are narrow, unsigned, and are rounded at random as they decay.

A signal of the rule that is a spike is d, or else a trace that forgets at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hebbgraph.graph import Graph
from hebbgraph.preflight.finding import Finding, Verdict
from hebbgraph.processes import Transpose
from hebbgraph.rules.rule import POST, PRE, WEIGHT, Rule
from hebbgraph.rules.terms import Term

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware, LearningEngine

#: As it is; with less precision; with a host that takes part; not at all. From best to worst.
Class = Literal["exact", "quantised", "host-assisted", "impossible"]
CLASSES: tuple[Class, ...] = ("exact", "quantised", "host-assisted", "impossible")
TO_VERDICT: dict[Class, Verdict] = {
    "exact": "ok",
    "quantised": "note",
    "host-assisted": "warning",
    "impossible": "fault",
}
REMEDY: dict[Class, str] = {
    "exact": "",
    "quantised": "",
    "host-assisted": "a host reads spikes and writes weights at the end of each epoch",
    "impossible": "learn elsewhere and load the weights, or choose another machine",
}


@dataclass(frozen=True)
class Reason:
    """One thing that keeps a rule from being exact."""

    level: Class
    text: str


def learning_findings(graph: Graph, hardware: Hardware, steps: int) -> list[Finding]:
    """Return the class of every plastic process, with all reasons, and of what shares weights.

    `steps` is the length of an episode, 0 if it is not known.
    """
    found: list[Finding] = []
    for path, dense in graph.plastic.items():
        assert dense.rule is not None
        found_here = reasons_of(graph, path, dense.rule, hardware, steps)
        reasons = sorted(found_here, key=lambda r: -CLASSES.index(r.level))
        level: Class = reasons[0].level if reasons else "exact"
        text = "; ".join(r.text for r in reasons) or f"dw = {dense.rule.dw}"
        verdict, remedy = TO_VERDICT[level], REMEDY[level]
        found.append(Finding(path, "learning", "learning rule", verdict, level, None, text, remedy))
    for path, process in graph.of_kind(Transpose).items():
        if process.of in graph.plastic:
            text = (
                f"holds a second copy of {process.of}: two copies that round at random drift apart"
            )
            remedy = "let a host copy the weights after each epoch"
            found.append(
                Finding(path, "learning", "copy", "warning", "host-assisted", None, text, remedy)
            )
    return found


def reasons_of(
    graph: Graph, path: str, rule: Rule, hardware: Hardware, steps: int = 0
) -> Iterator[Reason]:
    """Yield every reason why the synapses at `path` cannot learn by `rule` exactly."""
    engine = hardware.learning
    if engine is None:
        why = hardware.absent.get("learning", "its config describes no learning engine")
        yield Reason("impossible", f"{hardware.name} cannot change weights: {why}")
        return
    yield from _signal_reasons(graph, path, rule, hardware, engine)
    yield from _factor_reasons(graph, path, rule, engine)
    yield from _slot_reasons(rule, engine)
    yield from _trace_reasons(rule, engine, graph.domain == "fixed")
    yield from _coefficient_reasons(rule, engine)
    yield from _weight_reasons(rule, engine, graph.domain == "fixed")
    yield from _epoch_reasons(rule, engine, steps)


def _used(rule: Rule) -> set[str]:
    """Return the signals that the rule or one of its traces reads."""
    read = {symbol for term in rule.terms for symbol, _ in term.powers}
    traced = {rule.products[name] for name in rule.traces if name in read}
    return read | {symbol for term in traced for symbol, _ in term.powers}


def _signal_reasons(
    graph: Graph, path: str, rule: Rule, hardware: Hardware, engine: LearningEngine
) -> Iterator[Reason]:
    """Judge whether ``pre`` and ``post`` are the spikes that the chip's traces follow."""
    used = _used(rule)
    payload = (hardware.limits.spike_payload_bits if hardware.limits else None) or 0
    for symbol, port in ((PRE, "s"), (POST, "post")):
        if symbol not in used:
            continue
        signals = {graph.port(c.source).signal for c in graph.sources(f"{path}.{port}")}
        if "ternary" in signals or ("graded" in signals and not payload):
            kind = "have signs" if "ternary" in signals else "are graded"
            yield Reason("host-assisted", f"{symbol} values {kind}, traces count spikes")
        elif "graded" in signals:
            yield Reason("quantised", f"{symbol} values become {engine.trace_bits} unsigned bits")
    if POST not in used:
        return
    ends = {
        c.target.rpartition(".")[0]
        for c in graph.flat_connections
        if c.source == f"{path}.a" and not graph.port(c.target).learning
    }
    for connection in graph.sources(f"{path}.post"):
        source = connection.source.rpartition(".")[0]
        if source not in ends:
            own = ", ".join(sorted(ends)) or "nobody"
            yield Reason(
                "host-assisted",
                f"post is {connection.source}, traces follow the spikes of {own}, where it ends",
            )
        elif connection.delay:
            late = f"post arrives {connection.delay} steps late, traces follow spikes at once"
            yield Reason("host-assisted", late)


def _factor_reasons(
    graph: Graph, path: str, rule: Rule, engine: LearningEngine
) -> Iterator[Reason]:
    """Judge third factors and the gate."""
    used = _used(rule)
    sides = {name: side for name, side in rule.factors.items() if name in used}
    gated = bool(graph.sources(f"{path}.gate"))
    if gated:
        sides["gate"] = "all"
    for name, side in sides.items():
        if side not in engine.third_factors:
            lacking = {
                "pre": "presynaptic traces follow the spikes that its synapse transmits, no other",
                "post": "the chip has no third factor per postsynaptic unit",
                "all": "the chip has no third factor for all synapses",
            }[side]
            yield Reason("host-assisted", f"factor {name} ({side}): {lacking}")
        elif name != "gate":
            yield Reason("quantised", f"factor {name} becomes a trace of {engine.trace_bits} bits")
    shared = [name for name, side in sides.items() if side == "all"]
    if len(shared) > 1 and "all" in engine.third_factors:
        names = " and ".join(shared)
        yield Reason("host-assisted", f"{names}: the chip has one factor for all synapses")


def _slot_reasons(rule: Rule, engine: LearningEngine) -> Iterator[Reason]:
    """Count the traces that the terms need on either side, spikes beyond d among them."""
    needed: dict[str, set[str]] = {"pre": set(), "post": set()}
    for term in rule.terms:
        symbols = {symbol for symbol, _ in term.powers} - {WEIGHT}
        # One spike of the term can be d: the one on the side with fewer traces.
        spikes = [symbol for symbol in (PRE, POST) if symbol in symbols]
        for symbol in symbols - set(spikes[:1] if rule.epoch == 1 else ()):
            if rule.sides[symbol] in needed:
                needed[rule.sides[symbol]].add(symbol)
    for side, available in (("pre", engine.traces_pre), ("post", engine.traces_post)):
        names = sorted(needed[side])
        if len(names) > available:
            listed = ", ".join(names)
            text = f"{len(names)} {side}synaptic traces ({listed}) of {available} on the chip"
            yield Reason("host-assisted", text)


def _trace_reasons(rule: Rule, engine: LearningEngine, fixed: bool) -> Iterator[Reason]:
    """Judge how wide each trace is, whether it has a sign, and how it decays."""
    used = {symbol for term in rule.terms for symbol, _ in term.powers}
    for name, trace in rule.traces.items():
        if name not in used:
            continue
        share = trace.decay / 4096 if fixed else trace.decay
        if 0 < share < 1:
            yield Reason("quantised", f"trace {name} is rounded at random as it decays")
        coefficient = trace.impulse * rule.products[name].coefficient
        if coefficient < 0:
            text = f"trace {name} goes below 0, the chip's is unsigned"
            yield Reason("quantised", f"{text}: its sign moves into the coefficients")
        if not fixed:
            continue
        largest = math.inf if share == 0 else abs(coefficient) / share
        largest = min(largest, 2.0 ** (rule.signal_bits - 1) - 1)
        bits = int(largest).bit_length()
        if bits > engine.trace_bits:
            lost = bits - engine.trace_bits
            text = f"trace {name} needs {bits} bits of {engine.trace_bits}, the lowest {lost} go"
            yield Reason("quantised", text)


def _coefficient_reasons(rule: Rule, engine: LearningEngine) -> Iterator[Reason]:
    """Judge the coefficients as mantissa times power of two."""
    places: list[int] = []
    for term in rule.terms:
        value = abs(term.coefficient)
        mantissa, exponent = math.frexp(value)
        steps = 2.0 ** (engine.mantissa_bits - 1)  # the sign takes one bit
        error = abs(round(mantissa * steps) / steps - mantissa) / mantissa
        places.append(exponent)
        if error:
            text = f"{_shown(term)} has more than {engine.mantissa_bits} mantissa bits"
            yield Reason("quantised", f"coefficient of {text}, rounded by {100 * error:.2g} %")
    span = engine.max_exponent - engine.min_exponent
    if places and max(places) - min(places) > span:
        wide = f"coefficients are 2**{max(places) - min(places)} apart, exponents span {span}"
        yield Reason("quantised", wide)


def _shown(term: Term) -> str:
    names = [name if power == 1 else f"{name}**{power}" for name, power in term.powers]
    return "*".join([f"{term.coefficient:.6g}", *names])


def _weight_reasons(rule: Rule, engine: LearningEngine, fixed: bool) -> Iterator[Reason]:
    """Judge momentum, the accumulator, rounding and the bounds."""
    if rule.momentum:
        text = "momentum needs a second wide number per synapse"
        yield Reason("host-assisted", f"{text}, the chip's tag has {engine.tag_bits} bits")
    if not fixed:
        return
    if rule.fraction:
        wide = engine.weight_bits + rule.fraction
        text = f"accumulators have {wide} bits, weights {engine.weight_bits}"
        lost = f"the lowest {rule.fraction} survive only as the odds of random rounding"
        yield Reason("quantised", f"{text}: {lost}")
    if rule.shift and rule.rounding not in ("shared", "stochastic"):
        text = f"rounding is {rule.rounding}, the chip's is random with the same mean"
        yield Reason("quantised", text)
    elif rule.shift:
        yield Reason("quantised", "the chip rounds with random numbers of its own")
    top = 2 ** (engine.weight_bits - 1)
    low, high = int(rule.low), int(rule.high)
    whole = (low, high) in ((-top, top - 1), (-top, top - 2), (1 - top, top - 1), (1 - top, 0))
    # What some number of bits can hold, in steps of the smallest change.
    grain = math.gcd(*(int(term.coefficient) for term in rule.terms)) if not rule.shift else 1
    most = high // max(grain, 1)
    narrow = low == 0 and high == most * grain and most & (most + 1) == 0
    if not whole and not narrow:
        text = f"weights stop at {low} and {high}, the chip's at what their bits hold"
        yield Reason("quantised", text)


def _epoch_reasons(rule: Rule, engine: LearningEngine, steps: int) -> Iterator[Reason]:
    """Judge when weights change."""
    if rule.epoch == "episode" and not steps:
        text = "weights change once an episode"
        yield Reason("host-assisted", f"{text}: something has to tell the chip where it ends")
        return
    epoch = steps if rule.epoch == "episode" else int(rule.epoch)
    if epoch < engine.min_epoch:
        text = f"epoch of {epoch} step, {engine.min_epoch} on the chip"
        yield Reason("quantised", f"{text}: of a unit's spikes in an epoch the first counts")
    while epoch > engine.max_epoch and epoch % 2 == 0:
        epoch //= 2  # the engine can skip all but every 2**k-th epoch
    if epoch > engine.max_epoch:
        yield Reason("quantised", f"epoch of {epoch} steps, at most {engine.max_epoch} on the chip")
