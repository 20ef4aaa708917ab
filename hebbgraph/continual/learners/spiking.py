"""A spiking network in torch as a learner: one network, one trainer, one method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods import Batch, Method, Setting
from hebbgraph.continual.methods import method as method_named
from hebbgraph.continual.spiking.rounding import WeightGrid
from hebbgraph.continual.spiking.settings import DTYPES, NetSettings, device_of, network
from hebbgraph.continual.spiking.trainers import trainer
from hebbgraph.continual.streams import Labelled, Stream, Task
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream as draws_of


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
        self._dtype = DTYPES.get(settings.dtype, torch.float32)

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
        net = network(self.given, stream.inputs, stream.outputs, seed)
        self._device = device_of(self.given)
        self.net = net.to(self._device).eval()
        way = trainer(self.given.trainer)
        setting = Setting(
            self.net, way, stream, seed, self.given.batch, self._dtype, self._device,
            self.given.smoothing,
        )  # fmt: skip
        self._trainer, self._setting = way, setting
        self._grid = self._weight_grid()
        self.method.start(setting)
        self._optimiser = self._fresh_optimiser()

    def begin(self, number: int, task: Task) -> None:
        """Begin a task, with a fresh optimiser; norms stay as the first task left them."""
        if number:
            self.net.freeze()
        self._optimiser = self._fresh_optimiser()
        self.method.begin(number, task)

    def epoch(self, number: int, epoch: int, samples: Labelled) -> dict[str, float]:
        """Learn all samples, a minibatch at a time; raises `Invalid` where the loss is NaN."""
        self.method.enter(number)
        self.net.train()
        for group in self._optimiser.param_groups:
            group["lr"] = self.given.rate * self.given.decay**epoch
        losses = [self._update(batch) for batch in self._batches(number, epoch, samples)]
        self.net.eval()
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
        if self._grid:
            found |= {f"grid/{k}": v.cpu().numpy() for k, v in self._grid.state().items()}
        return found | {"updates": np.array(self._updates)}

    def restore(self, number: int, task: Task, state: State, *, begun: bool) -> None:
        """Go on from `state`."""
        held = {k.removeprefix("net/"): v for k, v in state.items() if k.startswith("net/")}
        self.net.load_state_dict({k: torch.as_tensor(np.array(v)) for k, v in held.items()})
        self._updates = int(state["updates"])
        if self._grid:
            parts = {k.removeprefix("grid/"): v for k, v in state.items() if k.startswith("grid/")}
            self._grid.load({k: self._setting.tensor(v) for k, v in parts.items()})
        if number:
            self.net.freeze()
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

    def _weight_grid(self) -> WeightGrid | None:
        given = self.given
        if not given.weight_bits and not given.accumulator_bits:
            return None
        bits = given.weight_bits, given.accumulator_bits
        return WeightGrid(self.net, *bits, given.rounding, given.weight_span, self._seed)

    def _fresh_optimiser(self) -> torch.optim.SGD:
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        return torch.optim.SGD(parameters, lr=self.given.rate, momentum=self.given.momentum)

    def _batches(self, number: int, epoch: int, samples: Labelled) -> Iterator[Batch]:
        """Yield minibatches; only one at a time is on the device."""
        parts = self.method.samples(number, epoch, samples)
        if not parts:
            return
        which = np.repeat(np.arange(len(parts)), [len(part) for _, part in parts])
        place = np.concatenate([np.arange(len(part)) for _, part in parts])
        if len(parts) > 1:
            draws = draws_of(self._seed, "continual.joined", "rows", episode=number, step=epoch)
            order = draws.permutation(np.arange(len(place)))
            which, place = which[order], place[order]
        for first in range(0, len(place), self.given.batch):
            rows = slice(first, first + self.given.batch)
            yield self._batch(parts, which[rows], place[rows])

    def _batch(
        self, parts: list[tuple[int, Labelled]], which: NDArray[Any], place: NDArray[Any]
    ) -> Batch:
        """Return samples ``parts[which[i]][place[i]]``."""
        x = np.stack([parts[p][1].x[i] for p, i in zip(which, place, strict=True)])
        y = np.array([parts[p][1].y[i] for p, i in zip(which, place, strict=True)])
        task = np.array([parts[p][0] for p in which])
        device = self._device
        return Batch(
            self._setting.tensor(x),
            torch.as_tensor(y).to(device),
            torch.as_tensor(task).to(device),
        )

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
        if self._grid:
            self._grid.restore()
        self._optimiser.step()
        if self._grid:
            self._grid.settle(self._updates)
        method.stepped(batch)
        self._updates += 1
        return loss
