"""The fused model, the model of standard parts and the reference agree: LIF and Dense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe
from hebbgraph.backends.lava import LavaBackend
from hebbgraph.compile import compile  # noqa: A004 - the field's word
from hebbgraph.errors import Invalid
from hebbgraph.processes import DOMAINS, Domain
from tests.lava.random_graphs import plain

Inputs = Mapping[str, NDArray[Any]]


@pytest.fixture
def assert_all_agree(lava: None, assert_equal: Callable[..., None]) -> Callable[..., None]:
    """Return what compares both models, run twice, with the reference."""

    def compare(graph: Graph, inputs: Inputs, steps: int, **options: Any) -> None:
        wanted = compile(graph).run(inputs, steps)
        for model in ("fused", "parts"):
            with compile(graph, "lava", model=model, timeout=60.0, **options) as program:
                for turn in ("first", "second"):
                    assert_equal(program.run(inputs, steps), wanted, f"{graph.name} {model} {turn}")

    return compare


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seed", range(6))
def test_random_graphs(seed: int, domain: Domain, assert_all_agree: Callable[..., None]) -> None:
    graph, inputs, steps = plain(seed, domain)
    assert_all_agree(graph, inputs, steps, chunk=7)


def chain(domain: Domain, first: Dense, second: Dense, lif: LIF, delay: int = 1) -> Graph:
    """Return input -> first -> second -> population."""
    processes = {"x": Input(first.weights.shape[1]), "a": first, "b": second, "l": lif}
    connections = [
        Connection("x.out", "a.s", delay),
        Connection("a.a", "b.s"),
        Connection("b.a", "l.a"),
    ]
    return Graph("chain", processes, connections, [Probe("l.u"), Probe("l.v")], domain=domain)


def test_sums_wrap_at_32_bits_before_the_shift(assert_all_agree: Callable[..., None]) -> None:
    # 2**23 * 255 * 128 exceeds 32 bits; shifted right by 8 first, it would not.
    first, second = Dense(np.full((1, 1), 255), 7), Dense(np.full((1, 1), 200), -8)
    graph = chain("fixed", first, second, LIF(1, 4095, 4095, threshold=2**17 - 1))
    inputs = {"x": np.array([[[2**22 + 12345]], [[-(2**22) - 1]], [[77]]])}
    found = compile(graph).run(inputs, 4)
    assert len(np.unique(found.states["l.u"])) == 4
    assert_all_agree(graph, inputs, 4)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_longest_delays(domain: Domain, assert_all_agree: Callable[..., None]) -> None:
    one = Dense(np.array([[1, 2], [2, 4]]))
    graph = chain(domain, one, one, LIF(2, 0, 0, threshold=3), delay=62)
    late = Connection("b.a", "l.a", 62)
    graph = Graph("late", graph.processes, [*graph.connections, late], graph.probes, domain=domain)
    inputs = {"x": np.array([[[3, 0], [1, 1]], [[0, 5], [0, 0]]])}
    assert_all_agree(graph, inputs, 130)


@pytest.mark.parametrize("domain", DOMAINS)
def test_unconnected_processes(domain: Domain, assert_all_agree: Callable[..., None]) -> None:
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
def test_more_episodes_than_a_batch_holds(assert_equal: Callable[..., None]) -> None:
    graph = chain("fixed", Dense(np.eye(3, dtype=int) * 4), Dense(np.eye(3)), LIF(3, 9, 99))
    inputs = {"x": np.random.default_rng(3).integers(-9, 10, (300, 6, 3))}
    wanted = compile(graph).run(inputs, 11)
    calls: list[tuple[int, int]] = []
    with compile(graph, "lava", chunk=4) as program:
        found = program.run(inputs, 11, progress=lambda done, all_: calls.append((done, all_)))
    assert_equal(found, wanted)
    assert len(calls) == 6  # three chunks of two batches
    assert calls == sorted(calls)
    assert calls[-1] == (11, 11)


def test_bad_options_are_named() -> None:
    graph = Graph("g", {"l": LIF(1)})
    with pytest.raises(Invalid, match="chunk") as caught:
        LavaBackend().lower(graph, {"model": "fused", "chunk": 0, "timeout": float("nan")})
    assert [fault.where for fault in caught.value.faults] == ["option chunk", "option timeout"]
