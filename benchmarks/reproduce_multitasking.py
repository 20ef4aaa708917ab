"""Reproduce the multitasking Hebbian network: several diluted patterns retrieved at once.

1. amplitudes: sorted, against dilution, T = 0, K = 3 and 5, from the first pattern
   alone and from a hierarchy.
2. temperature: equal amplitudes in their window, K = 3, d = 0.9; below it they part.
3. synapses: synaptic operations of an update against dilution.
4. learning: the hierarchy from noisy examples, with and without a teacher.

Lines: `hebbgraph.theory.multitasking` (Agliari, Barra et al., arXiv:1304.4488, 2308.04106;
Bartolucci and Annibale, arXiv:1405.2454).

    python benchmarks/reproduce_multitasking.py --seeds 10 --plot multitasking.png
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.data import diluted_patterns
from hebbgraph.files import write_atomic
from hebbgraph.metrics import Interval, bootstrap
from hebbgraph.models import multitasking

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]
STARTS = {
    "alone": "the first pattern alone, all other units unknown",
    "hierarchy": "the first pattern, its zeros filled by the second, and so on",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="networks a point")
    parser.add_argument("--size", type=int, default=5000, help="units (default: 5000)")
    parser.add_argument("--start", choices=[*STARTS], nargs="*", default=[*STARTS])
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--only", choices=[*SECTIONS], help="one section")
    parser.add_argument("--quick", action="store_true", help="three seeds, small, few points")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw the amplitudes to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.size = 3, 1500
    start = time.perf_counter()
    chosen = [args.only] if args.only else [*SECTIONS]
    tables = {name: SECTIONS[name](args) for name in chosen}
    print(f"\n{time.perf_counter() - start:.0f} s")
    if args.json:
        write_atomic(args.json, json.dumps(tables, indent=1, default=_plain))
    if args.plot:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 4), layout="constrained")
        rows = [r for r in tables.get("amplitudes", []) if r["start"] == args.start[-1]]
        for axes, count in zip(figure.subplots(1, 2), (3, 5), strict=True):
            draw(axes, [row for row in rows if row["patterns"] == count])
        figure.savefig(args.plot, dpi=120)


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return value.as_dict()
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


def _tell(text: str) -> None:
    print(f"\r{text:70}", end="", file=sys.stderr, flush=True)


def _final(args: argparse.Namespace, graph: hg.Graph, cue: NDArray[Any], steps: int) -> Any:
    """Return the states of one recall, (steps, N)."""
    with hg.compile(graph, args.backend) as program:
        cues = multitasking.FAMILY.present(cue[np.newaxis])
        return multitasking.FAMILY.read(program.run(cues, steps))[0]


def _sorted(values: NDArray[Any]) -> NDArray[Any]:
    return np.sort(np.abs(values))[::-1]


def amplitudes(args: argparse.Namespace) -> list[Row]:
    """Return sorted amplitudes against dilution."""
    rows = []
    dilutions = (0.3, 0.7) if args.quick else (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9)
    for count, start in ((3, "alone"), (3, "hierarchy"), (5, "alone"), (5, "hierarchy")):
        if start not in args.start:
            continue
        edge = theory.multitasking_critical_dilution(count)
        print(f"\namplitudes, K = {count}, N = {args.size}, T = 0; hierarchy up to d = {edge:.4f}")
        print(f"from {STARTS[start]}")
        for d in dilutions:
            _tell(f"K = {count}, d = {d}")
            found = []
            for seed in range(args.seeds):
                xi = diluted_patterns(count, args.size, seed, d).patterns
                cue = xi[0] if start == "alone" else filled(xi)
                final = _final(args, multitasking.build(xi), cue, 41)[-1]
                found.append(_sorted(multitasking.amplitudes(final, xi)))
            line = theory.multitasking_amplitudes(count, d)
            each = [bootstrap(column) for column in np.transpose(found)]
            rows.append({"patterns": count, "start": start, "dilution": d, "m": each, "line": line})
            pairs = "   ".join(f"{m!s} ({x:.3f})" for m, x in zip(each, line, strict=True))
            print(f"\rd = {d:4}  {pairs}", flush=True)
    return rows


def filled(patterns: NDArray[Any]) -> NDArray[Any]:
    """Return the first pattern, its zeros filled by the second, what is left by the third, ..."""
    cue = np.zeros_like(patterns[0])
    for pattern in patterns:
        cue = np.where(cue == 0, pattern, cue)
    return cue


def temperature(args: argparse.Namespace) -> list[Row]:
    """Return amplitudes at a temperature from equal ones, and how far they are apart."""
    rows, count, d = [], 3, 0.9
    window = theory.multitasking_window(count, d)
    print(f"\ntemperature, K = {count}, d = {d}, N = {args.size}; equal amplitudes in T = {window}")
    for level in (0.05, 0.3, 0.5, 0.7, 0.9):
        _tell(f"T = {level}")
        means, spreads = [], []
        for seed in range(args.seeds):
            xi = diluted_patterns(count, args.size, seed, d).patterns
            first = np.sign(xi.sum(axis=0, dtype=int))
            graph = multitasking.build(xi, temperature=level, seed=seed)
            m = multitasking.amplitudes(_final(args, graph, first, 101)[21::2], xi).mean(axis=0)
            means.append(m.mean())
            spreads.append(np.ptp(m))
        line = float(theory.multitasking_amplitudes(count, d, level, "symmetric")[0])
        rows.append({"T": level, "m": bootstrap(means), "apart": bootstrap(spreads), "line": line})
        text = f"mean {rows[-1]['m']!s:26} theory {line:.4f}   first - last {rows[-1]['apart']}"
        print(f"\rT = {level:4}  {text}", flush=True)
    return rows


def synapses(args: argparse.Namespace) -> list[Row]:
    """Return synaptic operations of one update against dilution."""
    rows = []
    print(f"\nsynapses, K = 5, N = {args.size}: operations of an update of all units")
    for d in (0.0, 0.25, 0.5, 0.75, 0.9):
        xi = diluted_patterns(5, args.size, 0, d).patterns
        with hg.compile(multitasking.build(xi), args.backend) as program:
            cue = np.where(xi[:1] == 0, 1, xi[:1])
            counters = program.run(multitasking.FAMILY.present(cue), 3).counters
        ops = counters.total("synops_ac") + counters.total("synops_mac")
        rows.append({"dilution": d, "synops": ops, "line": args.size * (10 * (1 - d) + 1 - d**5)})
        print(f"d = {d:4}  {ops:8.0f}   2 N K (1 - d) + N (1 - d**K) = {rows[-1]['line']:8.0f}")
    return rows


def learning(args: argparse.Namespace) -> list[Row]:
    """Return the distance from the hierarchy against the number of examples, r = 0.5."""
    rows, count, r = [], 3, 0.5
    print(f"\nlearning, K = {count}, N = {args.size}, r = {r}: largest error of an amplitude")
    for d in (0.3, 0.5):
        line = theory.multitasking_hierarchy(count, d)
        scale = theory.multitasking_examples(count, d, r)
        print(f"d = {d}: sqrt(rho) is the gap at M = {scale:.0f}")
        for m in (4, 16, 64) if args.quick else (4, 16, 64, 256):
            row: Row = {"dilution": d, "examples": m, "rho": (1 - r**2) / (r**2 * m)}
            for teaching in ("supervised", "unsupervised"):
                _tell(f"{teaching}, M = {m}")
                found = [_error(args, count, d, r, m, teaching, line, s) for s in range(args.seeds)]
                row[teaching] = bootstrap(found)
            rows.append(row)
            text = f"rho {row['rho']:.4f}   with a teacher {row['supervised']!s:26}"
            print(f"\r  M = {m:4}  {text} without {row['unsupervised']}", flush=True)
    return rows


def _error(
    args: argparse.Namespace,
    count: int,
    d: float,
    r: float,
    m: int,
    teaching: str,
    line: NDArray[Any],
    seed: int,
) -> float:
    size = min(args.size, 2000)
    xi = diluted_patterns(count, size, seed, d).patterns
    shown = multitasking.draw_examples(xi, r, m, seed).reshape(-1, size)
    labels = np.repeat(np.arange(count), m) if teaching == "supervised" else None
    final = _final(args, multitasking.from_examples(shown, labels), xi[0], 31)[-1]
    return float(np.abs(_sorted(multitasking.amplitudes(final, xi)) - line).max())


SECTIONS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "amplitudes": amplitudes,
    "temperature": temperature,
    "synapses": synapses,
    "learning": learning,
}


def draw(axes: Axes, rows: list[Row]) -> None:
    """Draw amplitudes against dilution, dots beside lines."""
    count = rows[0]["patterns"] if rows else 3
    grid = np.linspace(0.01, 0.97, 97)
    lines = np.array([theory.multitasking_amplitudes(count, d) for d in grid])
    for k in range(count):
        axes.plot(grid, lines[:, k], color=f"C{k}", lw=1)
        means = [row["m"][k].mean for row in rows]
        axes.plot([row["dilution"] for row in rows], means, "o", color=f"C{k}", ms=4)
    axes.axvline(theory.multitasking_critical_dilution(count), color="grey", ls=":")
    axes.set_title(f"K = {count}")
    axes.set_xlabel("dilution  d")
    axes.set_ylabel("amplitudes  m")


if __name__ == "__main__":
    main()
