"""Reproduce the limits of the binary memories beside their theory; rows for REPRODUCED.md.

1. Willshaw, auto-association: false ones of a recall against the load, from whole and from half
   cues, beside the estimate of 1969 and the exact law.
2. Willshaw, pairs: bits per synapse at the best load for growing n with k = log2 n, on their way
   to ln 2.
3. Sparse distributed memory: share of wrong units after one read against the patterns written,
   against the share of active locations, and with counters of fewer bits.

    python benchmarks/reproduce_binary.py --seeds 10 --json binary.json --plot binary.png
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.data import random_patterns, sparse_patterns
from hebbgraph.files import write_atomic
from hebbgraph.harness.corrupt import cues
from hebbgraph.metrics import bootstrap
from hebbgraph.models import kanerva, willshaw

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="networks a point")
    parser.add_argument("--units", type=int, default=1000, help="of the auto-associative Willshaw")
    parser.add_argument("--locations", type=int, default=2000, help="of the memory of Kanerva")
    parser.add_argument("--width", type=int, default=256, help="units of the memory of Kanerva")
    parser.add_argument("--tested", type=int, default=100, help="patterns tried a network")
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--part", choices=["willshaw", "pairs", "kanerva", "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="two seeds, fewer points")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw them to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds = 2
    start = time.perf_counter()
    tables: dict[str, list[Row]] = {}
    for part, name, table in TABLES:
        if args.part in (part, "all"):
            tables[name] = table(args)
    print(f"\n{time.perf_counter() - start:.0f} s, {args.backend}, {args.domain}")
    if args.json:
        write_atomic(args.json, json.dumps(tables, indent=1))
    if args.plot:
        plot(tables, args.plot)


def measured(args: argparse.Namespace, text: str, network: Callable[[int], float]) -> Row:
    """Return the interval over seeds of what `network` returns for one."""
    values = []
    for seed in range(args.seeds):
        print(f"\r{text}, seed {seed + 1} of {args.seeds}   ", end="", file=sys.stderr, flush=True)
        values.append(network(seed))
    print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)
    return {"ours": bootstrap(values).as_dict(), "text": str(bootstrap(values))}


def final(args: argparse.Namespace, graph: hg.Graph, shown: NDArray[Any], steps: int) -> Any:
    """Return the result of showing cues (episodes, N) at step 0."""
    with hg.compile(graph, args.backend, domain=args.domain) as program:
        return program.run({"cue": shown[:, np.newaxis]}, steps)


# --- Willshaw -----------------------------------------------------------------------------------


def false_ones(args: argparse.Namespace) -> list[Row]:
    n = args.units
    k = round(math.log2(n))
    half = theory.willshaw_best_count(n, k)
    fractions = (0.6, 1.0) if args.quick else (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5)
    print(f"\nWillshaw, auto-association, n = {n}, k = {k}: false ones a recall, threshold = |cue|")
    print("patterns  p1     cue  ours [95 % interval]            estimate   exact law")
    rows = []
    for count in (round(f * half) for f in fractions):
        for shown in (k, k // 2):

            def network(seed: int, count: int = count, shown: int = shown) -> float:
                stored = sparse_patterns(count, n, seed, k).patterns
                wanted = stored[: args.tested]
                cue = hidden(wanted, k - shown, seed)
                states = willshaw.FAMILY.read(final(args, willshaw.build(stored), cue, 3))[:, -1]
                assert (states >= wanted).all()  # no active unit is ever missed
                return float((states - wanted).sum(axis=1).mean())

            row = measured(args, f"{count} patterns", network)
            row |= {"patterns": count, "cue": shown, "p1": theory.willshaw_density(n, k, count)}
            row["estimate"] = theory.willshaw_false_ones(n, k, count, shown)
            row["exact"] = theory.willshaw_false_ones_exact(n, k, count, shown)
            print(
                f"{count:8}  {row['p1']:.3f}  {shown:3}  {row['text']:30}  "
                f"{row['estimate']:8.4f}   {row['exact']:8.4f}",
                flush=True,
            )
            rows.append(row)
    return rows


def hidden(patterns: NDArray[Any], count: int, seed: int) -> NDArray[Any]:
    """Return `patterns` without `count` active units each, drawn at random."""
    cue = patterns.copy()
    draw = hg.random.stream(seed, "benchmark", "hidden")
    for row in cue:
        row[draw.permutation(np.flatnonzero(row))[:count]] = 0
    return cue


def information(args: argparse.Namespace) -> list[Row]:
    print(
        "\nWillshaw, pairs, k = log2 n, P = ln 2 n^2 / k^2 (p1 = 1/2) and the best P: bits/synapse"
    )
    print("n     k   patterns  ours [95 % interval]            law, a lower bound  (ln 2 = 0.693)")
    rows = []
    for power in (7, 8) if args.quick else (7, 8, 9, 10):
        n = 2**power
        half = theory.willshaw_best_count(n, power)
        for count in sorted({round(half), best_count(n, power)}):

            def network(seed: int, n: int = n, k: int = power, count: int = count) -> float:
                keys = sparse_patterns(count, n, 2 * seed, k).patterns
                values = sparse_patterns(count, n, 2 * seed + 1, k).patterns
                pairs = np.concatenate([keys, values], axis=1)
                wanted = pairs[: args.tested]
                cue = wanted.copy()
                cue[:, n:] = 0
                result = final(args, willshaw.build(pairs, values=n), cue, 3)
                states = willshaw.FAMILY.read(result)[:, -1]
                extra = (states - wanted).sum(axis=1)
                bits = [theory.willshaw_information(n, k, count, int(f)) for f in extra]
                return float(np.mean(bits))

            row = measured(args, f"n = {n}, {count} pairs", network)
            false = theory.willshaw_false_ones_exact(n, power, count, auto=False)
            law = theory.willshaw_information(n, power, count, false)
            row |= {"units": n, "active": power, "patterns": count, "exact": law}
            print(f"{n:4}  {power:2}  {count:8}  {row['text']:30}  {law:.4f}", flush=True)
            rows.append(row)
    return rows


def best_count(n: int, k: int) -> int:
    """Return the number of pairs, of some, at which most bits are held."""
    counts = [round(f * theory.willshaw_best_count(n, k)) for f in np.arange(1.0, 2.05, 0.1)]

    def held(count: int) -> float:
        false = theory.willshaw_false_ones_exact(n, k, count, auto=False)
        return theory.willshaw_information(n, k, count, false)

    return max(counts, key=held)


# --- sparse distributed memory ------------------------------------------------------------------


def wrong_units(args: argparse.Namespace, radius: int, count: int, flips: float, bits: int) -> Row:
    """Return the share of wrong sums after one read, beside both estimates.

    A sum of 0, which leaves the unit as it is in the graph, counts as half a wrong one.
    """
    n, m = args.width, args.locations

    def network(seed: int) -> float:
        stored = random_patterns(count, n, seed).patterns
        graph = kanerva.build(stored, locations=m, radius=radius, counter_bits=bits, seed=seed)
        graph = graph.with_probes("memory.h")
        wanted = stored[: args.tested]
        shown = cues(wanted, "flip", flips, seed=seed)[:, 0]
        sums = final(args, graph, shown, 3).value("memory.h")[:, 2] * wanted
        return float((sums < 0).mean() + (sums == 0).mean() / 2)

    row = measured(args, f"radius {radius}, {count} patterns", network)
    distance = round(flips * n)
    row |= {"radius": radius, "patterns": count, "flips": flips, "bits": bits}
    row["share"] = theory.kanerva_share(n, radius)
    row["simple"] = theory.kanerva_error(n, m, radius, count, simple=True)
    row["law"] = theory.kanerva_error(n, m, radius, count, distance)
    return row


def loads(args: argparse.Namespace) -> list[Row]:
    n, m = args.width, args.locations
    radius = kanerva.best_radius(n, m)
    share = theory.kanerva_share(n, radius)
    print(f"\nKanerva, N = {n}, M = {m}, radius {radius} (p = {share:.4f}): wrong units, one read")
    print("patterns  flips  ours [95 % interval]            simple estimate  law")
    rows = []
    for count in (100, 200) if args.quick else (50, 100, 200, 300, 400, 600, 800):
        for flips in (0.0, 0.1):
            row = wrong_units(args, radius, count, flips, 8)
            simple = f"{row['simple']:.5f}" if not flips else "-"
            print(
                f"{count:8}  {flips:5.2f}  {row['text']:30}  {simple:15}  {row['law']:.5f}",
                flush=True,
            )
            rows.append(row)
    return rows


def shares(args: argparse.Namespace) -> list[Row]:
    n, m, count = args.width, args.locations, 200
    best = theory.kanerva_best_share(m, count)
    print(
        f"\nKanerva, the same at {count} patterns against p; best p = (2 M T)^(-1/3) = {best:.4f}"
    )
    print("radius  p        ours [95 % interval]            law")
    middle = min(range(n // 2), key=lambda r: abs(math.log(theory.kanerva_share(n, r) / best)))
    rows = []
    for radius in range(middle - 6, middle + 9, 6 if args.quick else 2):
        row = wrong_units(args, radius, count, 0.0, 8)
        print(
            f"{radius:6}  {row['share']:.5f}  {row['text']:30}  {row['law']:.5f}",
            flush=True,
        )
        rows.append(row)
    return rows


def counter_bits(args: argparse.Namespace) -> list[Row]:
    radius = kanerva.best_radius(args.width, args.locations)
    print("\nKanerva, the same at 400 patterns against the bits of a counter, sign included")
    rows = []
    for bits in (8, 2) if args.quick else (8, 5, 4, 3, 2):
        row = wrong_units(args, radius, 400, 0.0, bits)
        print(f"{bits} bits    {row['text']}", flush=True)
        rows.append(row)
    return rows


# --- picture ------------------------------------------------------------------------------------


def plot(tables: dict[str, list[Row]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    ones, bits, wrong = (tables.get(name, []) for name in ("false ones", "information", "loads"))
    for shown, colour in zip(sorted({row["cue"] for row in ones}), ("C0", "C1"), strict=False):
        rows = [row for row in ones if row["cue"] == shown]
        draw(axes[0], rows, "p1", f"cue of {shown}", colour)
        p1 = [row["p1"] for row in rows]
        axes[0].plot(p1, [row["exact"] for row in rows], color=colour, label="exact law")
        axes[0].plot(p1, [row["estimate"] for row in rows], ":", color=colour, label="(n - k) p1^c")
    axes[0].set(yscale="log", xlabel="share of weights that are 1", ylabel="false ones a recall")
    draw(axes[1], bits, "units", "ours", "C0")
    axes[1].plot([r["units"] for r in bits], [r["exact"] for r in bits], "kx", label="law")
    axes[1].axhline(math.log(2), color="k", lw=1, ls="--", label="ln 2")
    axes[1].set(xscale="log", xlabel="n", ylabel="bits a synapse, pairs", ylim=(0, 0.75))
    for flips, colour in ((0.0, "C0"), (0.1, "C1")):
        rows = [row for row in wrong if row["flips"] == flips]
        draw(axes[2], rows, "patterns", f"SDM, {flips:.0%} flipped", colour)
        axes[2].plot([r["patterns"] for r in rows], [r["law"] for r in rows], color=colour)
    clean = [row for row in wrong if not row["flips"]]
    counts = [row["patterns"] for row in clean]
    axes[2].plot(counts, [row["simple"] for row in clean], "k:", label="simple estimate")
    axes[2].set(yscale="log", xlabel="patterns written", ylabel="wrong units after one read")
    axes[2].set_ylim(1e-6, 1)
    for one in axes:
        one.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def draw(axes: Any, rows: list[Row], x: str, label: str, colour: str) -> None:
    mean = np.array([row["ours"]["mean"] for row in rows])
    low = np.array([row["ours"]["low"] or row["ours"]["mean"] for row in rows])
    high = np.array([row["ours"]["high"] or row["ours"]["mean"] for row in rows])
    spread = [np.maximum(mean - low, 0), np.maximum(high - mean, 0)]
    at = [row[x] for row in rows]
    axes.errorbar(at, mean, spread, fmt="o", ms=4, capsize=3, color=colour, label=label)


#: Part, what it shows, and what makes its rows.
TABLES: tuple[tuple[str, str, Callable[[argparse.Namespace], list[Row]]], ...] = (
    ("willshaw", "false ones", false_ones),
    ("pairs", "information", information),
    ("kanerva", "loads", loads),
    ("kanerva", "shares", shares),
    ("kanerva", "counter bits", counter_bits),
)

if __name__ == "__main__":
    main()
