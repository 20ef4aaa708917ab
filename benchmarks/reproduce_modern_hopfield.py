"""Reproduce what the modern Hopfield paper claims beside its bounds; rows for REPRODUCED.md.

1. The constants of the capacity theorem, and networks of as many patterns as it allows.
2. One-step retrieval against load and inverse temperature, patterns on the unit sphere.
3. What precision costs: keys of 8 to 1 bits, the chip's arithmetic, winners instead of shares.
4. Metastable states: how many patterns make up the softmax, against inverse temperature.
5. Exponential capacity: patterns of +-1 that are stable under F = exp, against K = exp(alpha N).

    python benchmarks/reproduce_modern_hopfield.py --seeds 10 --json modern.json --plot modern.png
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.data import random_patterns, sphere_patterns
from hebbgraph.files import write_atomic
from hebbgraph.metrics import bootstrap
from hebbgraph.models import modern_hopfield

Row = dict[str, Any]
Array = NDArray[Any]
#: The two settings whose constants the paper states: d, beta, scale, failure probability.
THEOREM = ((20, 1.0, 3.0, 0.001), (75, 1.0, 1.0, 0.001))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="networks a point")
    parser.add_argument("--units", type=int, default=64, help="of parts 2 to 4")
    parser.add_argument("--tested", type=int, default=200, help="patterns tried a network")
    parser.add_argument("--noise", type=float, default=0.5, help="norm of a cue's noise")
    parser.add_argument("--backend", default="snntorch")
    parser.add_argument("--quick", action="store_true", help="two seeds, fewer points")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw retrieval against load to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.tested = 2, 50
    start, tables = time.perf_counter(), {}
    for table in (theorem, retrieval, precision, metastable, exponential):
        print(f"\n{(table.__doc__ or '').splitlines()[0]}")
        tables[table.__name__] = table(args)
    print(f"\n{time.perf_counter() - start:.0f} s, {args.backend}")
    if args.json:
        write_atomic(args.json, json.dumps(tables, indent=1))
    if args.plot:
        plot(tables["retrieval"], args.plot)


def recall(
    patterns: Array, cues: Array, args: argparse.Namespace, domain: str = "float", **options: Any
) -> Array:
    """Return what one update makes of `cues`."""
    graph = modern_hopfield.build(patterns, **options)
    with hg.compile(graph, args.backend, domain=domain) as program:  # type: ignore[arg-type]
        return program.run({"cue": cues[:, np.newaxis]}, 3).value("memory.x")[:, -1]


def drawn(count: int, args: argparse.Namespace, seed: int) -> tuple[Array, Array]:
    """Return patterns on the unit sphere, and cues of the first ones."""
    x = sphere_patterns(count, args.units, seed).patterns
    noise = sphere_patterns(min(count, args.tested), args.units, seed + 1000).patterns
    return x, x[: len(noise)] + args.noise * noise


def measured(values: Sequence[float]) -> dict[str, Any]:
    return bootstrap(values).as_dict()


def theorem(args: argparse.Namespace) -> list[Row]:
    """1. Capacity on the sphere: N patterns of radius scale sqrt(d - 1), all retrieved?"""
    rows = []
    networks = 20 if args.quick else 200
    print("d    beta scale  c        N allowed  networks with all retrieved from near")
    for d, beta, scale, failure in THEOREM:
        base = theory.sphere_base(d, beta, scale, failure)
        allowed = theory.sphere_capacity(d, beta, scale, failure)
        count, good = max(2, math.floor(allowed)), []
        for seed in range(networks):
            x = scale * math.sqrt(d - 1) * sphere_patterns(count, d, seed).patterns
            near = x + sphere_patterns(count, d, seed + 1000).patterns / (beta * count)
            got = recall(x, near, args, beta=beta)
            good.append(bool((np.linalg.norm(got - x, axis=1) < 1 / (beta * count)).all()))
        share = float(np.mean(good))
        print(
            f"{d:<4} {beta:<4} {scale:<6} {base:.4f}   {allowed:6.2f}     {share:.4f} of {networks}"
        )
        rows.append({"d": d, "c": base, "allowed": allowed, "count": count, "retrieved": share})
    return rows


def retrieval(args: argparse.Namespace) -> list[Row]:
    """2. One update: share of cues whose nearest pattern is right, and the error's norm."""
    rows = []
    print("beta  K      nearest right [95 %]      error                     theorem: separated")
    counts = (100, 1000) if args.quick else (100, 1000, 10_000)
    for beta in (4.0, 8.0, 16.0, 32.0):
        for count in counts:
            right, error, apart = [], [], []
            for seed in range(args.seeds):
                x, cues = drawn(count, args, seed)
                got = recall(x, cues, args, beta=beta)
                right.append(float((np.argmax(got @ x.T, axis=1) == np.arange(len(got))).mean()))
                error.append(float(np.linalg.norm(got - x[: len(got)], axis=1).mean()))
                least = theory.least_separation(count, beta, 1.0)
                apart.append(float((theory.separation(x[:2000]) >= least).mean()))
            line = f"{beta:<5} {count:<6} {bootstrap(right)!s:25} {bootstrap(error)!s:25}"
            print(f"{line} {np.mean(apart):.2f}", flush=True)
            row = {"beta": beta, "K": count, "right": measured(right), "error": measured(error)}
            rows.append({**row, "separated": float(np.mean(apart))})
    return rows


