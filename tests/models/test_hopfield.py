from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import theory
from hebbgraph.backend import names
from hebbgraph.couplings import RULES, Couplings, Rule, couplings, to_integers
from hebbgraph.memory import Memory
from hebbgraph.models import hopfield
from hebbgraph.models.hopfield import build, cue
from hebbgraph.random import stream

EXACT: tuple[Rule, ...] = ("hebbian", "centred", "pseudo_inverse", "storkey")
#: Every form of the graph but the plain one, which the conformance suite runs.
FORMS: dict[str, dict[str, Any]] = {
    "masked": {"dynamics": "masked", "seed": 3},
    "event": {"dynamics": "event", "update": 0.7},
    "glauber": {"dynamics": "glauber", "temperature": 0.4},
    "hidden": {"rule": "hebbian", "dynamics": "masked", "hidden": True},
    "hidden_event": {"rule": "hebbian", "dynamics": "event", "hidden": True},
    "one_bit": {"rule": "hebbian", "dynamics": "event", "weight_bits": 1},
    "perceptron": {"rule": "perceptron", "dynamics": "masked", "update": 1, "weight_bits": 5},
}


def patterns(count: int, units: int, seed: int = 0) -> np.ndarray:
    return np.where(stream(seed, "test", "patterns").random((count, units)) < 0.5, 1, -1)


def flipped(stored: np.ndarray, count: int) -> np.ndarray:
    spoiled = stored.copy()
    spoiled[:, :count] *= -1
    return spoiled


@functools.lru_cache
def ran(form: str, domain: str, backend: str) -> tuple[np.ndarray, tuple[str, ...], hg.Result]:
    """Return states, notes and everything else of one form on one engine."""
    stored = patterns(4, 30)
    graph = build(stored, **FORMS[form])
    with hg.compile(graph, backend, domain=domain) as program:  # type: ignore[arg-type]
        result = program.run({"cue": cue(flipped(stored, 4))}, 12)
        return hopfield.FAMILY.read(result), program.graph.notes, result


def states(graph: hg.Graph, cues: np.ndarray, steps: int, domain: str = "float") -> np.ndarray:
    with hg.compile(graph, domain=domain) as program:  # type: ignore[arg-type]
        return hopfield.FAMILY.read(program.run({"cue": cue(cues)}, steps))


def matrix(graph: hg.Graph) -> np.ndarray:
    weights: np.ndarray = graph.processes["recurrent"].weights  # type: ignore[union-attr]
    return weights


# --- dynamics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tie", ["keep", "low"])
@pytest.mark.parametrize("rule", EXACT)
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_dynamics_are_the_textbooks(rule: Rule, tie: str, domain: str) -> None:
    """Compare with sigma <- sign(J sigma + theta) computed from the graph's integers alone."""
    stored = patterns(6, 40)
    graph = build(stored, rule, tie=tie)  # type: ignore[arg-type]
    bias = graph.processes["memory"].bias  # type: ignore[union-attr]
    total = matrix(graph) / 2
    field_of = total.sum(axis=1) + bias
    sigma = np.where(stream(1, "test", "cues").random((9, 40)) < 0.5, 1, -1)
    got = states(graph, sigma, 6, domain)
    for t in range(6):
        assert np.array_equal(got[:, t], sigma), t
        field = sigma @ total.T + field_of
        sigma = np.where(field > 0, 1, -1)


@pytest.mark.parametrize("form", [name for name in FORMS if "hidden" not in name])
def test_units_that_are_on_take_the_sign_of_their_noisy_field(form: str) -> None:
    """Compare with a loop over steps that knows of masks and noise only what the graph emits."""
    stored = patterns(4, 30)
    graph = build(stored, **FORMS[form])
    sources = [path for path in ("mask", "noise") if path in graph.processes]
    graph = graph.with_probes(*(f"{path}.out" for path in sources))
    with hg.compile(graph) as program:
        result = program.run({"cue": cue(flipped(stored, 4))}, 12)
    got = hopfield.FAMILY.read(result)
    mask = result.spikes["mask"] if "mask" in sources else np.ones(got.shape, bool)
    noise = result.states["noise.out"] if "noise" in sources else np.zeros(got.shape)
    sigma = flipped(stored, 4)
    assert np.array_equal(got[:, 0], sigma)
    for t in range(1, 12):
        field = sigma @ matrix(graph).T + noise[:, t]
        decided = np.where(field == 0, sigma, np.sign(field))
        sigma = np.where(mask[:, t], decided, sigma)
        assert np.array_equal(got[:, t], sigma), t


