"""run_recall: a recall task on one memory and one engine, measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.backend import Progress
from hebbgraph.counters import Counters, added
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.harness.baselines import baselines
from hebbgraph.harness.engine import Engine, Teller
from hebbgraph.harness.measure import cost_metrics, state_metrics
from hebbgraph.harness.recall_report import Example, RecallReport
from hebbgraph.harness.task import RecallTask
from hebbgraph.processes import Domain
from hebbgraph.result import Provenance, Result

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Bytes of results kept for comparing engines, unless told otherwise.
KEEP_BYTES = 256 * 2**20
#: Recalls kept as pictures, unless told otherwise.
KEEP_EXAMPLES = 4


def run_recall(
    task: RecallTask,
    family: Family,
    *,
    backend: str = "reference",
    domain: Domain = "float",
    hardware: Hardware | str | None = None,
    options: Mapping[str, Any] | None = None,
    examples: int = KEEP_EXAMPLES,
    keep_bytes: int = KEEP_BYTES,
    progress: Teller | None = None,
) -> RecallReport:
    """Return what the memories of a family recall on one engine.

    For every seed: choose and store the patterns, compile, run all cues as one batch of episodes,
    measure. `options` are the back end's; `Family.bound` sets parameters of the model. Of the
    first seed up to `examples` recalls are kept, spread over the patterns; results are kept for
    the first seeds, while they fit `keep_bytes`. `progress` is told (done, total, text), counted
    in steps over all seeds.

    Raises `Invalid` if the data are of another alphabet or the graph has no Input for cues, and
    what `compile` and ``Program.run`` raise.
    """
    require_alphabet(task, family)
    engine = Engine(backend, domain, hardware, dict(options or {}))
    recalled: list[_Recalled] = []
    shown: tuple[Example, ...] = ()
    kept: dict[int, Result] = {}
    room = keep_bytes
    for index, seed in enumerate(task.seeds):
        run = _run_seed(task, family, engine, seed, _inner(progress, index, task))
        recalled.append(_measured(task, run))
        if index == 0:
            shown = _examples(task, run, examples)
        # The first seeds, without holes, so that two engines keep the same ones.
        room -= _bytes(run.result)
        if room >= 0:
            kept[seed] = run.result
    return _report(task, engine, recalled, shown, kept)


def require_alphabet(task: RecallTask, family: Family) -> None:
    """Raise `Invalid` if a family cannot store the patterns of a task."""
    if task.data.alphabet != family.alphabet:
        need = f"must be {family.alphabet} patterns for this memory"
        remedy = "choose a data set of that alphabet, see `hebbgraph list data`"
        raise Invalid("run_recall", [Fault(task.data.name, task.data.alphabet, need, remedy)])


@dataclass(frozen=True, eq=False)
class _Run:
    """One seed: what was stored and asked, and what came back."""

    seed: int
    #: Rows of the data set that are stored, (K,).
    rows: NDArray[np.int64]
    #: (recalls, N).
    cues: NDArray[Any]
    #: (recalls, steps, N).
    states: NDArray[Any]
    result: Result
    compile_seconds: float


@dataclass(frozen=True, eq=False)
class _Recalled:
    """One seed, measured: a number per metric, and what is small enough to keep."""

    metrics: dict[str, float]
    baselines: dict[str, float]
    baseline_means: str
    counters: Counters
    provenance: Provenance
    compile_seconds: float


def _run_seed(
    task: RecallTask, family: Family, engine: Engine, seed: int, progress: Progress | None
) -> _Run:
    rows = task.stored(seed)
    cues = task.cues(seed, rows)
    start = time.perf_counter()
    with engine.compile(family, task.data.patterns[rows]) as program:
        seconds = time.perf_counter() - start
        states, result = engine.recall(family, program, cues, task.steps, progress)
    if progress:
        progress(task.steps, task.steps)  # some engines cannot tell how far they are
    return _Run(seed, rows, cues, states, result, seconds)


def _inner(progress: Teller | None, index: int, task: RecallTask) -> Progress | None:
    """Return what tells `progress` of the steps of one seed, and tell it that the seed begins."""
    if progress is None:
        return None
    tell = progress
    text = f"seed {task.seeds[index]} ({index + 1} of {len(task.seeds)})"

    def inner(done: int, steps: int) -> None:
        tell(index * steps + done, len(task.seeds) * steps, text)

    inner(0, task.steps)
    return inner


def _measured(task: RecallTask, run: _Run) -> _Recalled:
    stored = task.data.patterns[run.rows]
    labels = None if task.data.labels is None else task.data.labels[run.rows]
    numbers = state_metrics(
        run.states, run.cues, stored, task.targets(), task.data.alphabet, labels
    )
    numbers |= cost_metrics(run.result.counters, task.recalls)
    numbers["wall_seconds"] = run.result.provenance.wall_seconds
    right = baselines(task.data, run.rows, run.cues, task.targets())
    shares = {"nearest_stored": right.nearest_stored, "nearest_mean": right.nearest_mean}
    if right.nearest_stored_class is not None:
        shares["nearest_stored_class"] = right.nearest_stored_class
    return _Recalled(
        metrics=numbers,
        baselines={name: float(values.mean()) for name, values in shares.items()},
        baseline_means=right.means,
        counters=run.result.counters,
        provenance=run.result.provenance,
        compile_seconds=run.compile_seconds,
    )


def _examples(task: RecallTask, run: _Run, count: int) -> tuple[Example, ...]:
    """Return up to `count` recalls of one seed, spread evenly over its stored patterns."""
    spread = np.linspace(0, task.recalls - 1, min(count, task.recalls)).astype(int)
    targets = task.targets()
    return tuple(
        Example(
            seed=run.seed,
            row=int(run.rows[targets[episode]]),
            cue=run.cues[episode].copy(),
            target=task.data.patterns[run.rows[targets[episode]]].copy(),
            states=run.states[episode].copy(),
        )
        for episode in spread
    )


def _report(
    task: RecallTask,
    engine: Engine,
    recalled: Sequence[_Recalled],
    examples: tuple[Example, ...],
    results: Mapping[int, Result],
) -> RecallReport:
    first = recalled[0]
    per_seed = {name: tuple(one.metrics[name] for one in recalled) for name in first.metrics}
    base = {name: tuple(one.baselines[name] for one in recalled) for name in first.baselines}
    notes = dict.fromkeys(n for one in recalled for n in one.provenance.approximations)
    return RecallReport(
        task=task,
        backend=engine.backend,
        domain=first.provenance.domain,
        metrics={name: metrics.bootstrap(values) for name, values in per_seed.items()},
        per_seed=per_seed,
        baselines={name: metrics.bootstrap(values) for name, values in base.items()},
        baseline_means=first.baseline_means,
        counters=reduce(added, (one.counters for one in recalled)),
        recalls=task.recalls * len(recalled),
        examples=examples,
        results=results,
        compile_seconds=sum(one.compile_seconds for one in recalled),
        approximations=tuple(notes),
        versions=first.provenance.versions,
        options=first.provenance.options,
        graph_hashes=tuple(one.provenance.graph_hash for one in recalled),
    )


def _bytes(result: Result) -> int:
    held = (result.spikes, result.states, result.weights)
    return sum(array.nbytes for arrays in held for array in arrays.values())