def precision(args: argparse.Namespace) -> list[Row]:
    """3. What precision costs at K = 1000, beta = 16: distance from the pattern, one update."""
    forms: dict[str, dict[str, Any]] = {
        "softmax, float": {},
        **{f"softmax, keys of {bits} bits": {"weight_bits": bits} for bits in (8, 4, 2, 1)},
        "softmax, fixed": {"domain": "fixed"},
        "winner, float": {"readout": "winner"},
        "winner, keys of 8 bits": {"readout": "winner", "weight_bits": 8},
        "winner, fixed": {"readout": "winner", "domain": "fixed"},
    }
    rows = []
    print("form                      error [95 %]              nearest right")
    for name, options in forms.items():
        error, right = [], []
        for seed in range(args.seeds):
            x, cues = drawn(1000, args, seed)
            beta = {} if options.get("readout") else {"beta": 16.0}
            got = recall(x, cues, args, **options, **beta)
            error.append(float(np.linalg.norm(got - x[: len(got)], axis=1).mean()))
            right.append(float((np.argmax(got @ x.T, axis=1) == np.arange(len(got))).mean()))
        print(f"{name:25} {bootstrap(error)!s:25} {bootstrap(right)}", flush=True)
        rows.append({"form": name, "error": measured(error), "right": measured(right)})
    return rows


def metastable(args: argparse.Namespace) -> list[Row]:
    """4. Patterns that make up 90 % of the softmax at the fixed point, K = 100."""
    rows = []
    print("beta   patterns [95 %]           states near one pattern")
    for beta in (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 16.0):
        sizes, single = [], []
        for seed in range(args.seeds):
            x, cues = drawn(100, args, seed)
            graph = modern_hopfield.build(x, beta=beta).with_probes("hidden.out")
            with hg.compile(graph, args.backend) as program:
                shares = program.run({"cue": cues[:, np.newaxis]}, 42).value("hidden.out")[:, -1]
            found = theory.metastable_size(shares)
            sizes.append(float(found.mean()))
            single.append(float((found == 1).mean()))
        print(f"{beta:<6} {bootstrap(sizes)!s:25} {bootstrap(single)}", flush=True)
        rows.append({"beta": beta, "size": measured(sizes), "single": measured(single)})
    return rows


def exponential(args: argparse.Namespace) -> list[Row]:
    """5. F = exp, N = 30 units of +-1: share of patterns that stay; ln 2 / 2 = 0.3466."""
    rows, units = [], 30
    print("alpha   K       stay [95 %]")
    for alpha in (0.15, 0.2, 0.25, 0.3) if args.quick else (0.15, 0.2, 0.25, 0.3, 0.3466):
        count, stay = round(math.exp(alpha * units)), []
        for seed in range(min(args.seeds, 5)):
            x = random_patterns(count, units, seed).patterns.astype(float)
            tried = x[: args.tested]
            got = np.sign(recall(x, tried, args, beta=1.0))
            stay.append(float((got == tried).all(axis=1).mean()))
        print(f"{alpha:<7} {count:<7} {bootstrap(stay)}", flush=True)
        rows.append({"alpha": alpha, "K": count, "stay": measured(stay)})
    return rows


def plot(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for beta in sorted({row["beta"] for row in rows}):
        held = [row for row in rows if row["beta"] == beta]
        means = [row["error"]["mean"] for row in held]
        axes.plot([row["K"] for row in held], means, "o-", label=f"beta = {beta:g}")
    axes.set_xscale("log")
    axes.set_xlabel("patterns K")
    axes.set_ylabel("distance from the pattern after one update")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
