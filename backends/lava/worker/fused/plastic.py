"""Learning of the fused kernel: the reference's `Plastic`, faster, where float64 holds its numbers.

A term of a rule is an outer product of a postsynaptic and a presynaptic signal, times a power of
the weight. Most signals are 0 most of the time, and a row or column of zeros changes nothing: only
rows in which some postsynaptic signal is not 0 are computed, and columns likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hebbgraph.backends.lava.worker.bounds import EXACT64
from hebbgraph.backends.lava.worker.plan import Array
from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.random import stream

#: Above this share of rows or columns, all are computed.
FEW = 0.4


def plastic_for(
    path: str, rule: Any, domain: str, accumulator: Array, momentum: Array, batch: int
) -> Any:
    """Return what learns: the fast form where no sum of `batch` episodes can be inexact in it."""
    if domain == "fixed" and not exact(rule, momentum, batch):
        return Plastic(path, rule, domain, accumulator, momentum)
    return FastPlastic(path, rule, domain, accumulator, momentum)


def exact(rule: Any, momentum: Array, batch: int) -> bool:
    """Return whether float64 holds every number that a rule of the fixed domain can lead to."""
    largest = rule.largest_sum
    if largest is None:
        return False
    total = max(batch * largest, float(np.abs(momentum).max(initial=0)))
    if rule.momentum:
        total *= 4096
    shift = rule.shift + batch.bit_length() - 1
    return bool(total + 2.0**shift < EXACT64)


@dataclass(frozen=True)
class _Symbols:
    """One term of a rule: its signals by side, as (name, power), and the power of the weight."""

    coefficient: float
    post: tuple[tuple[str, int], ...]
    pre: tuple[tuple[str, int], ...]
    weight: int


@dataclass
class _Term:
    """One term in this step: its two sides, (episodes, units), and the power of the weight."""

    post: Array
    pre: Array
    power: int


class FastPlastic:
    """The weights of one process while they learn; `Plastic` with float64 in both domains."""

    def __init__(
        self, path: str, rule: Any, domain: str, accumulator: Array, momentum: Array
    ) -> None:
        self.path, self.rule, self.fixed = path, rule, domain == "fixed"
        self.accumulator = accumulator.astype(np.float64)
        self.momentum = momentum.astype(np.float64)
        self.scale = 2.0**rule.fraction
        self.low, self.high = rule.low * self.scale, rule.high * self.scale
        self.weights = self.accumulator
        if rule.fraction:
            self.weights = np.floor(self.accumulator / self.scale + 0.5)
        self.events = self.changed = 0
        self._signals: dict[str, Array] = {}
        self._limit = 2.0 ** (rule.signal_bits - 1) - 1
        self._terms = [_symbols(term, rule.sides) for term in rule.terms]

    def begin(self, episodes: int) -> None:
        """Begin `episodes` episodes side by side: zero traces."""
        sizes = {"post": self.weights.shape[0], "pre": self.weights.shape[1], "all": 1}
        self._signals = {
            name: np.zeros((episodes, sizes[self.rule.sides[name]])) for name in self.rule.traces
        }

    def read(self, signals: Mapping[str, Array]) -> None:
        """Take this step's signals and advance the traces."""
        read = {name: self._clipped(values) for name, values in signals.items()}
        for name, trace in self.rule.traces.items():
            product = self.rule.products[name]
            added: Any = trace.impulse * product.coefficient
            for symbol, power in product.powers:
                added = added * _power(read[symbol], power)
            x = self._signals[name]
            if self.fixed:
                x = self._clipped(np.trunc(x * ((4096 - trace.decay) / 4096)) + added)
            else:
                x = x * (1 - trace.decay) + added
            read[name] = x
        self._signals = read

    def learn(self, gate: Array, episode: int, step: int) -> None:
        """End an epoch: change the weights by the mean over episodes whose `gate` is not 0."""
        is_open = gate != 0
        if not is_open.any():
            return
        self.events += 1
        batch = len(gate)
        terms = [self._sides(term, is_open) for term in self._terms]
        noise = self._noise(batch, episode, step)
        for rows, columns, sides in self._regions(terms):
            self._change(rows, columns, sides, batch, noise)

    def _sides(self, term: _Symbols, is_open: Array) -> _Term:
        """Return the two sides of a term, the coefficient and what is one for all with the post."""
        post = term.coefficient * is_open
        for name, power in term.post:
            post = post * _power(self._signals[name], power)
        pre = None
        for name, power in term.pre:
            factor = _power(self._signals[name], power)
            pre = factor if pre is None else pre * factor
        rows, columns = self.accumulator.shape
        if post.shape[1] != rows:
            post = np.repeat(post, rows, axis=1)
        return _Term(post, np.ones((len(post), columns)) if pre is None else pre, term.weight)

    def _regions(self, terms: list[_Term]) -> Iterator[tuple[Any, Any, list[_Term]]]:
        """Yield rows, columns and terms in them, so that all that may change is met once.

        Rows, or columns, are indices, or None for all of them.
        """
        shape = self.accumulator.shape
        rows, columns = np.zeros(shape[0], bool), np.zeros(shape[1], bool)
        for term in terms:
            row, column = _used(term.post), _used(term.pre)
            by_row, by_column = (np.count_nonzero(used) / used.size for used in (row, column))
            if by_row and by_column:
                kept, used = (rows, row) if by_row <= by_column else (columns, column)
                kept |= used
        few, others = rows.nonzero()[0], columns.nonzero()[0]
        if self.rule.momentum or max(len(few) / shape[0], len(others) / shape[1]) > FEW:
            yield None, None, terms
            return
        if len(few):
            yield few, None, [_Term(t.post.take(few, 1), t.pre, t.power) for t in terms]
        if len(others):
            rest = terms
            if len(few):  # what was met above is met again with nothing to add
                rest = [_Term(t.post * ~rows, t.pre, t.power) for t in terms]
            yield None, others, [_Term(t.post, t.pre.take(others, 1), t.power) for t in rest]

    def _change(
        self, rows: Any, columns: Any, terms: list[_Term], batch: int, noise: Array | None
    ) -> None:
        """Add the rounded sum of `terms` to some rows or columns, within the bounds."""
        old = _part(self.accumulator, rows, columns)
        new = self._sum(terms, old)
        if not self.rule.self_connections:
            self._clear_diagonal(new, rows, columns)
        new = self._rounded(new, batch, rows, columns, noise)
        new += old
        if self.low > -np.inf:
            np.maximum(new, self.low, out=new)
        if self.high < np.inf:
            np.minimum(new, self.high, out=new)
        self.changed += int(np.count_nonzero(new != old))
        self.accumulator = _with_part(self.accumulator, rows, columns, new)
        if not self.rule.fraction:
            self.weights = self.accumulator
        else:
            rounded = np.floor(new / self.scale + 0.5)
            self.weights = _with_part(self.weights, rows, columns, rounded)

    def _sum(self, terms: list[_Term], weights: Array) -> Array:
        """Return the sum of the terms over the episodes."""
        total: Array | None = None
        for power in sorted({term.power for term in terms}):
            same = [term for term in terms if term.power == power]
            post = np.concatenate([term.post for term in same])
            pre = np.concatenate([term.pre for term in same])
            part = post.T @ pre
            if power:
                part *= _power(weights, power)
            total = part if total is None else np.add(total, part, out=total)
        return np.zeros_like(weights) if total is None else total

    def _clear_diagonal(self, total: Array, rows: Any, columns: Any) -> None:
        """Let no unit learn the synapse onto the unit of the same index."""
        posts, pres = (
            np.arange(size) if which is None else which
            for size, which in zip(self.accumulator.shape, (rows, columns), strict=True)
        )
        _, i, j = np.intersect1d(posts, pres, assume_unique=True, return_indices=True)
        total[i, j] = 0

    def _rounded(
        self, total: Array, batch: int, rows: Any, columns: Any, noise: Array | None
    ) -> Array:
        """Return the change of the weights, made of the sum of the terms."""
        kept = self.rule.momentum
        if not self.fixed:
            if batch > 1:
                total /= batch
            if kept:
                self.momentum = kept * self.momentum + (1 - kept) * total
                total = self.momentum.copy()
            return total
        if kept:
            self.momentum = np.trunc((kept * self.momentum + (4096 - kept) * total) / 4096)
            total = self.momentum.copy()
        shift = self.rule.shift + batch.bit_length() - 1  # a batch is a power of two
        if shift == 0:
            return total
        if self.rule.rounding == "truncate":
            total *= 2.0**-shift
            return np.trunc(total, out=total)
        if noise is None:
            total += 2.0 ** (shift - 1)
        else:
            total += noise if noise.size == 1 else _part(noise, rows, columns)
        total *= 2.0**-shift
        return np.floor(total, out=total)

    def _noise(self, batch: int, episode: int, step: int) -> Array | None:
        """Return random integers of as many bits as are rounded away, where the rule draws any."""
        bits = self.rule.shift + batch.bit_length() - 1
        if not self.fixed or not bits or self.rule.rounding not in ("stochastic", "shared"):
            return None
        shape = (1, 1) if self.rule.rounding == "shared" else self.accumulator.shape
        generator = stream(self.rule.seed, self.path, "rounding", episode=episode, step=step)
        words = np.asarray(generator.bit_generator.random_raw(int(np.prod(shape))), np.uint64)
        return (words >> np.uint64(64 - bits)).astype(np.float64).reshape(shape)

    def _clipped(self, values: Array) -> Array:
        return np.clip(values, -self._limit, self._limit) if self.fixed else values


