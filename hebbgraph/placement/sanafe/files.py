"""files: a replay as the architecture and the network that SANA-FE reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware
    from hebbgraph.placement.sanafe.replay import Replay

#: What SANA-FE prices, by our counters; whatever else a config prices is not replayed.
REPLAYED: tuple[str, ...] = (
    *("synops_ac", "neuron_accesses", "updates_active", "spikes"),
    *("packets", "hops_x", "hops_y"),
)


def architecture(replay: Replay) -> str:
    """Return the tiles in use; JSON, which is YAML."""
    x, y = price(replay.hardware, "hops_x"), price(replay.hardware, "hops_y")
    hops = {"north": y, "south": y, "east": x, "west": x}
    costs = {f"energy_{way}_hop": cost for way, cost in hops.items()}
    times = {f"latency_{way}_hop": 0.0 for way in hops}
    size = {"topology": "mesh", "width": replay.layout.width, "height": replay.rows}
    sync = {"link_buffer_size": 16, "sync_model": "fixed", "latency_sync": 0.0}
    tiles = [
        {
            "name": f"tile{column}_{row}",
            "attributes": costs | times,
            "core": [
                _core(replay, row * replay.layout.width + column, slot)
                for slot in range(replay.layout.cores_per_tile + 2)
            ],
        }
        for column in range(replay.layout.width)  # SANA-FE numbers them column by column
        for row in range(replay.rows)
    ]
    chip = {"name": "chip", "attributes": size | sync, "tile": tiles}
    return json.dumps({"architecture": chip}, indent=1)


def _core(replay: Replay, tile: int, slot: int) -> dict[str, Any]:
    """Return one core: the two last of a tile are that of the entry, and the free one."""
    counts = replay.held.get((tile, slot), {})
    free = slot == replay.layout.cores_per_tile + 1
    cost = {name: price(replay.hardware, name) for name in REPLAYED}
    access, update = cost["neuron_accesses"], cost["updates_active"]
    somas = {
        "unit": ("leaky_integrate_fire", access, update, 0.0),
        "main": ("input", 0.0, 0.0, cost["spikes"]),
        "other": ("input", 0.0, update, 0.0),
        "echo": ("input", 0.0, 0.0, 0.0),
    }
    inside = {"buffer_position": "soma", "buffer_inside_unit": False}
    inside |= {"max_neurons_supported": max(1, sum(counts.values()))}
    sent = 0.0 if free else cost["packets"]
    last = {kind: 0 if kind == "unit" else max(0, counts.get(kind, 0) - 1) for kind in somas}
    return {
        "name": f"core{slot}",
        "attributes": inside,
        "axon_in": [_unit("in", energy_message_in=0.0, latency_message_in=0.0)],
        "synapse": [
            _unit(
                name,
                model="current_based",
                energy_process_spike=each,
                latency_process_spike=0.0,
            )
            for name, each in (("paid", cost["synops_ac"]), ("free", 0.0))
        ],
        "dendrite": [_unit("sum", model="accumulator", energy_update=0.0, latency_update=0.0)],
        "soma": [
            _unit(
                f"{kind}[0..{last[kind]}]",
                model=model,
                energy_access_neuron=a,
                energy_update_neuron=u,
                energy_spike_out=o,
                latency_access_neuron=0.0,
                latency_update_neuron=0.0,
                latency_spike_out=0.0,
            )
            for kind, (model, a, u, o) in somas.items()
        ],
        "axon_out": [_unit("out", energy_message_out=sent, latency_message_out=0.0)],
    }


def network(replay: Replay) -> str:
    """Return the neurons with their rasters, the edges, and where each neuron is."""
    lines = ["network:", "  name: replay", "  groups:"]
    for group in replay.groups.values():
        lines += [f"    - name: {group.name}"]
        lines += [f"      attributes: [synapse_hw_name: {group.synapse}]", "      neurons:"]
        for i in range(len(group.cores)):
            spikes = "" if group.raster is None else _train(group.raster[:, i])
            what = "soma: {threshold: 1.0}" if group.raster is None else f"spikes: [{spikes}]"
            lines += [f"        - {i}: [{what}]"]
    lines += ["  edges:"]
    for source, pre, target, post in replay.edges:
        lines += [
            f"    - {source}.{i} -> {target}.{j}: [weight: 0.0]"
            for i, j in zip(pre.tolist(), post.tolist(), strict=True)
        ]
    lines += ["mappings:"]
    rows = replay.rows
    for group in replay.groups.values():
        for i, ((tile, slot), soma) in enumerate(zip(group.cores, group.somas, strict=True)):
            row, column = divmod(tile, replay.layout.width)
            core = f"{column * rows + row}.{slot}"
            of = f"{group.soma}[{0 if group.soma == 'unit' else soma}]"
            where = f'core: {core}, soma: "{of}"'
            lines.append(f"  - {group.name}.{i}: [{where}]")
    return "\n".join(lines) + "\n"


def price(hardware: Hardware, counter: str) -> float:
    """Return the nominal energy of one event in joules, 0 where it has no price."""
    return sum(cost.value for cost in hardware.costs.get(counter, ()))


def _unit(name: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "attributes": attributes}


def _train(spikes: NDArray[np.bool_]) -> str:
    """Return a spike train up to its last spike; the rest is silence."""
    last = int(np.flatnonzero(spikes)[-1]) + 1 if spikes.any() else 1
    return ", ".join("true" if spike else "false" for spike in spikes[:last])
