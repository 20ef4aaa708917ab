"""HopfieldPooling: a layer's own state patterns look at what they are given."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from hebbgraph.layers.hopfield import SPREAD, Hopfield, repeated


class HopfieldPooling(nn.Module):
    """Pooling: `quantity` state patterns of the layer's own look at the stored patterns given.

    ``layer(stored)`` or ``layer((stored, projection))``, (batch, patterns, size), returns (batch,
    quantity * output_size). All other arguments are those of `Hopfield`.
    """

    def __init__(
        self, input_size: int, *args: Any, quantity: int = 1, trainable: bool = True, **options: Any
    ) -> None:
        super().__init__()
        self.hopfield = Hopfield(input_size, *args, **options)
        static = self.hopfield.static[0] and self.hopfield.sizes.hidden
        size = static or input_size
        self.pooling_weights = nn.Parameter(torch.empty(1, quantity, size), trainable)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.hopfield.reset_parameters()
        nn.init.normal_(self.pooling_weights, std=SPREAD)

    def forward(
        self,
        input: Tensor | tuple[Tensor, Tensor],  # noqa: A002 - its usual name
        stored_pattern_padding_mask: Tensor | None = None,
        association_mask: Tensor | None = None,
    ) -> Tensor:
        """Return what the states find, side by side."""
        masks = (stored_pattern_padding_mask, association_mask)
        found = self.hopfield(self._given(input), *masks)
        return cast(
            Tensor, (found if self.hopfield.batch_first else found.transpose(0, 1)).flatten(1)
        )

    def get_association_matrix(
        self,
        input: Tensor | tuple[Tensor, Tensor],  # noqa: A002 - its usual name
        stored_pattern_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Return xi, (batch, heads, quantity, stored), without gradients."""
        return self.hopfield.get_association_matrix(self._given(input), stored_pattern_padding_mask)

    def _given(self, given: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        stored, projection = given if isinstance(given, tuple) else (given, given)
        return stored, repeated(self.pooling_weights, stored, self.hopfield.batch_first), projection