@pytest.mark.parametrize("form", ["hidden", "hidden_event"])
def test_hidden_units_are_the_hebbian_matrix_two_steps_late(form: str) -> None:
    stored = patterns(4, 30)
    graph = build(stored, **FORMS[form]).with_probes("mask.out")
    assert len(graph.processes["patterns"].weights) == 4  # type: ignore[union-attr]
    with hg.compile(graph) as program:
        result = program.run({"cue": cue(flipped(stored, 4))}, 12)
    got, mask = hopfield.FAMILY.read(result), result.spikes["mask"]
    coupling = couplings(stored, "hebbian").matrix
    sigma = [np.zeros_like(stored), flipped(stored, 4)]
    for t in range(12):
        if t:
            field = sigma[-2] @ coupling.T
            decided = np.where(field == 0, sigma[-1], np.sign(field))
            sigma.append(np.where(mask[:, t], decided, sigma[-1]))
        assert np.array_equal(got[:, t], sigma[-1]), t


@pytest.mark.parametrize("backend", [name for name in names() if name != "reference"])
@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_equal_on_every_engine(form: str, domain: str, backend: str) -> None:
    if not hg.backend.get(backend).availability().usable:
        pytest.skip(f"{backend} is not there")
    got, _, result = ran(form, domain, backend)
    wanted, _, other = ran(form, domain, "reference")
    assert np.array_equal(got, wanted)
    assert result.counters == other.counters


@pytest.mark.parametrize("form", FORMS)
def test_fixed_recalls_what_float_does(form: str) -> None:
    floating, notes, _ = ran(form, "float", "reference")
    fixed, quantised, _ = ran(form, "fixed", "reference")
    if form == "glauber":
        assert quantised == (*notes, "noise.out: drawn from 256 values, in steps of 1")
        return
    assert quantised == notes
    assert np.array_equal(fixed, floating)


def test_ties_keep_their_state_or_fall() -> None:
    # Two opposite couplings cancel at unit 0 whenever units 1 and 2 agree.
    stored = np.array([[1, 1, -1], [1, -1, 1]])
    cues = np.array([[1, 1, 1], [-1, 1, 1]])
    kept = states(build(stored, "hebbian"), cues, 2)
    low = states(build(stored, "hebbian", tie="low"), cues, 2)
    masked = states(build(stored, "hebbian", dynamics="masked", update=1), cues, 2)
    assert kept[:, 1, 0].tolist() == [1, -1]
    assert low[:, 1, 0].tolist() == [-1, -1]
    assert masked[:, 1, 0].tolist() == [1, -1]


def test_a_mask_ends_the_cycle_of_two_units() -> None:
    stored = np.array([[1, 1]])
    odd = np.array([[1, -1]])
    assert states(build(stored, "hebbian"), odd, 9)[0, :, 0].tolist() == [1, -1] * 4 + [1]
    final = states(build(stored, "hebbian", dynamics="masked"), odd, 9)[0, -1]
    assert abs(final.sum()) == 2


def test_events_cost_what_flips_do() -> None:
    """Every change of a unit reaches the other N - 1, from the cue's N first decisions on."""
    stored = patterns(3, 60)
    graph = build(stored, dynamics="event")
    with hg.compile(graph) as program:
        result = program.run({"cue": cue(flipped(stored, 6))}, 20)
    sigma = hopfield.FAMILY.read(result)
    flips = np.count_nonzero(sigma[:, 1:] != sigma[:, :-1])
    fan_out = np.count_nonzero(matrix(graph)) / 60
    assert result.counters.total("synops_mac") == pytest.approx((3 * 60 + flips) * fan_out, rel=0.1)
    assert flips == 3 * 6  # each wrong unit flips once
    assert result.counters.total("synops_ac") == 0


def test_few_patterns_at_a_temperature_give_the_hyperbolic_tangent() -> None:
    graph = build(patterns(1, 600), "hebbian", dynamics="glauber", temperature=0.7, hidden=True)
    overlap = (states(graph, patterns(1, 600), 60)[0, 20:] * patterns(1, 600)).mean()
    assert overlap == pytest.approx(theory.low_load_overlap(0.7), abs=0.03)


# --- couplings -----------------------------------------------------------------------------------