def _symbols(term: Any, sides: Mapping[str, str]) -> _Symbols:
    """Return the signals of a term by side; what is one for all synapses is with the post."""
    signals = [(name, power) for name, power in term.powers if name != "w"]
    post = tuple(signal for signal in signals if sides[signal[0]] != "pre")
    pre = tuple(signal for signal in signals if sides[signal[0]] == "pre")
    return _Symbols(term.coefficient, post, pre, dict(map(tuple, term.powers)).get("w", 0))


def _used(side: Array) -> Array:
    """Return which units have a signal in some episode."""
    return np.asarray(side[0] != 0 if len(side) == 1 else side.any(axis=0))


def _part(matrix: Array, rows: Array | None, columns: Array | None) -> Array:
    """Return some rows or columns, or all."""
    if rows is not None:
        return matrix.take(rows, 0)
    return matrix if columns is None else matrix.take(columns, 1)


def _with_part(matrix: Array, rows: Array | None, columns: Array | None, part: Array) -> Array:
    """Return `matrix` with some rows or columns replaced in place, or `part` for all of it."""
    if rows is not None:
        matrix[rows] = part
    elif columns is not None:
        matrix[:, columns] = part
    else:
        return part
    return matrix


def _power(values: Array, power: int) -> Array:
    """Return a whole power, 1 or more, by products: they are exact where a library's may not be."""
    result = values
    for _ in range(power - 1):
        result = result * values
    return result
