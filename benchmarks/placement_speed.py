"""Time the mapper and count its packets, against plain sequence and against Mt-KaHyPar.

Nets of different shape are placed on Loihi 1: a dense one, where no order helps; a sparse random
one; one of local receptive fields; groups whose units are numbered in disorder. Every sender
counts alike. All ways to fill cores keep the same four limits. Processor time of the fastest of a
few rounds, side by side in one run; Mt-KaHyPar takes part where ``import mtkahypar`` works (any
environment with numpy, scipy, pydantic, pyyaml and rich will do).

    python benchmarks/placement_speed.py
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph.files import write_atomic
from hebbgraph.hardware import load
from hebbgraph.placement import Placement, place
from hebbgraph.random import stream

UNIT: dict[str, Any] = {"decay_u": 4095, "decay_v": 4095, "threshold": 100}

#: All of its units hear the same axons: partitioning 17 million pins takes minutes, for nothing.
ALIKE = ("4096 all-to-all, 3 bits",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hardware", default="loihi1_nahuku")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    hardware = load(args.hardware)
    methods = ["sequential", "auto"]
    if importlib.util.find_spec("mtkahypar"):
        methods.append("mtkahypar")
    else:
        print("mtkahypar is not installed: pip install mtkahypar")
    rows = []
    for name, graph in nets(args.seed).items():
        found = {}
        for method in methods:
            if method == "mtkahypar" and name in ALIKE:
                continue
            seconds = []
            for _ in range(args.rounds):
                start = time.process_time()
                placement = place(graph, hardware, method=method, seed=args.seed)  # type: ignore[arg-type]
                seconds.append(time.process_time() - start)
            found[method] = measured(placement, min(seconds))
        rows.append({"net": name, **found})
        for method, row in found.items():
            ratio = row["packets"] / found["sequential"]["packets"]
            cost = row["seconds"] / found["auto"]["seconds"]
            print(
                f"{name:34} {method:10} {row['cores']:4} cores {row['over']:3} over limits"
                f" {row['packets']:9,.0f} packets ({ratio:.2f} of sequence),"
                f" {row['seconds']:7.2f} s ({cost:.2f} of auto)"
            )
    if args.json:
        write_atomic(args.json, json.dumps(rows, indent=2).encode())


def measured(placement: Placement, seconds: float) -> dict[str, Any]:
    reach = placement.reach()
    return {
        "cores": len(placement.cores),
        "over": len(placement.overruns),
        "packets": float(sum(counts.sum() for counts in reach.values())),
        "method": placement.method,
        "seconds": seconds,
    }


def nets(seed: int) -> dict[str, hg.Graph]:
    """Return nets of different shape."""
    rng = stream(seed, "benchmark", "placement")
    groups = 16
    member = rng.permutation(np.arange(4096) % groups)
    close = member[:, None] == member
    disorder = np.where(close, rng.random((4096, 4096)) < 0.25, False)
    return {
        "784-800-10, 8 bits": layers([784, 800, 10], rng, 1.0),
        "4096 all-to-all, 3 bits": recurrent(rng.integers(1, 8, (4096, 4096))),
        "4096 random, 2 % of synapses": recurrent((rng.random((4096, 4096)) < 0.02) * 100),
        "64 x 64 local, 9 x 9 fields": recurrent(local(64, 4, rng)),
        "4096 in 16 groups in disorder": recurrent(disorder * rng.integers(1, 100, (4096, 4096))),
        "1024-2048-1024-10, 10 %": layers([1024, 2048, 1024, 10], rng, 0.1),
    }


def layers(sizes: list[int], rng: np.random.Generator, share: float) -> hg.Graph:
    processes: dict[str, Any] = {"data": hg.Input(sizes[0], signal="spike")}
    connections, sender = [], "data.out"
    for number, (pre, post) in enumerate(pairwise(sizes), start=1):
        weights = rng.integers(1, 128, (post, pre)) * (rng.random((post, pre)) < share)
        processes[f"w{number}"] = synapses(weights)
        processes[f"layer{number}"] = hg.LIF(post, **UNIT)
        connections += [
            hg.Connection(sender, f"w{number}.s"),
            hg.Connection(f"w{number}.a", f"layer{number}.a"),
        ]
        sender = f"layer{number}.s"
    return hg.Graph("layers", processes, connections, domain="fixed")


def recurrent(weights: NDArray[np.int64]) -> hg.Graph:
    units = len(weights)
    processes = {"cue": hg.Input(units), "memory": hg.LIF(units, **UNIT), "loop": synapses(weights)}
    connections = [
        hg.Connection("cue.out", "memory.a"),
        hg.Connection("memory.s", "loop.s"),
        hg.Connection("loop.a", "memory.a"),
    ]
    return hg.Graph("recurrent", processes, connections, domain="fixed")


def local(side: int, radius: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return weights between units of a square that are close to one another."""
    row, column = np.divmod(np.arange(side * side), side)
    near = np.abs(row[:, None] - row) <= radius
    near &= np.abs(column[:, None] - column) <= radius
    return near * rng.integers(1, 128, near.shape)


def synapses(weights: NDArray[np.int64]) -> Any:
    if (weights != 0).mean() > 0.5:
        return hg.Dense(weights)
    post, pre = np.nonzero(weights)
    return hg.Sparse(weights.shape[1], weights.shape[0], pre, post, weights[post, pre])


if __name__ == "__main__":
    main()
