"""Time our back ends against what a user would write by hand, as ratios in one run.

64 recalls of a 512-neuron memory over 50 steps:

- snnTorch: our back end against a plain snnTorch loop (Leaky, Linear recurrence, float32);
- Brian2: our back end against the per-sample script (store, restore, one run() a recall);
- Lava: our fused model against the standard-parts model, per sample-step;
- the floor: the 50 bare matrix products (512 x 512 by 512 x 64) in NumPy, float32.

Contestants take turns, and the fastest round of each counts. A ratio above 1 says ours is faster.

    python benchmarks/recall_speed.py --rounds 5 --json speed.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.data import random_patterns
from hebbgraph.files import write_atomic
from hebbgraph.harness.corrupt import cues
from hebbgraph.models import hopfield

UNITS, EPISODES, STEPS, PATTERNS = 512, 64, 50, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--slow-samples", type=int, default=4, help="recalls of the slow peers")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    stored = random_patterns(PATTERNS, UNITS, seed=0).patterns
    graph = hopfield.build(stored)
    starts = cues(stored, "flip", 0.1, seed=0, per_pattern=2).reshape(-1, UNITS)[:EPISODES]
    expected = raster(graph, "reference", starts)
    found: dict[str, float] = {}
    ratios: dict[str, float] = {}

    floor = best(args.rounds, floor_of(graph))["floor"]
    print(f"{EPISODES} recalls, {UNITS} neurons, {STEPS} steps; floor {1e3 * floor:.1f} ms")
    for section in (snntorch_section, brian2_section, lava_section):
        name = section.__name__.removesuffix("_section")
        availability = discover()[name].availability()
        if not availability.usable:
            print(f"{name}: not measured, {availability.reason}; {availability.remedy}")
            continue
        times, pairs = section(graph, starts, expected, args)
        for label, seconds in times.items():
            print(f"  {label:48} {1e3 * seconds:10.1f} ms  {seconds / floor:8.1f} x floor")
        for label, (ours, theirs) in pairs.items():
            ratios[label] = times[theirs] / times[ours]
            print(f"  {label}: {ratios[label]:.2f}")
        found |= times
    if args.json:
        document = {"floor_seconds": floor, "seconds": found, "ratios": ratios}
        write_atomic(args.json, json.dumps(document, indent=1))


Contestants = dict[str, Callable[[], object]]
Section = tuple[dict[str, float], dict[str, tuple[str, str]]]


def best(rounds: int, contestants: Contestants) -> dict[str, float]:
    """Return the fastest round of each, taking turns, after one round to warm up."""
    times: dict[str, float] = {}
    for index in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            seconds = time.perf_counter() - start
            if index:
                times[name] = min(times.get(name, seconds), seconds)
    return times


def raster(graph: hg.Graph, backend: str, starts: np.ndarray, **options: object) -> np.ndarray:
    with hg.compile(graph, backend, **options) as program:
        return program.run({"cue": hopfield.cue(starts)}, STEPS).spikes["memory"]


def floor_of(graph: hg.Graph) -> Contestants:
    weights = graph.processes["recurrent"].weights.astype(np.float32)
    spikes = np.random.default_rng(0).random((UNITS, EPISODES)).astype(np.float32)

    def products() -> None:
        for _ in range(STEPS):
            weights @ spikes

    return {"floor": products}


def snntorch_section(
    graph: hg.Graph, starts: np.ndarray, expected: np.ndarray, args: argparse.Namespace
) -> Section:
    import snntorch as snn
    import torch

    memory, weights = graph.processes["memory"], graph.processes["recurrent"].weights
    gain = torch.tensor(graph.processes["cue"].gain, dtype=torch.float32)
    recurrent = torch.nn.Linear(UNITS, UNITS)
    recurrent.weight.data = torch.tensor(weights, dtype=torch.float32)
    recurrent.bias.data = torch.tensor(memory.bias, dtype=torch.float32)
    neuron = snn.Leaky(beta=0.0, threshold=0.0, reset_mechanism="zero", reset_delay=False)
    cue = torch.tensor(starts, dtype=torch.float32)

    def by_hand() -> torch.Tensor:
        with torch.no_grad():
            spikes = torch.zeros(EPISODES, UNITS)
            voltage = neuron.reset_mem()
            record = []
            for step in range(STEPS):
                current = recurrent(spikes)
                if step == 0:
                    current = current + gain * cue
                spikes, voltage = neuron(current, voltage)
                record.append(spikes)
            return torch.stack(record, 1)

    assert np.array_equal(by_hand().numpy() > 0, expected), "the plain loop computes something else"
    inputs = {"cue": hopfield.cue(starts)}
    programs = {
        "snntorch, ours, float64": hg.compile(graph, "snntorch"),
        "snntorch, ours, float32": hg.compile(graph, "snntorch", dtype="float32"),
        "snntorch, ours, fixed": hg.compile(graph, "snntorch", domain="fixed"),
    }
    runs: Contestants = {"snntorch, plain loop, float32": by_hand}
    for name, program in programs.items():
        assert np.array_equal(program.run(inputs, STEPS).spikes["memory"], expected), name
        runs[name] = lambda program=program: program.run(inputs, STEPS)
    times = best(args.rounds, runs)
    plain = "snntorch, plain loop, float32"
    return times, {f"{name} against the plain loop": (name, plain) for name in programs}


def brian2_section(
    graph: hg.Graph, starts: np.ndarray, expected: np.ndarray, args: argparse.Namespace
) -> Section:
    import brian2 as b2

    memory, weights = graph.processes["memory"], graph.processes["recurrent"].weights
    gain = graph.processes["cue"].gain
    b2.prefs.codegen.target = "numpy"
    group = b2.NeuronGroup(
        UNITS,
        "v : 1\nI : 1\ndrive : 1\nbias : 1",
        threshold="v > 0",
        reset="v = 0",
        dt=1 * b2.ms,
        name="plain_memory",
    )
    group.run_regularly("v = I + drive + bias\nI = 0\ndrive = 0", when="groups")
    synapses = b2.Synapses(
        group, group, "w : 1", on_pre="I_post += w", clock=group.clock, name="plain_recurrent"
    )
    synapses.connect()
    synapses.w = weights.T.ravel()
    group.bias = memory.bias
    spikes = b2.SpikeMonitor(group, name="plain_spikes")
    network = b2.Network(group, synapses, spikes)
    network.store()
    samples = min(args.slow_samples, EPISODES)

    def by_hand() -> np.ndarray:
        rasters = np.zeros((samples, STEPS, UNITS), dtype=bool)
        for episode in range(samples):
            network.restore()
            group.drive = gain * starts[episode]
            network.run(STEPS * b2.ms)
            rasters[episode, np.rint(spikes.t / b2.ms).astype(int), spikes.i] = True
        return rasters

    assert np.array_equal(by_hand(), expected[:samples]), "the plain script computes something else"
    inputs = {"cue": hopfield.cue(starts)}
    programs = {
        "brian2, ours, numpy, blas": hg.compile(graph, "brian2"),
        "brian2, ours, numpy, synapses": hg.compile(graph, "brian2", dense="synapses"),
    }
    runs: Contestants = {"per sample": by_hand}
    for name, program in programs.items():
        assert np.array_equal(program.run(inputs, STEPS).spikes["memory"], expected), name
        runs[name] = lambda program=program: program.run(inputs, STEPS)
    times = best(min(args.rounds, 2), runs)
    plain = f"brian2, per-sample script, numpy (from {samples} samples)"
    times[plain] = times.pop("per sample") * EPISODES / samples
    return times, {f"{name} against the per-sample script": (name, plain) for name in programs}


def lava_section(
    graph: hg.Graph, starts: np.ndarray, expected: np.ndarray, args: argparse.Namespace
) -> Section:
    samples = min(args.slow_samples, EPISODES)
    fused = hg.compile(graph, "lava", domain="fixed")
    parts = hg.compile(graph, "lava", domain="fixed", model="parts")
    inputs = {"cue": hopfield.cue(starts)}
    few = {"cue": hopfield.cue(starts[:samples])}
    assert np.array_equal(fused.run(inputs, STEPS).spikes["memory"], expected)
    assert np.array_equal(parts.run(few, STEPS).spikes["memory"], expected[:samples])
    times = best(
        min(args.rounds, 3),
        {"fused": lambda: fused.run(inputs, STEPS), "parts": lambda: parts.run(few, STEPS)},
    )
    fused.close()
    parts.close()
    names = ("lava, fused, fixed", f"lava, standard parts, fixed (from {samples} samples)")
    times = {names[0]: times["fused"], names[1]: times["parts"] * EPISODES / samples}
    return times, {"lava, fused against standard parts": names}


if __name__ == "__main__":
    main()
