"""The Brian2 back end against the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import LIF, Connection, Dense, Graph, Input, Probe
from hebbgraph.processes import Domain
from tests.brian2_backend.graphs import (
    AVAILABILITY,
    Case,
    assert_equal,
    assert_runs_equal,
    random_case,
    tiny_case,
)

pytestmark = pytest.mark.skipif(not AVAILABILITY.usable, reason=AVAILABILITY.reason or "usable")

DENSE = pytest.mark.parametrize("dense", ["blas", "synapses"])


@DENSE
@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_in_fixed_are_bit_exact(seed: int, dense: str) -> None:
    assert_runs_equal(random_case(seed, "fixed"), dense=dense)


@DENSE
@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_in_float_agree(seed: int, dense: str) -> None:
    assert_runs_equal(random_case(seed, "float"), 1e-9, dense=dense)


def test_random_cases_do_spike_and_pause() -> None:
    """Guard the tests above: a net that never or always fires shows little."""
    for domain in ("float", "fixed"):
        rates = []
        for seed in range(6):
            graph, inputs, steps = random_case(seed, domain)
            result = hg.compile(graph).run(inputs, steps)
            rates += [raster.mean() for raster in result.spikes.values()]
        assert 0.02 < np.mean(rates) < 0.9


@DENSE
def test_float_with_integer_weights_is_exact(dense: str) -> None:
    """Sums tie with the threshold here, and no order of summation may decide them."""
    rng = np.random.default_rng(3)
    patterns = rng.choice([-1, 1], (4, 30))
    weights = patterns.T @ patterns
    graph = Graph(
        "hopfield",
        {"cue": Input(30), "memory": LIF(30, threshold=0), "recurrent": Dense(weights)},
        [
            Connection("cue.out", "memory.a"),
            Connection("memory.s", "recurrent.s"),
            Connection("recurrent.a", "memory.a"),
        ],
        [Probe("memory.v")],
    )
    assert_runs_equal((graph, {"cue": rng.integers(-3, 4, (5, 1, 30))}, 12), dense=dense)


def extremes() -> Case:
    """Return units whose u wraps, stays beyond the wrap, and whose v saturates."""
    drives = np.array([2**23 - 1, -(2**23) + 1, 2**17, -(2**17), 1, -1, 131072, -131073])
    graph = Graph(
        "extremes",
        {
            "cue": Input(8),
            "unit": LIF(
                8, [0, 0, 1, 1, 4095, 4095, 9, 9], [0, 9, 0, 4095, 0, 1, 2, 3], -7, 2**17 - 1
            ),
            "wide": Dense(np.full((8, 8), 255), 7),
            "far": LIF(8, 0, 0, 4095, 2**17 - 1, 7),
        },
        [
            Connection("cue.out", "unit.a"),
            Connection("cue.out", "wide.s"),
            Connection("wide.a", "far.a"),
            Connection("wide.a", "far.a", 3),
        ],
        [Probe(f"{path}.{name}") for path in ("unit", "far") for name in ("u", "v")],
        "fixed",
    )
    return graph, {"cue": np.repeat(drives[None, None], 9, axis=1)}, 12


@DENSE
def test_wraps_and_saturation_are_exact(dense: str) -> None:
    graph, inputs, steps = extremes()
    want = hg.compile(graph).run(inputs, steps)
    assert max(np.abs(values).max() for values in want.states.values()) > 2**23
    assert any((values == 1 - 2**23).any() for values in want.states.values())
    assert_equal(hg.compile(graph, "brian2", dense=dense).run(inputs, steps), want)


@DENSE
def test_runs_of_one_program_do_not_depend_on_each_other(dense: str) -> None:
    graph, inputs, steps = tiny_case()
    cue = inputs["cue"]
    with hg.compile(graph, "brian2", dense=dense) as program, hg.compile(graph) as reference:
        for data, length in (
            (cue, steps),
            (cue[:1], 3),
            (cue, 3),
            (cue[::-1], steps),
            (cue, steps),
        ):
            want = reference.run({"cue": data}, length)
            assert_equal(program.run({"cue": data}, length), want)
        program.close()
        assert_equal(program.run(inputs, steps), reference.run(inputs, steps))


@DENSE
def test_nothing_leaks_into_the_next_episode(dense: str) -> None:
    """One burst at the end of an episode, on every delay; the next episode is silent."""
    delays = (1, 2, 3, 62)
    graph = Graph(
        "leak",
        {
            "cue": Input(1, signal="spike"),
            "unit": LIF(1, decay_u=0, decay_v=0, threshold=0.5),
            "echo": LIF(1, decay_u=0, threshold=0.5),
            "out": Dense([[1.0]]),
        },
        [
            Connection("cue.out", "unit.a"),
            *(Connection("cue.out", "out.s", delay) for delay in delays),
            *(Connection("unit.s", "out.s", delay) for delay in delays),
            *(Connection("out.a", "echo.a", delay) for delay in (0, *delays)),
            *(Connection("unit.s", "echo.a", delay) for delay in delays),
        ],
        [Probe("unit.u"), Probe("echo.u")],
    )
    data = np.zeros((3, 4, 1))
    data[1, 2:] = 1
    with hg.compile(graph, "brian2", dense=dense) as program:
        result = program.run({"cue": data}, 4)
    for values in result.states.values():
        assert not values[[0, 2]].any()
        assert values[1].any()
    assert_equal(result, hg.compile(graph).run({"cue": data}, 4))


@DENSE
def test_corner_cases(dense: str) -> None:
    """No inputs at all, no synapse at all, one unit, names that clash with Brian2's."""
    lif = LIF(1, decay_v=0, bias=0.4, threshold=1)
    silent = Dense([[0.0]])
    names = ("a.b_c", "a_b.c", "clock", "ms", "i", "t", "é", "_x", "a_b_c_step")
    graph = Graph(
        "corner",
        {**dict.fromkeys(names, lif), "N": silent, "lonely": Dense([[1.0]])},
        [
            *(Connection(f"{name}.s", "N.s", 3) for name in names),
            *(Connection("N.a", f"{name}.a", 1) for name in names),
            Connection("lonely.a", "clock.a"),
            Connection("i.s", "t.a"),
        ],
        [Probe("t.v")],
    )
    got = hg.compile(graph, "brian2", dense=dense).run(steps=9)
    assert_equal(got, hg.compile(graph).run(steps=9))
    assert got.spikes["t"].any()


