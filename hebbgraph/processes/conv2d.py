"""Conv2d: shared synapses that slide over images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import Domain, range_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.processes.base import BIG, Parameter, Port, Process, Role
from hebbgraph.processes.dense import mantissa_faults


@final
@dataclass(frozen=True, eq=False)
class Conv2d(Process):
    """Two-dimensional convolution of images of C channels, H by W, into O channels.

    Each step, with zeros outside the image (the cross-correlation of deep learning)::

        a_oyx = sum_{c, k, l} weights_ockl s_c(y stride + k - padding)(x stride + l - padding)

    in `fixed` with the weights of `Dense` and the sum kept in 24 bits, as Conv of lava-nc 0.10.0
    does: ((sum + 2**23) mod 2**24) - 2**23. Units are ordered channel by channel, row by row.

    Ports: in ``s`` (C H W, spikes or graded), out ``a`` (O H' W', graded), with
    H' = floor((H + 2 padding - kernel height) / stride) + 1, W' likewise.
    """

    #: Weights, shape (O, C, kernel height, kernel width).
    weights: Parameter
    #: Height and width of the images.
    image: tuple[int, int]
    #: Step between two positions, vertical and horizontal; one number for both.
    stride: Any = (1, 1)
    #: Zeros at each border, vertical and horizontal; one number for both.
    padding: Any = (0, 0)

    ROLE: ClassVar[Role] = "synapses"
    SIZES: ClassVar[tuple[str, ...]] = ()
    PARAMETERS: ClassVar[tuple[str, ...]] = ("weights",)

    def __post_init__(self) -> None:
        self._read_parameters()
        for name in ("image", "stride", "padding"):
            value = getattr(self, name)
            pair = tuple(value) if isinstance(value, list | tuple) else (value, value)
            object.__setattr__(self, name, pair)

    @property
    def inputs(self) -> dict[str, Port]:
        """Return port ``s``."""
        return {"s": Port(int(np.prod(self.shape_in)), "graded")}

    @property
    def outputs(self) -> dict[str, Port]:
        """Return port ``a``."""
        return {"a": Port(int(np.prod(self.shape_out)), "graded")}

    @property
    def shape_in(self) -> tuple[int, int, int]:
        """Return (C, H, W)."""
        return (self.weights.shape[1], *self.image)

    @property
    def shape_out(self) -> tuple[int, int, int]:
        """Return (O, H', W')."""
        height, width = (
            (side + 2 * pad - kernel) // step + 1
            for side, pad, kernel, step in zip(
                self.image, self.padding, self.weights.shape[2:], self.stride, strict=True
            )
        )
        return self.weights.shape[0], height, width

    @cached_property
    def unrolled(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return (post, pre, flat index into weights) of every synapse inside the image."""
        out, channels, high, wide = self.weights.shape
        _, rows, columns = self.shape_out
        o, c, k, m, y, x = np.ogrid[:out, :channels, :high, :wide, :rows, :columns]
        row = y * self.stride[0] + k - self.padding[0]
        column = x * self.stride[1] + m - self.padding[1]
        inside = (row >= 0) & (row < self.image[0]) & (column >= 0) & (column < self.image[1])
        post = (o * rows + y) * columns + x
        pre = (c * self.image[0] + row) * self.image[1] + column
        index = ((o * channels + c) * high + k) * wide + m
        shape = (out, channels, high, wide, rows, columns)
        keep = np.broadcast_to(inside, shape)
        post, pre, index = (np.broadcast_to(array, shape)[keep] for array in (post, pre, index))
        return post, pre, index

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the postsynaptic and presynaptic unit of every synapse with a weight but 0."""
        post, pre, index = self.unrolled
        exists = self.weights.ravel()[index] != 0
        return post[exists], pre[exists]

    def matrix(self) -> NDArray[Any]:
        """Return the matrix (O H' W', C H W) of the convolution."""
        post, pre, index = self.unrolled
        full = np.zeros((self.output.size, self.inputs["s"].size), self.weights.dtype)
        full[post, pre] = self.weights.ravel()[index]
        return full

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return wrong shapes, and every weight that the domain cannot hold."""
        where, weights = f"{path}.weights", self.weights
        if weights.ndim != 4 or weights.size == 0:
            need = "must have shape (channels out, channels in, kernel height, kernel width)"
            return [Fault(where, f"shape {weights.shape}", need)]
        found: list[Fault] = []
        for name, least in (("image", 1), ("stride", 1), ("padding", 0)):
            pair = getattr(self, name)
            if len(pair) != 2:
                found.append(Fault(f"{path}.{name}", repr(pair), "must be two numbers"))
                continue
            for value in pair:
                found += whole_faults(f"{path}.{name}", value, least, 2**15)
        if not found and min(self.shape_out[1:]) < 1:
            got = f"kernel {weights.shape[2:]} on image {self.image}, padding {self.padding}"
            found.append(Fault(f"{path}.image", got, "must be at least as large as the kernel"))
        if domain == "float":
            return found + range_faults(where, weights, weights.shape, domain, -BIG, BIG)
        return found + mantissa_faults(where, weights)
