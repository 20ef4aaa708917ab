"""HopfieldLayer: what a layer is given looks at stored patterns of its own."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from hebbgraph.layers.hopfield import SPREAD, Hopfield, repeated


class HopfieldLayer(nn.Module):
    """Lookup: the state patterns given look at `quantity` stored patterns of the layer's own.

    ``layer(state)``, (batch, states, size), returns (batch, states, output_size). What is looked up
    are the stored patterns, or with `lookup_weights_as_separated` targets of their own. All other
    arguments are those of `Hopfield`.
    """

    target_weights: Tensor | None

    def __init__(
        self,
        input_size: int,
        *args: Any,
        quantity: int = 1,
        trainable: bool = True,
        lookup_weights_as_separated: bool = False,
        lookup_targets_as_trainable: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        self.hopfield = Hopfield(input_size, *args, **options)
        sizes = self.hopfield.sizes
        stored = (sizes.hidden if self.hopfield.static[1] else sizes.stored) or input_size
        self.lookup_weights = nn.Parameter(torch.empty(1, quantity, stored), trainable)
        self.register_parameter("target_weights", None)
        if lookup_weights_as_separated:
            size = options.get("pattern_projection_size") or stored
            targets = torch.empty(1, quantity, size)
            self.target_weights = nn.Parameter(targets, lookup_targets_as_trainable)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.hopfield.reset_parameters()
        nn.init.normal_(self.lookup_weights, std=SPREAD)
        if self.target_weights is not None:
            nn.init.normal_(self.target_weights, std=SPREAD)

    def forward(
        self,
        input: Tensor,  # noqa: A002 - its usual name
        stored_pattern_padding_mask: Tensor | None = None,
        association_mask: Tensor | None = None,
    ) -> Tensor:
        """Return what each state looks up."""
        masks = (stored_pattern_padding_mask, association_mask)
        return cast(Tensor, self.hopfield(self._given(input), *masks))

    def get_association_matrix(
        self,
        input: Tensor,  # noqa: A002 - its usual name
    ) -> Tensor:
        """Return xi, (batch, heads, states, quantity), without gradients."""
        return self.hopfield.get_association_matrix(self._given(input))

    def _given(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stored = repeated(self.lookup_weights, state, self.hopfield.batch_first)
        if self.target_weights is None:
            return stored, state, stored
        return stored, state, repeated(self.target_weights, state, self.hopfield.batch_first)
