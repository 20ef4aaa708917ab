"""Time recall from a large modern Hopfield memory against torch by hand and hopfield-layers.

1,000 cues into 10,000 stored patterns of 1,000 units, float32 on the CPU, softmax included:

- the floor: the two bare matrix products, cues by patterns and shares by patterns;
- by hand: ``softmax(beta C X^T) X`` in torch, and torch's fused attention;
- ours: the graph of `modern_hopfield` on the snnTorch engine, and the layer of `hebbgraph.layers`;
- hopfield-layers' own `Hopfield`, where it can be imported (put its checkout on PYTHONPATH).

Contestants take turns, and the fastest round of each counts. All answers are compared first. Peak
memory is that of a fresh process that builds one contestant and recalls once, less what it needs
to import everything and hold the patterns and cues in float32.

    PYTHONPATH=path/to/hopfield-layers python benchmarks/association_speed.py --json speed.json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import hebbgraph as hg
from hebbgraph.files import write_atomic
from hebbgraph.layers import Hopfield
from hebbgraph.models import modern_hopfield

Recall = Callable[[], Any]
STATIC: dict[str, Any] = {
    "stored_pattern_as_static": True,
    "state_pattern_as_static": True,
    "pattern_projection_as_static": True,
    "disable_out_projection": True,
} | {
    f"normalize_{name}{suffix}": False
    for name in ("stored_pattern", "state_pattern", "pattern_projection")
    for suffix in ("", "_affine")
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--patterns", type=int, default=10_000)
    parser.add_argument("--cues", type=int, default=1000)
    parser.add_argument("--beta", type=float, default=32.0)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, 2 rounds")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.quick:
        args.units, args.patterns, args.cues, args.rounds = 100, 1000, 100, 2
    torch.set_num_threads(args.threads)
    stored, cues = data(args)
    contestants = all_of(stored, cues, args.beta)
    if args.memory_of:
        print(peak_of(contestants[args.memory_of]))
        return
    print(
        f"{args.cues} cues, {args.patterns} patterns, {args.units} units, float32, torch threads:"
    )
    print(f"{torch.get_num_threads()}; torch {torch.__version__}")
    runs = {name: make() for name, make in contestants.items()}
    compare(runs)
    times = best(args.rounds, runs)
    floor = times["floor: two bare products"]
    document: dict[str, Any] = {"seconds": times, "ratio_to_floor": {}, "peak_mib": {}}
    print(f"{'':44}{'ms':>9}{'x floor':>9}{'peak MiB':>10}")
    base = memory(args, "nothing")
    for name, seconds in times.items():
        peak = memory(args, name) - base
        document["ratio_to_floor"][name] = seconds / floor
        document["peak_mib"][name] = peak
        print(f"{name:44}{1e3 * seconds:9.1f}{seconds / floor:9.2f}{peak:10.0f}")
    if "hopfield-layers, Hopfield" not in times:
        print("hopfield-layers: not measured, hflayers cannot be imported")
    if args.json:
        write_atomic(args.json, json.dumps(document, indent=1))


def data(args: argparse.Namespace) -> tuple[Any, Any]:
    """Return patterns on the unit sphere and spoiled ones, float32."""
    draw = np.random.default_rng(0)
    stored = draw.standard_normal((args.patterns, args.units), dtype=np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    noise = draw.standard_normal((args.cues, args.units), dtype=np.float32)
    return stored, stored[: args.cues] + 0.3 / args.units**0.5 * noise


def all_of(stored: Any, cues: Any, beta: float) -> dict[str, Callable[[], Recall]]:
    """Return what makes each contestant ready."""
    x, c = torch.from_numpy(stored), torch.from_numpy(cues)

    def floor() -> Recall:
        shares = torch.full((len(c), len(x)), 1 / len(x))

        def run() -> Any:
            return c @ x.T, shares @ x

        return run

    def by_hand() -> Recall:
        return lambda: torch.softmax(beta * (c @ x.T), dim=-1) @ x

    def fused() -> Recall:
        attention = torch.nn.functional.scaled_dot_product_attention
        return lambda: attention(c[None, None], x[None, None], x[None, None], scale=beta)[0, 0]

    def layer() -> Recall:
        module = Hopfield(scaling=beta, **STATIC)
        return lambda: module((x[None], c[None], x[None]))[0]

    def engine() -> Recall:
        graph = modern_hopfield.build(stored, beta=beta)
        program = hg.compile(graph, "snntorch", dtype="float32")
        inputs = {"cue": cues[:, np.newaxis]}
        return lambda: program.run(inputs, 3).value("memory.x")[:, -1]

    found = {
        "floor: two bare products": floor,
        "torch by hand: softmax(beta C X^T) X": by_hand,
        "torch's fused attention": fused,
        "ours: hebbgraph.layers, Hopfield": layer,
        "ours: modern_hopfield on snnTorch": engine,
        "nothing": lambda: lambda: None,
    }
    try:
        import hflayers
    except ImportError:
        return found

    def theirs() -> Recall:
        module = hflayers.Hopfield(scaling=beta, **STATIC)
        return lambda: module((x[None], c[None], x[None]))[0]

    return {**found, "hopfield-layers, Hopfield": theirs}


def compare(runs: dict[str, Recall]) -> None:
    """Raise AssertionError unless all recall the same."""
    with torch.no_grad():
        expected = runs["torch by hand: softmax(beta C X^T) X"]().numpy()
        for name, run in runs.items():
            if not name.startswith(("floor", "nothing")):
                difference = np.abs(np.asarray(run()) - expected).max()
                assert difference < 1e-5, (name, difference)


def best(rounds: int, runs: dict[str, Recall]) -> dict[str, float]:
    """Return the fastest round of each, taking turns, after one round to warm up."""
    times: dict[str, float] = {}
    with torch.no_grad():
        for index in range(rounds + 1):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                seconds = time.perf_counter() - start
                if index and name != "nothing":
                    times[name] = min(times.get(name, seconds), seconds)
    return times


def peak_of(make: Callable[[], Recall]) -> float:
    """Return the peak memory of this process in MiB after one recall."""
    with torch.no_grad():
        make()()
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the other number begins with that of the parent
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(args: argparse.Namespace, name: str) -> float:
    """Return the peak of a process of its own, in MiB."""
    command = [sys.executable, __file__, "--memory-of", name, "--beta", str(args.beta)]
    for size in ("units", "patterns", "cues"):
        command += [f"--{size}", str(getattr(args, size))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
