"""Run this network with lava alone: ``python run.py [steps]``.

`graph.json` and `arrays.npz` hold the graph, `hebbgraph_lava/network/` its Lava Processes. Put
your own data where this one has zeros.
"""

import json
import sys
from pathlib import Path

import numpy as np
from hebbgraph_lava import shim

shim.apply()

from hebbgraph_lava.engine import Engine  # noqa: E402 - the shim comes first
from hebbgraph_lava.plan import read_plan  # noqa: E402


def main(steps):
    """Build the network, run one episode of zero inputs, count spikes."""
    folder = Path(__file__).parent
    document = json.loads((folder / "graph.json").read_text())
    with np.load(folder / "arrays.npz") as arrays:
        plan = read_plan(document, dict(arrays))
    engine = Engine(plan, document["model"], chunk=steps)
    inputs = {node.path: np.zeros((1, steps, node.units)) for node in plan.of_kind("Input")}
    try:
        for _, step, spikes, _ in engine.run(inputs, 1, steps):
            for path, raster in spikes.items():
                counted = f"steps {step} to {step + len(raster) - 1}: {int(raster.sum())} spikes"
                sys.stdout.write(f"{path}, {counted}\n")
    finally:
        engine.close()  # without it, the processes of lava would keep this one from ending


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
