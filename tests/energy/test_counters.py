"""Counters against counting by hand: plain loops over episodes, steps, connections and synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe, compile  # noqa: A004
from hebbgraph.backend import Job
from hebbgraph.backends.reference.interpreter import Interpreter
from hebbgraph.counters import Counters, count
from hebbgraph.graph import MAX_DELAY
from hebbgraph.processes import Domain
from hebbgraph.recording import Recording
from hebbgraph.result import Result

Inputs = dict[str, Any]


def brute_force(graph: Graph, emitted: Inputs, steps: int) -> dict[str, dict[str, int]]:
    """Count event by event; `emitted` holds what every process emitted, synapses too."""
    counts: dict[str, dict[str, int]] = {path: {} for path, _ in graph.walk()}

    def add(path: str, counter: str, n: int = 1) -> None:
        if n:
            counts[path][counter] = counts[path].get(counter, 0) + n

    def sent(connection: Connection, episode: int, t: int, unit: int) -> bool:
        values = emitted[connection.source.rpartition(".")[0]]
        at = t - (connection.delay or 0)
        return at >= 0 and values[episode][at][unit] != 0

    def arrives(path: str, episode: int, t: int, unit: int) -> list[Connection]:
        """Return the connections that deliver an event to one presynaptic unit of a synapse."""
        return [c for c in graph.sources(f"{path}.s") if sent(c, episode, t, unit)]

    def reached(path: str, process: Dense, episode: int, t: int, target: int) -> bool:
        return any(
            process.weights[target, unit] != 0 and arrives(path, episode, t, unit)
            for unit in range(process.weights.shape[1])
        )

    episodes = len(next(iter(emitted.values())))
    for path, process in graph.walk():
        for episode in range(episodes):
            for t in range(steps):
                if isinstance(process, Input):
                    name = "spikes" if process.signal == "spike" else "graded_events"
                    add(path, name, sum(bool(x) for x in emitted[path][episode][t]))
                elif isinstance(process, Dense):
                    add(path, "synops_dense", process.weights.size)
                    for unit in range(process.weights.shape[1]):
                        synapses = sum(bool(w) for w in process.weights[:, unit])
                        for connection in arrives(path, episode, t, unit):
                            spike = graph.port(connection.source).signal == "spike"
                            add(path, "synops_ac" if spike else "synops_mac", synapses)
                            words, rest = divmod(9 * synapses, 64)
                            add(path, "synaptic_words", words + (rest > 0))
                    feeds = any(
                        isinstance(graph.flat_processes[c.target.rpartition(".")[0]], Dense)
                        for c in graph.flat_connections
                        if c.source == f"{path}.a"
                    )
                    if feeds:
                        add(path, "graded_events", sum(bool(x) for x in emitted[path][episode][t]))
                elif isinstance(process, LIF):
                    for unit in range(process.size):
                        spike = bool(emitted[path][episode][t][unit])
                        active = spike or np.asarray(process.bias)[unit] != 0
                        for c in graph.sources(f"{path}.a"):
                            source = c.source.rpartition(".")[0]
                            sender = graph.flat_processes[source]
                            at = t - (c.delay or 0)
                            if isinstance(sender, Dense):
                                hit = at >= 0 and reached(source, sender, episode, at, unit)
                            else:
                                hit = sent(c, episode, t, unit)
                            active = active or hit
                        add(path, "spikes", spike)
                        add(path, "neuron_accesses")
                        add(path, "updates_active" if active else "updates_idle")
    return counts


def run(graph: Graph, inputs: Inputs, steps: int) -> Result:
    with compile(graph) as program:
        return program.run(inputs, steps)


def per_process(counters: Counters) -> dict[str, Any]:
    return dict(counters.as_dict()["processes"])


def random_graph(seed: int, domain: Domain) -> tuple[Graph, Inputs, int]:
    """Return two populations and inputs of both kinds, wired at random with several delays."""
    rng = np.random.default_rng(seed)
    n, m, k = rng.integers(2, 12, size=3)

    def weights(rows: int, columns: int) -> Any:
        dense = 2 * rng.integers(-3, 4, (rows, columns))
        return dense * (rng.random((rows, columns)) < 0.6)

    def delay(least: int) -> int:
        return int(rng.integers(least, 4))

    threshold = rng.integers(0, 4, n)
    bias = (rng.random(n) < 0.3) * (1 if domain == "float" else 64)
    decay = 1 if domain == "float" else 4095
    processes = {
        "data": Input(int(k)),
        "events": Input(int(k), signal="spike"),
        "wire": Input(int(n)),
        "a": LIF(int(n), decay, decay, bias=bias, threshold=threshold),
        "b": LIF(int(m), decay, decay, threshold=1),
        "in_a": Dense(weights(n, k)),
        "aa": Dense(weights(n, n)),
        "ab": Dense(weights(m, n)),
        "ba": Dense(weights(n, m)),
    }
    first = delay(1)
    connections = [
        Connection("data.out", "in_a.s", delay(1)),
        Connection("events.out", "in_a.s", delay(1)),
        Connection("events.out", "in_a.s", 5),
        Connection("in_a.a", "a.a", delay(0)),
        Connection("wire.out", "a.a", delay(0)),
        Connection("a.s", "aa.s", first),
        Connection("a.s", "aa.s", first + 1),
        Connection("aa.a", "a.a", delay(0)),
        Connection("a.s", "ab.s", delay(1)),
        Connection("ab.a", "b.a", delay(0)),
        Connection("b.s", "ba.s", delay(1)),
        Connection("ba.a", "a.a", delay(0)),
    ]
    graph = Graph("random", processes, connections, domain=domain)
    episodes, steps = int(rng.integers(1, 4)), int(rng.integers(3, 9))
    inputs = {
        "data": rng.integers(-2, 3, (episodes, steps - 1, k)),
        "events": rng.random((episodes, steps, k)) < 0.3,
        "wire": rng.integers(-2, 5, (episodes, 1, n)),
    }
    return graph, inputs, steps


def padded(values: Any, steps: int) -> Any:
    short = np.asarray(values)
    long = np.zeros((short.shape[0], steps, short.shape[2]))
    long[:, : short.shape[1]] = short
    return long


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("seed", range(12))
def test_counters_equal_counting_by_hand(seed: int, domain: Domain) -> None:
    graph, inputs, steps = random_graph(seed, domain)
    result = run(graph, inputs, steps)
    emitted = {path: padded(values, steps) for path, values in inputs.items()}
    expected = brute_force(graph, {**emitted, **result.spikes}, steps)
    assert per_process(result.counters) == expected
    totals = result.counters.totals()
    assert totals["spikes"] > 0
    assert totals["synops_ac"] > 0
    assert totals["updates_active"] + totals["updates_idle"] == totals["neuron_accesses"]


def test_a_small_net_by_hand() -> None:
    """One spike at step 0 into 2 of 3 units (delay 1); one of them fires and excites itself."""
    graph = Graph(
        "small",
        {
            "source": Input(2, signal="spike"),
            "into": Dense([[2, 0], [1, 0], [0, 4]]),
            "units": LIF(3, threshold=1),
            "again": Dense(np.diag([1, 1, 1])),
        },
        [
            Connection("source.out", "into.s", 1),
            Connection("into.a", "units.a"),
            Connection("units.s", "again.s", 2),
            Connection("again.a", "units.a"),
        ],
        [Probe("units.s"), Probe("units.v"), Probe("source.out")],
    )
    result = run(graph, {"source": [[1, 0]]}, 4)
    # Step 1: units 0 and 1 get 2 and 1, unit 0 fires. Step 3: its spike is back, too weak.
    assert result.events("units").tolist() == [[0, 1, 0]]
    assert per_process(result.counters) == {
        "source": {"spikes": 1},
        "into": {"synops_ac": 2, "synops_dense": 4 * 6, "synaptic_words": 1},
        "units": {
            "spikes": 1,
            "neuron_accesses": 12,
            "updates_active": 2 + 1,
            "updates_idle": 9,
        },
        "again": {"synops_ac": 1, "synops_dense": 4 * 9, "synaptic_words": 1},
    }
    # Out: 3 units x 4 steps x (1 bit of spikes + 24 bits of v); the input is known to the host.
    assert result.counters.as_dict()["run"] == {
        "episodes": 1,
        "timesteps": 4,
        "barriers": 4,
        "host_in_bits": 1,
        "host_out_bits": 12 * 25,
    }


def test_two_events_count_even_where_their_values_cancel() -> None:
    graph = Graph(
        "cancel",
        {"x": Input(1), "y": Input(1), "w": Dense([[1], [1]]), "units": LIF(2)},
        [
            Connection("x.out", "w.s", 1),
            Connection("y.out", "w.s", 1),
            Connection("w.a", "units.a"),
        ],
    )
    counters = run(graph, {"x": [[3]], "y": [[-3]]}, 2).counters
    assert counters.total("synops_mac") == 4
    assert counters.total("synaptic_words") == 2
    assert counters.total("updates_active") == 2
    assert counters.total("host_in_bits") == 48


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_synapses_that_feed_synapses(domain: Domain) -> None:
    """A chain and a loop of Dense: their graded values are in no raster, yet they are counted."""
    rng = np.random.default_rng(5)
    first, second = (2 * rng.integers(-1, 2, shape) for shape in ((4, 3), (4, 4)))
    exponent = 0 if domain == "float" else -1
    decay = 1 if domain == "float" else 4095
    graph = Graph(
        "chain",
        {
            "x": Input(3),
            "first": Dense(first, exponent),
            "second": Dense(second, exponent),
            "units": LIF(4, decay, decay),
        },
        [
            Connection("x.out", "first.s", 1),
            Connection("first.a", "second.s", 2),
            Connection("second.a", "second.s", 1),
            Connection("second.a", "units.a"),
        ],
        domain=domain,
    )
    x = rng.integers(-2, 3, (2, 3, 3))
    steps = 7
    a, b = np.zeros((2, steps, 4)), np.zeros((2, steps, 4))
    data = padded(x, steps)
    for t in range(steps):
        for episode in range(2):
            if t >= 1:
                a[episode, t] = np.floor(2.0**exponent * (first @ data[episode, t - 1]))
                into = b[episode, t - 1] + (a[episode, t - 2] if t >= 2 else 0)
                b[episode, t] = np.floor(2.0**exponent * (second @ into))
    result = run(graph, {"x": x}, steps)
    expected = brute_force(graph, {"x": data, "first": a, "second": b, **result.spikes}, steps)
    assert per_process(result.counters) == expected
    assert expected["second"]["graded_events"] > 0
    assert expected["second"]["synops_mac"] > 0


def test_what_is_under_way_at_the_end_does_not_count() -> None:
    for delay, synops in ((1, 3), (3, 1), (4, 0), (MAX_DELAY, 0)):
        graph = Graph(
            "late",
            {"x": Input(1, signal="spike"), "w": Dense([[1]]), "units": LIF(1)},
            [Connection("x.out", "w.s", delay), Connection("w.a", "units.a")],
        )
        counters = run(graph, {"x": np.ones((1, 4, 1))}, 4).counters
        assert counters.total("synops_ac") == synops
        assert counters.total("updates_active") == synops


def test_counters_are_a_function_of_graph_inputs_and_raster() -> None:
    graph, inputs, steps = random_graph(3, "float")
    result = run(graph, inputs, steps)
    emitted = {path: padded(values, steps) for path, values in inputs.items()}
    nested = Graph("outer", {"inner": graph})
    job = Job(emitted, next(len(values) for values in emitted.values()), steps)
    recording = Interpreter(graph.flat()).run(job)
    assert count(graph, emitted, recording, steps) == result.counters
    moved = count(
        nested,
        {f"inner.{path}": values.astype(np.int64) for path, values in emitted.items()},
        Recording(
            {f"inner.{path}": values for path, values in recording.spikes.items()},
            {f"inner.{path}": values for path, values in recording.active.items()},
            {},
        ),
        steps,
    )
    assert moved.totals() == result.counters.totals()


def test_a_net_without_inputs_is_one_episode() -> None:
    graph = Graph("alone", {"units": LIF(3, bias=2, threshold=1)})
    counters = run(graph, {}, 5).counters
    assert (counters.episodes, counters.timesteps) == (1, 5)
    assert counters.total("spikes") == 15
    assert counters.total("updates_active") == 15
