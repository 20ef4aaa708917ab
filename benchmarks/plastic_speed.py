"""Time learning on our back ends against lava's LearningDense, as ratios in one run.

400 x 400 plastic synapses that learn in every step by spike-timing-dependent plasticity (two
traces), from random spikes on both sides, one episode:

- lava's own LearningDense (two factors, epoch of one step) on lava's runtime, per step of its run;
- ours: the reference, Lava fused and in parts, and where they learn Brian2 and snnTorch.

All but lava's fixed one (traces of 7 bits, one random number for all) compute the same weights.
Contestants take turns, and the fastest round of each counts. A ratio above 1 says ours is faster.

    python benchmarks/plastic_speed.py --rounds 5 --json plastic.json
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
from hebbgraph.files import write_atomic
from hebbgraph.rules import library

UNITS, STEPS, SLOW_STEPS, RATE = 400, 640, 40, 0.05
#: Decays and rates of the rule; powers of two, so that lava's mantissas hold them.
PLUS, MINUS, DECAY = 0.5, 0.25, 0.25
#: In fixed: the rule times 2**SHIFT, traces in 1/IMPULSE.
SHIFT, IMPULSE = 8, 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    spikes = np.random.default_rng(0).random((2, STEPS, UNITS)) < RATE
    start = np.rint(np.random.default_rng(1).normal(0, 20, (UNITS, UNITS)))
    print(f"{UNITS} x {UNITS} synapses learn in each step, {RATE:.0%} of the units spike")
    document: dict[str, dict[str, float]] = {"microseconds": {}, "ratios": {}}
    for domain in ("float", "fixed"):
        times = {k: 1e6 * s for k, s in measured(domain, start, spikes, args.rounds).items()}
        theirs = times.get(LEARNING_DENSE)
        for name, microseconds in times.items():
            ratio = f"{theirs / microseconds:8.2f} x LearningDense" if theirs else ""
            print(f"  {domain:6} {name:32} {microseconds:10.1f} us a step {ratio}")
            document["microseconds"][f"{domain}, {name}"] = microseconds
            if theirs and name != LEARNING_DENSE:
                document["ratios"][f"{domain}, {name}"] = theirs / microseconds
    if args.json:
        write_atomic(args.json, json.dumps(document, indent=1))


Timed = Callable[[], float]
LEARNING_DENSE = "lava's LearningDense"


def measured(domain: str, start: np.ndarray, spikes: np.ndarray, rounds: int) -> dict[str, float]:
    """Return the seconds of a step of each contestant, the fastest of `rounds` after one more."""
    graph = network(domain, start)
    expected = hg.compile(graph).run(fed(spikes, SLOW_STEPS)).weights["w.weights"]
    contestants: dict[str, Timed] = {}
    programs = []
    for name, backend, steps, options in (
        ("reference", "reference", SLOW_STEPS, {}),
        ("lava, fused", "lava", STEPS, {}),
        ("lava, parts", "lava", SLOW_STEPS, {"model": "parts"}),
        ("brian2, blas", "brian2", STEPS, {}),
        ("snntorch", "snntorch", STEPS, {}),
    ):
        found = discover()[backend]
        availability, gaps = found.availability(), found.capability.gaps(graph)
        if gaps or not availability.usable:
            print(f"  {name}: not measured, {availability.reason or gaps[0]}")
            continue
        program = hg.compile(graph, backend, **options)
        programs.append(program)
        got = program.run(fed(spikes, SLOW_STEPS)).weights["w.weights"]
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=name)
        contestants[name] = seconds_of(program, fed(spikes, steps), steps)
    if discover()["lava"].availability().usable:
        contestants[LEARNING_DENSE] = learning_dense(domain, start, spikes, expected)
    times: dict[str, float] = {}
    for index in range(rounds + 1):
        for name, run in contestants.items():
            seconds = run()
            if index:
                times[name] = min(times.get(name, seconds), seconds)
    for program in programs:
        program.close()
    return times


def network(domain: str, start: np.ndarray) -> hg.Graph:
    rule = library.stdp(PLUS, MINUS, DECAY, DECAY)
    if domain == "fixed":
        decay, size = int(4096 * DECAY), 2**SHIFT // IMPULSE
        rule = hg.Rule(
            f"{int(size * PLUS)}*post*x1 - {int(size * MINUS)}*y1*pre",
            traces={
                "x1": hg.Trace("pre", decay, IMPULSE),
                "y1": hg.Trace("post", decay, IMPULSE),
            },
            shift=SHIFT,
            signal_bits=8,
            rounding="shared",
            low=-256,
            high=255,
        )
    processes = {
        "pre": hg.Input(UNITS, signal="spike"),
        "post": hg.Input(UNITS, signal="spike"),
        "w": hg.Dense(start, rule=rule),
    }
    connections = [hg.Connection("pre.out", "w.s"), hg.Connection("post.out", "w.post")]
    return hg.Graph("plastic", processes, connections, domain=domain)


def fed(spikes: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """Return inputs; spikes reach the synapses a step late, so those of the other side do, too."""
    pre, post = spikes[:, :steps]
    return {"pre": pre, "post": np.vstack([0 * post[:1], post[:-1]])}


def seconds_of(program: hg.Program, inputs: dict[str, np.ndarray], steps: int) -> Timed:
    def run() -> float:
        start = time.perf_counter()
        program.run(inputs)
        return (time.perf_counter() - start) / steps

    return run


def learning_dense(
    domain: str, start: np.ndarray, spikes: np.ndarray, expected: np.ndarray
) -> Timed:
    from hebbgraph.backends.lava import learning_dense as lava

    translated = lava.translate(library.stdp(PLUS, MINUS, DECAY, DECAY))
    pre, post = spikes[:, : SLOW_STEPS - 1]
    if domain == "float":
        got, _ = lava.run(translated.rule, start, pre, post)
        np.testing.assert_allclose(got[-1], expected, rtol=1e-9, atol=1e-9)

    def run() -> float:
        _, seconds = lava.run(translated.rule, start, pre, post, domain=domain, recorded=False)
        return seconds / (SLOW_STEPS - 1)

    return run


if __name__ == "__main__":
    main()
