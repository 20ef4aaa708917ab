"""Mantissas: the integers that stand for weights, and the power of two on their sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.passes.quantise.bounds import Bounds
from hebbgraph.passes.quantise.numerics import Numerics
from hebbgraph.processes import Conv2d, Dense, Process


class Mantissas:
    """How the weights of one synapse process fit the chip's: ``weights factor / 2**exponent``."""

    def __init__(self, path: str, process: Process, numerics: Numerics, bounds: Bounds) -> None:
        self.weights: NDArray[Any] = process.weights  # type: ignore[attr-defined]
        self.plastic = isinstance(process, Dense) and process.rule is not None
        mixed = bool(self.weights.min() < 0 < self.weights.max()) and not self.plastic
        #: Step between two weights: 2 where signs are mixed.
        self.grain = 2 if mixed else 1
        #: Largest magnitude of a mantissa: 255 for one sign, 254 for mixed signs (9 bits).
        self.most = numerics.largest_weight - (self.grain - 1)
        #: The largest weight there is, or will be once the synapses have learned.
        self.largest = (
            bounds.weight(path) if self.plastic else float(np.abs(self.weights).max(initial=0))
        )
        least, power = numerics.min_weight_exponent, numerics.max_weight_exponent
        #: The least and the largest exponent; a convolution has none.
        self.exponents = (0, 0) if isinstance(process, Conv2d) else (least, power)

    def exponent(self, factor: float) -> int:
        """Return the smallest power of two from 0 on at which all fit, if that is exact.

        Else the smallest of all, so that mantissas use all their bits.
        """
        largest = max(self.largest * factor, 1e-300)
        least = int(np.clip(math.ceil(math.log2(largest / self.most)), *self.exponents))
        return max(least, 0) if self.is_exact(factor, max(least, 0)) else least

    def is_exact(self, factor: float, exponent: int) -> bool:
        """Return whether every mantissa is a whole number of grains."""
        scaled = self.weights * factor / 2.0**exponent / self.grain
        return bool((scaled == np.rint(scaled)).all())

    def rounded(self, factor: float, exponent: int) -> NDArray[np.int64]:
        """Return the mantissas."""
        scaled = self.grain * np.rint(self.weights * factor / 2.0**exponent / self.grain)
        return np.clip(scaled, -self.most, self.most).astype(np.int64)
