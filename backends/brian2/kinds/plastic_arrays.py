"""Synapses that learn, on arrays: one `Learner` beside the network."""

from __future__ import annotations

import dataclasses

import numpy as np

from hebbgraph.backends.brian2.context import Arrival, Context
from hebbgraph.backends.brian2.kernels.learning import PlasticRule
from hebbgraph.backends.brian2.kinds.signals import signals_of
from hebbgraph.backends.brian2.plan import Operation, Plasticity, Slot
from hebbgraph.rules import Rule
from hebbgraph.rules.terms import Term

LEARN = """\
turn, step = divmod(int(timestep[0]), STEPS)
{learner}.advance({arguments})"""

LEARNER = """\
# dw = {dw}
{name}_learner = Learner(
    {rule},
    COPIES,
    arrays["{path}.accumulator"],
    arrays["{path}.momentum"],
)"""


def learner(ctx: Context, path: str) -> None:
    """Add the object that holds the weights, and the operation that lets it learn."""
    process, name = ctx.process(path), ctx.name[path]
    rule = process.rule
    ctx.array(f"{path}.accumulator", (process.weights * 2**rule.fraction).astype(ctx.dtype))
    ctx.array(f"{path}.momentum", np.zeros(process.weights.shape, ctx.dtype))
    gate = ctx.reads(f"{path}.gate")
    arrivals: dict[str, Arrival] = {}
    for signal in sorted(signals_of(rule) & {"post", *rule.factors}):
        port = f"{path}.{signal}"
        zeros = Arrival(f"np.zeros((COPIES, {ctx.graph.port(port).size}))")
        arrivals[signal] = ctx.reads(port) or zeros
    read = ", ".join(f"{signal!r}: {arrival.text}" for signal, arrival in arrivals.items())
    arguments = ["step", "STEPS", "FIRST_EPISODE + turn * COPIES", f"{{{read}}}"]
    arguments += [gate.text] if gate else []
    dw = " ".join(rule.dw.rpartition("=")[2].split())
    dw += "".join(f", {name} = {value:g}" for name, value in rule.constants.items())
    numbers = as_text(plastic_rule(ctx, path)).replace("\n", "\n    ")
    ctx.parts.operations.append(
        Operation(
            path,
            f"{name}_learn",
            Slot("before_end"),
            LEARN.format(learner=f"{name}_learner", arguments=", ".join(arguments)),
            views={n: k for a in (gate, *arrivals.values()) for n, k in a.views.items()},
            prelude=LEARNER.format(name=name, dw=dw, rule=numbers, path=path),
        )
    )
    probed = any(probe.target == f"{path}.weights" for probe in ctx.graph.state_probes)
    if probed:
        recorded = f"{name}_recorded"
        append = f"{recorded}.append({name}_learner.weights.ravel().copy())"
        ctx.parts.operations.append(
            Operation(path, f"{name}_record", Slot("end"), append, prelude=f"{recorded} = []")
        )
    ctx.parts.plastic[path] = Plasticity(path, rule, process.weights.shape, name, probed=probed)


def plastic_rule(ctx: Context, path: str) -> PlasticRule:
    """Return the rule of the synapses at `path` as numbers."""
    rule: Rule = ctx.process(path).rule
    scale = 2**rule.fraction
    return PlasticRule(
        path=path,
        fixed=ctx.fixed,
        terms=tuple(_term(rule, term) for term in rule.terms),
        traces=tuple(
            (
                name,
                rule.traces[name].impulse * rule.products[name].coefficient,
                rule.products[name].powers,
                rule.traces[name].decay,
            )
            for name in rule.traces
            if name in signals_of(rule)
        ),
        low=float(rule.low * scale),
        high=float(rule.high * scale),
        epoch=0 if rule.epoch == "episode" else int(rule.epoch),
        momentum=rule.momentum,
        rounding=rule.rounding,
        shift=rule.shift,
        fraction=rule.fraction,
        signal_bits=rule.signal_bits,
        seed=int(rule.seed),
        self_connections=rule.self_connections,
        largest=float(rule.largest_sum()) if ctx.fixed else 0.0,
    )


def as_text(rule: PlasticRule) -> str:
    """Return the call that makes `rule`, a line per field."""
    fields = (
        f"    {field.name}={getattr(rule, field.name)!r}," for field in dataclasses.fields(rule)
    )
    return "\n".join(["PlasticRule(", *fields, ")"])


def _term(
    rule: Rule, term: Term
) -> tuple[float, int, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    powers = dict(term.powers)
    weight = powers.pop("w", 0)
    pre = tuple((name, power) for name, power in powers.items() if rule.sides[name] == "pre")
    post = tuple((name, power) for name, power in powers.items() if rule.sides[name] != "pre")
    return term.coefficient, weight, post, pre
