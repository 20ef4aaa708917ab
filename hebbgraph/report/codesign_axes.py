"""codesign_axes: how the pictures of co-design sweeps are labelled, framed and shaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.energy.band import format_energy
from hebbgraph.energy.breakeven import DAMPFHOFFER
from hebbgraph.report import pictures
from hebbgraph.sweep.objectives import PRICES, Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (
    *(pictures.BLUE, pictures.VERMILLION, pictures.GREEN, pictures.ORANGE),
    *(pictures.PURPLE, pictures.SKY, "#222222"),
)
MARKS = ("o", "s", "^", "D", "v", "P", "X")
#: Bars, rows and lines of a picture at most.
MOST = 12


def line_with_band(axes: Axes, at: Any, values: Any, number: int, label: str) -> None:
    """Draw (value, low, high) against `at`; lines from number MOST on are left out."""
    if number >= MOST:
        return
    nominal = np.array([v[0] for v in values])
    low, high = np.array([v[1] for v in values]), np.array([v[2] for v in values])
    colour, mark = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
    axes.plot(at, nominal, color=colour, marker=mark, markersize=4, linewidth=1.3, label=label)
    axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)


def shade_break_even(axes: Axes, per_step: float) -> None:
    """Shade the steps at which a synapse carries as many spikes as the published bounds."""
    if per_step <= 0:
        return
    first, last = (bound / per_step for bound in DAMPFHOFFER)
    left, right = axes.get_xlim()
    axes.axvspan(first, last, color=pictures.YELLOW, alpha=0.25, linewidth=0,
                 label="break-even, 0.15 to 1.38 spikes per synapse")  # fmt: skip
    axes.set_xlim(min(left, 0.0), max(right, min(first, 4 * right)))


def estimate(*objectives: Objective) -> str:
    """Return that prices are estimates, and on which machines; or that all was measured."""
    names = dict.fromkeys(o.machine for o in objectives if o.machine)
    return f"estimates, {', '.join(names)}" if names else "measured"


def name_axis(axis: Any, objective: Objective) -> None:
    """Write what an axis shows."""
    words = objective.name.replace("_", " ")
    if objective.machine and objective.name in PRICES:
        per = "training sample" if objective.name == "learning" else "episode"
        words = f"{words} per {per} on {objective.machine} (estimate)"
        if PRICES[objective.name] == "J":
            axis.set_major_formatter(joules)
    axis.set_label_text(words, fontsize=9)


def joules(value: float, _: Any = None) -> str:
    """Return an energy as an axis writes it."""
    return format_energy(value).replace(".0 ", " ")


def short(value: float, unit: str) -> str:
    """Return a value as a cell of a map writes it."""
    return format_energy(value) if unit == "J" else f"{value:.3g}{f' {unit}' if unit else ''}"


def frame(axes: Axes, title: str) -> None:
    """Set title, grid and spines."""
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def legend(axes: Axes) -> None:
    """Explain the marks on the right of `axes`."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7, frameon=False
        )


def arms(ends: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the lengths of an error bar, none where an end is unknown."""
    value, low, high = ends
    return np.nan_to_num(np.array([[max(0.0, value - low)], [max(0.0, high - value)]]))
