"""One seed is one network: connectivity, inputs, noise and rounding, on every engine and target.

Each is read back from the engine itself: weights by sending one spike into the source of every
synapse alone, noise and inputs through units that pass on what they hear, rounding by what was
learned. Their hashes must be the reference's. (Brian2's own random numbers differ by target.)
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Connection, Dense, Graph, Input, LeakyIntegrator, Noise, Probe, Rule, Sparse
from hebbgraph.backend import Variant, discover
from hebbgraph.catalogue import models
from hebbgraph.processes import Process
from hebbgraph.random import stream

VARIANTS = [
    pytest.param(name, variant, id=variant.label(name), marks=[pytest.mark.slow] * variant.slow)
    for name, backend in discover().items()
    for variant in backend.capability.variants
]
UNITS = 24


def random_synapses() -> dict[str, Process]:
    """Return synapses whose ends, weights and delays come from one seed."""
    draw = stream(983, "network", "connectivity")
    weights = 2 * draw.integers(-60, 60, (UNITS, UNITS))
    present = draw.random((UNITS, UNITS)) < 0.2
    post, pre = np.nonzero(present)
    return {
        "dense": Dense(weights * present),
        "listed": Sparse(UNITS, UNITS, pre, post, 2 * draw.integers(1, 60, len(post))),
    }


def synapses_of(name: str) -> dict[str, Process]:
    """Return the synapses of a model's example in the fixed domain, or of the random network."""
    if name == "random":
        return random_synapses()
    graph, _, _ = models()[name].example()
    fixed = hg.compile(graph, domain="fixed").graph
    found = {p: s for p, s in fixed.walk() if s.synaptic and not isinstance(s, hg.Transpose)}
    return {path: s for path, s in found.items() if path not in fixed.plastic}


def read_back(name: str, backend: str, options: Any) -> dict[str, Any]:
    """Return the weight matrices that an engine really uses, by path."""
    found = {}
    for path, synapses in synapses_of(name).items():
        pre = synapses.inputs["s"].size
        graph = Graph(
            "probe",
            {"one": Input(pre, signal="spike"), "w": synapses},
            [Connection("one.out", "w.s")],
            [Probe("w.a")],
            "fixed",
        )
        with hg.compile(graph, backend, **options) as program:
            result = program.run({"one": np.eye(pre)[:, np.newaxis]}, 2)
        found[path] = result.states["w.a"][:, 1].T
    return found


def heard_and_learned(backend: str, options: Any) -> dict[str, Any]:
    """Return inputs and noise as units of an engine hear them, and weights learned by chance."""
    kinds = ("logistic", "gumbel", "uniform", "bernoulli")
    processes: dict[str, Any] = {"data": Input(5, gain=3.0)}
    connections = []
    for kind in kinds:
        scale = 0.5 if kind == "bernoulli" else 100.0
        processes[f"from_{kind}"] = Noise(5, kind, scale, seed=955)  # type: ignore[arg-type]
    for source in ("data", *(f"from_{kind}" for kind in kinds)):
        processes[f"hears_{source}"] = LeakyIntegrator(5, 4096)
        connections.append(Connection(f"{source}.out", f"hears_{source}.a"))
    rule = Rule("7*pre*post", shift=5, rounding="stochastic", seed=955, low=-250, high=250)
    processes["w"] = Dense(np.zeros((5, 5)), rule=rule)
    connections += [Connection("data.out", "w.s"), Connection("from_bernoulli.out", "w.post")]
    probes = [Probe(f"{name}.out") for name in processes if name.startswith("hears_")]
    graph = Graph("heard", processes, connections, probes, "fixed")
    data = stream(955, "network", "data").integers(-9, 9, (2, 12, 5))
    with hg.compile(graph, backend, **options) as program:
        result = program.run({"data": data}, 20, first_episode=3)
    return {**result.states, **result.weights}


def digest(found: dict[str, Any]) -> str:
    text = hashlib.sha256()
    for key in sorted(found):
        array = np.ascontiguousarray(found[key]).astype("<i8")
        text.update(f"{key} {array.shape}\0".encode() + array.tobytes())
    return text.hexdigest()


@pytest.mark.parametrize(("backend", "variant"), VARIANTS)
def test_one_seed_is_one_network(backend: str, variant: Variant) -> None:
    available = discover()[backend].availability()
    if not available.usable:
        pytest.skip(f"{available.reason}; {available.remedy}")
    for name in ("random", *models()):
        wanted = {path: s.matrix() for path, s in synapses_of(name).items()}
        shifted = {
            path: np.floor(matrix * 2.0 ** getattr(synapses_of(name)[path], "exponent", 0))
            for path, matrix in wanted.items()
        }
        assert digest(read_back(name, backend, variant.options)) == digest(shifted), name
    expected = digest(heard_and_learned("reference", {}))
    assert digest(heard_and_learned(backend, variant.options)) == expected


def test_the_hash_sees_a_single_synapse() -> None:
    found = read_back("random", "reference", {})
    changed = {path: matrix.copy() for path, matrix in found.items()}
    changed["dense"][3, 4] += 2
    assert digest(changed) != digest(found)
