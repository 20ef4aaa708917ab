"""Reproduce two published capacities of the Hopfield memory; prints rows for REPRODUCED.md.

1. Hebbian learning, retrieval overlap against load around alpha_c = 0.138, beside the
   replica-symmetric line (Amit, Gutfreund and Sompolinsky 1985).
2. Pseudo-inverse learning, stored patterns stay fixed points up to a load near 1
   (Personnaz, Guyon and Dreyfus 1985), and the size of their basins.

    python benchmarks/hopfield_capacity.py --size 1000 --seeds 10 --backend snntorch
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from hebbgraph.files import write_atomic
from hebbgraph.harness.capacity import CapacityCurve, capacity_curve
from hebbgraph.models import hopfield
from hebbgraph.theory import hopfield_overlap

HEBBIAN_LOADS = (0.05, 0.08, 0.10, 0.12, 0.13, 0.135, 0.14, 0.145, 0.15, 0.16, 0.18, 0.20)
PROJECTION_LOADS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=1000, help="units (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="networks a load")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--tested", type=int, default=32, help="patterns tried a network")
    parser.add_argument("--backend", default="snntorch")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--json", type=Path, help="write the curves to this file")
    parser.add_argument("--plot", type=Path, help="draw the curves to this file")
    args = parser.parse_args()
    start = time.perf_counter()
    curves: dict[str, CapacityCurve] = {}
    for rule, bits, loads, flips in (
        ("hebbian", 8, HEBBIAN_LOADS, 0.0),
        ("pseudo_inverse", 8, PROJECTION_LOADS, 0.0),
        ("pseudo_inverse", 16, PROJECTION_LOADS, 0.0),
        ("pseudo_inverse", 8, PROJECTION_LOADS, 0.1),
    ):
        if bits > hopfield.CHIP_BITS and args.domain == "fixed":
            continue
        name = f"{rule}, {bits} bits, {flips:.0%} flipped"
        curves[name] = capacity_curve(
            args.size,
            loads,
            hopfield.FAMILY.bound(rule=rule, weight_bits=bits),
            seeds=range(args.seeds),
            level=flips,
            steps=args.steps,
            tested=args.tested,
            backend=args.backend,
            domain=args.domain,
        )
        print(f"\n{name}, N = {args.size}, {args.seeds} networks, {args.steps} steps")
        print("load    overlap [95 % interval]         exact   settled  theory (T = 0)")
        for point in curves[name].points:
            line = f"{hopfield_overlap(point.load):.4f}" if rule == "hebbian" else "fixed point"
            print(
                f"{point.load:.3f}   {point.overlap!s:30}  {point.exact.mean:.3f}   "
                f"{point.settled.mean:.3f}    {line}",
                flush=True,
            )
    print(f"\n{time.perf_counter() - start:.0f} s")
    if args.json:
        document = {name: curve.as_dict() for name, curve in curves.items()}
        write_atomic(args.json, json.dumps(document, indent=1))
    if args.plot:
        plot(curves, args.plot)


def plot(curves: dict[str, CapacityCurve], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    grid = [i / 1000 for i in range(1, 201)]
    axes.plot(grid, [hopfield_overlap(a) for a in grid], "k-", lw=1, label="theory, Hebbian, T = 0")
    for name, curve in curves.items():
        loads = [point.load for point in curve.points]
        means = [point.overlap.mean for point in curve.points]
        spread = [
            [p.overlap.mean - p.overlap.low for p in curve.points],
            [p.overlap.high - p.overlap.mean for p in curve.points],
        ]
        axes.errorbar(loads, means, spread, marker="o", ms=4, capsize=3, label=name)
    axes.set_xlabel("load  K / N")
    axes.set_ylabel("retrieval overlap m")
    axes.set_ylim(0, 1.05)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
