"""Synapses of every kind: a linear product, in the fixed domain exact and kept in a register."""

from __future__ import annotations

import contextlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hebbgraph.backends.snntorch.arithmetic import in_halves, shift, wrap, wrap32
from hebbgraph.backends.snntorch.parts.common import place
from hebbgraph.processes import BlockDense, Conv2d, Dense, Domain, Process, Sparse, Transpose

#: What multiplies what arrived `delay` steps ago: (delay, weights), the weights in any form that
#: the `product` of their synapses takes.
Matrices = list[tuple[int, Tensor]]
#: A sparse matrix by rows pays below this share of weights that are there, from this size on.
ROWS_SHARE, ROWS_SIZE = 1 / 8, 2**14
#: So does a list of weights, which can have gradients and is some twenty times as slow.
LIST_SHARE, LIST_SIZE = 1 / 128, 2**18


class GraphSynapses(nn.Module, ABC):
    """Synapses as a module: ``a = synapses(s)``, its ``weights`` a parameter in the float domain.

    Synapses with delays of their own keep what arrived: ``a, past = synapses(s, past)``.
    `splits` says that sums may need more than 53 bits.
    """

    weights: Tensor
    #: Bits of the register that keeps the sum, in the fixed domain.
    register = 32
    #: How many times the matrix stands side by side.
    copies = 1
    silenced = False

    def __init__(
        self,
        process: Process,
        domain: Domain = "float",
        dtype: torch.dtype = torch.float64,
        *,
        splits: bool = False,
    ) -> None:
        super().__init__()
        self.fixed, self.splits = domain == "fixed", splits
        self.exponent = int(getattr(process, "exponent", 0))
        self.shape = (process.output.size, process.inputs["s"].size)
        self.longest_delay = process.longest_delay
        self.registers = ("past",) if self.longest_delay else ()
        place(self, process, domain, dtype)

    @property
    def dense(self) -> bool:
        """Return whether `matrices` are matrices (postsynaptic, presynaptic) of one copy."""
        return True

    @abstractmethod
    def matrices(self) -> Matrices:
        """Return the weights as they are now, by delay."""

    def forward(
        self,
        s: Tensor,
        past: Sequence[Tensor] = (),
        *,
        matrices: Matrices | None = None,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, ...]]:
        """Return the currents for what arrives, `s` (..., presynaptic).

        `past` is what arrived in earlier steps, the newest first; `matrices` stands for
        ``self.matrices()``.
        """
        arrived = (s, *past)[: self.longest_delay + 1]
        total: Tensor | None = None
        for delay, weights in matrices or self.matrices():
            if delay < len(arrived):
                part = self.summed(arrived[delay], weights)
                total = part if total is None else total + part
        if total is None:
            total = s.new_zeros(*s.shape[:-1], self.shape[0])
        a = self.kept(total)
        return (a, arrived) if self.registers else a

    def summed(self, s: Tensor, weights: Tensor) -> Tensor:
        """Return the sum of `weights` times `s`, in the fixed domain as its register keeps it."""
        if not self.fixed:
            return self.product(s, weights)
        if self.splits:
            return in_halves(lambda x: self.product(x, weights), s, self.register)
        return wrap(self.product(s, weights), self.register)

    def product(self, s: Tensor, weights: Tensor) -> Tensor:
        """Return the plain product."""
        if self.copies == 1:
            return functional.linear(s, weights)
        blocks = s.reshape(*s.shape[:-1], self.copies, -1)
        return functional.linear(blocks, weights).flatten(-2)

    def kept(self, total: Tensor) -> Tensor:
        """Return what is emitted for a sum of `summed`: in the fixed domain shifted, and kept."""
        if not self.fixed:
            return total
        if self.longest_delay:
            total = wrap(total, self.register)
        return wrap32(shift(total, self.exponent)) if self.exponent else total

    def extra_repr(self) -> str:
        """Return the shape."""
        post, pre = self.shape
        return f"{pre} -> {post}"


