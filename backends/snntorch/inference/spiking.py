"""The plain LIF: no refractory period, no gate; noise at its threshold or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import EXACT_FLOAT32, B, turns
from hebbgraph.backends.snntorch.inference.emitter import Emitter
from hebbgraph.backends.snntorch.inference.lines import Arrivals, Line
from hebbgraph.backends.snntorch.parts.neurons import LIFNeuron


class Spiking(Emitter):
    """A LIF; `line` has the dtype of its states.

    Spikes are 0 or 1 in that dtype: bool, and masks, take many times as long on a CPU.
    """

    def __init__(
        self,
        neuron: LIFNeuron,
        line: Line,
        outputs: Sequence[Tensor],
        states: Mapping[str, Tensor],
    ) -> None:
        super().__init__(line, outputs, states)
        dtype = line.row(0).dtype
        leak_u, leak_v = (leak.detach().to(dtype) for leak in neuron.leaks())
        self._leak_u, self._forgets_u = leak_u, not bool(leak_u.any())
        self._leak_v, self._forgets_v = leak_v, not bool(leak_v.any())
        self._drive, self._level = neuron.drive().detach().to(dtype), neuron.level().detach()
        if self._level.dtype != dtype:  # what is compared with it are integers below 2**24
            self._level = self._level.floor().clamp(-EXACT_FLOAT32, EXACT_FLOAT32).to(dtype)
        self._driven = bool(self._drive.any())
        self._u = torch.zeros_like(line.row(0))
        self._v, self._noisy = torch.zeros_like(self._u), torch.zeros_like(self._u)
        self._resets = not self._forgets_v or "v" in states

    def hear(self, arrivals: Mapping[str, Arrivals]) -> None:
        """Take what arrives."""
        super().hear(arrivals)
        self._a, self._n = arrivals["a"], arrivals.get("n")

    def begin(self) -> None:
        """Begin with zero states."""
        super().begin()
        self._u.zero_()
        self._v.zero_()

    def _integrate(self, a: Tensor | None) -> Tensor:
        """Change ``_v`` to its value before the reset and return u."""
        raise NotImplementedError

    def move(self, t: int) -> None:
        """Integrate, fire, reset."""
        u, v = self._integrate(self._a.at(t)), self._v
        noise = self._n.at(t) if self._n is not None else None
        level = v if noise is None else torch.add(v, noise, out=self._noisy)
        fired = torch.gt(level, self._level, out=self.line.row(t))
        if self._resets:
            self._reset(v, fired)
        if self._states:
            for name, rows in self._states.items():
                rows[t].copy_(u if name == "u" else v)

    def _reset(self, v: Tensor, fired: Tensor) -> None:
        v.addcmul_(v, fired, value=-1)


@final
class FloatSpiking(Spiking):
    """A LIF in the float domain."""

    def _integrate(self, a: Tensor | None) -> Tensor:
        u, v = self._u, self._v
        if self._forgets_u:
            u = u if a is None else a  # self._u stays zero
        else:
            u.mul_(self._leak_u)
            if a is not None:
                u.add_(a)
        if self._forgets_v:
            torch.add(u, self._drive, out=v)
            return u
        v.mul_(self._leak_v).add_(u)
        if self._driven:
            v.add_(self._drive)
        return u

    def _reset(self, v: Tensor, fired: Tensor) -> None:
        v.clamp_(max=torch.finfo(v.dtype).max)  # infinity times 0 is not 0
        super()._reset(v, fired)


@final
class FixedSpiking(Spiking):
    """A LIF in the fixed domain whose arithmetic cannot overflow 32 bits."""

    def __init__(
        self,
        neuron: LIFNeuron,
        line: Line,
        outputs: Sequence[Tensor],
        states: Mapping[str, Tensor],
        *,
        wraps: bool,
        saturates: bool,
    ) -> None:
        super().__init__(neuron, line, outputs, states)
        self._wraps, self._saturates = wraps, saturates
        self._keeps_u = wraps or "u" in states or not self._forgets_u

    def _integrate(self, a: Tensor | None) -> Tensor:
        u, v = self._u, self._v
        v.mul_(self._leak_v).trunc_()
        if self._keeps_u:
            self._integrate_u(a)
            v.add_(u)
        elif a is not None:
            v.add_(a, alpha=64)
        if self._driven:
            v.add_(self._drive)
        if self._saturates:
            v.clamp_(1 - B, B - 1)
        return u

    def _integrate_u(self, a: Tensor | None) -> None:
        u = self._u
        u.mul_(self._leak_u).trunc_()
        if a is not None:
            u.add_(a, alpha=64)
        if self._wraps:
            u.sub_(turns(u), alpha=2 * B)
