"""Reproduce learning from examples, its price without a teacher, and glassy replicas.

1. learning: overlap with archetypes against the number M of examples, with and without a teacher,
   after one update and at rest, beside the theory lines; thresholds (Agliari et al., supervised
   arXiv:2212.00606, unsupervised arXiv:2211.14067).
2. low load: with few archetypes a teacher makes no difference.
3. price: what a recall without a teacher costs more, from the counters.
4. monte-carlo: Glauber dynamics by overlaps against the effective (Plefka) dynamics.
5. replicas: P(q) above and below the spin-glass line (Albanese et al., arXiv:2111.12997).

    python benchmarks/reproduce_archetypes.py --seeds 5 --plot archetypes.png --json archetypes.json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.counters import Counters
from hebbgraph.data import random_patterns
from hebbgraph.files import write_atomic
from hebbgraph.harness import montecarlo
from hebbgraph.harness.replicas import OverlapDistribution, overlap_distribution
from hebbgraph.metrics import Interval, bootstrap
from hebbgraph.models import archetypes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]
TEACHINGS = ("supervised", "unsupervised")
#: Load alpha' of the learning curves, and the overlap that counts as learned.
LOADS, LEARNED = {2: 0.05, 4: 0.05}, 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="networks a point")
    parser.add_argument("--size", type=int, default=36, help="units at p = 4 (default: 36)")
    parser.add_argument("--tested", type=int, default=12, help="archetypes tried a network")
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--only", choices=[*SECTIONS], help="one section")
    parser.add_argument("--quick", action="store_true", help="two seeds, few points")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw them to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.tested = 2, 8
    start = time.perf_counter()
    chosen = [args.only] if args.only else [*SECTIONS]
    tables = {}
    for name in chosen:
        tables[name] = SECTIONS[name](args)
        if args.json:  # after each section: what was measured is not lost
            write_atomic(args.json, json.dumps(tables, indent=1, default=_plain))
    print(f"\n{time.perf_counter() - start:.0f} s")
    if args.plot:
        plot(tables, args.plot)


def _plain(value: Any) -> Any:
    return value.as_dict() if isinstance(value, Interval) else float(value)


def _tell(text: str) -> None:
    print(f"\r{text:70}", end="", file=sys.stderr, flush=True)


# --- learning ------------------------------------------------------------------------------------


def learning(args: argparse.Namespace) -> list[Row]:
    """Return overlaps against M for p = 2 and 4, several qualities."""
    rows: list[Row] = []
    counts = (1, 4, 16, 64) if args.quick else (1, 2, 4, 8, 16, 32, 64, 128)
    qualities = (0.7,) if args.quick else (0.5, 0.7)
    for p, size in ((2, 6 * args.size), (4, args.size)):
        couplings = math.comb(size - 1, p - 1)  # of a unit: N**(p-1) / (p-1)! for large N
        classes = 1 + round(LOADS[p] * couplings)
        load = (classes - 1) / couplings
        print(f"\nlearning, p = {p}, N = {size}, K = {classes}, alpha' = {load:.3f}, T = 0")
        print("teacher       r    M   one update                  theory counted  at rest")
        for teaching in TEACHINGS:
            for r in qualities:
                for m in counts:
                    _tell(f"{teaching} r = {r}, M = {m}")
                    row = _curve_point(args, p, size, classes, load, teaching, r, m)
                    rows.append(row)
                    print(
                        f"\r{teaching:12} {r:4} {m:4}   {row['one']!s:26} {row['line']:.4f}  "
                        f"{row['counted']:.4f}  {row['rest']!s:26} {row['rest_line']:.4f}",
                        flush=True,
                    )
                _print_threshold(rows, p, load, teaching, r)
    return rows


def _curve_point(
    args: argparse.Namespace,
    p: int,
    size: int,
    classes: int,
    load: float,
    teaching: Any,
    r: float,
    m: int,
) -> Row:
    ones, rests = [], []
    for seed in range(args.seeds):
        one, rest, _ = _recall(args, p, size, classes, teaching, r, m, seed)
        ones.append(one)
        rests.append(rest)
    known = p > 2 or teaching == "supervised"
    return {
        "p": p,
        "teaching": teaching,
        "quality": r,
        "examples": m,
        "load": load,
        "one": bootstrap(ones),
        "rest": bootstrap(rests),
        "line": theory.archetype_one_step(teaching, r, m, load, p),
        "counted": theory.archetype_one_step(teaching, r, m, load, p, counted=True),
        "rest_line": theory.archetype_overlap(teaching, r, m, load, p) if known else math.nan,
    }


def _recall(
    args: argparse.Namespace,
    p: int,
    size: int,
    classes: int,
    teaching: Any,
    quality: float,
    examples: int,
    seed: int,
) -> tuple[float, float, Counters]:
    """Return the mean overlaps after one update and at rest, from archetypes, and the counters."""
    stored = random_patterns(classes, size, seed).patterns
    graph = archetypes.build(
        stored, p, teaching=teaching, quality=quality, examples=examples, seed=seed
    )
    shown = stored[: args.tested]
    with hg.compile(graph, args.backend) as program:
        result = program.run(archetypes.FAMILY.present(shown), 13)
    overlaps = (archetypes.FAMILY.read(result) * shown[:, np.newaxis]).mean(axis=(0, 2))
    return float(overlaps[2]), float(overlaps[-1]), result.counters


def _print_threshold(rows: list[Row], p: int, load: float, teaching: Any, r: float) -> None:
    """Print where the curve of one update crosses `LEARNED`, on a logarithmic axis of M."""
    curve = [q for q in rows if (q["p"], q["teaching"], q["quality"]) == (p, teaching, r)]
    logs = [math.log(q["examples"]) for q in curve]
    means = [q["one"].mean for q in curve]
    crossed = [k for k in range(1, len(curve)) if means[k - 1] < LEARNED <= means[k]]
    found = "not reached" if means[-1] < LEARNED else f"below {curve[0]['examples']}"
    if crossed:
        k = crossed[0]
        share = (LEARNED - means[k - 1]) / (means[k] - means[k - 1])
        found = f"{math.exp(logs[k - 1] + share * (logs[k] - logs[k - 1])):.1f}"
    line = theory.archetype_examples(teaching, r, load, p, LEARNED)
    scale = theory.archetype_threshold(teaching, r, p)
    print(f"  M of overlap {LEARNED}: {found}, theory {line:.1f}; entropy is 1 at M = {scale:.1f}")


def low_load(args: argparse.Namespace) -> list[Row]:
    """Return overlaps after one update of three archetypes, with and without a teacher."""
    print("\nlow load, K = 3, p = 4, N = 400, r = 0.5, one update")
    rows = []
    for m in (2, 8, 32):
        for teaching in TEACHINGS:
            _tell(f"{teaching}, M = {m}")
            found = [_recall(args, 4, 400, 3, teaching, 0.5, m, s)[0] for s in range(args.seeds)]
            line, counted = (
                theory.archetype_one_step(teaching, 0.5, m, 0.0, 4, counted=c)
                for c in (False, True)
            )
            row: Row = {"examples": m, "teaching": teaching, "one": bootstrap(found)}
            rows.append(row | {"line": line, "counted": counted})
            text = f"\r{teaching:12} M = {m:3}  {row['one']!s:30}"
            print(f"{text} theory {line:.4f}, counted {counted:.4f}")
    return rows


def price(args: argparse.Namespace) -> list[Row]:
    """Return hidden units and synaptic operations of a recall, by M."""
    print("\nprice of no teacher, p = 4, N = 36, K = 20, r = 0.7, a recall of 6 updates")
    print("M     hidden units    synapses           synaptic operations          ratio")
    rows = []
    for m in (1, 4, 16, 64):
        row: Row = {"examples": m}
        for teaching in TEACHINGS:
            _, rest, counters = _recall(args, 4, 36, 20, teaching, 0.7, m, 0)
            hidden = 20 * (m if teaching == "unsupervised" else 1)
            ops = counters.total("synops_ac") + counters.total("synops_mac")
            row[teaching] = {
                "hidden": hidden,
                "synops": ops / min(args.tested, 20),
                "overlap": rest,
            }
        a, b = (row[t] for t in TEACHINGS)
        rows.append(row)
        print(
            f"{m:3}  {a['hidden']:5} {b['hidden']:6}  {36 * a['hidden']:7} {36 * b['hidden']:8}   "
            f"{a['synops']:10.0f} {b['synops']:12.0f}  {b['synops'] / a['synops']:7.1f}"
        )
    return rows


# --- temperature ---------------------------------------------------------------------------------


def monte_carlo(args: argparse.Namespace) -> list[Row]:
    """Return overlap against temperature: sampled, and by the effective dynamics."""
    p, size = 4, 64
    count = 20
    rows = []
    print(f"\nMonte Carlo, p = {p}, N = {size}, K = {count}: overlap with a stored pattern")
    print("T      Glauber                      Plefka 1 (s)       Plefka 2      times faster")
    for level in (0.1, 0.2, 0.3, 0.35):
        temperature = level * montecarlo.signal(size, p)
        found, first, second, seconds = [], [], [], [0.0, 0.0]
        for seed in range(args.seeds):
            w = random_patterns(count, size, seed).patterns
            begin = time.perf_counter()
            states = montecarlo.glauber(w, np.repeat(w[:1], 8, 0), p, temperature, 60, seed=seed)
            middle = time.perf_counter()
            naive = montecarlo.mean_field(w, 0.95 * w[:1], p, temperature, 60)
            seconds[0] += middle - begin
            seconds[1] += time.perf_counter() - middle
            full = montecarlo.mean_field(w, 0.95 * w[:1], p, temperature, 60, order=2)
            found.append((states[:, 20:] * w[0]).mean())
            first.append((naive * w[:1]).mean())
            second.append((full * w[:1]).mean())
        row = {"T": level, "glauber": bootstrap(found), "plefka": bootstrap(first)}
        row |= {"plefka2": bootstrap(second), "faster": seconds[0] / seconds[1]}
        rows.append(row)
        print(
            f"{level:4}   {row['glauber']!s:28} {row['plefka'].mean:.4f}"
            f"             {row['plefka2'].mean:.4f}        {row['faster']:.1f}"
        )
    return rows


def replicas(args: argparse.Namespace) -> list[Row]:
    """Return P(q) of replicas at equilibrium, above and below the spin-glass line."""
    rows = []
    for p, size, load in ((2, 128, 1.0), (3, 16, 4.0), (4, 14, 4.0)):
        count = round(load * size ** (p - 1) / math.factorial(p - 1))
        line = theory.glass_line(load, p)
        print(f"\nreplicas, p = {p}, N = {size}, K = {count}, alpha' = {load}")
        print(f"spin-glass line T = {line.static:.3f} (dynamic {line.dynamic:.3f})")
        weights = [random_patterns(count, size, s).patterns for s in range(args.seeds)]
        held = [montecarlo.all_energies(w, p) for w in weights] if p > 2 else []
        for share in (2.0, 1.5, 0.75, 0.4):
            _tell(f"p = {p}, T = {share} of the line")
            temperature = share * line.static * montecarlo.signal(size, p)
            if p > 2:
                networks = [
                    montecarlo.boltzmann(e, temperature, 800, seed=s).reshape(20, 40, size)
                    for s, e in enumerate(held)
                ]
            else:
                networks = [_annealed(w, temperature, s) for s, w in enumerate(weights)]
            found = overlap_distribution(networks)
            middles, density = found.histogram(21)
            row: Row = {"p": p, "share": share, "T": share * line.static}
            row |= {"q2": found.moment(2), "binder": found.binder}
            row |= {"q": middles.tolist(), "P": density.tolist(), "width": _within(found)}
            rows.append(row)
            print(
                f"\rT = {share:4} of the line: <q**2> {row['q2']!s:30} Binder {found.binder:6.3f}"
                f"   weight at abs(q) > 0.6: {row['width']:.3f}"
            )
    return rows


def _annealed(weights: NDArray[Any], temperature: float, seed: int) -> NDArray[Any]:
    """Return replicas of a p = 2 network that were cooled slowly from random states."""
    starts = random_patterns(16, weights.shape[1], 10_000 + seed).patterns
    for factor in (3.0, 2.0, 1.5, 1.25, 1.1):
        runs = montecarlo.glauber(weights, starts, 2, factor * temperature, 15, seed=seed)
        starts = runs[:, -1]
    return montecarlo.glauber(weights, starts, 2, temperature, 120, every=3, seed=seed + 1)[:, 10:]


def _within(found: OverlapDistribution) -> float:
    return float(np.mean([(np.abs(q) > 0.6).mean() for q in found.overlaps]))


SECTIONS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "learning": learning,
    "low load": low_load,
    "price": price,
    "monte-carlo": monte_carlo,
    "replicas": replicas,
}


# --- picture -------------------------------------------------------------------------------------


def plot(tables: dict[str, list[Row]], path: Path) -> None:
    """Draw the learning curves of p = 4 and P(q)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_learning(left, [row for row in tables.get("learning", []) if row["p"] == 4])
    for row in tables.get("replicas", []):
        if row["p"] == 4:
            right.step(row["q"], row["P"], where="mid", label=f"T = {row['share']} of the line")
    right.set_xlabel("overlap of two replicas  q")
    right.set_ylabel("P(q)")
    right.legend()
    figure.savefig(path, dpi=120)


def draw_learning(axes: Axes, rows: list[Row]) -> None:
    """Draw overlap after one update against M, dots beside lines."""
    for teaching, style in (("supervised", "-"), ("unsupervised", "--")):
        for index, r in enumerate(sorted({row["quality"] for row in rows})):
            curve = [q for q in rows if (q["teaching"], q["quality"]) == (teaching, r)]
            counts = [row["examples"] for row in curve]
            colour = f"C{index}"
            axes.plot(counts, [row["line"] for row in curve], style, color=colour, lw=1)
            marker = "o" if style == "-" else "s"
            means = [row["one"].mean for row in curve]
            axes.plot(counts, means, marker, color=colour, ms=4, label=f"{teaching}, r = {r}")
    axes.set_xscale("log")
    axes.set_xlabel("examples per archetype  M")
    axes.set_ylabel("overlap after one update")
    axes.legend(fontsize=7)


if __name__ == "__main__":
    main()
