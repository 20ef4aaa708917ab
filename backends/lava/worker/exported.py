"""Run this network with lava alone: ``python run.py [steps]``.

`graph.json` and `arrays.npz` hold the graph, ``hebbgraph/backends/lava/worker/network/`` its Lava
Processes. Put your own data where this one has zeros.
"""

import json
import sys
from pathlib import Path

import numpy as np

from hebbgraph.backends.lava.worker import shim

shim.apply()

from hebbgraph.backends.lava.worker.engine import Engine  # noqa: E402 - the shim comes first
from hebbgraph.backends.lava.worker.plan import read_plan  # noqa: E402


def main(steps):
    """Build the network, run one episode of zero inputs, count what is emitted."""
    folder = Path(__file__).parent
    document = json.loads((folder / "graph.json").read_text())
    with np.load(folder / "arrays.npz") as arrays:
        plan = read_plan(document, dict(arrays))
    engine = Engine(plan, document["model"], chunk=steps)
    inputs = {node.path: np.zeros((1, steps, node.units)) for node in plan.of_kind("Input")}
    try:
        for _, _, step, rasters, _ in engine.run(inputs, start_weights(plan), 1, steps):
            for key, raster in rasters.items():
                kind, _, path = key.partition("/")
                what = "spikes" if kind == "spikes" else "events"
                counted = f"steps {step} to {step + len(raster) - 1}: {np.count_nonzero(raster)}"
                sys.stdout.write(f"{path}, {counted} {what}\n")
        for path, learned in engine.learned().items():
            sys.stdout.write(f"{path}: {learned.counts[1]} changes of a weight\n")
    finally:
        engine.close()  # without it, the processes of lava would keep this one from ending


def start_weights(plan):
    """Return (accumulator, momentum) of every set of plastic synapses, as the graph has them."""
    held = {}
    for path, node in plan.plastic.items():
        weights = node.arrays["weights"].astype(plan.number) * 2**node.rule.fraction
        held[path] = (weights, np.zeros_like(weights))
    return held


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
