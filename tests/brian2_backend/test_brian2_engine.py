"""What the Brian2 back end leaves alone, hands over and says when something is wrong."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph import LIF, Dense, Graph
from hebbgraph.backends.brian2.names import Names
from hebbgraph.backends.brian2.plan import Layout
from hebbgraph.backends.brian2.planner import make_plan
from hebbgraph.backends.brian2.script import KERNELS
from hebbgraph.passes.flatten import flatten
from tests.brian2_backend.graphs import AVAILABILITY, random_case, tiny_case

pytestmark = [
    pytest.mark.skipif(not AVAILABILITY.usable, reason=AVAILABILITY.reason or "usable"),
    # Where a test plays the user: Brian2 2.9 uses names that pyparsing 3.3 deprecates.
    pytest.mark.filterwarnings(r"ignore:'\w+' (argument is )?deprecated:DeprecationWarning"),
]

DENSE = pytest.mark.parametrize("dense", ["blas", "synapses"])


@pytest.fixture
def brian2() -> Any:
    from hebbgraph.backends.brian2 import engine

    return engine.load()


@pytest.fixture
def globals_of_brian2(brian2: Any) -> Iterator[Any]:
    """Check after a test that Brian2's preferences and device are what they were."""

    def seen() -> tuple[dict[str, Any], Any, Any]:
        return dict(brian2.prefs), brian2.get_device(), float(brian2.defaultclock.dt)

    before = seen()
    yield brian2
    assert seen() == before


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which temporary files are made."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def standalone(graph: Graph) -> hg.Program:
    return hg.compile(graph, "brian2", target="cpp_standalone", dense="synapses")


@DENSE
def test_settings_are_restored(dense: str, globals_of_brian2: Any) -> None:
    graph, inputs, steps = tiny_case()
    globals_of_brian2.prefs["core.default_float_dtype"] = np.float32
    try:
        with hg.compile(graph, "brian2", dense=dense) as program:
            result = program.run(inputs, steps)
        assert globals_of_brian2.prefs["core.default_float_dtype"] is np.float32
        assert result.states["memory.v"].dtype == np.int64
    finally:
        globals_of_brian2.prefs["core.default_float_dtype"] = np.float64


def test_a_standalone_project_of_the_user_goes_on(globals_of_brian2: Any) -> None:
    """The user's own network, half defined on their own device, is not seen by ours."""
    brian2 = globals_of_brian2
    graph, inputs, steps = tiny_case()
    brian2.set_device("cpp_standalone", build_on_run=False)
    try:
        device = brian2.get_device()
        brian2.NeuronGroup(2, "x : 1", name="of_the_user")
        arrays = len(device.arrays)
        with hg.compile(graph, "brian2") as program:
            assert program.run(inputs, steps).spikes["memory"].any()
        assert brian2.get_device() is device
        assert len(device.arrays) == arrays
    finally:
        brian2.device.reinit()
        brian2.devices.reset_device()


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyboardInterrupt])
def test_an_error_of_the_callback_is_passed_on(
    error: type[BaseException], globals_of_brian2: Any
) -> None:
    graph, inputs, steps = tiny_case()

    def stop(done: int, total: int) -> None:
        raise error("enough")

    with hg.compile(graph, "brian2") as program:
        with pytest.raises(error, match="enough"):
            program.run(inputs, steps, progress=stop)
        assert program.run(inputs, steps).spikes["memory"].any()


def test_a_failed_build_is_an_engine_error_and_leaves_nothing(
    temporary: Path, globals_of_brian2: Any
) -> None:
    graph, inputs, steps = tiny_case()
    program = standalone(graph)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals_of_brian2.prefs, "devices.cpp_standalone.make_cmd_unix", "false")
        with pytest.raises(hg.EngineError, match="cpp_standalone"):
            program.run(inputs, steps)
    assert program.artefact.folder is None
    assert not list(temporary.glob("hebbgraph*"))


def test_an_error_inside_the_network_is_an_engine_error(globals_of_brian2: Any) -> None:
    graph, inputs, steps = tiny_case()
    with hg.compile(graph, "brian2", dense="synapses") as program:
        program.artefact.groups["memory"].run_regularly("v = unknown")
        program.artefact.network.store("hebbgraph_start")
        executable = program._executable
        executable.layout = Layout(1, 1, steps)  # type: ignore[attr-defined]
        with pytest.raises(hg.EngineError, match="unknown"):
            program.run(inputs, steps)
        assert program.run(inputs, steps).spikes["memory"].any()


@pytest.mark.slow
def test_standalone_runs_twice_and_removes_its_folder(
    temporary: Path, globals_of_brian2: Any
) -> None:
    graph, inputs, steps = tiny_case()
    want = hg.compile(graph).run(inputs, steps).spikes["memory"]
    program = standalone(graph)
    for episodes in (2, 1):
        data = {"cue": inputs["cue"][:episodes]}
        got = program.run(data, steps).spikes["memory"]
        np.testing.assert_array_equal(got, want[:episodes])
        folder = program.artefact.folder
        assert list(folder.glob("**/*.cpp"))
        assert list(temporary.glob("hebbgraph*")) == [folder]
    program.close()
    program.close()
    assert not list(temporary.glob("hebbgraph*"))
    assert program.artefact.folder is None


