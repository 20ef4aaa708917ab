"""Time fixed-point simulation against the emulators of Loihi, as ratios in one run.

A recurrent network of 512 leaky integrate-and-fire units in Loihi's integers, driven by 100 spiking
inputs, 64 episodes of 100 steps:

- ours on snnTorch, all episodes at once;
- lava-nc's standard runtime: its own bit-accurate LIF and Dense, a process each (our parts model);
- brian2-loihi, the emulator built on Brian2, compiled by cython, where it is installed
  (``pip install --no-deps brian2-loihi``);
- the floor: the bare matrix products (512 x 612 by 612 x 64) in torch, float32.

The peers take one episode at a time, so times are per sample and step. Contestants take turns, and
the fastest round of each counts; their rasters are compared first.

    python benchmarks/fixed_speed.py --json fixed.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.files import write_atomic
from hebbgraph.random import stream

UNITS, CHANNELS, EPISODES, STEPS = 512, 100, 64, 100
DECAY_U, DECAY_V, THRESHOLD = 1200, 400, 300

Contestants = dict[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)  # lava's own processes never sleep: two cores are taken
    graph, events = network(), spikes_in()
    with hg.compile(graph) as program:
        expected = program.run({"events": events}, STEPS).spikes["unit"]
    print(f"{UNITS} units, {EPISODES} episodes, {STEPS} steps, {expected.mean():.1%} firing")
    #: Contestants by name, with the sample-steps that one turn of them does.
    work: dict[str, tuple[Callable[[], object], int]] = {
        "floor, matrix products": (floor(graph), EPISODES * STEPS)
    }
    ours = hg.compile(graph, "snntorch")
    assert np.array_equal(ours.run({"events": events}, STEPS).spikes["unit"], expected)
    work["snntorch, ours, batch 64"] = (
        lambda: ours.run({"events": events}, STEPS),
        EPISODES * STEPS,
    )
    found = discover()["lava"].availability()
    if found.usable:
        lava = hg.compile(graph, "lava", model="parts")
        assert np.array_equal(lava.run({"events": events[:1]}, STEPS).spikes["unit"], expected[:1])
        work["lava-nc, standard runtime"] = (lambda: lava.run({"events": events[:1]}, STEPS), STEPS)
    else:
        print(f"lava: not measured, {found.reason}; {found.remedy}")
    if find_spec("brian2_loihi"):
        emulate = brian2_loihi(graph, events[0])
        assert np.array_equal(emulate(), expected[0]), "brian2-loihi computes something else"
        work["brian2-loihi, cython"] = (emulate, STEPS)
    else:
        print("brian2-loihi: not installed; pip install --no-deps brian2-loihi")
    times = best(args.rounds, {name: run for name, (run, _) in work.items()})
    each = {name: times[name] / steps for name, (_, steps) in work.items()}
    for name, seconds in each.items():
        print(f"  {name:32} {1e6 * seconds:10.2f} us per sample-step")
    mine = each["snntorch, ours, batch 64"]
    ratios = {name: seconds / mine for name, seconds in each.items()}
    for name, ratio in ratios.items():
        print(f"  snntorch, ours against {name}: {ratio:.2f}")
    if args.json:
        write_atomic(args.json, json.dumps({"seconds": each, "ratios": ratios}, indent=1))


def network() -> hg.Graph:
    draw = stream(0, "fixed_speed", "weights").random((2, UNITS, UNITS + CHANNELS))
    weights = 2 * np.rint(30 * (draw[0] - 0.52)) * (draw[1] < 0.5)
    return hg.Graph(
        "fixed_speed",
        {
            "events": hg.Input(CHANNELS, signal="spike"),
            "entry": hg.Dense(2 * weights[:, UNITS:]),
            "loop": hg.Dense(weights[:, :UNITS]),
            "unit": hg.LIF(UNITS, DECAY_U - 1, DECAY_V, 0, THRESHOLD),
        },
        [
            hg.Connection("events.out", "entry.s"),
            hg.Connection("entry.a", "unit.a"),
            hg.Connection("unit.s", "loop.s"),
            hg.Connection("loop.a", "unit.a"),
        ],
        domain="fixed",
    )


def spikes_in() -> np.ndarray:
    return stream(0, "fixed_speed", "events").random((EPISODES, STEPS, CHANNELS)) < 0.1


def floor(graph: hg.Graph) -> Callable[[], object]:
    both = [graph.processes[name].weights for name in ("loop", "entry")]
    weights = torch.tensor(np.concatenate(both, axis=1), dtype=torch.float32).t()
    arriving = torch.ones(EPISODES, UNITS + CHANNELS)

    def products() -> None:
        for _ in range(STEPS):
            arriving @ weights

    return products


def brian2_loihi(graph: hg.Graph, events: np.ndarray) -> Callable[[], np.ndarray]:
    """Return one episode on brian2-loihi, compiled before it is timed."""
    import brian2 as b2
    import brian2_loihi as bl

    b2.prefs.codegen.target = "cython"
    step, channel = np.nonzero(events)
    # Its synapses deliver in the step of the spike, ours a step later.
    source = bl.LoihiSpikeGeneratorGroup(CHANNELS, channel, step + 1, name="fs_source")
    group = bl.LoihiNeuronGroup(
        UNITS,
        refractory=1,
        threshold_v_mant=THRESHOLD,
        decay_v=DECAY_V,
        decay_I=DECAY_U,
        name="fs_group",
    )
    ends = {"entry": source, "loop": group}
    synapses = []
    for name, pre in ends.items():
        mixed = bl.synapse_sign_mode.MIXED
        joined = bl.LoihiSynapses(pre, group, sign_mode=mixed, name=f"fs_{name}")
        joined.connect()
        joined.w = graph.processes[name].weights.T.ravel().astype(np.int64)
        synapses.append(joined)
    monitor = bl.LoihiSpikeMonitor(group, name="fs_spikes")
    net = bl.LoihiNetwork(source, group, *synapses, monitor)
    net.store()

    def run() -> np.ndarray:
        net.restore()
        net.run(STEPS)
        raster = np.zeros((STEPS, UNITS), dtype=bool)
        raster[np.rint(np.asarray(monitor.t)).astype(int), np.asarray(monitor.i)] = True
        return raster

    return run


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


if __name__ == "__main__":
    main()
