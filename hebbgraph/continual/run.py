"""run_stream: one learner on one stream of tasks, resumable between epochs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.continual.learner import Learner, State
from hebbgraph.continual.matrix import ContinualReport, report
from hebbgraph.continual.streams import Stream
from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic
from hebbgraph.random import stream as draws_of
from hebbgraph.serialise import DAMAGE, pack, unpack

#: Called with (epochs done, epochs in all, text).
Teller = Callable[[int, int, str], None]
#: Samples scored at once.
BATCH = 500


@dataclass(frozen=True, eq=False)
class StreamRun:
    """What one learner did on one stream with one seed."""

    learner: str
    stream: str
    seed: int
    epochs: int
    report: ContinualReport
    #: Accuracies of the untrained network, (T,).
    baseline: NDArray[np.float64]
    #: What the learner said after each epoch.
    log: tuple[Mapping[str, float], ...]
    #: Counts and bytes of learning, as the learner gives them.
    costs: Mapping[str, float]
    #: CPU seconds of learning, evaluation not among them.
    seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "learner": self.learner,
            "stream": self.stream,
            "seed": self.seed,
            "epochs": self.epochs,
            "report": self.report.as_dict(),
            "baseline": self.baseline.tolist(),
            "log": [dict(entry) for entry in self.log],
            "costs": dict(self.costs),
            "seconds": self.seconds,
            "settings": dict(self.settings),
        }


def run_stream(
    stream: Stream,
    learner: Learner,
    *,
    epochs: int = 1,
    seed: int = 0,
    checkpoint: Path | str | None = None,
    progress: Teller | None = None,
) -> StreamRun:
    """Let `learner` learn the tasks of `stream` one after another and fill the matrix R.

    Samples come in an order drawn for (seed, task, epoch). After every task all tasks are tested,
    those to come as well. With `checkpoint`, a file, everything is saved after every epoch, and a
    run that finds the file goes on from there: the result is the same to the last bit. The file
    names what it belongs to, and one of another run is refused.

    Raises `Invalid` with every fault of the arguments, for a damaged or foreign checkpoint, and
    where scores are not finite.
    """
    faults = whole_faults("epochs", epochs, 1, 10**6) + whole_faults("seed", seed, 0, 2**63)
    if faults:
        raise Invalid("run_stream", faults)
    key = _key(stream, learner, epochs, seed)
    at = _Place(len(stream))
    learner.start(stream, seed)
    path = Path(checkpoint) if checkpoint else None
    if path and path.exists():
        at, state = _read(path, key)
        if at.task < len(stream):
            learner.restore(at.task, stream.tasks[at.task], state, begun=at.epoch > 0)
        else:
            learner.restore(at.task - 1, stream.tasks[-1], state, begun=False)
    else:
        at.baseline[:] = _test(stream, learner)
    total = epochs * len(stream)
    while at.task < len(stream):
        task = stream.tasks[at.task]
        if at.epoch == 0:
            learner.begin(at.task, task)
        while at.epoch < epochs:
            if progress:
                done = at.task * epochs + at.epoch
                progress(done, total, f"{learner.name} seed {seed}, {_said(at, task.name)}")
            order = draws_of(seed, "continual.order", "rows", episode=at.task, step=at.epoch)
            samples = task.train.take(order.permutation(len(task.train)))
            began = time.process_time()
            at.log.append(dict(learner.epoch(at.task, at.epoch, samples)))
            at.seconds += time.process_time() - began
            at.epoch += 1
            if path and at.epoch < epochs:
                _write(path, key, at, learner.state())
        learner.end(at.task, task)
        at.matrix[at.task] = _test(stream, learner)
        at.task, at.epoch = at.task + 1, 0
        if path:
            _write(path, key, at, learner.state())
    if progress:
        progress(total, total, f"{learner.name} seed {seed}, done")
    return StreamRun(
        learner=learner.name,
        stream=stream.name,
        seed=seed,
        epochs=epochs,
        report=report(at.matrix, at.baseline),
        baseline=at.baseline,
        log=tuple(at.log),
        costs=dict(learner.costs()),
        seconds=at.seconds,
        settings=dict(learner.settings()),
    )


class _Place:
    """How far a run is, and what was measured until there."""

    def __init__(self, tasks: int) -> None:
        self.task = self.epoch = 0
        self.seconds = 0.0
        self.matrix = np.full((tasks, tasks), np.nan)
        self.baseline = np.full(tasks, np.nan)
        self.log: list[Mapping[str, float]] = []


def accuracy(scores: NDArray[Any], y: NDArray[np.int64], columns: Sequence[int] | None) -> float:
    """Return the share of samples whose class has the largest score, among `columns` if given.

    Raises `Invalid` where a score is not finite.
    """
    if not np.isfinite(scores).all():
        need = "must be finite: learning has diverged"
        remedy = "lower the learning rates"
        raise Invalid("scores", [Fault("readout", "NaN or infinite values", need, remedy)])
    if columns is None:
        return float((scores.argmax(axis=1) == y).mean())
    known = np.asarray(columns)
    return float((known[scores[:, known].argmax(axis=1)] == y).mean())


def _test(stream: Stream, learner: Learner) -> NDArray[np.float64]:
    """Return the accuracy on every task; in a task-incremental stream the task is known."""
    found = []
    for index, task in enumerate(stream.tasks):
        parts = [
            learner.scores(task.test.x[i : i + BATCH], index)
            for i in range(0, len(task.test), BATCH)
        ]
        columns = task.classes if stream.scenario == "task" else None
        found.append(accuracy(np.concatenate(parts), task.test.y, columns))
    return np.array(found)


def _said(at: _Place, name: str) -> str:
    rows = at.matrix[: at.task, : at.task]
    matrix = " | ".join(" ".join(f"{100 * value:.0f}" for value in row) for row in rows[-2:])
    return f"task {at.task} ({name}), epoch {at.epoch}" + (f", R ... {matrix}" if matrix else "")


def _key(stream: Stream, learner: Learner, epochs: int, seed: int) -> str:
    """Return a hash of everything that decides the result."""
    digest = hashlib.sha256()
    head = {
        "learner": learner.name,
        "settings": dict(learner.settings()),
        "stream": [stream.name, stream.scenario, stream.source, stream.outputs],
        "epochs": epochs,
        "seed": seed,
    }
    digest.update(json.dumps(head, sort_keys=True, default=str).encode())
    for task in stream.tasks:
        for part in (task.train, task.test):
            for array in (part.x, part.y):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _write(path: Path, key: str, at: _Place, state: State) -> None:
    document = {
        "key": key,
        "task": at.task,
        "epoch": at.epoch,
        "seconds": at.seconds,
        "log": [dict(entry) for entry in at.log],
    }
    arrays = {f"state/{name}": array for name, array in state.items()}
    write_atomic(path, pack(document, arrays | {"matrix": at.matrix, "baseline": at.baseline}))


def _read(path: Path, key: str) -> tuple[_Place, State]:
    try:
        document, arrays = unpack(path.read_bytes())
        at = _Place(len(arrays["baseline"]))
        at.task, at.epoch = int(document["task"]), int(document["epoch"])
        at.seconds, at.log = float(document["seconds"]), list(document["log"])
        at.matrix, at.baseline = arrays["matrix"].copy(), arrays["baseline"].copy()
        state = {n.removeprefix("state/"): a for n, a in arrays.items() if n.startswith("state/")}
        found = document["key"]
    except (*DAMAGE, OSError) as error:
        need = "must be a whole checkpoint"
        got = f"{type(error).__name__} {error}"
        raise Invalid(
            "checkpoint", [Fault(str(path), got, need, "remove it to begin anew")]
        ) from None
    if found != key:
        need = "must be of this run: the same data, learner, settings, epochs and seed"
        remedy = "remove it to begin anew, or name another file"
        raise Invalid("checkpoint", [Fault(str(path), "another run's", need, remedy)])
    return at, state
