"""The graph's LIF as snnTorch neurons, one class per domain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from hebbgraph.backends.snntorch.arithmetic import B, towards_zero, wrap32, wrap_u
from hebbgraph.processes import LIF

Surrogate = Callable[[Tensor], Tensor]

#: snnTorch's surrogate gradients by the names that option ``spike_grad`` takes.
SURROGATES: dict[str, Callable[[], Surrogate]] = {
    "atan": surrogate.atan,
    "fast_sigmoid": surrogate.fast_sigmoid,
    "sigmoid": surrogate.sigmoid,
    "straight_through": surrogate.straight_through_estimator,
    "triangular": surrogate.triangular,
}


class GraphNeuron(snntorch.SpikingNeuron, ABC):  # type: ignore[misc]
    """A snnTorch neuron that follows the law of the tick, with a bias and vector parameters.

    Use it as any snnTorch neuron: ``s, u, v = neuron(a, u, v)`` (states left out are zero), or
    with ``init_hidden=True`` ``s = neuron(a)``, the states kept inside and cleared by `reset_mem`.
    Its state_dict holds ``decay_u``, ``decay_v``, ``bias`` and ``threshold``, and nothing else.

    Why not snnTorch's own classes; none has a bias on v, and beside that:

    - ``Leaky``: has no current u; ``reset_mechanism="zero"`` is right, the default is not.
    - ``Synaptic``: with ``"zero"`` it resets one step late and so loses the input of that step;
      only ``reset_delay=False`` is right.
    - ``RSynaptic``, ``RLeaky``: recurrence is built in, and ``reset_delay=False`` fails in 1.0.
    - all: surrogates compute float32, and a class list keeps every neuron alive (not these).
    """

    def __init__(
        self,
        process: LIF,
        dtype: torch.dtype = torch.float64,
        spike_grad: Surrogate | None = None,
        *,
        init_hidden: bool = False,
        output: bool = False,
    ) -> None:
        super().__init__(
            threshold=torch.tensor(process.threshold, dtype=dtype),
            spike_grad=spike_grad,
            init_hidden=init_hidden,
            reset_mechanism="zero",
            output=output,
        )
        alive = snntorch.SpikingNeuron.instances
        alive[:] = [neuron for neuron in alive if neuron is not self]
        # snnTorch's own settings are not parameters of the graph: keep them out of state_dict.
        for name in ("graded_spikes_factor", "reset_mechanism_val"):
            self.register_buffer(name, getattr(self, name), persistent=False)
        self.size = process.size
        self.u: Tensor
        self.v: Tensor
        self.register_buffer("decay_u", torch.tensor(process.decay_u, dtype=dtype))
        self.register_buffer("decay_v", torch.tensor(process.decay_v, dtype=dtype))
        # As in snnTorch: empty until the first input tells the batch.
        self.register_buffer("u", torch.zeros(0, dtype=dtype), persistent=False)
        self.register_buffer("v", torch.zeros(0, dtype=dtype), persistent=False)

    @abstractmethod
    def leaks(self) -> tuple[Tensor, Tensor]:
        """Return the shares of u and of v that one step keeps, before any rounding."""

    @abstractmethod
    def drive(self) -> Tensor:
        """Return what is added to v each step."""

    @abstractmethod
    def level(self) -> Tensor:
        """Return what v must exceed to spike."""

    @abstractmethod
    def integrate(self, a: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return u and v after input `a`, before the reset."""

    def reset_mem(self) -> tuple[Tensor, Tensor]:
        """Clear the states kept inside and return them."""
        self.u, self.v = torch.zeros_like(self.u), torch.zeros_like(self.v)
        return self.u, self.v

    def forward(
        self, a: Tensor, u: Tensor | None = None, v: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Do one step with the arriving current `a` (..., units); see the class.

        Raises TypeError if states are given to a neuron that keeps its own.
        """
        if self.init_hidden:
            if u is not None or v is not None:
                raise TypeError("with init_hidden=True the neuron keeps u and v itself")
            u, v = self.u, self.v
        if u is None or u.shape != a.shape:
            u = torch.zeros_like(a)
        if v is None or v.shape != a.shape:
            v = torch.zeros_like(a)
        u, v = self.integrate(a, u, v)
        s: Tensor = self.spike_grad(v - self.level()).to(v.dtype)
        v = torch.where(s.detach() > 0, 0.0, v)
        if self.init_hidden:
            self.u, self.v = u, v
            if not self.output:
                return s
        return s, u, v

    def extra_repr(self) -> str:
        """Return the number of units."""
        return f"{self.size}"


@final
class FloatLIF(GraphNeuron):
    """`LIF` in the float domain; ``bias`` is a parameter, gradients reach it and what arrives."""

    def __init__(
        self,
        process: LIF,
        dtype: torch.dtype = torch.float64,
        spike_grad: Surrogate | None = None,
        *,
        init_hidden: bool = False,
        output: bool = False,
    ) -> None:
        super().__init__(process, dtype, spike_grad, init_hidden=init_hidden, output=output)
        self.bias = nn.Parameter(torch.tensor(process.bias, dtype=dtype))

    def leaks(self) -> tuple[Tensor, Tensor]:
        """Return 1 - decay."""
        return 1 - self.decay_u, 1 - self.decay_v

    def drive(self) -> Tensor:
        """Return the bias."""
        return self.bias

    def level(self) -> Tensor:
        """Return the threshold."""
        threshold: Tensor = self.threshold
        return threshold

    def integrate(self, a: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Leak and add."""
        leak_u, leak_v = self.leaks()
        u = u * leak_u + a
        return u, v * leak_v + u + self.bias


@final
class FixedLIF(GraphNeuron):
    """`LIF` in the fixed domain, bit for bit, its integers carried in float64.

    Nothing is a parameter; gradients pass rounding and wrapping straight through, and stop where
    v saturates.
    """

    def __init__(
        self,
        process: LIF,
        spike_grad: Surrogate | None = None,
        *,
        init_hidden: bool = False,
        output: bool = False,
    ) -> None:
        super().__init__(process, torch.float64, spike_grad, init_hidden=init_hidden, output=output)
        self.register_buffer("bias", torch.tensor(process.bias, dtype=torch.float64))
        self.bias_scale = 2.0**process.bias_exponent

    def leaks(self) -> tuple[Tensor, Tensor]:
        """Return (4095 - decay_u) / 4096 and (4096 - decay_v) / 4096."""
        return (4095 - self.decay_u) / 4096, (4096 - self.decay_v) / 4096

    def drive(self) -> Tensor:
        """Return the bias, its exponent applied."""
        drive: Tensor = self.bias * self.bias_scale
        return drive

    def level(self) -> Tensor:
        """Return 64 times the threshold."""
        level: Tensor = self.threshold * 64
        return level

    def integrate(self, a: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Leak, truncate, add; u wraps, v saturates."""
        leak_u, leak_v = self.leaks()
        u = wrap_u(wrap32(towards_zero(u * leak_u) + wrap32(64 * a)))
        v = wrap32(towards_zero(v * leak_v) + u + self.drive())
        return u, torch.clamp(v, 1 - B, B - 1)
