"""A spiking network in torch as a learner: one network, one trainer, one method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods import Batch, Method, Setting
from hebbgraph.continual.methods import method as method_named
from hebbgraph.continual.spiking.nets import SpikingNet, mlp
from hebbgraph.continual.spiking.synapses import ErrorPath
from hebbgraph.continual.spiking.trainers import trainer
from hebbgraph.continual.streams import Labelled, Stream, Task
from hebbgraph.errors import Fault, Invalid
from hebbgraph.models import hlop
from hebbgraph.random import stream as draws_of


@dataclass(frozen=True)
class NetSettings:
    """A network and how it is trained."""

    #: Units of the hidden layers.
    hidden: tuple[int, ...] = (100,)
    steps: int = 20
    #: ``ottt``, ``bptt`` or ``dsr``.
    trainer: str = "ottt"
    batch: int = 64
    #: Of stochastic gradient descent, and its momentum.
    rate: float = 0.1
    momentum: float = 0.0
    #: ``bp``, ``fa`` or ``ss``.
    error: ErrorPath = "bp"
    #: Factor on the first weights.
    gain: float = 1.7
    leak: float = 0.5
    threshold: float = 1.0
    width: float = 0.5
    surrogate: str = "box"
    dtype: str = "float32"
    device: str = "cpu"


class SpikingLearner:
    """Learns a stream with a method (a name of `hebbgraph.continual.methods`, or a `Method`)."""

    def __init__(
        self,
        settings: NetSettings,
        method: str | Method = "naive",
        options: Mapping[str, Any] | None = None,
        *,
        name: str = "",
    ) -> None:
        self.given = settings
        self.method = method_named(method, options) if isinstance(method, str) else method
        self._name = name or self.method.name
        self._dtype = _dtype(settings.dtype)
        self._device = torch.device(settings.device)

    @property
    def name(self) -> str:
        """Return what it is called in tables."""
        return self._name

    def settings(self) -> dict[str, Any]:
        """Return the hyper-parameters of network and method."""
        return asdict(self.given) | {"method": self.method.name, "options": self.method.settings()}

    # --- tasks -----------------------------------------------------------------------------

    def start(self, stream: Stream, seed: int) -> None:
        """Draw the first weights."""
        self._stream, self._seed, self._updates = stream, seed, 0
        self.net = self._net(stream, seed).to(self._device)
        way = trainer(self.given.trainer)
        setting = Setting(self.net, way, stream, seed, self.given.batch, self._dtype, self._device)
        self._trainer, self._setting = way, setting
        self.method.start(setting)
        self._optimiser = self._fresh_optimiser()

    def begin(self, number: int, task: Task) -> None:
        """Begin a task, with a fresh optimiser."""
        self._optimiser = self._fresh_optimiser()
        self.method.begin(number, task)

    def epoch(self, number: int, epoch: int, samples: Labelled) -> dict[str, float]:
        """Learn all samples, a minibatch at a time; raises `Invalid` where the loss is NaN."""
        self.method.enter(number)
        losses = [self._update(batch) for batch in self._batches(number, epoch, samples)]
        if not losses:
            return {}
        return {"loss": float(torch.stack(losses).mean())} | self.method.epoch_done()

    def end(self, number: int, task: Task) -> None:
        """End a task."""
        self.method.end(number, task)

    def scores(self, x: NDArray[Any], number: int) -> NDArray[np.float64]:
        """Return the readout (samples, classes)."""
        self.method.enter(number)
        readout = self.net(self._setting.tensor(x))
        return np.asarray(readout.cpu().numpy(), dtype=np.float64)

    # --- going on --------------------------------------------------------------------------

    def state(self) -> State:
        """Return weights, the optimiser's momentum and what the method keeps."""
        found = {f"net/{k}": v.cpu().numpy() for k, v in self.net.state_dict().items()}
        for i, held in self._optimiser.state_dict()["state"].items():
            if held.get("momentum_buffer") is not None:
                found[f"optimiser/{i}"] = held["momentum_buffer"].cpu().numpy()
        found |= {f"method/{name}": array for name, array in self.method.state().items()}
        return found | {"updates": np.array(self._updates)}

    def restore(self, number: int, task: Task, state: State, *, begun: bool) -> None:
        """Go on from `state`."""
        held = {k.removeprefix("net/"): v for k, v in state.items() if k.startswith("net/")}
        self.net.load_state_dict({k: torch.as_tensor(np.array(v)) for k, v in held.items()})
        self._updates = int(state["updates"])
        self._optimiser = self._fresh_optimiser()
        document = self._optimiser.state_dict()
        for name, array in state.items():
            if name.startswith("optimiser/"):
                buffer = self._setting.tensor(array).clone()
                document["state"][int(name.partition("/")[2])] = {"momentum_buffer": buffer}
        self._optimiser.load_state_dict(document)
        prefix = "method/"
        kept = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        self.method.restore(kept)

    def costs(self) -> dict[str, float]:
        """Return bytes of the weights and of what the method keeps."""
        size = torch.finfo(self._dtype).bits // 8
        held = {"weights": sum(p.numel() for p in self.net.parameters())} | self.method.memory()
        return {f"bytes_{name}": float(size * count) for name, count in held.items()}

    # --- inside ----------------------------------------------------------------------------

    def _net(self, stream: Stream, seed: int) -> SpikingNet:
        given = self.given
        sizes = (stream.inputs, *given.hidden, stream.outputs)
        weights = [given.gain * w for w in hlop.first_weights(sizes, seed)]
        return mlp(
            weights,
            given.steps,
            leak=given.leak,
            threshold=given.threshold,
            width=given.width,
            surrogate=given.surrogate,
            error=given.error,
            seed=seed,
            dtype=self._dtype,
        )

    def _fresh_optimiser(self) -> torch.optim.SGD:
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        return torch.optim.SGD(parameters, lr=self.given.rate, momentum=self.given.momentum)

    def _batches(self, number: int, epoch: int, samples: Labelled) -> list[Batch]:
        parts = self.method.samples(number, epoch, samples)
        if not parts:
            return []
        setting = self._setting
        x = setting.tensor(np.concatenate([part.x for _, part in parts]))
        y = torch.as_tensor(np.concatenate([part.y for _, part in parts])).to(self._device)
        task = torch.as_tensor(np.concatenate([np.full(len(p), n) for n, p in parts]))
        whole = Batch(x, y, task.to(self._device))
        order = np.arange(len(whole))
        if len(parts) > 1:
            draws = draws_of(self._seed, "continual.joined", "rows", episode=number, step=epoch)
            order = draws.permutation(order)
        rows = torch.as_tensor(order).split(self.given.batch)  # type: ignore[no-untyped-call]
        return [Batch(whole.x[r], whole.y[r], whole.task[r]) for r in rows]

    def _update(self, batch: Batch) -> torch.Tensor:
        method = self.method
        batch = method.extended(batch)
        self._optimiser.zero_grad(set_to_none=True)
        readout = self._trainer.gradients(
            self.net, batch.x, lambda currents: method.loss(currents, batch)
        )
        with torch.no_grad():
            loss = method.loss(readout, batch)
        if not torch.isfinite(loss):
            need = "must be finite: learning has diverged"
            raise Invalid(
                self.name, [Fault("loss", str(float(loss)), need, "lower the learning rates")]
            )
        method.gradients(batch)
        self._optimiser.step()
        method.stepped(batch)
        self._updates += 1
        return loss


def _dtype(name: str) -> torch.dtype:
    known = {"float32": torch.float32, "float64": torch.float64}
    if name not in known:
        need = f"must be one of {', '.join(known)}"
        raise Invalid("settings", [Fault("dtype", repr(name), need)])
    return known[name]
