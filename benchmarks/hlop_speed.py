"""Time learning by HLOP against the official procedure written plainly, and against naive training.

MNIST-5k, permuted, 784-400-10, OTTT with 20 steps, minibatches of 64, float32, in the first, the
second and the last of ten tasks (no old rows, some, and as many as then):

- plain: the published procedure as its scripts order it, by hand in torch: in every step the
  presynaptic traces are projected layer by layer, and spikes and traces together are shown to all
  rows, old and new, five times, the old rows' change then set to zero;
- ours: `SpikingLearner` with the method ``hlop`` (new rows only, what is projected chosen by cost,
  static input carried once, rows learn from shares of the steps);
- naive: the same learner without a method; floor: the bare products of naive training.

All see the same minibatches in turn; CPU seconds of one epoch, from the fastest round. The plain
procedure is timed on a part of the epoch. The rows of ours and of the plain procedure are not the
same numbers: rates differ; what they hold of the task's signals is printed too.

    python benchmarks/hlop_speed.py --threads 1 --rounds 3 --json hlop.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hebbgraph.continual import Labelled, Task
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.memory import peak_memory
from hebbgraph.continual.methods.subspace import Subspace
from hebbgraph.continual.presets import PRESETS
from hebbgraph.continual.sources import stream
from hebbgraph.continual.spiking.settings import NetSettings
from hebbgraph.files import write_atomic
from hebbgraph.models.hlop import first_weights, fresh_rows

PRESET = PRESETS["mnist5k"]
STEPS, BATCH, LEAK, THRESHOLD, WIDTH = 20, 64, 0.5, 1.0, 0.5
#: Minibatches of an epoch on which the plain procedure is timed.
PART = 8
#: Old rows and new rows of each layer, by task.
TASKS = {0: ((0, 0), (80, 50)), 1: ((80, 50), (70, 35)), 9: ((460, 240), (10, 5))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contestant")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    task = stream(**PRESET.stream, seed=0).tasks[0]
    document: dict[str, dict[str, float]] = {}
    print(f"784-400-10, {STEPS} steps, minibatches of {BATCH}, {args.threads} thread(s), CPU time")
    print(f"{'task':>4} {'old rows':>10} {'floor':>8} {'naive':>8} {'hlop':>8} {'plain':>8}"
          f" {'plain / hlop':>13} {'hlop / naive':>13}")  # fmt: skip
    for number, (old, new) in TASKS.items():
        sides = contestants(task, number, old, new)
        seconds = {name: float("inf") for name in sides}
        for _ in range(args.rounds):
            for name, run in sides.items():
                seconds[name] = min(seconds[name], run())
        saved, cost = seconds["plain"] / seconds["hlop"], seconds["hlop"] / seconds["naive"]
        document[f"task {number}"] = seconds | {"plain / hlop": saved, "hlop / naive": cost}
        cells = " ".join(f"{seconds[name]:7.2f}s" for name in ("floor", "naive", "hlop", "plain"))
        print(f"{number:4} {'+'.join(map(str, old)):>10} {cells} {saved:13.1f} {cost:13.2f}")
    document["peak memory"] = memory()
    for name, count in document["peak memory"].items():
        print(f"peak memory of an epoch, {name}: {count / 1e6:.0f} MB beyond what was there")
    if args.json:
        write_atomic(args.json, json.dumps(document, indent=1).encode())


def contestants(
    task: Task, number: int, old: tuple[int, int], new: tuple[int, int]
) -> dict[str, Callable[[], float]]:
    """Return what each side takes for one epoch, CPU seconds."""
    rng = np.random.default_rng(number)
    frozen = [orthonormal(rng, m, n) for m, n in zip(old, (784, 400), strict=True)]
    samples = task.train.take(rng.permutation(len(task.train)))
    return {
        "floor": lambda: timed(lambda: products(samples)),
        "naive": lambda: epoch("naive", samples, number, frozen, new),
        "hlop": lambda: epoch("hlop", samples, number, frozen, new),
        "plain": lambda: plain(samples, number, frozen, new),
    }


def timed(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def orthonormal(rng: np.random.Generator, count: int, width: int) -> Tensor:
    rows = np.linalg.qr(rng.standard_normal((width, max(count, 1))))[0].T[:count]
    return torch.tensor(np.ascontiguousarray(rows), dtype=torch.float32)


def learner(method: str, rows: tuple[int, int]) -> SpikingLearner:
    options = {"first_rows": rows, "later_rows": rows, "rates": (8.0,)} if method == "hlop" else {}
    return SpikingLearner(NetSettings(**PRESET.net), method, options)


def epoch(
    method: str, samples: Labelled, number: int, frozen: list[Tensor], new: tuple[int, int]
) -> float:
    """Return the seconds of one epoch of ours, as task `number` with old rows."""
    made = learner(method, new)
    made.start(stream(**PRESET.stream, seed=0), seed=0)
    for subspace, rows in zip(getattr(made.method, "subspaces", ()), frozen, strict=False):
        assert isinstance(subspace, Subspace)
        subspace.old = rows.clone()
    task = Task("task", samples, samples, tuple(range(10)))
    made.begin(number, task)
    return timed(lambda: made.epoch(number, 0, samples))


def products(samples: Labelled) -> None:
    """Compute the matrix products of naive training: forward, errors and updates, no more.

    The static input's are once for each minibatch, the others in every step.
    """
    first, last = (torch.tensor(w, dtype=torch.float32) for w in first_weights((784, 400, 10), 0))
    spikes, delta = torch.rand(BATCH, 400), torch.rand(BATCH, 10)
    for i in range(0, len(samples), BATCH):
        x = torch.tensor(samples.x[i : i + BATCH], dtype=torch.float32)
        a = x @ first.T
        _ = a.T @ x
        for _ in range(STEPS):
            _ = spikes @ last.T
            _ = delta @ last
            _ = delta.T @ spikes


def plain(samples: Labelled, number: int, frozen: list[Tensor], new: tuple[int, int]) -> float:
    """Return the seconds of one epoch of the published procedure, from a part of it."""
    weights = [torch.tensor(w, dtype=torch.float32) for w in first_weights((784, 400, 10), 0)]
    rows = []
    for i, (old, count) in enumerate(zip(frozen, new, strict=True)):
        fresh = fresh_rows(count, old.shape[1], 0, i + 1, number)
        rows.append(torch.cat([old, torch.tensor(fresh, dtype=torch.float32)]))
    momenta = [torch.zeros_like(h) for h in rows]
    count = PART * BATCH
    x = torch.tensor(samples.x[:count], dtype=torch.float32)
    y = torch.tensor(samples.y[:count])

    def run() -> None:
        for i in range(0, count, BATCH):
            plain_minibatch(weights, rows, momenta, frozen, x[i : i + BATCH], y[i : i + BATCH])

    return timed(run) * len(samples) / count


def plain_minibatch(
    weights: list[Tensor],
    rows: list[Tensor],
    momenta: list[Tensor],
    frozen: list[Tensor],
    x: Tensor,
    y: Tensor,
) -> None:
    """Learn one minibatch step by step, every row of H and both layers projected in every step."""
    v = torch.zeros(len(x), 400)
    s, trace = torch.zeros(len(x), 400), torch.zeros(len(x), 400)
    target = torch.nn.functional.one_hot(y, 10).float()
    changes = [torch.zeros_like(w) for w in weights]
    for _ in range(STEPS):
        a = x @ weights[0].T
        v = LEAK * (v - THRESHOLD * s) + a
        s = (v > THRESHOLD).float()
        trace = LEAK * trace + s
        delta = (torch.softmax(s @ weights[1].T, 1) - target) / len(x)
        below = (delta @ weights[1]) * ((v - THRESHOLD).abs() < WIDTH)
        presynaptic, heard = (x, trace), (torch.cat([x, x]), torch.cat([s, trace]))
        for i, error in enumerate((below, delta)):
            p = presynaptic[i]
            kept = rows[i][: len(frozen[i])]
            changes[i] += error.T @ (p - (p @ kept.T) @ kept)
            for _ in range(5):
                hebbian(rows, momenta, i, heard[i], len(frozen[i]))
    for i, change in enumerate(changes):
        weights[i] -= 0.1 / STEPS * change


def hebbian(
    rows: list[Tensor], momenta: list[Tensor], i: int, signals: Tensor, frozen: int
) -> None:
    """Change all rows of H and take the change of the old ones back."""
    h = rows[i]
    response = signals @ h.T
    step = response.T @ (signals - response @ h) / len(signals)
    step = step.clamp(-10, 10)
    step[:frozen] = 0
    momenta[i] = 0.9 * momenta[i] + 0.1 * step
    rows[i] = h + (0.001 if i == 0 else 0.01) * momenta[i]


def memory() -> dict[str, float]:
    """Return the peak memory of an epoch of ours, bytes."""
    tasks = stream(**PRESET.stream, seed=0)
    sides = {"naive": learner("naive", (0, 0)), "hlop": learner("hlop", (80, 50))}
    return {name: float(peak_memory(tasks, made).learning) for name, made in sides.items()}


if __name__ == "__main__":
    main()
