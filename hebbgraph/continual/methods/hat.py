"""HAT: hard attention to the task (Serra et al., ICML 2018, arXiv:1801.01423)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Method, Options, Setting
from hebbgraph.continual.spiking.neurons import Spiking
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.streams import Labelled, Task
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream


@dataclass(frozen=True)
class HatOptions(Options):
    """Options of HAT."""

    reals: ClassVar = {"steepness": (1.0, 1e6), "sparsity": (0.0, 1e12), "rate": (1e-12, 1e6)}

    #: s_max, the steepness of the masks at the end of each epoch and when scoring.
    steepness: float = 400.0
    #: c, the factor of the regulariser.
    sparsity: float = 0.1
    #: Rate at which the embeddings of tasks learn.
    rate: float = 0.1


class Hat(Method):
    """Each task learns a mask of hidden units; weights between units of old tasks stay.

    With e_l (tasks, units) the embeddings of layer l, b = 1 ... B the minibatches of an epoch and
    A the largest masks of old tasks::

        a = sigmoid(s e_t),    s = 1 / s_max + (s_max - 1 / s_max) (b - 1) / (B - 1)
        L = CE + c sum_l sum_i a_i (1 - A_i) / sum_l sum_i (1 - A_i)
        dL/dw_ij <- (1 - min(A_i of the layer, A_j of the layer before)) dL/dw_ij
        dL/de <- (s_max / s) (cosh(s e) + 1) / (cosh(e) + 1) dL/de

    The spikes of unit i are multiplied by a_i; channels of a convolution share a mask. Embeddings
    begin normal, are held within 6 and learn by plain gradient descent. The task must be known and
    have columns of its own in the readout, and units must lie between each layer and the next.
    """

    name = "hat"
    options_type = HatOptions
    _LIMIT = 6.0
    _COSH = 50.0

    def start(self, setting: Setting) -> None:
        """Draw the embeddings; raises `Invalid` where tasks share a head."""
        super().start(setting)
        self.layers, self.units = setting.net.parts(Synapses), setting.net.parts(Spiking)
        _check(setting, len(self.layers), len(self.units))
        self.embeddings, self.used = [], []
        for number, layer in enumerate(self.layers[:-1]):
            draws = stream(setting.seed, f"continual.hat.{number}", "embeddings")
            first = draws.normal(size=(len(setting.stream), layer.posts))
            self.embeddings.append(setting.tensor(first))
            self.used.append(setting.tensor(np.zeros(layer.posts)))
        self._number = 0

    def enter(self, number: int) -> None:
        """Set the masks of a task as steep as they get."""
        self._number = number
        self._set_gates(self.options.steepness, learning=False)

    def samples(self, number: int, epoch: int, samples: Labelled) -> list[tuple[int, Labelled]]:
        """Return the task's samples, and begin to count minibatches."""
        self._batches, self._done = -(-len(samples) // self.setting.batch), 0
        return super().samples(number, epoch, samples)

    def extended(self, batch: Batch) -> Batch:
        """Set the masks for the minibatch."""
        flat = 1 / self.options.steepness
        way = self._done / max(1, self._batches - 1)
        self._steepness = flat + (self.options.steepness - flat) * way
        self._set_gates(self._steepness, learning=True)
        self._done += 1
        return batch

    @torch.no_grad()
    def gradients(self, batch: Batch) -> None:
        """Shut the weights of old tasks, and lead the errors of the masks to the embeddings."""
        before = None
        for layer, used in zip(self.layers, [*self.used, None], strict=True):
            if layer.weight.grad is not None:
                layer.weight.grad *= 1 - self._shut(layer, used, before)
            before = used
        self._steps = self._embedding_gradients()

    def stepped(self, batch: Batch) -> None:
        """Learn the embeddings of the task."""
        for held, step in zip(self.embeddings, self._steps, strict=True):
            row = held[self._number] - self.options.rate * step
            held[self._number] = row.clamp(-self._LIMIT, self._LIMIT)

    def epoch_done(self) -> dict[str, float]:
        """Return the share of units that the task's masks let through."""
        masks = torch.cat(self.masks(self._number))
        return {"units_open": float((masks > 0.5).to(masks.dtype).mean())}

    def end(self, number: int, task: Task) -> None:
        """Take the units of the task among those used."""
        both = zip(self.used, self.masks(number), strict=True)
        self.used = [torch.maximum(used, mask) for used, mask in both]

    def masks(self, number: int) -> list[Tensor]:
        """Return the masks of a task, layer by layer, as steep as they get."""
        return [torch.sigmoid(self.options.steepness * e[number]) for e in self.embeddings]

    def state(self) -> State:
        """Return embeddings and used units."""
        found = {f"embedding/{i}": e.cpu().numpy() for i, e in enumerate(self.embeddings)}
        return found | {f"used/{i}": a.cpu().numpy() for i, a in enumerate(self.used)}

    def restore(self, state: State) -> None:
        """Take embeddings and used units of `state`."""
        for i in range(len(self.embeddings)):
            self.embeddings[i] = self.setting.tensor(state[f"embedding/{i}"])
            self.used[i] = self.setting.tensor(state[f"used/{i}"])

    def work(self) -> tuple[float, float]:
        """Return one presentation, and an operation for each weight and for each unit."""
        weights = sum(layer.weight.numel() for layer in self.layers[:-1])
        return 1.0, float(weights + sum(used.numel() for used in self.used))

    def memory(self) -> dict[str, float]:
        """Return the counts of embeddings and of used units."""
        count = sum(e.numel() for e in self.embeddings)
        return {"embeddings": count, "used_units": sum(a.numel() for a in self.used)}

    # --- inside ----------------------------------------------------------------------------

    def _set_gates(self, steepness: float, *, learning: bool) -> None:
        self._gates = []
        for unit, layer, held in zip(self.units, self.layers, self.embeddings, strict=False):
            mask = torch.sigmoid(steepness * held[self._number])
            if layer.window is not None:
                mask = mask[:, None, None]
            self._gates.append(mask.requires_grad_(learning))
            unit.gate = mask

    def _shut(self, layer: Synapses, post: Tensor | None, pre: Tensor | None) -> Tensor:
        """Return min(A_i, A_j) in the shape of the layer's weights; the head's units are free."""
        if post is None:
            return torch.zeros_like(layer.weight)
        rows = post[:, None].expand(layer.posts, layer.width)
        if pre is not None:
            columns = pre.repeat_interleave(layer.width // len(pre))
            rows = torch.minimum(rows, columns[None])
        return rows.reshape(layer.weight.shape)

    def _embedding_gradients(self) -> list[Tensor]:
        steep, most = self._steepness, self.options.steepness
        free = sum(float((1 - used).sum()) for used in self.used)
        found = []
        for gate, held, used in zip(self._gates, self.embeddings, self.used, strict=True):
            e = held[self._number]
            a = gate.detach().flatten()
            arrived = torch.zeros_like(a) if gate.grad is None else gate.grad.flatten()
            to_mask = arrived + self.options.sparsity * (1 - used) / max(free, 1e-12)
            steeper = torch.cosh((steep * e).clamp(-self._COSH, self._COSH)) + 1
            straight = steep * a * (1 - a) * to_mask
            found.append(straight * (most / steep) * steeper / (torch.cosh(e) + 1))
        return found


def _check(setting: Setting, layers: int, units: int) -> None:
    faults = []
    if setting.stream.scenario != "task":
        need = "must be 'task': masks belong to tasks that are known and have a head of their own"
        remedy = "split the stream by task, or take another method"
        faults.append(Fault("stream.scenario", repr(setting.stream.scenario), need, remedy))
    if layers != units + 1:
        need = "must be one less than layers, one after each but the head"
        faults.append(Fault("net", f"{units} groups of units, {layers} layers", need))
    if faults:
        raise Invalid("method hat", faults)


LEARNS = Hat
