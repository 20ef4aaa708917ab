"""Parts: makes the synapses, units and norms of one network, all with the same settings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from hebbgraph.continual.spiking.neurons import Spiking
from hebbgraph.continual.spiking.norm import Norm
from hebbgraph.continual.spiking.synapses import ErrorPath, Synapses, Window
from hebbgraph.random import stream


@dataclass
class Parts:
    """Makes parts; the layers are numbered in the order in which they are made."""

    steps: int = 20
    leak: float = 0.5
    threshold: float = 1.0
    fires: float = 1.0
    width: float = 0.5
    surrogate: str = "box"
    error: ErrorPath = "bp"
    #: First weights are uniform within gain / sqrt(fan in).
    gain: float = 1.7
    #: Share of a minibatch in the running averages of norms.
    norm_share: float = 0.1
    #: See `SpikingNet`.
    fade: float = 1.0
    seed: int = 0
    dtype: torch.dtype = torch.float32
    made: int = field(default=0, init=False)

    def synapses(
        self, posts: int, pres: int, window: Window | None = None, *, norm: bool = False
    ) -> Synapses:
        """Return the next layer; the first one hears the input, which is static."""
        self.made += 1
        sizes = (posts, pres) if window is None else (posts, pres, window[0], window[0])
        first = self.made == 1
        feedback = None if first or self.error != "fa" else self._uniform("back", sizes)
        return Synapses(
            self.gain * self._uniform("w", sizes),
            window=window,
            error="bp" if first else self.error,
            feedback=feedback,
            leak=self.leak,
            static=first,
            norm=self.norm(posts, once=first) if norm else None,
        )

    def units(self) -> Spiking:
        """Return spiking units."""
        return Spiking(self.leak, self.threshold, self.width, self.surrogate, self.fires)

    def norm(self, channels: int, *, once: bool = False) -> Norm:
        """Return a norm, which is asked in every step, or `once` a minibatch."""
        return Norm(channels, 1 if once else self.steps, self.norm_share, self.dtype)

    def _uniform(self, kind: str, sizes: tuple[int, ...]) -> Tensor:
        """Return draws within 1 / sqrt(fan in), the bound of Kaiming's scheme with a = sqrt 5."""
        draws = stream(self.seed, f"hlop.{kind}{self.made}", "weights").random(sizes)
        bound = 1 / np.sqrt(np.prod(sizes[1:]))
        return torch.tensor((2 * draws - 1) * bound, dtype=self.dtype)


class Images(nn.Module):
    """Gives flat inputs (B, channels x height x width) the shape of images."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Return images (B, channels, height, width)."""
        return x.reshape(-1, *self.shape)
