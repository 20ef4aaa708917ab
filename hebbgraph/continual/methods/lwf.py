"""LwF: learning without forgetting (Li and Hoiem, ECCV 2016, arXiv:1606.09282)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Method, Options, Setting
from hebbgraph.continual.spiking.nets import SpikingNet
from hebbgraph.continual.streams import Task


@dataclass(frozen=True)
class LwfOptions(Options):
    """Options of LwF."""

    reals: ClassVar = {"strength": (0.0, 1e12), "temperature": (1e-3, 1e6)}

    #: lambda_o, the factor of the old tasks' loss.
    strength: float = 1.0
    #: Divides the currents before the softmax.
    temperature: float = 2.0


class Lwf(Method):
    """On new samples the old heads go on saying what they said before the task.

    With z the readout of a copy of the network frozen before the task, a the class currents::

        L = CE(a, y) + lambda_o h^2 mean_k CE(a_k / h, softmax(z_k / h))

    with h the temperature and k the heads of old tasks; where tasks share columns there is one
    head, of the columns that old tasks use. The factor h^2 keeps gradients comparable (Hinton et
    al. 2015); the paper's warm-up of a new head alone is left out. Where old inputs look unlike new
    ones, e.g. on permuted images with one head, it cannot do much: what the old network says of new
    inputs is then arbitrary, and opposes the new task.
    """

    name = "lwf"
    options_type = LwfOptions

    def start(self, setting: Setting) -> None:
        """Begin without a frozen copy."""
        super().start(setting)
        self.frozen: SpikingNet | None = None
        self.heads: list[list[int]] = []

    def begin(self, number: int, task: Task) -> None:
        """Freeze a copy of the network."""
        self._set_heads(number)
        if number:
            self._freeze()

    def extended(self, batch: Batch) -> Batch:
        """Ask the frozen copy about the minibatch."""
        self._said = None if self.frozen is None else self.frozen(batch.x)
        return batch

    def loss(self, currents: Tensor, batch: Batch) -> Tensor:
        """Return cross entropy and distillation."""
        new = super().loss(currents, batch)
        if self._said is None:
            return new
        heat = self.options.temperature
        old = [
            functional.cross_entropy(
                currents[:, head] / heat, torch.softmax(self._said[:, head] / heat, 1)
            )
            for head in self.heads
        ]
        return new + self.options.strength * heat**2 * torch.stack(old).mean()

    def state(self) -> State:
        """Return the frozen copy's weights and how many tasks it knows."""
        if self.frozen is None:
            return {}
        kept = {f"frozen/{k}": v.cpu().numpy() for k, v in self.frozen.state_dict().items()}
        return kept | {"known": np.array(self.known)}

    def restore(self, state: State) -> None:
        """Take the frozen copy of `state`."""
        if "known" in state:
            self._set_heads(int(state["known"]))
            self._freeze()
            assert self.frozen is not None
            self.frozen.load_state_dict(
                {
                    name.removeprefix("frozen/"): torch.as_tensor(np.array(array))
                    for name, array in state.items()
                    if name.startswith("frozen/")
                }
            )

    def work(self) -> tuple[float, float]:
        """Return a forward pass more, a third of a presentation."""
        return 4 / 3, 0.0

    def memory(self) -> dict[str, float]:
        """Return the count of the frozen weights."""
        held = () if self.frozen is None else self.frozen.parameters()
        return {"frozen": sum(w.numel() for w in held)}

    def _set_heads(self, number: int) -> None:
        self.known = number
        found = [task.classes for task in self.setting.stream.tasks[:number]]
        if self.setting.stream.scenario != "task":
            found = [tuple(sorted({column for head in found for column in head}))]
        self.heads = [list(head) for head in found]

    def _freeze(self) -> None:
        self.setting.net.begin()
        self.setting.net.zero_grad(set_to_none=True)
        self.frozen = copy.deepcopy(self.setting.net).eval()
        self.frozen.requires_grad_(requires_grad=False)


LEARNS = Lwf
