"""Time the pricing of stored runs on every machine, with a thousand draws of every cost.

One run as it is stored, on all shipped machines (guessed ones too); then a hundred runs, against a
plain loop that prices run by run, machine by machine and draw by draw. Configs are read before.
Seconds are of the processor; the ratio compares equal work, the loop's scaled from a few draws.

    python benchmarks/pricing_speed.py --samples 1000 --json pricing.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import hebbgraph as hg
from hebbgraph.counters import Counters
from hebbgraph.data import random_patterns
from hebbgraph.energy.table import EnergyTable, energy_table
from hebbgraph.energy.uncertainty import deviations, spread
from hebbgraph.files import write_atomic
from hebbgraph.hardware import Hardware, available, load
from hebbgraph.models import hopfield

RUNS, ROUNDS = 100, 5
#: Draws of the plain loop, from which its time is scaled.
FEW = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=1000, help="draws of every cost")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    machines = [load(name) for name in available()]
    runs = {str(seed): stored(seed) for seed in range(RUNS)}
    one = {"0": runs["0"]}
    check(table(one, machines, FEW), one, machines)
    seconds = {
        "one run": fastest(lambda: table(one, machines, args.samples)),
        f"{RUNS} runs": fastest(lambda: table(runs, machines, args.samples)),
        "plain loop, one run": fastest(lambda: loop(one, machines, FEW)) * args.samples / FEW,
    }
    result: dict[str, Any] = {
        "machines": len(machines),
        "samples": args.samples,
        "seconds": seconds,
        "ratio": RUNS * seconds["plain loop, one run"] / seconds[f"{RUNS} runs"],
    }
    print(f"{len(machines)} machines, {args.samples} draws")
    for name, value in seconds.items():
        print(f"  {name:20} {value:8.4f} s")
    print(f"  {RUNS} runs at once: {result['ratio']:.0f} times as fast as the plain loop")
    if args.json:
        write_atomic(args.json, json.dumps(result, indent=1))


def stored(seed: int) -> Counters:
    """Return the counters of four recalls of a small memory."""
    patterns = random_patterns(5, 64, seed=seed).patterns
    with hg.compile(hopfield.build(patterns), "reference") as program:
        return program.run({"cue": hopfield.cue(patterns[:4])}, steps=5).counters


def table(runs: Mapping[str, Counters], machines: list[Hardware], samples: int) -> EnergyTable:
    return energy_table(runs, machines, samples=samples, independent=True, allow_synthetic=True)


def loop(runs: Mapping[str, Counters], machines: list[Hardware], samples: int) -> np.ndarray:
    """Return dynamic energies (run, machine, draw), one count times one cost after another."""
    found = np.zeros((len(runs), len(machines), samples))
    for n, counters in enumerate(runs.values()):
        totals = counters.totals()
        for h, machine in enumerate(machines):
            for counter, entry in machine.costs.items():
                for cost in entry:
                    if cost.component == "learning":
                        continue
                    cite = machine.sources[cost.source].address or machine.sources[cost.source].text
                    key = f"{cite}\0{counter}\0{cost.component}"
                    z = deviations([key], samples, 0)[0]
                    for s in range(samples):
                        price = float(spread(cost.low, cost.value, cost.high, z[s]))
                        found[n, h, s] += totals.get(counter, 0) * price
    return found


def check(priced: EnergyTable, runs: Mapping[str, Counters], machines: list[Hardware]) -> None:
    """Raise if the two disagree: only equal work is compared."""
    np.testing.assert_allclose(priced.samples["dynamic"], loop(runs, machines, FEW), rtol=1e-12)


def fastest(task: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
