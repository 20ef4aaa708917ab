"""Noise: random numbers as a source, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import Domain, choice_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Parameter, Port, Process, Role, Signal
from hebbgraph.random import stream

Distribution = Literal["logistic", "gumbel", "uniform", "bernoulli"]

#: Inverse distribution functions of what is added, by name.
QUANTILES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "logistic": lambda p: np.log(p / (1 - p)),
    "gumbel": lambda p: -np.log(-np.log(p)),
    "uniform": lambda p: 2 * p - 1,
}


@final
@dataclass(frozen=True, eq=False)
class Noise(Process):
    """Independent random numbers, one per unit and step.

    With p uniform in (0, 1) and F the distribution's quantile function::

        out = scale F(p)                                            float
        out = round(scale F((b + 1/2) / 256)), b uniform in 0..255  fixed
        out = [p < scale]                                           bernoulli, both domains

    F(p) is log(p / (1 - p)) (``logistic``), -log(-log(p)) (``gumbel``) or 2 p - 1 (``uniform``).
    So the chip needs 8 random bits and a table of 256 numbers. b is the head of p: the two domains
    see the same noise, coarser in `fixed`.

    Numbers are keyed by (``seed``, path of the process, episode) and counted by (step, unit):
    `hebbgraph.random`. No engine draws one.

    Ports: out ``out`` (graded; spikes for ``bernoulli``).
    """

    #: Number of units.
    size: int
    #: ``"logistic"`` (Glauber), ``"gumbel"`` (samples of a softmax), ``"uniform"``,
    #: ``"bernoulli"`` (update masks).
    distribution: Distribution = "logistic"
    #: Scale per unit, 0 or more: the temperature, say; for ``bernoulli`` the probability of a 1.
    scale: Parameter = 1.0
    #: Seed of the stream.
    seed: int = 0

    ROLE: ClassVar[Role] = "source"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("scale",)
    SCALES: ClassVar[tuple[str, ...]] = ("scale",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return no ports."""
        return {}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``out``."""
        signal: Signal = "spike" if self.distribution == "bernoulli" else "graded"
        return {"out": Port(self.size, signal)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return one scale per unit."""
        return {"scale": (self.size,)}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the range of the scale."""
        return {"scale": (0, 1 if self.distribution == "bernoulli" else 2.0**19)}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return an unknown distribution or a seed that is none."""
        known = (*QUANTILES, "bernoulli")
        found = choice_faults(f"{path}.distribution", self.distribution, known)
        return found + whole_faults(f"{path}.seed", self.seed, 0, 2**63 - 1)

    def data(self, domain: Domain, path: str, episode: int, steps: int) -> NDArray[Any]:
        """Return what it emits in one episode, (steps, units), float64 or int64."""
        generator = stream(self.seed, path, "noise", episode=episode)
        words = generator.bit_generator.random_raw(steps * self.size)
        words = np.asarray(words, dtype=np.uint64).reshape(steps, self.size)
        if self.distribution == "bernoulli":
            # 53 bits, so that probabilities of 0 and 1 are exact.
            hits = (words >> np.uint64(11)).astype(np.float64) < self.scale * 2.0**53
            return hits.astype(np.float64 if domain == "float" else np.int64)
        quantile = QUANTILES[self.distribution]
        if domain == "float":
            p = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
            return self.scale * quantile(p)
        table = quantile((np.arange(256) + 0.5) / 256)
        coarse = table[(words >> np.uint64(56)).astype(np.int64)]
        return np.rint(self.scale * coarse).astype(np.int64)
