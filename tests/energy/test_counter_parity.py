"""The law of the counters: the same graph and activity give the same counts on every engine.

The conformance suite compares counters on every scenario. Here a handful of scenarios is shown to
raise every counter there is, so that none of them is equal because it is always 0.
"""

from __future__ import annotations

import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.counters import COUNTERS, Counters
from hebbgraph.processes import Domain
from tests.conformance.scenarios import SCENARIOS, Scenario

#: Between them every counter: delays and graded values; noise; traces and stochastic rounding (in
#: fixed); third factors.
NAMES = ("delays", "fan_in", "glauber", "stdp", "delta")
CHOSEN = [scenario for scenario in SCENARIOS if scenario.name in NAMES]


def counted(scenario: Scenario, domain: Domain, backend: str) -> Counters:
    with hg.compile(scenario.in_domain(domain), backend) as program:
        return program.run(scenario.inputs, scenario.steps, **scenario.run).counters


def test_every_counter_is_raised() -> None:
    assert len(CHOSEN) == len(NAMES)
    raised = set()
    for scenario in CHOSEN:
        for domain in scenario.domains:
            totals = counted(scenario, domain, "reference").totals()
            raised |= {name for name, n in totals.items() if n}
    assert raised == set(COUNTERS)


@pytest.mark.parametrize("backend", [name for name in discover() if name != "reference"])
@pytest.mark.parametrize("scenario", CHOSEN, ids=str)
def test_engines_count_alike(scenario: Scenario, backend: str) -> None:
    availability = discover()[backend].availability()
    if not availability.usable:
        pytest.skip(f"{availability.reason}; {availability.remedy}")
    for domain in scenario.domains:
        expected, got = (counted(scenario, domain, name) for name in ("reference", backend))
        if domain == "fixed" or not expected.total("weight_updates"):
            assert got == expected, domain
        else:  # float sums in another order may leave a weight where it was
            ours, theirs = expected.totals(), got.totals()
            assert {k: v for k, v in ours.items() if k != "weight_updates"} == {
                k: v for k, v in theirs.items() if k != "weight_updates"
            }
