"""What few bits cost HLOP: weights, accumulators and rows, and how they are rounded.

8x8 digits in 4 permutations, 64-100-10, OTTT, the preset ``quick`` of `hebbgraph bench continual`.
Each line changes the float run in one thing; mean and standard deviation over seeds.

    python benchmarks/reproduce_precision.py --seeds 5 --json precision.json
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hebbgraph.continual import run_stream
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.presets import PRESETS
from hebbgraph.continual.rows import NotConverged
from hebbgraph.continual.sources import stream
from hebbgraph.continual.spiking.settings import NetSettings
from hebbgraph.files import write_atomic

PRESET = PRESETS["quick"]
Case = tuple[str, dict[str, Any], dict[str, Any]]


def cases() -> list[Case]:
    """Return name, settings of the network and options of HLOP of each line."""
    found: list[Case] = [("float", {}, {})]
    found += [
        (f"rows {bits} bits, rounded at the merge", {}, {"row_bits": bits})
        for bits in (8, 6, 5, 4, 3)
    ]
    for mode in ("nearest", "shared", "independent"):
        given = {"row_bits": 8, "row_bits_online": True, "rounding": mode}
        found.append((f"rows learned at 8 bits, {mode}", {}, given))
    for bits in (12, 16):
        given = {"row_bits": bits, "row_bits_online": True, "rounding": "independent"}
        found.append((f"rows learned at {bits} bits, independent", {}, given))
    for mode in ("nearest", "shared", "independent"):
        net = {"weight_bits": 8, "accumulator_bits": 8, "rounding": mode}
        found.append((f"weights learned at 8 bits, {mode}", net, {}))
    for bits in (10, 12, 16):
        net = {"weight_bits": bits, "accumulator_bits": bits, "rounding": "independent"}
        found.append((f"weights learned at {bits} bits, independent", net, {}))
    for acts, bits, mode in (
        (8, 12, "independent"), (8, 16, "nearest"), (8, 16, "independent"), (8, 0, "nearest"),
        (6, 16, "independent"), (4, 16, "independent"),
    ):  # fmt: skip
        net = {"weight_bits": acts, "accumulator_bits": bits, "rounding": mode}
        shown = f"{bits} bits, {mode}" if bits else "float"
        found.append((f"weights act at {acts} bits, accumulators {shown}", net, {}))
    chip = {"row_bits": 16, "row_bits_online": True, "rounding": "independent", "burst": 40}
    net = {"weight_bits": 8, "accumulator_bits": 16, "rounding": "independent"}
    found.append(("all: weights 8 / 16, rows 16, bursts of 40", net, chip))
    for burst, span in ((40, 20.0), (20, 20.0), (10, 20.0), (40, 10.0)):
        grain = span / burst
        given = {"burst": burst, "burst_span": span}
        found.append((f"lateral bursts of {burst} spikes, quantum {grain:g}", {}, given))
    return found


def run(case: Case, seed: int, method: str = "hlop") -> tuple[float, float]:
    """Return ACC and BWT, percent; NaN where learning diverged."""
    _, net, options = case
    rows = {"first_rows": PRESET.first_rows, "later_rows": PRESET.later_rows}
    given = rows | dict(PRESET.options["hlop"]) | options if method == "hlop" else {}
    learner = SpikingLearner(NetSettings(**(dict(PRESET.net) | net)), method, given)
    found = run_stream(stream(**PRESET.stream, seed=seed), learner, epochs=PRESET.epochs, seed=seed)
    return 100 * found.report.acc, 100 * found.report.bwt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="lines whose name holds this text")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    warnings.simplefilter("ignore", NotConverged)
    torch.set_num_threads(1)
    document: dict[str, list[tuple[float, float]]] = {}
    lines = [case for case in cases() if args.only in case[0]]
    for case in [("naive, float", {}, {}), *lines]:
        method = "naive" if case[0].startswith("naive") else "hlop"
        document[case[0]] = [run(case, seed, method) for seed in range(args.seeds)]
        acc, bwt = np.array(document[case[0]]).T
        spread = acc.std(ddof=1) if len(acc) > 1 else float("nan")
        print(
            f"{case[0]:54} ACC {acc.mean():5.1f} ({spread:.1f})  BWT {bwt.mean():+5.1f}", flush=True
        )
    if args.json:
        write_atomic(args.json, json.dumps(document, indent=1).encode())


if __name__ == "__main__":
    main()
