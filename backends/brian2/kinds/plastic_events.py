"""Synapses that learn, as Synapses of Brian2.

What arrives is gathered at the start of a step by a population on the presynaptic side, whose
events deliver it at once. A Transpose of the synapses is the same object used backwards: events of
the postsynaptic side. At the end of the step both sides read the signals of the rule and advance
their traces; where an epoch ends with an open gate the postsynaptic side has the event ``learn``,
at which the weights change: they act from the next step.
"""

from __future__ import annotations

import numpy as np

from hebbgraph.backends.brian2.context import Context
from hebbgraph.backends.brian2.kinds.events import current
from hebbgraph.backends.brian2.kinds.signals import Signals, as_sum
from hebbgraph.backends.brian2.kinds.units import outlet
from hebbgraph.backends.brian2.plan import (
    Code,
    Event,
    Link,
    Operation,
    Pathway,
    Plasticity,
    Population,
    Projection,
    Slot,
)
from hebbgraph.processes import Transpose
from hebbgraph.rules import Rule

#: When what arrives is gathered, noticed and delivered; when signals are read, it is decided
#: whether to learn, random numbers are drawn, and weights change.
GATHER, NOTICE, DELIVER = (Slot("after_start", order) for order in range(3))
READ, DECIDE, DRAW, LEARN = (Slot("before_end", order) for order in range(4))

DRAWN = """\
turn, step = divmod(int(timestep[0]), STEPS)
if {due}.any():
    {target}[:] = drawn_bits({seed}, {path!r}, FIRST_EPISODE + turn, step, {count}, {bits})"""


def plastic(ctx: Context, path: str) -> None:
    """Add both sides of the synapses, and the synapses with their weights."""
    process, name, rule = ctx.process(path), ctx.name[path], ctx.process(path).rule
    ties = [p for p, t in ctx.graph.of_kind(Transpose).items() if t.of == path]
    axons = ctx.names.take(f"{name}_axons")
    weights = ctx.names.take(f"{name}_weights", *(f"_{ctx.name[tie]}_arrives" for tie in ties))
    signals = Signals(ctx, path)
    ctx.parts.populations += [
        _presynaptic(ctx, path, axons, signals, ties),
        _postsynaptic(ctx, path, signals, ties),
    ]
    pathways = {
        "pre": Pathway("total_post += w*s_pre", slot=DELIVER),
    }
    for tie in ties:
        back = ctx.name[tie]
        code = f"{back}_total_pre += w*{back}_s_post"
        pathways[f"{back}_arrives"] = Pathway(code, "post", f"{back}_arrives", DELIVER)
        _backwards(ctx, tie, axons)
    n, m = process.weights.shape
    post, pre = np.divmod(np.arange(n * m), m)
    start = process.weights.ravel().astype(ctx.dtype)
    states = {"w": ctx.array(f"{weights}.w", start), "changed": ""}
    if rule.fraction:
        states["A"] = ctx.array(f"{weights}.A", start * 2**rule.fraction)
    if rule.momentum:
        states["D"] = ctx.array(f"{weights}.D", np.zeros(n * m, ctx.dtype))
    timed, draws = _random(ctx, path, weights, states)
    change = [f"drawn = {table}(t, j*N_pre + i)" for table in timed] + [_change(rule, signals)]
    pathways["learn"] = Pathway("\n".join(change), "post", "learn", LEARN)
    ctx.parts.projections.append(
        Projection(
            path,
            weights,
            axons,
            name,
            ctx.array(f"{weights}.pre", pre),
            ctx.array(f"{weights}.post", post),
            states=states,
            timed=timed,
            pathways=pathways,
        )
    )
    ctx.parts.plastic[path] = Plasticity(
        path,
        rule,
        (n, m),
        weights,
        counts=name,
        accumulator="A" if rule.fraction else "w",
        momentum=bool(rule.momentum),
        probed=any(probe.target == f"{path}.weights" for probe in ctx.graph.state_probes),
        draws=draws,
    )


def _presynaptic(
    ctx: Context, path: str, axons: str, signals: Signals, ties: list[str]
) -> Population:
    """Return the population that gathers what arrives at port ``s``."""
    arriving = ctx.arrives(f"{path}.s", early=True)
    totals = [f"{ctx.name[tie]}_total" for tie in ties]
    gather = [f"s = {arriving.text or 0}", *(f"{name} = 0" for name in totals)]
    codes = [Code("\n".join(gather), GATHER, "gather")]
    if lines := signals.code("pre"):
        codes.append(Code("\n".join(lines), READ, "signals"))
    return Population(
        path,
        axons,
        ctx.process(path).weights.shape[1],
        states=("s", *signals.states("pre"), *totals),
        links=arriving.links | signals.links("pre"),
        codes=tuple(codes),
        events={"spike": Event("s != 0", NOTICE)},
    )


