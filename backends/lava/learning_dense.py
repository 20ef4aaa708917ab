"""LearningDense: a `Rule` in the terms of Loihi's learning engine, and that engine alone.

lava's LearningDense is not what the back end runs: its rules are few, its signals 7 bits, its
rounding one number for all synapses. `translate` says whether a rule can be put in its terms at
all, and what becomes approximate; `run` executes the translation on lava's runtime, and
`loihi_engine.LoihiEngine` computes the same, step by step, without lava.

    rule = hebbgraph.rules.library.stdp(0.5, 0.25, 0.25, 0.125)
    translated = learning_dense.translate(rule)
    weights, _ = learning_dense.run(translated.rule, start, pre, post)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.lava.client import shared_worker
from hebbgraph.backends.lava.loihi_engine import LoihiRule
from hebbgraph.checks import Domain
from hebbgraph.errors import Gap, Unsupported
from hebbgraph.rules.rule import POST, PRE, WEIGHT, Rule
from hebbgraph.rules.terms import Term

Array = NDArray[Any]

#: Time constants that forget a trace at once, and never, in float64.
AT_ONCE, NEVER = 1e-9, 1e18
#: The longest epoch: 6 bits.
LONGEST_EPOCH = 63
#: Exponents of a product's coefficient, and its mantissa's largest size.
EXPONENTS, MANTISSA = (-7, 8), 7
#: Traces there are of each side.
SLOTS = {"pre": ("x1", "x2"), "post": ("y1", "y2", "y3")}


@dataclass(frozen=True)
class Translation:
    """A rule in lava's terms."""

    rule: LoihiRule
    #: Third factors of the rule by the port of LearningDense that takes them.
    third: Mapping[str, str] = field(default_factory=dict)
    #: What is not the same, in words.
    approximations: tuple[str, ...] = ()


def translate(rule: Rule, domain: Domain = "float", rng_seed: int = 1) -> Translation:
    """Return `rule` in lava's terms; raises `Unsupported` with everything that has none."""
    return _Translator(rule, domain).translation(rng_seed)


def run(
    rule: LoihiRule,
    weights: Array,
    pre: Array,
    post: Array,
    third: Mapping[str, Array] | None = None,
    domain: Domain = "float",
    *,
    recorded: bool = True,
    timeout: float = 600.0,
) -> tuple[Array, float]:
    """Return the weights after every step of lava's own LearningDense, and its seconds.

    `pre` and `post` are spikes (steps, units), `third` what arrives at ``y1``, ``y2`` and ``y3``.
    Without `recorded`, no weights. Raises `Unavailable` without lava, `EngineError` if it fails.
    """
    wire = np.float64 if domain == "float" else np.int32
    arrays = {"weights": weights, "pre": pre, "post": post, **(third or {})}
    request = {
        "request": "learning_dense",
        "domain": domain,
        "rule": rule.keywords(),
        "factors": rule.factors,
        "recorded": recorded,
    }
    sent = {name: np.asarray(values).astype(wire) for name, values in arrays.items()}
    header, found = shared_worker().tell(request, sent, timeout)
    return found["weights"], float(header["seconds"])


