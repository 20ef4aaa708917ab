"""Random graphs that stretch both domains, and the skip for machines without lava."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph.backend import discover
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import LIF, Dense, Domain, Input, Process

Case = tuple[Graph, dict[str, NDArray[Any]], int]


@pytest.fixture(scope="session")
def lava() -> None:
    """Skip where the Lava back end cannot be used, with its reason."""
    found = discover()["lava"].availability()
    if not found.usable:
        pytest.skip(found.reason)


@pytest.fixture(scope="session")
def random_case() -> Callable[[int, Domain], Case]:
    """Return the maker of (graph, inputs, steps) from a seed."""
    return _random_case


def _random_case(seed: int, domain: Domain) -> Case:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    processes: dict[str, Process] = {"x": Input(m), "y": Input(n, signal="spike")}
    sizes: dict[str, tuple[int, int]] = {"x": (0, m), "y": (0, n)}  # (width in, width out)
    for k in range(int(rng.integers(1, 4))):
        processes[f"lif{k}"] = _random_lif(rng, n, domain)
        sizes[f"lif{k}"] = (n, n)
    for k in range(int(rng.integers(2, 6))):
        width = m if k == 0 or rng.random() < 0.3 else n
        processes[f"w{k}"] = _random_dense(rng, (n, width), domain)
        sizes[f"w{k}"] = (width, n)
    connections = _random_connections(rng, processes, sizes)
    probes = [Probe(f"{path}.{name}") for path in processes if "lif" in path for name in "uv"]
    graph = Graph(f"random {seed}", processes, connections, probes, domain=domain)
    episodes, given, steps = int(rng.integers(1, 5)), int(rng.integers(1, 9)), 24
    spikes = rng.random((episodes, given, n)) < 0.4
    limit = 2 ** int(rng.integers(1, 23)) if domain == "fixed" and rng.random() < 0.4 else 30
    graded = rng.integers(-limit, limit + 1, (episodes, given, m)) * (rng.random(m) < 0.8)
    return graph, {"x": graded, "y": spikes}, steps


def _random_lif(rng: np.random.Generator, n: int, domain: Domain) -> LIF:
    if domain == "float":
        u, v = rng.random(n), rng.choice([0.0, 1.0, 0.3], n)
        return LIF(n, u, v, rng.normal(size=n), rng.random(n) * 9 - 1)
    u, v = (
        np.where(rng.random(n) < 0.5, rng.integers(0, 4096, n), rng.choice([0, 4095])) for _ in "uv"
    )
    top = int(rng.choice([40, 2000, 2**17]))
    bias = rng.integers(-4096, 4096, n) if rng.random() < 0.5 else rng.integers(-9, 9, n)
    return LIF(n, u, v, bias, rng.integers(0, top, n), int(rng.integers(0, 8)))


def _random_dense(rng: np.random.Generator, shape: tuple[int, int], domain: Domain) -> Dense:
    if domain == "float":
        return Dense(rng.normal(size=shape) * (rng.random(shape) < 0.7))
    mode = rng.choice(["mixed", "positive", "negative", "zero"], p=[0.6, 0.18, 0.18, 0.04])
    if mode == "mixed":
        weights = 2 * rng.integers(-128, 128, shape)
    else:
        weights = rng.integers(0, 256, shape) * {"positive": 1, "negative": -1, "zero": 0}[mode]
    return Dense(weights, int(rng.choice([0, 0, -8, -3, 2, 7])))


def _random_connections(
    rng: np.random.Generator, processes: dict[str, Process], sizes: dict[str, tuple[int, int]]
) -> list[Connection]:
    paths, found = list(processes), set()
    for target, process in processes.items():
        if isinstance(process, Input):
            continue
        fitting = [path for path in paths if sizes[path][1] == sizes[target][0]]
        for source in rng.choice(fitting, int(rng.integers(1, 4))):
            # A wire without delay runs forwards only, so there is no same-step cycle.
            synapse = isinstance(process, Dense)
            backwards = synapse or not _before(str(source), target, paths)
            delay = int(rng.choice([0, 1, 2, 7, 20], p=[0.5, 0.2, 0.1, 0.1, 0.1]))
            delay = max(delay, 1) if backwards else delay
            out, into = next(iter(processes[str(source)].outputs)), next(iter(process.inputs))
            found.add(Connection(f"{source}.{out}", f"{target}.{into}", delay))
    return sorted(found)


def _before(source: str, target: str, paths: list[str]) -> bool:
    """Return whether `source` comes before `target`: inputs, then synapses, then populations."""
    rank = [(path.startswith("lif"), path.startswith("w"), path) for path in (source, target)]
    return rank[0] < rank[1]
