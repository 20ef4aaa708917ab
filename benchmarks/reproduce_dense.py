"""Reproduce what theory says of dense memories, and what a dead zone saves.

1. Capacity grows as N**(p - 1): the number of patterns K_max at which the overlap of the retrieval
   state, from the pattern itself, falls to 0.95, over N, with the exponent fitted network by
   network. Replica theory says at which load that is.
2. Retrieval overlap against load, beside the replica-symmetric line.
3. The variants: how many times more patterns distinct indices hold than Krotov's polynomial.
4. Coarse payloads, with and without the self-term taken out.
5. Dead zones: overlap, hidden spikes an update, synaptic operations a recall, beside the exact mode
   and a Hopfield memory of as many units.

    python benchmarks/reproduce_dense.py --seeds 6 --plot dense.png --json dense.json
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import metrics, theory
from hebbgraph.data import random_patterns
from hebbgraph.files import write_atomic
from hebbgraph.graph import Graph
from hebbgraph.harness.corrupt import cues
from hebbgraph.metrics import bootstrap
from hebbgraph.models import dense, hopfield

#: Units of the networks whose capacity is found, by order.
SIZES = {3: (40, 60, 90, 130, 200), 4: (24, 32, 40, 50, 64)}
#: Loads that are tried, in units of the one of theory where recall is lost; of the critical one.
LOADS = (0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 1.9)
CURVE = (0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.3, 1.6)
#: Overlap at which K_max is read, share of flipped units in a cue, updates of a recall.
LOST, FLIPPED, UPDATES = 0.95, 0.1, 15
#: Dead zones and numbers of patterns of the last part.
THETAS, COUNTS, ZONED_UNITS = (1.5, 2.5, 3.5, 4.5), (4266, 8533, 12799), 80

Variant = Literal["distinct", "krotov"]
States = NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=6, help="networks of each kind")
    parser.add_argument("--tested", type=int, default=40, help="patterns tried a network")
    parser.add_argument("--backend", default="snntorch")
    parser.add_argument("--quick", action="store_true", help="small sizes, two seeds")
    parser.add_argument("--json", type=Path, help="write all rows to this file")
    parser.add_argument("--plot", type=Path, help="draw the first two parts to this file")
    args = parser.parse_args()
    start = time.perf_counter()
    survey = Survey(2 if args.quick else args.seeds, args.tested, args.backend)
    sizes = {p: few[: 3 if args.quick else None] for p, few in SIZES.items()}
    found: dict[str, Any] = {"growth": {}, "curves": {}}
    for p, units in sizes.items():
        found["growth"][p] = survey.growth(p, units)
        found["curves"][p] = survey.curve(p, units[-1])
    found["variants"] = {p: survey.variants(p, units[-2]) for p, units in sizes.items()}
    found["coarse"] = survey.coarse(40 if args.quick else 64)
    found["zones"] = survey.zones(COUNTS[:1] if args.quick else COUNTS)
    print(f"\n{time.perf_counter() - start:.0f} s")
    if args.json:
        write_atomic(args.json, json.dumps(found, indent=1))
    if args.plot:
        plot(found, args.plot)


class Survey:
    """Networks of random patterns, `seeds` of each kind, `tested` patterns recalled in each."""

    def __init__(self, seeds: int, tested: int, backend: str) -> None:
        self.seeds, self.tested, self.backend = range(seeds), tested, backend

    def growth(self, p: int, sizes: Sequence[int]) -> dict[str, Any]:
        """Part 1: K_max of every size and seed, and the exponents."""
        print(f"\np = {p}, distinct: patterns held, and those of theory")
        found = np.array(
            [[self.capacity(p, units, "distinct", s) for s in self.seeds] for units in sizes]
        )
        for units, counts in zip(sizes, found, strict=True):
            expected = theory.dense_count(p, theory.dense_load_at(p, LOST), units, finite=True)
            print(f"N = {units:4}: K_max {bootstrap(counts)}, theory {expected:.0f}", flush=True)
        slopes = [np.polyfit(np.log(sizes), np.log(column), 1)[0] for column in found.T]
        finite = np.polyfit(np.log(sizes), [math.log(math.comb(n - 1, p - 1)) for n in sizes], 1)[0]
        exponent = bootstrap(slopes)
        print(
            f"exponent {exponent}, theory {p - 1} (C(N - 1, {p - 1}) itself grows as {finite:.2f})"
        )
        return {
            "sizes": list(sizes),
            "counts": found.tolist(),
            "exponent": exponent.as_dict(),
            "exponent_of_binomial": float(finite),
        }

    def capacity(self, p: int, units: int, variant: Variant, seed: int) -> float:
        """Return the number of patterns at which one network's overlap falls to `LOST`."""
        load, log_counts, overlaps = theory.dense_load_at(p, LOST), [], []
        for factor in LOADS:
            count = round(theory.dense_count(p, factor * load, units, variant, finite=True))
            log_counts.append(math.log(count))
            overlaps.append(self.overlap(p, units, count, seed, 0.0, variant=variant))
            if overlaps[-1] < LOST:
                break
        # Overlaps fall with the load; between two loads they are read off a straight line.
        return math.exp(np.interp(-LOST, [-m for m in overlaps], log_counts))

    def curve(self, p: int, units: int) -> list[dict[str, Any]]:
        """Part 2: overlap against load from the patterns themselves."""
        print(f"\np = {p}, N = {units}, distinct, from the pattern: load, overlap, theory")
        rows = []
        for factor in CURVE:
            load = factor * theory.dense_capacity(p)[0]
            count = round(load * math.comb(units - 1, p - 1))
            overlap = bootstrap([self.overlap(p, units, count, s, 0.0) for s in self.seeds])
            line = theory.dense_overlap(p, load)
            print(f"{load:.4f} (K = {count}): {overlap}, {line:.4f}", flush=True)
            rows.append(
                {"load": load, "count": count, "overlap": overlap.as_dict(), "theory": line}
            )
        return rows

    def variants(self, p: int, units: int) -> dict[str, Any]:
        """Part 3: how many times more patterns distinct indices hold."""
        ratios = [
            self.capacity(p, units, "distinct", s) / self.capacity(p, units, "krotov", s)
            for s in self.seeds
        ]
        limit, expected = (
            theory.dense_count(p, 1, units, finite=finite)
            / theory.dense_count(p, 1, units, "krotov", finite=finite)
            for finite in (False, True)
        )
        ratio = bootstrap(ratios)
        print(
            f"\np = {p}, N = {units}: distinct holds {ratio} times krotov, theory "
            f"{expected:.2f} at this N, {limit:.2f} in the limit",
            flush=True,
        )
        return {"units": units, "ratio": ratio.as_dict(), "theory": expected, "limit": limit}

    def coarse(self, units: int) -> list[dict[str, Any]]:
        """Part 4: payloads of few bits in the fixed domain, p = 4, alpha' = 0.15."""
        count = round(0.15 * math.comb(units - 1, 3))
        print(f"\np = 4, N = {units}, K = {count}, fixed: overlap with pattern, with cue")
        rows = []
        for self_term in ("bus", "kept"):
            for bits in (None, 10, 8, 7, 6):
                parameters: dict[str, Any] = {"self_term": self_term, "payload_bits": bits}
                pairs = []
                for seed in self.seeds:
                    patterns, starts = self.task(count, units, seed, FLIPPED)
                    final = self.final(dense.build(patterns, 4, **parameters), starts, "fixed")[0]
                    wanted = patterns[: len(starts)]
                    pairs.append([metrics.overlap(final, x).mean() for x in (wanted, starts)])
                pattern, cue = (bootstrap(column) for column in zip(*pairs, strict=True))
                width = f"{bits} bits" if bits else "exact"
                print(f"{self_term}, {width}: {pattern}, {cue}", flush=True)
                row = {"pattern": pattern.as_dict(), "cue": cue.as_dict()}
                rows.append({**parameters, **row})
        return rows

    def zones(self, counts: Sequence[int]) -> list[dict[str, Any]]:
        """Part 5: dead zones, p = 4."""
        units, rows = ZONED_UNITS, []
        print(f"\np = 4, N = {units}: overlap, exact recall, hidden spikes an update (law), synops")
        cases: list[tuple[int, float | None]] = [(k, t) for k in counts for t in (None, *THETAS)]
        for count, theta in cases:
            law = float(count) if theta is None else theory.dense_events(count, theta, units)
            label = f"K = {count}, " + ("exact" if theta is None else f"theta {theta}")
            mode = {} if theta is None else {"mode": "event_sparse", "theta": theta}
            measured = []
            for seed in self.seeds:
                patterns, starts = self.task(count, units, seed, FLIPPED)
                graph = dense.build(patterns, 4, changes=True, **mode)  # type: ignore[arg-type]
                measured.append(self.costs(graph, patterns, starts))
            rows.append(_costs_row(label, measured, law, count * units))
        count, measured = round(0.1 * units), []
        for seed in self.seeds:
            patterns, starts = self.task(count, units, seed, FLIPPED)
            graph = hopfield.build(patterns, "hebbian", dynamics="event")
            measured.append(self.costs(graph, patterns, starts))
        rows.append(
            _costs_row(f"K = {count}, Hopfield, event-driven", measured, None, count * units)
        )
        return rows

    def costs(self, graph: Graph, patterns: States, starts: States) -> list[float]:
        """Return overlap, exact recall, hidden spikes an update and synops a recall."""
        final, result = self.final(graph, starts)
        wanted, recalls = patterns[: len(starts)], len(starts)
        totals = result.counters.totals()
        hidden = result.counters.processes.get("hidden")
        return [
            float(metrics.overlap(final, wanted).mean()),
            float(metrics.exact(final, wanted).mean()),
            hidden.graded_events / recalls / UPDATES if hidden else math.nan,
            (totals["synops_ac"] + totals["synops_mac"]) / recalls,
        ]

    def overlap(
        self, p: int, units: int, count: int, seed: int, flipped: float, **parameters: Any
    ) -> float:
        """Return the mean overlap that one network recalls."""
        patterns, starts = self.task(count, units, seed, flipped)
        final = self.final(dense.build(patterns, p, **parameters), starts)[0]
        return float(metrics.overlap(final, patterns[: len(starts)]).mean())

    def task(self, count: int, units: int, seed: int, flipped: float) -> tuple[States, States]:
        """Return patterns (K, N) and cues of the first of them."""
        patterns = random_patterns(count, units, seed).patterns
        return patterns, cues(patterns[: self.tested], "flip", flipped, seed=seed)[:, 0]

    def final(
        self, graph: Graph, starts: States, domain: Literal["float", "fixed"] = "float"
    ) -> tuple[States, hg.Result]:
        """Return the last states of the cues, and the result."""
        with hg.compile(graph, self.backend, domain=domain) as program:
            inputs = {"cue": starts[:, np.newaxis].astype(np.float64)}
            result = program.run(inputs, 2 * UPDATES + 1)
        return hopfield.FAMILY.read(result)[:, -1], result