def test_storkey_against_the_triple_loop() -> None:
    stored = patterns(4, 9)
    units = stored.shape[1]
    weights = np.zeros((units, units))
    for xi in stored:
        new = weights.copy()
        for i, j in itertools.product(range(units), repeat=2):
            h_ij = sum(weights[i, k] * xi[k] for k in range(units) if k not in (i, j))
            h_ji = sum(weights[j, k] * xi[k] for k in range(units) if k not in (i, j))
            new[i, j] += (xi[i] * xi[j] - xi[i] * h_ji - h_ij * xi[j]) / units
        weights = new
    np.fill_diagonal(weights, 0)
    assert np.allclose(couplings(stored, "storkey").matrix, weights, atol=1e-12)


def test_pseudo_inverse_makes_every_pattern_a_fixed_point_at_high_load() -> None:
    stored = patterns(50, 100)
    assert np.array_equal(states(build(stored), stored, 3)[:, -1], stored)


def test_the_perceptron_reaches_its_margin_and_says_where_it_does_not() -> None:
    stored = patterns(60, 50)
    found = couplings(stored, "perceptron", 0.1)
    sizes = np.linalg.norm(found.matrix, axis=1)
    assert (stored * (stored @ found.matrix.T) / sizes).min() > 0.1
    assert (stored * (stored @ found.matrix.T)).mean() == pytest.approx(1)
    assert found.notes == ()
    assert not np.diag(found.matrix).any()
    graph = build(stored, "perceptron", margin=5)
    assert "stay within the margin 5" in graph.notes[0]


def test_hebbian_weights_are_the_outer_products() -> None:
    stored = patterns(3, 12)
    expected = 2 * stored.T @ stored
    np.fill_diagonal(expected, 0)
    assert np.array_equal(matrix(build(stored, "hebbian", tie="low")), expected)
    assert np.array_equal(matrix(build(stored, "hebbian", dynamics="event")), expected)


@pytest.mark.parametrize("rule", EXACT)
@pytest.mark.parametrize(("count", "units"), [(1, 8), (30, 100), (50, 220)])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_fixed_is_exact_at_every_size(rule: Rule, count: int, units: int, bits: int) -> None:
    graph = build(patterns(count, units), rule, weight_bits=bits)
    fixed = hg.compile(graph, domain="fixed").graph
    assert fixed.notes == ()
    coupling = (matrix(graph) / 2 - np.eye(units)) / 2
    assert np.abs(coupling).max() <= max(1, 2 ** (bits - 1) - 1)


@pytest.mark.parametrize("count", [4, 5])
def test_one_bit_is_the_sign(count: int) -> None:
    stored = patterns(count, 20)
    programmed = couplings(stored, "hebbian")
    signs = to_integers(programmed, 1).matrix
    off = ~np.eye(20, dtype=bool)
    assert np.array_equal(np.abs(signs), off)
    assert np.array_equal(signs, signs.T)
    known = programmed.matrix != 0
    assert np.array_equal(signs[known], np.sign(programmed.matrix[known]))


def test_few_bits_clip_and_the_gain_is_the_slope() -> None:
    draw = stream(0, "test", "gauss").standard_normal((300, 300))
    np.fill_diagonal(draw, 0)
    made = Couplings(draw, np.zeros(300), 1.0)
    three = to_integers(made, 3)
    assert np.abs(three.matrix).max() == 3
    assert three.gain == pytest.approx(1.0, abs=0.03)  # 3 deviations on 3 levels
    square, product = (three.matrix**2).mean(), (three.matrix * draw).mean()
    assert square / product**2 - 1 == pytest.approx(theory.clipping_noise(3), abs=0.02)
    fine = to_integers(made, 8)
    assert np.abs(fine.matrix).max() == 127
    assert fine.gain == pytest.approx(127 / np.abs(draw).max(), rel=1e-3)


def test_a_large_synchronous_memory_is_refused_where_nothing_would_be_left_of_it() -> None:
    stored = patterns(3, 2100)
    with pytest.raises(hg.Invalid, match="dynamics='masked'"):
        build(stored, "hebbian", weight_bits=1)
    assert build(stored, "hebbian", weight_bits=1, dynamics="event").name == "hopfield"


# --- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", names())
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_one_pattern_after_another_is_what_all_at_once_is(domain: str, backend: str) -> None:
    if not hg.backend.get(backend).availability().usable:
        pytest.skip(f"{backend} is not there")
    stored = patterns(5, 24)
    memory = Memory("hopfield", rule="hebbian", dynamics="event", backend=backend, domain=domain)  # type: ignore[arg-type]
    memory.partial_fit(stored[0]).partial_fit(stored[1:])
    assert np.array_equal(matrix(memory.graph_), matrix(build(stored, "hebbian", dynamics="event")))
    assert memory.score(stored, level=0.1) > 0.7  # 5 patterns in 24 units are many


