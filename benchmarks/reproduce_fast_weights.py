"""Reproduce the noise of fast weights beside theory; rows for REPRODUCED.md.

1. Associative recall against the number of pairs: wrong signs of what Hebbian and delta writing
   recall, and how often the answer is nearest to the right value; theory SNR = d / (K - 1).
2. Decay: wrong signs against the age of a pair.
3. A phone book: numbers of seven digits by name, written on-line in the graph by its own rules,
   looked up digit by digit; new numbers for old names with the delta rule.

    python benchmarks/reproduce_fast_weights.py --seeds 10 --json fast.json --plot fast.png
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import theory
from hebbgraph.data import random_patterns
from hebbgraph.files import write_atomic
from hebbgraph.memory import Memory
from hebbgraph.metrics import bootstrap
from hebbgraph.models import fast_weights

Row = dict[str, Any]
Array = NDArray[Any]
DIGITS, BITS = 7, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="memories a point")
    parser.add_argument("--keys", type=int, default=64, help="units of a key, and of a value")
    parser.add_argument("--backend", default="snntorch")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--quick", action="store_true", help="two seeds, fewer points")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--plot", type=Path, help="draw recall against pairs to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds = 2
    start, tables = time.perf_counter(), {}
    for table in (recall, decay, phone_book):
        print(f"\n{(table.__doc__ or '').splitlines()[0]}")
        tables[table.__name__] = table(args)
    print(f"\n{time.perf_counter() - start:.0f} s, {args.backend}, {args.domain}")
    if args.json:
        write_atomic(args.json, json.dumps(tables, indent=1))
    if args.plot:
        plot(tables["recall"], args.plot)


def asked(memory: Memory, patterns: Array, keys: int) -> Array:
    """Return the values recalled for the keys of `patterns`."""
    cues = patterns.astype(float)
    cues[:, keys:] = 0
    return memory.recall(cues)[:, keys:]


def of(args: argparse.Namespace, **options: Any) -> Memory:
    return Memory("fast_weights", backend=args.backend, domain=args.domain, **options)


def recall(args: argparse.Namespace) -> list[Row]:
    """1. Share of wrong signs, and of values looked up right, against pairs K."""
    d, rows = args.keys, []
    print(
        "rule   K     SNR     wrong signs [95 %]        theory   value right [95 %]        theory"
    )
    counts = (16, 64, 256) if args.quick else (4, 8, 16, 32, 64, 128, 256, 512)
    for rule in ("hebb", "delta"):
        for count in counts:
            wrong, right = [], []
            for seed in range(args.seeds):
                patterns = random_patterns(count, 2 * d, seed).patterns
                with of(args, rule=rule) as memory:
                    got = asked(memory.fit(patterns), patterns, d)
                wrong.append(float((got != patterns[:, d:]).mean()))
                # What is looked up uses the field before its sign is taken.
                fast = fast_weights.written(patterns, rule)  # type: ignore[arg-type]
                scores = patterns[:, :d] @ fast.T @ patterns[:, d:].T
                right.append(float((scores.argmax(axis=1) == np.arange(count)).mean()))
            line = error = look = ""
            if rule == "hebb":
                error = f"{theory.fast_weights_error(d, count):.4f}"
                look = f"{theory.fast_weights_lookup(d, d, count):.3f}"
            line = f"{rule:6} {count:<5} {theory.fast_weights_snr(d, count):<7.3g}"
            print(f"{line} {bootstrap(wrong)!s:25} {error:8} {bootstrap(right)!s:25} {look}")
            row = {"rule": rule, "K": count, "theory_wrong": error, "theory_right": look}
            rows.append(row | {"wrong": bootstrap(wrong).as_dict()})
            rows[-1]["right"] = bootstrap(right).as_dict()
    return rows


def decay(args: argparse.Namespace) -> list[Row]:
    """2. Hebbian writing with decay, K = 200: share of wrong signs against age."""
    d, count, rows = args.keys, 200, []
    print("decay  age   wrong signs [95 %]        theory")
    for lost in (0.02, 0.1):
        for age in (0, 5, 10, 20, 40):
            wrong = []
            for seed in range(args.seeds):
                patterns = random_patterns(count, 2 * d, seed).patterns
                with of(args, decay=lost) as memory:
                    one = patterns[count - 1 - age : count - age]
                    got = asked(memory.fit(patterns), one, d)
                wrong.append(float((got != one[:, d:]).mean()))
            line = theory.fast_weights_error(d, count, lost, age)
            print(f"{lost:<6} {age:<5} {bootstrap(wrong)!s:25} {line:.4f}")
            found = bootstrap(wrong).as_dict()
            rows.append({"decay": lost, "age": age, "wrong": found, "theory": line})
    return rows


def phone_book(args: argparse.Namespace) -> list[Row]:
    """3. Numbers of 7 digits by name, learned on-line: share of numbers that are all right."""
    rows = []
    codes = random_patterns(10, BITS, seed=99).patterns
    width = 256
    print("entries  rule    all right [95 %]    digits right [95 %]     moved, all right [95 %]")
    for count in (10, 20) if args.quick else (10, 20, 40, 80):
        for rule in ("hebb", "delta"):
            found: dict[str, list[float]] = {"all": [], "digit": [], "moved": []}
            for seed in range(args.seeds):
                names = random_patterns(count, width, seed).patterns
                draw = np.random.default_rng(seed)
                numbers = draw.integers(10, size=(count, DIGITS))
                moved = (numbers + draw.integers(1, 10, (count, 1))) % 10
                pairs = np.hstack([names, codes[numbers].reshape(count, -1)])
                later = np.hstack([names, codes[moved].reshape(count, -1)])[: count // 5]
                with of(args, rule=rule, keys=width) as memory:
                    said = digits(asked(memory.partial_fit(pairs), pairs, width), codes)
                    # A fifth of the people move, and get other numbers.
                    again = digits(asked(memory.partial_fit(later), later, width), codes)
                found["all"].append(float((said == numbers).all(axis=1).mean()))
                found["digit"].append(float((said == numbers).mean()))
                found["moved"].append(float((again == moved[: count // 5]).all(axis=1).mean()))
            text = "  ".join(f"{bootstrap(values)!s:22}" for values in found.values())
            print(f"{count:<8} {rule:7} {text}", flush=True)
            rows.append({"entries": count, "rule": rule})
            rows[-1] |= {name: bootstrap(values).as_dict() for name, values in found.items()}
    return rows


def digits(values: Array, codes: Array) -> Array:
    """Return the digits whose codes are nearest, (numbers, DIGITS)."""
    return np.asarray((values.reshape(len(values), DIGITS, BITS) @ codes.T).argmax(axis=-1))


def plot(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for rule in ("hebb", "delta"):
        held = [row for row in rows if row["rule"] == rule]
        counts = [row["K"] for row in held]
        axes.plot(counts, [row["right"]["mean"] for row in held], "o", label=f"{rule}, value right")
        axes.plot(counts, [row["wrong"]["mean"] for row in held], "s", label=f"{rule}, wrong signs")
        if rule == "hebb":
            for name in ("theory_right", "theory_wrong"):
                axes.plot(counts, [float(row[name]) for row in held], "k-", lw=1)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("pairs K")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