def _costs_row(
    label: str, measured: Sequence[Sequence[float]], law: float | None, bits: int
) -> dict[str, Any]:
    overlap, exact, spikes, synops = (bootstrap(column) for column in zip(*measured, strict=True))
    per_bit = synops.mean / bits
    said = f", {spikes} ({law:.1f})" if law is not None else ""
    print(
        f"{label}: {overlap}, {exact}{said}, {synops.mean:.3g} ({per_bit:.2f} a bit stored)",
        flush=True,
    )
    names = {"overlap": overlap, "exact": exact, "spikes": spikes, "synops": synops}
    row = {name: interval.as_dict() for name, interval in names.items()}
    return {"case": label, "law": law, "synops_per_stored_bit": per_bit, **row}


def plot(found: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for color, (p, growth) in zip(("C0", "C1"), found["growth"].items(), strict=True):
        sizes, exponent = growth["sizes"], growth["exponent"]["mean"]
        label = f"p = {p}, exponent {exponent:.2f}"
        left.loglog(sizes, np.mean(growth["counts"], axis=1), "o", color=color, label=label)
        critical, load = theory.dense_capacity(p)[0], theory.dense_load_at(p, LOST)
        expected = [theory.dense_count(p, load, n, finite=True) for n in sizes]
        left.loglog(sizes, expected, "-", color=color, lw=1)
        curve = found["curves"][p]
        loads = np.linspace(0.01, 1.6 * critical, 300)
        right.plot(loads, [theory.dense_overlap(p, a) for a in loads], "-", color=color, lw=1)
        means = [row["overlap"]["mean"] for row in curve]
        right.plot([row["load"] for row in curve], means, "o", color=color, label=f"p = {p}")
    left.set_xlabel("units N")
    left.set_ylabel("patterns held (lines: replica theory)")
    right.set_xlabel("load alpha'")
    right.set_ylabel("retrieval overlap m (lines: replica theory)")
    for axes in (left, right):
        axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
