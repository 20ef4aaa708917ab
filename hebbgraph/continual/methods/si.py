"""SI: synaptic intelligence (Zenke, Poole and Ganguli, ICML 2017, arXiv:1703.04200)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.anchored import Anchored, AnchorOptions
from hebbgraph.continual.methods.method import Batch, Setting
from hebbgraph.continual.streams import Task


@dataclass(frozen=True)
class SiOptions(AnchorOptions):
    """Options of SI."""

    reals: ClassVar = AnchorOptions.reals | {"damping": (1e-12, 1e12)}

    #: c, the factor of the penalty.
    strength: float = 5.0
    #: xi, added to squared ways so that weights that hardly moved do not matter.
    damping: float = 0.1


class Si(Anchored):
    """Weights whose moves lowered the old tasks' losses are held by a quadratic penalty.

    ::

        L = L_task + c sum_i Omega_i (w_i - w*_i)^2
        omega_i = - sum_updates g_i dw_i                           (g of the task's loss alone)
        Omega_i <- Omega_i + max(0, omega_i / ((w_i - w*_i)^2 + xi))     at the end of a task
    """

    name = "si"
    options_type = SiOptions

    def start(self, setting: Setting) -> None:
        """Begin with an empty path."""
        super().start(setting)
        self.path: dict[str, Tensor] = {}
        self._begin_path()

    @property
    def pull(self) -> float:
        """Return 2 c."""
        return 2.0 * float(self.options.strength)

    def begin(self, number: int, task: Task) -> None:
        """Begin a new path."""
        self._begin_path()

    def gradients(self, batch: Batch) -> None:
        """Keep the gradient of the task's loss, then add the penalty's."""
        self._before = {
            name: (w.grad.clone(), w.detach().clone())
            for name, w in self.weights.items()
            if w.grad is not None
        }
        super().gradients(batch)

    @torch.no_grad()
    def stepped(self, batch: Batch) -> None:
        """Add what each weight's move was worth."""
        for name, (gradient, old) in self._before.items():
            self.path[name] -= gradient * (self.weights[name] - old)

    @torch.no_grad()
    def end(self, number: int, task: Task) -> None:
        """Turn the path into importance, and anchor the weights."""
        found = {}
        for name, w in self.weights.items():
            way = (w - self.anchor[name]).square() + self.options.damping
            found[name] = self.importance[name] + (self.path[name] / way).clamp(min=0)
        self.fasten(found)
        self._begin_path()

    def state(self) -> State:
        """Return the anchored penalty, and the path until here."""
        path = {f"path/{name}": w.cpu().numpy() for name, w in self.path.items()}
        return super().state() | path

    def restore(self, state: State) -> None:
        """Take penalty and path of `state`."""
        super().restore(state)
        self.path = {name: self.setting.tensor(state[f"path/{name}"]) for name in self.weights}

    def work(self) -> tuple[float, float]:
        """Return the penalty's, and an operation of the path for each weight."""
        presentations, operations = super().work()
        return presentations, operations + sum(w.numel() for w in self.path.values())

    def memory(self) -> dict[str, float]:
        """Return the counts of the penalty, and of the path."""
        return super().memory() | {"path": sum(w.numel() for w in self.path.values())}

    def _begin_path(self) -> None:
        self.path = {name: torch.zeros_like(w) for name, w in self.anchor.items()}


LEARNS = Si
