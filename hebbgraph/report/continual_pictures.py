"""Pictures of continual learning: the matrix R, how accuracy holds, what it costs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.continual.bench import ContinualBench
from hebbgraph.report import pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (
    pictures.VERMILLION, pictures.BLUE, pictures.GREEN, pictures.ORANGE, pictures.SKY,
    pictures.PURPLE, pictures.GREY, "#222222",
)  # fmt: skip
STYLES = ("-", "--", ":", "-.")


def heat_map(matrix: NDArray[np.float64], title: str = "", *, ax: Axes | None = None) -> Axes:
    """Draw R: accuracy on task j (across) after task i (down), percent in each cell."""
    axes = ax or pictures.figure(3.6, 3.4)[1][0]
    axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
    tasks = len(matrix)
    if tasks <= 12:
        for i, j in itertools.product(range(tasks), range(tasks)):
            value = matrix[i, j]
            if np.isfinite(value):
                colour = "white" if value < 0.6 else "black"
                axes.text(
                    j, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=6, color=colour
                )
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("accuracy on task")
    axes.set_ylabel("after task")
    axes.set_xticks(range(tasks))
    axes.set_yticks(range(tasks))
    axes.tick_params(labelsize=7)
    return axes


def curves(found: ContinualBench, *, ax: Axes | None = None) -> Axes:
    """Draw the mean accuracy on the tasks learned so far, after each task; bars: sd over seeds."""
    axes = ax or pictures.figure(7, 4)[1][0]
    for number, row in enumerate(row for row in found.rows if row.runs):
        each = np.array([_so_far(run.report.matrix) for run in row.runs])
        spread = each.std(axis=0, ddof=1) if len(each) > 1 else None
        tasks = np.arange(1, each.shape[1] + 1)
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number // len(COLOURS)]
        axes.errorbar(
            tasks, each.mean(axis=0), yerr=spread, label=row.method, color=colour,
            linestyle=style, marker="o", markersize=3, capsize=2,
        )  # fmt: skip
    axes.set_xlabel("tasks learned")
    axes.set_ylabel("mean accuracy on them")
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=7, ncols=3, loc="lower left")
    return axes


def cost_and_accuracy(found: ContinualBench, *, ax: Axes | None = None) -> Axes:
    """Draw ACC against synaptic operations per training sample, a point for each method."""
    axes = ax or pictures.figure(7, 4)[1][0]
    for number, row in enumerate(row for row in found.rows if row.runs and row.training):
        assert row.training is not None
        whole = row.training.total("synops_ac") + row.training.total("synops_mac")
        spread = row.deviation("acc")
        axes.errorbar(
            whole / row.training.episodes,
            row.mean("acc"),
            yerr=spread if np.isfinite(spread) else None,
            fmt="osD^vP*X<>"[number % 10],
            color=COLOURS[number % len(COLOURS)],
            capsize=3,
            label=row.method,
        )
    axes.set_xscale("log")
    axes.set_xlabel("synaptic operations per training sample")
    axes.set_ylabel("ACC")
    axes.legend(fontsize=7, ncols=2)
    return axes


def matrices(
    found: Mapping[str, NDArray[np.float64]] | Sequence[tuple[str, NDArray[np.float64]]],
) -> Axes:
    """Draw several R side by side; returns the first Axes."""
    pairs = list(found.items()) if isinstance(found, Mapping) else list(found)
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    made, _ = pictures.figure(0.1, 0.1)
    made.clear()
    made.set_size_inches(3.3 * columns, 3.2 * rows)
    axes = made.subplots(rows, columns, squeeze=False)
    for place, (title, matrix) in enumerate(pairs):
        heat_map(matrix, title, ax=axes[place // columns][place % columns])
    for place in range(len(pairs), rows * columns):
        axes[place // columns][place % columns].axis("off")
    first: Axes = axes[0][0]
    return first


def _so_far(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.nanmean(matrix[i, : i + 1]) for i in range(len(matrix))])
