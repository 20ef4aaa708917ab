"""GraphNetwork: a graph as an `nn.Module` to train, save and take over."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple, Self, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hebbgraph.backends.snntorch.arithmetic import downwards, half_even, product32, wrap32
from hebbgraph.backends.snntorch.neurons import SURROGATES, FixedLIF, FloatLIF, GraphNeuron
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.processes import LIF, Dense, Domain, Input, Process


class Recording(NamedTuple):
    """What a forward pass returns, tensors (episodes, steps, units)."""

    #: Spikes, 0 or 1, of every LIF by path.
    spikes: dict[str, Tensor]
    #: Probed states by probe target, ``memory.v``.
    states: dict[str, Tensor]


@final
class Source(nn.Module):
    """`Input`: data times ``gain``, rounded in the fixed domain."""

    gain: Tensor

    def __init__(self, process: Input, domain: Domain, dtype: torch.dtype) -> None:
        super().__init__()
        self.size, self.signal, self.fixed = process.size, process.signal, domain == "fixed"
        self.register_buffer("gain", torch.tensor(process.gain, dtype=dtype))

    def forward(self, data: Tensor) -> Tensor:
        """Return what is emitted for `data` (..., units)."""
        values = data * self.gain
        return half_even(values) if self.fixed else values

    def extra_repr(self) -> str:
        """Return the number of channels and the signal."""
        return f"{self.size}, {self.signal}"


@final
class Synapse(nn.Module):
    """`Dense`: ``weights`` (postsynaptic, presynaptic), a parameter in the float domain.

    `chained` says that another Dense feeds it, so that its sums may need more than 53 bits.
    """

    weights: Tensor

    def __init__(
        self, process: Dense, domain: Domain, dtype: torch.dtype, *, chained: bool = False
    ) -> None:
        super().__init__()
        self.chained = chained
        self.fixed, self.exponent = domain == "fixed", process.exponent
        weights = torch.tensor(process.weights, dtype=dtype)
        if self.fixed:
            self.register_buffer("weights", weights)
        else:
            self.weights = nn.Parameter(weights)

    def forward(self, s: Tensor) -> Tensor:
        """Return the currents for what arrives, `s` (..., presynaptic)."""
        if not self.fixed:
            return functional.linear(s, self.weights)
        if self.chained:
            total = product32(s, self.weights)
        else:
            total = wrap32(functional.linear(s, self.weights))
        return wrap32(downwards(total * 2.0**self.exponent))

    def extra_repr(self) -> str:
        """Return the shape."""
        post, pre = self.weights.shape
        return f"{pre} -> {post}"


class GraphNetwork(nn.Module):
    """A graph as a torch network whose modules stand at the paths of its processes.

    The keys of ``state_dict()`` are exactly the paths of the graph's parameters (``memory.bias``,
    ``layer1.recurrent.weights``). In the float domain weights and biases are parameters and
    gradients flow through time with the surrogate of `spike_grad`; in the fixed domain all are
    buffers of integers in float64 (keep them so: ``.float()`` would lose bits).
    """

    def __init__(
        self,
        graph: Graph,
        dtype: torch.dtype = torch.float64,
        spike_grad: str = "atan",
    ) -> None:
        super().__init__()
        self.graph = graph.flat()
        dtype = torch.float64 if graph.domain == "fixed" else dtype
        for path, process in self.graph.walk():
            self._place(path, self._module(path, process, dtype, spike_grad))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent network of the same graph, which is frozen and shared."""
        memo[id(self.graph)] = self.graph
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    def node(self, path: str) -> nn.Module:
        """Return the module of the process at `path`."""
        module: nn.Module = self
        for name in path.split("."):
            child = module._modules[name]
            assert child is not None, path
            module = child
        return module

    def _module(
        self, path: str, process: Process, dtype: torch.dtype, spike_grad: str
    ) -> nn.Module:
        """Return the module of one process."""
        domain = self.graph.domain
        if isinstance(process, Input):
            return Source(process, domain, dtype)
        if isinstance(process, Dense):
            ends = {c.source.rpartition(".")[0] for c in self.graph.sources(f"{path}.s")}
            chained = not ends.isdisjoint(self.graph.of_kind(Dense))
            return Synapse(process, domain, dtype, chained=chained)
        assert isinstance(process, LIF), type(process).__name__  # the capability record says so
        surrogate = SURROGATES[spike_grad]()
        if domain == "fixed":
            return FixedLIF(process, surrogate)
        return FloatLIF(process, dtype, surrogate)

    def _place(self, path: str, module: nn.Module) -> None:
        """Put `module` at `path`; not by attribute, so that any name will do, ``train`` too."""
        *scopes, name = path.split(".")
        parent: nn.Module = self
        for scope in scopes:
            parent = parent._modules.setdefault(scope, nn.Module())  # type: ignore[assignment]
        parent._modules[name] = module

    @property
    def like(self) -> Tensor:
        """Return a tensor that has the network's dtype and device."""
        tensor: Tensor = next(iter(self.state_dict().values()))
        return tensor

    def forward(self, inputs: Mapping[str, Tensor] | Tensor, steps: int | None = None) -> Recording:
        """Run episodes from zero states, keeping gradients.

        `inputs` gives the data of each Input, (episodes, steps, units), or is the data itself if
        the graph has one Input; zeros follow where it is shorter than `steps`, by default the
        longest. This is the plain loop for training; `Program.run` does the same several times
        faster. Raises `Invalid` for inputs that do not fit.
        """
        data = self._checked(inputs)
        episodes = next((len(values) for values in data.values()), 1)
        nothing = {
            target: self.like.new_zeros(episodes, self.graph.port(target).size)
            for target in self._input_ports()
        }
        steps = steps or max((values.shape[1] for values in data.values()), default=0)
        emitted: dict[str, list[Tensor]] = {
            f"{path}.out": list(self.node(path)(values).unbind(1)) for path, values in data.items()
        }
        spiking = list(self.graph.of_kind(LIF))
        recorded: dict[str, list[Tensor]] = {
            f"{path}.{state}": [] for path in spiking for state in LIF.STATES
        }
        for t in range(steps):
            for path in self.graph.order:
                module = self.node(path)
                if isinstance(module, GraphNeuron):
                    past = (recorded[f"{path}.{state}"] for state in LIF.STATES)
                    before = [values[-1] if values else None for values in past]
                    a = self._arrival(f"{path}.a", emitted, t, nothing)
                    s, *after = module(a, *before)
                    emitted.setdefault(f"{path}.s", []).append(s)
                    for state, values in zip(LIF.STATES, after, strict=True):
                        recorded[f"{path}.{state}"].append(values)
                elif isinstance(module, Synapse):
                    s = self._arrival(f"{path}.s", emitted, t, nothing)
                    emitted.setdefault(f"{path}.a", []).append(module(s))
        probed = [probe.target for probe in self.graph.flat_probes if probe.target in recorded]
        return Recording(
            {path: torch.stack(emitted[f"{path}.s"], dim=1) for path in spiking},
            {target: torch.stack(recorded[target], dim=1) for target in probed},
        )

    def _arrival(
        self,
        target: str,
        emitted: Mapping[str, list[Tensor]],
        t: int,
        nothing: Mapping[str, Tensor],
    ) -> Tensor:
        """Deliver: the sum over connections of what the source emitted at t - delay."""
        total = nothing[target]
        for connection in self.graph.sources(target):
            history = emitted.get(connection.source, [])
            sent_at = t - (connection.delay or 0)
            if 0 <= sent_at < len(history):
                total = total + history[sent_at]
        return total

    def _input_ports(self) -> list[str]:
        return [f"{path}.{port}" for path, process in self.graph.walk() for port in process.inputs]

    def _checked(self, inputs: Mapping[str, Tensor] | Tensor) -> dict[str, Tensor]:
        """Return the data of every Input in the network's dtype, on its device."""
        sources = self.graph.of_kind(Input)
        if isinstance(inputs, Tensor):
            if len(sources) != 1:
                need = f"must name the Inputs: {', '.join(sources) or 'there are none'}"
                raise Invalid("inputs", [Fault("inputs", "one tensor", need)])
            inputs = dict.fromkeys(sources, inputs)
        need = f"Input processes are: {', '.join(sources) or 'none'}"
        faults = [Fault(f"inputs[{n!r}]", "data", need) for n in inputs if n not in sources]
        for path, process in sources.items():
            shape = tuple(inputs[path].shape) if path in inputs else ()
            if len(shape) != 3 or shape[2] != process.size:
                need = f"must have shape (episodes, steps, {process.size})"
                got = f"shape {shape}" if path in inputs else "nothing"
                faults.append(Fault(f"inputs[{path!r}]", got, need))
        if not faults and len({len(values) for values in inputs.values()}) > 1:
            sizes = str({path: len(values) for path, values in inputs.items()})
            faults.append(Fault("inputs", sizes, "must hold the same number of episodes"))
        if faults:
            raise Invalid("inputs", faults)
        return {path: inputs[path].to(self.like) for path in sources}