@pytest.mark.slow
@DENSE
def test_cython_compiles_once(dense: str, tmp_path: Path, globals_of_brian2: Any) -> None:
    """Another batch size, other steps, other data, and the same graph again: no new module."""
    graph, inputs, steps = tiny_case()
    name = "codegen.runtime.cython.cache_dir"
    before = globals_of_brian2.prefs[name]
    globals_of_brian2.prefs[name] = str(tmp_path / "user")
    try:
        with hg.compile(graph, "brian2", target="cython", dense=dense) as program:
            program.run(inputs, steps)
            compiled = sorted(tmp_path.glob("user_hebbgraph/*.so"))
            assert compiled
            program.run({"cue": 2 * inputs["cue"][:1]}, steps + 5)
        with hg.compile(graph, "brian2", target="cython", dense=dense) as program:
            program.run({"cue": np.repeat(inputs["cue"], 3, axis=0)}, steps)
        assert sorted(tmp_path.glob("user_hebbgraph/*.so")) == compiled
        assert not (tmp_path / "user").exists()
    finally:
        globals_of_brian2.prefs[name] = before


def test_float_equations_read_like_the_definition() -> None:
    plan = make_plan(flatten(tiny_case("float")[0]), "blas")
    (step,) = plan.population("memory").codes
    assert step.text.splitlines() == [
        "a = cue_out + recurrent_a",
        "u = u*(1 - decay_u) + a",
        "v = v*(1 - decay_v) + u + bias",
        "s = int(v > threshold)",
    ]


def test_names_do_not_depend_on_what_was_compiled_before() -> None:
    graph = tiny_case()[0]
    first, second = (hg.compile(graph, "brian2").artefact for _ in range(2))
    names = [{obj.name for obj in artefact.network.objects} for artefact in (first, second)]
    assert names[0] == names[1]
    assert {"memory", "memory_spikes", "recurrent_product"} <= names[0]


def test_names_never_clash() -> None:
    names = Names()
    wanted = ["a.b", "a_b", "a_b_2", "a_b_step", "clock", "é", "1", "a_b_spike_thresholder"]
    given = [names.take(name) for name in wanted]
    assert given[0] == "a_b"
    assert len(set(given)) == len(given)
    assert all(name.isidentifier() and name.isascii() for name in given)
    assert "clock" not in given
    assert "a_b_step" not in given
    for kernel in KERNELS:
        assert Names().take(kernel) != kernel


@DENSE
def test_progress_goes_from_nothing_to_all(dense: str) -> None:
    graph, inputs, steps = tiny_case()
    calls: list[tuple[int, int]] = []
    with hg.compile(graph, "brian2", dense=dense) as program:
        program.run(inputs, steps, progress=lambda done, total: calls.append((done, total)))
    total = steps * (2 if dense == "synapses" else 1)
    assert calls[0] == (0, total)
    assert calls[-1] == (total, total)
    assert calls == sorted(calls)


@DENSE
def test_brian2_says_nothing(dense: str, brian2: Any, caplog: pytest.LogCaptureFixture) -> None:
    graph, inputs, steps = random_case(1, "fixed")
    logger = logging.getLogger("brian2")
    logger.addHandler(caplog.handler)
    try:
        with hg.compile(graph, "brian2", dense=dense) as program:
            program.run(inputs, steps)
    finally:
        logger.removeHandler(caplog.handler)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO] == []


def test_standalone_without_synapses_is_refused_with_the_remedy() -> None:
    with pytest.raises(hg.Invalid, match='dense="synapses"'):
        hg.compile(tiny_case()[0], "brian2", target="cpp_standalone")


def test_unknown_settings_are_refused_at_once() -> None:
    with pytest.raises(hg.Invalid) as caught:
        hg.compile(tiny_case()[0], "brian2", target="gpu", dens="blas")
    assert [fault.where for fault in caught.value.faults] == ["option target", "option dens"]


def test_finding_the_back_end_does_not_import_the_engine() -> None:
    code = (
        "import sys; from hebbgraph.backend import discover; discover()['brian2'].availability();"
        "import hebbgraph; assert 'brian2' not in sys.modules, 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_single_precision_is_used_only_where_it_is_exact() -> None:
    graph, _, _ = tiny_case()
    small = make_plan(flatten(graph), "blas").arrays["recurrent.weights"]
    assert small.dtype == np.float32
    wide = Graph(
        "wide",
        {"cue": hg.Input(600), "unit": LIF(1, 1, 1, 0, 1), "sum": Dense(np.full((1, 600), 255))},
        [hg.Connection("cue.out", "sum.s"), hg.Connection("sum.a", "unit.a")],
        [],
        "fixed",
    )
    assert make_plan(wide, "blas").arrays["sum.weights"].dtype == np.float64


def test_a_first_import_in_a_thread_is_refused() -> None:
    code = (
        "import threading; from hebbgraph.backends.brian2.engine import load\n"
        "def work():\n"
        "    try: load()\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
        "t = threading.Thread(target=work); t.start(); t.join()"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.startswith("EngineError")
    assert "main thread" in done.stdout


def test_errors_of_the_program_are_not_reported_as_bugs_of_brian2() -> None:
    code = "from hebbgraph.backends.brian2.engine import load; load(); raise ValueError('mine')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert "ValueError: mine" in done.stderr
    assert "Brian" not in done.stderr
