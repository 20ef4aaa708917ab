"""Program: measure a net with NeuroBench, and count it here; prints both as JSON.

It is run by `test_neurobench` in a process that has ``neurobench`` on its path. The net is made of
the very modules of our snnTorch back end where they spike, and of ``nn.Linear`` with the same
weights where NeuroBench looks for those.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import torch
from neurobench.benchmarks import Benchmark  # type: ignore[import-not-found]
from neurobench.metrics.workload import (  # type: ignore[import-not-found]
    ActivationSparsity,
    MembraneUpdates,
    SynapticOperations,
)
from neurobench.models import SNNTorchModel  # type: ignore[import-not-found]
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import hebbgraph as hg
from hebbgraph.backends.snntorch.network import GraphNetwork

EPISODES, STEPS, BATCH = 6, 20, 2


def main(seed: int, recurrent: bool) -> None:
    """Print what both found for one net."""
    graph = net(seed, recurrent)
    rng = np.random.default_rng(seed)
    data = (rng.random((EPISODES, STEPS, 30)) < 0.25).astype(np.float64)
    with hg.compile(graph, "snntorch") as program:
        result = program.run({"data": data}, steps=STEPS)
    totals = result.counters.totals()
    spikes = sum(int(result.spikes[path].sum()) for path in ("hidden", "out"))
    ours = {
        "Effective_ACs": totals["synops_ac"] / EPISODES,
        "Effective_MACs": totals["synops_mac"] / EPISODES,
        "Dense": totals["synops_dense"] / EPISODES,
        "ActivationSparsity": 1 - spikes / totals["neuron_accesses"],
        "updates_active": totals["updates_active"] / EPISODES,
        "changes of v": changes(result) / EPISODES,
        "spikes in a row": repeated(result) / EPISODES,
    }
    sys.stdout.write(json.dumps({"theirs": measured(graph, data), "ours": ours}) + "\n")


def net(seed: int, recurrent: bool) -> hg.Graph:
    """Return two layers of biased units with real weights, a third of them missing."""
    rng = np.random.default_rng([seed, 1])

    def weights(post: int, pre: int) -> Any:
        return rng.standard_normal((post, pre)) * (rng.random((post, pre)) < 0.67)

    unit: dict[str, Any] = {"decay_u": 0.7, "decay_v": 0.3, "threshold": 1.0}
    processes: dict[str, Any] = {
        "data": hg.Input(30, signal="spike"),
        "first": hg.Dense(weights(20, 30)),
        "hidden": hg.LIF(20, **unit, bias=rng.uniform(0.01, 0.1, 20)),
        "second": hg.Dense(weights(8, 20)),
        "out": hg.LIF(8, **unit, bias=rng.uniform(0.01, 0.1, 8)),
    }
    connections = [
        hg.Connection("data.out", "first.s"),
        hg.Connection("first.a", "hidden.a"),
        hg.Connection("hidden.s", "second.s"),
        hg.Connection("second.a", "out.a"),
    ]
    if recurrent:
        processes["loop"] = hg.Dense(weights(20, 20))
        connections += [
            hg.Connection("hidden.s", "loop.s"),
            hg.Connection("loop.a", "hidden.a"),
        ]
    probes = [hg.Probe("hidden.v"), hg.Probe("out.v")]
    return hg.Graph("measured", processes, connections, probes)


def changes(result: hg.Result) -> int:
    """Return how often v is another than a step before, all of the first step counted."""
    total = 0
    for path in ("hidden.v", "out.v"):
        v = result.states[path]
        total += v[:, 0].size + int(np.count_nonzero(np.diff(v, axis=1)))
    return total


def repeated(result: hg.Result) -> int:
    """Return how often a unit spikes in two steps in a row: v is 0 after both."""
    rasters = (result.spikes[path] for path in ("hidden", "out"))
    return sum(int((raster[:, 1:] & raster[:, :-1]).sum()) for raster in rasters)


class Stepped(nn.Module):
    """The net step by step, as snnTorch users write it; a spike takes a step to arrive."""

    def __init__(self, graph: hg.Graph) -> None:
        super().__init__()
        parts = GraphNetwork(graph)
        for path in ("hidden", "out"):
            neuron = parts.node(path)
            neuron.init_hidden = True
            neuron.register_forward_hook(remember)
            self.add_module(path, neuron)
        for path, dense in graph.of_kind(hg.Dense).items():
            post, pre = dense.weights.shape
            linear = nn.Linear(pre, post, bias=False, dtype=torch.float64)
            linear.weight.data = torch.from_numpy(np.array(dense.weights))
            self.add_module(path, linear)
        self.reset()

    def reset(self) -> None:
        """Begin an episode."""
        self.before: dict[str, Tensor] = {}
        for path in ("hidden", "out"):
            neuron = self.get_submodule(path)
            neuron.reset_mem()  # type: ignore[operator]
            neuron.mem = torch.zeros(0)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Do one step."""
        with torch.no_grad():
            data = self.before.get("data", torch.zeros_like(x))
            hidden = self.before.get("hidden", x.new_zeros(len(x), 20))
            a = self.get_submodule("first")(data)
            if "loop" in self._modules:
                a = a + self.get_submodule("loop")(hidden)
            self.before = {"data": x, "hidden": self.get_submodule("hidden")(a)}
            return self.get_submodule("out")(self.get_submodule("second")(hidden)), None


def remember(neuron: Any, _: Any, __: Any) -> None:
    """Show v under the name that NeuroBench looks for."""
    neuron.mem = neuron.v


def measured(graph: hg.Graph, data: Any) -> dict[str, float]:
    """Return what NeuroBench finds; a fresh model for the benchmark, as its hooks stay."""
    episodes = TensorDataset(torch.from_numpy(data), torch.zeros(len(data)))
    model = SNNTorchModel(Stepped(graph))
    metrics = [ActivationSparsity, SynapticOperations, MembraneUpdates]
    loader = DataLoader(episodes, batch_size=BATCH, shuffle=False)
    found = Benchmark(model, loader, [], [], [[], metrics]).run()
    operations = found.pop("SynapticOperations")
    return {name: float(value) for name, value in {**found, **operations}.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "recurrent")
