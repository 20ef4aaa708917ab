"""The synapses of one process while they learn: what all forms of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import downwards, saturate, towards_zero
from hebbgraph.backends.snntorch.learning.rounding import Draws
from hebbgraph.backends.snntorch.learning.terms import Index, Vectors, product, recipes, vectors
from hebbgraph.rules import Rule


class Learning(ABC):
    """Plastic synapses of one process, whatever their arithmetic."""

    def __init__(self, path: str, rule: Rule, accumulator: Tensor, momentum: Tensor) -> None:
        self.path, self.rule = path, rule
        self.accumulator, self.momentum = accumulator, momentum
        #: What the synapses use, (postsynaptic, presynaptic): ask again after each change.
        self.weights = accumulator
        #: Ends of epochs at which the rule was applied.
        self.events = 0

    @property
    @abstractmethod
    def changed(self) -> int:
        """Return how many weights have changed at one of the events."""

    @abstractmethod
    def begin(self, episodes: int) -> None:
        """Begin `episodes` episodes side by side: zero traces."""

    @abstractmethod
    def read(self, signals: Mapping[str, Tensor]) -> None:
        """Take this step's signals, (episodes, units of their side), and advance the traces."""

    @abstractmethod
    def learn(self, gate: Tensor | None, episode: int, step: int) -> None:
        """End an epoch, learning from the episodes whose `gate` (episodes, 1) is not 0.

        `episode` is the first one's number; without a gate all are open.
        """


class Plastic(Learning):
    """Synapses whose sums fit floating point: what was read, and what it changes."""

    def __init__(
        self, path: str, rule: Rule, accumulator: Tensor, momentum: Tensor, *, fixed: bool
    ) -> None:
        super().__init__(path, rule, accumulator, momentum)
        self.fixed = fixed
        self.shape = (accumulator.shape[0], accumulator.shape[1])
        scale = 2.0**rule.fraction
        self.low, self.high = rule.low * scale, rule.high * scale
        self.bounded = self.low > -torch.inf or self.high < torch.inf
        self.weights = self.effective(self.accumulator)
        self._recipes = recipes(rule)
        self._signals: dict[str, Tensor] = {}

    def begin(self, episodes: int) -> None:
        """Begin `episodes` episodes side by side: zero traces."""
        sizes = {"post": self.shape[0], "pre": self.shape[1], "all": 1}
        self._signals = {
            name: self.accumulator.new_zeros(episodes, sizes[self.rule.sides[name]])
            for name in self.rule.traces
        }

    def read(self, signals: Mapping[str, Tensor]) -> None:
        """Take this step's signals and advance the traces."""
        read = {name: self._clipped(values) for name, values in signals.items()}
        for name, trace in self.rule.traces.items():
            term = self.rule.products[name]
            added = product(term.powers, read)
            assert added is not None
            added = (trace.impulse * term.coefficient) * added
            x = self._signals[name]
            if self.fixed:
                x = self._clipped(towards_zero(x * ((4096 - trace.decay) / 4096)) + added)
            else:
                x = x * (1 - trace.decay) + added
            read[name] = x
        self._signals = read

    def learn(self, gate: Tensor | None, episode: int, step: int) -> None:
        """End an epoch."""
        episodes = len(next(iter(self._signals.values())))
        # In `fixed` sums are scaled before they are rounded; a batch is a power of two.
        bits = self.rule.shift + episodes.bit_length() - 1 if self.fixed else 0
        scaled = bits if not self.rule.momentum else 0
        unit = 2.0**-scaled if self.fixed else 1 / episodes
        share = self.accumulator.new_full((episodes, 1), unit)
        if gate is not None:
            is_open = gate != 0
            if not bool(is_open.any()):
                return
            share = torch.where(is_open, share, 0.0)
        terms = [vectors(recipe, self._signals, share) for recipe in self._recipes]
        random = bits > 0 and self.rule.rounding in ("stochastic", "shared")
        draws = Draws(self.rule, self.path, episode, step) if random else None
        self.apply(terms, bits, draws)
        self.events += 1

    @abstractmethod
    def apply(self, terms: Sequence[Vectors], bits: int, draws: Draws | None) -> None:
        """Change the weights by the sum of `terms`, which are multiples of 2**-bits in `fixed`."""

    def draw(self, draws: Draws | None, rows: Index, columns: Index, like: Tensor) -> Tensor | None:
        """Return the random numbers of some synapses, or one for all."""
        if draws is None:
            return None
        found = draws.rows(rows, self.shape, like)
        return found if isinstance(columns, slice) or found.numel() == 1 else found[:, columns]

    def effective(self, accumulator: Tensor) -> Tensor:
        """Return the weights that the synapses use."""
        fraction = self.rule.fraction
        if not fraction:
            return accumulator
        return downwards((accumulator + 2.0 ** (fraction - 1)) * 2.0**-fraction)

    def _clipped(self, values: Tensor) -> Tensor:
        return saturate(values, self.rule.signal_bits) if self.fixed else values


def units(index: Index, count: int, device: torch.device) -> Tensor:
    """Return the numbers of the `count` units that `index` names."""
    if isinstance(index, Tensor):
        return index
    first = index.start or 0
    return torch.arange(first, first + count, device=device)
