"""Reproduce the laws of sparse representations on dendrites; rows for REPRODUCED.md.

Every figure of Ahmad and Hawkins (arXiv:1601.00720) is a law; beside each line stands what neurons
of a graph do (`hebbgraph.models.dendrites.neurons`), every cue shown to every segment.

1. Effect of n: false positives of a segment against the number of cells.
2. Effect of s: the same against the synapses of a segment, theta = s / 2.
3. Noise: false negatives against the share of active cells that are replaced.
4. Unions: false positives against the number of patterns that are active at once.
5. Neurons of D segments, and sets of M stored patterns.

    python benchmarks/reproduce_dendrites.py --seeds 10 --json dendrites.json --plot dendrites.png
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.data import sparse_patterns
from hebbgraph.files import write_atomic
from hebbgraph.metrics import bootstrap
from hebbgraph.models import dendrites
from hebbgraph.random import stream

Row = dict[str, Any]
#: Published shares of false negatives at a = 128, n = 6000, s = 30, theta = 12 (10**5 trials each).
NOISE = {0.35: 0.00019, 0.4: 0.00225, 0.45: 0.01306, 0.5: 0.06385, 0.55: 0.17036}
NOISE |= {0.6: 0.35247, 0.65: 0.61938, 0.7: 0.81887, 0.75: 0.95315, 0.8: 0.99172}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="networks a point")
    parser.add_argument("--neurons", type=int, default=500, help="segments of a network")
    parser.add_argument("--cues", type=int, default=500, help="cues shown to all of them")
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--part", choices=[*(name for name, _ in TABLES), "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="two seeds, few points")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw them to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.neurons, args.cues = 2, 200, 200
    start = time.perf_counter()
    tables = {name: table(args) for name, table in TABLES if args.part in (name, "all")}
    print(f"\n{time.perf_counter() - start:.0f} s, {args.backend}, {args.domain}")
    if args.json:
        write_atomic(args.json, json.dumps(tables, indent=1))
    if args.plot:
        plot(tables, args.plot)


def measured(args: argparse.Namespace, law: float, network: Callable[[int], float]) -> Row:
    """Return the interval over seeds of what `network` returns for one, beside the law."""
    values = []
    for seed in range(args.seeds):
        print(f"\rseed {seed + 1} of {args.seeds}  ", end="", file=sys.stderr, flush=True)
        values.append(network(seed))
    print("\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)
    trials = args.seeds * args.neurons * args.cues
    found = bootstrap(values)
    return {"ours": found.as_dict(), "law": law, "trials": trials, "text": str(found)}


def fired(
    args: argparse.Namespace, cells: NDArray[Any], units: int, threshold: int, shown: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return which neurons fire for which cues, (cues, neurons)."""
    graph = dendrites.neurons(cells, units, threshold)
    with hg.compile(graph, args.backend, domain=args.domain) as program:
        result = program.run({"cue": shown[:, np.newaxis]}, 2)
    return np.asarray(result.spikes["somas"][:, 1])


def false_positives(
    args: argparse.Namespace,
    units: int,
    active: int,
    synapses: int,
    threshold: int,
    segments: int = 1,
    union: int = 1,
) -> Callable[[int], float]:
    """Return a network: the share of firing neurons in random cues, of which `union` at once."""

    def network(seed: int) -> float:
        # Any s cells are a sample of a random pattern: segments need no patterns of their own.
        draw = stream(seed, "benchmark", "segments")
        order = draw.random((args.neurons * segments, units))
        cells = np.argpartition(order, synapses, axis=1)[:, :synapses]
        cues = np.zeros((args.cues, units), dtype=np.int8)
        for _ in range(union):
            chosen = np.argpartition(draw.random(cues.shape), active, axis=1)[:, :active]
            np.put_along_axis(cues, chosen, 1, axis=1)
        grouped = cells.reshape(args.neurons, segments, synapses)
        return float(fired(args, grouped, units, threshold, cues).mean())

    return network


def effect_of_n(args: argparse.Namespace) -> list[Row]:
    print("\nFalse positives of a segment, s = 24, theta = 12")
    print("a    n     ours [95 % interval]              law")
    wanted = {64: (200, 300, 400), 128: (300, 500, 700), 256: (500, 700, 900, 1100, 1500)}
    rows = []
    for active, sizes in wanted.items():
        for units in sizes[:1] if args.quick else sizes:
            law = theory.segment_false_positive(units, active, 24, 12)
            row = measured(args, law, false_positives(args, units, active, 24, 12))
            row |= {"active": active, "units": units}
            print(f"{active:3}  {units:4}  {row['text']:32}  {law:.4g}", flush=True)
            rows.append(row)
    return rows


