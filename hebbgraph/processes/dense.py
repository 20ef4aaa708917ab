"""Dense: all-to-all synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from hebbgraph.errors import Fault
from hebbgraph.processes.base import (
    Domain,
    Parameter,
    Port,
    Process,
    exponent_faults,
    range_faults,
    read_only,
)


@final
@dataclass(frozen=True, eq=False)
class Dense(Process):
    """All-to-all synapses from M presynaptic to N postsynaptic units.

    Each step, with s what arrives at port ``s`` (connections into it carry a delay of 1 or more)::

        a_i = sum_j weights_ij s_j                                        float
        a_i = wrap32(floor(2**exponent wrap32(sum_j weights_ij s_j)))     fixed

    A weight of 0 is no synapse: it costs no memory and no synaptic operation.

    In `fixed`, weights are 8-bit mantissas with a sign mode, as on Loihi: all >= 0 (up to 255),
    all <= 0 (down to -255), or mixed and then *even*, in [-256, 254], because the lowest bit
    holds the sign.

    Ports: in ``s`` (M, spikes or graded), out ``a`` (N, graded).
    """

    #: Weights, shape (N, M) = (postsynaptic, presynaptic).
    weights: Parameter
    #: Power of two on the sum, `fixed` only, -8 to 7.
    exponent: int = 0

    PARAMETERS: ClassVar[tuple[str, ...]] = ("weights",)
    SYNAPTIC: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights))

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``s``, presynaptic spikes or graded values."""
        return {"s": Port(self.weights.shape[1], "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``a``, postsynaptic currents."""
        return {"a": Port(self.weights.shape[0], "graded")}

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong shape, and every weight that the domain cannot hold."""
        where, weights = f"{path}.weights", self.weights
        if weights.ndim != 2 or weights.size == 0:
            need = "must be a matrix (postsynaptic, presynaptic) with at least one entry"
            return [Fault(where, f"shape {weights.shape}", need, "use weights[np.newaxis, :]?")]
        if domain == "float":
            big = float(np.finfo(np.float64).max)
            found = range_faults(where, weights, weights.shape, domain, -big, big)
        else:
            found = self._fixed_faults(where)
        found += exponent_faults(f"{path}.exponent", self.exponent, -8, 7, domain)
        return found

    def _fixed_faults(self, where: str) -> list[Fault]:
        weights = self.weights
        numeric = np.issubdtype(weights.dtype, np.number) and np.isfinite(weights).all()
        mixed = bool(numeric and weights.min() < 0 < weights.max())
        low, high = (-256, 254) if mixed else (-255, 255)
        remedy = "run passes.quantise, or lower the weights and raise exponent"
        found = range_faults(where, weights, weights.shape, "fixed", low, high, remedy)
        if not found and mixed and (weights.astype(np.int64) % 2).any():
            need = "must be even where signs are mixed (the lowest bit holds the sign)"
            odd = weights[weights.astype(np.int64) % 2 != 0].flat[0]
            found.append(Fault(where, str(odd), need, "double the weights and the thresholds"))
        return found
