"""Measured energy: false trees of RAPL and a false NVML; what is not there has a reason."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hebbgraph.energy.measured import Measurement, _Counter, measured

SPAN = 262_143_328_850


def zone(powercap: Path, name: str, title: str, energy: int, span: int = SPAN) -> Path:
    folder = powercap / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{title}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{span}\n")
    return folder


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 10)
    zone(tmp_path, "intel-rapl:0:1", "dram", SPAN - 500_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 0)
    (tmp_path / "intel-rapl").mkdir()  # the control type, no counter
    return tmp_path


def spend(powercap: Path, name: str, energy: int) -> None:
    (powercap / name / "energy_uj").write_text(f"{energy}\n")


class NVMLError(Exception):
    pass


class FalseNVML:
    """Two GPUs: one counts, the other is too old."""

    NVMLError = NVMLError

    def __init__(self, driver: bool = True, count: int = 2) -> None:
        self.driver, self.count, self.energy, self.open = driver, count, 5_000, 0
        self.looks = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.driver:
            raise NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        return number

    def nvmlDeviceGetName(self, handle: int) -> Any:  # noqa: N802
        return b"H200" if handle == 0 else "K80"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        if handle:
            raise NVMLError("Not Supported")
        self.looks += 1
        return self.energy


def test_counters_of_the_processor_are_read_round_their_end(powercap: Path) -> None:
    with measured(powercap, FalseNVML(driver=False)) as meter:
        spend(powercap, "intel-rapl:0", 3_500_000)
        spend(powercap, "intel-rapl:0:1", 250_000)  # came round: 500,001 to the end, and 250,000
    assert meter.result.joules == {
        "package-0": pytest.approx(2.5),
        "package-0/core": 0.0,
        "package-0/dram": pytest.approx(0.750001),
        "package-1": 0.0,
    }
    assert meter.result.unavailable == {"nvml": "no NVIDIA driver: Driver Not Loaded"}
    assert 0 < meter.result.seconds < 60


def test_a_counter_that_comes_round_twice_is_followed() -> None:
    shown = iter((900, 100, 800, 200, 100))  # 200 (round), 700, 400 (round), 900 (round)
    counter = _Counter("package-0", lambda: next(shown), 1e-6, span=1000)
    for _ in range(4):
        counter.look()
    assert counter.joules == pytest.approx(2200e-6)
    counter.look()  # it has nothing more to show
    assert "went away" in counter.lost
    falls = iter((5, 3))
    without_end = _Counter("gpu-0", lambda: next(falls), 1e-3)
    without_end.look()
    assert without_end.lost == "the counter fell from 5 to 3"


def test_counters_are_looked_at_meanwhile(tmp_path: Path) -> None:
    nvml = FalseNVML(count=1)
    with measured(tmp_path, nvml, interval=0.001):
        end = time.monotonic() + 30
        while nvml.looks < 10 and time.monotonic() < end:
            time.sleep(0.01)
    assert nvml.looks >= 10


def test_gpus_are_read_and_closed(tmp_path: Path) -> None:
    nvml = FalseNVML()
    with measured(tmp_path, nvml) as meter:
        nvml.energy += 1_250
        assert nvml.open == 1
    assert nvml.open == 0
    assert meter.result.joules == {"gpu-0 (H200)": pytest.approx(1.25)}
    assert "gpu-1: Not Supported" in meter.result.unavailable["nvml"]
    assert "shows no counters" in meter.result.unavailable["rapl"]
    assert str(meter.result).startswith("gpu-0 (H200) 1.2 J; no rapl: ")
    assert json.loads(json.dumps(meter.result.as_dict()))["joules"]


def test_what_is_not_there_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not to be imported
    with measured(tmp_path / "none") as meter:
        pass
    assert meter.result.joules == {}
    assert meter.result.unavailable["nvml"] == "not installed; pip install nvidia-ml-py"
    assert "virtual machines" in meter.result.unavailable["rapl"]
    with measured(tmp_path, FalseNVML(count=0)) as meter:
        pass
    assert meter.result.unavailable["nvml"] == "no NVIDIA GPU"


def test_a_counter_for_root_alone_says_so(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read any file, so the refusal is played."""
    read = Path.read_text

    def refused(self: Path, *args: Any, **kwargs: Any) -> str:
        if self.name == "energy_uj" and "rapl:1" in str(self):
            raise PermissionError(13, "Permission denied", str(self))
        return read(self, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", refused)
    with measured(powercap, FalseNVML(driver=False)) as meter:
        pass
    assert set(meter.result.joules) == {"package-0", "package-0/core", "package-0/dram"}
    assert "energy_uj is for root alone; chmod a+r" in meter.result.unavailable["rapl"]


def test_damaged_and_vanishing_counters_do_not_end_the_work(powercap: Path) -> None:
    (powercap / "intel-rapl:1" / "energy_uj").write_text("many\n")
    with measured(powercap, FalseNVML(driver=False)) as meter:
        (powercap / "intel-rapl:0:0" / "energy_uj").unlink()
        spend(powercap, "intel-rapl:0", 2_000_000)
    assert meter.result.joules["package-0"] == pytest.approx(1.0)
    assert "package-0/core" not in meter.result.joules
    assert "went away" in meter.result.unavailable["package-0/core"]
    assert "intel-rapl:1" in meter.result.unavailable["rapl"]


def test_an_error_of_the_work_is_the_works_own(powercap: Path) -> None:
    nvml, meters = FalseNVML(count=1), []

    def work() -> None:
        with measured(powercap, nvml) as meter:
            meters.append(meter)
            spend(powercap, "intel-rapl:0", 2_000_000)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    (meter,) = meters
    assert nvml.open == 0
    assert isinstance(meter.result, Measurement)
    assert meter.result.joules["package-0"] == pytest.approx(1.0)
