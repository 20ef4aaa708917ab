"""Transpose: the synapses of a Dense, used backwards."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self, final

from hebbgraph.checks import Domain, exponent_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import Port, Process, Role


@final
@dataclass(frozen=True, eq=False)
class Transpose(Process):
    """Synapses that share the weights of another `Dense`, transposed.

    Each step, with W the weights of the Dense at path ``of`` as they are in this step, learned
    ones included, and s what arrives at port ``s``::

        a_j = sum_i W_ij s_i                                        float
        a_j = wrap32(floor(2**exponent wrap32(sum_i W_ij s_i)))     fixed

    The delays of single synapses are not shared. On a machine the weights are stored twice, and
    both copies learn alike from the same two signals.

    Ports: in ``s`` (N, spikes or graded), out ``a`` (M, graded), for an (N, M) Dense.
    """

    #: Path of the Dense, seen from the graph in which this process is.
    of: str
    #: Width of ``s``, N, and of ``a``, M.
    post: int
    pre: int
    #: Power of two on the sum, `fixed` only, -8 to 7.
    exponent: int = 0

    ROLE: ClassVar[Role] = "synapses"
    SIZES: ClassVar[tuple[str, ...]] = ("post", "pre")

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``s``."""
        return {"s": Port(self.post, "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``a``."""
        return {"a": Port(self.pre, "graded")}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return a wrong exponent, or a path that is none."""
        found = exponent_faults(f"{path}.exponent", self.exponent, -8, 7, domain)
        if not isinstance(self.of, str):
            found.append(Fault(f"{path}.of", repr(self.of), "must be the path of a Dense"))
        return found

    def relocated(self, prefix: str) -> Self:
        """Return this process with its path seen from outside."""
        return dataclasses.replace(self, of=f"{prefix}.{self.of}")
