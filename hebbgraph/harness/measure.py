"""What recalls are measured by: one number per network, of the states it went through.

`run_recall` and `sweep` measure by the same functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.alphabets import Alphabet
from hebbgraph.counters import Counters
from hebbgraph.harness.baselines import class_right
from hebbgraph.harness.task import REAL_TOLERANCE


def tolerance_of(alphabet: Alphabet) -> float:
    """Return what a unit may be off to be right, as a share of its pattern's rms."""
    return REAL_TOLERANCE if alphabet == "real" else 0.0


def state_metrics(
    states: NDArray[Any],
    cues: NDArray[Any],
    stored: NDArray[Any],
    targets: NDArray[np.int64],
    alphabet: Alphabet,
    labels: NDArray[np.int64] | None = None,
) -> dict[str, float]:
    """Return the metrics of recalls by the names of `hebbgraph.harness.METRICS`.

    `states` (recalls, steps, N), `cues` (recalls, N), `stored` (K, N) with `labels` (K,) or None,
    `targets` (recalls,) the rows of `stored` behind the cues. NaN where nothing is defined: what is
    said of states at rest when none is.
    """
    wanted, final = stored[targets], states[:, -1]
    tolerance = tolerance_of(alphabet)
    rest = metrics.settling(states, tolerance)
    at_rest = final[rest.settled]
    values: dict[str, NDArray[Any]] = {
        "overlap": metrics.overlap(final, wanted),
        "cue_overlap": metrics.overlap(cues, wanted),
        "exact": metrics.exact(final, wanted, tolerance),
        "identification": metrics.identified(final, stored, targets),
        "hamming": metrics.hamming(final, wanted, tolerance),
        "settled": rest.settled,
        "period_two": rest.period_two,
        "steps_to_settle": rest.steps[rest.settled],
        "spurious": metrics.spurious(at_rest, stored, tolerance),
        "mixture": metrics.mixture(at_rest, stored, tolerance),
        "mean_image_overlap": metrics.mean_image_overlap(final, stored),
    }
    if labels is not None:
        values["class_accuracy"] = class_right(final, stored, labels, targets)
    return {name: float(v.mean()) if v.size else float("nan") for name, v in values.items()}


def cost_metrics(counters: Counters, recalls: int) -> dict[str, float]:
    """Return spikes and synaptic operations per recall."""
    synops = counters.total("synops_ac") + counters.total("synops_mac")
    return {
        "spikes_per_recall": counters.total("spikes") / recalls,
        "synops_per_recall": synops / recalls,
    }


def information(states: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return I(xi; sigma), the bits that a unit of the final state tells of the stored one.

    The mutual information of the joint frequencies of values, over all units and recalls of
    `states` and `wanted` (recalls, N): the entropy of the patterns' values where recall is
    perfect, 0 at chance. NaN for values that are not whole numbers.
    """
    if not (_whole(states) and _whole(wanted)):
        return float("nan")
    given, row = np.unique(wanted, return_inverse=True)
    found, column = np.unique(states, return_inverse=True)
    cells = row.ravel() * len(found) + column.ravel()
    joint = np.bincount(cells, minlength=len(given) * len(found)) / cells.size
    joint = joint.reshape(len(given), len(found))
    apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    held = joint > 0
    bits = float((joint[held] * np.log2(joint[held] / apart[held])).sum())
    return max(bits, 0.0)  # rounding may leave -1e-17


def _whole(values: NDArray[Any]) -> bool:
    return np.issubdtype(values.dtype, np.integer) or bool((values == np.rint(values)).all())
