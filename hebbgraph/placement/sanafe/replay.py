"""replay: the neurons and edges that send a recorded raster once more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.counters import Events, delayed
from hebbgraph.placement.traffic import checked_activity, reading, synapses_of

if TYPE_CHECKING:
    from hebbgraph.placement import Placement
    from hebbgraph.result import Result


@dataclass
class Group:
    """Neurons of SANA-FE that replay one process in one role."""

    name: str
    #: Which kind of soma: ``main``, ``echo``, ``unit`` or ``other``.
    soma: str
    #: Through which synapses they receive: ``paid`` or ``free``.
    synapse: str
    #: Tile and core in it, of each neuron.
    cores: list[tuple[int, int]]
    #: (steps, neurons); None for units, which never spike.
    raster: NDArray[np.bool_] | None = None
    #: Number of each neuron's soma among those of its kind on its core.
    somas: list[int] = field(default_factory=list)


class Replay:
    """Every group of neurons and all edges, once `build` has made them."""

    def __init__(self, placement: Placement, result: Result) -> None:
        self.placement, self.hardware = placement, placement.hardware
        counters = result.counters
        steps = counters.timesteps // max(1, counters.episodes)
        active = checked_activity(placement, result)
        self.events = Events(placement.graph, active, steps)
        self.steps, self.instants = steps, self.events.episodes * steps
        assert placement.layout is not None
        self.layout = placement.layout
        self.home = {path: placement.core_of(path) for path in placement.problem().sizes}
        places = np.array(placement.places, np.int64)
        self.tiles, self.slots = self.layout.tile(places), places % self.layout.cores_per_tile
        self.groups: dict[str, Group] = {}
        #: How many neurons of each kind are on each core (tile, number in it).
        self.held: dict[tuple[int, int], dict[str, int]] = {}
        self.edges: list[tuple[str, NDArray[np.int64], str, NDArray[np.int64]]] = []
        #: What arrives at each unit and when: (episodes, steps, units).
        self.arrived: dict[str, NDArray[np.bool_]] = {}

    def build(self) -> None:
        """Make every group and edge."""
        numbers = {path: i for i, path in enumerate(self.placement.graph.flat_processes)}
        self.short = {path: f"p{number}" for path, number in numbers.items()}
        for path, home in self.home.items():
            at = [(int(self.tiles[core]), int(self.slots[core])) for core in home]
            raster = self.flat(self.events.active[path])
            self.add(Group(f"{self.short[path]}_main", "main", "free", at, raster))
            self.add(Group(f"{self.short[path]}_unit", "unit", "paid", at))
            shape = self.events.episodes, self.steps, len(home)
            self.arrived[path] = np.zeros(shape, dtype=bool)
        for path, home in self.home.items():
            self.deliver(path, home)
        for path in self.home:
            other = self.events.updated(path) & ~self.arrived[path]
            raster = self.flat(other)
            busy = np.flatnonzero(raster.any(axis=0))
            if len(busy):
                at = [self.groups[f"{self.short[path]}_unit"].cores[unit] for unit in busy]
                name = f"{self.short[path]}_other"
                self.add(Group(name, "other", "free", at, raster[:, busy]))

    def deliver(self, path: str, home: NDArray[np.int64]) -> None:
        """Make what brings events to the units at `path`."""
        graph = self.placement.graph
        heard = {afferent.sender for afferent in self.placement.problem().arriving[path]}
        for name, port in graph.flat_processes[path].inputs.items():
            for last in graph.sources(f"{path}.{name}") if not port.learning else ():
                source = last.source.rpartition(".")[0]
                if graph.flat_processes[source].ROLE != "synapses":
                    if source in heard:  # a wire: a packet, no synapse
                        units = np.arange(len(home))
                        each = np.minimum(units, graph.flat_processes[source].output.size - 1)
                        self.transport(source, each, path, units)
                elif source not in self.placement.host:
                    width = graph.flat_processes[source].output.size
                    read = reading(home, min(width, port.size) if width > 1 else 1, None)
                    self.synapses(source, path, read, last.delay or 0)

    def synapses(self, source: str, path: str, read: Any, later: int) -> None:
        """Make the edges of all synapses of one process onto the units at `path`."""
        graph = self.placement.graph
        for first in graph.sources(f"{source}.s"):
            sender = first.source.rpartition(".")[0]
            for own, exists in synapses_of(self.events, source):
                pairs = (read @ exists).tocoo()  # (units, senders)
                units, pre = pairs.row.astype(np.int64), pairs.col.astype(np.int64)
                if graph.flat_processes[sender].output.size == 1:
                    pre = np.zeros_like(pre)
                self.transport(sender, pre, path, units)
                arrives = (first.delay or 0) + own
                self.echo(sender, arrives, later, pre, path, units)

    def transport(
        self, sender: str, pre: NDArray[np.int64], path: str, units: NDArray[np.int64]
    ) -> None:
        """Let the main neurons of a sender reach those of the units it has synapses onto."""
        name = f"{self.short[sender]}_main"
        if name not in self.groups:  # from outside: a core of its own in the tile of the entry
            column, row = self.layout.entry
            raster = self.flat(self.events.active[sender])
            at = [(row * self.layout.width + column, self.layout.cores_per_tile)]
            self.add(Group(name, "main", "free", at * raster.shape[1], raster))
        self.edges.append((name, pre, f"{self.short[path]}_main", units))

    def echo(
        self,
        sender: str,
        arrives: int,
        later: int,
        pre: NDArray[np.int64],
        path: str,
        units: NDArray[np.int64],
    ) -> None:
        """Let spikes arrive at synapses after `arrives` steps, at the units `later` than that.

        Those that reach their synapse, but no longer the unit, end at a tap beside it.
        """
        mask = self.events.active[sender]
        felt = delayed(mask, arrives + later, self.steps)
        for unit in np.unique(units):
            self.arrived[path][:, :, unit] |= felt[:, :, pre[units == unit]].any(axis=2)
        self.send(sender, f"{arrives + later}", felt, pre, f"{self.short[path]}_unit", units)
        if later:
            whole = delayed(mask, 0, self.steps)
            kept = whole & (np.arange(self.steps) + arrives + later >= self.steps)[None, :, None]
            name = f"{self.short[path]}_tap"
            if name not in self.groups:
                at = self.groups[f"{self.short[path]}_unit"].cores
                silent = np.zeros((1, len(at)), dtype=bool)
                self.add(Group(name, "echo", "paid", list(at), silent))
            lost = delayed(kept, arrives, self.steps)
            self.send(sender, f"{arrives}_lost{later}", lost, pre, name, units)

    def send(
        self,
        sender: str,
        what: str,
        at: NDArray[np.bool_],
        pre: NDArray[np.int64],
        target: str,
        units: NDArray[np.int64],
    ) -> None:
        """Send from a free core in each tile, so that it is felt where `at` says."""
        early = np.zeros_like(at)  # processed in the step in which it is sent, felt in the next
        early[:, :-1] = at[:, 1:]
        cores = self.groups[target].cores
        tiles = np.array([cores[unit][0] for unit in units], np.int64)
        for tile in np.unique(tiles):
            name = f"{self.short[sender]}_echo{what}_t{tile}"
            if name not in self.groups:
                free = (int(tile), self.layout.cores_per_tile + 1)
                raster = early.reshape(self.instants, -1)
                self.add(Group(name, "echo", "free", [free] * raster.shape[1], raster))
            here = tiles == tile
            self.edges.append((name, pre[here], target, units[here]))

    def add(self, group: Group) -> None:
        """Add a group; every neuron that spikes has a soma of its own."""
        for core in group.cores:
            here = self.held.setdefault(core, {})
            group.somas.append(here.get(group.soma, 0))
            here[group.soma] = group.somas[-1] + 1
        self.groups[group.name] = group

    def flat(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a raster as (episodes x steps, units), nothing where it ended early."""
        return delayed(mask, 0, self.steps).reshape(self.instants, mask.shape[-1])

    @property
    def rows(self) -> int:
        """Return the rows of tiles down to the last in use."""
        return int(max(tile for tile, _ in self.held)) // self.layout.width + 1
