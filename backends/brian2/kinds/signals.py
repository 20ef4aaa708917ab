"""signals: the signals of a rule, as variables of the population on each side of its synapses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hebbgraph.backends.brian2.context import Arrival, Context
from hebbgraph.backends.brian2.kinds.unit import saturated
from hebbgraph.backends.brian2.names import Names
from hebbgraph.backends.brian2.plan import Link
from hebbgraph.rules import Rule
from hebbgraph.rules.terms import Term


def signals_of(rule: Rule) -> set[str]:
    """Return the signals that matter: those of the terms, and those that their traces sum."""
    used = {name for term in rule.terms for name, _ in term.powers}
    return used | {n for trace in used & set(rule.traces) for n, _ in rule.products[trace].powers}


class Signals:
    """The signals of a rule: which side holds each, under which name, and how it is updated."""

    def __init__(self, ctx: Context, path: str) -> None:
        self.fixed, self.rule = ctx.fixed, ctx.process(path).rule
        self.used = signals_of(self.rule)
        n, _ = ctx.process(path).weights.shape
        names = Names(())
        own = {"pre": "pre" if ctx.fixed else "s", "post": "post"}
        for signal in sorted(self.used - {"w", *own}):
            kind = "trace" if signal in self.rule.traces else "in"
            own[signal] = names.take(f"{signal if signal.isascii() else 'signal'}_{kind}")
        self._names = own
        self.arrivals: dict[str, Arrival] = {}
        for signal in sorted(self.used & {"post", *self.rule.factors}):
            units = 0 if self.rule.sides[signal] == "pre" else n
            self.arrivals[signal] = ctx.arrives(f"{path}.{signal}", units=units)

    def name(self, signal: str) -> str:
        """Return the variable of a signal."""
        return self._names[signal]

    def at_synapse(self, signal: str) -> str:
        """Return the variable as synapses name it."""
        return f"{self.name(signal)}_{'pre' if self.is_pre(signal) else 'post'}"

    def is_pre(self, signal: str) -> bool:
        """Return whether the presynaptic side holds a signal."""
        return bool(self.rule.sides[signal] == "pre")

    def of(self, side: str) -> list[str]:
        """Return the signals that one side holds, in the order in which they are read."""
        signals = sorted(self.used - {"w"}, key=lambda s: (s in self.rule.traces, s))
        return [s for s in signals if self.is_pre(s) == (side == "pre")]

    def states(self, side: str) -> tuple[str, ...]:
        """Return the variables of one side."""
        return tuple(self.name(s) for s in self.of(side) if self.name(s) != "s")

    def links(self, side: str) -> dict[str, Link]:
        """Return the linked variables that the signals of one side take."""
        arrivals = [self.arrivals[s] for s in self.of(side) if s in self.arrivals]
        return {name: link for arrival in arrivals for name, link in arrival.links.items()}

    def code(self, side: str) -> list[str]:
        """Return the statements that read the signals of one side and advance its traces."""
        lines = []
        for signal in self.of(side):
            name = self.name(signal)
            if signal in self.rule.traces:
                lines += self._trace(signal)
            elif name != "s":
                arriving = "s" if signal == "pre" else self.arrivals[signal].text or "0"
                lines.append(f"{name} = {self._clipped(arriving)}")
        return lines

    def _trace(self, signal: str) -> list[str]:
        trace, term, name = self.rule.traces[signal], self.rule.products[signal], self.name(signal)
        factor = trace.impulse * term.coefficient
        added = as_product(Term(term.powers, factor), self.name, self.fixed)
        if not self.fixed:
            return [f"{name} = {name}*{1 - trace.decay!r} {added}"]
        decayed = [f"x = {name}*{4096 - int(trace.decay)}"]
        return [*decayed, f"{name} = {self._clipped(f'(x + 4095*int(x < 0))//4096 {added}')}"]

    def _clipped(self, text: str) -> str:
        return saturated(text, self.rule.signal_bits) if self.fixed else text


def as_product(term: Term, name: Callable[[str], str], fixed: bool) -> str:
    """Return ``+ coefficient*a*b`` or ``- ...``, powers written out."""
    size = int(abs(term.coefficient)) if fixed else abs(float(term.coefficient))
    factors = [name(signal) for signal, power in term.powers for _ in range(power)]
    numbers = [] if size == 1 and factors else [repr(size)]
    return f"{'-' if term.coefficient < 0 else '+'} {'*'.join([*numbers, *factors])}"


def as_sum(terms: Sequence[Term], name: Callable[[str], str], fixed: bool) -> str:
    """Return a sum of terms."""
    text = " ".join(as_product(term, name, fixed) for term in terms)
    return f"-{text[2:]}" if text.startswith("- ") else text[2:] or "0"
