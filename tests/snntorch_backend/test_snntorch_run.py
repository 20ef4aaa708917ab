"""How the snnTorch back end behaves: options, errors, progress, and what it must not touch."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import Job, discover
from hebbgraph.models import hopfield

BACKEND = discover()["snntorch"]
FOUND = BACKEND.availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import torch  # noqa: E402

from hebbgraph.backends.snntorch.executable import full_precision  # noqa: E402
from tests.snntorch_backend.cases import Style, assert_same, random_case, run  # noqa: E402
from tests.snntorch_backend.zoo import zoo  # noqa: E402


def settings() -> dict[str, Any]:
    """Return what torch keeps for the whole process."""
    return {
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "random": torch.get_rng_state().numpy().tobytes(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "products": torch.get_float32_matmul_precision(),
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "units": precisions(),
    }


def precisions() -> list[str]:
    """Return how float32 matrices are multiplied on CUDA and on CPU, where torch can tell."""
    units: list[Any] = [torch.backends.cuda.matmul, torch.backends.mkldnn]
    units[1] = getattr(units[1], "matmul", None)
    return [unit.fp32_precision for unit in units if hasattr(unit, "fp32_precision")]


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_the_hopfield_example_equals_the_reference(domain: Any) -> None:
    graph, data, steps = hopfield.example()
    names = ("reference", "snntorch")
    reference, ours = (hg.compile(graph, n, domain=domain).run(data, steps) for n in names)
    np.testing.assert_array_equal(ours.spikes["memory"], reference.spikes["memory"])
    np.testing.assert_array_equal(ours.states["memory.v"], reference.states["memory.v"])
    assert ours.counters.totals() == reference.counters.totals()
    assert ours.provenance.versions["snntorch"] == FOUND.versions["snntorch"]


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_a_run_leaves_the_settings_of_torch_alone(precision: str) -> None:
    graph, data, steps = hopfield.example()
    original = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        before = settings()
        with hg.compile(graph, "snntorch", domain="fixed") as program:
            program.run(data, steps, progress=lambda done, total: None)
            program.artefact({"cue": torch.tensor(data["cue"])}, steps)
        assert settings() == before
        with full_precision():
            assert not {"tf32", "bf16"} & set(precisions())
            if not precisions():
                assert torch.get_float32_matmul_precision() == "highest"
        assert settings() == before
        with pytest.raises(ZeroDivisionError), full_precision():
            raise ZeroDivisionError
        assert settings() == before
    finally:
        torch.set_float32_matmul_precision(original)


@pytest.mark.parametrize("steps", [1, 7, 50, 1203])
def test_progress_is_told_now_and_then_and_at_the_end(steps: int) -> None:
    graph, data, _ = hopfield.example()
    told: list[tuple[int, int]] = []
    hg.compile(graph, "snntorch").run(data, steps, progress=lambda *done: told.append(done))
    assert told[-1] == (steps, steps)
    assert told == sorted(set(told))
    assert min(steps, 40) <= len(told) <= 50


def test_progress_counts_the_steps_of_all_batches() -> None:
    graph = hg.Graph(
        "learns",
        {"x": hg.Input(3), "w": hg.Dense(np.ones((3, 3)), rule=hg.Rule("pre")), "y": hg.LIF(3)},
        [hg.Connection("x.out", "w.s"), hg.Connection("w.a", "y.a")],
    )
    told: list[tuple[int, int]] = []
    program = hg.compile(graph, "snntorch")
    program.run({"x": np.ones((6, 9, 3))}, batch=2, progress=lambda *done: told.append(done))
    assert told[-1] == (27, 27)
    assert told == sorted(set(told))
    assert len(told) >= 3


@pytest.mark.parametrize("size", [1, 40, 500])
@pytest.mark.parametrize("style", ["fixed", "generic"])
def test_runs_in_chunks_of_steps_are_equal(
    style: Style, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [random_case(style, seed) for seed in range(3)]
    found += [zoo(seed, recurrent=bool(seed % 2)) for seed in range(4) if style == "generic"]
    expected = [run(case) for case in found]
    monkeypatch.setattr("hebbgraph.backends.snntorch.inference.run.CHUNK", size)
    for case, whole in zip(found, expected, strict=True):
        assert_same(run(case), whole, 0.0 if style == "fixed" else 1e-9)


def test_an_error_of_the_progress_callback_is_not_an_engine_error() -> None:
    graph, data, steps = hopfield.example()

    def stop(done: int, total: int) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match=r"^stop$"):
        hg.compile(graph, "snntorch").run(data, steps, progress=stop)


def test_running_out_of_memory_is_an_engine_error() -> None:
    graph, data, _ = hopfield.example()
    with (
        hg.compile(graph, "snntorch") as program,
        pytest.raises(hg.EngineError, match=r"snntorch on cpu: .*run fewer episodes or steps"),
    ):
        program._executable.run(Job(data, 2, 10**14))


def test_data_of_the_caller_stays_as_it_is() -> None:
    graph = hg.Graph("wire", {"x": hg.Input(3), "y": hg.LIF(3)}, [hg.Connection("x.out", "y.a")])
    data = np.arange(12.0).reshape(1, 4, 3)
    data.setflags(write=False)
    program = hg.compile(graph, "snntorch")
    recording = program._executable.run(Job({"x": data}, 1, 6))
    np.testing.assert_array_equal(recording.spikes["y"][0, :4], data[0] > 1)
    np.testing.assert_array_equal(data.ravel(), np.arange(12.0))


@pytest.mark.parametrize("name", ["gpu", "cpu:x", 3.5, ""])
def test_a_name_that_is_no_device_is_invalid(name: Any) -> None:
    with pytest.raises(hg.Invalid, match='option device: must name a torch device, as in "cpu"'):
        hg.compile(hopfield.example()[0], "snntorch", device=name)


@pytest.mark.parametrize("name", ["cuda:99", "meta"])
def test_a_device_that_is_not_there_is_unavailable(name: str) -> None:
    with pytest.raises(hg.Unavailable, match=f"no device '{name}'.*devices here: cpu"):
        hg.compile(hopfield.example()[0], "snntorch", device=name)


def test_all_bad_options_are_named_at_once() -> None:
    with pytest.raises(hg.Invalid) as error:
        hg.compile(hopfield.example()[0], "snntorch", dtype="half", spike_grad=None, speed=11)
    assert len(error.value.faults) == 3


def test_a_missing_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = BACKEND.availability()
    assert not found.usable
    assert found.reason == "torch and snntorch not installed"
    with pytest.raises(hg.Unavailable, match=r'pip install "hebbgraph\[torch\]"'):
        hg.compile(hopfield.example()[0], "snntorch")


def test_an_untested_version_is_a_caveat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.7.0")
    found = BACKEND.availability()
    assert found.usable
    assert "2.7.0 is untested" in found.caveat


def test_finding_the_back_end_imports_no_engine() -> None:
    code = (
        "import sys; import hebbgraph.backends.snntorch as s; s.BACKEND.availability(); "
        "sys.exit('torch' in sys.modules or 'snntorch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
