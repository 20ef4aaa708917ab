"""Sources: where data enter."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from hebbgraph.backends.snntorch.arithmetic import half_even
from hebbgraph.backends.snntorch.parts.common import place
from hebbgraph.processes import Domain, Input


@final
class Source(nn.Module):
    """`Input`: data times ``gain``, rounded in the fixed domain."""

    gain: Tensor
    registers: tuple[str, ...] = ()
    silenced = False

    def __init__(
        self, process: Input, domain: Domain = "float", dtype: torch.dtype = torch.float64
    ) -> None:
        super().__init__()
        self.size, self.signal, self.fixed = process.size, process.signal, domain == "fixed"
        place(self, process, domain, dtype)

    def forward(self, data: Tensor) -> Tensor:
        """Return what is emitted for `data` (..., units)."""
        if self.signal != "graded":
            return data
        values = data * self.gain
        return half_even(values) if self.fixed else values

    def extra_repr(self) -> str:
        """Return the number of channels and the signal."""
        return f"{self.size}, {self.signal}"
