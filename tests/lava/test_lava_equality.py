"""The fused model, the model of standard parts and the reference agree."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph.backends.lava import LavaBackend
from hebbgraph.backends.lava.worker.kernel import Kernel
from hebbgraph.backends.lava.worker.plan import read_plan
from hebbgraph.compile import compile, encode_inputs  # noqa: A004 - the field's word
from hebbgraph.errors import Invalid
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import DOMAINS, LIF, Dense, Domain, Input
from hebbgraph.result import Trace
from hebbgraph.serialise import to_document

Case = tuple[Graph, dict[str, NDArray[Any]], int]
Inputs = Mapping[str, NDArray[Any]]


def assert_equal(found: Any, wanted: Any, domain: Domain, note: str = "") -> None:
    assert found.spikes.keys() == wanted.spikes.keys()
    assert found.states.keys() == wanted.states.keys()
    for path, raster in wanted.spikes.items():
        np.testing.assert_array_equal(found.spikes[path], raster, f"{note} {path}")
    for target, states in wanted.states.items():
        got = found.states[target]
        assert got.dtype == states.dtype
        if domain == "fixed":
            np.testing.assert_array_equal(got, states, f"{note} {target}")
        else:
            np.testing.assert_allclose(got, states, 1e-9, 1e-9, err_msg=f"{note} {target}")


def assert_all_agree(graph: Graph, inputs: Inputs, steps: int, **options: Any) -> None:
    """Compare both models, run twice, with the reference."""
    wanted = compile(graph).run(inputs, steps)
    for model in ("fused", "parts"):
        with compile(graph, "lava", model=model, timeout=60.0, **options) as program:
            for turn in ("first", "second"):
                found = program.run(inputs, steps)
                assert_equal(found, wanted, graph.domain, f"{graph.name} {model} {turn}")


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seed", range(6))
def test_random_graphs(seed: int, domain: Domain, random_case: Callable[..., Case]) -> None:
    graph, inputs, steps = random_case(seed, domain)
    assert_all_agree(graph, inputs, steps, chunk=7)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_kernel_alone(domain: Domain, random_case: Callable[..., Case]) -> None:
    fired = 0
    for seed in range(100, 160):
        graph, inputs, steps = random_case(seed, domain)
        emitted, _ = encode_inputs(graph, inputs, steps)
        wanted = compile(graph).run(inputs, steps)
        assert_equal(run_kernel(graph, emitted, steps), wanted, domain, graph.name)
        fired += sum(int(raster.sum()) for raster in wanted.spikes.values())
    assert fired > 1000


def run_kernel(graph: Graph, inputs: Inputs, steps: int) -> Trace:
    """Run the fused kernel in this process, in two chunks."""
    flat = graph.flat()
    document, arrays = to_document(flat)
    plan = read_plan({**document, "order": list(flat.order)}, arrays)
    kernel = Kernel(plan)
    episodes = len(next(iter(inputs.values())))
    shapes = {path: (steps, episodes, node.units) for path, node in plan.nodes.items()}
    fed = {node.path: np.zeros(shapes[node.path]) for node in plan.of_kind("Input")}
    for path, values in inputs.items():
        fed[path][: values.shape[1]] = values.swapaxes(0, 1)
    spikes = {node.path: np.zeros(shapes[node.path], bool) for node in plan.of_kind("LIF")}
    dtype = np.float64 if graph.domain == "float" else np.int64
    states = {key: np.zeros(shapes[key[0]], dtype) for key in plan.states}
    kernel.reset(episodes, {p: float(np.abs(values).max()) for p, values in inputs.items()})
    for first, last in ((0, 5), (5, steps)):
        cut = slice(first, last)
        kernel.run(
            {path: array[cut] for path, array in fed.items()},
            {path: array[cut] for path, array in spikes.items()},
            {key: array[cut] for key, array in states.items()},
            last - first,
        )
    return Trace(
        {path: array.swapaxes(0, 1) for path, array in spikes.items()},
        {".".join(key): array.swapaxes(0, 1) for key, array in states.items()},
    )


def chain(domain: Domain, first: Dense, second: Dense, lif: LIF, delay: int = 1) -> Graph:
    """Return input -> first -> second -> population."""
    processes = {"x": Input(first.weights.shape[1]), "a": first, "b": second, "l": lif}
    connections = [
        Connection("x.out", "a.s", delay),
        Connection("a.a", "b.s"),
        Connection("b.a", "l.a"),
    ]
    return Graph("chain", processes, connections, [Probe("l.u"), Probe("l.v")], domain=domain)


@pytest.mark.usefixtures("lava")
def test_sums_wrap_at_32_bits_before_the_shift() -> None:
    # 2**23 * 255 * 128 exceeds 32 bits; shifted right by 8 first, it would not.
    first, second = Dense(np.full((1, 1), 255), 7), Dense(np.full((1, 1), 200), -8)
    graph = chain("fixed", first, second, LIF(1, 4095, 4095, threshold=2**17 - 1))
    inputs = {"x": np.array([[[2**22 + 12345]], [[-(2**22) - 1]], [[77]]])}
    found = compile(graph).run(inputs, 4)
    assert len(np.unique(found.states["l.u"])) == 4
    assert_all_agree(graph, inputs, 4)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_longest_delays(domain: Domain) -> None:
    one = Dense(np.array([[1, 2], [2, 4]]))
    graph = chain(domain, one, one, LIF(2, 0, 0, threshold=3), delay=62)
    late = Connection("b.a", "l.a", 62)
    graph = Graph("late", graph.processes, [*graph.connections, late], graph.probes, domain=domain)
    inputs = {"x": np.array([[[3, 0], [1, 1]], [[0, 5], [0, 0]]])}
    assert_all_agree(graph, inputs, 130)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("domain", DOMAINS)
def test_unconnected_processes(domain: Domain) -> None:
    processes = {
        "unread": Input(3),
        "idle": Dense(np.ones((2, 2))),
        "alone": LIF(2, decay_v=0, bias=[1, 2], threshold=3),
        "other": LIF(1, decay_v=0, bias=1, threshold=0),
        "follower": LIF(1, decay_v=1, threshold=0),
    }
    graph = Graph(
        "islands", processes, [Connection("other.s", "follower.a")], [Probe("alone.v")], domain
    )
    assert_all_agree(graph, {"unread": np.ones((2, 1, 3))}, 9)


@pytest.mark.usefixtures("lava")
def test_more_episodes_than_a_batch_holds() -> None:
    graph = chain("fixed", Dense(np.eye(3, dtype=int) * 4), Dense(np.eye(3)), LIF(3, 9, 99))
    inputs = {"x": np.random.default_rng(3).integers(-9, 10, (300, 6, 3))}
    wanted = compile(graph).run(inputs, 11)
    calls: list[tuple[int, int]] = []
    with compile(graph, "lava", chunk=4) as program:
        found = program.run(inputs, 11, progress=lambda done, all_: calls.append((done, all_)))
    assert_equal(found, wanted, "fixed")
    assert len(calls) == 6  # three chunks of two batches
    assert calls == sorted(calls)
    assert calls[-1] == (11, 11)


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("model", ["fused", "parts"])
def test_an_exported_network_runs_without_hebbgraph(model: str, tmp_path: Path) -> None:
    lif = LIF(2, decay_v=0, bias=1, threshold=2)
    graph = chain("float", Dense(np.eye(2)), Dense(np.eye(2)), lif)
    with compile(graph, "lava", model=model) as program:
        network = program.artefact  # nothing was run yet
        names = {part.name for part in network.parts}
        assert names == ({"network"} if model == "fused" else {"x", "a", "b", "l"})
        assert all(path.is_file() for path in network.sources)
        assert "lava.proc.lif.process.LIF" in str(network) or model == "fused"
        run = network.export(tmp_path / "taken")
        with pytest.raises(FileExistsError):
            network.export(tmp_path / "taken")
    command = [str(network.python), str(run), "9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "l, steps 0 to 8: 6 spikes\n", done.stderr


def test_bad_options_are_named() -> None:
    graph = Graph("g", {"l": LIF(1)})
    with pytest.raises(Invalid, match="chunk") as caught:
        LavaBackend().lower(graph, {"model": "fused", "chunk": 0, "timeout": float("nan")})
    assert [fault.where for fault in caught.value.faults] == ["option chunk", "option timeout"]
