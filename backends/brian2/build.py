"""build: a plan as a Brian2 `Network` of NeuronGroup, Synapses, SpikeMonitor and StateMonitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.brian2.plan import Plan, Population, Product, Projection

Array = NDArray[Any]


@dataclass(frozen=True)
class Layout:
    """How a batch lies in the network.

    Side by side (`in_turn` false): every population holds its units once per episode, unit n of
    episode e at e * units + n. In turn: populations hold their units once and the episodes follow
    one another, step t of episode e at e * steps + t.
    """

    episodes: int
    steps: int
    in_turn: bool

    @property
    def copies(self) -> int:
        """Return how many copies of each unit there are."""
        return 1 if self.in_turn else self.episodes

    @property
    def duration(self) -> int:
        """Return the steps of the whole run."""
        return self.steps * self.episodes if self.in_turn else self.steps


@dataclass
class Simulation:
    """A built network and its parts by graph path."""

    network: Any
    clock: Any
    layout: Layout
    groups: dict[str, Any] = field(default_factory=dict)
    #: Synapses by the path of their Dense, one per connection into it.
    synapses: dict[str, list[Any]] = field(default_factory=dict)
    spike_monitors: dict[str, Any] = field(default_factory=dict)
    state_monitors: dict[str, Any] = field(default_factory=dict)
    #: What each Input emits, (episodes, steps given, units): read by the network while it runs.
    inputs: dict[str, Array] = field(default_factory=dict)


def build(
    brian2: Any, plan: Plan, layout: Layout, inputs: Mapping[str, Array] | None
) -> Simulation:
    """Return the network of `plan`.

    `inputs` is compiled into the network, as TimedArray, where Python cannot run beside it
    (C++ standalone); with None it is read from `Simulation.inputs`.
    """
    return _Builder(brian2, plan, layout, inputs).simulation()


class _Builder:
    """Holds what all parts of one network share."""

    def __init__(
        self, brian2: Any, plan: Plan, layout: Layout, inputs: Mapping[str, Array] | None
    ) -> None:
        self.brian2, self.plan, self.layout, self.inputs = brian2, plan, layout, inputs
        self.dtype = np.float64 if plan.domain == "float" else np.int64
        self.clock = brian2.Clock(1 * brian2.ms, name="hebbgraph_clock")
        self.episode_clock = brian2.Clock(layout.steps * brian2.ms, name="hebbgraph_episode")
        self.groups = {p.name: self._group(p) for p in plan.populations}
        self.built = Simulation(brian2.Network(name="hebbgraph_network"), self.clock, layout)

    def simulation(self) -> Simulation:
        """Return everything, added to one network."""
        for population in self.plan.populations:
            self._link(population)
            self._schedule(population)
            self._monitor(population)
            self.built.groups[population.path] = self.groups[population.name]
        for projection in self.plan.projections:
            synapses = self._synapses(projection)
            self.built.synapses.setdefault(projection.path, []).append(synapses)
            self.built.network.add(synapses)
        for product in self.plan.products:
            self._operate(self._product(product), "after_start", f"{product.name}_product")
        self.built.network.add(*self.groups.values())
        return self.built

    def _group(self, population: Population) -> Any:
        named = (*population.variables, *population.parameters, *population.links)
        group = self.brian2.NeuronGroup(
            population.units * self.layout.copies,
            population.equations(self.plan.domain),
            threshold=population.threshold or None,
            reset=population.reset if population.threshold else None,
            dtype=dict.fromkeys(named, self.dtype),
            clock=self.clock,
            namespace={},
            name=population.name,
        )
        for name, values in population.parameters.items():
            setattr(group, name, np.tile(values, self.layout.copies))
        return group

    def _link(self, population: Population) -> None:
        group = self.groups[population.name]
        for name, (source, variable) in population.links.items():
            setattr(group, name, self.brian2.linked_var(self.groups[source], variable))

    def _schedule(self, population: Population) -> None:
        """Give a population its code for the slots of a step."""
        group, name = self.groups[population.name], population.name
        run = group.run_regularly
        if self.layout.in_turn:
            clear = f"{name}_clear"
            run(population.clear, clock=self.episode_clock, when="before_start", name=clear)
        if population.shift:
            run(population.shift, clock=self.clock, when="start", name=f"{name}_shift")
        if population.port == "out":
            self._feed(population)
        if population.step:
            order, step = population.order, f"{name}_step"
            run(population.step, clock=self.clock, when="groups", order=order, name=step)

    def _feed(self, population: Population) -> None:
        group, name = self.groups[population.name], population.name
        if self.inputs is None:
            self._operate(self._reader(population), "before_groups", f"{name}_feed")
            return
        rows = rows_of(self.inputs[population.path], self.layout)
        data = self.brian2.TimedArray(rows, dt=1 * self.brian2.ms, name=f"{name}_data")
        group.namespace[data.name] = data
        # Inputs in `fixed` have 24 bits: int(), which keeps 32, is exact.
        value = f"{data.name}(t, i)" if self.plan.domain == "float" else f"int({data.name}(t, i))"
        code = f"out = {value}"
        group.run_regularly(code, clock=self.clock, when="before_groups", name=f"{name}_feed")

    def _reader(self, population: Population) -> Callable[[], None]:
        """Return what copies this step's row of `Simulation.inputs` into the population."""
        layout, inputs, path = self.layout, self.built.inputs, population.path
        out = self.groups[population.name].variables["out"]
        timestep = self.clock.variables["timestep"]

        def feed() -> None:
            data = inputs[path]
            step = int(timestep.get_value()[0])
            if layout.in_turn:
                episode, step = divmod(step, layout.steps)
                data = data[episode : episode + 1]
            given = len(data) > 0 and step < data.shape[1]
            out.get_value()[:] = data[:, step].ravel() if given else 0

        return feed

    def _product(self, product: Product) -> Callable[[], None]:
        """Return what computes a Dense for all episodes at once, on the raw arrays."""
        episodes, weights, exponent = self.layout.copies, product.weights, product.exponent
        target = self.groups[product.target].variables["a"]
        sources = [self.groups[name].variables[variable] for name, variable in product.sources]

        def multiply() -> None:
            arriving = sum(source.get_value() for source in sources)
            values = np.asarray(arriving, weights.dtype).reshape(episodes, -1)
            total = values @ weights.T
            if exponent is not None:
                total = (total.astype(np.int64) + 2**31) % 2**32 - 2**31
                total = total << exponent if exponent >= 0 else total >> -exponent
                total = (total + 2**31) % 2**32 - 2**31
            target.get_value()[:] = total.ravel()

        return multiply

    def _synapses(self, projection: Projection) -> Any:
        unit = "1" if self.plan.domain == "float" else "integer"
        synapses = self.brian2.Synapses(
            self.groups[projection.source],
            self.groups[projection.target],
            model=f"w : {unit} (constant)",
            on_pre=projection.on_pre,
            delay=projection.delay * self.brian2.ms,
            dtype={"w": self.dtype},
            clock=self.clock,
            namespace={},
            name=projection.name,
        )
        synapses.connect(i=projection.pre, j=projection.post)
        synapses.w = projection.weights
        return synapses

    def _operate(self, function: Callable[[], None], when: str, name: str) -> None:
        operation = self.brian2.NetworkOperation(function, clock=self.clock, when=when, name=name)
        self.built.network.add(operation)

    def _monitor(self, population: Population) -> None:
        group, name = self.groups[population.name], population.name
        if population.port == "s":
            spikes = self.brian2.SpikeMonitor(group, name=f"{name}_spikes")
            self.built.spike_monitors[population.path] = spikes
            self.built.network.add(spikes)
        recorded = list(self.plan.probes.get(population.path, ()))
        if recorded:
            states = self.brian2.StateMonitor(
                group, recorded, record=True, when="end", clock=self.clock, name=f"{name}_states"
            )
            self.built.state_monitors[population.path] = states
            self.built.network.add(states)


def rows_of(data: Array, layout: Layout) -> NDArray[np.float64]:
    """Return `data` (episodes, steps given, units) as rows of a TimedArray, one per network step.

    Zeros follow where the data ends before the episode does.
    """
    missing = layout.steps - data.shape[1]
    padded = np.pad(data, ((0, 0), (0, missing), (0, 0))).astype(np.float64)
    ordered = padded if layout.in_turn else padded.transpose(1, 0, 2)
    return ordered.reshape(layout.duration, -1)
