"""A random process of each kind in the fixed domain: ordinary values, extreme ones, edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hebbgraph import (
    LIF,
    BlockDense,
    Bus,
    Clock,
    Conv2d,
    Dendrite,
    Dense,
    Exponential,
    Graded,
    Input,
    LeakyIntegrator,
    Noise,
    Polynomial,
    SigmaDelta,
    Sign,
    Softmax,
    Sparse,
    TernaryLIF,
    WinnerTakeAll,
)
from hebbgraph.processes import Process
from hebbgraph.random import stream
from hebbgraph.rules import Rule, Trace


@dataclass
class Maker:
    """Makes processes of chosen sizes; `seed` fixes the numbers, `wild` makes them extreme."""

    seed: int
    wild: bool

    def __post_init__(self) -> None:
        self.draw = stream(self.seed, "fuzz", "kinds")

    def whole(self, low: int, high: int, *shape: int) -> Any:
        """Return whole numbers from `low` to `high`; some of them at the ends."""
        values = self.draw.integers(low, high + 1, shape)
        if self.wild:
            ends = self.draw.integers(0, 2, shape) * (high - low) + low
            values = np.where(self.draw.random(shape) < 0.15, ends, values)
        return values

    def one(self, low: int, high: int) -> int:
        """Return one whole number from `low` to `high`."""
        return int(self.draw.integers(low, high + 1))

    def chance(self, p: float) -> bool:
        """Return True with probability `p`."""
        return bool(self.draw.random() < p)

    # --- sources -----------------------------------------------------------------------------

    def source(self, kind: str, size: int) -> Process:
        """Return a source of one of the kinds in `SOURCES`."""
        if kind == "Clock":
            period = self.one(1, 6)
            starts = [self.one(0, period - 1) for _ in range(size)]
            return Clock(period, tuple((s, self.one(s + 1, period)) for s in starts))
        if kind == "Noise":
            distribution = ("logistic", "gumbel", "uniform", "bernoulli")[self.one(0, 3)]
            share = distribution == "bernoulli"
            scale = self.draw.random() if share else 2.0 ** self.one(0, 18 if self.wild else 8)
            return Noise(size, distribution, scale, seed=self.one(0, 99))  # type: ignore[arg-type]
        signal = {"Input": "graded", "Spikes": "spike", "Ternary": "ternary"}[kind]
        gain = 2.0 ** self.one(-2, 3) if signal == "graded" else 1.0
        return Input(size, gain, signal)  # type: ignore[arg-type]

    def data(self, process: Input, episodes: int, steps: int) -> Any:
        """Return data for an Input."""
        shape = (episodes, steps, process.size)
        if process.signal == "spike":
            return self.draw.random(shape) < self.draw.random()
        if process.signal == "ternary":
            return self.whole(-1, 1, *shape)
        most = 2 ** self.one(2, 19 if self.wild else 7)
        return self.whole(-most, most, *shape) * (self.draw.random(shape) < 0.8)

    # --- units -------------------------------------------------------------------------------

    def units(self, kind: str, size: int) -> Process:
        """Return units of one of the kinds in `UNITS`, about `size` of them."""
        make: Callable[[int], Process] = getattr(self, f"_{kind.lower()}")
        return make(size)

    def _decay(self, size: int, most: int = 4095) -> Any:
        return np.where(self.draw.random(size) < 0.3, self.whole(0, 1, size) * most,
                        self.whole(0, most, size))  # fmt: skip

    def _membrane(self, size: int) -> dict[str, Any]:
        high = 2 ** self.one(1, 17 if self.wild else 10) - 1
        return {
            "decay_u": self._decay(size),
            "decay_v": self._decay(size),
            "bias": self.whole(-4096, 4095, size) // (1 if self.wild else 64),
            "bias_exponent": self.one(0, 7),
            "threshold": self.whole(0, high, size),
        }

    def _lif(self, size: int) -> Process:
        refractory = self.one(0, 3) * self.one(0, 1)
        off: Any = "hold" if self.chance(0.4) else "silent"
        return LIF(size, **self._membrane(size), refractory=refractory, when_off=off)

    def _ternarylif(self, size: int) -> Process:
        fields = self._membrane(size)
        return TernaryLIF(size, **fields, lower=-self.whole(0, 2 ** self.one(1, 12) - 1, size))

    def _sign(self, size: int) -> Process:
        most = 2 ** self.one(0, 23 if self.wild else 6) - 1
        return Sign(size, self.whole(-most, most, size), integrates=self.chance(0.5))

    def _leakyintegrator(self, size: int) -> Process:
        return LeakyIntegrator(size, self._decay(size, 4096))

    def _sigmadelta(self, size: int) -> Process:
        most = 2 ** self.one(0, 14 if self.wild else 6)
        return SigmaDelta(
            size,
            self.whole(0, 2 * most, size),
            self.whole(-most, most, size),
            self.chance(0.5),
            self.chance(0.5),
            self.one(0, 7) * self.one(0, 1),
        )

    def _graded(self, size: int) -> Process:
        most = 2 ** self.one(1, 22 if self.wild else 8)
        low, high = np.sort(self.whole(-most, most, 2, size).astype(float), axis=0)
        if self.chance(0.3):
            low, high = np.full(size, -np.inf), np.full(size, np.inf)
        bias = self.whole(-most, most, size)
        zone = self.whole(0, most, size) * self.chance(0.4)
        return Graded(size, bias, low, high, zone, self.one(-23, 8), self.one(2, 32))

    def _polynomial(self, size: int) -> Process:
        degree, limit = self.one(0, 5), 2 ** self.one(0, 7)
        coefficients = self.whole(-99, 99, degree + 1)
        zone = self.whole(0, limit, size) * self.chance(0.4)
        return Polynomial(size, coefficients, self.one(1, 9), zone, self.chance(0.4), limit,
                          self.one(4, 32))  # fmt: skip

    def _exponential(self, size: int) -> Process:
        most = 2 ** self.one(1, 23) - 1
        table = self.whole(-most, most, self.one(1, 40))
        return Exponential(size, 1.0, table, self.one(-(2**12), 2**12), self.one(0, 12))

    def _bus(self, size: int) -> Process:
        operation = ("sum", "count", "max")[self.one(0, 2)]
        groups = 2 if size % 2 == 0 and self.chance(0.5) else 1
        return Bus(size // groups, groups, operation, self.chance(0.5), self.one(4, 32))  # type: ignore[arg-type]

    def _winnertakeall(self, size: int) -> Process:
        groups = 2 if size % 2 == 0 and self.chance(0.5) else 1
        width = size // groups
        most = 2 ** self.one(0, 30 if self.wild else 6)
        floor = self.whole(-most, most, size) if self.chance(0.5) else -np.inf
        return WinnerTakeAll(width, groups, self.one(1, width), floor, -self.one(0, 12))

    def _softmax(self, size: int) -> Process:
        groups = 2 if size % 2 == 0 and self.chance(0.5) else 1
        table = np.sort(self.whole(0, 2 ** self.one(4, 16) - 1, self.one(1, 30)))[::-1].copy()
        table[0] = max(1, table[0])
        bits, step = self.one(1, 16), self.one(0, 10)
        return Softmax(size // groups, groups, table=table, step=step, bits=bits)

    def _dendrite(self, size: int) -> Process:
        segments = self.one(1, 3)
        most = 2 ** self.one(1, 20 if self.wild else 6)
        return Dendrite(size, segments, self.whole(-2, most, size * segments))

    # --- synapses ----------------------------------------------------------------------------

    def weights(self, *shape: int) -> Any:
        """Return weights the chip can hold: of one sign or, even, of both; some of them 0."""
        most = 255 if self.wild or self.chance(0.3) else 20
        sign = self.one(-1, 1)
        values = self.whole(0, most, *shape) * sign
        if sign == 0:
            values = 2 * self.whole(-(most // 2), most // 2, *shape)
        return values * (self.draw.random(shape) < self.draw.random())

    def exponent(self) -> int:
        """Return a power of two for sums."""
        return self.one(-8, 7) if self.wild else self.one(-2, 1)

    def delays(self, *shape: int) -> Any:
        """Return delays per synapse, or none."""
        return self.whole(0, self.one(0, 5), *shape) if self.chance(0.3) else 0

    def synapses(self, kind: str, pre: int, post: int) -> Process:
        """Return synapses from `pre` to `post` units (`Conv2d`: to what its shapes give)."""
        if kind == "Sparse":
            count = self.one(1, pre * post)
            pairs = self.draw.permutation(pre * post)[:count]
            ends = (pairs % pre, pairs // pre)
            weights, delays = self.weights(count), self.delays(count)
            return Sparse(pre, post, *ends, weights, self.exponent(), delays)
        if kind == "BlockDense":
            copies = next(c for c in (3, 2, 1) if pre % c == 0 and post % c == 0)
            return BlockDense(self.weights(post // copies, pre // copies), copies, self.exponent())
        if kind == "Conv2d":
            channels = 2 if pre % 2 == 0 and self.chance(0.5) else 1
            high = next(h for h in (3, 2, 1) if (pre // channels) % h == 0)
            image = (high, pre // channels // high)
            kernel = tuple(self.one(1, min(side + 1, 3)) for side in image)
            padding = tuple(self.one((k - s + 1) // 2 if k > s else 0, 1)
                            for k, s in zip(kernel, image, strict=True))  # fmt: skip
            stride = (self.one(1, 2), self.one(1, 2))
            return Conv2d(self.weights(self.one(1, 2), channels, *kernel), image, stride, padding)
        return Dense(self.weights(post, pre), self.exponent(), self.delays(post, pre))

    def plastic(self, pre: int, post: int) -> Dense:
        """Return synapses with a random rule."""
        rule = self.rule()
        low, high = int(rule.low), int(rule.high)
        return Dense(self.whole(low, high, post, pre), self.exponent(), rule=rule)

    def rule(self) -> Rule:
        """Return a random rule whose sums are exact in 64 bits."""
        while (rule := self._rule()).faults("rule", "fixed"):
            continue
        return rule

    def _rule(self) -> Rule:
        """Return a random rule: up to three terms over every signal there is."""
        low, high = sorted((self.one(-256, 255), self.one(-256, 255)))
        factors: dict[str, Any] = {
            f"f{k}": ("pre", "post", "all")[self.one(0, 2)] for k in range(self.one(0, 2))
        }
        traces = {}
        for k in range(self.one(0, 2)):
            of = ["pre", "post", *factors][self.one(0, 1 + len(factors))]
            power = f"{of}**2" if self.chance(0.2) else of
            traces[f"t{k}"] = Trace(power, self.one(0, 4096), self.one(-40, 40))
        signals = ["pre", "post", "w", *factors, *traces]
        terms = []
        for _ in range(self.one(1, 3)):
            chosen = [signals[self.one(0, len(signals) - 1)] for _ in range(self.one(0, 3))]
            terms.append("*".join([f"({self.one(-9, 9)})", *chosen]))
        return Rule(
            " + ".join(terms),
            factors=factors,
            traces=traces,
            low=low,
            high=high + (low == high),
            epoch="episode" if self.chance(0.2) else self.one(1, 4),
            momentum=self.one(0, 4095) if self.chance(0.3) else 0,
            self_connections=self.chance(0.7),
            rounding=("nearest", "truncate", "stochastic", "shared")[self.one(0, 3)],
            shift=self.one(0, 12),
            fraction=self.one(0, 8) * self.one(0, 1),
            signal_bits=self.one(2, 8),
            seed=self.one(0, 99),
        )


SOURCES = ("Input", "Spikes", "Ternary", "Clock", "Noise")
UNITS = (
    *("LIF", "LIF", "TernaryLIF", "Sign", "LeakyIntegrator", "SigmaDelta", "Graded"),
    *("Polynomial", "Exponential", "Bus", "WinnerTakeAll", "Softmax", "Dendrite"),
)
SYNAPSES = (
    *("Dense", "Dense", "Sparse", "BlockDense", "Conv2d", "Transpose"),
    *("plastic", "plastic", "plastic"),
)
