"""Benchmark of continual learning: methods x seeds on one stream, network and budget."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.continual import sources
from hebbgraph.continual.matrix import MEASURES
from hebbgraph.continual.methods import METHODS
from hebbgraph.continual.presets import Preset
from hebbgraph.continual.rows import NotConverged
from hebbgraph.continual.run import StreamRun, Teller, run_stream
from hebbgraph.continual.streams import Stream
from hebbgraph.counters import Counters
from hebbgraph.errors import Fault, Invalid

#: Methods that learn rows, as many as the preset says.
WITH_ROWS = ("hlop", "pca")


@dataclass(frozen=True)
class ContinualConfig:
    """What is compared."""

    preset: str
    base: Preset
    methods: tuple[str, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int | None = None
    #: Changes of the network's settings, and of the stream's.
    net: Mapping[str, Any] = field(default_factory=dict)
    stream: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `Invalid` with every fault that can be seen without the data."""
        faults = [
            Fault("methods", repr(name), f"must be among {', '.join(METHODS)}")
            for name in self.methods
            if name not in METHODS
        ]
        if not self.methods:
            faults.append(Fault("methods", "none", "name at least one"))
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            faults.append(Fault("seeds", str(self.seeds), "must be one or more, all different"))
        if self.epochs is not None and self.epochs < 1:
            faults.append(Fault("epochs", str(self.epochs), "must be 1 or more"))
        if self.base.epochs < 1 or faults:
            raise Invalid("bench continual", faults)

    def options(self, method: str) -> dict[str, Any]:
        """Return the options of a method."""
        found = dict(self.base.options.get(method, {}))
        if method in WITH_ROWS:
            found = {
                "first_rows": self.base.first_rows,
                "later_rows": self.base.later_rows,
            } | found
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "preset": self.preset,
            "about": self.base.about,
            "stream": {**self.base.stream, **self.stream},
            "epochs": self.epochs or self.base.epochs,
            "net": {**self.base.net, **self.net},
            "methods": list(self.methods),
            "options": {method: self.options(method) for method in self.methods},
            "seeds": list(self.seeds),
        }


@dataclass(frozen=True, eq=False)
class MethodRow:
    """One method over all seeds."""

    method: str
    runs: tuple[StreamRun, ...]
    #: Events of inference and of training on the same samples, and how many samples those were;
    #: None where the network has no process graph.
    inference: Counters | None = None
    training: Counters | None = None
    #: Why it did not run to its end; empty if it did.
    failure: str = ""
    #: Warnings of the runs, such as rows that have not converged.
    notes: tuple[str, ...] = ()

    def values(self, measure: str) -> NDArray[np.float64]:
        """Return a measure of `MEASURES` for each seed."""
        return np.array([getattr(run.report, measure) for run in self.runs])

    def mean(self, measure: str) -> float:
        """Return the mean over seeds; NaN without runs."""
        return float(self.values(measure).mean()) if self.runs else float("nan")

    def deviation(self, measure: str) -> float:
        """Return the standard deviation over seeds (n - 1); NaN below two."""
        return float(self.values(measure).std(ddof=1)) if len(self.runs) > 1 else float("nan")

    def cost(self, name: str) -> float:
        """Return the mean of one cost over seeds, NaN where it is not given."""
        found = [run.costs[name] for run in self.runs if name in run.costs]
        return float(np.mean(found)) if found else float("nan")

    @property
    def memory(self) -> float:
        """Return the bytes that learning keeps beside the weights."""
        names = [k for k in (self.runs[0].costs if self.runs else {}) if k.startswith("bytes_")]
        return float(sum(self.cost(name) for name in names if name != "bytes_weights"))

    @property
    def seconds(self) -> float:
        """Return CPU seconds of learning a stream, the mean over seeds."""
        return float(np.mean([run.seconds for run in self.runs])) if self.runs else float("nan")

    def matrix(self) -> NDArray[np.float64]:
        """Return R, the mean over seeds."""
        return np.asarray(np.mean([run.report.matrix for run in self.runs], axis=0))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "method": self.method,
            "runs": [run.as_dict() for run in self.runs],
            "inference": self.inference.as_dict() if self.inference else None,
            "training": self.training.as_dict() if self.training else None,
            "failure": self.failure,
            "notes": list(self.notes),
        } | {
            measure: {"mean": _json(self.mean(measure)), "sd": _json(self.deviation(measure))}
            for measure in MEASURES
        }


@dataclass(frozen=True, eq=False)
class ContinualBench:
    """The outcome."""

    config: ContinualConfig
    source: str
    scenario: str
    tasks: int
    train_samples: int
    rows: tuple[MethodRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "config": self.config.as_dict(),
            "source": self.source,
            "scenario": self.scenario,
            "tasks": self.tasks,
            "train_samples": self.train_samples,
            "rows": [row.as_dict() for row in self.rows],
        }


