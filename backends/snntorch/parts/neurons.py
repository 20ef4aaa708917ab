"""Units with spikes and a state, as snnTorch neurons: LIF, TernaryLIF, Sign."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, final

import snntorch
import torch
from torch import Tensor
from torch.nn import functional

from hebbgraph.backends.snntorch.arithmetic import (
    B,
    gated,
    saturate,
    straight_through,
    towards_zero,
    wrap32,
    wrap_u,
)
from hebbgraph.backends.snntorch.parts.common import place
from hebbgraph.backends.snntorch.scan import fired, leaky, stepped
from hebbgraph.processes import LIF, Domain, Process, Sign, TernaryLIF


class GraphNeuron(snntorch.SpikingNeuron, ABC):  # type: ignore[misc]
    """A snnTorch neuron that follows the law of the tick, with a bias and vector parameters.

    Use it as any snnTorch neuron: ``s, u, v = neuron(a, u, v)`` (states left out are zero), or
    with ``init_hidden=True`` ``s = neuron(a)``, the states kept inside and cleared by `reset_mem`.
    The optional ports are keywords, ``neuron(a, u, v, n=noise, on=gate)``. Its state_dict holds
    the parameters of its process and nothing else.

    Why not snnTorch's own classes; none has a bias on v, and beside that:

    - ``Leaky``: has no current u; ``reset_mechanism="zero"`` is right, the default is not.
    - ``Synaptic``: with ``"zero"`` it resets one step late and so loses the input of that step;
      only ``reset_delay=False`` is right.
    - ``RSynaptic``, ``RLeaky``: recurrence is built in, and ``reset_delay=False`` fails in 1.0.
    - all: surrogates compute float32, and a class list keeps every neuron alive (not these).

    In the fixed domain integers are carried in float64, nothing is a parameter, and gradients pass
    rounding and wrapping straight through, and stop where a state saturates.
    """

    silenced = False

    def __init__(
        self,
        process: Process,
        domain: Domain = "float",
        dtype: torch.dtype = torch.float64,
        spike_grad: Callable[[Tensor], Tensor] | None = None,
        *,
        init_hidden: bool = False,
        output: bool = False,
    ) -> None:
        super().__init__(
            spike_grad=spike_grad,
            init_hidden=init_hidden,
            reset_mechanism="zero",
            output=output,
        )
        alive = snntorch.SpikingNeuron.instances
        alive[:] = [neuron for neuron in alive if neuron is not self]
        self.fixed, self.size = domain == "fixed", process.output.size
        self.registers = process.registers
        # snnTorch's own settings are not parameters of the graph: keep them out of state_dict.
        for name in ("graded_spikes_factor", "reset_mechanism_val", "threshold"):
            self.register_buffer(name, getattr(self, name), persistent=False)
        place(self, process, domain, dtype)
        for name in self.registers:  # as in snnTorch: empty until the first input tells the batch
            self.register_buffer(name, torch.zeros(0, dtype=dtype), persistent=False)

    @abstractmethod
    def step(self, a: Tensor, states: list[Any], **ports: Tensor) -> tuple[Tensor, ...]:
        """Return what is emitted and the states after one step."""

    def reset_mem(self) -> tuple[Tensor, ...]:
        """Clear the states kept inside and return them."""
        for name in self.registers:
            setattr(self, name, torch.zeros_like(getattr(self, name)))
        return tuple(getattr(self, name) for name in self.registers)

    def forward(
        self, a: Tensor, *states: Tensor | None, **ports: Tensor
    ) -> Tensor | tuple[Tensor, ...]:
        """Do one step with what arrives at port ``a`` (..., units); see the class.

        Raises TypeError if states are given to a neuron that keeps its own.
        """
        rest = self.registers[len(states) :]
        given = [*states, *(ports.pop(name, None) for name in rest)]
        if self.init_hidden:
            if any(state is not None for state in given):
                names = " and ".join(self.registers)
                raise TypeError(f"with init_hidden=True the neuron keeps {names} itself")
            given = [getattr(self, name) for name in self.registers]
        before = [
            torch.zeros_like(a) if state is None or state.shape != a.shape else state
            for state in given
        ]
        emitted, *after = self.step(a, before, **ports)
        if self.init_hidden:
            for name, state in zip(self.registers, after, strict=True):
                setattr(self, name, state)
            if not self.output:
                return emitted
        return (emitted, *after) if after else emitted

    def above(self, x: Tensor) -> Tensor:
        """Return 1 where x > 0, else 0, with the surrogate gradient."""
        if not x.requires_grad:
            return torch.gt(x, 0.0, out=torch.empty_like(x))  # float: bool is ten times slower
        spikes: Tensor = self.spike_grad(x)
        return spikes.to(x.dtype)

    def extra_repr(self) -> str:
        """Return the number of units."""
        return f"{self.size}"


class _Integrating(GraphNeuron):
    """The current u and the voltage v of `LIF` and `TernaryLIF`."""

    decay_u: Tensor
    decay_v: Tensor
    bias: Tensor
    bias_scale: float

    def leaks(self) -> tuple[Tensor, Tensor]:
        """Return the shares of u and of v that one step keeps, before any rounding."""
        if self.fixed:
            return (4095 - self.decay_u) / 4096, (4096 - self.decay_v) / 4096
        return 1 - self.decay_u, 1 - self.decay_v

    def drive(self) -> Tensor:
        """Return what is added to v each step."""
        return self.bias * self.bias_scale if self.fixed else self.bias

    def integrate(self, a: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return u and v after input `a`, before the reset; in fixed u wraps, v saturates."""
        leak_u, leak_v = self.leaks()
        if not self.fixed:
            u = u * leak_u + a
            return u, v * leak_v + u + self.bias
        u = wrap_u(wrap32(towards_zero(u * leak_u) + wrap32(64 * a)))
        v = wrap32(towards_zero(v * leak_v) + u + self.drive())
        return u, torch.clamp(v, 1 - B, B - 1)


