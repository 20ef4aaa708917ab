"""The accuracy matrix R of continual learning, and what is read off it.

R[i, j] is the accuracy on task j after task i was learned, i and j from 0 to T - 1. Values above
the diagonal, tasks not yet learned, may be NaN where they were not measured. Definitions differ
between tools, so every measure here says which one it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault, Invalid

#: What each measure is.
MEASURES: dict[str, str] = {
    "acc": "ACC = mean_j R[T-1, j]: average accuracy on all tasks after the last one",
    "bwt": "BWT = mean_{j<T-1} (R[T-1, j] - R[j, j]): what later tasks did to earlier ones"
    " (Lopez-Paz and Ranzato 2017)",
    "fwt": "FWT = mean_{j>0} (R[j-1, j] - b_j), b_j the accuracy of an untrained network"
    " (Lopez-Paz and Ranzato 2017)",
    "forgetting": "mean_{j<T-1} (max_{i<T-1} R[i, j] - R[T-1, j]): from the best ever"
    " (Chaudhry et al. 2018)",
    "forgetting_first": "mean_{j<T-1} (R[j, j] - R[T-1, j]): from right after learning, -BWT (the"
    " definition of Avalanche)",
    "learning_accuracy": "LA = mean_j R[j, j]: how well each task is learned when it comes",
    "average_incremental": "mean_i mean_{j<=i} R[i, j]: average over the stream"
    " (class-incremental papers)",
}


@dataclass(frozen=True)
class ContinualReport:
    """Measures of one accuracy matrix, shares between -1 and 1; NaN where undefined."""

    #: R, (T, T).
    matrix: NDArray[np.float64]
    acc: float
    bwt: float
    fwt: float
    forgetting: float
    forgetting_first: float
    learning_accuracy: float
    average_incremental: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; NaN becomes None."""
        found = asdict(self)
        found["matrix"] = [[_json(value) for value in row] for row in self.matrix]
        return {k: v if k == "matrix" else _json(v) for k, v in found.items()}

    def __str__(self) -> str:
        return (
            f"ACC {100 * self.acc:.2f} %, BWT {100 * self.bwt:+.2f}, forgetting"
            f" {100 * self.forgetting:.2f}, LA {100 * self.learning_accuracy:.2f} %"
        )


def report(matrix: ArrayLike, baseline: ArrayLike | None = None) -> ContinualReport:
    """Return every measure of `MEASURES` for an accuracy matrix R (T, T), anybody's.

    `baseline` (T,) holds the accuracies of an untrained network, for FWT; without it, or where R
    has no values just above the diagonal, FWT is NaN. Accuracies are shares in [0, 1].

    Raises `Invalid` for another shape, values outside [0, 1], or holes on or below the diagonal.
    """
    r = _checked(matrix)
    tasks = len(r)
    last, own = r[-1], np.diag(r)
    earlier = slice(0, tasks - 1)
    best = np.array([r[j : tasks - 1, j].max() for j in range(tasks - 1)])
    rows = [r[i, : i + 1].mean() for i in range(tasks)]
    return ContinualReport(
        matrix=r,
        acc=float(last.mean()),
        bwt=_mean(last[earlier] - own[earlier]),
        fwt=_forward(r, baseline),
        forgetting=_mean(best - last[earlier]),
        forgetting_first=_mean(own[earlier] - last[earlier]),
        learning_accuracy=float(own.mean()),
        average_incremental=float(np.mean(rows)),
    )


def _forward(r: NDArray[np.float64], baseline: ArrayLike | None) -> float:
    tasks = len(r)
    if baseline is None or tasks < 2:
        return float("nan")
    base = np.asarray(baseline, dtype=np.float64)
    if base.shape != (tasks,):
        need = f"must hold one accuracy for each of {tasks} tasks"
        raise Invalid("continual.report", [Fault("baseline", f"shape {base.shape}", need)])
    before = np.array([r[j - 1, j] for j in range(1, tasks)])
    return float(np.mean(before - base[1:]))


def _checked(matrix: ArrayLike) -> NDArray[np.float64]:
    try:
        r = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        need = "must be a square array of accuracies"
        raise Invalid("continual.report", [Fault("matrix", str(error), need)]) from None
    if r.ndim != 2 or r.shape[0] != r.shape[1] or not r.size:
        need = "must be (tasks, tasks): row i the accuracies after task i"
        raise Invalid("continual.report", [Fault("matrix", f"shape {r.shape}", need)])
    faults = []
    holes = np.argwhere(np.isnan(r) & np.tri(len(r), dtype=bool))
    if len(holes):
        i, j = holes[0]
        need = "must be there for every task learned by then (on and below the diagonal)"
        faults.append(Fault(f"matrix[{i}, {j}]", "nan", need))
    wrong = np.argwhere((r < 0) | (r > 1))
    if len(wrong):
        i, j = wrong[0]
        remedy = "divide percentages by 100"
        faults.append(Fault(f"matrix[{i}, {j}]", f"{r[i, j]:g}", "must be in [0, 1]", remedy))
    if faults:
        raise Invalid("continual.report", faults)
    return r


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _json(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
