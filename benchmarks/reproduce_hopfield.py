"""Reproduce what is known of the Hopfield memory, and BAM; prints rows for REPRODUCED.md.

Sections, each beside its theory line where there is one:

    capacity     overlap against load around alpha_c = 0.138 (Hebbian) and up to 1 (pseudo-inverse)
    sizes        the same at several N, masked dynamics: the jump sharpens
    temperature  the T-alpha plane: overlap of Glauber dynamics, theory's phase line on it
    noise        logistic, Gaussian and uniform threshold noise of one variance
    rules        five rules from a tenth of the units flipped
    bits         couplings of 1 to 8 bits
    events       operations of event-driven, synchronous and hidden-unit recall
    mask         cycles of two states, without and with an update mask
    bam          recall of the other half of a pair

    python benchmarks/reproduce_hopfield.py --only temperature bits --seeds 10 --plot figures/
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.couplings import RULES
from hebbgraph.files import write_atomic
from hebbgraph.graph import Graph
from hebbgraph.harness.capacity import capacity_curve
from hebbgraph.harness.corrupt import cues
from hebbgraph.metrics import bootstrap, exact, overlap, settling
from hebbgraph.models import bam, hopfield
from hebbgraph.processes import Dense, Input, Noise
from hebbgraph.random import stream

Row = dict[str, Any]
HEBBIAN_LOADS = (0.05, 0.08, 0.10, 0.12, 0.13, 0.135, 0.14, 0.145, 0.15, 0.16, 0.18, 0.20)
PROJECTION_LOADS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98)
#: Patterns of each network that are recalled.
TESTED = 16


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--size", type=int, default=1000, help="units (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="networks a point")
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw the sections into this folder")
    parser.add_argument("--quick", action="store_true", help="100 units, 2 networks")
    args = parser.parse_args()
    if args.quick:
        args.size, args.seeds = 100, 2
    found: dict[str, list[Row]] = {}
    for name in args.only:
        start = time.perf_counter()
        print(f"\n{name}: N = {args.size}, {args.seeds} networks, {args.backend}, {args.domain}")
        found[name] = []
        for row in SECTIONS[name](args):
            found[name].append(row)
            print("  " + "   ".join(f"{k} {_shown(v)}" for k, v in row.items()), flush=True)
        print(f"  {time.perf_counter() - start:.0f} s", flush=True)
        if args.plot and name in PICTURES:
            draw(name, found[name], args.plot)
    if args.json:
        write_atomic(args.json, json.dumps(found, indent=1, default=lambda v: v.as_dict()))


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# --- the sections --------------------------------------------------------------------------------


def capacity(args: argparse.Namespace) -> Iterable[Row]:
    for rule, bits, loads, flips in (
        ("hebbian", 8, HEBBIAN_LOADS, 0.0),
        ("pseudo_inverse", 8, PROJECTION_LOADS, 0.0),
        ("pseudo_inverse", 16, PROJECTION_LOADS, 0.0),
        ("pseudo_inverse", 8, PROJECTION_LOADS, 0.1),
    ):
        if bits > hopfield.CHIP_BITS and args.domain == "fixed":
            continue
        curve = capacity_curve(
            args.size,
            loads,
            hopfield.FAMILY.bound(rule=rule, weight_bits=bits),
            seeds=range(args.seeds),
            level=flips,
            steps=60,
            tested=32,
            backend=args.backend,
            domain=args.domain,
        )
        for point in curve.points:
            row: Row = {"rule": rule, "bits": bits, "flipped": flips, "load": point.load}
            row |= {"overlap": point.overlap, "exact": point.exact.mean}
            row |= {"settled": point.settled.mean}
            line = theory.hopfield_overlap(point.load) if rule == "hebbian" else 1.0
            yield row | {"theory": line}


def sizes(args: argparse.Namespace) -> Iterable[Row]:
    for size in (args.size // 4, args.size // 2, args.size):
        for load in (0.10, 0.12, 0.138, 0.15, 0.16, 0.18, 0.20):

            def one(seed: int, size: int = size, load: float = load) -> float:
                stored = patterns(round(load * size), size, seed)
                arguments = {"rule": "hebbian", "dynamics": "masked", "seed": seed}
                states = recalled(args, arguments, stored, stored[:TESTED], 80)
                return float(overlap(states[:, -1], stored[:TESTED]).mean())

            line = theory.hopfield_overlap(load)
            yield {"N": size, "load": load, "overlap": over(args, one), "theory": line}


def temperature(args: argparse.Namespace) -> Iterable[Row]:
    size = args.size // 2
    for load in (0.01, 0.03, 0.05, 0.07, 0.09, 0.11, 0.13, 0.15):
        for t in (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95):

            def one(seed: int, load: float = load, t: float = t) -> float:
                stored = patterns(max(1, round(load * size)), size, seed)
                arguments = {"rule": "hebbian", "dynamics": "glauber", "temperature": t}
                arguments["seed"] = seed
                states = recalled(args, arguments, stored, stored[:4], 150)
                return float((states[:, 75:] * stored[:4, np.newaxis]).mean())

            line = theory.hopfield_overlap(load, t)
            yield {"load": load, "T": t, "overlap": over(args, one), "theory": line}


def noise(args: argparse.Namespace) -> Iterable[Row]:
    for kind in ("logistic", "gaussian", "uniform"):
        for t in (0.3, 0.5, 0.7, 0.9):

            def one(seed: int, kind: str = kind, t: float = t) -> float:
                stored = patterns(3, args.size, seed)
                graph = hopfield.build(
                    stored, "hebbian", dynamics="glauber", temperature=t, seed=seed
                )
                graph, data = with_noise(graph, kind, len(stored), 120, seed)
                with hg.compile(graph, args.backend) as program:
                    result = program.run({**hopfield.FAMILY.present(stored), **data}, 120)
                states = hopfield.FAMILY.read(result)[:, 60:]
                return float((states * stored[:, np.newaxis]).mean())

            line = theory.glauber_overlap(t, kind)
            yield {"noise": kind, "T": t, "overlap": over(args, one), "theory": line}


def rules(args: argparse.Namespace) -> Iterable[Row]:
    size = args.size // 4
    for rule in RULES:
        for load in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.2):

            def one(seed: int, rule: str = rule, load: float = load) -> tuple[float, float]:
                stored = patterns(round(load * size), size, seed)
                arguments = {"rule": rule, "dynamics": "masked", "weight_bits": 16, "seed": seed}
                wanted = stored[:TESTED]
                start = np.concatenate([wanted, flipped(wanted, 0.1, seed)])
                final = recalled(args, arguments, stored, start, 60)[:, -1]
                held = exact(final[: len(wanted)], wanted).mean()
                return float(held), float(overlap(final[len(wanted) :], wanted).mean())

            held, m = zip(*(one(seed) for seed in range(args.seeds)), strict=True)
            yield {
                "N": size,
                "rule": rule,
                "load": load,
                "patterns that are fixed points": bootstrap(held),
                "overlap from 10 % flips": bootstrap(m),
            }


def bits(args: argparse.Namespace) -> Iterable[Row]:
    for width in range(1, 9):
        delta = theory.clipping_noise(width)
        for load in (0.05, 0.08, 0.1, 0.12):

            def one(seed: int, width: int = width, load: float = load) -> float:
                stored = patterns(round(load * args.size), args.size, seed)
                arguments = {"rule": "hebbian", "dynamics": "masked", "weight_bits": width}
                arguments["seed"] = seed
                states = recalled(args, arguments, stored, stored[:TESTED], 60)
                return float(overlap(states[:, -1], stored[:TESTED]).mean())

            line = theory.hopfield_overlap(load, 0, delta)
            row: Row = {"bits": width, "load": load, "overlap": over(args, one), "theory": line}
            yield row | {"alpha_c": theory.hopfield_capacity(0, delta)}


def events(args: argparse.Namespace) -> Iterable[Row]:
    steps, level = 40, 0.2
    forms: dict[str, dict[str, Any]] = {
        "synchronous": {"dynamics": "synchronous"},
        "event": {"dynamics": "event"},
        "hidden, event": {"dynamics": "event", "hidden": True},
    }
    for load in (0.05, 0.1):
        for form, arguments in forms.items():

            def one(
                seed: int, arguments: dict[str, Any] = arguments, load: float = load
            ) -> dict[str, float]:
                stored = patterns(round(load * args.size), args.size, seed)
                start = flipped(stored[:TESTED], level, seed)
                graph = hopfield.build(stored, "hebbian", seed=seed, **arguments)
                return costs(args, graph, start, stored[:TESTED], steps)

            each = [one(seed) for seed in range(args.seeds)]
            row: Row = {"load": load, "form": form}
            yield row | {key: bootstrap([e[key] for e in each]) for key in each[0]}


def mask(args: argparse.Namespace) -> Iterable[Row]:
    size = args.size // 2
    for form in ("synchronous", "masked"):

        def one(seed: int, form: str = form) -> dict[str, float]:
            stored = patterns(round(0.13 * size), size, seed)
            arguments = {"rule": "hebbian", "dynamics": form, "seed": seed}
            states = recalled(args, arguments, stored, flipped(stored[:TESTED], 0.1, seed), 120)
            rest = settling(states)
            return {
                "ends in a cycle of two": float(rest.period_two.mean()),
                "overlap": float(overlap(states[:, -1], stored[:TESTED]).mean()),
                "steps to rest": float(rest.steps[rest.settled].mean()),
                "flips": float((states[:, 1:] != states[:, :-1]).sum(axis=(1, 2)).mean()),
            }

        each = [one(seed) for seed in range(3 * args.seeds)]
        row: Row = {"N": size, "load": 0.13, "form": form}
        yield row | {key: bootstrap([e[key] for e in each]) for key in each[0]}


def pairs(args: argparse.Namespace) -> Iterable[Row]:
    half = args.size // 2
    for load in (0.05, 0.1, 0.15, 0.18, 0.2, 0.22, 0.25):

        def one(seed: int, load: float = load) -> tuple[float, float]:
            stored = patterns(round(load * half), 2 * half, seed)
            wanted = stored[:TESTED]
            hidden = cues(wanted, "hide_end", 0.5, seed=seed)[:, 0]
            with hg.compile(bam.build(stored), args.backend, domain=args.domain) as program:
                result = program.run(bam.FAMILY.present(np.concatenate([wanted, hidden])), 60)
            final = overlap(bam.read(result)[:, -1], np.concatenate([wanted, wanted]))
            return float(final[: len(wanted)].mean()), float(final[len(wanted) :].mean())

        held, m = zip(*(one(seed) for seed in range(args.seeds)), strict=True)
        row: Row = {"units a layer": half, "K / n": load, "overlap from the pair": bootstrap(held)}
        yield row | {"from x alone": bootstrap(m), "theory": theory.bam_overlap(load)}


SECTIONS: dict[str, Callable[[argparse.Namespace], Iterable[Row]]] = {
    "capacity": capacity,
    "sizes": sizes,
    "temperature": temperature,
    "noise": noise,
    "rules": rules,
    "bits": bits,
    "events": events,
    "mask": mask,
    "bam": pairs,
}

# --- what they share -----------------------------------------------------------------------------


def patterns(count: int, units: int, seed: int) -> NDArray[np.int8]:
    return hopfield.FAMILY.patterns(count, units, seed)


def flipped(stored: NDArray[Any], level: float, seed: int) -> NDArray[Any]:
    return cues(stored, "flip", level, seed=seed)[:, 0]


def over(args: argparse.Namespace, one: Callable[[int], float]) -> Any:
    """Return the mean of a number over networks, with its interval."""
    return bootstrap([one(seed) for seed in range(args.seeds)])


def recalled(
    args: argparse.Namespace,
    arguments: dict[str, Any],
    stored: NDArray[Any],
    start: NDArray[Any],
    steps: int,
) -> NDArray[Any]:
    """Return the states (cues, steps, N) of a memory of `stored` from cues `start`."""
    graph = hopfield.build(stored, **arguments)
    with hg.compile(graph, args.backend, domain=args.domain) as program:
        return hopfield.FAMILY.read(program.run(hopfield.FAMILY.present(start), steps))


def with_noise(
    graph: Graph, kind: str, episodes: int, steps: int, seed: int
) -> tuple[Graph, dict[str, Any]]:
    """Return a Glauber graph whose logistic noise is another of the same variance, and its data."""
    source = graph.processes["noise"]
    assert isinstance(source, Noise)
    deviation = source.scale * np.pi / np.sqrt(3)
    other: Any = source
    data: dict[str, Any] = {}
    if kind == "uniform":
        other = replace(source, distribution="uniform", scale=deviation * np.sqrt(3))
    if kind == "gaussian":
        other = Input(source.size)
        shape = (episodes, steps, source.size)
        data["noise"] = deviation * stream(seed, "gaussian", "noise").standard_normal(shape)
    return replace(graph, processes={**graph.processes, "noise": other}), data


def costs(
    args: argparse.Namespace,
    graph: Graph,
    start: NDArray[Any],
    wanted: NDArray[Any],
    steps: int,
) -> dict[str, float]:
    """Return operations per recall, those that load the cue apart."""
    hidden = "hidden" in graph.processes
    with hg.compile(graph, args.backend, domain=args.domain) as program:
        result = program.run(hopfield.FAMILY.present(start), steps)
        begins = 3 if hidden else 2  # steps in which nothing but the cue arrives
        loading = program.run(hopfield.FAMILY.present(start), begins)
    states = hopfield.FAMILY.read(result)
    counts = [
        (r.counters.total("synops_mac") + r.counters.total("synops_ac")) / len(start)
        for r in (result, loading)
    ]
    dense = result.counters.total("synops_dense") / len(start) / steps
    rest = settling(states)
    busy = float(rest.steps[rest.settled].mean())
    synapses = sum(int(np.count_nonzero(w)) for w in result.weights.values())
    synapses += graph.of_kind(Dense)["patterns"].weights.size if hidden else 0  # there and back
    return {
        "synapses": float(synapses),
        "flips": float((states[:, 1:] != states[:, :-1]).sum(axis=(1, 2)).mean()),
        "steps to rest": busy,
        "dense operations": dense * busy,
        "operations": counts[0],
        "of these for the cue": counts[1],
        "overlap": float(overlap(states[:, -1], wanted).mean()),
    }


# --- pictures ------------------------------------------------------------------------------------


def draw(name: str, rows: Sequence[Row], folder: Path) -> None:
    """Draw one section into `folder`."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    PICTURES[name](figure.subplots(), rows)
    figure.savefig(folder / f"hopfield_{name}.png", dpi=120)


