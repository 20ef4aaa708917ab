"""Loihi's learning engine as lava-nc 0.10.0 emulates it, in NumPy: LearningDense without lava.

A rule of lava's is a sum of products, ``m*2^e`` times a dependency times factors. Once an epoch of
E steps, with x_k and y_k the traces, and t_j (or t_i) the step within the epoch in which unit j
spiked last::

    x[0] = x;  x[k] = exp(-1/tau) x[k-1], + impulse where k = t_j         k = 1 .. E
    x0: holds where j spiked, traces are read at t_j;  y0: likewise at t_i
    u0 to u9: holds in every 2**n-th epoch, traces are read at E
    w <- w + sum of products;  x <- x[E]

A second spike within an epoch adds its impulse at once, to x. With a three-factor rule y1, y2 and
y3 are what arrives in each step, and fade with a tau of 65535.

In `fixed` (lava calls it bit-approximate) traces have 7 bits, products are cut to 15 bits after
each multiplication by a mantissa, and results are rounded at random, with oddities that are kept
here: one number decides for all synapses of an epoch, an impulse's fraction f in 1/256 counts as
min(1, 2 f), a second spike's fraction always as 1, and seeds are fixed but for `rng_seed`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TRACES = ("x1", "x2", "y1", "y2", "y3")
#: The decay of what a three-factor rule receives.
HOLD = 65535
#: Bits of traces, weights with their sign, mantissas, the accumulator, and an impulse's fraction.
TRACE_BITS, WEIGHT_BITS, MANTISSA_BITS, ACCUMULATOR_BITS, FRACTION_BITS = 7, 9, 4, 15, 8
#: The seed of the rounding of weights: lava's default, which it never changes.
WEIGHT_SEED = 2


@dataclass(frozen=True)
class Product:
    """``mantissa * 2**exponent`` times a dependency times factors (variable, added constant)."""

    mantissa: int
    exponent: int
    #: ``"x0"``, ``"y0"`` or ``"u"``.
    dependency: str
    factors: tuple[tuple[str, int | None], ...] = ()
    #: Of a dependency u: it holds every 2**decimate-th epoch.
    decimate: int = 0


@dataclass(frozen=True)
class LoihiRule:
    """The parameters of lava's Loihi2FLearningRule, or Loihi3FLearningRule with `factors` 3."""

    #: A sum of products in lava's own language, such as ``"2^-2*x0*y1 - 2^-2*y0*x1"``.
    dw: str
    #: 2, or 3 where y1, y2 and y3 come from the postsynaptic units.
    factors: int = 2
    impulses: Mapping[str, float] = field(default_factory=dict)
    #: Time constants of traces in steps; 0 is not to be used: lava's float trace becomes NaN.
    taus: Mapping[str, float] = field(default_factory=dict)
    t_epoch: int = 1
    rng_seed: int = 1

    def keywords(self) -> dict[str, Any]:
        """Return the arguments of lava's class."""
        names = TRACES if self.factors == 2 else TRACES[:2]
        found: dict[str, Any] = {"dw": self.dw, "t_epoch": self.t_epoch, "rng_seed": self.rng_seed}
        for name in names:
            found[f"{name}_impulse"] = self.impulses.get(name, 0.0)
            found[f"{name}_tau"] = self.taus.get(name, 0.0)
        return found


