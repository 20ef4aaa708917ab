"""Sparse: a list of synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import Domain, exponent_faults, range_faults, size_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import BIG, Parameter, Port, Process, Role
from hebbgraph.processes.dense import delay_faults, mantissa_faults


@final
@dataclass(frozen=True, eq=False)
class Sparse(Process):
    """Synapses given one by one: synapse k runs from unit ``pre[k]`` to unit ``post[k]``.

    The sum is that of `Dense`, in both domains, with the same weights in `fixed`. Two synapses
    between the same units are refused.

    Ports: in ``s`` (sources, spikes or graded), out ``a`` (targets, graded).
    """

    #: Number of presynaptic and of postsynaptic units.
    sources: int
    targets: int
    #: Ends of every synapse, shape (synapses,).
    pre: Parameter
    post: Parameter
    #: Weight of every synapse, shape (synapses,).
    weights: Parameter
    #: Power of two on the sum, `fixed` only, -8 to 7.
    exponent: int = 0
    #: Steps of each synapse beyond the delay of the connection, shape (synapses,).
    delays: Parameter = 0

    ROLE: ClassVar[Role] = "synapses"
    SIZES: ClassVar[tuple[str, ...]] = ("sources", "targets")
    PARAMETERS: ClassVar[tuple[str, ...]] = ("pre", "post", "weights", "delays")
    INDICES: ClassVar[tuple[str, ...]] = ("pre", "post", "delays")

    def __post_init__(self) -> None:
        self._read_parameters()

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``s``."""
        return {"s": Port(self.sources, "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``a``."""
        return {"a": Port(self.targets, "graded")}

    @property
    def longest_delay(self) -> int:
        """Return the longest delay that a synapse adds to its connection's."""
        return int(self.delays.max(initial=0))

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the postsynaptic and presynaptic unit of every synapse with a weight but 0."""
        exists = self.weights != 0
        return self.post[exists], self.pre[exists]

    def matrix(self) -> NDArray[Any]:
        """Return the weights as a matrix (targets, sources), 0 where there is no synapse."""
        return self._full(self.weights)

    def delay_matrix(self) -> NDArray[np.int64]:
        """Return the delays as a matrix."""
        return self._full(np.broadcast_to(self.delays, self.weights.shape))

    def _full(self, values: NDArray[Any]) -> NDArray[Any]:
        full = np.zeros((self.targets, self.sources), values.dtype)
        full[self.post, self.pre] = values
        return full

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return wrong sizes and ends, and every weight that the domain cannot hold."""
        found = [f for name in self.SIZES for f in size_faults(path, getattr(self, name), name)]
        if found:
            return found
        if self.weights.ndim != 1 or self.weights.size == 0:
            need = "must be a vector, one number per synapse, at least one"
            return [Fault(f"{path}.weights", f"shape {self.weights.shape}", need)]
        shape = self.weights.shape
        for name, units in (("pre", self.sources), ("post", self.targets)):
            ends = getattr(self, name)
            found += range_faults(f"{path}.{name}", ends, shape, "fixed", 0, units - 1)
        found += exponent_faults(f"{path}.exponent", self.exponent, -8, 7, domain)
        found += delay_faults(path, self.delays, shape)
        if domain == "float":
            found += range_faults(f"{path}.weights", self.weights, shape, domain, -BIG, BIG)
        else:
            found += mantissa_faults(f"{path}.weights", self.weights)
        if not found:
            flat = self.post.astype(np.int64) * self.sources + self.pre
            twice = len(flat) - len(np.unique(flat))
            if twice:
                need = "must name each pair of units once"
                found.append(Fault(f"{path}.pre", f"{twice} repeated pairs", need, "add weights"))
        return found
