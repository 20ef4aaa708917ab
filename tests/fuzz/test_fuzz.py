"""A few hundred random graphs on every engine in the default run; `make fuzz` runs thousands."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import hebbgraph as hg
from hebbgraph.processes import KINDS
from tests.fuzz.engines import VARIANTS, difference, reference, run_on, usable
from tests.fuzz.strategies import Case, cases

QUICK = [label for label, (_, _, slow) in VARIANTS.items() if not slow]
#: Graphs per variant in the default run: as many as take some tens of seconds.
COUNTS = {"snntorch": 200, "lava": 60, "lava-model=parts": 25}
DEFAULT_COUNT = 25

common = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


@pytest.mark.parametrize("label", QUICK)
@pytest.mark.timeout(600)
def test_random_graphs_are_equal_on(label: str) -> None:
    if not usable([label]):
        pytest.skip(f"{label}: its engine is not here")

    @settings(common, max_examples=COUNTS.get(label, DEFAULT_COUNT))
    @given(cases())
    def check(case: Case) -> None:
        try:
            got = run_on(label, case)
        except hg.Unsupported as error:
            pytest.fail(f"{label} has a gap: {error}")
        assert difference(reference(case), got) == ""

    check()


def test_the_graphs_reach_every_kind_and_much_happens() -> None:
    kinds: set[str] = set()
    learned = nested = active = 0

    @settings(common, max_examples=150)
    @given(cases())
    def collect(case: Case) -> None:
        nonlocal learned, nested, active
        kinds.update(type(process).__name__ for _, process in case.graph.walk())
        result = reference(case)
        learned += result.counters.total("weight_updates") > 0
        nested += "deep" in case.graph.processes
        active += result.counters.total("spikes") > 0

    collect()
    assert kinds == set(KINDS)
    assert min(learned, nested) > 8
    assert active > 75
