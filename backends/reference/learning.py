"""Learning: what a `Rule` does to one set of synapses, in both domains: the definition.

Like `steps`, this module needs NumPy and `hebbgraph.random` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.reference.loihi import saturate, towards_zero
from hebbgraph.random import stream

Array = NDArray[Any]


class Plastic:
    """The weights of one process while they learn, and the traces that its rule reads.

    `rule` is a `Rule`, or anything with its fields and `terms`, `products` and `sides`. Signals
    have shape (episodes, units of their side), one unit for the side ``all``.
    """

    def __init__(
        self, path: str, rule: Any, domain: str, accumulator: Array, momentum: Array
    ) -> None:
        self.path, self.rule, self.fixed = path, rule, domain == "fixed"
        #: In `float` the weights; in `fixed` with ``rule.fraction`` more bits than the weights.
        self.accumulator, self.momentum = accumulator.copy(), momentum.copy()
        self.weights = self._effective()
        #: Ends of epochs at which the rule was applied, and weights that changed at one.
        self.events = self.changed = 0
        self._signals: dict[str, Array] = {}

    def begin(self, episodes: int) -> None:
        """Begin `episodes` episodes side by side: zero traces."""
        sizes = {"post": self.weights.shape[0], "pre": self.weights.shape[1], "all": 1}
        self._signals = {
            name: np.zeros((episodes, sizes[self.rule.sides[name]]), self.weights.dtype)
            for name in self.rule.traces
        }

    def read(self, signals: Mapping[str, Array]) -> None:
        """Take this step's signals and advance the traces."""
        read = {name: self._clipped(values) for name, values in signals.items()}
        for name, trace in self.rule.traces.items():
            impulse = int(trace.impulse) if self.fixed else trace.impulse
            added = impulse * self._product(self.rule.products[name], read)
            x = self._signals[name]
            if self.fixed:
                x = self._clipped(towards_zero(x * (4096 - int(trace.decay))) + added)
            else:
                x = x * (1 - trace.decay) + added
            read[name] = x
        self._signals = read

    def learn(self, gate: Array, episode: int, step: int) -> None:
        """End an epoch: change the weights by the mean over episodes whose `gate` is not 0.

        `gate` has shape (episodes, 1); `episode` is the first one's number.
        """
        is_open = gate != 0
        if not is_open.any():
            return
        total = self._sum(is_open)
        if not self.rule.self_connections:
            np.fill_diagonal(total, 0)
        before = self.accumulator
        change = self._change_fixed if self.fixed else self._change_float
        self.accumulator = before + change(total, len(gate), episode, step)
        scale = 2**self.rule.fraction
        low, high = self.rule.low * scale, self.rule.high * scale
        if self.fixed:
            low, high = int(low), int(high)
        self.accumulator = np.clip(self.accumulator, low, high)
        self.events += 1
        self.changed += int(np.count_nonzero(self.accumulator != before))
        self.weights = self._effective()

    def _sum(self, is_open: Array) -> Array:
        """Return the sum of the terms over the episodes that are open."""
        total = np.zeros_like(self.accumulator)
        episodes = len(is_open)
        for term in self.rule.terms:
            sides = {side: np.ones((episodes, 1), total.dtype) for side in ("pre", "post", "all")}
            weight = 0
            for name, power in term.powers:
                if name == "w":
                    weight = power
                else:
                    side = self.rule.sides[name]
                    sides[side] = sides[side] * self._signals[name] ** power
            post, pre = sides["post"] * sides["all"] * is_open, sides["pre"]
            outer = np.zeros_like(total)
            for e in range(episodes):
                outer = outer + np.multiply.outer(post[e], pre[e])
            coefficient = int(term.coefficient) if self.fixed else term.coefficient
            total = total + coefficient * outer * self.accumulator**weight
        return total

    def _change_float(self, total: Array, episodes: int, episode: int, step: int) -> Array:
        change = total / episodes
        if self.rule.momentum:
            kept = self.rule.momentum
            self.momentum = kept * self.momentum + (1 - kept) * change
            change = self.momentum
        return change

    def _change_fixed(self, total: Array, episodes: int, episode: int, step: int) -> Array:
        if self.rule.momentum:
            kept = int(self.rule.momentum)
            self.momentum = towards_zero(kept * self.momentum + (4096 - kept) * total)
            total = self.momentum
        shift = self.rule.shift + episodes.bit_length() - 1  # a batch is a power of two
        if shift == 0:
            return total
        if self.rule.rounding == "truncate":
            return np.sign(total) * (np.abs(total) >> shift)
        if self.rule.rounding == "nearest":
            return (total + 2 ** (shift - 1)) >> shift
        return (total + self._random(total.shape, shift, episode, step)) >> shift

    def _random(self, shape: tuple[int, ...], bits: int, episode: int, step: int) -> Array:
        """Return random integers of `bits` bits: one per synapse, or one for all."""
        count = 1 if self.rule.rounding == "shared" else int(np.prod(shape))
        generator = stream(self.rule.seed, self.path, "rounding", episode=episode, step=step)
        words = np.asarray(generator.bit_generator.random_raw(count), dtype=np.uint64)
        drawn = (words >> np.uint64(64 - bits)).astype(np.int64)
        return drawn.reshape(shape if count > 1 else (1, 1))

    def _effective(self) -> Array:
        """Return the weights that the synapses use."""
        fraction = self.rule.fraction
        if not fraction:
            return self.accumulator
        return (self.accumulator + 2 ** (fraction - 1)) >> fraction

    def _product(self, term: Any, signals: Mapping[str, Array]) -> Any:
        """Return the product of one term, its coefficient included."""
        product: Any = int(term.coefficient) if self.fixed else term.coefficient
        for name, power in term.powers:
            product = product * signals[name] ** power
        return product

    def _clipped(self, values: Array) -> Array:
        return saturate(values, self.rule.signal_bits) if self.fixed else values
