"""Time and peak memory of a large Hopfield memory: build, compile, recall one cue and many.

Each contestant runs in a process of its own, so that its peak resident memory is its own, with one
thread. Seconds are those of the processor, which other load on the machine does not change much.

    python benchmarks/large_memory.py --size 10000 --load 0.1
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import hebbgraph as hg
from hebbgraph.files import write_atomic
from hebbgraph.harness.corrupt import cues
from hebbgraph.metrics import overlap
from hebbgraph.models import hopfield
from hebbgraph.random import stream

#: What is built, on which engine, with which of its options.
CONTESTANTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "matrix, reference": ({"dynamics": "masked"}, "reference", {}),
    "matrix, snntorch": ({"dynamics": "masked"}, "snntorch", {}),
    "matrix, snntorch float32": ({"dynamics": "masked"}, "snntorch", {"dtype": "float32"}),
    "matrix, events, snntorch float32": ({"dynamics": "event"}, "snntorch", {"dtype": "float32"}),
    "hidden, reference": ({"dynamics": "masked", "hidden": True}, "reference", {}),
    "hidden, snntorch": ({"dynamics": "masked", "hidden": True}, "snntorch", {}),
}
MIB = 2**20
#: What tells the libraries how many threads to use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=10_000, help="units (default: %(default)s)")
    parser.add_argument("--load", type=float, default=0.1, help="patterns per unit")
    parser.add_argument("--cues", type=int, default=32)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--level", type=float, default=0.1, help="share of each cue flipped")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--quick", action="store_true", help="500 units")
    parser.add_argument("--one", choices=CONTESTANTS, help="run one contestant, print JSON")
    args = parser.parse_args()
    args.size = 500 if args.quick else args.size
    if args.one:
        print(json.dumps(measured(args.one, args)))
        return
    sizes = f"N = {args.size}, K = {round(args.load * args.size)}, {args.steps} steps"
    weights = args.size**2 * 8 / MIB
    print(f"{sizes}; the matrix is {weights:.0f} MiB in float64\n")
    head = ("contestant", "build s", "compile s", "1 cue s", f"{args.cues} cues s", "peak MiB", "m")
    print("{:34} {:>8} {:>9} {:>8} {:>10} {:>9}  {}".format(*head))
    rows = []
    for name in CONTESTANTS:
        command = [sys.executable, __file__, "--one", name]
        for key in ("size", "load", "cues", "steps", "level"):
            command += [f"--{key}", str(getattr(args, key))]
        environment = os.environ | dict.fromkeys(THREADS, "1")
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        row = json.loads(done.stdout)
        rows.append(row)
        print(
            f"{name:34} {row['build']:8.1f} {row['compile']:9.1f} {row['one']:8.2f} "
            f"{row['many']:10.2f} {row['peak']:9.0f}  {row['overlap']:.4f}",
            flush=True,
        )
    if args.json:
        write_atomic(args.json, json.dumps(rows, indent=1))


def measured(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return seconds of every stage, peak memory in MiB, and the overlap of what is recalled."""
    parameters, backend, options = CONTESTANTS[name]
    count = round(args.load * args.size)
    bits = stream(0, "large_memory", "patterns").random((count, args.size)) < 0.5
    stored = np.where(bits, 1, -1).astype(np.int8)
    del bits
    wanted = stored[: args.cues]
    spoiled = cues(wanted, "flip", args.level, seed=0)[:, 0]
    before = peak()
    times = [time.process_time()]
    graph = hopfield.build(stored, "hebbian", **parameters)
    times.append(time.process_time())
    with hg.compile(graph, backend, **options) as program:
        times.append(time.process_time())
        # The first run also hashes the weights, once, for the provenance.
        program.run(hopfield.FAMILY.present(spoiled[:1]), 2)
        times.append(time.process_time())
        program.run(hopfield.FAMILY.present(spoiled[:1]), args.steps)
        times.append(time.process_time())
        result = program.run(hopfield.FAMILY.present(spoiled), args.steps)
        times.append(time.process_time())
    final = hopfield.FAMILY.read(result)[:, -1]
    build, compiled, first, one, many = np.diff(times).tolist()
    return {
        "name": name,
        "build": build,
        "compile": compiled,
        "first": first,
        "one": one,
        "many": many,
        "before": before,
        "peak": peak(),
        "overlap": float(overlap(final, wanted).mean()),
    }


def peak() -> float:
    """Return the peak resident memory of this process, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MIB if sys.platform == "darwin" else most / 1024


if __name__ == "__main__":
    main()
