"""Pipelined: the graph of `hebbgraph.models.hlop` as plain tensors, to the same result.

Trainers let all layers act in one step and weights change after a minibatch. The graph is what a
machine does: a signal takes a step from layer to layer, and weights change in every step. This
module learns as the graph does, with its delays, for a minibatch at a time (their mean change):
a check of one by the other, and the faster way to its numbers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hebbgraph.continual.methods.subspace import Subspace


@dataclass(eq=False)
class Pipelined:
    """Weights W_l (n_l, n_{l-1}), subspaces of their inputs, and constants as in `hlop.build`."""

    weights: list[Tensor]
    subspaces: list[Subspace]
    steps: int
    rate: float
    hebbian_rates: list[float]
    momentum: float = 0.9
    leak: float = 0.5
    threshold: float = 1.0
    width: float = 0.5
    _history: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))

    def learn(self, x: Tensor, target: Tensor) -> Tensor:
        """Show inputs (B, n_0) with one-hot targets (B, n_L) for all steps, and learn from them.

        Returns the readout (B, n_L), the sum of the currents of the last layer.
        """
        self._history.clear()
        readout = torch.zeros_like(target)
        for t in range(self.steps):
            self._forward(t, x)
            self._errors(t, target)
            self._residuals(t)
            readout = readout + self._at(f"a{len(self.weights)}", t)
            self._update(t)
        return readout

    def _at(self, name: str, t: int) -> Tensor:
        """Return a signal at step t; 0 before the first."""
        kept = self._history[name]
        return kept[t] if t >= 0 else torch.zeros_like(kept[0])

    def _forward(self, t: int, x: Tensor) -> None:
        held, layers = self._history, len(self.weights)
        held["s0"].append(x)
        held["p0"].append(x)
        for layer, weight in enumerate(self.weights, 1):
            a = self._at(f"s{layer - 1}", t - 1) @ weight.T
            held[f"a{layer}"].append(a)
            if layer == layers:
                break
            v, s, trace = a, torch.zeros_like(a), torch.zeros_like(a)
            if t:
                s = held[f"s{layer}"][-1]
                v = self.leak * held[f"v{layer}"][-1] + a - self.leak * self.threshold * s
                trace = held[f"p{layer}"][-1]
            fired = (v > self.threshold).to(v.dtype)
            held[f"v{layer}"].append(v)
            held[f"s{layer}"].append(fired)
            held[f"p{layer}"].append(self.leak * trace + fired)
            near = (v > self.threshold - self.width) & (v <= self.threshold + self.width)
            held[f"window{layer}"].append(near.to(v.dtype))

    def _errors(self, t: int, target: Tensor) -> None:
        held, last = self._history, len(self.weights)
        held[f"delta{last}"].append(torch.softmax(held[f"a{last}"][t], dim=1) - target)
        for layer in range(last - 1, 0, -1):
            back = self._at(f"delta{layer + 1}", t - 1) @ self.weights[layer]
            held[f"delta{layer}"].append(back * self._at(f"window{layer}", t - 2 * (last - layer)))

    def _residuals(self, t: int) -> None:
        held = self._history
        for layer, subspace in enumerate(self.subspaces, 1):
            p = f"p{layer - 1}"
            left = self._at(p, t - 2)
            for name, rows in (("old", subspace.old), ("new", subspace.new)):
                y = self._at(p, t - 1) @ rows.T
                held[f"{name}{layer}"].append(y)
                left = left - self._at(f"{name}{layer}", t - 1) @ rows
                if name == "old":
                    held[f"r_old{layer}"].append(left)
            held[f"r_all{layer}"].append(left)

    def _update(self, t: int) -> None:
        last = len(self.weights)
        for layer, subspace in enumerate(self.subspaces, 1):
            delta = self._at(f"delta{layer}", t - max(0, 2 * layer + 1 - 2 * last))
            left = self._at(f"r_old{layer}", t - max(0, 2 * (last - layer) - 1))
            change = delta.T @ left / len(delta)
            self.weights[layer - 1] = self.weights[layer - 1] - self.rate / self.steps * change
            if len(subspace.new):
                y, rest = self._at(f"new{layer}", t - 1), self._at(f"r_all{layer}", t)
                step = self.hebbian_rates[layer - 1] * (y.T @ rest) / len(y)
                subspace.momentum = torch.lerp(step, subspace.momentum, self.momentum)
                subspace.new = subspace.new + subspace.momentum