@final
class LIFNeuron(_Integrating):
    """`LIF`, its registers ``u``, ``v``, with a refractory period ``r``, and held spikes ``s``."""

    threshold: Tensor

    def __init__(self, process: LIF, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        self.bias_scale = 2.0**process.bias_exponent
        self.refractory, self.holds = process.refractory, process.when_off == "hold"

    def level(self) -> Tensor:
        """Return what v must exceed to spike."""
        return self.threshold * 64 if self.fixed else self.threshold

    def step(self, a: Tensor, states: list[Any], **ports: Tensor) -> tuple[Tensor, ...]:
        """Leak, integrate, fire, reset."""
        if self.fixed or ports or len(states) > 2:
            return self._step(a, states, **ports)
        u, v = states
        return stepped(a, u, v, self.leaks(), self.bias, self.threshold, self.spike_grad)

    def scanned(
        self, a: Tensor, late: int, steps: int, probed: Sequence[str]
    ) -> tuple[Tensor, dict[str, Tensor]] | None:
        """Return spikes and probed states of all steps at once, (steps, episodes, units).

        `a` arrives from step `late` on. None where there is no faster way than step by step.
        """
        if self.fixed or self.refractory:
            return None
        leak_u, leak_v = self.leaks()
        u = a
        if leak_u.requires_grad or bool(leak_u.any()):
            u = leaky(functional.pad(a, (0, 0, 0, 0, 0, steps - late - len(a))), leak_u)
        s, v = fired(
            u,
            leak_v,
            self.bias,
            self.threshold,
            self.spike_grad,
            late=late,
            steps=steps,
            keep_v="v" in probed,
        )
        states = {} if v is None else {"v": v}
        if "u" in probed:
            states["u"] = functional.pad(u, (0, 0, 0, 0, late, steps - late - len(u)))
        return s, states

    def _step(
        self, a: Tensor, states: list[Any], n: Tensor | None = None, on: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        u, v = self.integrate(a, *states[:2])
        s = self.above((v if n is None else v + n) - self.level())
        silent = s.detach() > 0
        after = [u]
        if self.refractory:
            resting = states[2] > 0
            s = torch.where(resting, 0.0, s)
            silent = silent | resting
            spent = torch.clamp(states[2] - 1, min=0)
            after = [u, torch.where(s.detach() > 0, float(self.refractory), spent)]
        after.insert(1, torch.where(silent, 0.0, v))
        after = [gated(on, new, old) for new, old in zip(after, states, strict=False)]
        s = gated(on, s, states[-1] if self.holds else 0.0)
        return (s, *after, s) if self.holds else (s, *after)


@final
class TernaryLIFNeuron(_Integrating):
    """`TernaryLIF`: one surrogate gradient at each threshold."""

    threshold: Tensor
    lower: Tensor

    def __init__(self, process: TernaryLIF, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        self.bias_scale = 2.0**process.bias_exponent

    def step(self, a: Tensor, states: list[Any], **ports: Tensor) -> tuple[Tensor, ...]:
        """Leak, integrate, fire 1 or -1, reset."""
        u, v = self.integrate(a, *states)
        on, scale = ports.get("on"), 64 if self.fixed else 1
        level = v + ports["n"] if "n" in ports else v
        s = self.above(level - scale * self.threshold) - self.above(scale * self.lower - level)
        v = torch.where(s.detach() != 0, 0.0, v)
        return gated(on, s, 0.0), gated(on, u, states[0]), gated(on, v, states[1])


@final
class SignNeuron(GraphNeuron):
    """`Sign`: the state changes with twice the surrogate gradient of the field."""

    bias: Tensor

    def __init__(self, process: Sign, *args: Any, **options: Any) -> None:
        super().__init__(process, *args, **options)
        self.integrates = process.integrates

    def step(self, a: Tensor, states: list[Any], **ports: Tensor) -> tuple[Tensor, ...]:
        """Take the sign of the field, keep it on 0; send it, or its change."""
        h, sigma = states
        h = h + a if self.integrates else a
        h = saturate(h, 24) if self.fixed else h
        field = h + self.bias
        if "n" in ports:
            field = field + ports["n"]
        decided = field.detach().sign()
        if field.requires_grad:
            decided = straight_through(decided, 2 * self.above(field) - 1)
        decided = torch.where(field == 0, sigma, decided)
        if "set" in ports:
            decided = torch.where(ports["set"] != 0, ports["set"].sign(), decided)
        decided = gated(ports.get("on"), decided, sigma)
        return decided - sigma if self.integrates else decided, h, decided
