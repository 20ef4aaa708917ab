"""The LIF without a refractory period: with noise at its threshold and a gate, or without."""

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
        *,
        gated: bool = False,
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
        #: Whether u must be there after the step.
        self._keeps_u = not self._forgets_u or (gated and "u" in states)
        kept = [self._u] if self._keeps_u else []
        kept += [self._v] if self._resets else []
        self._switch = Switch(kept, self._u, holds=neuron.holds) if gated else None

    def hear(self, arrivals: Mapping[str, Arrivals]) -> None:
        """Take what arrives."""
        super().hear(arrivals)
        self._a, self._n, self._on = arrivals["a"], arrivals.get("n"), arrivals.get("on")

    def begin(self, place: int = 0) -> None:
        """Begin with zero states."""
        super().begin(place)
        self._u.zero_()
        self._v.zero_()
        if self._switch:
            self._switch.begin()

    def _integrate(self, a: Tensor | None) -> Tensor:
        """Change ``_v`` to its value before the reset and return u."""
        raise NotImplementedError

    def move(self, t: int) -> None:
        """Integrate, fire, reset."""
        if self._switch:
            self._switch.before()
        u, v = self._integrate(self._a.at(t)), self._v
        noise = self._n.at(t) if self._n is not None else None
        level = v if noise is None else torch.add(v, noise, out=self._noisy)
        fired = torch.gt(level, self._level, out=self.line.row(t))
        if self._resets:
            self._reset(v, fired)
        if self._switch and self._on:
            self._switch.after(self._on.at(t), fired)
        if self._states:
            for name, rows in self._states.items():
                rows[t].copy_(u if name == "u" else v)

    def _reset(self, v: Tensor, fired: Tensor) -> None:
        v.addcmul_(v, fired, value=-1)


@final
class Switch:
    """The port ``on``: units that receive 0 keep their states and are silent, or hold a spike.

    What is kept is chosen bit by bit, which is exact for every number and several times as fast as
    a mask.
    """

    def __init__(self, kept: Sequence[Tensor], like: Tensor, *, holds: bool) -> None:
        self._kept = [(state, torch.zeros_like(state)) for state in kept]
        self._on, self._held, self._holds = torch.zeros_like(like), torch.zeros_like(like), holds
        whole = torch.int32 if like.dtype == torch.float32 else torch.int64
        self._bits = torch.zeros_like(like, dtype=whole)

    def begin(self) -> None:
        """Begin an episode: no spike is held."""
        self._held.zero_()

    def before(self) -> None:
        """Take the states before the step."""
        for state, old in self._kept:
            old.copy_(state)

    def after(self, on: Tensor | None, fired: Tensor) -> None:
        """Undo the step for the units that are off."""
        if on is None:
            self._on.zero_()
        else:
            self._on.copy_(on).ne_(0)
        self._bits.copy_(self._on).neg_()  # all ones where it is on
        for state, old in self._kept:
            self._choose(state, old)
        if self._holds:
            self._choose(fired, self._held)
            self._held.copy_(fired)
        else:
            fired.mul_(self._on)

    def _choose(self, new: Tensor, old: Tensor) -> None:
        """Put back `old` into `new` where it is off."""
        bits, former = new.view(self._bits.dtype), old.view(self._bits.dtype)
        bits.bitwise_xor_(former).bitwise_and_(self._bits).bitwise_xor_(former)


@final
class FloatSpiking(Spiking):
    """A LIF in the float domain."""

    def _integrate(self, a: Tensor | None) -> Tensor:
        u, v = self._u, self._v
        if not self._keeps_u:
            u = u if a is None else a  # self._u stays zero
        else:
            if self._forgets_u:
                u.zero_()
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
        gated: bool = False,
    ) -> None:
        super().__init__(neuron, line, outputs, states, gated=gated)
        self._wraps, self._saturates = wraps, saturates
        self._computes_u = wraps or "u" in states or self._keeps_u

    def _integrate(self, a: Tensor | None) -> Tensor:
        u, v = self._u, self._v
        v.mul_(self._leak_v).trunc_()
        if self._computes_u:
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