def bench_continual(
    config: ContinualConfig,
    *,
    checkpoints: Path | None = None,
    jobs: int = 1,
    progress: Teller | None = None,
) -> ContinualBench:
    """Let every method learn the stream with every seed.

    With `checkpoints`, a folder, a run that was stopped goes on after its last epoch when the same
    benchmark is started again, to the same result. `jobs` runs go side by side in processes of
    their own. A method that fails (its loss is NaN, say) is told in its row; the others go on.
    Raises `Invalid` for faults of the arguments, `Unavailable` for missing data or packages.
    """
    config.check()
    told = progress or _silent
    stream = _stream(config, config.seeds[0], told)
    work = [(method, seed) for method in config.methods for seed in config.seeds]
    found: dict[tuple[str, int], _Outcome] = {}
    if checkpoints:
        checkpoints.mkdir(parents=True, exist_ok=True)
    if jobs > 1:
        found = _side_by_side(config, work, checkpoints, jobs, told)
    else:
        for number, (method, seed) in enumerate(work):
            scaled = _scaled(told, number, len(work))
            found[method, seed] = _one(config, method, seed, checkpoints, scaled)
    rows = tuple(
        _row(method, [found[method, seed] for seed in config.seeds]) for method in config.methods
    )
    samples = sum(len(task.train) for task in stream.tasks)
    return ContinualBench(config, stream.source, stream.scenario, len(stream), samples, rows)


@dataclass(frozen=True, eq=False)
class _Outcome:
    run: StreamRun | None
    inference: Counters | None = None
    training: Counters | None = None
    failure: str = ""
    notes: tuple[str, ...] = ()


def _row(method: str, outcomes: list[_Outcome]) -> MethodRow:
    runs = tuple(outcome.run for outcome in outcomes if outcome.run)
    failure = next((outcome.failure for outcome in outcomes if outcome.failure), "")
    counted = next((outcome for outcome in outcomes if outcome.training), None)
    notes = tuple(dict.fromkeys(note for outcome in outcomes for note in outcome.notes))
    if counted is None:
        return MethodRow(method, runs, failure=failure, notes=notes)
    return MethodRow(method, runs, counted.inference, counted.training, failure, notes)


def _stream(config: ContinualConfig, seed: int, told: Teller) -> Stream:
    given: dict[str, Any] = {**config.base.stream, **config.stream}
    return sources.stream(**{"seed": seed} | given, progress=told)


def _one(
    config: ContinualConfig,
    method: str,
    seed: int,
    checkpoints: Path | None,
    progress: Teller | None,
) -> _Outcome:
    """Run one method with one seed; bad input is told, not raised."""
    from hebbgraph.continual.learners.spiking import SpikingLearner  # torch, on use
    from hebbgraph.continual.spiking.settings import NetSettings
    from hebbgraph.continual.work import work_of

    try:
        stream = _stream(config, seed, _silent)
        settings = NetSettings(**{**config.base.net, **config.net})
        learner = SpikingLearner(settings, method, config.options(method))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", NotConverged)
            run = run_stream(
                stream,
                learner,
                epochs=config.epochs or config.base.epochs,
                seed=seed,
                checkpoint=checkpoints / f"{method}-{seed}.ckpt" if checkpoints else None,
                progress=progress,
            )
        inference, training = work_of(learner, stream)
    except Invalid as error:
        return _Outcome(None, failure=str(error))
    notes = tuple(f"seed {seed}, {warning.message}" for warning in warned)
    return _Outcome(run, inference, training, notes=notes)


def _side_by_side(
    config: ContinualConfig,
    work: list[tuple[str, int]],
    checkpoints: Path | None,
    jobs: int,
    told: Teller,
) -> dict[tuple[str, int], _Outcome]:
    context = multiprocessing.get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // jobs)
    found = {}
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(jobs, context, initializer=_limit, initargs=(threads,)) as pool,
    ):
        said = manager.Queue()
        listener = Thread(target=_listen, args=(said, told), daemon=True)
        listener.start()
        futures = {pool.submit(_one_apart, config, *item, checkpoints, said): item for item in work}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                found[futures[future]] = future.result()
                told(number, len(work), "runs, done")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            said.put(None)
            listener.join(timeout=5)
    return found


def _limit(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _one_apart(
    config: ContinualConfig, method: str, seed: int, checkpoints: Path | None, said: Any
) -> _Outcome:
    return _one(config, method, seed, checkpoints, lambda *words: said.put(words))


def _listen(said: Any, told: Teller) -> None:
    while (words := said.get()) is not None:
        told(*words)


def _scaled(told: Teller, number: int, runs: int) -> Teller:
    """Return a teller for one of several runs: done and total count all of them."""

    def tell(done: int, total: int, text: str) -> None:
        told(number * total + done, runs * total, f"bench continual, {text}")

    return tell


def _silent(done: int, total: int, text: str) -> None:
    """Tell nobody."""
    del done, total, text


def _json(value: float) -> float | None:
    return value if np.isfinite(value) else None
