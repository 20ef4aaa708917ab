"""Placement: the memory formula by hand, and every limit recounted from the limits alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.hardware import Hardware
from hebbgraph.placement import Placement, place
from hebbgraph.placement.memory import AxonMemory, delay_bits, stored_bits
from hebbgraph.random import stream
from tests.check.machines import LOIHI, machine, tiny
from tests.check.nets import FORGETFUL, feed_forward, memory

# --- memory ------------------------------------------------------------------------------------


def test_bits_of_an_axon_by_hand() -> None:
    memory = AxonMemory(LOIHI.synaptic_memory, 8, 128)
    # Blocks of 64 synapses with 10 header bits each, in words of 64 bits.
    dense = {0: 0, 1: 64, 6: 64, 7: 128, 30: 256, 31: 320, 64: 576, 65: 640, 128: 1152}
    assert {count: memory.dense()[count] for count in dense} == dense
    # Among 64 units an index takes 6 bits, among 65 it takes 7: 10 synapses in 150 or 160 bits.
    assert memory.sparse(64)[10] == 192
    assert memory.sparse(65)[10] == 192
    assert memory.sparse(1024)[3] == 64
    assert memory.sparse(1024)[4] == 128


@pytest.mark.parametrize(
    ("weights", "exponent", "bits"),
    [
        ([-256, 254], 0, 8),  # the sign takes the place of the lowest bit, which is always 0
        ([255, 1], 0, 8),
        ([-255, -3], 0, 8),
        ([1, 0], 0, 1),  # 1 << 7 with an exponent of -7
        ([1, 0], -4, 4),  # the exponent allows 4 places only: bits 4 to 7
        ([2, -2], 0, 2),
        ([-4, 2], 0, 2),  # two's complement: -2 and 1
        ([3, 1], 0, 2),
        ([127, 1], 0, 8),  # 7 bits are no format
        ([128, 0], 0, 1),
        ([0, 0], 0, 8),
    ],
)
def test_stored_bits_of_a_weight(weights: list[int], exponent: int, bits: int) -> None:
    assert stored_bits(hg.Dense([weights], exponent).cast("fixed"), "fixed", LOIHI) == bits


def test_full_width_is_stored_where_weights_are_not_known_yet() -> None:
    assert stored_bits(hg.Dense([[0.5, 1]]), "float", LOIHI) == 8
    learning = hg.Dense([[0, 0]], rule=hg.Rule("post*pre", low=0, high=1)).cast("fixed")
    assert stored_bits(learning, "fixed", LOIHI) == 8


def test_the_first_step_of_a_delay_is_free() -> None:
    own = hg.Dense([[2, 4]], delays=[[0, 3]]).cast("fixed")
    assert [delay_bits(own, further) for further in (0, 1, 4, 58)] == [2, 3, 3, 6]
    assert delay_bits(hg.Dense([[2]]).cast("fixed"), 0) == 0


def test_a_machine_without_a_formula_counts_weights_alone() -> None:
    bare = machine(synaptic_memory=None)
    placement = place(feed_forward(np.full((4, 10), 200)), bare)
    assert placement.cores[0].synaptic_bits == 4 * 10 * 5  # 200 = 25 << 3


# --- known sizes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "cores", "on_first"), [(64, 1, 64), (512, 3, 230), (3840, 128, 30), (3841, 129, 30)]
)
def test_all_to_all_memories_on_loihi(units: int, cores: int, on_first: int) -> None:
    # 230 units: each of 512 axons takes 3 * 576 + 320 = 2048 bits, 2**20 in all.
    # 30 units: each of N axons takes 30 * 8 + 10 -> 256 bits, so N may be 4096; 31 take 320.
    placement = place(memory(units), LOIHI)
    assert (len(placement.cores), placement.cores[0].units) == (cores, on_first)
    assert placement.overruns == ()
    assert placement.cores[0].axons_in == units
    assert placement.cores[0].axons_out == on_first * cores
    assert placement.chips(128) == -(-cores // 128)


def test_narrow_weights_leave_room_for_more_units() -> None:
    # Of 1500 axons each may take 699 bits: 5 blocks of 64 1-bit weights (128 bits each), or one
    # block of 8-bit weights (576 bits) and a word for 6 more.
    binary = place(memory(1500, np.ones((1500, 1500), np.int64)), LOIHI)
    assert (binary.cores[0].units, binary.shares[0].bound) == (320, "synaptic_bits")
    assert place(memory(1500), LOIHI).cores[0].units == 70


def test_a_fan_in_beyond_the_axons_of_a_core_is_named() -> None:
    placement = place(feed_forward(np.ones((2, 4100), np.int64)), LOIHI)
    (overrun,) = placement.overruns
    assert (overrun.path, overrun.what, overrun.got, overrun.limit) == (
        "unit",
        "axons_in",
        4100,
        4096,
    )


def test_plastic_synapses_take_two_places_an_axon() -> None:
    rule = hg.Rule("post*pre", low=0, high=1)
    graph = feed_forward(np.zeros((3, 5), np.int64))
    assert place(graph, LOIHI).cores[0].axons_in == 0
    learning = hg.Graph(
        "learning",
        {**graph.processes, "w": hg.Dense(np.zeros((3, 5), np.int64), rule=rule)},
        graph.connections,
        domain="fixed",
    )
    assert place(learning, LOIHI).cores[0].axons_in == 10


def test_populations_are_cut_smaller_until_their_spikes_can_leave() -> None:
    graph = hg.Graph(
        "fan_out",
        {
            "sender": hg.LIF(8, **FORGETFUL),
            "w": hg.Dense(np.ones((6, 8), np.int64)),
            "receiver": hg.LIF(6, **FORGETFUL),
        },
        [hg.Connection("sender.s", "w.s"), hg.Connection("w.a", "receiver.a")],
        domain="fixed",
    )
    chip = tiny(neurons=8, bits=8 * 64, axons_in=8, axons_out=3)
    placement = place(graph, chip)  # all receivers on one core: one axon a sender
    assert placement.overruns == ()
    assert [len(r.units) for r in placement.of("sender")] == [3, 3, 2]
    assert {r.bound for r in placement.of("sender")} == {"axons_out", ""}
    # With a core for each receiver, every sender needs six axons of three.
    impossible = place(graph, tiny(neurons=1, bits=8 * 64, axons_in=8, axons_out=3))
    assert {o.what for o in impossible.overruns} == {"axons_out"}
    assert {o.path for o in impossible.overruns} == {"sender"}


# --- every limit, recounted --------------------------------------------------------------------


def random_graph(seed: int) -> hg.Graph:
    """Return populations with every kind of synapse between them, delays and a broadcast."""
    rng = stream(seed, "placement", "graph")
    post, pre = np.nonzero(rng.random((9, 14)) < 0.3)
    return hg.Graph(
        "random",
        {
            "data": hg.Input(9, signal="spike"),
            "one": hg.Input(1, signal="spike"),
            "first": hg.LIF(14, **FORGETFUL),
            "second": hg.LIF(9, **FORGETFUL),
            "third": hg.LIF(6, **FORGETFUL),
            "fourth": hg.LIF(4, **FORGETFUL),
            "up": hg.Dense(2 * rng.integers(-60, 60, (14, 9))),
            "down": hg.Sparse(14, 9, pre, post, rng.integers(1, 99, len(pre))),
            "loop": hg.Dense(rng.integers(0, 3, (14, 14)), delays=rng.integers(0, 5, (14, 14))),
            "blocks": hg.BlockDense(rng.integers(1, 9, (3, 2)), 2),
            "back": hg.Transpose("up", 14, 9),
            "narrow": hg.Dense(rng.integers(0, 2, (9, 9))),
        },
        [
            *(hg.Connection("data.out", "up.s"), hg.Connection("second.s", "up.s", 7)),
            *(hg.Connection("up.a", "first.a"), hg.Connection("loop.a", "first.a", 2)),
            *(hg.Connection("first.s", f"{path}.s") for path in ("loop", "down", "back")),
            *(hg.Connection(f"{path}.a", "second.a") for path in ("down", "back", "narrow")),
            *(hg.Connection("one.out", "narrow.s"), hg.Connection("fourth.s", "blocks.s")),
            *(hg.Connection("blocks.a", "third.a"), hg.Connection("third.s", "third.a", 3)),
        ],
        domain="fixed",
    )


def edges(graph: hg.Graph, hardware: Hardware) -> list[dict[str, Any]]:
    """Return every (sender, synapses, receiver) with its matrix and bits of a synapse."""
    found = []
    for path, process in graph.walk():
        if process.ROLE != "synapses":
            continue
        holder = graph.flat_processes[process.of] if isinstance(process, hg.Transpose) else process
        exists = holder.matrix().T != 0 if process is not holder else process.matrix() != 0
        for first in graph.sources(f"{path}.s"):
            for last in graph.flat_connections:
                if last.source != f"{path}.a":
                    continue
                sender, receiver = first.source.rpartition(".")[0], last.target.rpartition(".")[0]
                further = (first.delay or 0) - 1 + (last.delay or 0)
                one = graph.flat_processes[sender].output.size == 1
                found.append(
                    {
                        "sender": sender,
                        "receiver": receiver,
                        "exists": exists.any(axis=1, keepdims=True) if one else exists,
                        "bits": stored_bits(holder, "fixed", hardware)
                        + int(process.longest_delay + further).bit_length(),
                    }
                )
    # A wire from spikes into a port is one synapse of weight 1, 1 bit, for each unit.
    wire = {"sender": "third", "receiver": "third", "exists": np.eye(6, dtype=bool), "bits": 1 + 2}
    return [*found, wire]


def axon_bits(count: int, each: int) -> int:
    """Return the memory of one axon, block by block."""
    bits = 0
    while count:
        block = min(count, 64)
        bits += -(-(block * each + 10) // 64) * 64
        count -= block
    return bits


def recounted(graph: hg.Graph, hardware: Hardware, placement: Placement) -> list[dict[str, int]]:
    """Return what each core holds, counted synapse by synapse."""
    cores: dict[int, Counter[str]] = defaultdict(Counter)
    for edge in edges(graph, hardware):
        senders = edge["sender"] in {r.path for r in placement.shares}
        home = placement.core_of(edge["sender"]) if senders else None
        for r in placement.of(edge["receiver"]):
            rows = edge["exists"][list(r.units)]
            counts = [int(n) for n in rows.sum(axis=0) if n]
            before = sum(
                len(o.units)
                for o in placement.shares[: placement.shares.index(r)]
                if o.core == r.core
            )
            index = max(6, (before + len(rows) - 1).bit_length())
            dense = sum(axon_bits(len(rows), edge["bits"]) for _ in counts)
            sparse = sum(axon_bits(n, edge["bits"] + index) for n in counts)
            cores[r.core]["synaptic_bits"] += min(dense, sparse)
            cores[r.core]["axons_in"] += len(counts)
            if home is not None:
                for unit in np.flatnonzero(rows.any(axis=0)):
                    cores[int(home[unit])]["axons_out"] += 1
    for r in placement.shares:
        cores[r.core]["units"] += len(r.units)
    return [dict(cores[core]) for core in sorted(cores)]


CHIPS = {
    "loihi": LOIHI,
    "few neurons": tiny(5, 2**20, 4096, 4096),
    "little memory": tiny(1024, 2300, 4096, 4096),
    "few axons in": tiny(1024, 2**20, 33, 4096),
    "few axons out": tiny(1024, 2**20, 4096, 30),
    "little of all": tiny(6, 3000, 40, 40),
    "too little": tiny(3, 800, 12, 6),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("chip", CHIPS)
def test_every_limit_recounted(chip: str, seed: int) -> None:
    graph, hardware = random_graph(seed), CHIPS[chip]
    placement = place(graph, hardware)
    assert placement == place(graph, hardware)
    for path in ("first", "second", "third", "fourth"):
        units = [unit for share in placement.of(path) for unit in share.units]
        assert sorted(units) == list(range(graph.flat_processes[path].output.size))
    assert hardware.limits is not None
    limits = {
        "units": hardware.limits.neurons_per_core,
        "synaptic_bits": hardware.limits.synaptic_bits_per_core,
        "axons_in": hardware.limits.axons_in_per_core,
        "axons_out": hardware.limits.axons_out_per_core,
    }
    over = {(o.core, o.what): o.got for o in placement.overruns}
    beyond = {}
    for core, counted in enumerate(recounted(graph, hardware, placement)):
        for what, limit in limits.items():
            got = counted.get(what, 0)
            assert got == getattr(placement.cores[core], what), (core, what)
            if got > (limit or 0):
                beyond[core, what] = got
    assert beyond == over
    assert bool(beyond) == (chip in OVERRUN)


#: Chips on which a unit alone needs more than a core has.
OVERRUN = {"too little"}
