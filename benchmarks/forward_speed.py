"""Time training with our snnTorch back end against hand-written loops, as ratios in one run.

Feed-forward nets of leaky units (hard reset, detached; atan surrogate; float32; spikes in, cross
entropy on spike counts), forward without gradients and forward with backward:

- ours: the lowered graph itself, ``Program.artefact``, all time steps at once and step by step;
- a hand-written snnTorch loop over time (``Linear`` and ``Leaky``);
- SpikingJelly's multi-step layers, if it is installed (``--no-deps``: it asks for another torch);
- the floor: the bare matrix products, of all time steps at once.

Then a recurrent net, where only steps inside the cycle are run one by one, against the same loop;
and a recurrent memory in the fixed domain, ours against itself: the run against the pass.

Contestants take turns on one thread, and the fastest round of each counts. A ratio above 1 says
ours is faster.

    python benchmarks/forward_speed.py --rounds 10 --json speed.json
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import snntorch as snn
import torch
from torch import Tensor
from torch.nn import functional

import hebbgraph as hg
from hebbgraph.data import random_patterns
from hebbgraph.files import write_atomic
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import hopfield
from hebbgraph.processes import Process

BETA, THRESHOLD, SHARE = 0.9, 1.0, 0.1
#: (inputs, hidden, outputs), steps, episodes.
NETS = (((784, 800, 10), 20, 64), ((100, 100, 10), 20, 16), ((100, 100, 10), 100, 16))
RECURRENT = (((100, 100, 10), 50, 16), ((100, 512, 10), 20, 64))
#: A memory: neurons, patterns, episodes, steps.
MEMORY = (512, 40, 64, 50)

Contestants = dict[str, Callable[[], object]]
#: Returns the output spikes (steps, episodes, units) for inputs (steps, episodes, units).
Net = Callable[[Tensor], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="turns of each contestant")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    document: dict[str, object] = {}
    for recurrent, nets in ((False, NETS), (True, RECURRENT)):
        for sizes, steps, episodes in nets:
            name = f"{'-'.join(map(str, sizes))}, {steps} steps, {episodes} episodes"
            name += ", hidden units recurrent" if recurrent else ""
            print(name)
            weights = weights_of(sizes, recurrent=recurrent)
            document[name] = compare(weights, steps, episodes, args.rounds)
    print(
        "a recurrent memory of {} neurons, fixed, {} patterns, {} episodes, {} steps".format(
            *MEMORY
        )
    )
    document["memory"] = memory(args.rounds)
    if importlib.util.find_spec("spikingjelly") is None:
        print("spikingjelly: not measured, not installed; pip install --no-deps spikingjelly")
    if args.json:
        write_atomic(args.json, json.dumps(document, indent=1))


def weights_of(sizes: tuple[int, int, int], *, recurrent: bool) -> list[np.ndarray]:
    """Return the matrices of the two layers, and of the hidden units' recurrent synapses."""
    random = np.random.default_rng(0)
    found = [
        random.normal(0, 2 / np.sqrt(pre * SHARE), (post, pre))
        for pre, post in itertools.pairwise(sizes)
    ]
    if recurrent:
        found.append(random.normal(0, 1 / np.sqrt(sizes[1]), (sizes[1], sizes[1])))
    return found


def compare(
    weights: list[np.ndarray], steps: int, episodes: int, rounds: int
) -> dict[str, dict[str, float]]:
    """Print and return the seconds of every contestant, forward, and forward with backward."""
    random = np.random.default_rng(1)
    shape = (steps, episodes, weights[0].shape[1])
    x = torch.tensor(random.random(shape) < SHARE, dtype=torch.float32)
    labels = torch.tensor(random.integers(0, len(weights[1]), episodes))
    nets = contestants(weights)
    check(nets, x, recurrent=len(weights) > 2)
    found: dict[str, dict[str, float]] = {}
    forward: Contestants = {name: lambda net=net: evaluate(net, x) for name, net in nets.items()}
    forward["floor"] = floor(weights, x, backward=False)
    both: Contestants = {
        name: lambda net=net: functional.cross_entropy(net(x).sum(dim=0), labels).backward()
        for name, net in nets.items()
    }
    both["floor"] = floor(weights, x, backward=True)
    for kind, runs in (("forward", forward), ("forward and backward", both)):
        times = best(rounds, runs)
        plain = times["snnTorch, plain loop"]
        print(f"  {kind}")
        for label, seconds in times.items():
            ratio = f"{plain / seconds:6.2f} x the plain loop" if label != "floor" else ""
            print(f"    {label:28} {1e3 * seconds:8.2f} ms {ratio}")
        found[kind] = times
    return found


def contestants(weights: list[np.ndarray]) -> dict[str, Net]:
    """Return every net that can be had, with the same weights."""
    network = hg.compile(graph(weights), "snntorch", dtype="float32").artefact

    def ours(x: Tensor, *, stepwise: bool = False) -> Tensor:
        spikes, _ = network({"x": x.transpose(0, 1)}, stepwise=stepwise)
        return spikes["cell1"].transpose(0, 1)

    nets: dict[str, Net] = {
        "ours": ours,
        "ours, step by step": lambda x: ours(x, stepwise=True),
        "snnTorch, plain loop": by_hand(weights),
    }
    if importlib.util.find_spec("spikingjelly") is not None and len(weights) == 2:
        nets["SpikingJelly, multi-step"] = spikingjelly(weights)
    return nets