def effect_of_s(args: argparse.Namespace) -> list[Row]:
    print("\nFalse positives of a segment, n = 2000, a = 32, theta = s / 2")
    print("s    ours [95 % interval]              law")
    rows = []
    for synapses in (2, 4) if args.quick else (2, 4, 6, 8):
        law = theory.segment_false_positive(2000, 32, synapses, synapses // 2)
        row = measured(args, law, false_positives(args, 2000, 32, synapses, synapses // 2))
        row["synapses"] = synapses
        print(f"{synapses:2}   {row['text']:32}  {law:.4g}", flush=True)
        rows.append(row)
    return rows


def noise(args: argparse.Namespace) -> list[Row]:
    units, active, synapses, threshold = 6000, 128, 30, 12
    print("\nFalse negatives, n = 6000, a = 128, s = 30, theta = 12, replaced cells may come back")
    print("noise  published  ours [95 % interval]            law       law, none comes back")
    rows = []
    for level in (0.5, 0.7) if args.quick else sorted(NOISE):
        moved = int(level * active)

        def network(seed: int, moved: int = moved) -> float:
            stored = sparse_patterns(args.neurons, units, seed, active).patterns
            draw = stream(seed, "benchmark", "replaced")
            cues = stored.copy()
            for row in cues:
                row[draw.permutation(np.flatnonzero(row))[:moved]] = 0
                row[draw.permutation(np.flatnonzero(row == 0))[:moved]] = 1
            cells = dendrites.sampled(stored, 1, synapses, seed)
            hits = fired(args, cells, units, threshold, cues)
            return 1 - float(hits.diagonal().mean())

        law = theory.segment_false_negative(active, synapses, threshold, moved, units)
        other = theory.segment_false_negative(active, synapses, threshold, moved)
        row = measured(args, law, network)
        row |= {"noise": level, "published": NOISE[level], "without_return": other}
        row["trials"] = args.seeds * args.neurons
        print(
            f"{level:.2f}   {NOISE[level]:.5f}    {row['text']:30}  {law:.5f}   {other:.5f}",
            flush=True,
        )
        rows.append(row)
    return rows


def unions(args: argparse.Namespace) -> list[Row]:
    print("\nFalse positives of a segment in unions, n = 1024, a = 20, s = 10, theta = 8 or 10")
    print("theta  patterns  active  ours [95 % interval]            law")
    rows = []
    for threshold in (8, 10):
        for count in (20, 40) if args.quick else (10, 20, 30, 40, 60, 80):
            law = theory.union_false_positive(1024, 20, count, 10, threshold)
            network = false_positives(args, 1024, 20, 10, threshold, union=count)
            row = measured(args, law, network)
            size = theory.union_active(1024, 20, count)
            row |= {"threshold": threshold, "patterns": count, "active": size}
            print(
                f"{threshold:5}  {count:8}  {size:6.0f}  {row['text']:30}  {law:.4g}",
                flush=True,
            )
            rows.append(row)
    return rows


def neurons_and_sets(args: argparse.Namespace) -> list[Row]:
    print("\nNeurons of D segments (n = 500, a = 64, s = 12, theta = 5), and a set of 500 patterns")
    print("                              ours [95 % interval]            law")
    rows = []
    segment = theory.segment_false_positive(500, 64, 12, 5)
    for segments in (1, 10) if args.quick else (1, 3, 10, 30):
        law = theory.neuron_false_positive(segment, segments)
        network = false_positives(args, 500, 64, 12, 5, segments=segments)
        row = measured(args, law, network) | {"segments": segments}
        print(f"D = {segments:2}                        {row['text']:30}  {law:.4g}", flush=True)
        rows.append(row)
    for threshold in (4, 5):
        bound = theory.set_false_positive(100, 7, 7, threshold, 500)

        def network_of_set(seed: int, threshold: int = threshold) -> float:
            stored = sparse_patterns(500, 100, seed, 7).patterns
            cells = dendrites.sampled(stored, 1, 7, seed)
            shown = sparse_patterns(args.cues, 100, seed + 10**6, 7).patterns
            return float(fired(args, cells, 100, threshold, shown).any(axis=1).mean())

        row = measured(args, bound, network_of_set) | {"set": 500, "threshold": threshold}
        row["trials"] = args.seeds * args.cues
        text = f"any of M = 500, theta = {threshold}"
        print(f"{text:28}  {row['text']:30}  <= {bound:.4g}", flush=True)
        rows.append(row)
    return rows


def plot(tables: dict[str, list[Row]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    for active, colour in ((64, "C0"), (128, "C1"), (256, "C2")):
        rows = [row for row in tables.get("n", []) if row["active"] == active]
        draw(axes[0], rows, "units", f"a = {active}", colour)
        grid = np.arange(max(150, active + 20), 1600, 10)
        law = [theory.segment_false_positive(int(n), active, 24, 12) for n in grid]
        axes[0].plot(grid, law, color=colour)
    axes[0].set(yscale="log", ylim=(1e-7, 1), xlabel="cells n", ylabel="false positives")
    draw(axes[1], tables.get("noise", []), "noise", "ours", "C0")
    levels = np.arange(20, 103)
    law = [theory.segment_false_negative(128, 30, 12, int(k), 6000) for k in levels]
    axes[1].plot(levels / 128, law, color="C0", label="law")
    axes[1].plot(list(NOISE), list(NOISE.values()), "kx", label="published")
    axes[1].set(xlabel="share of active cells replaced", ylabel="false negatives")
    for threshold, colour in ((8, "C0"), (10, "C1")):
        rows = [row for row in tables.get("unions", []) if row["threshold"] == threshold]
        draw(axes[2], rows, "patterns", f"theta = {threshold}", colour)
        counts = np.arange(5, 85)
        law = [theory.union_false_positive(1024, 20, int(c), 10, threshold) for c in counts]
        axes[2].plot(counts, law, color=colour)
    axes[2].set(yscale="log", ylim=(1e-7, 1), xlabel="patterns at once", ylabel="false positives")
    for one in axes:
        one.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def draw(axes: Any, rows: list[Row], x: str, label: str, colour: str) -> None:
    mean, low, high = (
        np.array([row["ours"][key] or 0 for row in rows], dtype=float)
        for key in ("mean", "low", "high")
    )
    spread = [np.maximum(mean - low, 0), np.maximum(high - mean, 0)]
    at = [row[x] for row in rows]
    axes.errorbar(at, mean, spread, fmt="o", ms=4, capsize=3, color=colour, label=label)


#: What each part shows, and what makes its rows.
TABLES: tuple[tuple[str, Callable[[argparse.Namespace], list[Row]]], ...] = (
    ("n", effect_of_n),
    ("s", effect_of_s),
    ("noise", noise),
    ("unions", unions),
    ("neurons", neurons_and_sets),
)

if __name__ == "__main__":
    main()
