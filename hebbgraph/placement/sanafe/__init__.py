"""sanafe: a run and its placement as input of SANA-FE, an independent simulator of chips.

J. A. Boyle et al., "SANA-FE: simulating advanced neuromorphic architectures for fast exploration",
IEEE TCAD 44(8), 2025, doi:10.1109/TCAD.2025.3537971; a program of its own (GPL-3), which is
neither imported nor contained here. It replays the raster; nothing is computed but counts:

- *main*: every unit, on its core, sends its recorded spikes to the main neurons of the units that
  it has synapses onto, for free: packets and hops are what SANA-FE makes of the synapses;
- *unit*: every unit once more, of the model ``leaky_integrate_fire`` and deaf (weights are 0): it
  is accessed every step, and updated where something arrives;
- *echo*: spikes once more, sent to the units when they arrive from a free core in the same tile,
  through synapses of their price: what is under way when an episode ends is never sent;
- *other*: updates without an event through synapses: a bias, wires, what comes as a value.

Episodes follow one another. Only the tiles in use are described.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.placement.sanafe.files import REPLAYED, architecture, network
from hebbgraph.placement.sanafe.replay import Replay

if TYPE_CHECKING:
    from hebbgraph.placement import Placement
    from hebbgraph.result import Result

#: The files that `export` writes.
FILES = ("architecture.yaml", "network.yaml", "expected.json", "run.py")

SCRIPT = '''"""Replay network.yaml on architecture.yaml; needs sanafe."""
import json
from pathlib import Path

import sanafe

here = Path(__file__).parent
expected = json.loads((here / "expected.json").read_text())
architecture = sanafe.load_arch(here / "architecture.yaml")
chip = sanafe.SpikingChip(architecture)
chip.load(sanafe.load_net(here / "network.yaml", architecture))
found = chip.sim(expected["steps"], timing_model="simple", perf_trace=True)
outcome = {
    "energy": found["energy"],
    "hops": int(sum(found["perf_trace"]["hops"])),
    "synops": found["spikes"],
    "spikes_sent": found["neurons_fired"],
}
(here / "outcome.json").write_text(json.dumps(outcome, indent=2))
print(json.dumps(outcome))
'''


def export(result: Result, placement: Placement, folder: str | os.PathLike[str]) -> Path:
    """Write `FILES` to `folder` and return it.

    ``python run.py`` there, in an environment with ``sanafe``, writes ``outcome.json``; its
    energies (joules) and hops are to equal those of ``expected.json``, priced by
    `hebbgraph.energy` with the nominal figures of the placement's machine.

    Raises `Invalid` for a placement on several chips or on a machine without a mesh, for packets
    by axon, and for a result of another graph.
    """
    _check(placement)
    replay = Replay(placement, result)
    replay.build()
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    texts = {
        "architecture.yaml": architecture(replay),
        "network.yaml": network(replay),
        "expected.json": json.dumps(_expected(replay, result), indent=2),
        "run.py": SCRIPT,
    }
    for name in FILES:
        write_atomic(home / name, texts[name].encode())
    return home


def _check(placement: Placement) -> None:
    faults = []
    layout = placement.layout
    name = placement.hardware.name
    if layout is None:
        faults.append(Fault("placement", f"{name} without a mesh", "SANA-FE needs one"))
    elif max(placement.places, default=0) >= layout.per_chip:
        chips = placement.chips(layout.per_chip)
        faults.append(Fault("placement", f"{chips} chips", "SANA-FE describes one chip"))
    if placement.problem().by_axon:
        need = "SANA-FE sends one packet for each core"
        faults.append(Fault(f"{name} mesh.packets", "axon", need))
    if faults:
        raise Invalid("SANA-FE", faults)


def _expected(replay: Replay, result: Result) -> dict[str, Any]:
    """Return what `hebbgraph.energy` says of the same events."""
    from hebbgraph.energy import energy  # prices what this module only describes

    report = energy(result, replay.hardware, replay.placement, allow_synthetic=True)
    lines = [line for line in report.ledger if line.counter in REPLAYED]
    priced = {line.counter for line in report.ledger if line.product.nominal}
    counts = {name: sum(n.count for n in lines if n.counter == name) for name in REPLAYED}
    parts = {"synapse": ("synops_ac",), "network": ("packets", "hops_x", "hops_y")}
    parts["soma"] = ("neuron_accesses", "updates_active", "spikes")
    energies = {
        part: sum(line.product.nominal for line in lines if line.counter in names)
        for part, names in parts.items()
    }
    return {
        "hardware": replay.hardware.name,
        "steps": replay.instants,
        "energy": {"total": sum(energies.values()), **energies},
        "hops": counts["hops_x"] + counts["hops_y"],
        "counts": counts,
        "not_replayed": sorted(priced - set(REPLAYED)),
    }


__all__ = ["FILES", "REPLAYED", "export"]