def graph(weights: list[np.ndarray]) -> hg.Graph:
    """Return the net as a graph."""
    processes: dict[str, Process] = {"x": hg.Input(weights[0].shape[1], signal="spike")}
    connections, source = [], "x.out"
    for index, matrix in enumerate(weights[:2]):
        processes[f"w{index}"] = hg.Dense(matrix)
        processes[f"cell{index}"] = hg.LIF(len(matrix), 1, 1 - BETA, 0, THRESHOLD)
        connections.append(hg.Connection(source, f"w{index}.s"))
        connections.append(hg.Connection(f"w{index}.a", f"cell{index}.a"))
        source = f"cell{index}.s"
    for matrix in weights[2:]:
        processes["loop"] = hg.Dense(matrix)
        connections.append(hg.Connection("cell0.s", "loop.s"))
        connections.append(hg.Connection("loop.a", "cell0.a"))
    return hg.Graph("net", processes, connections)


def by_hand(weights: list[np.ndarray]) -> Net:
    """Return what a user of snnTorch would write."""
    layers = []
    for matrix in weights:
        linear = torch.nn.Linear(*matrix.shape[::-1], bias=False)
        linear.weight.data = torch.tensor(matrix, dtype=torch.float32)
        leaky = snn.Leaky(beta=BETA, threshold=THRESHOLD, reset_mechanism="zero")
        layers.append((linear, leaky))

    (into, hidden), (onward, last), *loops = layers

    def net(x: Tensor) -> Tensor:
        voltage, out_voltage = hidden.reset_mem(), last.reset_mem()
        spikes = x.new_zeros(x.shape[1], into.out_features)
        record = []
        for row in x:
            current = into(row)
            for recurrent, _ in loops:
                current = current + recurrent(spikes)
            spikes, voltage = hidden(current, voltage)
            out, out_voltage = last(onward(spikes), out_voltage)
            record.append(out)
        return torch.stack(record)

    return net


def spikingjelly(weights: list[np.ndarray]) -> Net:
    """Return SpikingJelly's layers in multi-step mode."""
    from spikingjelly.activation_based import functional as reset
    from spikingjelly.activation_based import layer, neuron, surrogate

    layers = []
    for matrix in weights:
        linear = layer.Linear(*matrix.shape[::-1], bias=False, step_mode="m")
        linear.weight.data = torch.tensor(matrix, dtype=torch.float32)
        cell = neuron.LIFNode(
            tau=1 / (1 - BETA),
            decay_input=False,
            v_threshold=THRESHOLD,
            v_reset=0.0,
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
            step_mode="m",
        )
        layers += [linear, cell]
    net = torch.nn.Sequential(*layers)

    def run(x: Tensor) -> Tensor:
        reset.reset_net(net)
        spikes: Tensor = net(x)
        return spikes

    return run


def evaluate(net: Net, x: Tensor) -> Tensor:
    with torch.no_grad():
        return net(x)


def check(nets: dict[str, Net], x: Tensor, *, recurrent: bool) -> None:
    """See that all compute the same, up to the rounding of sums; our synapses take a step each."""
    late, share = 2, 0.05 if recurrent else 1e-3  # a flipped spike spreads in a recurrent net
    expected = evaluate(nets["snnTorch, plain loop"], x)[:-late]
    assert expected.sum() > 0, "nothing spikes"
    for name, net in nets.items():
        spikes = evaluate(net, x)
        spikes = spikes[late:] if name.startswith("ours") else spikes[:-late]
        differ = int((spikes != expected).sum())
        assert differ <= share * expected.numel(), f"{name} computes something else: {differ}"


def floor(weights: list[np.ndarray], x: Tensor, *, backward: bool) -> Callable[[], object]:
    """Return the matrix products alone."""
    matrices = [torch.tensor(matrix, dtype=torch.float32) for matrix in weights]
    values = [x.flatten(0, 1)]
    values += [torch.rand(len(values[0]), len(matrix)) for matrix in matrices[:2]]
    # (what goes in, the matrix, what comes out)
    products = list(zip(values, matrices, values[1:], strict=False))
    products += [(values[1], matrix, values[1]) for matrix in matrices[2:]]

    def multiply() -> None:
        for index, (given, matrix, out) in enumerate(products):
            given @ matrix.t()
            if backward:
                out.t() @ given
                if index:
                    out @ matrix

    return multiply


def memory(rounds: int) -> dict[str, float]:
    """Print and return the seconds of a recall in the fixed domain, by the run and by the pass."""
    neurons, patterns, episodes, steps = MEMORY
    stored = random_patterns(patterns, neurons, seed=0).patterns
    program = hg.compile(hopfield.build(stored), "snntorch", domain="fixed")
    starts = cues(stored, "flip", 0.1, seed=0, per_pattern=2).reshape(-1, neurons)[:episodes]
    inputs = {"cue": hopfield.cue(starts)}
    tensors = {"cue": torch.tensor(inputs["cue"])}

    def by_pass() -> Tensor:
        with torch.no_grad():
            spikes: Tensor = program.artefact(tensors, steps).spikes["memory"]
            return spikes

    def by_run() -> np.ndarray:
        return program.run(inputs, steps).spikes["memory"]

    assert np.array_equal(by_pass().numpy() > 0, by_run())
    times = best(rounds, {"the run": by_run, "the differentiable pass": by_pass})
    for label, seconds in times.items():
        print(f"    {label:28} {1e3 * seconds:8.2f} ms")
    return times


def best(rounds: int, runs: Contestants) -> dict[str, float]:
    """Return the fastest round of each, taking turns, after one round to warm up."""
    times: dict[str, float] = {}
    for index in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds = time.perf_counter() - start
            if index:
                times[name] = min(times.get(name, seconds), seconds)
    return times


if __name__ == "__main__":
    main()
