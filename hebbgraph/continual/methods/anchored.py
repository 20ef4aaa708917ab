"""Anchored: methods that pull important weights back to what they were after the last task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Method, Options, Setting, weights


@dataclass(frozen=True)
class AnchorOptions(Options):
    """Options of a penalty."""

    reals: ClassVar = {"strength": (0.0, 1e12), "stiffest": (1e-12, 1e12)}

    #: Factor of the penalty.
    strength: float = 1.0
    #: Largest factor of a weight's way in the gradient: gradient descent with a rate above 2 /
    #: stiffest diverges; at 1 / stiffest a weight that matters most goes back in one step.
    stiffest: float = 10.0


class Anchored(Method):
    """Adds the quadratic penalty ``(pull / 2) sum_i omega_i (w_i - w*_i)^2`` to the loss.

    Its gradient ``min(pull omega, stiffest) (w - w*)`` is added to that of the task; w* are the
    weights at the end of the last task and the importances omega >= 0 are those of all tasks so
    far, so that memory does not grow.
    """

    def start(self, setting: Setting) -> None:
        """Hold every weight unimportant."""
        super().start(setting)
        self.weights = weights(setting.net)
        self.anchor = {name: w.detach().clone() for name, w in self.weights.items()}
        self.importance = {name: torch.zeros_like(w) for name, w in self.anchor.items()}

    @property
    def pull(self) -> float:
        """Return the factor of the penalty."""
        raise NotImplementedError

    @torch.no_grad()
    def gradients(self, batch: Batch) -> None:
        """Add the gradient of the penalty."""
        for name, w in self.weights.items():
            if w.grad is not None:
                held = (self.pull * self.importance[name]).clamp(max=self.options.stiffest)
                w.grad += held * (w - self.anchor[name])

    def fasten(self, importance: dict[str, Tensor]) -> None:
        """Take the present weights for w*, and new importances."""
        self.importance = importance
        self.anchor = {name: w.detach().clone() for name, w in self.weights.items()}

    def state(self) -> State:
        """Return w* and the importances."""
        return {f"anchor/{name}": w.cpu().numpy() for name, w in self.anchor.items()} | {
            f"importance/{name}": w.cpu().numpy() for name, w in self.importance.items()
        }

    def restore(self, state: State) -> None:
        """Take w* and the importances of `state`."""
        for name in self.weights:
            self.anchor[name] = self.setting.tensor(state[f"anchor/{name}"])
            self.importance[name] = self.setting.tensor(state[f"importance/{name}"])

    def work(self) -> tuple[float, float]:
        """Return one presentation, and two operations for each weight."""
        return 1.0, 2.0 * sum(w.numel() for w in self.anchor.values())

    def memory(self) -> dict[str, float]:
        """Return the count of w* and of importances."""
        count = sum(w.numel() for w in self.anchor.values())
        return {"anchor": count, "importance": count}
