"""Method: what a method of continual learning may do at each point of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hebbgraph.checks import whole_faults
from hebbgraph.continual.learner import State
from hebbgraph.continual.spiking.nets import SpikingNet
from hebbgraph.continual.spiking.trainers import Trainer
from hebbgraph.continual.streams import Labelled, Stream, Task
from hebbgraph.errors import Fault, Invalid


@dataclass(frozen=True)
class Setting:
    """What a method works on: one network, one way to its gradient."""

    net: SpikingNet
    trainer: Trainer
    stream: Stream
    seed: int
    batch: int
    dtype: torch.dtype
    device: torch.device
    #: Of the labels, in the loss.
    smoothing: float = 0.0

    def tensor(self, values: Any) -> Tensor:
        """Return real values on the network's device."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def columns(self, tasks: Tensor) -> Tensor:
        """Return 0 for the columns of the readout that samples of `tasks` (B,) use, else -inf."""
        if self.stream.scenario != "task":
            return torch.zeros(1, self.stream.outputs, dtype=self.dtype, device=self.device)
        shut = torch.full((len(self.stream), self.stream.outputs), -torch.inf, dtype=self.dtype)
        for number, task in enumerate(self.stream.tasks):
            shut[number, list(task.classes)] = 0
        return shut.to(self.device)[tasks]


@dataclass(frozen=True, eq=False)
class Batch:
    """A minibatch: inputs (B, ...), classes (B,), the number of each sample's task (B,)."""

    x: Tensor
    y: Tensor
    task: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def __add__(self, other: Batch) -> Batch:
        both = zip((self.x, self.y, self.task), (other.x, other.y, other.task), strict=True)
        return Batch(*(torch.cat(pair) for pair in both))


@dataclass(frozen=True)
class Options:
    """Options of a method; a subclass names its own, and the ranges of its numbers."""

    #: Lowest and highest value of each whole number.
    wholes: ClassVar[Mapping[str, tuple[int, int]]] = {}
    #: The same of each real number.
    reals: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def faults(self, where: str) -> list[Fault]:
        """Return every value that is outside its range; `where` names the method."""
        found = []
        for key, (low, high) in self.wholes.items():
            found += whole_faults(f"{where}.{key}", getattr(self, key), low, high)
        for key, (least, most) in self.reals.items():
            value = getattr(self, key)
            real = isinstance(value, int | float) and not isinstance(value, bool)
            if not (real and isfinite(value) and least <= value <= most):
                need = f"must be a finite number in [{least:g}, {most:g}]"
                found.append(Fault(f"{where}.{key}", repr(value), need))
        return found


class Method:
    """Plain training; methods override what they change.

    The order of calls is ``start``; for each task ``begin``, for each minibatch ``extended``,
    ``loss`` (in every step with OTTT), ``gradients`` (after the backward pass), ``stepped`` (after
    the optimiser), and ``epoch_done``, ``end``. ``enter`` comes before a task's samples are
    learned or scored.
    """

    name = "naive"
    options_type: type[Options] = Options

    def __init__(self, options: Mapping[str, Any] | Options) -> None:
        self.options: Any = _options(self.options_type, self.name, options)

    def settings(self) -> dict[str, Any]:
        """Return the options, JSON types."""
        return asdict(self.options)

    def start(self, setting: Setting) -> None:
        """Begin anew with an untrained network."""
        self.setting = setting

    def begin(self, number: int, task: Task) -> None:
        """Begin a task."""

    def enter(self, number: int) -> None:
        """Prepare the network for samples of a task, to learn or to score."""

    def samples(self, number: int, epoch: int, samples: Labelled) -> list[tuple[int, Labelled]]:
        """Return what an epoch learns, by task."""
        return [(number, samples)]

    def extended(self, batch: Batch) -> Batch:
        """Return the minibatch with what the method adds to it."""
        return batch

    def loss(self, currents: Tensor, batch: Batch) -> Tensor:
        """Return the loss of class currents (B, classes): cross entropy.

        With a smoothing e the target is 1 - e of the class and e shared by the task's columns.
        """
        smoothing = self.setting.smoothing
        if self.setting.stream.scenario != "task":
            return functional.cross_entropy(currents, batch.y, label_smoothing=smoothing)
        shut = self.setting.columns(batch.task)
        plain = functional.cross_entropy(currents + shut, batch.y)
        if not smoothing:
            return plain
        logs = functional.log_softmax(currents + shut, dim=1)
        used = torch.isfinite(shut).expand_as(logs)
        shared = -(logs.masked_fill(~used, 0).sum(1) / used.sum(1)).mean()
        return (1 - smoothing) * plain + smoothing * shared

    def gradients(self, batch: Batch) -> None:
        """Change the gradients of the network's parameters."""

    def stepped(self, batch: Batch) -> None:
        """Learn from the step that the optimiser just made."""

    def epoch_done(self) -> dict[str, float]:
        """Return what is worth a line of progress."""
        return {}

    def end(self, number: int, task: Task) -> None:
        """End a task."""

    def state(self) -> State:
        """Return everything that decides how it goes on."""
        return {}

    def restore(self, state: State) -> None:
        """Go on from `state`, after ``start``; ``begin`` is not called again."""

    def work(self) -> tuple[float, float]:
        """Return what learning takes beside plain training.

        First how often each training sample is presented, forward and backward, counting what the
        method adds to it (1 for plain training); then multiply-accumulates of the method itself,
        for each minibatch.
        """
        return 1.0, 0.0

    def memory(self) -> dict[str, float]:
        """Return numbers kept for learning beside the weights, by name."""
        return {}


def weights(net: nn.Module) -> dict[str, nn.Parameter]:
    """Return the trainable parameters of a network by name."""
    return {name: p for name, p in net.named_parameters() if p.requires_grad}


def _options(kind: type[Options], name: str, given: Mapping[str, Any] | Options) -> Options:
    faults = []
    if isinstance(given, Options):
        made = given
    else:
        known = [field.name for field in fields(kind)]
        faults = [
            Fault(
                f"{name}.{k}", repr(value), f"is no option; there are {', '.join(known) or 'none'}"
            )
            for k, value in given.items()
            if k not in known
        ]
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k in known}
        made = kind(**values)
    faults += made.faults(name)
    if faults:
        raise Invalid(f"method {name}", faults)
    return made
