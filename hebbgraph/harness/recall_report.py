"""RecallReport: what `hebbgraph.harness.recall.run_recall` measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.counters import Counters
from hebbgraph.harness.task import RecallTask
from hebbgraph.metrics import Interval
from hebbgraph.result import Result

#: What each metric of a `RecallReport` is, averaged over the recalls of a seed. The final state is
#: that of the last step.
METRICS: dict[str, str] = {
    "overlap": "overlap of the final state with the pattern behind the cue",
    "cue_overlap": "overlap of the cue with it, where the recall began",
    "exact": "share of recalls that end in exactly that pattern",
    "identification": "share whose final state is nearest to that pattern; a tie is wrong",
    "class_accuracy": "share whose nearest stored pattern has the right class (labelled data)",
    "hamming": "units that are wrong in the final state",
    "settled": "share of recalls that came to rest",
    "period_two": "share that ended in a cycle of two states",
    "steps_to_settle": "first step of the state at rest, over the recalls that came to rest",
    "spurious": "share of the states at rest that are no stored pattern, nor its negative",
    "mixture": "share of the states at rest nearer to the mean image than to any pattern",
    "mean_image_overlap": "overlap of the final state with the sign of the mean stored pattern",
    "spikes_per_recall": "spikes of all populations over all steps of one recall",
    "synops_per_recall": "synaptic operations over all steps of one recall",
    "wall_seconds": "seconds the engine took for all recalls of the seed, in one batch",
}


@dataclass(frozen=True, eq=False)
class Example:
    """One recall, for pictures."""

    seed: int
    #: Row of the data set.
    row: int
    #: (N,), of the alphabet of the data, as is `target`.
    cue: NDArray[Any]
    target: NDArray[Any]
    #: The state after every step, (steps, N); the last is the recall.
    states: NDArray[Any]

    @property
    def raster(self) -> NDArray[np.bool_]:
        """Return the spikes of this recall, (steps, N)."""
        return self.states > 0


@dataclass(frozen=True, eq=False)
class RecallReport:
    """What `run_recall` measured; `as_dict` has everything but the arrays."""

    task: RecallTask
    backend: str
    domain: str
    #: By the names of `METRICS`: mean over seeds and its bootstrap interval.
    metrics: Mapping[str, Interval]
    #: The same, one number per seed, in the order of the task's seeds.
    per_seed: Mapping[str, tuple[float, ...]]
    #: ``nearest_stored``, ``nearest_mean`` and, for labelled data, ``nearest_stored_class``.
    baselines: Mapping[str, Interval]
    #: What the means of ``nearest_mean`` were taken over.
    baseline_means: str
    #: Summed over seeds, for pricing.
    counters: Counters
    #: Recalls in all, over all seeds.
    recalls: int
    examples: tuple[Example, ...]
    #: Results by seed, the first seeds only where all would not fit `keep_bytes`.
    results: Mapping[int, Result]
    #: Seconds spent on building and compiling, over all seeds.
    compile_seconds: float
    #: What was approximated on the way to the engine, in words, without repetition.
    approximations: tuple[str, ...]
    versions: Mapping[str, str]
    options: Mapping[str, Any]
    #: Content of the graph that ran, one per seed.
    graph_hashes: tuple[str, ...]

    @property
    def raster(self) -> NDArray[np.bool_] | None:
        """Return the spikes of the first example, (steps, N), or None where none was kept."""
        return self.examples[0].raster if self.examples else None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; NaN becomes None."""
        return {
            "task": self.task.as_dict(),
            "backend": self.backend,
            "domain": self.domain,
            "options": dict(self.options),
            "versions": dict(self.versions),
            "metrics": {name: value.as_dict() for name, value in self.metrics.items()},
            "per_seed": {name: list(map(_json, row)) for name, row in self.per_seed.items()},
            "baselines": {name: value.as_dict() for name, value in self.baselines.items()},
            "baseline_means": self.baseline_means,
            "recalls": self.recalls,
            "counters": self.counters.as_dict(),
            "compile_seconds": self.compile_seconds,
            "approximations": list(self.approximations),
            "graph_hashes": list(self.graph_hashes),
        }


def _json(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
