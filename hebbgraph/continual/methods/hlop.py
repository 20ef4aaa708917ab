"""HLOP: Hebbian orthogonal projection (Xiao et al., ICLR 2024, arXiv:2402.11984)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from hebbgraph.continual.learner import State
from hebbgraph.continual.methods.method import Batch, Setting
from hebbgraph.continual.methods.projection import Projection, RowOptions
from hebbgraph.continual.rows import convergence, warn_unless_converged
from hebbgraph.continual.spiking.rounding import rounded, rounding_faults
from hebbgraph.continual.streams import Task
from hebbgraph.errors import Fault, Invalid
from hebbgraph.models.hlop import fresh_rows

#: Samples of a task whose signals tell whether rows have converged.
CHECKED = 100


@dataclass(frozen=True)
class HlopOptions(RowOptions):
    """Options of HLOP."""

    #: Rate of each layer's rows, for signals of energy 1 where `relative`.
    rates: tuple[float, ...] = (4.0,)
    #: Factor on the rates after each epoch of a task: rows settle.
    decay: float = 0.7
    #: Whether the rate is divided by the mean energy of the signals, or of the subspace units
    #: where that is larger: what rows of unit length would never see.
    relative: bool = True
    momentum: float = 0.9
    #: Bits of the rows: up to 1 and -1 while they learn, to the largest of a block at the merge;
    #: 0 for none.
    row_bits: int = 0
    #: Whether rows are rounded while they learn, or once when they are merged.
    row_bits_online: bool = False
    #: Of rows that learn: ``nearest``, ``independent`` or ``shared`` (stochastic).
    rounding: str = "nearest"
    #: Lateral units fire bursts: y is rounded to whole spikes, `burst` of them (positive or
    #: negative) for `burst_span`; 0 for linear units.
    burst: int = 0
    burst_span: float = 20.0
    #: How often rows learn from a minibatch: from all of it each time where there is one signal
    #: for each sample, else from a share of the steps.
    iterations: int = 5


class Hlop(Projection):
    """Rows learn, during training, what the task presents, by lateral Hebbian synapses.

    In every minibatch they hear what the weight update takes: with OTTT the traces of every step,
    with BPTT the spikes of every step, with DSR the weighted firing rates.
    """

    name = "hlop"
    options_type = HlopOptions

    def start(self, setting: Setting) -> None:
        """Begin without rows."""
        super().start(setting)
        options: HlopOptions = self.options
        faults = rounding_faults({"row_bits": options.row_bits}, options.rounding)
        if options.burst and any(layer.window for layer in self.layers):
            need = "must be 0 where there are convolutions: their gradients are projected"
            faults.append(Fault("burst", str(options.burst), need))
        if faults:
            raise Invalid(self.name, faults)
        if options.burst:
            for layer, subspace in zip(self.layers, self.subspaces, strict=True):
                subspace.burst, subspace.span = options.burst, options.burst_span
                layer.filter = subspace.residual
        self.minibatches = self.passed = 0
        self.block = [0] * len(self.layers)

    def begin(self, number: int, task: Task) -> None:
        """Add a block of random orthonormal rows."""
        counts = self.block = self.counts(number, task)
        self.passed = 0
        for i, (count, subspace) in enumerate(zip(counts, self.subspaces, strict=True)):
            width = subspace.old.shape[1]
            drawn = fresh_rows(count, width, self.setting.seed, i + 1, number)
            if drawn is not None:
                subspace.new = self.setting.tensor(drawn)
                subspace.momentum = torch.zeros_like(subspace.new)

    def extended(self, batch: Batch) -> Batch:
        """Listen to what the minibatch brings to the synapses."""
        self.listen("continual.hlop", self.minibatches)
        self.minibatches += 1
        return batch

    @torch.no_grad()
    def gradients(self, batch: Batch) -> None:
        """Project the gradients, and let the rows learn from what was heard."""
        super().gradients(batch)
        options: HlopOptions = self.options
        faded = options.decay**self.passed
        rates = options.rates if len(options.rates) > 1 else options.rates * len(self.layers)
        for layer, subspace, rate in zip(self.layers, self.subspaces, rates, strict=False):
            rows = layer.taken()
            if not len(rows) or not len(subspace.new):
                continue
            times, few = options.iterations, len(rows) <= len(batch)
            for part in range(times):
                heard = rows if few else rows[part::times]
                subspace.learn(
                    heard, faded * rate, momentum=options.momentum, relative=options.relative
                )
                if options.row_bits_online:
                    update = self.minibatches * times + part
                    subspace.new = self._rounded(subspace.new, 1.0, options.rounding, update)

    def epoch_done(self) -> dict[str, float]:
        """Return the worst error of the new rows from orthonormal."""
        self.passed += 1
        held = [s.orthonormality() for s in self.subspaces if len(s.new)]
        return {"orthonormality_error": max(held)} if held else {}

    def end(self, number: int, task: Task) -> None:
        """Merge the new rows into the old ones; warns where they have not converged."""
        some = replace(task, train=task.train.take(np.arange(min(CHECKED, len(task.train)))))
        heard = [torch.cat(parts) for parts in zip(*self.presented(some), strict=True)]
        checked = [
            convergence(*(rows.double().cpu().numpy() for rows in (s.new, signals, s.old)))
            for s, signals in zip(self.subspaces, heard, strict=True)
        ]
        warn_unless_converged(self.name, task.name, checked)
        for subspace in self.subspaces:
            if len(subspace.new) and not self.options.row_bits_online:
                top = 2.0 ** (max(self.options.row_bits, 2) - 1)
                span = float(subspace.new.abs().max()) * top / (top - 1)
                subspace.new = self._rounded(subspace.new, span, "nearest", 0)
            subspace.freeze()

    def _rounded(self, rows: torch.Tensor, span: float, mode: str, update: int) -> torch.Tensor:
        bits, seed = self.options.row_bits, self.setting.seed
        return rounded(rows, bits, span, mode, "continual.rows", seed, update)

    def learned_rows(self, layer: int) -> int:
        """Return how many rows the last task had."""
        return self.block[layer]

    def state(self) -> State:
        """Return the rows, and how many minibatches were heard."""
        return super().state() | {
            "minibatches": np.array(self.minibatches),
            "passed": np.array(self.passed),
            "block": np.array(self.block),
        }

    def restore(self, state: State) -> None:
        """Take the rows of `state`."""
        super().restore(state)
        self.minibatches, self.passed = int(state["minibatches"]), int(state["passed"])
        self.block = state["block"].tolist()


LEARNS = Hlop
