"""Every back end against the reference, on every scenario, in both domains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import Variant, discover
from hebbgraph.compile import lower_stages
from hebbgraph.divergence import first_divergence
from hebbgraph.feed import encode_inputs
from hebbgraph.processes import KINDS, Domain
from tests.conformance.scenarios import SCENARIOS, Scenario

#: Scenarios that between them hold every kind, a rule and every corner of the arithmetic: what
#: variants that compile run among the slow tests. The others are marked ``exhaustive`` (hours).
SLICE = (
    *("fixed_extremes", "sums_wrap", "episodes", "glauber", "ternary_network", "sign_events"),
    *("gated", "polynomial_extremes", "sigma_delta_network", "stochastic_winners", "softmax"),
    *(
        "pipeline",
        "nested_ties",
        "delayed_network",
        "convolution",
        "blocks",
        "own_rule",
        "model_hopfield",
    ),
)


def cases(scenarios: Iterable[Scenario]) -> list[Any]:
    return [
        pytest.param(s, domain, id=f"{s.name}-{domain}") for s in scenarios for domain in s.domains
    ]


def runs() -> list[Any]:
    """Return every variant of every engine on every scenario, marked by what it costs."""
    found = []
    for name, backend in discover().items():
        for variant in backend.capability.variants if name != "reference" else ():
            for s in SCENARIOS:
                for domain in s.domains:
                    marks = []
                    if variant.slow:
                        cheap = s.name in SLICE and domain == "fixed"
                        marks = [pytest.mark.slow if cheap else pytest.mark.exhaustive]
                    label = f"{variant.label(name)}-{s.name}-{domain}"
                    found.append(pytest.param(name, variant, s, domain, id=label, marks=marks))
    return found


CASES = cases(SCENARIOS)
WORKED_OUT = cases(s for s in SCENARIOS if s.expected or s.expected_states or s.expected_weights)


@pytest.fixture(scope="module")
def reference() -> dict[tuple[str, str], hg.Result]:
    """Return what the interpreter says, by scenario and domain."""
    return {}


def definition(
    cache: dict[tuple[str, str], hg.Result], scenario: Scenario, domain: Domain
) -> hg.Result:
    key = scenario.name, domain
    if key not in cache:
        with hg.compile(scenario.in_domain(domain)) as program:
            cache[key] = program.run(scenario.inputs, scenario.steps, **scenario.run)
    return cache[key]


@pytest.mark.parametrize(("backend", "variant", "scenario", "domain"), runs())
def test_equals_the_reference(
    backend: str,
    variant: Variant,
    scenario: Scenario,
    domain: Domain,
    reference: dict[tuple[str, str], hg.Result],
) -> None:
    availability = discover()[backend].availability()
    if not availability.usable:
        pytest.skip(f"{availability.reason}; {availability.remedy}")
    expected = definition(reference, scenario, domain)
    graph = scenario.in_domain(domain)
    gaps = discover()[backend].capability.gaps(graph)
    if gaps:
        pytest.skip("; ".join(map(str, gaps)))
    with hg.compile(graph, backend, **variant.options) as program:
        try:
            got = program.run(scenario.inputs, scenario.steps, **scenario.run)
        except hg.Unsupported as error:  # a batch that learns together, where there is no such
            pytest.skip(str(error))
    tolerance = scenario.tolerance if domain == "float" else 0.0
    divergence = first_divergence(
        graph, expected, got, tolerance=tolerance, batch=scenario.run.get("batch", 1)
    )
    assert divergence is None, str(divergence)
    assert got.weights.keys() == expected.weights.keys()
    for key, weights in expected.weights.items():
        assert got.weights[key].dtype == weights.dtype
        np.testing.assert_allclose(
            got.weights[key], weights, rtol=tolerance, atol=tolerance, err_msg=key
        )
    if domain == "fixed" or not expected.counters.total("weight_updates"):
        assert got.counters == expected.counters


@pytest.mark.parametrize(("scenario", "domain"), CASES)
def test_every_stage_gives_the_same_answer(scenario: Scenario, domain: Domain) -> None:
    stages = list(lower_stages(scenario.in_domain(domain), domain).values())
    results = [
        hg.compile(stage).run(fed(stage, scenario, domain), scenario.steps, **scenario.run)
        for stage in stages
    ]
    for result in results[1:]:
        divergence = first_divergence(stages[0], results[0], result)
        assert divergence is None, str(divergence)
    assert stages[0].content_hash == stages[1].content_hash  # flattened


def fed(stage: hg.Graph, scenario: Scenario, domain: Domain) -> dict[str, Any]:
    """Return the scenario's inputs, with what sources make where a stage has Inputs for them."""
    made = encode_inputs(
        scenario.in_domain(domain).flat(),
        scenario.inputs,
        scenario.steps,
        scenario.run.get("episodes"),
        scenario.run.get("first_episode", 0),
    )[1]
    return {path: scenario.inputs.get(path, made[path]) for path in stage.of_kind(hg.Input)}


@pytest.mark.parametrize(("scenario", "domain"), WORKED_OUT)
def test_reference_gives_what_was_worked_out_by_hand(
    scenario: Scenario, domain: Domain, reference: dict[tuple[str, str], hg.Result]
) -> None:
    result = definition(reference, scenario, domain)
    for path, events in scenario.expected.items():
        assert result.events(path).tolist() == [list(event) for event in events], path
    for target, values in scenario.expected_states.items():
        np.testing.assert_allclose(result.states[target], values, 1e-12, 1e-12, err_msg=target)
    for target, values in scenario.expected_weights.items():
        np.testing.assert_allclose(result.weights[target], values, 1e-12, 1e-12, err_msg=target)


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.exact_in_fixed], ids=str)
def test_quantising_changes_no_spike(
    scenario: Scenario, reference: dict[tuple[str, str], hg.Result]
) -> None:
    floating = definition(reference, scenario, "float")
    fixed = definition(reference, scenario, "fixed")
    assert fixed.provenance.approximations == ()
    for path, raster in floating.spikes.items():
        assert np.array_equal(raster, fixed.spikes[path]), path


def test_the_slice_holds_every_kind() -> None:
    held = [s for s in SCENARIOS if s.name in SLICE]
    assert len(held) == len(SLICE)
    kinds = {type(p).__name__ for s in held for _, p in s.in_domain("fixed").walk()}
    assert kinds == set(KINDS)
    assert any(s.graph.plastic for s in held)


def test_scenarios_reach_the_corners_they_are_for() -> None:
    """A scenario in which nothing spikes, wraps, saturates or learns would prove nothing."""
    for scenario in SCENARIOS:
        for domain in scenario.domains:
            result = definition({}, scenario, domain)
            events = result.counters.total("spikes") + result.counters.total("graded_events")
            assert events or result.counters.total("weight_updates"), scenario.name
            for path in scenario.in_domain(domain).plastic:
                assert result.counters.processes[path].weight_updates, scenario.name
    extremes = next(s for s in SCENARIOS if s.name == "fixed_extremes")
    states = hg.compile(extremes.graph).run(extremes.inputs, extremes.steps).states
    assert (np.abs(states["unit.v"]) == 2**23 - 1).any()
    assert (np.abs(states["unit.u"]) > 2**22).any()
