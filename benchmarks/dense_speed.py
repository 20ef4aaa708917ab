"""Time a dense memory against its two bare matrix products, side by side in one run.

One update of K hidden units over N visible ones for E cues is two products, (E, N) by (N, K) and
(E, K) by (K, N); whatever else happens should not cost more than half of that again. Contestants
take turns, and the fastest round of each counts, in seconds on the clock and of the processor:

- bare: the two products in torch, float32, into buffers made before;
- by hand: what a user would write in torch, float32: product, polynomial, product, sign;
- ours: `Program.run` on the snnTorch back end, dtype float32, everything from cues to a result
  with its counters not yet asked for.

    python benchmarks/dense_speed.py --units 1000 --patterns 10000 --cues 1000
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import hebbgraph as hg
from hebbgraph.data import random_patterns
from hebbgraph.files import write_atomic
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import dense
from hebbgraph.visible_hidden import leave_one_out, plain

#: What a ratio may be.
GOAL = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--units", type=int, default=1000, help="N (default: %(default)s)")
    parser.add_argument("--patterns", type=int, default=10_000, help="K (default: %(default)s)")
    parser.add_argument("--cues", type=int, default=1000, help="E (default: %(default)s)")
    parser.add_argument("--order", type=int, default=4, help="p (default: %(default)s)")
    parser.add_argument("--updates", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contestant")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    stored = random_patterns(args.patterns, args.units, seed=0).patterns
    starts = cues(stored[: args.cues], "flip", 0.1, seed=0)[:, 0]
    inputs = {"cue": starts[:, np.newaxis].astype(np.float64)}
    rows = []
    for updates in args.updates:
        for self_term in ("kept", "bus"):
            graph = dense.build(stored, args.order, self_term=self_term)
            with hg.compile(graph, "snntorch", dtype="float32") as program:
                contest: dict[str, Callable[[], Any]] = {
                    "bare": bare(stored, args.cues, updates),
                    "by hand": by_hand(stored, starts, args.order, self_term, updates),
                    "ours": functools.partial(program.run, inputs, 2 * updates + 1),
                }
                rows.append(compare(contest, args.rounds, stored, self_term, updates))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**20
    print(f"peak memory of all contestants together: {peak:.0f} MiB")
    print(f"the matrix: {stored.size * 4 / 2**20:.0f} MiB in float32, in the graph twice that")
    if args.json:
        sizes = {name: getattr(args, name) for name in ("units", "patterns", "cues", "order")}
        document = {"sizes": sizes, "threads": torch.get_num_threads(), "rows": rows}
        write_atomic(args.json, json.dumps(document | {"peak_mib": peak}, indent=1))


def compare(
    contest: dict[str, Callable[[], Any]],
    rounds: int,
    stored: np.ndarray,
    self_term: str,
    updates: int,
) -> dict[str, Any]:
    """Return the fastest round of each contestant, taking turns, and say so."""
    times = dict.fromkeys(contest, float("inf"))
    worked = dict.fromkeys(contest, float("inf"))
    found: dict[str, Any] = {}
    for index in range(rounds + 1):
        for name, run in contest.items():
            start, busy = time.perf_counter(), time.process_time()
            found[name] = run()
            if index:
                times[name] = min(times[name], time.perf_counter() - start)
                worked[name] = min(worked[name], time.process_time() - busy)
    final = found["ours"].spikes["memory"][:, -1]
    agree = float((final == found["by hand"]).mean())
    exact = float((final == stored[: len(final)]).all(axis=1).mean())
    ratio, hand = times["ours"] / times["bare"], times["by hand"] / times["bare"]
    processor = worked["ours"] / worked["bare"]
    print(
        f"{updates} updates, self-term {self_term}: bare {times['bare']:.3f} s, "
        f"by hand {times['by hand']:.3f} s ({hand:.2f}), ours {times['ours']:.3f} s ({ratio:.2f}, "
        f"of processor time {processor:.2f}; goal {GOAL}); {exact:.1%} recalled, "
        f"{agree:.2%} of units as by hand",
        flush=True,
    )
    return {
        "updates": updates,
        "self_term": self_term,
        "seconds": times,
        "processor_seconds": worked,
        "ratio": ratio,
        "by_hand_ratio": hand,
        "recalled": exact,
        "units_as_by_hand": agree,
    }


def bare(stored: np.ndarray, episodes: int, updates: int) -> Callable[[], None]:
    """Return the two products of every update."""
    weights = torch.tensor(stored, dtype=torch.float32)
    states, hidden = torch.ones(episodes, stored.shape[1]), torch.empty(episodes, len(stored))

    def run() -> None:
        for _ in range(updates):
            torch.mm(states, weights.t(), out=hidden)
            torch.mm(hidden, weights, out=states)

    return run


def by_hand(
    stored: np.ndarray, starts: np.ndarray, p: int, self_term: str, updates: int
) -> Callable[[], np.ndarray]:
    """Return what a user would write."""
    weights = torch.tensor(stored, dtype=torch.float32)
    units = stored.shape[1]
    if self_term == "kept":
        field, own = plain(p, units, "distinct"), None
    else:
        field, own = leave_one_out(p, units, "distinct")

    def value(coefficients: tuple[int, ...], sums: torch.Tensor) -> torch.Tensor:
        total = torch.zeros_like(sums)
        for coefficient in coefficients[::-1]:
            total = total * sums + coefficient
        return total

    @torch.inference_mode()
    def run() -> np.ndarray:
        states = torch.tensor(starts, dtype=torch.float32)
        for _ in range(updates):
            sums = states @ weights.t()
            fields = (value(field.coefficients, sums) / field.divisor) @ weights
            if own:
                bus = (value(own.coefficients, sums) / own.divisor).sum(1, keepdim=True)
                fields = fields - states * bus
            states = torch.where(fields == 0, states, fields.sign())
        return states.numpy().astype(np.int8)

    return run


if __name__ == "__main__":
    main()
