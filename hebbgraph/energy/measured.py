"""measured: the joules that the counters of this computer show around a piece of work.

- RAPL (``/sys/class/powercap``): processor packages and what is inside them, memory, the platform;
- NVML (``nvidia-ml-py``): the total-energy counter of every NVIDIA GPU since Volta.

They count all that the computer does meanwhile, idle power and other programs included. So a
measured energy stands beside a modelled one and is never mixed with it: it says what the simulation
took here, the model what the network would take on a machine of its own.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hebbgraph.energy.band import quantity

#: Where Linux shows the counters of RAPL.
POWERCAP = Path("/sys/class/powercap")
#: Seconds between two looks at the counters: the narrowest (32 bits of 15 uJ) come round after some
#: two minutes at 500 W.
INTERVAL = 10.0


@dataclass(frozen=True)
class Measurement:
    """Joules by domain, of everything this computer did in the meantime."""

    seconds: float
    #: By domain: ``package-0``, ``package-0/dram`` (which is part of it), ``gpu-0 (name)``.
    joules: Mapping[str, float]
    #: Why a counter is not there, and what to do, by ``rapl`` or ``nvml``.
    unavailable: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        found = [f"{name} {quantity(joules, 'J')}" for name, joules in self.joules.items()]
        reasons = [f"no {name}: {reason}" for name, reason in self.unavailable.items()]
        return f"{'; '.join([*found, *reasons])} in {quantity(self.seconds, 's')}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "seconds": self.seconds,
            "joules": dict(self.joules),
            "unavailable": dict(self.unavailable),
        }


class Meter:
    """Measures between `measured`'s beginning and end; `result` is there afterwards."""

    def __init__(self) -> None:
        self._result: Measurement | None = None

    @property
    def result(self) -> Measurement:
        """Return what was measured; only after the ``with`` block."""
        assert self._result is not None, "read inside the block that is measured"
        return self._result


@contextmanager
def measured(
    powercap: Path = POWERCAP, nvml: Any = None, interval: float = INTERVAL
) -> Iterator[Meter]:
    """Measure the body of a ``with`` block; never fails, what cannot be read is in the result.

    `nvml` is the module that reads GPUs, by default ``pynvml`` where it is installed. Counters that
    come round are followed by looking every `interval` seconds.
    """
    counters, unavailable = _rapl(powercap)
    gpus, reason, close = _gpus(nvml)
    counters += gpus
    unavailable |= {"nvml": reason} if reason else {}
    done, meter = threading.Event(), Meter()
    watcher = threading.Thread(target=_watch, args=(counters, done, interval), daemon=True)
    start = time.perf_counter()
    if counters:
        watcher.start()
    try:
        yield meter
    finally:
        seconds = time.perf_counter() - start
        done.set()
        if counters:
            watcher.join()
        _look(counters)
        close()
        lost = {counter.name: counter.lost for counter in counters if counter.lost}
        joules = {c.name: c.joules for c in counters if not c.lost}
        meter._result = Measurement(seconds, joules, unavailable | lost)


class _Counter:
    """An energy counter that only rises, and begins again at 0 after `span`."""

    def __init__(self, name: str, read: Callable[[], int], unit: float, span: int = 0) -> None:
        self.name, self.read, self.unit, self.span = name, read, unit, span
        self.last, self.total, self.lost = read(), 0, ""

    def look(self) -> None:
        """Add what was counted since the last look."""
        try:
            now = self.read()
        except Exception as error:  # a counter that goes away must not end the work it counts
            self.lost = f"the counter went away: {error}"
            return
        step = now - self.last
        if step < 0 and not self.span:
            self.lost = f"the counter fell from {self.last} to {now}"
        self.total += step + (self.span if step < 0 else 0)
        self.last = now

    @property
    def joules(self) -> float:
        """Return what was counted so far."""
        return self.total * self.unit


def _watch(counters: list[_Counter], done: threading.Event, interval: float) -> None:
    while not done.wait(interval):
        _look(counters)


def _look(counters: list[_Counter]) -> None:
    for counter in counters:
        if not counter.lost:
            counter.look()


def _rapl(powercap: Path) -> tuple[list[_Counter], dict[str, str]]:
    """Return the counters of RAPL and why there are none, or not all."""
    zones = sorted(powercap.glob("*rapl:*")) if powercap.is_dir() else []
    if not zones:
        reason = f"{powercap} shows no counters of the processor (virtual machines hide them)"
        return [], {"rapl": reason}
    found: list[_Counter] = []
    faults: list[str] = []
    names: dict[str, str] = {}
    for zone in zones:
        try:
            own = (zone / "name").read_text().strip()
            above = names.get(zone.name.rpartition(":")[0])
            names[zone.name] = name = f"{above}/{own}" if above else own
            # The uncertain part is the counter; its file may be for root alone.
            span = int((zone / "max_energy_range_uj").read_text()) + 1
            found.append(_Counter(name, _reader(zone / "energy_uj"), 1e-6, span))
        except PermissionError as error:
            faults.append(f"{error.filename} is for root alone; chmod a+r it, or run as root")
        except (OSError, ValueError) as error:
            faults.append(f"{zone}: {error}")
    return found, {"rapl": "; ".join(faults)} if faults else {}


def _reader(file: Path) -> Callable[[], int]:
    return lambda: int(file.read_text())


def _gpus(nvml: Any) -> tuple[list[_Counter], str, Callable[[], None]]:
    """Return the counters of GPUs, why there are none, and what to call at the end."""

    def nothing() -> None:
        return None

    if nvml is None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return [], "not installed; pip install nvidia-ml-py", nothing
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return [], f"no NVIDIA driver: {error}", nothing
    found: list[_Counter] = []
    faults: list[str] = []
    for number in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(number)
            title = nvml.nvmlDeviceGetName(handle)
            title = title.decode() if isinstance(title, bytes) else title
            found.append(_Counter(f"gpu-{number} ({title})", _energy(nvml, handle), 1e-3))
        except nvml.NVMLError as error:
            faults.append(f"gpu-{number}: {error} (the counter exists since Volta)")
    if not found and not faults:
        faults.append("no NVIDIA GPU")
    return found, "; ".join(faults), nvml.nvmlShutdown


def _energy(nvml: Any, handle: Any) -> Callable[[], int]:
    return lambda: int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
