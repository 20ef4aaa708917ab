"""Synapses of the fused kernel: a product of arrivals and weights, then what registers hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from hebbgraph.backends.lava.worker.bounds import EXACT32, EXACT64, REGISTER
from hebbgraph.backends.lava.worker.plan import Array, Node, Plan
from hebbgraph.backends.reference.loihi import B, wrap24, wrap32


class Product(Protocol):
    """Sums of weights times arrivals, (episodes, presynaptic) to (episodes, postsynaptic)."""

    def reset(self, episodes: int) -> None:
        """Begin `episodes` new episodes."""

    def __call__(self, s: Array, out: Array | None = None) -> Array:
        """Return the sums, in `out` where that is given."""


def exact_dtype(bound: float) -> Any:
    """Return the type in which BLAS computes integer sums within `bound` exactly."""
    if bound < EXACT32:
        return np.float32
    # Without BLAS, NumPy multiplies integer matrices slowly.
    return np.float64 if bound < EXACT64 else np.int64


def static_product(plan: Plan, node: Node, dtype: Any) -> Product:
    """Return the product of synapses that do not learn."""
    if node.kind == "Transpose":
        return MatrixProduct(plan.holder(node).matrix.T, dtype)
    if node.kind == "BlockDense":
        return BlockProduct(node, dtype)
    if node.kind == "Conv2d":
        return ConvProduct(node, dtype)
    if node.longest_delay:
        return DelayedProduct(node, dtype)
    return MatrixProduct(node.matrix, dtype)


class MatrixProduct:
    """W s."""

    def __init__(self, matrix: Array, dtype: Any) -> None:
        self.transposed = np.ascontiguousarray(matrix.T).astype(dtype)

    def reset(self, episodes: int) -> None:
        """Do nothing: there is no state."""

    def __call__(self, s: Array, out: Array | None = None) -> Array:
        """Return the sums."""
        s = s.astype(self.transposed.dtype, copy=False)
        if out is not None and out.dtype == self.transposed.dtype:
            return np.matmul(s, self.transposed, out=out)
        return s @ self.transposed


class DelayedProduct:
    """The sum over delays d of W_d s(t - d), W_d the weights with that delay."""

    def __init__(self, node: Node, dtype: Any) -> None:
        self.width, self.dtype = node.inputs["s"].size, dtype
        used = np.unique(node.delays[node.matrix != 0])
        self.parts = [
            (int(d), MatrixProduct(np.where(node.delays == d, node.matrix, 0), dtype)) for d in used
        ]
        self.past: deque[Array] = deque(maxlen=node.longest_delay + 1)

    def reset(self, episodes: int) -> None:
        """Forget what arrived."""
        nothing = np.zeros((episodes, self.width), self.dtype)
        self.past.extend([nothing] * (self.past.maxlen or 0))

    def __call__(self, s: Array, out: Array | None = None) -> Array:
        """Return the sums."""
        self.past.append(s.astype(self.dtype, copy=True))
        terms = [product(self.past[-1 - delay]) for delay, product in self.parts]
        return sum(terms[1:], terms[0]) if terms else np.zeros((len(s), 1), self.dtype)


class BlockProduct:
    """The same W for every group."""

    def __init__(self, node: Node, dtype: Any) -> None:
        self.block = MatrixProduct(node.arrays["weights"], dtype)

    def reset(self, episodes: int) -> None:
        """Do nothing: there is no state."""

    def __call__(self, s: Array, out: Array | None = None) -> Array:
        """Return the sums."""
        groups = s.reshape(-1, len(self.block.transposed))
        return self.block(groups).reshape(len(s), -1)


class ConvProduct:
    """Windows of the image times the kernels."""

    def __init__(self, node: Node, dtype: Any) -> None:
        self.kernels = node.arrays["weights"].astype(dtype)
        self.image, self.stride = tuple(node.fields["image"]), tuple(node.fields["stride"])
        (top, side) = node.fields["padding"]
        self.padding = ((0, 0), (0, 0), (top, top), (side, side))

    def reset(self, episodes: int) -> None:
        """Do nothing: there is no state."""

    def __call__(self, s: Array, out: Array | None = None) -> Array:
        """Return the sums."""
        images = s.astype(self.kernels.dtype, copy=False)
        images = np.pad(images.reshape(len(s), -1, *self.image), self.padding)
        size = self.kernels.shape[2:]
        windows = np.lib.stride_tricks.sliding_window_view(images, size, axis=(2, 3))
        windows = windows[:, :, :: self.stride[0], :: self.stride[1]]
        # (episodes, channels, H', W', k, l) by (O, channels, k, l)
        sums = np.tensordot(windows, self.kernels, axes=([1, 4, 5], [1, 2, 3]))
        return np.moveaxis(sums, -1, 1).reshape(len(s), -1)


class PlasticProduct:
    """W s, or its transpose, with W as it is in this step."""

    def __init__(
        self, learning: Callable[[str], Any], path: str, backwards: bool, dtype: Any
    ) -> None:
        self.learning, self.path, self.backwards, self.dtype = learning, path, backwards, dtype

    def reset(self, episodes: int) -> None:
        """Do nothing: weights persist."""

    def __call__(self, s: Array, out: Array | None = None) -> Array:
        """Return the sums."""
        weights = self.learning(self.path).weights.astype(self.dtype, copy=False)
        return s.astype(self.dtype, copy=False) @ (weights if self.backwards else weights.T)


class FloatSynapses:
    """a = W s."""

    def __init__(self, product: Product) -> None:
        self.product = product

    def reset(self, episodes: int) -> None:
        """Begin `episodes` new episodes."""
        self.product.reset(episodes)

    def advance(self, arriving: Mapping[str, Array | None], out: Array) -> Array:
        """Write the currents to `out`."""
        s = arriving["s"]
        if s is None:
            out[...] = 0
        else:
            total = self.product(s, out)
            if total is not out:
                out[...] = total
        return out


class FixedSynapses:
    """a = wrap32(floor(2**exponent wrap32(W s))), exact; a convolution keeps 24 bits of W s."""

    def __init__(self, product: Product, node: Node, bound: float) -> None:
        self.product, self.exponent = product, node.exponent
        self.narrow = node.kind == "Conv2d" and bound >= B
        wide = bound * 2.0 ** max(0, self.exponent)
        self.overflows = node.kind != "Conv2d" and wide >= REGISTER

    def reset(self, episodes: int) -> None:
        """Begin `episodes` new episodes."""
        self.product.reset(episodes)

    def advance(self, arriving: Mapping[str, Array | None], out: Array) -> Array:
        """Write the currents to `out`."""
        s = arriving["s"]
        if s is None:
            out[...] = 0
            return out
        total = self.product(s)
        if self.narrow:
            total = wrap24(total.astype(np.int64))
        if self.overflows:
            total = wrap32(total.astype(np.int64))
        if self.exponent:
            # Scaling by a power of two is exact in a float; floor is the arithmetic shift.
            total = np.floor(total * 2.0**self.exponent)
        if self.overflows:
            total = wrap32(total.astype(np.int64))
        out[...] = total
        return out
