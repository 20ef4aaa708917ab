"""SpikingNet: a body of synapses and spiking units, and a readout that sums its currents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hebbgraph.continual.spiking.neurons import Spiking
from hebbgraph.continual.spiking.norm import Norm
from hebbgraph.continual.spiking.synapses import ErrorPath, Synapses
from hebbgraph.random import stream

Part = TypeVar("Part", bound=nn.Module)


class SpikingNet(nn.Module):
    """A network that is shown one input for `steps` steps.

    Its readout is the mean of the currents ``a_L[t]`` that arrive at the classes, step t of T
    with weight ``fade^(T-t)``. `body` maps what arrives in one step to the spikes of its last
    layer; every part with a state (`Synapses`, `Spiking`) keeps it until `begin`.
    """

    def __init__(self, body: nn.Module, head: Synapses, steps: int, fade: float = 1.0) -> None:
        super().__init__()
        self.body: Callable[[Tensor], Tensor] = body
        self.head: Callable[[Tensor], Tensor] = head
        self.steps, self.fade = steps, fade
        self.frozen = False

    def freeze(self) -> None:
        """Keep norms, with their statistics, as they are: the first task is over."""
        self.frozen = True
        for norm in self.parts(Norm):
            norm.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set whether norms take the minibatch's statistics; frozen ones never do."""
        super().train(mode)
        if self.frozen:
            for norm in self.parts(Norm):
                norm.eval()
        return self

    def begin(self) -> None:
        """Forget all states: new samples are shown."""
        for synapses in self.parts(Synapses):
            synapses.clear()
        for unit in self.parts(Spiking):
            unit.clear()

    def step(self, x: Tensor) -> Tensor:
        """Return the currents (B, classes) of one step."""
        return self.head(self.body(x))

    def parts(self, kind: type[Part]) -> list[Part]:
        """Return the parts of a kind, in the order in which signals pass them.

        The shortcut of a residual block comes after its convolutions.
        """
        return [part for part in self.modules() if isinstance(part, kind)]

    @torch.no_grad()
    def forward(self, x: Tensor, *, keep: bool = False) -> Tensor:
        """Return the readout (B, classes) of inputs `x`, the mean current of the steps.

        States are forgotten after it unless told to `keep` them.
        """
        self.begin()
        total, whole = self.step(x), 1.0
        for _ in range(self.steps - 1):
            total = torch.add(self.step(x), total, alpha=self.fade)
            whole = self.fade * whole + 1
        if not keep:
            self.begin()
        return total / whole


def mlp(
    weights: Sequence[NDArray[np.float64]],
    steps: int = 20,
    *,
    leak: float = 0.5,
    threshold: float = 1.0,
    width: float = 0.5,
    surrogate: str = "box",
    fires: float = 1.0,
    fade: float = 1.0,
    error: ErrorPath = "bp",
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> SpikingNet:
    """Return layers ``weights[l]`` (n_l, n_{l-1}), all but the last followed by spiking units.

    Fixed feedback weights, for the error path ``fa``, are drawn as in `hebbgraph.models.hlop`.
    """
    layers: list[Synapses] = []
    for number, matrix in enumerate(weights, 1):
        feedback = None
        if error == "fa" and number > 1:
            post, pre = matrix.shape
            draws = stream(seed, f"hlop.back{number}", "weights").random((pre, post))
            feedback = torch.tensor((2 * draws - 1).T / np.sqrt(pre), dtype=dtype)
        weight = torch.tensor(matrix, dtype=dtype)
        path = "bp" if number == 1 else error
        layers.append(
            Synapses(weight, error=path, feedback=feedback, leak=leak, static=number == 1)
        )
    body: list[nn.Module] = []
    for layer in layers[:-1]:
        body += [layer, Spiking(leak, threshold, width, surrogate, fires)]
    return SpikingNet(nn.Sequential(*body), layers[-1], steps, fade)
