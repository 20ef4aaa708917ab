"""Synapses whose weights are a matrix: one product a step, or one for a chunk of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import (
    EXACT_FLOAT64,
    REGISTER,
    in_halves,
    wrap32,
)
from hebbgraph.backends.snntorch.bounds import Bound
from hebbgraph.backends.snntorch.inference.emitter import Emitter
from hebbgraph.backends.snntorch.inference.lines import Arrivals, Line
from hebbgraph.backends.snntorch.inference.octets import Octets
from hebbgraph.backends.snntorch.parts.synapses import GraphSynapses, Matrices


@final
class Product(Emitter):
    """Dense, Transpose, Sparse or BlockDense synapses.

    `line` has the dtype in which they multiply; `learned` returns weights that change. With
    `octets`, what arrives fits 8 bits, and so may the weights: then integers are multiplied. It
    returns the weights as such, where they are. A `twin` has the same weights.
    """

    def __init__(
        self,
        synapses: GraphSynapses,
        sums: Bound,
        line: Line,
        outputs: Sequence[Tensor] = (),
        learned: Callable[[], Tensor] | None = None,
        *,
        octets: Callable[[], Tensor | None] | None = None,
        twin: Product | None = None,
    ) -> None:
        super().__init__(line, outputs)
        like = line.row(0)
        self._copies, self._learned = synapses.copies, learned
        # A power of two above 1 is exact in the weights, one below it needs rounding of the sum.
        factor = 1.0 if learned else 2.0 ** max(synapses.exponent, 0)
        self._scale = 2.0**synapses.exponent / factor
        self._wraps = synapses.fixed and sums.largest * factor * max(self._scale, 1) >= REGISTER
        self._splits = synapses.fixed and sums.largest >= EXACT_FLOAT64
        self._octets: Octets | None = None
        self._weights: Matrices = []
        if twin:
            self._octets = twin._octets.apart() if twin._octets else None
            self._weights = twin._weights
        elif not learned:
            self._hold(synapses.matrices(), factor, octets)
        self._width = synapses.shape[1]
        self._s = like.new_empty(like.shape[0], self._width)
        self._slab = like.new_empty(0, 0, 0)

    def _hold(
        self, matrices: Matrices, factor: float, octets: Callable[[], Tensor | None] | None
    ) -> None:
        """Take `matrices` times `factor`, in 8 bits if they fit and that is faster."""
        like = self.line.row(0)
        if octets:
            self._octets = Octets.of([m for _, m in matrices], factor, like, octets)
        if self._octets:
            delays = (delay for delay, _ in matrices)
            self._weights = list(zip(delays, self._octets.weights, strict=True))
            return
        for delay, matrix in matrices:
            weights = matrix.detach().to(like.dtype)
            self._weights.append((delay, (weights * factor if factor > 1 else weights).t()))

    def hear(self, arrivals: Mapping[str, Arrivals]) -> None:
        """Take what arrives."""
        super().hear(arrivals)
        self._arriving = arrivals["s"]
        delays = [delay for delay, _ in self._weights] or [0]
        self.starts = self._arriving.starts + min(delays)
        self.until = self._arriving.until + max(delays)

    def move(self, t: int) -> None:
        """Multiply, unless nothing arrives."""
        total, empty = self.line.row(t), True
        for delay, weights in self._matrices():
            s = self._arriving.at(t - delay) if t >= delay else None
            if s is not None:
                if (self._octets is None and s.dtype != total.dtype) or s.shape[-1] != self._width:
                    s = self._s.copy_(s)
                self._multiply(s, weights, total, empty)
                empty = False
        if empty:
            self._silent.add(t)
            self.line.skip(t)
        else:
            self._keep(total)

    def advance(self, first: int, last: int) -> None:
        """Multiply what arrives in a whole chunk."""
        begin, end = max(first, self.starts), int(min(last, self.until))
        if self._recorded:  # they take every step
            self.line.slab(first, max(first, min(begin, last))).zero_()
            self.line.slab(max(first, min(end, last)), last).zero_()
        if begin < end:
            total = self.line.slab(begin, end)
            empty = len(self._matrices()) == 1
            if not empty:
                total.zero_()
            for delay, weights in self._matrices():
                since = max(begin, self._arriving.starts + delay)
                before = int(min(end, self._arriving.until + delay))
                if since < before:
                    s = self._converted(self._arriving.slab(since - delay, before - delay))
                    part = total[since - begin : before - begin]
                    self._multiply(s.flatten(0, 1), weights, part.flatten(0, 1), empty)
            self._keep(total)
        self._record(first, last)

    def emitted(self, t: int) -> Tensor | None:
        """Return the product of step `t`; None if nothing arrived."""
        return super().emitted(t) if self.starts <= t < self.until else None

    def _matrices(self) -> Matrices:
        return [(0, self._learned().t())] if self._learned else self._weights

    def _converted(self, s: Tensor) -> Tensor:
        """Return some steps in the dtype of the product, one after another in memory."""
        steps, episodes, width = s.shape
        plain = self._octets is not None or (s.dtype == self._s.dtype and s.is_contiguous())
        if plain and width == self._width:
            return s
        if len(self._slab) < steps:
            self._slab = self._s.new_empty(steps, episodes, self._width)
        return self._slab[:steps].copy_(s)

    def _multiply(self, s: Tensor, weights: Tensor, total: Tensor, empty: bool) -> None:
        """Write the product of `s` into `total`, or add it."""
        if self._copies > 1:
            s, total = s.reshape(-1, len(weights)), total.view(-1, weights.shape[1])
        if self._octets:
            self._octets.multiply(s, weights, total, empty)
        elif self._splits:
            part = in_halves(lambda x: x @ weights, s)
            total.copy_(part) if empty else total.add_(part)
        elif empty:
            torch.mm(s, weights, out=total)
        else:
            total.addmm_(s, weights)

    def _keep(self, total: Tensor) -> None:
        """Turn sums into what is emitted."""
        if self._scale > 1:
            total.mul_(self._scale)
        if self._wraps:
            total.copy_(wrap32(total))
        if self._scale < 1:
            total.mul_(self._scale).floor_()
