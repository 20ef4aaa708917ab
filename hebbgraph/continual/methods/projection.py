"""Projection: methods that keep weight updates out of subspaces, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Method, Options, Setting
from hebbgraph.continual.methods.subspace import Subspace
from hebbgraph.continual.rows import Capacity, rows_by_energy
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.streams import Task
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream

#: Samples of a task whose signals decide how many rows it gets.
ASKED = 100


@dataclass(frozen=True)
class RowOptions(Options):
    """How many rows each layer gets, the head last."""

    #: Rows of each layer in the first task.
    first_rows: tuple[int, ...] = ()
    #: In later tasks: one tuple for all, or one for each later task.
    later_rows: tuple[int, ...] | tuple[tuple[int, ...], ...] = ()
    #: Instead of numbers: as many rows as, with the old ones, hold this share of the energy of
    #: the signals with which a task begins; 0 for numbers.
    share: float = 0.0
    #: Of the presynaptic rows of one step (samples times positions) at most so many are heard,
    #: drawn with replacement; 0 hears all.
    rows_per_step: int = 4096


class Projection(Method):
    """Updates ``dW = -rate delta r^T`` with r the residual of the presynaptic signal.

    Where that is cheaper, and for convolutions, the gradient is projected instead, which is the
    same: ``sum delta r^T = (sum delta p^T) (1 - H^T H)``. The patches of a convolution are rows of
    their own and share H. The head is left out where each task has its own columns.
    """

    def start(self, setting: Setting) -> None:
        """Make an empty subspace for every layer."""
        super().start(setting)
        layers = setting.net.parts(Synapses)
        self.layers = layers if setting.stream.scenario == "domain" else layers[:-1]
        self.subspaces = [Subspace(layer.width, layer.weight.detach()) for layer in self.layers]
        for layer, subspace in zip(self.layers, self.subspaces, strict=True):
            cheap = layer.window is None and layer.static and layer.posts > setting.batch
            layer.filter = subspace.residual if cheap else None

    def gradients(self, batch: Batch) -> None:
        """Project the gradients of those layers whose signals are not projected."""
        for layer, subspace in zip(self.layers, self.subspaces, strict=True):
            grad = layer.weight.grad
            if layer.filter is None and grad is not None and len(subspace.old):
                left = subspace.residual(grad.reshape(layer.posts, layer.width))
                layer.weight.grad = left.reshape(grad.shape)

    def state(self) -> State:
        """Return the rows."""
        return {
            f"subspace/{i}/{name}": getattr(subspace, name).cpu().numpy()
            for i, subspace in enumerate(self.subspaces)
            for name in ("old", "new", "momentum")
        }

    def restore(self, state: State) -> None:
        """Take the rows of `state`."""
        for i, subspace in enumerate(self.subspaces):
            for name in ("old", "new", "momentum"):
                setattr(subspace, name, self.setting.tensor(state[f"subspace/{i}/{name}"]))

    def memory(self) -> dict[str, float]:
        """Return how many numbers the rows, and their momentum, take."""
        rows = sum(s.old.numel() + s.new.numel() for s in self.subspaces)
        return {"rows": rows, "row_momentum": sum(s.momentum.numel() for s in self.subspaces)}

    @torch.no_grad()
    def presented(self, task: Task, size: int = 0) -> Iterator[list[Tensor]]:
        """Yield the presynaptic signals (n, N) of each layer for the samples of a task, in parts.

        They are what the weight update would take: traces with OTTT, the spikes of every step with
        BPTT, weighted rates with DSR. A part is of `size` samples, else of a minibatch.
        """
        net, size = self.setting.net, size or self.setting.batch
        for first in range(0, len(task.train), size):
            self.listen("continual.presented", first)
            x = self.setting.tensor(task.train.x[first : first + size])
            self.setting.trainer.show(net, x)
            yield [layer.taken() for layer in self.layers]
        net.begin()

    def listen(self, path: str, step: int) -> None:
        """Let every layer hear what is shown next; which rows are kept is drawn for `step`."""
        most = self.options.rows_per_step
        for i, layer in enumerate(self.layers):
            draws = stream(self.setting.seed, path, "rows", episode=i, step=step) if most else None
            layer.listen(most, draws)

    def learned_rows(self, layer: int) -> int:
        """Return how many rows of a layer the last task learned on line; none but for HLOP."""
        del layer
        return 0

    def counts(self, number: int, task: Task) -> list[int]:
        """Return the rows of each layer for a task; raises `Invalid` where they do not fit."""
        options: RowOptions = self.options
        if options.share:
            return self._by_energy(options.share, task)
        found = self._wished(options, number)
        faults = []
        if len(found) < len(self.layers):
            need = f"must name rows for each of {len(self.layers)} layers"
            faults.append(Fault("rows", str(list(found)), need))
        for i, (count, subspace) in enumerate(zip(found, self.subspaces, strict=False)):
            used, width = len(subspace.old) + count, subspace.old.shape[1]
            if used > width:
                need = f"must not exceed the {width} inputs of layer {i + 1}"
                got = f"{used} after task {number}"
                faults.append(Fault(f"{self.name}.rows", got, need, "take fewer rows or tasks"))
        if faults:
            raise Invalid(self.name, faults)
        return list(found[: len(self.layers)])

    def _by_energy(self, share: float, task: Task) -> list[int]:
        some = replace(task, train=task.train.take(np.arange(min(ASKED, len(task.train)))))
        heard = [torch.cat(parts) for parts in zip(*self.presented(some), strict=True)]
        return [
            rows_by_energy(
                signals.double().cpu().numpy(), subspace.old.double().cpu().numpy(), share=share
            )
            for signals, subspace in zip(heard, self.subspaces, strict=True)
        ]

    def capacity(self) -> Capacity:
        """Return how many rows each layer has used."""
        used = tuple(len(s.old) + len(s.new) for s in self.subspaces)
        return Capacity(used, tuple(s.old.shape[1] for s in self.subspaces))

    def _wished(self, options: RowOptions, number: int) -> Sequence[int]:
        if number == 0 or not options.later_rows:
            return options.first_rows
        later = options.later_rows
        if isinstance(later[0], int):
            return [int(count) for count in later if isinstance(count, int)]
        found = later[min(number, len(later)) - 1]
        return found if isinstance(found, tuple | list) else ()


def principal_rows(covariance: Tensor, count: int) -> Tensor:
    """Return the `count` first principal directions (count, N) of a covariance (N, N)."""
    values, vectors = np.linalg.eigh(covariance.double().cpu().numpy())
    best = vectors[:, np.argsort(values)[::-1][:count]].T
    return torch.tensor(np.ascontiguousarray(best), dtype=covariance.dtype).to(covariance.device)
