"""Every kind and learning rules on Brian2 against the reference: random graphs, in all variants.

The slow tests compile: minutes for each on Cython until its modules are cached, ten seconds for
each run on C++ standalone. They cover every kind and rules. To run every scenario on these targets,
which takes hours: ``pytest tests/conformance -k brian2 -m slow``.
"""

from __future__ import annotations

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.processes import DOMAINS, KINDS, Domain
from tests.brian2_backend.graphs import AVAILABILITY, assert_runs_equal
from tests.brian2_backend.kinds import GROUPS, random_kinds

pytestmark = pytest.mark.skipif(not AVAILABILITY.usable, reason=AVAILABILITY.reason or "usable")

DENSE = pytest.mark.parametrize("dense", ["blas", "synapses"])


@DENSE
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("seed", range(2))
def test_random_graphs_of_every_kind(seed: int, group: str, domain: Domain, dense: str) -> None:
    tolerance = 0.0 if domain == "fixed" else 1e-9
    assert_runs_equal(random_kinds(seed, domain, group), tolerance, dense=dense)


def test_the_graphs_hold_every_kind_and_do_something() -> None:
    """Guard the tests above: a net in which nothing happens shows little."""
    kinds: set[str] = set()
    busy: list[bool] = []
    for group in GROUPS:
        for domain in DOMAINS:
            for seed in range(2):
                graph, inputs, steps = random_kinds(seed, domain, group)
                kinds |= {type(process).__name__ for _, process in graph.walk()}
                result = hg.compile(graph).run(inputs, steps)
                busy += [bool(raster.any()) for raster in result.spikes.values()]
                busy += [bool(values.any()) for values in result.states.values()]
                if group == "learning":
                    assert result.counters.total("weight_updates") > 0
    assert kinds == set(KINDS) - {"Clock", "Noise"}
    assert np.mean(busy) > 0.8


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("target", "domain"),
    [("cython", "fixed"), ("cpp_standalone", "fixed"), ("cpp_standalone", "float")],
)
@pytest.mark.parametrize("group", GROUPS)
def test_random_graphs_of_every_kind_on_compiled_targets(
    group: str, domain: Domain, target: str
) -> None:
    tolerance = 0.0 if domain == "fixed" else 1e-9
    case = random_kinds(0, domain, group)
    assert_runs_equal(case, tolerance, target=target, dense="synapses")