def draw_plane(axes: Any, rows: Sequence[Row]) -> None:
    """Draw the T-alpha plane: measured overlap as colour, theory's phase line."""
    loads, heats = [row["load"] for row in rows], [row["T"] for row in rows]
    means = [row["overlap"].mean for row in rows]
    dots = axes.scatter(loads, heats, c=means, s=150, marker="s", vmin=0, vmax=1)
    axes.figure.colorbar(dots, label="retrieval overlap m")
    grid = np.linspace(0.0005, 0.1379, 80)
    line = [theory.hopfield_critical_temperature(float(a)) for a in grid]
    axes.plot(grid, line, "r-", label="theory: retrieval states end")
    axes.plot(grid, [theory.spin_glass_temperature(float(a)) for a in grid], "r:", label="T_g")
    axes.set(xlabel="load K / N", ylabel="temperature T", ylim=(0, 1.1))
    axes.legend(loc="upper right")


def draw_curves(by: str, x: str) -> Callable[[Any, Sequence[Row]], None]:
    """Return what draws overlap against `x`, a curve for each `by`, dashed the theory."""

    def drawing(axes: Any, rows: Sequence[Row]) -> None:
        for index, key in enumerate(dict.fromkeys(row[by] for row in rows)):
            chosen = [row for row in rows if row[by] == key]
            means = [next(v.mean for k, v in r.items() if "overlap" in k) for r in chosen]
            at, color = [row[x] for row in chosen], f"C{index}"
            axes.plot(at, means, "o-" if by == "rule" else "o", color=color, label=f"{by} {key}")
            if "theory" in rows[0]:
                axes.plot(at, [row["theory"] for row in chosen], "--", color=color)
        axes.set(xlabel=x, ylabel="retrieval overlap m")
        axes.legend(fontsize="small")

    return drawing


PICTURES: dict[str, Callable[[Any, Sequence[Row]], None]] = {
    "capacity": draw_curves("rule", "load"),
    "sizes": draw_curves("N", "load"),
    "temperature": draw_plane,
    "noise": draw_curves("noise", "T"),
    "rules": draw_curves("rule", "load"),
    "bits": draw_curves("bits", "load"),
    "bam": draw_curves("units a layer", "K / n"),
}


if __name__ == "__main__":
    main()