@final
class DenseSynapses(GraphSynapses):
    """`Dense`."""

    delays: Tensor

    def __init__(self, process: Dense, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        self.plastic = process.rule is not None

    def matrices(self) -> Matrices:
        """Return the weights, or those of each delay with zeros for the others."""
        if not self.longest_delay:
            return [(0, self.weights)]
        return [
            (int(delay), torch.where(self.delays == delay, self.weights, 0.0))
            for delay in torch.unique(self.delays)
        ]


@final
class TransposeSynapses(GraphSynapses):
    """`Transpose`: no parameter of its own, but that of the module it is tied to."""

    def __init__(
        self, process: Transpose, *args: Any, dense: DenseSynapses, **options: Any
    ) -> None:
        super().__init__(process, *args, **options)
        self._tied = (dense,)  # not a submodule: the parameter is counted, saved, moved once

    @property
    def tied(self) -> DenseSynapses:
        """Return the module whose weights these are."""
        return self._tied[0]

    def matrices(self) -> Matrices:
        """Return the weights of the other, transposed."""
        return [(0, self.tied.weights.t())]


@final
class SparseSynapses(GraphSynapses):
    """`Sparse`: a matrix that is mostly zeros, or where that pays a sparse one."""

    pre: Tensor
    post: Tensor
    delays: Tensor

    def __init__(self, process: Sparse, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        size = self.shape[0] * self.shape[1]
        share = len(process.weights) / size
        self._rows_pay = share < ROWS_SHARE and size >= ROWS_SIZE
        self._list_pays = share < LIST_SHARE and size >= LIST_SIZE

    @property
    def dense(self) -> bool:
        """Return whether `matrices` are full matrices where no gradients are wanted."""
        return not self._rows_pay

    def matrices(self) -> Matrices:
        """Return the matrix, or that of each delay."""
        delays = self.delays.expand_as(self.pre)
        found: Matrices = []
        for delay in torch.unique(delays):
            chosen = delays == delay
            ends, weights = (self.post[chosen], self.pre[chosen]), self.weights[chosen]
            found.append((int(delay), self._matrix(ends, weights)))
        return found

    def _matrix(self, ends: tuple[Tensor, Tensor], weights: Tensor) -> Tensor:
        """Return the matrix of some synapses: full, a list (with gradients), or by rows."""
        learns = torch.is_grad_enabled()
        if not (self._list_pays if learns else self._rows_pay):
            return weights.new_zeros(self.shape).index_put(ends, weights)
        both = torch.stack(ends)
        listed = torch.sparse_coo_tensor(both, weights, self.shape, check_invariants=True)
        if learns:
            return listed.coalesce()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            return listed.coalesce().to_sparse_csr()

    def product(self, s: Tensor, weights: Tensor) -> Tensor:
        """Return the plain product."""
        if weights.layout == torch.strided:
            return functional.linear(s, weights)
        rows = s.reshape(-1, s.shape[-1])
        return torch.sparse.mm(weights, rows.t()).t().reshape(*s.shape[:-1], -1)


@final
class BlockDenseSynapses(GraphSynapses):
    """`BlockDense`: one matrix for every group."""

    def __init__(self, process: BlockDense, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        self.copies = process.copies

    def matrices(self) -> Matrices:
        """Return the weights of one block."""
        return [(0, self.weights)]


@final
class Conv2dSynapses(GraphSynapses):
    """`Conv2d`, by torch's own convolution."""

    register = 24

    def __init__(self, process: Conv2d, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        self.image = process.shape_in
        self.stride, self.padding = tuple(process.stride), tuple(process.padding)

    @property
    def dense(self) -> bool:
        """Return False: kernels are no matrix."""
        return False

    def matrices(self) -> Matrices:
        """Return the kernels."""
        return [(0, self.weights)]

    def product(self, s: Tensor, weights: Tensor) -> Tensor:
        """Return the plain convolution."""
        images = s.reshape(-1, *self.image)
        # cuDNN may convolve by Fourier transforms, which round: integers need the plain sum.
        exact = self.fixed and s.is_cuda
        plain = torch.backends.cudnn.flags(enabled=False) if exact else contextlib.nullcontext()
        with plain:
            out = functional.conv2d(images, weights, None, self.stride, self.padding)
        return out.reshape(*s.shape[:-1], -1)
