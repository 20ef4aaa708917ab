"""GraphNetwork: a graph as an `nn.Module` to train, save and take over."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from hebbgraph.backends.snntorch.arithmetic import EXACT_FLOAT64, REGISTER
from hebbgraph.backends.snntorch.forward import Held, Pass, Recording
from hebbgraph.backends.snntorch.parts import PARTS, GraphNeuron, GraphSynapses
from hebbgraph.backends.snntorch.plan import one_stage, stages
from hebbgraph.backends.snntorch.surrogates import SURROGATES
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.processes import Input, Process, Transpose

#: No weight of the fixed domain is larger, and no Input emits more.
LARGEST_WEIGHT, LARGEST_INPUT = 2.0**8, 2.0**23


class GraphNetwork(nn.Module):
    """A graph as a torch network whose modules stand at the paths of its processes.

    The keys of ``state_dict()`` are exactly the paths of the graph's parameters (``memory.bias``,
    ``layer1.recurrent.weights``). In the float domain weights and biases are parameters and
    gradients flow through time with the surrogate of `spike_grad`; in the fixed domain all are
    buffers of integers in float64 (keep them so: ``.float()`` would lose bits).
    """

    _like: Tensor

    def __init__(
        self,
        graph: Graph,
        dtype: torch.dtype = torch.float64,
        spike_grad: str = "atan",
    ) -> None:
        super().__init__()
        self.graph = graph.flat()
        self.stages = stages(self.graph)
        dtype = torch.float64 if graph.domain == "fixed" else dtype
        self.register_buffer("_like", torch.zeros((), dtype=dtype), persistent=False)
        # What is tied comes after what it is tied to.
        for path, process in sorted(self.graph.walk(), key=lambda item: _is_tied(item[1])):
            self._place(path, self._module(path, process, dtype, spike_grad))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent network of the same graph, which is frozen and shared."""
        memo[id(self.graph)] = self.graph
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    def node(self, path: str) -> Any:
        """Return the module of the process at `path`."""
        module: nn.Module = self
        for name in path.split("."):
            child = module._modules[name]
            assert child is not None, path
            module = child
        return module

    @property
    def like(self) -> Tensor:
        """Return a tensor that has the network's dtype and device."""
        return self._like

    def forward(
        self,
        inputs: Mapping[str, Tensor] | Tensor,
        steps: int | None = None,
        *,
        stepwise: bool = False,
        learned: Mapping[str, Held] | None = None,
        first_episode: int = 0,
    ) -> Recording:
        """Run episodes from zero states, side by side, keeping gradients.

        `inputs` gives the data of each Input, (episodes, steps, units), or is the data itself if
        the graph has one Input; zeros follow where it is shorter than `steps`, by default the
        longest. What is no cycle is run for all steps at once; with `stepwise` nothing is, with
        the same result.

        Rules learn the mean change of all episodes, from the network's weights or from what an
        earlier pass has `learned`, and gradients flow through what they do; the weights of the
        network itself stay. `first_episode` keys the random numbers of their rounding.

        Raises `Invalid` for inputs that do not fit.
        """
        data = self._checked(inputs)
        episodes = next((len(values) for values in data.values()), 1)
        steps = steps or max((values.shape[1] for values in data.values()), default=0)
        found = one_stage(self.graph) if stepwise else self.stages
        return Pass(self, data, steps, episodes, learned or {}, first_episode).run(found)

    # --- building it -----------------------------------------------------------------------

    def _module(
        self, path: str, process: Process, dtype: torch.dtype, spike_grad: str
    ) -> nn.Module:
        """Return the module of one process."""
        kind = PARTS[type(process).__name__]  # the capability record says so
        options: dict[str, Any] = {}
        if issubclass(kind, GraphNeuron):
            options["spike_grad"] = SURROGATES[spike_grad]
        if issubclass(kind, GraphSynapses):
            options["splits"] = self._splits(path, process)
        if isinstance(process, Transpose):
            options["dense"] = self.node(process.of)
        module: nn.Module = kind(process, self.graph.domain, dtype, **options)
        return module

    def _splits(self, path: str, process: Process) -> bool:
        """Return whether a sum of the synapses may need more than 53 bits, in the fixed domain."""
        arriving = 0.0
        for connection in self.graph.sources(f"{path}.s"):
            source = self.graph.flat_processes[connection.source.rpartition(".")[0]]
            if source.output.signal != "graded":
                arriving += 1
            else:
                arriving += LARGEST_INPUT if source.ROLE == "source" else REGISTER
        largest = LARGEST_WEIGHT * process.inputs["s"].size * arriving
        return self.graph.domain == "fixed" and largest >= EXACT_FLOAT64

    def _place(self, path: str, module: nn.Module) -> None:
        """Put `module` at `path`; not by attribute, so that any name will do, ``train`` too."""
        *scopes, name = path.split(".")
        parent: nn.Module = self
        for scope in scopes:
            parent = parent._modules.setdefault(scope, nn.Module())  # type: ignore[assignment]
        parent._modules[name] = module

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


def _is_tied(process: Process) -> bool:
    return isinstance(process, Transpose)