def _postsynaptic(ctx: Context, path: str, signals: Signals, ties: list[str]) -> Population:
    """Return the summing points, which also know when to learn."""
    rule = ctx.process(path).rule
    back = {ctx.name[tie]: ctx.arrives(f"{tie}.s", early=True) for tie in ties}
    gather = ["total = 0", *(f"{name}_s = {a.text or 0}" for name, a in back.items())]
    gate = ctx.arrives(f"{path}.gate", units=ctx.process(path).weights.shape[0])
    lines, due, states, parameters = signals.code("post"), [], ["due"], {}
    if rule.epoch != 1:
        epochs = "STEPS" if rule.epoch == "episode" else _epochs(ctx, path, rule)
        states, parameters = [*states, "step"], {"epoch": epochs}
        lines.append("step = step + 1")
        due.append("int(step % epoch == 0)")
    if gate:
        due.append(f"int(({gate.text}) != 0)")
    lines += [f"due = {'*'.join(due) or 1}", "learned = learned + due"]
    timed = {}
    if _draws(rule) == "shared":
        states.append("drawn")
        if ctx.compiled:
            timed = {f"{ctx.name[path]}_draws": f"{path}.draws"}
            lines.append(f"drawn = {ctx.name[path]}_draws(t)")
    links = {name: link for a in (*back.values(), gate) for name, link in a.links.items()}
    fields = outlet(ctx, path)
    fields["events"] |= {f"{name}_arrives": Event(f"{name}_s != 0", NOTICE) for name in back}
    fields["events"]["learn"] = Event(_when(rule, signals), DECIDE)
    return Population(
        **fields,
        states=("total", *signals.states("post"), *states, *(f"{name}_s" for name in back)),
        kept=("learned",),
        parameters=parameters,
        timed=timed,
        links=links | signals.links("post"),
        codes=(
            Code("\n".join(gather), GATHER, "gather"),
            Code(current(ctx, path), ctx.slot(path)),
            Code("\n".join(lines), READ, "signals"),
        ),
    )


def _epochs(ctx: Context, path: str, rule: Rule) -> str:
    units = ctx.process(path).weights.shape[0]
    return ctx.array(f"{path}.epoch", np.full(units, rule.epoch, ctx.dtype))


def _when(rule: Rule, signals: Signals) -> str:
    """Return when the synapses of a unit learn: not where every term is 0 by its own signals."""
    own = []
    for term in rule.terms:
        named = [s for s, _ in term.powers if s != "w" and not signals.is_pre(s)]
        own.append(" and ".join(f"{signals.name(s)} != 0" for s in named))
    if rule.momentum or not all(own):
        return "due != 0"
    ways = " or ".join(f"({text})" for text in dict.fromkeys(own)) or "1 == 0"
    return f"due != 0 and ({ways})"


def _draws(rule: Rule) -> str:
    """Return which random numbers the rule needs: ``stochastic``, ``shared`` or none."""
    return rule.rounding if rule.shift and rule.rounding in ("stochastic", "shared") else ""


def _random(
    ctx: Context, path: str, weights: str, states: dict[str, str]
) -> tuple[dict[str, str], str]:
    """Add what draws random numbers; return the TimedArray of the synapses, and its key."""
    rule, name = ctx.process(path).rule, ctx.name[path]
    draws = _draws(rule) if ctx.fixed else ""
    if not draws:
        return {}, ""
    alone = draws == "stochastic"
    if alone:
        states["drawn"] = ""
    if ctx.compiled:
        return ({f"{weights}_draws": f"{path}.draws"} if alone else {}), f"{path}.draws"
    due, drawn = ctx.view(name, "due"), ctx.view(name, "drawn") if not alone else {}
    target = f'{weights}.variables["drawn"].get_value()' if alone else next(iter(drawn))
    code = DRAWN.format(
        due=next(iter(due)),
        target=target,
        seed=int(rule.seed),
        path=path,
        count=int(np.prod(ctx.process(path).weights.shape)) if alone else 1,
        bits=rule.shift,
    )
    draw = Operation(path, f"{name}_draws", DRAW, code, views=due | drawn)
    ctx.parts.operations.append(draw)
    return {}, ""


def _change(rule: Rule, signals: Signals) -> str:
    """Return the statements that change a weight."""
    held, fixed = "A" if rule.fraction else "w", signals.fixed

    def name(signal: str) -> str:
        return held if signal == "w" else signals.at_synapse(signal)

    change = as_sum(rule.terms, name, fixed)
    lines = []
    if not rule.self_connections:
        lines, change = [f"dw = {change}"], "dw*int(i != j)"
    if rule.momentum and fixed:
        kept = int(rule.momentum)
        lines += [f"x = {kept}*D + {4096 - kept}*({change})", "D = (x + 4095*int(x < 0))//4096"]
        change = "D"
    elif rule.momentum:
        lines.append(f"D = {rule.momentum!r}*D + {1 - rule.momentum!r}*({change})")
        change = "D"
    lines.append(f"change = {change}")
    rounded = _rounded(rule) if fixed else []
    lines += rounded
    after = f"{held} + {'rounded' if rounded else 'change'}"
    bounds = [b * 2**rule.fraction for b in (rule.low, rule.high)]
    if not np.isinf(bounds).all():
        low, high = (repr(int(b) if fixed else float(b)) for b in bounds)
        after = f"clip({after}, {low}, {high})"
    lines += [f"after = {after}", f"changed = changed + int(after != {held})", f"{held} = after"]
    if rule.fraction:
        lines.append(f"w = (after + {2 ** (rule.fraction - 1)})//{2**rule.fraction}")
    return "\n".join(lines)


def _rounded(rule: Rule) -> list[str]:
    """Return the statements that divide ``change`` by a power of two; none if that is 1."""
    if rule.shift == 0:
        return []
    size = 2**rule.shift
    if rule.rounding == "nearest":
        return [f"rounded = (change + {size // 2})//{size}"]
    if rule.rounding == "truncate":
        sign = "sign_of = int(change > 0) - int(change < 0)"
        return [sign, f"rounded = sign_of*((sign_of*change)//{size})"]
    drawn = "drawn" if rule.rounding == "stochastic" else "drawn_post"
    return [f"rounded = (change + {drawn})//{size}"]


def _backwards(ctx: Context, tie: str, axons: str) -> None:
    """Add the population of a Transpose, whose sums the presynaptic side holds."""
    held = f"{ctx.name[tie]}_total"
    link = f"{axons}_{held}"
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, tie),
            links={link: Link(axons, held)},
            codes=(Code(current(ctx, tie, link), ctx.slot(tie)),),
        )
    )
