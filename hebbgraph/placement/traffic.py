"""traffic: what a run sends between the cores of a placement, and what each core does for it.

From the raster and the placement alone, so that it is the same on every engine::

    packets  = sum over spikes of the cores that hold a unit with a synapse from the sender
    hops     = sum over packets of the tiles crossed, x first, then y

A packet counts when it is sent, as its spike does; synaptic operations and updates count when the
event arrives, as in `hebbgraph.counters`. A packet to the sender's own core counts and makes no
hop. What comes from outside enters at one tile of the first chip (`Layout`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.counters import Events, delayed
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph

if TYPE_CHECKING:
    from scipy import sparse

    from hebbgraph.placement import Placement
    from hebbgraph.result import Result

#: What is counted by core: synaptic operations, visits and updates of units, spikes, packets out.
PER_CORE: tuple[str, ...] = (
    "synops_ac",
    "synops_mac",
    "neuron_accesses",
    "updates_active",
    "updates_idle",
    "spikes",
    "packets",
)
#: The fields of `Traffic` that are one number.
TOTALS: tuple[str, ...] = (
    *("episodes", "cores", "tiles", "chips", "packets", "packets_within", "packets_outside"),
    *("packets_between_chips", "hops_x", "hops_y", "chip_crossings"),
)


@dataclass(frozen=True)
class Traffic:
    """Packets and hops of one run, and the work of every core."""

    episodes: int
    cores: int
    #: Tiles and chips with a core in use; 0 where the mesh, or the size of a chip, is not known.
    tiles: int
    chips: int
    #: All packets; of these, those to the sender's own core, from outside, to another chip.
    packets: int
    packets_within: int
    packets_outside: int
    packets_between_chips: int
    #: Hops of all packets on the chips, and borders between chips crossed; None without a mesh.
    hops_x: int | None
    hops_y: int | None
    chip_crossings: int | None
    #: Packets that arrive at each core.
    arriving: tuple[int, ...]
    #: Sums over the run, one number for each core, by the names of `PER_CORE`.
    by_core: Mapping[str, tuple[int, ...]]
    #: The same step by step: (episodes x steps, cores).
    by_step: Mapping[str, NDArray[np.int32]] = field(compare=False, repr=False)
    #: Hops east-west, north-south and crossings of the longest way of a packet in each step.
    routes: NDArray[np.int64] = field(compare=False, repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Return the counters that only a placement can count, as far as they are known."""
        names = ("packets", "hops_x", "hops_y", "chip_crossings")
        found = {name: getattr(self, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types, without what happened in single steps."""
        rows = {name: list(values) for name, values in self.by_core.items()}
        return {
            **{name: getattr(self, name) for name in TOTALS},
            "by_core": {**rows, "packets_arriving": list(self.arriving)},
        }


def traffic(placement: Placement, result: Result) -> Traffic:
    """Return what `result` sends between the cores of `placement`.

    Raises `Invalid` if the result is of another graph, or lacks the activity of a sender.
    """
    active = checked_activity(placement, result)
    counters = result.counters
    steps = counters.timesteps // max(1, counters.episodes)
    events = Events(placement.graph, active, steps)
    count = _Count(placement, events)
    by_step = count.by_step()
    sent = count.sent()
    layout, places = placement.layout, np.array(placement.places)
    used = {} if layout is None else {"tiles": layout.tile(places), "chips": layout.chip(places)}
    limits = placement.hardware.limits
    chips = placement.chips(limits.cores) if limits and limits.cores else 0
    return Traffic(
        episodes=counters.episodes,
        cores=len(placement.cores),
        tiles=len(np.unique(used["tiles"])) if used else 0,
        chips=len(np.unique(used["chips"])) if used else chips,
        packets=sent["packets"],
        packets_within=sent["within"],
        packets_outside=sent["outside"],
        packets_between_chips=sent["between_chips"],
        hops_x=sent["hops_x"] if layout else None,
        hops_y=sent["hops_y"] if layout else None,
        chip_crossings=sent["crossings"] if layout else None,
        arriving=tuple(count.arriving.tolist()),
        by_core={k: tuple(v.sum(axis=0, dtype=np.int64).tolist()) for k, v in by_step.items()},
        by_step=by_step,
        routes=count.routes,
    )


def spike_counts(graph: Graph, result: Result) -> dict[str, NDArray[np.int64]]:
    """Return how often each unit of every sender emitted something, over all episodes."""
    return {
        path: mask.sum(axis=(0, 1), dtype=np.int64)
        for path, mask in result.activity.items()
        if path in graph.flat_processes
    }


def checked_activity(placement: Placement, result: Result) -> Mapping[str, NDArray[np.bool_]]:
    """Return the activity of a result; raises `Invalid` where it is not that of the graph."""
    faults = []
    active = result.activity
    for path, process in placement.graph.walk():
        if process.ROLE == "synapses":
            continue
        if path not in active:
            need = "a placement's traffic needs what every process emitted"
            faults.append(Fault(path, "no activity in the result", need, "run the graph again"))
        elif active[path].shape[-1] != process.output.size:
            got = f"{active[path].shape[-1]} units in the result"
            need = f"the placement is of a graph with {process.output.size}"
            faults.append(Fault(path, got, need, "place the graph that was run"))
    if faults:
        raise Invalid("traffic", faults)
    return active


class _Count:
    """Holds where everything is while one run is counted."""

    def __init__(self, placement: Placement, events: Events) -> None:
        self.placement, self.events, self.graph = placement, events, placement.graph
        self.problem = placement.problem()
        self.cores = len(placement.cores)
        self.instants = events.episodes * events.steps
        self.home = {path: placement.core_of(path) for path in self.problem.sizes}
        #: How many packets a spike of each sender is to each core: (cores, units).
        self.reach = placement.reach()
        self.places = np.array(placement.places, np.int64)
        self.arriving = np.zeros(self.cores, np.int64)
        self.routes = np.zeros((self.instants, 3), np.int64)
        self._longest = np.full(self.instants, -1.0)

    def by_step(self) -> dict[str, NDArray[np.int32]]:
        """Return every number of `PER_CORE`, (episodes x steps, cores)."""
        from scipy import sparse  # on use: importing hebbgraph is to be light

        found = {k: np.zeros((self.instants, self.cores), np.int32) for k in PER_CORE}
        for path, home in self.home.items():
            one = sparse.csr_array(
                (np.ones(len(home)), (np.arange(len(home)), home)), (len(home), self.cores)
            )
            spiking = self._flat(self.events.active[path])
            updated = self._flat(self.events.updated(path))
            found["spikes"] += _product(spiking, one)
            found["updates_active"] += _product(updated, one)
            found["neuron_accesses"] += np.bincount(home, minlength=self.cores).astype(np.int32)
            if path in self.reach:
                out = one * self.reach[path].sum(axis=0)[:, None]
                found["packets"] += _product(spiking, sparse.csr_array(out))
            for name, synops in self._synops(path):
                found[name] += synops
        found["updates_idle"] = found["neuron_accesses"] - found["updates_active"]
        return found

    def sent(self) -> dict[str, int]:
        """Return packets and hops; notes what arrives at each core, and the longest routes."""
        names = ("packets", "within", "outside", "between_chips", "hops_x", "hops_y", "crossings")
        total = dict.fromkeys(names, 0)
        for sender, reach in self.reach.items():
            spiking = self.events.active[sender]
            counts = spiking.sum(axis=(0, 1), dtype=np.int64)
            packets = reach * counts
            self.arriving += packets.sum(axis=1)
            total["packets"] += int(packets.sum())
            if sender in self.home:
                within = packets[self.home[sender], np.arange(len(counts))]
                total["within"] += int(within.sum())
            else:
                total["outside"] += int(packets.sum())
            for name, distances in self._distances(sender).items():
                distance = np.broadcast_to(distances, packets.shape)
                total[name] += int((packets * distance).sum())
                if name == "crossings":
                    total["between_chips"] += int(packets[distance > 0].sum())
            self._note_routes(sender, reach, spiking)
        return total

    def _distances(self, sender: str) -> dict[str, NDArray[np.int64]]:
        """Return hops and crossings from each unit of a sender to each core: (cores, units)."""
        layout = self.placement.layout
        if layout is None:
            return {}
        target = self.places[:, None]
        if sender in self.home:
            start = self.places[self.home[sender]][None, :]
            x, y = layout.hops_x(start, target), layout.hops_y(start, target)
            crossings = layout.crossings(start, target)
        else:
            x, y, crossings = layout.from_entry(target)
        return {"hops_x": x, "hops_y": y, "crossings": crossings}

    def _note_routes(
        self, sender: str, reach: NDArray[np.int64], spiking: NDArray[np.bool_]
    ) -> None:
        """Keep, for each step, the hops of the way that takes longest."""
        distances = self._distances(sender)
        if not distances or not reach.any():
            return
        timing = self.placement.hardware.timing
        per_hop = [timing[k].value if k in timing else 1.0 for k in ("hops_x", "hops_y")]
        x, y, crossings = (np.broadcast_to(d, reach.shape) for d in distances.values())
        length = np.where(reach > 0, x * per_hop[0] + y * per_hop[1] + crossings * 1e-15, -1.0)
        farthest = length.argmax(axis=0)
        units = np.arange(reach.shape[1])
        ways = np.stack([d[farthest, units] for d in (x, y, crossings)], axis=1)
        longest = length[farthest, units]
        instants = np.where(self._flat(spiking), longest, -1.0)
        unit = instants.argmax(axis=1)
        found = instants[np.arange(self.instants), unit]
        longer = found > self._longest
        self._longest[longer] = found[longer]
        self.routes[longer] = ways[unit[longer]]

    def _flat(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a raster as (episodes x steps, units), nothing where it ended early."""
        whole = delayed(mask, 0, self.events.steps)
        return whole.reshape(self.instants, mask.shape[-1])

    def _synops(self, path: str) -> Iterator[tuple[str, NDArray[np.int32]]]:
        """Yield the synaptic operations for one population by core, connection by connection."""
        from scipy import sparse

        process, home = self.graph.flat_processes[path], self.home[path]
        for name, port in process.inputs.items():
            for last in self.graph.sources(f"{path}.{name}") if not port.learning else ():
                synapses = last.source.rpartition(".")[0]
                reached = self.graph.flat_processes[synapses]
                if reached.ROLE != "synapses" or synapses in self.placement.host:
                    continue
                width = reached.output.size
                read = reading(home, min(width, port.size) if width > 1 else 1, self.cores)
                for first in self.graph.sources(f"{synapses}.s"):
                    graded = self.graph.port(first.source).signal == "graded"
                    mask = self.events.active[first.source.rpartition(".")[0]]
                    for delay, exists in synapses_of(self.events, synapses):
                        fan_out = sparse.csr_array(read @ exists).T  # (senders, cores)
                        late = delayed(mask, (first.delay or 0) + delay, self.events.steps)
                        flat = late.reshape(self.instants, mask.shape[-1])
                        if flat.shape[1] == 1:
                            fan_out = fan_out.sum(axis=0)[None, :]
                        kind = "synops_mac" if graded else "synops_ac"
                        yield kind, _product(flat, sparse.csr_array(fan_out))


def synapses_of(events: Events, path: str) -> Iterator[tuple[int, sparse.csr_array]]:
    """Yield (delay, number of synapses (postsynaptic, presynaptic)) by the synapses' own delay."""
    from scipy import sparse

    process = events.graph.flat_processes[path]
    whole = events.whole(process)
    if whole is not None:
        yield 0, sparse.csr_array(whole.astype(np.float64))
        return
    shape = process.output.size, process.inputs["s"].size
    for delay, post, pre in events.delayed_synapses(process):
        yield delay, sparse.csr_array((np.ones(len(post)), (post, pre)), shape)


def reading(home: NDArray[np.int64], width: int, cores: int | None) -> sparse.csr_array:
    """Return how many units of each core read each of `width` values: (cores, width).

    Without `cores` it is told of each unit: (units, width).
    """
    from scipy import sparse

    units = len(home)
    rows = np.arange(units) if cores is None else home
    if width >= units:
        index, row = np.arange(width), np.repeat(rows, width // units)
    else:
        index, row = np.arange(units) // (units // width), rows
    shape = (units if cores is None else cores, width)
    return sparse.csr_array((np.ones(len(index)), (row, index)), shape)


def _product(mask: NDArray[np.bool_], matrix: sparse.csr_array) -> NDArray[np.int32]:
    """Return the product of a raster with whole numbers, exactly."""
    from scipy import sparse

    product = sparse.csr_array(mask.astype(np.float64)) @ matrix
    return np.rint(product.toarray()).astype(np.int32)
