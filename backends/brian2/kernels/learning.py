"""Learning on arrays: what a rule does to the weights of one set of synapses.

Whole numbers of `fixed` are carried in float64 as long as every sum stays below 2**53, and in
int64 otherwise: both are exact, and the first is several times faster. Only those rows and columns
are touched in which a rule can change anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.random import stream

Array = NDArray[Any]


@dataclass(frozen=True)
class PlasticRule:
    """A rule as numbers: what `Learner` reads."""

    path: str
    fixed: bool
    #: (coefficient, power of the weight, powers of postsynaptic signals, of presynaptic ones).
    terms: tuple[tuple[float, int, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]], ...]
    #: (name, factor on what is added, its powers, decay).
    traces: tuple[tuple[str, float, tuple[tuple[str, int], ...], float], ...]
    #: Bounds of the accumulators.
    low: float
    high: float
    #: Steps of an epoch; 0 for an episode.
    epoch: int
    momentum: float
    rounding: str
    shift: int
    fraction: int
    signal_bits: int
    seed: int
    self_connections: bool
    #: A bound on the sum of the terms of one episode.
    largest: float


class Learner:
    """The weights of one set of synapses while they learn, `copies` episodes at a time."""

    def __init__(self, rule: PlasticRule, copies: int, accumulator: Array, momentum: Array) -> None:
        self.rule, self.copies = rule, copies
        #: What arrives at the presynaptic side in this step, (copies, units).
        self.pre = np.zeros((copies, accumulator.shape[1]))
        self.start(accumulator, momentum)

    def start(self, accumulator: Array, momentum: Array) -> None:
        """Begin a run with these accumulators and running means."""
        rule, sums = self.rule, self.rule.largest * self.copies
        scale = 4096 if rule.momentum else 1
        most = max(sums * scale, 4096.0 * float(np.abs(momentum).max(initial=0)))
        dtype = np.int64 if rule.fixed and most >= 2**52 else np.float64
        self.accumulator: Array = accumulator.astype(dtype)
        self.momentum: Array = momentum.astype(dtype)
        #: The weights that synapses use, (postsynaptic, presynaptic), changed in place: the
        #: accumulators themselves unless those have a fraction.
        self.weights: Array = self.accumulator
        if rule.fraction or dtype == np.int64:
            self.weights = self._effective(self.accumulator).astype(float)
        self.events = self.changed = 0
        self._traces: dict[str, Array] = {}

    def advance(
        self,
        step: int,
        steps: int,
        episode: int,
        signals: dict[str, Array],
        gate: Array | None = None,
    ) -> None:
        """Read the signals of one step and, where an epoch ends with an open gate, learn.

        `episode` is the number of the first of the episodes.
        """
        if step == 0:
            self._traces = {}
        read = {"pre": self._clipped(self.pre)}
        read |= {name: self._clipped(values) for name, values in signals.items()}
        for name, factor, powers, decay in self.rule.traces:
            x = self._decayed(self._traces.get(name, 0.0), decay)
            x = self._clipped(x + factor * _product(powers, read))
            self._traces[name] = read[name] = x
        if (step + 1) % (self.rule.epoch or steps) == 0:
            is_open = np.ones((self.copies, 1)) if gate is None else (gate != 0) * 1.0
            if is_open.any():
                self.events += 1
                self._learn(read, is_open, episode, step)

    def _learn(self, read: dict[str, Array], is_open: Array, episode: int, step: int) -> None:
        """Change the weights by the mean over the episodes whose gate is open."""
        rule, (n, m) = self.rule, self.weights.shape
        factors = []
        for coefficient, power, post_powers, pre_powers in rule.terms:
            post = np.broadcast_to(_product(post_powers, read) * is_open, (self.copies, n))
            pre = np.broadcast_to(_product(pre_powers, read), (self.copies, m))
            factors.append((coefficient, power, post, pre))
        drawn = _Draws(rule, episode, step, (n, m), self._shift)
        everywhere = slice(None)
        if rule.momentum:
            self._change(factors, everywhere, everywhere, drawn)
            return
        # Terms of few rows are taken with all columns, the others in the rest of the rows.
        rows, columns, others = np.zeros(n, bool), np.zeros(m, bool), np.zeros(n, bool)
        for _, _, post, pre in factors:
            high, wide = post.any(axis=0), pre.any(axis=0)
            if not (high.any() and wide.any()):
                continue
            if high.sum() * m <= wide.sum() * n:
                rows |= high
            else:
                columns |= wide
                others |= high
        if rows.any():
            rows |= 2 * rows.sum() >= n
            self._change(factors, _index(rows), everywhere, drawn)
        others &= ~rows
        if others.any():
            columns |= 2 * columns.sum() >= m
            self._change(factors, _index(others), _index(columns), drawn)

    @property
    def _shift(self) -> int:
        """Return the power of two that divides sums: a batch is a power of two."""
        return self.rule.shift + self.copies.bit_length() - 1

    def _change(self, factors: Any, rows: Any, columns: Any, drawn: _Draws) -> None:
        """Change the weights in these rows and columns."""
        both = isinstance(rows, np.ndarray) and isinstance(columns, np.ndarray)
        where = np.ix_(rows, columns) if both else (rows, columns)
        before = self.accumulator[where]
        terms = [
            self._term(coefficient, post[:, rows], pre[:, columns], before, power)
            for coefficient, power, post, pre in factors
        ]
        total = terms[0] if terms else np.zeros_like(before)
        for term in terms[1:]:
            total += term
        if not self.rule.self_connections:
            n, m = self.weights.shape
            total[(np.arange(n)[:, np.newaxis] == np.arange(m))[where]] = 0
        change = self._change_fixed if self.rule.fixed else self._change_float
        after = before + change(total, where, drawn)
        low, high = self.rule.low, self.rule.high
        if self.rule.fixed:
            np.clip(after, int(low), int(high), out=after)
        elif np.isfinite([low, high]).any():
            np.clip(after, low, high, out=after)
        self.changed += int(np.count_nonzero(after != before))
        self.accumulator[where] = after
        if self.weights is not self.accumulator:
            self.weights[where] = self._effective(after)

    def _term(self, coefficient: float, post: Array, pre: Array, held: Array, power: int) -> Array:
        """Return one term, summed over episodes."""
        dtype = held.dtype
        if dtype == np.int64:
            post, pre, coefficient = post.astype(dtype), pre.astype(dtype), int(coefficient)
        if self.rule.fixed:
            # Exact in any order, so the coefficient goes to the smaller side.
            post, coefficient = coefficient * post, 1
        outer = np.multiply.outer(post[0], pre[0]) if len(post) == 1 else post.T @ pre
        if coefficient != 1:
            outer *= coefficient
        if power:
            outer *= held if power == 1 else held**power
        return outer

    def _change_float(self, total: Array, where: Any, drawn: _Draws) -> Array:
        change: Array = total if self.copies == 1 else total / self.copies
        if self.rule.momentum:
            kept = self.rule.momentum
            self.momentum = kept * self.momentum + (1 - kept) * change
            return self.momentum
        return change

    def _change_fixed(self, total: Array, where: Any, drawn: _Draws) -> Array:
        if self.rule.momentum:
            kept = int(self.rule.momentum)
            self.momentum = _towards_zero(kept * self.momentum + (4096 - kept) * total)
            total = self.momentum.copy()
        rounding, shift = self.rule.rounding, self._shift
        if shift == 0:
            return total
        if rounding == "truncate":
            return np.sign(total) * _floor(np.abs(total), shift)
        total += 2 ** (shift - 1) if rounding == "nearest" else drawn.at(where)
        return _floor(total, shift)

    def _effective(self, accumulator: Array) -> Array:
        """Return the weights that belong to accumulators."""
        fraction = self.rule.fraction
        return _floor(accumulator + 2 ** (fraction - 1), fraction) if fraction else accumulator

    def _decayed(self, x: Any, decay: float) -> Any:
        return np.trunc(x * (4096 - decay) / 4096) if self.rule.fixed else x * (1 - decay)

    def _clipped(self, values: Any) -> Array:
        if not self.rule.fixed:
            return np.asarray(values)
        largest = 2 ** (self.rule.signal_bits - 1) - 1
        return np.clip(values, -largest, largest).astype(float)


class _Draws:
    """The random integers of one step, drawn when they are first asked for."""

    def __init__(
        self, rule: PlasticRule, episode: int, step: int, shape: tuple[int, int], bits: int
    ) -> None:
        self._key = rule.seed, rule.path, episode, step
        self._shape = (1, 1) if rule.rounding == "shared" else shape
        self._bits = bits
        self._drawn: Array | None = None

    def at(self, where: Any) -> Array:
        """Return those of some rows and columns, or the one for all."""
        if self._drawn is None:
            count = self._shape[0] * self._shape[1]
            self._drawn = drawn_bits(*self._key, count, self._bits).reshape(self._shape)
        return self._drawn if self._drawn.size == 1 else self._drawn[where]


def drawn_bits(seed: int, path: str, episode: int, step: int, count: int, bits: int) -> Array:
    """Return random integers of `bits` bits, the same on every engine."""
    generator = stream(seed, path, "rounding", episode=episode, step=step)
    words = np.asarray(generator.bit_generator.random_raw(count), dtype=np.uint64)
    return (words >> np.uint64(64 - bits)).astype(np.int64)


def _product(powers: Any, signals: dict[str, Array]) -> Any:
    product: Any = np.ones((1, 1))
    for name, power in powers:
        product = product * signals[name] ** power
    return product


def _index(chosen: Array) -> Any:
    """Return where `chosen` is true."""
    return slice(None) if chosen.all() else np.flatnonzero(chosen)


def _floor(x: Array, bits: int) -> Array:
    """Return floor(x / 2**bits), in the place of x if that is float64."""
    if x.dtype == np.int64:
        return x >> bits
    x *= 2.0**-bits
    return np.floor(x, out=x)


def _towards_zero(x: Any) -> Array:
    """Return x / 4096, truncated."""
    if x.dtype == np.int64:
        return np.sign(x) * (np.abs(x) >> 12)
    return np.trunc(x / 4096)


#: What `Learner` calls.
HELPERS = (_product, _index, _floor, _towards_zero, _Draws)
