"""Pictures of a divergence: what surrounds the event, and learned weights over time.

As in `pictures`, every function takes ``ax=None`` and returns the Axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hebbgraph.divergence import LearnedDistance
from hebbgraph.divergence.scene import ADDED, BOTH, MISSING, NONE, OTHER, Scene
from hebbgraph.report.pictures import BLUE, ORANGE, PURPLE, SKY, VERMILLION, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colour of each cell, what it says of a spike, and the mark that says it without colour.
CELLS = {
    NONE: ("#F0F0F0", "", ""),
    BOTH: ("#222222", "spike in both", ""),
    MISSING: (SKY, "in the reference only", "o"),
    ADDED: (VERMILLION, "in the engine only", "x"),
    OTHER: (PURPLE, "values differ", "."),
}
INK = "#222222"


def surroundings(scene: Scene, *, ax: Axes | None = None) -> Axes:
    """Draw the units of the process that departed, step by step, the event framed."""
    height = 1.5 + 0.16 * len(scene.rows)
    axes = ax or figure(7, height)[1][0]
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch, Rectangle

    colours = ListedColormap([colour for colour, _, _ in CELLS.values()])
    left, top = scene.columns.start - 0.5, scene.rows.start - 0.5
    extent = (left, scene.columns.stop - 0.5, scene.rows.stop - 0.5, top)
    look: dict[str, Any] = {"cmap": colours, "vmin": -0.5, "vmax": 4.5, "interpolation": "nearest"}
    axes.imshow(scene.cells, extent=extent, aspect="auto", **look)
    for column in scene.columns[1:]:
        axes.axvline(column - 0.5, color="white", linewidth=0.8)
    for row in scene.rows[1:]:
        axes.axhline(row - 0.5, color="white", linewidth=0.8)
    handles = []
    for kind, (colour, words, mark) in CELLS.items():
        y, x = np.nonzero(scene.cells == kind)
        if not len(x) or not words:
            continue
        if mark:
            size = 9 if mark != "x" else 12
            ink: dict[str, Any] = {"color": INK, "linewidths": 0.8, "s": size}
            axes.scatter(x + scene.columns.start, y + scene.rows.start, marker=mark, **ink)
        handles.append(Patch(facecolor=colour, label=words))
    event = scene.event
    weights = event.kind in ("weight", "learned")
    column = (event.pre or 0) if weights else event.step
    frame = Rectangle((column - 0.5, event.unit - 0.5), 1, 1, fill=False, clip_on=False)
    frame.set(edgecolor=ORANGE, linewidth=3, zorder=5)
    axes.add_patch(frame)
    handles.append(Patch(facecolor="none", edgecolor=ORANGE, linewidth=2, label="first divergence"))
    axes.set_xlabel("presynaptic unit" if weights else "step", fontsize=9)
    axes.set_ylabel("postsynaptic unit" if weights else "unit", fontsize=9)
    shown = f"weights of {event.process}" if weights else event.process
    axes.set_title(f"{shown}, {event.when_words}", fontsize=10)
    _whole_ticks(axes)
    axes.figure.legend(
        handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False
    )
    return axes


def trace(scene: Scene, *, ax: Axes | None = None) -> Axes:
    """Draw what the unit of the event did, in the reference and in the engine."""
    axes = ax or figure(7, 2.4)[1][0]
    steps = np.asarray(scene.steps)
    axes.step(steps, scene.expected, where="mid", color=INK, linewidth=1.6, label="reference")
    look: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.6, "linestyle": (0, (3, 2))}
    axes.step(steps, scene.got, where="mid", label="engine", **look)
    axes.axvline(scene.event.step, color=ORANGE, linewidth=3, alpha=0.5, label="first divergence")
    axes.set_title(f"{scene.variable} of {scene.event.place}", fontsize=10)
    axes.set_xlabel("step", fontsize=9)
    axes.set_xlim(steps[0] - 0.5, steps[-1] + 0.5)
    axes.spines[["top", "right"]].set_visible(False)
    _whole_ticks(axes, rows=False)
    axes.legend(fontsize=8, frameon=False, loc="best")
    return axes


def learned(distances: Sequence[LearnedDistance], *, ax: Axes | None = None) -> Axes:
    """Draw how far learned weights lie from the reference's over time, one line per process."""
    axes = ax or figure(7, 2.8)[1][0]
    colours = (BLUE, VERMILLION, "#009E73", PURPLE, ORANGE, SKY)
    for index, one in enumerate(distances):
        colour, dash = colours[index % len(colours)], ("-", "--", ":")[index // len(colours) % 3]
        mark = "o" if len(one.at) < 30 else ""
        look: dict[str, Any] = {"color": colour, "linestyle": dash, "marker": mark}
        axes.plot(one.at, one.relative, label=one.path, linewidth=1.6, markersize=4, **look)
    every = {one.every for one in distances}
    axes.set_xlabel(" or ".join(sorted(every)) + ", over the whole run", fontsize=9)
    axes.set_ylabel("relative distance", fontsize=9)
    axes.set_title("Learned weights: |engine - reference| / |reference|, Frobenius", fontsize=10)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    _whole_ticks(axes, rows=False)
    axes.legend(fontsize=8, frameon=False, loc="best")
    return axes


def _whole_ticks(axes: Axes, *, rows: bool = True) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    if rows:
        axes.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.tick_params(labelsize=8)