def nested() -> Graph:
    graph, _, _ = tiny_case()
    return Graph("outer", {"inner": graph}, domain="fixed")


@DENSE
def test_nested_graphs_keep_their_paths(dense: str) -> None:
    _, inputs, steps = tiny_case()
    with hg.compile(nested(), "brian2", dense=dense) as program:
        result = program.run({"inner.cue": inputs["cue"]}, steps)
        assert set(program.artefact.groups) == {"inner.cue", "inner.memory", "inner.recurrent"}
    assert_equal(result, hg.compile(nested()).run({"inner.cue": inputs["cue"]}, steps))


def test_cpp_standalone_is_exact() -> None:
    graph, inputs, steps = tiny_case()
    want = hg.compile(graph).run(inputs, steps)
    with hg.compile(graph, "brian2", target="cpp_standalone", dense="synapses") as program:
        assert_equal(program.run(inputs, steps), want)


def test_cython_is_exact() -> None:
    """Four modules to compile, if they are not cached: step, threshold, reset, monitor."""
    graph, inputs, steps = tiny_case(delay=1)
    graph = replace(graph, probes=())
    want = hg.compile(graph).run(inputs, steps)
    with hg.compile(graph, "brian2", target="cython") as program:
        assert_equal(program.run(inputs, steps), want)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@DENSE
@pytest.mark.parametrize("domain", ["fixed", "float"])
def test_random_graphs_on_cython(domain: Domain, dense: str) -> None:
    tolerance = 0.0 if domain == "fixed" else 1e-9
    assert_runs_equal(random_case(1, domain), tolerance, target="cython", dense=dense)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("domain", ["fixed", "float"])
def test_random_graphs_on_cpp_standalone(domain: Domain) -> None:
    tolerance = 0.0 if domain == "fixed" else 1e-9
    case = random_case(1, domain)
    assert_runs_equal(case, tolerance, target="cpp_standalone", dense="synapses")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_wraps_and_saturation_on_compiled_targets(target: str) -> None:
    assert_runs_equal(extremes(), target=target, dense="synapses")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_float_with_integer_weights_on_compiled_targets(target: str) -> None:
    assert_runs_equal(tiny_case("float"), target=target, dense="synapses")