class _Translator:
    """Gathers products, traces, gaps and approximations."""

    def __init__(self, rule: Rule, domain: Domain) -> None:
        self.rule, self.fixed = rule, domain == "fixed"
        self.gaps: list[Gap] = []
        self.notes: list[str] = []
        #: By slot, (what it holds, impulse, tau).
        self.slots: dict[str, tuple[str, float, float]] = {}
        self.third = {
            f"y{k + 1}": name
            for k, name in enumerate(n for n, side in rule.factors.items() if side == "post")
        }

    def translation(self, rng_seed: int) -> Translation:
        """Return the rule in lava's terms."""
        self._refuse_what_has_no_place()
        products = [] if self.gaps else [self._product(term) for term in self.rule.terms]
        if not self.gaps and not products:
            self._lacks("dw", "a rule without a term has no form", "give it one")
        if self.gaps:
            raise Unsupported("lava's LearningDense", self.gaps)
        self._note_what_differs()
        epoch = int(self.rule.epoch)
        impulses = {slot: impulse for slot, (_, impulse, _) in self.slots.items()}
        taus = {slot: tau for slot, (_, _, tau) in self.slots.items()}
        dw = " + ".join(products).replace("+ -", "- ")
        factors = 3 if self.third else 2
        loihi = LoihiRule(dw, factors, impulses, taus, epoch, rng_seed)
        return Translation(loihi, self.third, tuple(self.notes))

    def _lacks(self, where: str, lacking: str, remedy: str) -> None:
        self.gaps.append(Gap(f"rule.{where}", lacking, remedy))

    def _refuse_what_has_no_place(self) -> None:
        rule = self.rule
        if rule.epoch == "episode" or int(rule.epoch) > LONGEST_EPOCH:
            lacking = f"an epoch is at most {LONGEST_EPOCH} steps"
            self._lacks("epoch", lacking, "give a number of steps")
        if rule.momentum:
            self._lacks("momentum", "there is no running mean of changes", "use momentum=0")
        if not rule.self_connections:
            self._lacks("self_connections", "every synapse learns", "use LearningSparse by hand")
        for name, side in rule.factors.items():
            if side != "post":
                lacking = "a third factor comes from the postsynaptic unit"
                self._lacks(f"factors[{name!r}]", lacking, "send it to every postsynaptic unit")
        if len(self.third) > len(SLOTS["post"]):
            lacking = "there are three third factors at most"
            self._lacks("factors", lacking, "leave some out")

    def _product(self, term: Term) -> str:
        """Return one term as a product: coefficient, dependency, factors."""
        powers = dict(term.powers)
        spikes = [name for name in (PRE, POST) if powers.pop(name, 0)]
        # A spike is 0 or 1, so its power is itself. One of two spikes is the dependency, the other
        # a trace that lasts for its own step.
        dependency = {PRE: "x0", POST: "y0"}.get(spikes[0] if spikes else "", "u0")
        factors: list[str] = []
        if len(spikes) == 2:
            own = self._free("post") if not self.third else None
            if own is not None or self._held("post", POST):
                factors.append(self._slot("post", POST, 1.0, AT_ONCE))
            else:
                dependency = "y0"
                factors.append(self._slot("pre", PRE, 1.0, AT_ONCE))
        weight = powers.pop(WEIGHT, 0)
        for name, power in powers.items():
            factors += [self._trace(name)] * power
        scale = 1.0
        if self.fixed:
            # In the rule w stands for the accumulator, and the sum changes that.
            fraction = self.rule.fraction
            scale = 2.0 ** (fraction * weight - self.rule.shift - fraction)
        literal = self._literal(str(term), term.coefficient * scale)
        return "*".join([literal, dependency, *factors, *["w"] * weight])

    def _trace(self, name: str) -> str:
        """Return the slot of a trace, or of a third factor."""
        for slot, factor in self.third.items():
            if factor == name:
                return slot
        trace, product = self.rule.traces[name], self.rule.products[name]
        where, side = f"traces[{name!r}]", self.rule.sides[name]
        symbols = [symbol for symbol, _ in product.powers]
        impulse = trace.impulse * product.coefficient
        if symbols not in ([PRE], [POST]) or impulse < 0:
            lacking = "a trace sums spikes, with an impulse of 0 or more"
            self._lacks(where, lacking, 'let it be of "pre" or "post"')
            return "x1"
        if side == "post" and self.third:
            lacking = "with third factors, traces of postsynaptic spikes come from the units"
            self._lacks(where, lacking, "let the units send it as a third factor")
            return "y1"
        decay = trace.decay / 4096 if self.fixed else trace.decay
        if self.fixed and impulse > 127:
            self._lacks(where, "a trace has 7 bits", "lower the impulse")
        return self._slot(side, name, impulse, _tau(decay))

    def _slot(self, side: str, name: str, impulse: float, tau: float) -> str:
        """Return the slot of `side` that holds `name`, a new one if there is none yet."""
        slot = self._held(side, name) or self._free(side)
        if slot is None:
            lacking = f"there are {len(SLOTS[side])} traces of the {side}synaptic side"
            self._lacks("traces", lacking, "use fewer traces and products of both spikes")
            return SLOTS[side][0]
        self.slots[slot] = (name, impulse, tau)
        return slot

    def _held(self, side: str, name: str) -> str | None:
        held = (s for s in SLOTS[side] if s in self.slots and self.slots[s][0] == name)
        return next(held, None)

    def _free(self, side: str) -> str | None:
        return next((s for s in SLOTS[side] if s not in self.slots and s not in self.third), None)

    def _literal(self, where: str, coefficient: float) -> str:
        """Return a coefficient as ``m*2^e`` with 4 bits, noting what that loses."""
        size = abs(coefficient)
        exponent = max(EXPONENTS[0], math.floor(math.log2(size)) - 2)
        mantissa = round(size / 2.0**exponent)
        while mantissa and mantissa % 2 == 0 and (mantissa > MANTISSA or exponent < 0):
            mantissa, exponent = mantissa // 2, exponent + 1
        if mantissa == 0 or mantissa > MANTISSA or exponent > EXPONENTS[1]:
            lacking = f"{coefficient:g} lies outside 2^-7 to 7*2^8"
            self._lacks(f"dw, {where}", lacking, "scale the weights")
            return "1"
        found = mantissa * 2.0**exponent
        if found != size:
            self.notes.append(f"{where}: the coefficient {coefficient:g} became {found:g}")
        return f"{'-' if coefficient < 0 else ''}{mantissa}*2^{exponent}"

    def _note_what_differs(self) -> None:
        rule = self.rule
        if np.isfinite(rule.low) or np.isfinite(rule.high):
            kept = "-256 and 255 are" if self.fixed else "none is"
            text = f"the bounds {rule.low:g} and {rule.high:g} are not kept ({kept})"
            self.notes.append(text)
        symbols = {symbol for term in rule.terms for symbol, _ in term.powers}
        if rule.epoch != 1 and symbols & {PRE, POST}:
            text = "a spike counts wherever in the epoch it was, with traces as they were then"
            self.notes.append(text)
        if self.third:
            text = "third factors fade by exp(-1/65535) a step before they are read"
            self.notes.append(text)
        self.notes.append("signals count as spikes, 0 or 1, whatever is sent")
        if self.fixed:
            self.notes.append("traces are kept in 7 bits, products in 15; rounding is at random")


def _tau(decay: float) -> float:
    """Return the time constant with which a share `decay` is lost in a step."""
    if decay >= 1:
        return AT_ONCE
    return NEVER if decay <= 0 else -1 / math.log1p(-decay)
