"""Which form each process takes in a run, and what connects them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.arithmetic import EXACT_FLOAT32, REGISTER, B
from hebbgraph.backends.snntorch.bounds import OCTET, Bounds
from hebbgraph.backends.snntorch.inference.emitter import Emitter, Given
from hebbgraph.backends.snntorch.inference.learner import Learner
from hebbgraph.backends.snntorch.inference.lines import Arrivals, Line, Speaker
from hebbgraph.backends.snntorch.inference.products import Product
from hebbgraph.backends.snntorch.inference.spiking import FixedSpiking, FloatSpiking
from hebbgraph.backends.snntorch.inference.stepped import Stepped, options_of
from hebbgraph.backends.snntorch.learning import Learning
from hebbgraph.backends.snntorch.network import GraphNetwork
from hebbgraph.backends.snntorch.parts import GraphSynapses
from hebbgraph.backends.snntorch.parts.neurons import LIFNeuron
from hebbgraph.processes import Transpose


class Records(NamedTuple):
    """Tensors (steps, episodes, units) that take what a run is to return."""

    #: By path: spikes, bool or int8, and where other observed processes emit something, bool.
    outputs: dict[str, Tensor]
    #: By probe target.
    states: dict[str, Tensor]


class Built(NamedTuple):
    """A network ready to run some episodes side by side."""

    given: dict[str, Given]
    emitters: dict[str, Emitter]
    learners: dict[str, Learner]


class Builder:
    """Makes the emitters of `network` for `episodes` of `steps`, in chunks of `chunk` steps.

    It builds any number of times; what was built shares weights and records. `data` holds what each
    Input emits in some of the episodes, `bounds` knows that of all.
    """

    def __init__(
        self,
        network: GraphNetwork,
        bounds: Bounds,
        data: Mapping[str, Tensor],
        plastic: Mapping[str, Learning],
        records: Records,
        *,
        episodes: int,
        steps: int,
        chunk: int,
    ) -> None:
        self.network, self.graph, self.bounds, self.data = network, network.graph, bounds, data
        self.plastic, self.records = plastic, records
        self.steps, self.chunk = steps, chunk
        #: What was built before, whose weights are shared, and what modules are called with.
        self._products: dict[str, Product] = {}
        self._options: dict[str, dict[str, Any]] = {}
        self.like = network.like.new_zeros(episodes, 0)
        #: By path, the paths that are run together with it, step by step.
        self.together = {
            path: set(s.paths) for s in network.stages if s.stepwise for path in s.paths
        }

    def build(self) -> Built:
        """Return every emitter, in the order of a step, connected."""
        given = {path: Given(data) for path, data in self.data.items()}
        paths = [path for path in self.graph.order if path not in given]
        emitters = {path: self._emitter(path) for path in paths}
        speakers: dict[str, Speaker] = {**given, **emitters}
        for stage in self.network.stages:
            for path in stage.paths:
                if path in emitters:
                    emitters[path].hear(self._arrivals(path, speakers, learning=False))
        learners = {}
        for path, plastic in self.plastic.items():
            recorded = self.records.states.get(f"{path}.weights")
            arrivals = self._arrivals(path, speakers, learning=True)
            episodes = len(self.like)
            learners[path] = Learner(plastic, arrivals, episodes, self.steps, recorded)
        return Built(given, emitters, learners)

    def _emitter(self, path: str) -> Emitter:
        """Return the leanest emitter that is exact for the process at `path`."""
        part, process = self.network.node(path), self.graph.flat_processes[path]
        outputs = [self.records.outputs[path]] if path in self.records.outputs else []
        states = {}
        for probe in self.graph.state_probes:
            if probe.path == path and probe.variable in process.outputs:
                outputs.append(self.records.states[probe.target])
            elif probe.path == path and probe.variable != "weights":
                states[probe.variable] = self.records.states[probe.target]
        if isinstance(part, GraphSynapses) and (part.dense or self._learned(path)):
            return self._product(path, part, outputs)
        if isinstance(part, LIFNeuron) and self._is_plain(path, part):
            return self._spiking(path, part, outputs, states)
        if path not in self._options:
            self._options[path] = options_of(part)
        line, options = self._line(path, self.like.dtype), self._options[path]
        return Stepped(part, line, outputs, states, options)

    def _product(self, path: str, part: GraphSynapses, outputs: list[Tensor]) -> Product:
        sums, learned = self.bounds.product(path), self._learned(path)
        narrow = sums.whole and sums.largest < EXACT_FLOAT32 and learned is None
        dtype = torch.float32 if narrow else self.like.dtype
        arriving = self.bounds.arriving(f"{path}.s")
        octets = arriving.whole and arriving.largest <= OCTET and sums.whole
        octets = octets and sums.largest < REGISTER
        line = self._line(path, dtype)
        made = functools.partial(self.bounds.octets, path) if octets else None
        twin = self._products.get(path)
        found = Product(part, sums, line, outputs, learned, octets=made, twin=twin)
        self._products.setdefault(path, found)
        return found

    def _learned(self, path: str) -> Any:
        """Return how to get the weights of synapses that learn; None for others."""
        process = self.graph.flat_processes[path]
        if isinstance(process, Transpose) and process.of in self.plastic:
            plastic = self.plastic[process.of]
            return lambda: plastic.weights.t()
        if path in self.plastic:
            own = self.plastic[path]
            return lambda: own.weights
        return None

    def _is_plain(self, path: str, part: LIFNeuron) -> bool:
        """Return whether a LIF has an emitter of its own: no refractory period."""
        if part.refractory:
            return False
        return not part.fixed or self.bounds.states(path, self.steps)[0] <= 2 * B

    def _spiking(
        self, path: str, part: LIFNeuron, outputs: list[Tensor], states: dict[str, Tensor]
    ) -> Emitter:
        gated = bool(self.graph.sources(f"{path}.on"))
        if not part.fixed:
            narrow = self.bounds.fits_float32(path, self.steps)
            line = self._line(path, torch.float32 if narrow else self.like.dtype)
            return FloatSpiking(part, line, outputs, states, gated=gated)
        line = self._line(path, self.like.dtype)
        _, u, v = self.bounds.states(path, self.steps)
        return FixedSpiking(
            part, line, outputs, states, wraps=u >= B, saturates=v >= B, gated=gated
        )

    def _line(self, path: str, dtype: torch.dtype) -> Line:
        """Return the line of what `path` emits, with rows for a chunk where they are needed."""
        process, history, outside = self.graph.flat_processes[path], 0, False
        together = self.together.get(path, set())
        for connection in self.graph.flat_connections:
            if connection.source.rpartition(".")[0] == path:
                target = connection.target.rpartition(".")[0]
                further = self.graph.flat_processes[target].longest_delay
                history = max(history, (connection.delay or 0) + further)
                outside = outside or target not in together
        chunk = self.chunk if outside or not together else 0
        return Line(self.like.to(dtype), process.output.size, history, chunk)

    def _arrivals(
        self, path: str, speakers: Mapping[str, Speaker], *, learning: bool
    ) -> dict[str, Arrivals]:
        """Return what arrives at the ports that one phase reads, the first port first.

        Of the optional ones, those that something is connected to.
        """
        process = self.graph.flat_processes[path]
        main, *others = process.inputs
        rule = self.graph.plastic[path].rule if path in self.graph.plastic else None
        needed = [main, *(rule.ports if learning and rule is not None else ())]
        found = {}
        for name in (main, *others):
            port = process.inputs[name]
            connected = bool(self.graph.sources(f"{path}.{name}"))
            if name in needed or (connected and port.learning == learning):
                sources = [
                    (speakers[c.source.rpartition(".")[0]], c.delay or 0)
                    for c in self.graph.sources(f"{path}.{name}")
                ]
                found[name] = Arrivals(sources, port.size, self.like)
        return found


def chunk_of(network: GraphNetwork, episodes: int, steps: int, size: int, least: int) -> int:
    """Return how many steps to run at once: so many that what they emit stays within `size`.

    Where nothing is run for more than one step at once, `least`.
    """
    processes = network.graph.flat_processes
    alone = [processes[stage.paths[0]] for stage in network.stages if not stage.stepwise]
    sizes = [process.output.size for process in alone if process.ROLE != "source"]
    chunk = size // (episodes * max(sizes)) if sizes else least
    return min(steps, max(1, chunk))
