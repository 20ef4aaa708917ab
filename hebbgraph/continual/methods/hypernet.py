"""Hypernet: a recurrent network generates each task's weights (von Oswald et al., ICLR 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.generator import Generator
from hebbgraph.continual.methods.method import Batch, Method, Options, Setting, weights
from hebbgraph.continual.streams import Task


@dataclass(frozen=True)
class HypernetOptions(Options):
    """Options of the hypernetwork."""

    wholes: ClassVar = {"embedding": (1, 10**6), "hidden": (1, 10**6), "chunk": (1, 10**9)}
    reals: ClassVar = {"strength": (0.0, 1e12), "rate": (1e-12, 1e6)}

    #: beta, the factor of the regulariser.
    strength: float = 0.03
    #: Rate of the hypernetwork, which learns with Adam.
    rate: float = 0.01
    #: Numbers in the embedding of a task, and of a chunk.
    embedding: int = 16
    #: Units of the recurrent network.
    hidden: int = 64
    #: Weights that are generated at once.
    chunk: int = 500


class Hypernet(Method):
    """Weights of task t are W_0 + sigma f(e_t; Theta), f a recurrent `Generator`.

    W_0 are the network's first weights and sigma their standard deviation, layer by layer, so that
    learning begins near where it does for other methods. Only Theta and e_t learn, by Adam afresh
    for each task (its rate is an option; that of the network does not count)::

        L = L_task(W_t) + (beta / (t - 1)) sum_{k<t} |f(e_k; Theta) - f(e_k; Theta*)|^2

    Weights that all begin alike, those of norms, have sigma = 0 and stay as they are. Theta* is
    Theta before the task; the paper's look-ahead is left out (arXiv:1906.00695).
    Recurrence makes chunks depend on earlier ones (Chandra et al., WACV 2023, arXiv:2209.07712;
    their growth of the network is left out).

    The task is always known: for a stream with one head, too, the method is told the number of the
    task whose samples are scored. That is more than other methods get there.
    """

    name = "hypernet"
    options_type = HypernetOptions

    def start(self, setting: Setting) -> None:
        """Draw the generator."""
        super().start(setting)
        self.weights = weights(setting.net)
        self.first = _flat([w.detach() for w in self.weights.values()])
        held = self.weights.values()
        self.scale = _flat([torch.full_like(w, float(w.detach().std(correction=0))) for w in held])
        given: HypernetOptions = self.options
        self.generator = Generator(
            len(self.first),
            len(setting.stream),
            setting.seed,
            embedding=given.embedding,
            hidden=given.hidden,
            chunk=given.chunk,
        ).to(setting.device, setting.dtype)
        self._begun(0)

    def begin(self, number: int, task: Task) -> None:
        """Keep what is generated for old tasks, and begin with a fresh optimiser."""
        self._begun(number)

    def enter(self, number: int) -> None:
        """Give the network the weights of a task."""
        with torch.no_grad():
            self._give(self.generator([number])[0])

    def extended(self, batch: Batch) -> Batch:
        """Generate the weights of the present task and of old ones."""
        self._made = self.generator([self._number, *range(self._number)])
        with torch.no_grad():
            self._give(self._made[0])
        return batch

    def gradients(self, batch: Batch) -> None:
        """Lead the weights' gradients back into the generator; the network keeps none."""
        found = [torch.zeros_like(w) if w.grad is None else w.grad for w in self.weights.values()]
        loss = (self._made[0] * (self.scale * _flat(found))).sum()
        if self._number:
            loss = loss + self.options.strength * self.drift(self._made[1:])
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for w in self.weights.values():
            w.grad = None

    def stepped(self, batch: Batch) -> None:
        """Let the generator learn."""
        self._optimiser.step()

    def drift(self, made: Tensor) -> Tensor:
        """Return how far what is generated for old tasks went, their mean squared distance."""
        return (made - self.targets).square().sum() / len(made)

    def epoch_done(self) -> dict[str, float]:
        """Return the drift."""
        if not self._number:
            return {}
        with torch.no_grad():
            return {"drift": float(self.drift(self.generator(list(range(self._number)))))}

    def state(self) -> State:
        """Return the generator, the one before the task, and the optimiser's moments."""
        found = {f"generator/{k}": v.cpu().numpy() for k, v in self.generator.state_dict().items()}
        found["targets"] = self.targets.cpu().numpy()
        for i, held in self._optimiser.state_dict()["state"].items():
            found |= {f"adam/{i}/{name}": value.cpu().numpy() for name, value in held.items()}
        return found | {"number": np.array(self._number)}

    def restore(self, state: State) -> None:
        """Take generator, targets and moments of `state`."""
        self._begun(int(state["number"]))
        held = {
            name.removeprefix("generator/"): torch.as_tensor(np.array(array))
            for name, array in state.items()
            if name.startswith("generator/")
        }
        self.generator.load_state_dict(held)
        self.targets = self.setting.tensor(state["targets"])
        document = self._optimiser.state_dict()
        for name, array in state.items():
            if name.startswith("adam/"):
                _, number, key = name.split("/")
                value = torch.as_tensor(np.array(array))
                document["state"].setdefault(int(number), {})[key] = value
        self._optimiser.load_state_dict(document)

    def work(self) -> tuple[float, float]:
        """Return one presentation, and the generator forward and back for every known task."""
        made = self.generator
        held = [*made.cell.parameters(), *made.write.parameters()]
        each = len(made.chunks) * sum(p.numel() for p in held if p.ndim == 2)
        return 1.0, 3.0 * (self._number + 1) * each

    def memory(self) -> dict[str, float]:
        """Return the counts of the generator, of what it must keep generating, of moments."""
        count = sum(p.numel() for p in self.generator.parameters())
        shared = sum(p.numel() for p in self.generator.shared()) + self.options.embedding
        return {"generator": count, "targets": self.targets.numel(), "moments": 2 * shared}

    def _begun(self, number: int) -> None:
        self._number = number
        with torch.no_grad():
            old = list(range(number))
            self.targets = self.generator(old) if old else self.first.new_zeros(0, len(self.first))
        learned = [*self.generator.shared(), self.generator.tasks[number]]
        self._optimiser = torch.optim.Adam(learned, lr=self.options.rate)

    def _give(self, made: Tensor) -> None:
        given = self.first + self.scale * made
        sizes = [w.numel() for w in self.weights.values()]
        parts = torch.split(given, sizes)
        for w, part in zip(self.weights.values(), parts, strict=True):
            w.data.copy_(part.reshape(w.shape))


def _flat(parts: list[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])


LEARNS = Hypernet