def test_storkey_learns_one_pattern_after_another() -> None:
    stored = patterns(5, 24)
    wanted = matrix(build(stored, "storkey", dynamics="event"))
    memory = Memory("hopfield", rule="storkey", dynamics="event").partial_fit(stored)
    assert np.array_equal(matrix(memory.graph_), wanted)
    learned: dict[str, np.ndarray] = {}
    for backend in names():
        if hg.backend.get(backend).availability().usable:
            memory.set_params(backend=backend, domain="fixed").partial_fit(stored)
            learned[backend] = matrix(memory.graph_)
            assert np.array_equal(learned[backend], learned["reference"]), backend
    assert np.abs(learned["reference"] - wanted).max() <= 8  # of 254: rounded as it learns
    assert memory.score(stored, level=0.1) == 1.0


def test_learning_saturates_at_the_chips_weights() -> None:
    memory = Memory("hopfield", rule="hebbian", domain="fixed").fit(patterns(1, 6))
    memory.partial_fit(np.repeat(patterns(1, 6), 200, axis=0))
    assert memory.score(patterns(1, 6)) == 1.0
    assert np.abs(memory._learned["recurrent.weights"]).max() == 127


# --- energy, errors ------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", EXACT)
def test_energy_falls_while_one_unit_after_another_is_updated(rule: Rule) -> None:
    stored = patterns(6, 40)
    found = couplings(stored, rule)
    sigma = stream(2, "test", "start").choice([-1, 1], 40)
    trace = [sigma.copy()]
    for i in range(40):
        h = found.matrix[i] @ sigma + found.field[i]
        sigma[i] = np.sign(h) if h else sigma[i]
        trace.append(sigma.copy())
    energies = hopfield.energy(stored, np.array(trace), rule)
    assert (np.diff(energies) <= 1e-9).all()
    assert energies[0] > energies[-1]


def test_bad_arguments_are_all_named() -> None:
    with pytest.raises(hg.Invalid) as caught:
        build(
            [[0, 1], [1, 1]],
            "hebb",  # type: ignore[arg-type]
            dynamics="async",  # type: ignore[arg-type]
            weight_bits=25,
            tie="up",  # type: ignore[arg-type]
            update=0,
            temperature=-1,
            margin=1,
            seed=-1,
            hidden=1,  # type: ignore[arg-type]
        )
    text = str(caught.value)
    assert len(caught.value.faults) == 10
    for part in ("values must be -1 or +1", "'hebb'", "'async'", "[1, 24]", "'up'", "(0, 1]"):
        assert part in text
    with pytest.raises(hg.Invalid, match="equally long"):
        build([[1, -1], [1]])
    with pytest.raises(hg.Invalid, match="at least one"):
        build(np.ones((0, 5)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"temperature": 0.5}, "for glauber dynamics"),
        ({"dynamics": "glauber"}, "above 0 for glauber"),
        ({"dynamics": "event", "hidden": True}, "must be 'hebbian' with hidden"),
        ({"rule": "hebbian", "hidden": True}, "must not be 'synchronous'"),
        ({"rule": "perceptron", "margin": -1}, "0 or more"),
    ],
)
def test_arguments_that_do_not_go_together(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(hg.Invalid, match=words):
        build(patterns(2, 8), **arguments)


def test_only_local_rules_learn_one_by_one_and_only_symmetric_ones_have_an_energy() -> None:
    with pytest.raises(hg.Invalid, match="'hebbian' or 'storkey'"):
        Memory("hopfield").partial_fit(patterns(1, 8))
    with pytest.raises(hg.Invalid, match="patterns stored all at once"):
        Memory("hopfield", rule="hebbian", hidden=True, dynamics="event").partial_fit(
            patterns(1, 8)
        )
    with pytest.raises(hg.Invalid, match="rule"):
        hopfield.energy(patterns(2, 8), patterns(2, 8), "perceptron")
    assert "perceptron" in RULES


def test_more_weights_than_memory_are_refused_at_once() -> None:
    with pytest.raises(hg.Invalid, match="hidden=True"):
        build(np.ones((1, 4_000_000), np.int8), "hebbian", dynamics="event")
