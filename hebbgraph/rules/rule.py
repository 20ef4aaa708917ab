"""Rule: how the weights of one synapse process learn, as data."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from hebbgraph.checks import Domain, choice_faults, flag_faults, is_whole, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.rules.terms import Term, parse

#: Where a signal lives: at the presynaptic units, the postsynaptic ones, or one for all synapses.
Side = Literal["pre", "post", "all"]
Rounding = Literal["nearest", "truncate", "stochastic", "shared"]
SIDES = ("pre", "post", "all")
ROUNDINGS = ("nearest", "truncate", "stochastic", "shared")
#: The signals that every synapse has.
PRE, POST, WEIGHT = "pre", "post", "w"
#: What no name may be, and what a factor or a trace may not be beside: ports of the synapses.
SYMBOLS = (PRE, POST, WEIGHT, "dw")
RESERVED = (*SYMBOLS, "s", "a", "gate", "weights")
#: Bounds of sums in `fixed`, without and with momentum: exact in float64 too.
LARGEST, LARGEST_WITH_MOMENTUM = 2**52, 2**40


@dataclass(frozen=True)
class Trace:
    """A decaying sum of products of signals of one side, kept at the synapse.

    Each step, before the rule reads it (zero at episode start)::

        x <- x (1 - decay) + impulse of                              float
        x <- clip(tz(x (4096 - decay)) + impulse of, -L, L)          fixed

    with tz(x) = sign(x) floor(|x| / 4096) and L of the rule's ``signal_bits``.
    """

    #: A product of ``pre``, ``post`` and factors of one side, such as ``"pre"`` or ``"post**2"``.
    of: str
    #: Share lost per step, 0 to 1; in `fixed` 0 to 4096.
    decay: float
    #: Factor on what is added.
    impulse: float = 1.0


@dataclass(frozen=True)
class Rule:
    """Local plasticity: ``dw`` is a sum of products of signals found at the synapse.

    Signals, for the synapse from unit j to unit i, as they are in this step:

    - ``pre``: what arrives at j through port ``s``; ``post``: what arrives at i through port
      ``post``, usually the spikes of unit i over a same-step wire;
    - every name in ``factors``: what arrives at a port of that name, one value per presynaptic
      unit, per postsynaptic unit, or one for all (a third factor);
    - every name in ``traces``: a decaying sum of such signals;
    - ``w``, the weight itself; names in ``constants``; numbers.

    At the end of each epoch in which the port ``gate`` receives no 0, with the mean over the
    episodes of a batch (one episode, unless a batch is asked for)::

        dw   = mean of the terms
        D   <- momentum D + (1 - momentum) dw;  dw = D            with momentum
        w   <- clip(w + dw, low, high)

    In `fixed` the coefficients are integers, and signals are clipped to ``signal_bits``. Weights
    are held by accumulators A with ``fraction`` bits more than the weight; ``w`` in the rule is A::

        sum  = terms, exact
        D   <- tz(momentum D + (4096 - momentum) sum);  sum = D    with momentum, of 4096
        A   <- clip(A + round(sum / 2**shift), 2**fraction low, 2**fraction high)
        w    = floor(A / 2**fraction + 1/2)

    and round is ``nearest`` (halves up), ``truncate`` (towards zero), ``stochastic`` (down or up
    with the probability that makes the mean exact, every synapse for itself) or ``shared`` (the
    same with one random number for all synapses of a step, as lava-nc draws it). For a batch of B
    the division is by B 2**shift, and B must be a power of two.

    New weights act from the next step. Weights, accumulators and D persist over episodes.
    """

    #: The change of a weight in one line of maths, such as ``"0.1*post*(pre - post*w)"``.
    dw: str
    constants: Mapping[str, float] = field(default_factory=dict)
    #: Third factors by port name, with their side.
    factors: Mapping[str, Side] = field(default_factory=dict)
    traces: Mapping[str, Trace] = field(default_factory=dict)
    #: Bounds of the weights.
    low: float = -np.inf
    high: float = np.inf
    #: Steps between two changes, or ``"episode"``: at the last step only.
    epoch: int | Literal["episode"] = 1
    #: Share of the old D that is kept, 0 to below 1; in `fixed` 0 to 4095.
    momentum: float = 0.0
    #: Whether a unit's synapse onto the unit of the same index learns.
    self_connections: bool = True
    #: How sums are rounded, `fixed` only.
    rounding: Rounding = "nearest"
    #: Power of two that divides sums, 0 to 40, `fixed` only.
    shift: int = 0
    #: Bits of an accumulator below those of the weight, 0 to 15, `fixed` only.
    fraction: int = 0
    #: Width of every signal with its sign, 2 to 24, `fixed` only.
    signal_bits: int = 16
    #: Seed of stochastic rounding.
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("constants", "factors", "traces"):
            held = getattr(self, name)
            if isinstance(held, Mapping):
                object.__setattr__(self, name, MappingProxyType(dict(held)))

    # --- what it says ----------------------------------------------------------------------

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Return ``dw`` as a sum of terms; raises `ValueError` if it is none."""
        return parse(self.dw, self.constants)

    @cached_property
    def products(self) -> dict[str, Term]:
        """Return what each trace sums, its impulse left out; raises `ValueError` if it is none."""
        found = {}
        for name, trace in self.traces.items():
            terms = parse(trace.of, self.constants)
            if len(terms) != 1:
                raise ValueError(f"trace {name} of {trace.of!r}: must be one product of signals")
            found[name] = terms[0]
        return found

    @cached_property
    def sides(self) -> dict[str, Side]:
        """Return the side of every signal but the weight."""
        sides: dict[str, Side] = {PRE: "pre", POST: "post", **self.factors}
        for name, term in self.products.items():
            of = {sides[symbol] for symbol, _ in term.powers}
            sides[name] = "pre" if "pre" in of else "post" if "post" in of else "all"
        return sides

    @cached_property
    def ports(self) -> dict[str, Side]:
        """Return the input ports that the rule adds to its synapses, beside ``gate``."""
        used = {symbol for term in self.terms for symbol, _ in term.powers}
        used |= {symbol for term in self.products.values() for symbol, _ in term.powers}
        post: dict[str, Side] = {POST: "post"} if POST in used else {}
        return {**post, **self.factors}

    def learns_at(self, step: int, steps: int) -> bool:
        """Return whether an epoch ends with `step` of an episode of `steps`."""
        if self.epoch == "episode":
            return step == steps - 1
        return (step + 1) % int(self.epoch) == 0

    # --- what can be wrong with it ---------------------------------------------------------

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return everything wrong with the rule in `domain`."""
        found = self._name_faults(path)
        if found:
            return found
        try:
            terms, _ = self.terms, self.products
        except ValueError as error:
            need = "must be a sum of products of signals"
            return [Fault(f"{path}.dw", repr(self.dw), f"{need}: {error}")]
        known = (PRE, POST, WEIGHT, *self.factors, *self.traces)
        listed = f"signals are {', '.join(known)}"
        for term in terms:
            for symbol, _ in term.powers:
                if symbol not in known:
                    remedy = "declare it in factors, traces or constants"
                    found.append(Fault(f"{path}.dw", repr(symbol), listed, remedy))
        for name, term in self.products.items():
            found += self._trace_faults(f"{path}.traces[{name!r}]", term)
        found += self._number_faults(path, domain)
        if not found and domain == "fixed":
            found += self._fixed_faults(path)
        return found

    def _name_faults(self, path: str) -> list[Fault]:
        found: list[Fault] = []
        groups = {"constants": self.constants, "factors": self.factors, "traces": self.traces}
        if not isinstance(self.dw, str):
            found.append(Fault(f"{path}.dw", repr(self.dw), "must be text"))
        seen: set[str] = set()
        for group, names in groups.items():
            if not isinstance(names, Mapping):
                need = "must be a mapping of names"
                found.append(Fault(f"{path}.{group}", type(names).__name__, need))
                continue
            for name in names:
                where = f"{path}.{group}"
                good = isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)
                taken = SYMBOLS if group == "constants" else RESERVED
                if not good or name in taken:
                    need = f"must be a name other than {', '.join(taken)}"
                    found.append(Fault(where, repr(name), need))
                if name in seen:
                    found.append(Fault(where, repr(name), "must be declared once"))
                seen.add(name)
        if found:
            return found
        for name, side in self.factors.items():
            found += choice_faults(f"{path}.factors[{name!r}]", side, SIDES)
        for name, value in self.constants.items():
            found += _finite(f"{path}.constants[{name!r}]", value)
        for name, trace in self.traces.items():
            if not isinstance(trace, Trace):
                where = f"{path}.traces[{name!r}]"
                found.append(Fault(where, type(trace).__name__, "must be a Trace"))
        return found

    def _trace_faults(self, where: str, term: Term) -> list[Fault]:
        allowed = (PRE, POST, *self.factors)
        unknown = [symbol for symbol, _ in term.powers if symbol not in allowed]
        if unknown or not term.powers:
            need = f"must be a product of signals, which are {', '.join(allowed)}"
            return [Fault(where, repr(unknown[0] if unknown else str(term)), need)]
        sides: dict[str, str] = {PRE: "pre", POST: "post", **self.factors}
        if {"pre", "post"} <= {sides[symbol] for symbol, _ in term.powers}:
            need = "must be a product of signals of one side"
            return [Fault(where, repr(str(term)), need, "use two traces and their product in dw")]
        return []

    def _number_faults(self, path: str, domain: Domain) -> list[Fault]:
        fixed = domain == "fixed"
        found: list[Fault] = []
        top = 4095 if fixed else np.nextafter(1.0, 0.0)
        found += _in_range(f"{path}.momentum", self.momentum, 0, top, fixed)
        for name, trace in self.traces.items():
            where = f"{path}.traces[{name!r}]"
            found += _in_range(f"{where}.decay", trace.decay, 0, 4096 if fixed else 1, fixed)
            found += _in_range(f"{where}.impulse", trace.impulse, -(2.0**23), 2.0**23, fixed)
        if self.epoch != "episode":
            found += whole_faults(f"{path}.epoch", self.epoch, 1, 2**31, ' or "episode"')
        for name, most in (("shift", 40), ("fraction", 15)):
            value, where = getattr(self, name), f"{path}.{name}"
            found += whole_faults(where, value, 0, most if fixed else 0, f" in the {domain} domain")
        found += whole_faults(f"{path}.signal_bits", self.signal_bits, 2, 24)
        found += whole_faults(f"{path}.seed", self.seed, 0, 2**63 - 1)
        found += choice_faults(f"{path}.rounding", self.rounding, ROUNDINGS)
        found += flag_faults(f"{path}.self_connections", self.self_connections)
        good = all(isinstance(b, int | float | np.number) for b in (self.low, self.high))
        if not good or not self.low < self.high:
            got = f"low {self.low!r}, high {self.high!r}"
            found.append(Fault(f"{path}.low", got, "must be numbers, low below high"))
        elif fixed:
            need = "must be whole numbers within -256 and 255 in the fixed domain"
            bounds = (self.low, self.high)
            if any(not np.isfinite(b) or b != np.rint(b) or not -256 <= b <= 255 for b in bounds):
                got = f"low {self.low:g}, high {self.high:g}"
                found.append(Fault(f"{path}.low", got, need, "run passes.quantise"))
        return found

    def _fixed_faults(self, path: str) -> list[Fault]:
        found = [
            Fault(f"{path}.dw", str(term), "coefficients must be integers in the fixed domain")
            for term in (*self.terms, *self.products.values())
            if term.coefficient != np.rint(term.coefficient)
        ]
        for name, term in self.products.items():
            impulse = self.traces[name].impulse
            if abs(impulse) * self._largest(term) > LARGEST:
                got, need = f"up to {abs(impulse) * self._largest(term):.3g}", "must stay exact"
                remedy = "lower signal_bits or the impulse"
                found.append(Fault(f"{path}.traces[{name!r}]", got, need, remedy))
        largest = LARGEST_WITH_MOMENTUM if self.momentum else LARGEST
        if not found and self.largest_sum() > largest:
            need = f"sums must stay within {largest:.3g}"
            remedy = "lower signal_bits, fraction or the coefficients"
            got = f"up to {self.largest_sum():.3g}"
            found.append(Fault(f"{path}.dw", got, need, remedy))
        return found

    def largest_sum(self) -> float:
        """Return a bound on the sum of the terms of one episode in `fixed`."""
        return sum(self._largest(term) for term in self.terms)

    def _largest(self, term: Term) -> float:
        signal = 2.0 ** (self.signal_bits - 1) - 1
        weight = max(abs(self.low), abs(self.high)) * 2.0**self.fraction
        size = abs(term.coefficient)
        for symbol, power in term.powers:
            size *= (weight if symbol == WEIGHT else signal) ** power
        return float(size)

    # --- files -----------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; infinite bounds are None."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain["constants"] = {k: float(v) for k, v in self.constants.items()}
        plain["factors"] = dict(self.factors)
        plain["traces"] = {name: asdict(trace) for name, trace in self.traces.items()}
        plain["low"] = float(self.low) if np.isfinite(self.low) else None
        plain["high"] = float(self.high) if np.isfinite(self.high) else None
        return plain

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Rule:
        """Return the rule that `as_dict` described."""
        fields = dict(document)
        fields["traces"] = {name: Trace(**trace) for name, trace in fields["traces"].items()}
        fields["low"] = -np.inf if fields["low"] is None else fields["low"]
        fields["high"] = np.inf if fields["high"] is None else fields["high"]
        return cls(**fields)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy, and send to other processes, by building it again."""
        return Rule.from_dict, (self.as_dict(),)

    def __hash__(self) -> int:
        return hash((self.dw, self.epoch, self.low, self.high, self.seed))


def _finite(where: str, value: Any) -> list[Fault]:
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if good and np.isfinite(value):
        return []
    return [Fault(where, repr(value), "must be a finite number")]


def _in_range(where: str, value: Any, low: float, high: float, whole: bool) -> list[Fault]:
    found = _finite(where, value)
    if found:
        return found
    if whole and not (is_whole(value) or float(value).is_integer()):
        return [Fault(where, repr(value), "must be a whole number in the fixed domain")]
    if not low <= value <= high:
        return [Fault(where, repr(value), f"must be in [{low:g}, {high:g}]")]
    return []