def parse(dw: str) -> tuple[Product, ...]:
    """Return the products of a rule in lava's language; raises `ValueError` in words.

    What lava misreads without a word is refused: ``x1**2``, ``u10``.
    """
    if "**" in dw or re.search(r"u\d\d", dw):
        raise ValueError(f"{dw!r}: lava misreads ** and u10; write x1*x1, and u0 to u9")
    try:
        tree = ast.parse(dw.replace("^", "**"), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{dw!r}: {error.msg}") from None
    return tuple(_product(factors, sign) for sign, factors in _summands(tree, 1))


def _summands(node: ast.expr, sign: int) -> list[tuple[int, list[ast.expr]]]:
    """Return every summand as its sign and factors."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        right = sign if isinstance(node.op, ast.Add) else -sign
        return _summands(node.left, sign) + _summands(node.right, right)
    return [(sign, _multiplied(node))]


def _multiplied(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _multiplied(node.left) + _multiplied(node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [ast.Constant(-1), *_multiplied(node.operand)]
    return [node]


def _product(parts: Sequence[ast.expr], sign: int) -> Product:
    mantissa, exponent, dependency, decimate = sign, 0, "", 0
    factors: list[tuple[str, int | None]] = []
    for part in parts:
        text = ast.unparse(part)
        power = re.fullmatch(r"2 \*\* \(?(-?\d+)\)?", text)
        if power:
            exponent += int(power[1])
        elif re.fullmatch(r"-?\d+", text):
            mantissa *= int(text)
        elif text in ("x0", "y0") or re.fullmatch(r"u\d", text):
            if dependency:
                raise ValueError(f"{text}: a product has one dependency; use a trace")
            dependency, decimate = text[0] if text[0] == "u" else text, 0
            decimate = int(text[1]) if dependency == "u" else 0
        else:
            factors.append(_factor(text))
    if not dependency:
        raise ValueError("a product needs a dependency x0, y0 or u0 to u9")
    while abs(mantissa) > 7 and mantissa % 2 == 0 and exponent < 8:
        mantissa, exponent = mantissa // 2, exponent + 1
    if not -8 <= mantissa < 8 or not -7 <= exponent <= 8:
        raise ValueError(f"{mantissa}*2^{exponent}: 4 bits and an exponent of -7 to 8 are there")
    return Product(mantissa, exponent, dependency, tuple(factors), decimate)


def _factor(text: str) -> tuple[str, int | None]:
    added = re.fullmatch(r"(\w+) ([+-]) (\d+)", text)
    name, constant = (added[1], int(added[2] + added[3])) if added else (text, None)
    if name not in (*TRACES, "w"):
        raise ValueError(f"{text}: a factor is a trace or w, and a constant added to it")
    return name, constant


class LoihiEngine:
    """The weights of one LearningDense, and its traces; `advance` it step by step.

    `weights` has shape (postsynaptic, presynaptic); in `fixed` the lowest bit of each is lost, as
    in lava, which takes them for 8-bit weights with a sign.
    """

    def __init__(self, rule: LoihiRule, weights: Array, domain: str) -> None:
        self.rule, self.fixed = rule, domain == "fixed"
        self.products = parse(rule.dw)
        self.number: Any = np.int64 if self.fixed else np.float64
        self.weights: Array = weights.astype(np.float64)
        if self.fixed:
            self.weights = (weights.astype(np.int32) >> 1) << 1
        taus = dict(rule.taus)
        impulses = dict(rule.impulses)
        if rule.factors == 3:
            taus |= dict.fromkeys(TRACES[2:], HOLD)
            impulses |= dict.fromkeys(TRACES[2:], 0)
        post, pre = weights.shape
        self.sides = {
            "x": _Side(("x1", "x2"), pre, taus, impulses, self.number),
            "y": _Side(("y1", "y2", "y3"), post, taus, impulses, self.number),
        }
        self.clock = 0
        seed = rule.rng_seed
        self._random = {"x": _TraceRandom(seed), "y": _TraceRandom(seed + 2)}
        self._rounding = np.random.default_rng(WEIGHT_SEED)
        self._rounding.random()

    def advance(self, pre: Array, post: Array, third: Mapping[str, Array] | None = None) -> Array:
        """Do one step with the spikes that arrive; return the weights as it leaves them.

        `third` holds y1, y2 and y3 of this step for a three-factor rule.
        """
        self.clock += 1
        within = (self.clock - 1) % self.rule.t_epoch + 1
        self.sides["x"].spike(pre != 0, within, (0, 0) if self.fixed else None)
        self._draw()
        drawn = self._random["y"].impulse
        self.sides["y"].spike(post != 0, within, (drawn,) * 3 if self.fixed else None)
        if self.rule.factors == 3:
            for k, name in enumerate(("y1", "y2", "y3")):
                self.sides["y"].traces[k] = (third or {}).get(name, 0)
        self._draw()
        if within == self.rule.t_epoch:
            self._learn()
        return self.weights

    def _draw(self) -> None:
        for generator in self._random.values():
            generator.advance()

    def _learn(self) -> None:
        rounding = self._rounding.random()
        for name, side in self.sides.items():
            side.decay(self.rule.t_epoch, self._random[name] if self.fixed else None)
        if self.fixed:
            self._learn_fixed(rounding)
        else:
            total: Any = None
            for product in self.products:
                term = self._term_float(product)
                total = term if total is None else total + term
            self.weights = self.weights + total
        for name, side in self.sides.items():
            side.finish(keep=name == "y" and self.rule.factors == 3)

    def _term_float(self, product: Product) -> Any:
        term: Any = product.mantissa * 2.0**product.exponent * self._holds(product)
        for name, constant in product.factors:
            value = self._value(name, product.dependency)
            term = term * (value if constant is None else value + constant)
        return term

    def _learn_fixed(self, rounding: float) -> None:
        bound = 2**ACCUMULATOR_BITS
        total = self.weights << (ACCUMULATOR_BITS + 1 - WEIGHT_BITS)
        for product in self.products:
            term = np.ones(self.weights.shape, np.int32)
            term *= self._holds(product)
            bits = MANTISSA_BITS
            for name, constant in product.factors:
                width = WEIGHT_BITS if name == "w" else TRACE_BITS
                bits += width
                value = self._value(name, product.dependency) + (constant or 0)
                term *= np.clip(value, -(2**width), 2**width - 1).astype(np.int32)
            term *= product.mantissa
            term = term >> max(0, bits - ACCUMULATOR_BITS) << (product.exponent + 7)
            total = np.clip(total + np.clip(term, -bound - 1, bound - 1), -bound - 1, bound - 1)
        share = total / 2 ** (ACCUMULATOR_BITS + 1 - WEIGHT_BITS)
        rounded = np.floor(share) + (rounding < share % 1)
        self.weights = np.clip(rounded.astype(np.int32), -(2**8), 2**8 - 1)

    def _holds(self, product: Product) -> Any:
        """Return where the dependency of a product holds."""
        if product.dependency == "u":
            return int(int(self.clock / self.rule.t_epoch) % 2**product.decimate == 0)
        spiked = self.sides[product.dependency[0]].last > 0
        return spiked[np.newaxis, :] if product.dependency == "x0" else spiked[:, np.newaxis]

    def _value(self, name: str, dependency: str) -> Array:
        """Return a factor where its dependency has it read, for every synapse or to broadcast."""
        if name == "w":
            return self.weights
        side = self.sides[name[0]]
        history = side.history[:, side.names.index(name)]  # (E + 1, units)
        if dependency == "u":
            value = history[-1]
            return value[np.newaxis, :] if name[0] == "x" else value[:, np.newaxis]
        at = self.sides[dependency[0]].last
        if dependency[0] == name[0]:
            own = history[at, np.arange(len(at))]
            return own[np.newaxis, :] if name[0] == "x" else own[:, np.newaxis]
        return history[at] if name[0] == "x" else history[at].T


class _Side:
    """The traces of the units of one side, and when each unit spiked last in this epoch."""

    def __init__(
        self,
        names: tuple[str, ...],
        units: int,
        taus: Mapping[str, float],
        impulses: Mapping[str, float],
        number: Any,
    ) -> None:
        self.names = names
        self.traces = np.zeros((len(names), units), number)
        self.taus = np.array([taus.get(name, 0.0) for name in names])[:, np.newaxis]
        self.impulses = np.array([impulses.get(name, 0.0) for name in names])[:, np.newaxis]
        self.whole = np.floor(self.impulses).astype(np.int64)
        part = (self.impulses - self.whole) * 2**FRACTION_BITS
        self.fraction = np.round(part).astype(np.int64)
        self.last = np.zeros(units, np.int64)
        self.history = self.traces[np.newaxis]

    def spike(self, spiked: Array, within: int, drawn: tuple[int, ...] | None) -> None:
        """Note who spikes; a second spike adds its impulse at once."""
        again = (self.last > 0) & spiked
        if drawn is None:
            self.traces[:, again] += self.impulses
        else:
            self.traces[:, again] = self._raised(self.traces[:, again], np.array([drawn]).T)
        self.last[spiked] = within

    def decay(self, epoch: int, generator: _TraceRandom | None) -> None:
        """Write the history of the traces over an epoch."""
        history = np.zeros((epoch + 1, *self.traces.shape), self.traces.dtype)
        history[0] = self.traces
        kept = self.taus[:, 0] != 0
        if generator is None:
            history[1:] = np.nan
        factor = np.exp(-1 / self.taus[kept])
        for t in range(1, epoch + 1):
            value = factor * history[t - 1][kept]
            if generator is not None:
                value = np.floor(value) + (generator.decay < value % 1)
            history[t][kept] = value
            now = self.last == t
            if generator is None:
                history[t][:, now] += self.impulses
            else:
                history[t][:, now] = self._raised(history[t][:, now], generator.impulse)
        self.history = history

    def finish(self, keep: bool) -> None:
        """Begin an epoch with the traces of the end of the last; `keep` them as they were."""
        if not keep:
            self.traces = self.history[-1].copy()
        self.last = np.zeros_like(self.last)

    def _raised(self, traces: Array, drawn: Any) -> Array:
        """Return 7-bit traces with an impulse added, its fraction as what was drawn decides."""
        raised = traces + self.whole + (drawn < self.fraction)
        return np.clip(raised, 0, 2**TRACE_BITS - 1)


class _TraceRandom:
    """What decides the rounding of traces in a step: lava's two generators of a side."""

    def __init__(self, seed: int) -> None:
        self._decays, self._impulses = (np.random.default_rng(s) for s in (seed, seed + 1))
        self.advance()

    def advance(self) -> None:
        """Draw anew."""
        self.decay = float(self._decays.random(1)[0])
        drawn = self._impulses.integers(0, 2**TRACE_BITS, size=1, dtype=np.int64)
        self.impulse = int(drawn[0])
