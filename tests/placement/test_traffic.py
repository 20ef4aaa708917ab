"""Traffic: counted spike by spike, the same on every engine, priced and timed by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import backend as backends
from hebbgraph.energy import energy
from hebbgraph.errors import Invalid
from hebbgraph.hardware import load
from hebbgraph.placement import Placement, place, traffic
from hebbgraph.result import Result
from tests.check.machines import machine, tiny
from tests.placement.nets import chain, layered, recurrent, spikes

NAHUKU = load("loihi1_nahuku")


def ran(graph: hg.Graph, inputs: Any, steps: int, engine: str = "reference") -> Result:
    with hg.compile(graph, engine) as program:
        return program.run(inputs, steps=steps)


def by_hand(graph: hg.Graph, placement: Placement, result: Result, inputs: Any) -> Counter[str]:
    """Return packets and hops, spike by spike and synapse by synapse."""
    layout = placement.layout
    assert layout is not None
    total: Counter[str] = Counter()
    home = {s.path: placement.core_of(s.path) for s in placement.shares}
    rasters = {**inputs, **result.spikes}
    for sender, raster in rasters.items():
        goes: dict[int, set[int]] = {unit: set() for unit in range(raster.shape[2])}
        for path, process in graph.walk():
            if process.ROLE != "synapses" or not any(
                c.source.rpartition(".")[0] == sender for c in graph.sources(f"{path}.s")
            ):
                continue
            receivers = [
                c.target.rpartition(".")[0]
                for c in graph.flat_connections
                if c.source == f"{path}.a"
            ]
            for post, pre in np.argwhere(process.matrix()):
                for receiver in receivers:
                    goes[int(pre)].add(int(home[receiver][post]))
        for _, _, unit in np.argwhere(raster):
            total["spikes"] += 1
            for core in goes[int(unit)]:
                x0, y0 = layout.entry
                if sender in home:
                    x0, y0 = tile(placement, int(home[sender][unit]))
                x1, y1 = tile(placement, core)
                chips = abs(x0 // layout.width - x1 // layout.width)
                total["packets"] += 1
                total["hops_x"] += abs(x0 - x1) - chips
                total["hops_y"] += abs(y0 - y1)
                total["chip_crossings"] += chips
    return total


def tile(placement: Placement, core: int) -> tuple[int, int]:
    """Return column, counted through all chips side by side, and row of a core's tile."""
    layout = placement.layout
    assert layout is not None
    chip, place_ = divmod(placement.places[core], layout.per_chip)
    row, column = divmod(place_ // layout.cores_per_tile, layout.width)
    return chip * layout.width + column, row


#: Machines by how many cores and chips the graphs below take.
SMALL = machine(
    limits={"cores": 24, "neurons_per_core": 3, "axons_out_per_core": 4096},
    mesh={"width": 4, "height": 3, "cores_per_tile": 2, "entry": [3, 1]},
)
TWO_CHIPS = machine(
    limits={"cores": 6, "neurons_per_core": 3},
    mesh={"width": 3, "height": 2, "cores_per_tile": 1},
)


@pytest.mark.parametrize("hardware", [SMALL, TWO_CHIPS], ids=["one chip", "two chips"])
@pytest.mark.parametrize("seed", range(3))
def test_packets_and_hops_spike_by_spike(hardware: Any, seed: int) -> None:
    graph = chain(seed)
    inputs = spikes(graph, 2, 12, 0.2, seed)
    result = ran(graph, inputs, 12)
    placement = place(graph, hardware, result=result)
    sent, counted = traffic(placement, result), by_hand(graph, placement, result, inputs)
    assert counted["packets"] > 100
    assert sent.counts == {k: counted[k] for k in sent.counts}
    assert sum(sent.arriving) == sent.packets
    assert sum(sent.by_core["packets"]) + sent.packets_outside == sent.packets
    if hardware is TWO_CHIPS:
        assert (sent.chips, sent.packets_between_chips > 0) == (2, True)
    else:
        assert (sent.chips, sent.chip_crossings) == (1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_work_by_core_adds_up_to_the_counters(seed: int) -> None:
    graph = chain(seed)
    result = ran(graph, spikes(graph, 2, 12, 0.2, seed), 12)
    sent, totals = traffic(place(graph, SMALL), result), result.counters.totals()
    for name in ("synops_ac", "synops_mac", "neuron_accesses", "updates_active", "updates_idle"):
        assert sum(sent.by_core[name]) == totals[name], name
        assert (sent.by_step[name].sum(axis=0) == sent.by_core[name]).all()
    assert (
        sum(sent.by_core["spikes"]) == totals["spikes"] - result.counters.processes["data"].spikes
    )
    assert totals["synops_ac"] > 0


def test_the_work_of_each_core_and_step_by_hand() -> None:
    """One spike enters at step 1, goes to two of three cores, and one unit answers on its own."""
    graph = hg.Graph(
        "by_hand",
        {
            "data": hg.Input(1, signal="spike"),
            "w": hg.Dense([[5], [0], [9]]),
            "unit": hg.LIF(3, decay_u=4095, decay_v=4095, threshold=6),
            "loop": hg.Dense([[0, 0, 0], [0, 0, 7], [0, 0, 7]]),
        },
        [
            hg.Connection("data.out", "w.s"),
            hg.Connection("w.a", "unit.a"),
            hg.Connection("unit.s", "loop.s", 2),
            hg.Connection("loop.a", "unit.a"),
        ],
        domain="fixed",
    )
    result = ran(graph, {"data": np.array([[[0], [1], [0]]])}, 6)
    fired = np.argwhere(result.spikes["unit"][0])
    hardware = tiny(1, 2**20, 9, 9)
    placement = place(graph, hardware)
    sent = traffic(placement, result)
    assert fired.tolist() == [[2, 2], [4, 1], [4, 2]]
    synops = np.zeros((6, 3), int)
    synops[2, [0, 2]] = 1  # the spike of step 1 arrives
    synops[4, [1, 2]] = 1  # that of unit 2, two steps after step 2
    assert sent.by_step["synops_ac"].tolist() == synops.tolist()
    packets = np.zeros((6, 3), int)
    packets[[2, 4], 2] = 2  # unit 2 is heard by the cores of units 1 and 2; at step 4 it leaves too
    assert sent.by_step["packets"].tolist() == packets.tolist()
    assert (sent.packets, sent.packets_outside, sent.packets_within) == (6, 2, 2)


def test_the_same_raster_gives_the_same_traffic_on_every_engine() -> None:
    graph = chain(4)
    inputs = spikes(graph, 2, 15, 0.2)
    placement = place(graph, SMALL)
    found = {}
    for engine in backends.names():
        if backends.get(engine).availability().usable:
            found[engine] = traffic(placement, ran(graph, inputs, 15, engine))
    assert len(found) >= 2
    reference = found["reference"]
    assert reference.packets > 100
    for engine, sent in found.items():
        assert sent == reference, engine
        assert sent.as_dict() == reference.as_dict()
        assert (sent.routes == reference.routes).all()


def test_a_result_from_a_file_gives_the_same_traffic(tmp_path: Path) -> None:
    graph = chain(1)
    result = ran(graph, spikes(graph, 2, 9, 0.2), 12)  # inputs end before the run
    result.save(tmp_path / "result.zip")
    placement = place(graph, SMALL)
    loaded = Result.load(tmp_path / "result.zip")
    assert traffic(placement, loaded) == traffic(placement, result)
    assert loaded.activity.keys() == result.activity.keys()
    assert place(graph, SMALL, result=loaded) == place(graph, SMALL, result=result)


def test_graded_inputs_are_written_and_send_no_packets() -> None:
    graph = recurrent(8, 3, threshold=20)
    cue = np.where(np.arange(8) % 2, 3000, 0) * np.ones((1, 5, 1))
    result = ran(graph, {"cue": cue}, 5)
    sent = traffic(place(graph, NAHUKU), result)
    assert sent.packets_outside == 0
    assert sent.packets == sum(sent.by_core["spikes"]) > 0


def test_a_machine_may_send_one_packet_for_each_axon() -> None:
    """Two sets of synapses between the same units: two axons, one core."""
    graph = hg.Graph(
        "twice",
        {
            "data": hg.Input(2, signal="spike"),
            "one": hg.Dense([[2, 2]]),
            "other": hg.Dense([[4, 4]]),
            "unit": hg.LIF(1, decay_u=4095, decay_v=4095, threshold=99),
        },
        [
            hg.Connection(*ends)
            for path in ("one", "other")
            for ends in (("data.out", f"{path}.s"), (f"{path}.a", "unit.a"))
        ],
        domain="fixed",
    )
    result = ran(graph, {"data": np.ones((1, 3, 2))}, 3)
    per_core = traffic(place(graph, machine()), result)
    per_axon = traffic(place(graph, machine(mesh={"packets": "axon"})), result)
    assert (per_core.packets, per_axon.packets) == (6, 12)


# --- energy and time ---------------------------------------------------------------------------


def test_packets_and_hops_are_priced() -> None:
    graph = layered(30, 300, 200)
    result = ran(graph, spikes(graph, 1, 10, 0.3), 10)
    placement = place(graph, NAHUKU)
    sent = traffic(placement, result)
    bare, report = energy(result, NAHUKU), energy(result, NAHUKU, placement)
    assert sent.hops_x is not None
    assert sent.hops_y is not None
    extra = 111e-12 * sent.packets + 3.0e-12 * sent.hops_x + 4.2e-12 * sent.hops_y
    assert report.dynamic.nominal - bare.dynamic.nominal == pytest.approx(extra, rel=1e-12)
    assert report.components["noc"].nominal == pytest.approx(extra, rel=1e-12)
    assert (bare.uncounted[:1], report.uncounted) == (("packets",), ())
    assert not [reason for reason in report.lower_bound_reasons if "placement" in reason]
    assert energy(result.counters, NAHUKU, sent) == report
    # The same placement on the same chip with other prices.
    published = energy(result, "loihi1_davies2018", placement)
    extra = 1.7e-12 * sent.packets + 3.0e-12 * sent.hops_x + 4.0e-12 * sent.hops_y
    assert published.components["noc"].nominal == pytest.approx(extra, rel=1e-12)


def test_time_is_that_of_the_busiest_core_of_each_step() -> None:
    graph = chain(2)
    result = ran(graph, spikes(graph, 1, 8, 0.3), 8)
    data = SMALL.model_dump(mode="json") | {"timing": NAHUKU.model_dump(mode="json")["timing"]}
    hardware = machine(**{k: data[k] for k in ("limits", "mesh")}, timing=data["timing"])
    sent = traffic(place(graph, hardware), result)
    seconds = 0.0
    for step in range(8):
        busiest = max(
            3.8e-9 * sent.by_step["synops_ac"][step, core]
            + 6.0e-9 * sent.by_step["neuron_accesses"][step, core]
            + 3.7e-9 * sent.by_step["updates_active"][step, core]
            + 30e-9 * sent.by_step["spikes"][step, core]
            + 21.1e-9 * sent.by_step["packets"][step, core]
            + idle(hardware) * sent.by_step["updates_idle"][step, core]
            for core in range(sent.cores)
        )
        x, y, _ = sent.routes[step]
        seconds += busiest + 4.1e-9 * x + 6.5e-9 * y + 0.6e-6
    time = energy(result, hardware, sent).latency
    assert time is not None
    assert time.time.nominal == pytest.approx(seconds, rel=1e-12)
    assert time.time.low < time.time.nominal < time.time.high
    assert time.cores == sent.cores


def idle(hardware: Any) -> float:
    return hardware.timing["updates_idle"].value if "updates_idle" in hardware.timing else 0.0


def test_the_longest_way_of_each_step() -> None:
    graph = chain(3)
    inputs = spikes(graph, 1, 10, 0.1)
    result = ran(graph, inputs, 10)
    placement = place(graph, SMALL)
    sent = traffic(placement, result)
    for step in range(10):
        longest = 0.0
        for path, raster in {**inputs, **result.spikes}.items():
            for unit in np.flatnonzero(raster[0, step]):
                for core in np.flatnonzero(placement.reach()[path][:, unit]):
                    start = (3, 1)
                    if path != "data":
                        start = tile(placement, int(placement.core_of(path)[unit]))
                    end = tile(placement, int(core))
                    way = 4.1 * abs(start[0] - end[0]) + 6.5 * abs(start[1] - end[1])
                    longest = max(longest, way)
        x, y, _ = sent.routes[step]
        assert 4.1 * x + 6.5 * y == pytest.approx(longest)


def test_crossings_between_chips_have_no_price() -> None:
    graph = chain(0)
    result = ran(graph, spikes(graph, 1, 10, 0.3), 10)
    placement = place(graph, TWO_CHIPS)
    report = energy(result, TWO_CHIPS, placement)
    crossings = traffic(placement, result).chip_crossings
    assert crossings
    assert report.unpriced["chip_crossings"] == crossings
    assert f"chip_crossings ({crossings:,})" in " ".join(report.lower_bound_reasons)
    assert report.latency is not None
    assert report.latency.chips == 2
    assert "chip to chip" in report.latency.words


# --- what cannot be counted --------------------------------------------------------------------


def test_bad_subjects_are_named() -> None:
    graph = layered(6, 5)
    result = ran(graph, spikes(graph, 1, 4, 0.5), 4)
    with pytest.raises(Invalid, match=r"layer1.*with 7 .*5 units in the result"):
        traffic(place(layered(6, 7), NAHUKU), result)
    with pytest.raises(Invalid, match=r"layer2.*no activity"):
        traffic(place(layered(6, 5, 3), NAHUKU), result)
    with pytest.raises(
        Invalid, match="must be on loihi1_nahuku, whose cores hold or lie otherwise"
    ):
        energy(result, NAHUKU, place(graph, SMALL))
    with pytest.raises(Invalid, match="give the result, or its traffic"):
        energy(result.counters, NAHUKU, place(graph, NAHUKU))
