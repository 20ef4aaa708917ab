"""TorchExecutable: a graph on a torch device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from hebbgraph.backend import Job, Progress
from hebbgraph.backends.snntorch.inference.run import REPORTS, Run
from hebbgraph.backends.snntorch.network import GraphNetwork
from hebbgraph.errors import EngineError, Fault, Invalid, Unavailable
from hebbgraph.graph import Graph
from hebbgraph.recording import Recording


class TorchExecutable:
    """A graph as a `GraphNetwork` on its device.

    Runs read the network's tensors as they are, so what a user changes in `artefact` counts.
    """

    def __init__(self, graph: Graph, options: Mapping[str, Any]) -> None:
        dtype = {"float64": torch.float64, "float32": torch.float32}[options["dtype"]]
        device = find_device(options["device"], dtype)
        self._network = GraphNetwork(graph, dtype, options["spike_grad"]).to(device)

    @property
    def artefact(self) -> GraphNetwork:
        """Return the network, an `nn.Module`."""
        return self._network

    def close(self) -> None:
        """Do nothing: memory goes with the last reference to the network."""

    def run(self, job: Job, progress: Progress | None = None) -> Recording:
        """Run all episodes at once, or where weights learn, `job.batch` by `job.batch`.

        Plastic weights start as the job says. Raises `EngineError` if torch fails, out of memory
        say.
        """
        device, told = self._network.like.device, 0
        with torch.inference_mode(), full_precision():
            with _engine_errors(device):
                run = Run(self._network, job)
            with contextlib.closing(run.parts()) as parts:
                while True:
                    with _engine_errors(device):
                        done, in_all = next(parts, (0, 0))
                    if not in_all:
                        break
                    if progress and done * REPORTS // in_all > told:
                        told = done * REPORTS // in_all
                        progress(done, in_all)
            with _engine_errors(device):
                return run.recording()


def find_device(name: Any, dtype: torch.dtype) -> torch.device:
    """Return the torch device called `name`.

    Raises `Invalid` if it is no device's name, `Unavailable` if this machine or this torch does
    not have it or it cannot hold `dtype`.
    """
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        need = 'must name a torch device, as in "cpu", "cuda" or "cuda:0"'
        raise Invalid("options of snntorch", [Fault("option device", repr(name), need)]) from error
    try:
        torch.ones(1, device=device, dtype=dtype).cpu()
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        there = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        reason = str(error).partition("\n")[0]
        remedy = f"devices here: {', '.join(there)}; or install a torch built for {device.type}"
        raise Unavailable(f"snntorch: no device {str(name)!r} ({reason}); {remedy}") from error
    return device


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 matrices with all their bits, whatever the process allows elsewhere.

    TF32 on CUDA and bfloat16 on CPU would round sums that are proved exact in float32.
    """
    backends: Any = torch.backends
    if hasattr(backends.cuda.matmul, "fp32_precision"):  # torch 2.9 and later
        units = [backends.cuda.matmul, backends.mkldnn.matmul]
        before = [unit.fp32_precision for unit in units]
        changed = [(u, p) for u, p in zip(units, before, strict=True) if p not in ("none", "ieee")]
        try:
            for unit, _ in changed:
                unit.fp32_precision = "ieee"
            yield
        finally:
            for unit, precision in changed:
                unit.fp32_precision = precision
    else:
        precision = torch.get_float32_matmul_precision()
        try:
            torch.set_float32_matmul_precision("highest")
            yield
        finally:
            torch.set_float32_matmul_precision(precision)


@contextlib.contextmanager
def _engine_errors(device: torch.device) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        remedy = "run fewer episodes or steps at once"
        raise EngineError(f"snntorch on {device}: {error}; if memory is short, {remedy}") from error
