"""Dense: all-to-all synapses, fixed or plastic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import Domain, exponent_faults, range_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import BIG, Parameter, Port, Process, Role
from hebbgraph.rules.rule import Rule


@final
@dataclass(frozen=True, eq=False)
class Dense(Process):
    """All-to-all synapses from M presynaptic to N postsynaptic units.

    Each step, with s what arrives at port ``s`` (connections into it carry a delay of 1 or more)
    and d_ij the further delay of one synapse, 0 without ``delays``::

        a_i = sum_j weights_ij s_j(t - d_ij)                                        float
        a_i = wrap32(floor(2**exponent wrap32(sum_j weights_ij s_j(t - d_ij))))     fixed

    A weight of 0 is no synapse: it costs no memory and no synaptic operation. With a `Rule` every
    synapse exists, and weights learn.

    In `fixed`, weights are 8-bit mantissas with a sign mode, as on Loihi: all >= 0 (up to 255),
    all <= 0 (down to -255), or mixed and then *even*, in [-256, 254], because the lowest bit
    holds the sign. Plastic weights are whole numbers within the bounds of their rule.

    Ports: in ``s`` (M, spikes or graded); with a rule also ``gate`` (1, learning is off where it
    receives 0), ``post`` (N) if the rule reads it, and one per third factor, all read in the
    learning phase; out ``a`` (N, graded).
    """

    #: Weights, shape (N, M) = (postsynaptic, presynaptic).
    weights: Parameter
    #: Power of two on the sum, `fixed` only, -8 to 7.
    exponent: int = 0
    #: Steps of each synapse beyond the delay of the connection, shape (N, M); not with a rule.
    delays: Parameter = 0
    #: How the weights learn; without it they do not.
    rule: Rule | None = None

    ROLE: ClassVar[Role] = "synapses"
    SIZES: ClassVar[tuple[str, ...]] = ()
    PARAMETERS: ClassVar[tuple[str, ...]] = ("weights", "delays")
    INDICES: ClassVar[tuple[str, ...]] = ("delays",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``s``, presynaptic spikes or graded values, and the ports of a rule."""
        post, pre = self.weights.shape
        return {"s": Port(pre, "graded"), **rule_ports(self.rule, post, pre)}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``a``, postsynaptic currents."""
        return {"a": Port(self.weights.shape[0], "graded")}

    @property
    def longest_delay(self) -> int:
        """Return the longest delay that a synapse adds to its connection's."""
        return int(self.delays.max(initial=0))

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the postsynaptic and presynaptic unit of every synapse."""
        exists = np.ones_like(self.weights) if self.rule else self.weights
        post, pre = np.nonzero(exists)
        return post, pre

    def matrix(self) -> NDArray[Any]:
        """Return the weights."""
        weights: NDArray[Any] = self.weights
        return weights

    def delay_matrix(self) -> NDArray[np.int64]:
        """Return the delays, one per synapse."""
        return np.broadcast_to(self.delays, self.weights.shape)

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong shape, and every weight, delay or part of a rule that is wrong."""
        where, weights = f"{path}.weights", self.weights
        if weights.ndim != 2 or weights.size == 0:
            need = "must be a matrix (postsynaptic, presynaptic) with at least one entry"
            return [Fault(where, f"shape {weights.shape}", need, "use weights[np.newaxis, :]?")]
        found = exponent_faults(f"{path}.exponent", self.exponent, -8, 7, domain)
        found += delay_faults(path, self.delays, weights.shape)
        if self.rule is not None:
            found += plastic_faults(path, self.rule, weights, self.delays, domain)
        elif domain == "float":
            found += range_faults(where, weights, weights.shape, domain, -BIG, BIG)
        else:
            found += mantissa_faults(where, weights)
        return found


def rule_ports(rule: Rule | None, post: int, pre: int) -> dict[str, Port]:
    """Return the ports that `rule` adds to synapses from `pre` to `post` units."""
    if rule is None:
        return {}
    sizes = {"pre": pre, "post": post, "all": 1}
    ports = {"gate": Port(1, "graded", default=1, learning=True)}
    for name, side in rule.ports.items():
        ports[name] = Port(sizes[side], "graded", learning=True)
    return ports


def plastic_faults(
    path: str, rule: Any, weights: NDArray[Any], delays: NDArray[Any], domain: Domain
) -> list[Fault]:
    """Return the faults of a rule, and the weights outside its bounds."""
    if not isinstance(rule, Rule):
        return [Fault(f"{path}.rule", type(rule).__name__, "must be a Rule or None")]
    found = rule.faults(f"{path}.rule", domain)
    if found:
        return found
    low, high = max(rule.low, -BIG), min(rule.high, BIG)
    remedy = "widen the bounds of the rule, or clip the weights"
    found += range_faults(f"{path}.weights", weights, weights.shape, domain, low, high, remedy)
    if delays.any():
        remedy = "delay the connection instead"
        need = "must be 0 where a rule learns"
        found.append(Fault(f"{path}.delays", f"up to {delays.max()}", need, remedy))
    return found


def delay_faults(path: str, delays: NDArray[Any], shape: tuple[int, ...]) -> list[Fault]:
    """Return the faults of delays per synapse; one number stands for all."""
    shape = shape if delays.ndim else ()
    return range_faults(f"{path}.delays", delays, shape, "fixed", 0, 61)


def mantissa_faults(where: str, weights: NDArray[Any]) -> list[Fault]:
    """Return every weight that the chip's sign modes cannot hold."""
    numeric = np.issubdtype(weights.dtype, np.number) and np.isfinite(weights).all()
    mixed = bool(numeric and weights.size and weights.min() < 0 < weights.max())
    low, high = (-256, 254) if mixed else (-255, 255)
    remedy = "run passes.quantise, or lower the weights and raise exponent"
    found = range_faults(where, weights, weights.shape, "fixed", low, high, remedy)
    if not found and mixed and (weights.astype(np.int64) % 2).any():
        need = "must be even where signs are mixed (the lowest bit holds the sign)"
        odd = weights[weights.astype(np.int64) % 2 != 0].flat[0]
        found.append(Fault(where, str(odd), need, "double the weights and the thresholds"))
    return found
