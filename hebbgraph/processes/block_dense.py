"""BlockDense: the same small Dense for every group of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import Domain, exponent_faults, range_faults, size_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import BIG, Parameter, Port, Process, Role
from hebbgraph.processes.dense import mantissa_faults


@final
@dataclass(frozen=True, eq=False)
class BlockDense(Process):
    """One matrix of synapses, repeated for every group.

    Each step, for group c of n postsynaptic and m presynaptic units::

        a_ci = sum_j weights_ij s_cj        float; in fixed as `Dense`

    Ports: in ``s`` (copies * m, spikes or graded), out ``a`` (copies * n, graded).
    """

    #: Weights of one block, shape (n, m) = (postsynaptic, presynaptic).
    weights: Parameter
    #: Number of groups.
    copies: int
    #: Power of two on the sum, `fixed` only, -8 to 7.
    exponent: int = 0

    ROLE: ClassVar[Role] = "synapses"
    SIZES: ClassVar[tuple[str, ...]] = ("copies",)
    PARAMETERS: ClassVar[tuple[str, ...]] = ("weights",)

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``s``."""
        return {"s": Port(self.copies * self.weights.shape[1], "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``a``."""
        return {"a": Port(self.copies * self.weights.shape[0], "graded")}

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the postsynaptic and presynaptic unit of every synapse."""
        post, pre = np.nonzero(self.weights)
        n, m = self.weights.shape
        block = np.arange(self.copies)[:, np.newaxis]
        return (block * n + post).ravel(), (block * m + pre).ravel()

    def matrix(self) -> NDArray[Any]:
        """Return the block-diagonal matrix."""
        eye = np.eye(self.copies, dtype=self.weights.dtype)
        return np.kron(eye, self.weights)

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong shape, and every weight that the domain cannot hold."""
        where, weights = f"{path}.weights", self.weights
        found = size_faults(path, self.copies, "copies")
        if weights.ndim != 2 or weights.size == 0:
            need = "must be a matrix (postsynaptic, presynaptic) with at least one entry"
            return [*found, Fault(where, f"shape {weights.shape}", need)]
        found += exponent_faults(f"{path}.exponent", self.exponent, -8, 7, domain)
        if domain == "float":
            return found + range_faults(where, weights, weights.shape, domain, -BIG, BIG)
        return found + mantissa_faults(where, weights)
