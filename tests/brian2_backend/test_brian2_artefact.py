"""What a user takes over from the Brian2 back end: the network, and a script that runs alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import Dense
from hebbgraph.backends.brian2 import engine
from hebbgraph.processes import Domain
from tests.brian2_backend.graphs import AVAILABILITY, Case, random_case, tiny_case
from tests.brian2_backend.kinds import random_kinds

pytestmark = [
    pytest.mark.skipif(not AVAILABILITY.usable, reason=AVAILABILITY.reason or "usable"),
    # Where a test plays the user: Brian2 2.9 uses names that pyparsing 3.3 deprecates.
    pytest.mark.filterwarnings(r"ignore:'\w+' (argument is )?deprecated:DeprecationWarning"),
]

DENSE = pytest.mark.parametrize("dense", ["blas", "synapses"])

#: Runs a script and writes what its monitors and its weights hold.
RUNNER = """
import runpy, sys
import numpy as np
found = runpy.run_path(sys.argv[1])
assert "hebbgraph" not in sys.modules
arrays = {}
for name, thing in found.items():
    if name.endswith("_states"):
        arrays |= {f"{name}.{v}": np.asarray(getattr(thing, v)) for v in thing.record_variables}
    elif name.endswith("_spikes"):
        arrays |= {f"{name}.i": np.asarray(thing.i), f"{name}.t": np.asarray(thing.t_)}
    elif name.endswith("_learner"):
        arrays |= {f"{name}.weights": thing.weights, f"{name}.changed": thing.changed}
    elif name.endswith("_weights") and hasattr(thing, "changed"):
        arrays |= {f"{name}.w": np.asarray(thing.w[:])}
np.savez(sys.argv[2], **arrays)
"""


def held(objects: Any) -> dict[str, Any]:
    """Return the same of a network that ran here."""
    found: dict[str, Any] = {}
    for name, thing in objects.items():
        if name.endswith("_states"):
            found |= {f"{name}.{v}": np.asarray(getattr(thing, v)) for v in thing.record_variables}
        elif name.endswith("_spikes"):
            found |= {f"{name}.i": np.asarray(thing.i), f"{name}.t": np.asarray(thing.t_)}
        elif name.endswith("_learner"):
            found |= {f"{name}.weights": thing.weights, f"{name}.changed": thing.changed}
        elif name.endswith("_weights") and hasattr(thing, "changed"):
            found |= {f"{name}.w": np.asarray(thing.w[:])}
    return found


def assert_runs_alone(case: Case, folder: Path, **options: Any) -> None:
    """Save the network of a run, run the script in another process, compare all it recorded."""
    graph, inputs, steps = case
    with hg.compile(graph, "brian2", **options) as program:
        program.run(inputs, steps, first_episode=3)
        path = program.artefact.save(folder)
        assert path.read_text() == program.artefact.source()
        want = held(program.artefact.objects)
    results = folder / "results.npz"
    command = [sys.executable, "-c", RUNNER, str(path), str(results)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    got = dict(np.load(results))
    assert got.keys() == want.keys()
    assert len(want) > 1
    for key, values in want.items():
        np.testing.assert_array_equal(got[key], values, err_msg=key)


@pytest.mark.parametrize(("dense", "domain"), [("blas", "float"), ("synapses", "fixed")])
def test_the_saved_script_of_a_spiking_net_runs_alone(
    dense: str, domain: Any, tmp_path: Path
) -> None:
    assert_runs_alone(random_case(2, domain), tmp_path, dense=dense)


@pytest.mark.parametrize(
    ("group", "dense", "domain"),
    [
        ("spiking", "blas", "fixed"),
        ("graded", "synapses", "fixed"),
        ("groups", "blas", "fixed"),
        ("groups", "synapses", "float"),
        ("synapses", "blas", "fixed"),
        ("learning", "blas", "fixed"),
        ("learning", "synapses", "fixed"),
    ],
)
def test_the_saved_script_of_every_group_runs_alone(
    group: str, dense: str, domain: Domain, tmp_path: Path
) -> None:
    assert_runs_alone(random_kinds(1, domain, group), tmp_path, dense=dense)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_the_saved_script_of_a_compiled_net_runs_alone(target: str, tmp_path: Path) -> None:
    case = random_kinds(1, "fixed", "learning")
    assert_runs_alone(case, tmp_path, dense="synapses", target=target)


@DENSE
def test_the_network_is_handed_over(dense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    brian2 = engine.load()
    graph, inputs, steps = tiny_case()
    with hg.compile(graph, "brian2", dense=dense) as program:
        artefact = program.artefact
        assert isinstance(artefact.network, brian2.Network)
        result = program.run(inputs, steps)
        assert set(artefact.groups) == {"cue", "memory", "recurrent"}
        assert isinstance(artefact.groups["memory"], brian2.NeuronGroup)
        assert artefact.spike_monitors["memory"].num_spikes == result.spikes["memory"].sum()
        assert artefact.state_monitors["memory"].v.shape[1] in (steps, 2 * steps)
        weights = np.asarray(graph.of_kind(Dense)["recurrent"].weights)
        if dense == "synapses":
            (synapses,) = artefact.synapses["recurrent"]
            assert isinstance(synapses, brian2.Synapses)
            np.testing.assert_array_equal(weights[synapses.j, synapses.i], synapses.w)
            assert len(synapses) == np.count_nonzero(weights)
            assert float(synapses.delay[:]) == pytest.approx(1e-3)
        network = artefact.network
        monkeypatch.setitem(brian2.prefs, "codegen.target", "numpy")  # compile nothing
        end = float(network.t)
        network.run(3 * brian2.ms)  # the user goes on with it
        assert float(network.t) == pytest.approx(end + 3e-3)
        again = program.run(inputs, steps)
    np.testing.assert_array_equal(again.spikes["memory"], result.spikes["memory"])
