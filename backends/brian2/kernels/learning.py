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
        #: The weights that synapses use, (postsynaptic, presynaptic), changed in place.
        self.weights = np.zeros(accumulator.shape)
        self.start(accumulator, momentum)

    def start(self, accumulator: Array, momentum: Array) -> None:
        """Begin a run with these accumulators and running means."""
        rule, sums = self.rule, self.rule.largest * self.copies
        scale = 4096 if rule.momentum else 1
        most = max(sums * scale, 4096.0 * float(np.abs(momentum).max(initial=0)))
        dtype = np.int64 if rule.fixed and most >= 2**52 else np.float64
        self.accumulator, self.momentum = accumulator.astype(dtype), momentum.astype(dtype)
        self.events = self.changed = 0
        self._traces: dict[str, Array] = {}
        self.weights[:] = self._effective(self.accumulator)

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
        for coefficient, weight, post_powers, pre_powers in rule.terms:
            post = np.broadcast_to(_product(post_powers, read) * is_open, (self.copies, n))
            pre = np.broadcast_to(_product(pre_powers, read), (self.copies, m))
            factors.append((coefficient, weight, post, pre))
        everywhere = slice(None)
        if rule.momentum:
            self._change(factors, everywhere, everywhere, episode, step)
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
            self._change(factors, _index(rows), everywhere, episode, step)
        others &= ~rows
        if others.any():
            columns |= 2 * columns.sum() >= m
            self._change(factors, _index(others), _index(columns), episode, step)

    def _change(self, factors: Any, rows: Any, columns: Any, episode: int, step: int) -> None:
        """Change the weights in these rows and columns."""
        rule = self.rule
        both = isinstance(rows, np.ndarray) and isinstance(columns, np.ndarray)
        where = np.ix_(rows, columns) if both else (rows, columns)
        before = self.accumulator[where]
        total = np.zeros(before.shape, before.dtype)
        for coefficient, weight, post, pre in factors:
            total += self._term(coefficient, post[:, rows], pre[:, columns], before, weight)
        if not rule.self_connections:
            diagonal = np.eye(*self.weights.shape, dtype=bool)[where]
            total[diagonal] = 0
        if rule.fixed:
            change = self._change_fixed(total, where, episode, step)
        else:
            change = total if self.copies == 1 else total / self.copies
            if rule.momentum:
                change = rule.momentum * self.momentum + (1 - rule.momentum) * change
                self.momentum = change
        after = before + change
        np.clip(after, rule.low, rule.high, out=after)
        self.changed += int(np.count_nonzero(after != before))
        self.accumulator[where] = after
        self.weights[where] = self._effective(after)

    def _term(self, coefficient: float, post: Array, pre: Array, held: Array, weight: int) -> Array:
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
        if weight:
            outer *= held if weight == 1 else held**weight
        return outer

    def _change_fixed(self, total: Array, where: Any, episode: int, step: int) -> Array:
        rule = self.rule
        if rule.momentum:
            kept = int(rule.momentum)
            total = _towards_zero(kept * self.momentum + (4096 - kept) * total)
            self.momentum = total
        shift = rule.shift + self.copies.bit_length() - 1  # a batch is a power of two
        if shift == 0:
            return total
        if rule.rounding == "truncate":
            return np.sign(total) * _floor(np.abs(total), shift)
        if rule.rounding == "nearest":
            return _floor(total + 2 ** (shift - 1), shift)
        shape = self.weights.shape
        if rule.rounding == "shared":
            drawn = drawn_bits(rule.seed, rule.path, episode, step, 1, shift)[0]
        else:
            drawn = drawn_bits(rule.seed, rule.path, episode, step, int(np.prod(shape)), shift)
            drawn = drawn.reshape(shape)[where]
        return _floor(total + drawn, shift)

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
    """Return floor(x / 2**bits)."""
    return x >> bits if x.dtype == np.int64 else np.floor(x * 2.0**-bits)


def _towards_zero(x: Array) -> Array:
    """Return x / 4096, truncated."""
    if x.dtype == np.int64:
        return np.sign(x) * (np.abs(x) >> 12)
    return np.trunc(x / 4096)


#: What `Learner` calls.
HELPERS = (_product, _index, _floor, _towards_zero)
