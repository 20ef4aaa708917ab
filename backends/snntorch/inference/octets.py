"""Products of integers of 8 bits, several times as fast as those of floats on many CPUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, final

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.bounds import OCTET, in_octets

#: How often weights are halved at most to get to 8 bits.
HALVINGS = 8
#: Multiplications in one product from which on this is faster.
WORTHWHILE = 2**19
#: Presynaptic units there must be: with one alone torch's product is wrong.
NARROWEST = 2


@final
class Octets:
    """Multiplies what arrives, whole numbers up to 127, with weights of 8 bits; sums are exact."""

    def __init__(self, weights: list[Tensor], scale: float, device: torch.device) -> None:
        #: Each (pre, post), int8.
        self.weights = weights
        #: A power of two on all sums.
        self._scale = scale
        self._arriving = torch.empty(0, dtype=torch.int8, device=device)
        self._sums = torch.empty(0, dtype=torch.int32, device=device)

    def apart(self) -> Self:
        """Return another with the same weights, for another thread."""
        return self.__class__(self.weights, self._scale, self._sums.device)

    @classmethod
    def of(
        cls,
        matrices: Sequence[Tensor],
        factor: float,
        like: Tensor,
        known: Callable[[], Tensor | None] = lambda: None,
    ) -> Self | None:
        """Return what multiplies with `matrices` (post, pre) times `factor`, a power of two.

        `known` returns the only one of them in 8 bits, where it fits.

        None where they do not fit 8 bits, but for common factors of 2, where this machine has no
        exact instruction for it (AVX2 alone saturates sums at 16 bits), or where products are too
        small for it to be faster. Sums must stay below 2**31.
        """
        if like.device.type != "cpu" or not _vnni():
            return None
        if not matrices or len(like) * matrices[0].numel() < WORTHWHILE:
            return None
        if matrices[0].shape[1] < NARROWEST:
            return None
        made = known() if len(matrices) == 1 else None
        if made is not None and made.shape == matrices[0].shape:
            return cls([made.t()], factor, like.device)
        largest = max(_largest(matrix.detach()) for matrix in matrices)
        halvings = next((h for h in range(HALVINGS) if largest <= OCTET * 2**h), None)
        if halvings is None:
            return None
        weights = [in_octets(matrix.detach(), 2**halvings) for matrix in matrices]
        if any(narrow is None for narrow in weights):
            return None
        held = [narrow.t() for narrow in weights if narrow is not None]
        return cls(held, factor * 2**halvings, like.device)

    def multiply(self, s: Tensor, weights: Tensor, total: Tensor, empty: bool) -> None:
        """Write the product of `s` (n, pre) with one of `weights` into `total`, or add it."""
        rows, width = s.shape
        if self._arriving.shape != s.shape or self._sums.shape != total.shape:
            self._arriving = self._arriving.new_empty(rows, width)
            self._sums = self._sums.new_empty(rows, weights.shape[1])
        torch._int_mm(self._arriving.copy_(s), weights, out=self._sums)
        if not empty:
            total.add_(self._sums, alpha=self._scale)
            return
        total.copy_(self._sums)
        if self._scale != 1:
            total.mul_(self._scale)


def _largest(matrix: Tensor) -> float:
    least, most = torch.aminmax(matrix)
    return max(-float(least), float(most))


def _vnni() -> bool:
    """Return whether the CPU sums products of 8 bits in 32."""
    supported = getattr(torch.cpu, "_is_vnni_supported", None)
    return hasattr(torch, "_int_mm") and supported is not None and bool(supported())
