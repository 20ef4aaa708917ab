"""executors: where batches of jobs run: worker processes here, or on a Dask cluster.

Both have the shape of `concurrent.futures.Executor`, and on both a batch is run by a `Driver`, so
that time limits and deaths are handled alike. A cluster behind SLURM, PBS or LSF is one line of
dask-jobqueue; its scheduler's address is all that a sweep needs.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import queue
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.sweep.driver import Driver

Batch = Sequence[Mapping[str, Any]]
Records = list[dict[str, Any]]


class Pool(Protocol):
    """Where batches run."""

    @property
    def slots(self) -> int:
        """Return how many batches run at once."""

    def submit(self, batch: Batch, limit: float) -> Future[Records]:
        """Run a batch; see `Driver.run` for what it returns."""

    def close(self) -> None:
        """End all workers, whatever they do."""


class LocalPool:
    """So many worker processes on this computer."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            need = "must be a whole number above 0"
            raise Invalid("sweep", [Fault("workers", str(workers), need)])
        self.slots = workers
        self.drivers = [Driver() for _ in range(workers)]
        self._idle: queue.SimpleQueue[Driver] = queue.SimpleQueue()
        for driver in self.drivers:
            self._idle.put(driver)
        self._threads = ThreadPoolExecutor(workers, "sweep")

    def submit(self, batch: Batch, limit: float) -> Future[Records]:
        """Run a batch on the next worker that is free."""
        return self._threads.submit(self._run, batch, limit)

    def close(self) -> None:
        """End all workers, whatever they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for driver in self.drivers:
            driver.close()
        self._threads.shutdown(wait=True)
        for driver in self.drivers:  # one that a thread started while it was ended
            driver.close()

    def _run(self, batch: Batch, limit: float) -> Records:
        driver = self._idle.get()
        try:
            return driver.run(batch, limit)
        finally:
            self._idle.put(driver)


class DaskPool:
    """A Dask cluster by the address of its scheduler; hebbgraph is installed on its workers."""

    def __init__(self, address: str) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")  # an option
        except ImportError as error:
            text = "sweep: dask's distributed is not installed; pip install distributed"
            raise Unavailable(text) from error
        try:
            self.client = distributed.Client(address, timeout=20)
        except (OSError, ValueError, TypeError) as error:
            need = "must be the address of a Dask scheduler, such as tcp://host:8786"
            raise Invalid("sweep", [Fault("--dask", address, need)]) from error
        self._executor = self.client.get_executor()

    @property
    def slots(self) -> int:
        """Return the threads of the cluster, as many as there are now."""
        return max(1, sum(self.client.nthreads().values()))

    def submit(self, batch: Batch, limit: float) -> Future[Records]:
        """Run a batch on a thread of the cluster."""
        future: Future[Records] = self._executor.submit(drive, list(batch), limit)
        return future

    def close(self) -> None:
        """End the workers' processes, and leave the cluster as it was."""
        steps = (
            functools.partial(self._executor.shutdown, wait=False),
            functools.partial(self.client.run, end_drivers),
            self.client.close,
        )
        for step in steps:
            with contextlib.suppress(Exception):  # a cluster that has gone has ended them
                step()


_here = threading.local()
_drivers: list[Driver] = []


def drive(batch: Batch, limit: float) -> Records:
    """Run a batch by the driver of this thread: what a cluster calls."""
    if not hasattr(_here, "driver"):
        _here.driver = Driver()
        _drivers.append(_here.driver)
    driver: Driver = _here.driver
    return driver.run(batch, limit)


def end_drivers() -> None:
    """End the workers of this process."""
    for driver in _drivers:
        driver.close()
