"""Reproduce what is claimed of Sparsey; prints rows for REPRODUCED.md.

1. Recognition: stored items and novel ones against the number stored, beside the theory of random
   codes, for three floors of familiarity; the published transfer function (NumPy) for comparison.
2. Similar inputs map to similar codes: shared winners against shared input units.
3. Sequences: whole sequences recalled from their first frame, learned in one pass.
4. MNIST, 200 digits a class shown once, class votes of the winners: one macrocolumn, and one for
   each of 36 patches, with and without freezing; nearest neighbour and nearest mean beside it.

    python benchmarks/reproduce_sparsey.py --seeds 10 --json sparsey.json --plot sparsey.png
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph as hg
from hebbgraph.data import mnist5k, sparse_patterns
from hebbgraph.files import write_atomic
from hebbgraph.metrics import Interval, bootstrap
from hebbgraph.models import sparsey, sparsey_sequences
from hebbgraph.random import stream
from hebbgraph.theory import (
    sparsey_capacity,
    sparsey_code_overlap,
    sparsey_novel_familiarity,
    sparsey_published_overlap,
    sparsey_recognition,
)

UNITS, ACTIVE, MODULES, WIDTH = 128, 16, 16, 16
ITEMS = (10, 20, 30, 40, 60, 80, 120, 160)
FLOORS = (0.99, 0.75, 0.5)
SIMILARITIES = tuple(n / ACTIVE for n in range(0, ACTIVE + 1, 2))
#: Patches of MNIST: side, stride; modules, width and floor of their macs.
PATCH, STRIDE, SMALL = 8, 4, {"modules": 8, "width": 32, "floor": 0.8}
CLASSES, TESTED = 10, 1000

PARTS = ("recognition", "similarity", "sequences", "mnist")

Rows = list[dict[str, Any]]
Codes = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--seeds", type=int, default=10, help="networks a point")
    parser.add_argument("--mnist-seeds", type=int, default=3, help="splits of MNIST")
    parser.add_argument("--per-class", type=int, default=200, help="digits shown of each class")
    parser.add_argument("--backend", default="reference")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--quick", action="store_true", help="3 seeds, fewer points, few digits")
    parser.add_argument("--json", type=Path, help="write all rows to this file")
    parser.add_argument("--plot", type=Path, help="draw parts 1 and 2 to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.mnist_seeds, args.per_class = 3, 1, 10
    run = {"backend": args.backend, "domain": args.domain}
    start = time.perf_counter()
    items = ITEMS[1:6:2] if args.quick else ITEMS
    counts = (4, 8) if args.quick else (4, 8, 12, 16, 24)
    parts: dict[str, Callable[[], Rows]] = {
        "recognition": lambda: recognition(items, args.seeds, run),
        "similarity": lambda: similarity(args.seeds, run),
        "sequences": lambda: sequences(counts, args.seeds, run),
        "mnist": lambda: digits(args.per_class, args.mnist_seeds, run),
    }
    found = {name: parts[name]() for name in args.parts}
    print(f"\n{time.perf_counter() - start:.0f} s")
    if args.json:
        write_atomic(args.json, json.dumps(found, indent=1, default=plain))
    if args.plot and {"recognition", "similarity"} <= set(found):
        plot(found, args.plot)


def plain(value: Any) -> Any:
    return value.as_dict() if isinstance(value, Interval) else float(value)


# --- 1 -------------------------------------------------------------------------------------


def recognition(items: tuple[int, ...], seeds: int, run: dict[str, Any]) -> Rows:
    print(f"1. N = {UNITS}, {ACTIVE} active, Q = {MODULES}, K = {WIDTH}, {seeds} networks")
    rows: Rows = []
    for floor in FLOORS:
        limit = sparsey_capacity(floor, UNITS, ACTIVE, WIDTH)
        print(f"floor {floor}: novel items reach it at {limit:.0f} items (theory)")
        print("items  winners found again (theory)          exact recall              G of novel")
        for count in items:
            held = np.array([mac(count, floor, seed, run) for seed in range(seeds)])
            winners, exact, novel = (bootstrap(column) for column in held.T)
            theory = sparsey_recognition(count, UNITS, ACTIVE, WIDTH)
            crosstalk = sparsey_novel_familiarity(count, UNITS, ACTIVE, WIDTH)
            print(
                f"{count:5}  {winners!s:24} ({theory:.3f})    {exact!s:22}  {novel!s:22}"
                f" ({crosstalk:.3f})",
                flush=True,
            )
            rows.append({"floor": floor, "items": count, "winners": winners, "exact": exact})
            rows[-1] |= {"novel": novel, "theory": theory, "crosstalk": crosstalk}
    print("published transfer function, eta = 1e4 G**7, lambda = 26, phi = 0.5 (NumPy)")
    for count in items:
        again = bootstrap([published(count, seed) for seed in range(seeds)])
        print(f"{count:5}  {again}", flush=True)
        rows.append({"floor": None, "items": count, "winners": again})
    return rows


def mac(count: int, floor: float, seed: int, run: dict[str, Any]) -> tuple[float, float, float]:
    """Return the share of winners found again and of exact recalls, and G of novel items."""
    stored = sparse_patterns(count, UNITS, seed, ACTIVE).patterns
    novel = sparse_patterns(100, UNITS, seed + 1000, ACTIVE).patterns
    codes, weights = learn(stored, run, floor=floor, seed=seed)
    with hg.compile(sparsey.recalling(weights, MODULES), **run) as program:
        known = program.run(sparsey.show_twice(stored), 4)
        other = program.run(sparsey.show_twice(novel), 2)
    exact = (known.spikes["memory"][:, -1] == stored).all(axis=1).mean()
    familiar = sparsey.familiarity(other, MODULES).mean()
    return (sparsey.codes(known, MODULES) == codes).mean(), exact, familiar


def learn(
    stored: NDArray[Any], run: dict[str, Any], **parameters: Any
) -> tuple[Codes, NDArray[np.float64]]:
    """Return the codes (M, Q) of one pass over `stored` (M, N), and the weights (QK, N)."""
    graph = sparsey.blank(stored.shape[1], **parameters)
    steps = sparsey.LESSON if parameters.get("saturation", 1) < 1 else sparsey.LESSON - 1
    with hg.compile(graph, **run) as program:
        result = program.run(sparsey.teach(stored), steps)
    return sparsey.codes(result, parameters.get("modules", MODULES)), result.value("up.weights")


def published(count: int, seed: int) -> float:
    """Return the share of winners found again with the published transfer function."""
    stored = sparse_patterns(count, UNITS, seed, ACTIVE).patterns.astype(float)
    draw, weights = stream(seed, "sparsey", "published"), np.zeros((MODULES, WIDTH, UNITS))
    codes = []
    for x in stored:
        v = weights @ x / x.sum()
        eta = max(1e4 * v.max(axis=1).mean() ** 7, 1)
        psi = (eta - 1) / (1 + np.exp(-26 * (v - 0.5))) + 1
        reached = (psi / psi.sum(axis=1, keepdims=True)).cumsum(axis=1)
        codes.append((reached < draw.random((MODULES, 1))).sum(axis=1).clip(max=WIDTH - 1))
        chosen = np.arange(MODULES), codes[-1]
        weights[chosen] = np.maximum(weights[chosen], x)
    again = np.einsum("qkn,mn->mqk", weights, stored).argmax(axis=2)
    return float((again == np.array(codes)).mean())


# --- 2 -------------------------------------------------------------------------------------


def similarity(seeds: int, run: dict[str, Any]) -> Rows:
    print(f"\n2. one item stored, inputs that share units with it, {4 * seeds} networks")
    print("shared  winners shared, floor 0.25 (theory)       floor 0.5 (theory)         published")
    rows: Rows = []
    base = np.arange(UNITS) < ACTIVE
    for shared in SIMILARITIES:
        other = np.roll(base, round(ACTIVE * (1 - shared)))
        row: dict[str, Any] = {"similarity": shared}
        for floor in (0.25, 0.5):
            found = []
            for seed in range(4 * seeds):
                codes, _ = learn(np.stack([base, other]), run, floor=floor, seed=seed)
                found.append((codes[0] == codes[1]).mean())
            line = float(sparsey_code_overlap(shared, WIDTH, floor=floor))
            row[f"floor {floor}"], row[f"theory {floor}"] = bootstrap(found), line
        row["published"] = float(sparsey_published_overlap(shared, WIDTH))
        print(
            f"{shared:.3f}   {row['floor 0.25']!s:26} ({row['theory 0.25']:.3f})    "
            f"{row['floor 0.5']!s:26} ({row['theory 0.5']:.3f})    {row['published']:.3f}",
            flush=True,
        )
        rows.append(row)
    return rows


# --- 3 -------------------------------------------------------------------------------------


def sequences(counts: tuple[int, ...], seeds: int, run: dict[str, Any], length: int = 8) -> Rows:
    print(f"\n3. sequences of {length} frames in one pass, recalled from the first frame")
    print("sequences  winners right             frames right              whole sequences")
    rows: Rows = []
    for count in counts:
        held = np.array([films(count, length, seed, run) for seed in range(seeds)])
        winners, frames, whole = (bootstrap(column) for column in held.T)
        print(f"{count:9}  {winners!s:24}  {frames!s:24}  {whole}", flush=True)
        rows.append({"sequences": count, "winners": winners, "frames": frames, "whole": whole})
    return rows


def films(count: int, length: int, seed: int, run: dict[str, Any]) -> tuple[float, float, float]:
    frames = sparse_patterns(count * length, UNITS, seed, ACTIVE).patterns
    given = frames.reshape(count, length, UNITS)
    graph = sparsey_sequences.blank(UNITS, length, modules=2 * MODULES, seed=seed)
    with hg.compile(graph, **run) as program:
        lessons = program.run(sparsey_sequences.teach(given), length + 1)
    weights = [lessons.value(f"{name}.weights") for name in ("up", "across")]
    recalling = sparsey_sequences.recalling(weights[0], weights[1] > 0, 2 * MODULES, active=ACTIVE)
    with hg.compile(recalling, **run) as program:
        result = program.run({"cue": given[:, :1].astype(float)}, length + 2)
    steps = range(1, length + 1)
    codes = [
        np.stack([sparsey.codes(found, 2 * MODULES, step) for step in steps])
        for found in (lessons, result)
    ]
    right = (result.spikes["memory"][:, 2:] == given).all(axis=2)
    return (codes[0] == codes[1]).mean(), right.mean(), right.all(axis=1).mean()


# --- 4 -------------------------------------------------------------------------------------


def digits(per_class: int, seeds: int, run: dict[str, Any]) -> Rows:
    data = mnist5k()
    images = (data.patterns > 0).reshape(-1, 28, 28).astype(np.int8)
    assert data.labels is not None
    print(f"\n4. MNIST-5k, +1 where grey >= 128, {per_class} a class shown once, {TESTED} tested")
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        order = stream(seed, "reproduce_sparsey", "split").permutation(len(images))
        shown = np.concatenate([order[data.labels[order] == c][:per_class] for c in range(CLASSES)])
        shown = shown[stream(seed, "reproduce_sparsey", "order").permutation(len(shown))]
        tested = order[~np.isin(order, shown)][:TESTED]
        split = (images[shown], data.labels[shown], images[tested], data.labels[tested])
        for name, accuracy in classifiers(split, seed, run):
            found.setdefault(name, []).append(accuracy)
            print(f"   seed {seed}: {name}: {accuracy:.3f}", flush=True)
    rows: Rows = [{"classifier": name, "accuracy": bootstrap(v)} for name, v in found.items()]
    for row in rows:
        print(f"{row['classifier']:50}  {row['accuracy']}")
    return rows


def classifiers(split: Any, seed: int, run: dict[str, Any]) -> Any:
    shown, labels, tested, truth = split
    flat, asked = (x.reshape(len(x), -1).astype(float) for x in (shown, tested))
    distance = flat.sum(axis=1) - 2 * asked @ flat.T  # |tested| is the same for all
    yield "1-NN", (labels[distance.argmin(axis=1)] == truth).mean()
    means = np.stack([flat[labels == c].mean(axis=0) for c in range(CLASSES)])
    gap = (means**2).sum(axis=1) - 2 * asked @ means.T
    yield "nearest mean", (gap.argmin(axis=1) == truth).mean()
    for saturation in (1.0, 0.5):
        name = "freezing at 0.5" if saturation < 1 else "no freezing"
        whole = {"modules": 16, "width": 32, "floor": 0.8, "saturation": saturation, "seed": seed}
        votes = voted(shown, labels, tested, whole, run)
        yield f"one mac of 16 x 32, {name}", (votes.argmax(axis=1) == truth).mean()
        votes = np.zeros((len(tested), CLASSES))
        for top in range(0, 28 - PATCH + 1, STRIDE):
            for left in range(0, 28 - PATCH + 1, STRIDE):
                part = np.s_[:, top : top + PATCH, left : left + PATCH]
                small = {**SMALL, "saturation": saturation, "seed": seed}
                votes += voted(shown[part], labels, tested[part], small, run)
        yield f"36 macs of 8 x 32 on 8x8 patches, {name}", (votes.argmax(axis=1) == truth).mean()


def voted(
    shown: NDArray[Any],
    labels: NDArray[np.int64],
    tested: NDArray[Any],
    parameters: dict[str, Any],
    run: dict[str, Any],
) -> NDArray[np.float64]:
    """Return votes for the classes, (tested, classes): sums of log shares of each winner's items.

    Blank patches are not shown, and do not vote.
    """
    modules = parameters["modules"]
    flat, asked = (x.reshape(len(x), -1) for x in (shown, tested))
    lit, live = flat.any(axis=1), asked.any(axis=1)
    votes = np.zeros((len(asked), CLASSES))
    if not lit.any() or not live.any():
        return votes
    codes, weights = learn(flat[lit], run, **parameters)
    table = np.zeros((modules, parameters["width"], CLASSES))
    for module in range(modules):
        np.add.at(table[module], (codes[:, module], labels[lit]), 1)
    shares = table / np.maximum(table.sum(axis=2, keepdims=True), 1)
    with hg.compile(sparsey.recalling(weights, modules), **run) as program:
        found = sparsey.codes(program.run(sparsey.show_twice(asked[live]), 2), modules)
    votes[live] = np.log(shares[np.arange(modules), found] + 0.01).sum(axis=1)
    return votes


# --- pictures ------------------------------------------------------------------------------


def plot(found: dict[str, Rows], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for floor in (*FLOORS, None):
        rows = [row for row in found["recognition"] if row["floor"] == floor]
        label = "published, NumPy" if floor is None else f"floor {floor}"
        means = [row["winners"].mean for row in rows]
        left.plot([row["items"] for row in rows], means, "o-", ms=4, label=label)
    rows = [row for row in found["recognition"] if row["floor"] == FLOORS[0]]
    left.plot(
        [row["items"] for row in rows], [r["theory"] for r in rows], "k--", label="random codes"
    )
    left.set_xlabel("items stored")
    left.set_ylabel("winners found again")
    left.legend()
    grid = np.linspace(0, 1, 201)
    for floor, colour in ((0.25, "C3"), (0.5, "C2")):
        rows = found["similarity"]
        means = [row[f"floor {floor}"].mean for row in rows]
        right.plot([row["similarity"] for row in rows], means, "o", color=colour)
        line = sparsey_code_overlap(grid, WIDTH, floor=floor)
        right.plot(grid, line, color=colour, label=f"floor {floor}, theory")
    right.plot(grid, sparsey_published_overlap(grid, WIDTH), "k--", label="published")
    right.set_xlabel("input units shared")
    right.set_ylabel("winners shared")
    right.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
