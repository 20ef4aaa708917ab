"""Hopfield: association between state patterns and stored ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid

#: Standard deviation of weights at the start.
SPREAD = 0.02


@dataclass(frozen=True)
class Sizes:
    """The widths of one association, once the defaults are filled in."""

    state: int | None
    stored: int | None
    projection: int | None
    heads: int
    #: Width of the association space, and of what is read out, per head; None where all is static.
    hidden: int | None
    pattern: int | None
    output: int | None


class Hopfield(nn.Module):
    """Association of state patterns R with stored patterns Y, and its pattern projections.

    With q = R Wq + bq, k = Y Wk + bk, v = P Wv + bv in each of `num_heads` heads, P by default Y::

        xi = softmax(scaling q k^T)
        q <- xi k,  xi <- softmax(scaling q k^T)     up to update_steps_max times
        out = concatenated xi v, projected to output_size

    Updates of a head end when its xi moves by `update_steps_eps` or less. A pattern that is
    ``as_static`` has no projection of its own; without any, and without `disable_out_projection`
    left out, the layer is the memory itself: xi Y. `scaling` is beta, by default 1 / sqrt(hidden
    size), or 1 where all is static. Each pattern is first brought to mean 0 and variance 1 unless
    its ``normalize_`` flag is off.
    """

    def __init__(
        self,
        input_size: int | None = None,
        hidden_size: int | None = None,
        output_size: int | None = None,
        pattern_size: int | None = None,
        num_heads: int = 1,
        scaling: float | Tensor | None = None,
        update_steps_max: int | None = 0,
        update_steps_eps: float = 1e-4,
        *,
        normalize_stored_pattern: bool = True,
        normalize_stored_pattern_affine: bool = True,
        normalize_state_pattern: bool = True,
        normalize_state_pattern_affine: bool = True,
        normalize_pattern_projection: bool = True,
        normalize_pattern_projection_affine: bool = True,
        normalize_hopfield_space: bool = False,
        stored_pattern_as_static: bool = False,
        state_pattern_as_static: bool = False,
        pattern_projection_as_static: bool = False,
        stored_pattern_size: int | None = None,
        pattern_projection_size: int | None = None,
        batch_first: bool = True,
        dropout: float = 0.0,
        input_bias: bool = True,
        add_zero_association: bool = False,
        disable_out_projection: bool = False,
    ) -> None:
        super().__init__()
        stored = input_size if stored_pattern_size is None else stored_pattern_size
        projection = input_size if pattern_projection_size is None else pattern_projection_size
        static = (state_pattern_as_static, stored_pattern_as_static, pattern_projection_as_static)
        plain = all(static) and disable_out_projection and not normalize_hopfield_space
        normalised = (
            (normalize_state_pattern, normalize_state_pattern_affine, input_size),
            (normalize_stored_pattern, normalize_stored_pattern_affine, stored),
            (normalize_pattern_projection, normalize_pattern_projection_affine, projection),
        )
        _check(input_size, hidden_size, num_heads, scaling, update_steps_max, plain, normalised)
        hidden = hidden_size
        if not plain and hidden is None:
            hidden = cast(int, input_size) // num_heads
        pattern = projection if pattern_projection_as_static else pattern_size or hidden
        output = (input_size if output_size is None else output_size) if not plain else projection
        self.sizes = Sizes(input_size, stored, projection, num_heads, hidden, pattern, output)
        self.batch_first, self.update_steps_max = batch_first, update_steps_max
        self.update_steps_eps, self.dropout = update_steps_eps, dropout
        self.normalize_hopfield_space = normalize_hopfield_space
        self.add_zero_association = add_zero_association
        self.norms = nn.ModuleList(
            nn.LayerNorm(cast(int, size), elementwise_affine=affine) if wanted else nn.Identity()
            for wanted, affine, size in normalised
        )
        widths = (
            (static[0], input_size, hidden),
            (static[1], stored, hidden),
            (static[2], projection, pattern),
        )
        self.projections = nn.ModuleList(
            nn.Identity() if is_static else nn.Linear(size, num_heads * width, bias=input_bias)  # type: ignore[arg-type, operator]
            for is_static, size, width in widths
        )
        self.static = static
        self.out_projection: nn.Module = nn.Identity()
        if not disable_out_projection:
            self.out_projection = nn.Linear(num_heads * pattern, output, bias=input_bias)  # type: ignore[arg-type, operator]
        beta = scaling
        if beta is None:
            beta = 1.0 if plain else 1.0 / math.sqrt(cast(int, hidden))
        self.register_buffer("scaling", torch.as_tensor(beta, dtype=torch.get_default_dtype()))
        self.reset_parameters()

    scaling: Tensor

    def reset_parameters(self) -> None:
        """Draw all weights anew; biases are 0."""
        for layer in (*self.projections, self.out_projection):
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=SPREAD)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for norm in self.norms:
            if isinstance(norm, nn.LayerNorm):
                norm.reset_parameters()

    def forward(
        self,
        input: Tensor | tuple[Tensor, Tensor, Tensor],  # noqa: A002 - its usual name
        stored_pattern_padding_mask: Tensor | None = None,
        association_mask: Tensor | None = None,
    ) -> Tensor:
        """Return what is associated with each state pattern, (batch, states, output_size).

        `input` is (stored, state, projection), each (batch, patterns, size), or one tensor that is
        all three. `stored_pattern_padding_mask` (batch, stored) is true where no pattern is;
        `association_mask` (states, stored), or one for each batch times head, is true where there
        is no association, or is added to the scores. Without `batch_first` the first two axes of
        the patterns are the other way round.
        """
        q, k, v = self.projected(input)
        mask = self._mask(q, k, stored_pattern_padding_mask, association_mask)
        if self.update_steps_max == 0:
            out = functional.scaled_dot_product_attention(
                q * self.beta(),
                k,
                v,
                attn_mask=mask,
                dropout_p=self.dropout if self.training else 0.0,
                scale=1.0,
            )
        else:
            xi = functional.dropout(self._settled(q, k, mask), self.dropout, self.training)
            out = xi @ v
        out = self.out_projection(out.transpose(1, 2).flatten(2))
        return cast(Tensor, out if self.batch_first else out.transpose(0, 1))

    def get_association_matrix(
        self,
        input: Tensor | tuple[Tensor, Tensor, Tensor],  # noqa: A002 - its usual name
        stored_pattern_padding_mask: Tensor | None = None,
        association_mask: Tensor | None = None,
    ) -> Tensor:
        """Return xi, (batch, heads, states, stored), without gradients."""
        with torch.no_grad():
            q, k, _ = self.projected(input)
            mask = self._mask(q, k, stored_pattern_padding_mask, association_mask)
            return self._settled(q, k, mask)

    def get_projected_pattern_matrix(
        self,
        input: Tensor | tuple[Tensor, Tensor, Tensor],  # noqa: A002 - its usual name
    ) -> Tensor:
        """Return v, (batch, heads, stored, pattern_size), without gradients."""
        with torch.no_grad():
            return self.projected(input)[2]

    def prepared(self, state: Tensor) -> Tensor:
        """Return state patterns as `to_graph` wants them: normalised where the layer does that."""
        return cast(Tensor, self.norms[0](state))

    # --- inside ------------------------------------------------------------------------------

    def projected(
        self, given: Tensor | tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return q, k and v, each (batch, heads, patterns, width)."""
        stored, state, projection = given if isinstance(given, tuple) else (given,) * 3
        found = []
        for index, patterns in enumerate((state, stored, projection)):
            x = patterns if self.batch_first else patterns.transpose(0, 1)
            x = self.projections[index](self.norms[index](x))
            heads = self.sizes.heads
            if self.static[index]:
                x = x.unsqueeze(1).expand(-1, heads, -1, -1)
            else:
                x = x.unflatten(-1, (heads, -1)).transpose(1, 2)
            found.append(x)
        q, k, v = found
        if self.normalize_hopfield_space:
            q, k = (functional.layer_norm(x, x.shape[-1:]) for x in (q, k))
        if self.add_zero_association:
            k, v = (functional.pad(x, (0, 0, 0, 1)) for x in (k, v))
        if q.shape[-1] != k.shape[-1]:
            got = f"states of {q.shape[-1]}, stored patterns of {k.shape[-1]}"
            need = "both must have the same width in the association space"
            raise Invalid("Hopfield", [Fault("hidden_size", got, need, "set hidden_size")])
        return q, k, v

    def beta(self) -> Tensor:
        """Return the scaling, one number or one for each head."""
        return self.scaling if not self.scaling.ndim else self.scaling.view(1, -1, 1, 1)

    def _mask(
        self, q: Tensor, k: Tensor, padding: Tensor | None, association: Tensor | None
    ) -> Tensor | None:
        """Return what is added to the scores, (batch or 1, heads or 1, states or 1, stored)."""
        extra = int(self.add_zero_association)
        total: Tensor | None = None
        heads = q.shape[1] if association is not None and association.ndim == 3 else 1
        inner = (-1, heads, q.shape[2], k.shape[2] - extra)
        for mask, shape in ((padding, (len(q), 1, 1, -1)), (association, inner)):
            if mask is None:
                continue
            added = mask
            if mask.dtype in (torch.bool, torch.uint8):
                added = q.new_zeros(mask.shape).masked_fill(mask.bool(), -torch.inf)
            added = functional.pad(added.reshape(shape), (0, extra))
            total = added if total is None else total + added
        return total

    def _settled(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """Return xi after the updates."""
        beta, xi, step = self.beta(), None, 0
        most = math.inf if self.update_steps_max is None else self.update_steps_max
        active = torch.ones(q.shape[1], dtype=torch.bool, device=q.device)
        while True:
            scores = (beta * q) @ k.transpose(-1, -2)
            new = torch.softmax(scores if mask is None else scores + mask, dim=-1)
            moving = torch.full_like(active, step < most)
            if xi is not None:
                new = torch.where(active.view(1, -1, 1, 1), new, xi)
                moved = torch.linalg.vector_norm(new.detach() - xi.detach(), dim=(2, 3)).amax(0)
                moving &= moved > self.update_steps_eps
            xi, active, step = new, moving, step + 1
            if not active.any():
                return xi
            q = torch.where(active.view(1, -1, 1, 1), xi @ k, q)


def _check(
    input_size: int | None,
    hidden_size: int | None,
    heads: int,
    scaling: float | Tensor | None,
    most: int | None,
    plain: bool,
    normalised: Sequence[tuple[bool, bool, int | None]],
) -> None:
    """Raise `Invalid` with everything that is wrong with the arguments of a `Hopfield`."""
    faults = whole_faults("num_heads", heads, 1, 2**16)
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if size is not None:
            faults += whole_faults(name, size, 1, 2**31)
    if most is not None:
        faults += whole_faults("update_steps_max", most, 0, 2**31)
    names = ("state_pattern", "stored_pattern", "pattern_projection")
    for name, (wanted, affine, size) in zip(names, normalised, strict=True):
        if wanted and size is None:
            need = "must be known to normalise patterns"
            faults.append(Fault("input_size", "None", need, f"or use normalize_{name}=False"))
        if affine and not wanted:
            need = f"must be False without normalize_{name}"
            faults.append(Fault(f"normalize_{name}_affine", "True", need))
    if not plain and input_size is None:
        need = "must be known where something is projected"
        remedy = "or make all patterns static and use disable_out_projection=True"
        faults.append(Fault("input_size", "None", need, remedy))
    elif not faults and not plain and hidden_size is None and (input_size or 0) % heads:
        need = f"must be a multiple of num_heads = {heads}"
        faults.append(Fault("input_size", repr(input_size), need, "or set hidden_size"))
    if scaling is not None and not bool((torch.as_tensor(scaling) > 0).all()):
        faults.append(Fault("scaling", repr(scaling), "must be above 0, or None"))
    if faults:
        raise Invalid("Hopfield", faults)


def repeated(own: Tensor, given: Tensor, batch_first: bool) -> Tensor:
    """Return a layer's own patterns (1, quantity, size) once for every batch of `given`."""
    if batch_first:
        return own.expand(len(given), -1, -1)
    return own.transpose(0, 1).expand(-1, given.shape[1], -1)
