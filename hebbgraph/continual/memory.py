"""Peak memory of learning: what one epoch takes, in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from hebbgraph.continual.learner import Learner
from hebbgraph.continual.streams import Stream
from hebbgraph.errors import EngineError
from hebbgraph.random import stream as draws_of

#: Bytes of a unit of ``ru_maxrss``: kibibytes, but bytes on macOS.
UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class PeakMemory:
    """Most bytes of memory (resident set) that a process held."""

    #: Until learning begins: interpreter, libraries, data, the untrained learner. What they held
    #: for a moment only is forgotten where the system can do that (Linux).
    before: int
    #: Through the end of an epoch.
    peak: int

    @property
    def learning(self) -> int:
        """Return what the epoch took beyond what was there; 0 where an earlier peak hides it."""
        return self.peak - self.before


def peak_memory(stream: Stream, learner: Learner, *, task: int = 0, seed: int = 0) -> PeakMemory:
    """Return the peak memory of one epoch of `task`, untrained, in a fresh process.

    The operating system keeps one peak for the whole life of a process, hence a process of its
    own, which is begun anew (``spawn``): learner and stream must be picklable, and the program
    must not learn on import. Raises `EngineError` where that process fails.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    given = (sender, stream, learner, task, seed)
    process = context.Process(target=_measure, args=given, daemon=True)
    process.start()
    sender.close()
    try:
        before, peak = receiver.recv()
    except EOFError:
        process.join()
        text = f"the process that measures memory failed, exit code {process.exitcode}"
        raise EngineError(text) from None
    process.join()
    return PeakMemory(before, peak)


def _measure(sender: Connection, stream: Stream, learner: Learner, task: int, seed: int) -> None:
    learner.start(stream, seed)
    chosen = stream.tasks[task]
    order = draws_of(seed, "continual.order", "rows", episode=task).permutation(len(chosen.train))
    samples = chosen.train.take(order)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what is held now
    before = _peak()
    learner.begin(task, chosen)
    learner.epoch(task, 0, samples)
    sender.send((before, _peak()))
    sender.close()


def _peak() -> int:
    """Return the peak; that of getrusage includes the program from which this one was begun."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
