"""Pictures of sweeps: curves with intervals, phase diagrams with a theory line, what recall costs.

As in `hebbgraph.report.pictures`, every function takes ``ax=None`` and returns the Axes, and no
setting of matplotlib is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.harness.cost import RecallCost
from hebbgraph.harness.sweep import Point, Sweep
from hebbgraph.report.pictures import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    energy_rows,
    figure,
)
from hebbgraph.report.words import collapses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Lines in their order: told apart by colour and by mark.
LINES = (
    (BLUE, "o"),
    (VERMILLION, "s"),
    (GREEN, "^"),
    (ORANGE, "D"),
    (PURPLE, "v"),
    (SKY, "P"),
    ("#222222", "X"),
)
#: Metrics in [0, 1], drawn with the whole range.
SHARES = ("overlap", "exact", "identification", "class_accuracy", "settled", "spurious", "mixture")
#: Metrics that say how many recalls are right, beside which the baselines are drawn.
RIGHT = ("exact", "identification", "class_accuracy")
BASELINES = (
    ("nearest_stored", "1-NN of the cue"),
    ("nearest_mean", "nearest class mean of the cue (class)"),
)
#: Places at which a theory line is computed: of a curve, and of a phase diagram.
_FINE, _COARSE = 200, 60

Theory = Callable[..., Any]


def curves(
    sweep: Sweep,
    metric: str = "overlap",
    *,
    x: str | None = None,
    by: str | None = None,
    at: Mapping[str, Any] | None = None,
    theory: Theory | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a metric against the knob `x`, a line for each value of the knob `by`, with intervals.

    By default `x` is the last knob of several numbers and `by` the other one; `at` fixes any
    further ones. ``theory(x)``, or ``theory(x, value of by)`` where there is a `by`, is drawn
    without marks. Beside shares of right recalls, 1-NN of the cue is dotted, and the nearest class
    mean dashed where patterns come from a data set: in grey where all lines have the same. A ring
    marks points that collapse onto the mean image.

    Raises `Invalid` if knobs are left open, or on an unknown metric.
    """
    sweep.require_metric(metric)
    x, by = _axes_of(sweep, x, by, at)
    axes = ax or figure(6, 3.8)[1][0]
    theories: list[tuple[NDArray[np.float64], list[float], str]] = []
    lines: list[tuple[str, list[Point]]] = []
    for place, value in enumerate(sweep.knobs[by] if by else (None,)):
        points = sweep.where(**{**(at or {}), **({by: value} if by else {})})
        colour, mark = LINES[place % len(LINES)]
        label = f"{words(by)} {_text(value)}" if by else sweep.base.name
        _line(axes, points, x, metric, {"color": colour, "marker": mark, "label": label})
        if theory:
            fine = _fine([point.at[x] for point in points])
            theories.append((fine, [theory(v, value) if by else theory(v) for v in fine], colour))
        lines.append((colour, points))
    _theories(axes, theories)
    for name, text in BASELINES if metric in RIGHT else ():
        if name == "nearest_stored" or lines[0][1][0].trial.data is not None:
            _baselines(axes, lines, x, name, text)
    _frame(axes, x, metric)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    return axes


def phase(
    sweep: Sweep,
    metric: str = "overlap",
    *,
    x: str | None = None,
    y: str | None = None,
    at: Mapping[str, Any] | None = None,
    theory: Callable[[float], float] | None = None,
    along: Literal["x", "y"] = "x",
    ax: Axes | None = None,
) -> Axes:
    """Draw a metric as colour over the knobs `x` and `y`, and the line y = theory(x) on it.

    By default `x` and `y` are the first two knobs of several numbers; `at` fixes any further ones.
    With ``along="y"`` the line is x = theory(y). Where theory is NaN none is drawn.

    Raises `Invalid` if knobs are left open.
    """
    sweep.require_metric(metric)
    free = _free(sweep, at)
    x = x or next((name for name in free if name != y), None)
    y = y or next((name for name in free if name != x), None)
    _require_two(sweep, x, y, free)
    assert x is not None
    assert y is not None
    axes = ax or figure(5.6, 4.2)[1][0]
    columns, rows = sweep.knobs[x], sweep.knobs[y]
    cells = {(p.at[x], p.at[y]): p.metrics[metric].mean for p in sweep.where(**(at or {}))}
    grid = np.array([[cells[a, b] for a in columns] for b in rows])
    order = np.ix_(np.argsort(rows), np.argsort(columns))
    limits: dict[str, Any] = {"vmin": 0.0, "vmax": 1.0} if metric in SHARES else {}
    mesh = axes.pcolormesh(_edges(columns), _edges(rows), grid[order], cmap="cividis", **limits)
    bar = axes.figure.colorbar(mesh, ax=axes)
    bar.set_label(_metric_words(metric), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    if theory:
        box = axes.get_xlim(), axes.get_ylim()
        fine = np.linspace(*box[0 if along == "x" else 1], _COARSE).tolist()
        line = fine, [theory(v) for v in fine]
        ends = line if along == "x" else line[::-1]
        axes.plot(*ends, color="white", linewidth=3.5)
        axes.plot(*ends, color="#222222", linewidth=1.8, label="theory")
        axes.set(xlim=box[0], ylim=box[1])
        axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    axes.set_xlabel(words(x), fontsize=9)
    axes.set_ylabel(words(y), fontsize=9)
    axes.tick_params(labelsize=8)
    return axes


def costs(found: Sequence[RecallCost], *, ax: Axes | None = None) -> Axes:
    """Draw the dynamic energy of one recall on each machine, and name that per stored bit.

    Bars are nominal, lines low to high; an arrow and "at least" mark lower bounds.
    """
    rows = []
    for cost in found:
        bit = cost.per_stored_bit
        least = "at least " if cost.lower_bound else ""
        text = f"{least}{bit.text('J').partition(' (')[0]} per stored bit" if bit else "no bits"
        rows.append((f"{cost.hardware}: {text}", cost.report))
    return energy_rows(rows, ax=ax)


# --- inside ------------------------------------------------------------------------------------


def words(name: str | None) -> str:
    """Return a knob's name as it is written on an axis."""
    named = {
        "load": "load K / N",
        "count": "patterns stored K",
        "level": "corruption of the cue",
        "units": "units N",
    }
    return named.get(name or "", (name or "").replace("_", " "))


def _line(
    axes: Axes, points: Sequence[Point], x: str, metric: str, look: Mapping[str, Any]
) -> None:
    """Draw means and intervals over seeds, and a ring around what collapses."""
    places = [point.at[x] for point in points]
    values = [point.metrics[metric] for point in points]
    means = np.array([value.mean for value in values])
    spread = np.array([[v.mean - v.low for v in values], [v.high - v.mean for v in values]])
    bars = np.nan_to_num(np.maximum(spread, 0.0))
    axes.errorbar(places, means, bars, markersize=4, linewidth=1.4, capsize=2.5, **look)
    fallen = [(place, v) for point, place, v in zip(points, places, means, strict=True)
              if point.trial.data is not None and collapses(point)]  # fmt: skip
    if fallen:
        held = axes.get_legend_handles_labels()[1]
        label = "collapsed onto the mean image"
        axes.plot(
            *zip(*fallen, strict=True), "o", markersize=11, markerfacecolor="none",
            markeredgecolor="#222222", label=None if label in held else label,
        )  # fmt: skip


def _theories(axes: Axes, found: Sequence[tuple[NDArray[np.float64], list[float], str]]) -> None:
    """Draw theory lines in the colours of what they are for, or one in black where all agree."""
    alike = all(np.array_equal(line, found[0][1], equal_nan=True) for _, line, _ in found)
    for place, (fine, line, colour) in enumerate(found[:1] if alike else found):
        look: dict[str, Any] = {"color": "#222222" if alike else colour, "linestyle": "--"}
        axes.plot(fine, line, linewidth=1.1, label=None if place else "theory", **look)


def _baselines(
    axes: Axes, lines: Sequence[tuple[str, Sequence[Point]]], x: str, name: str, text: str
) -> None:
    """Draw a baseline: once, in grey, for lines whose cues it finds equally hard; else each."""
    found = [(colour, [p.at[x] for p in points], _means(points, name)) for colour, points in lines]
    alike = all(np.array_equal(means, found[0][2]) for _, _, means in found)
    style = ":" if name == "nearest_stored" else "-."
    for place, (colour, places, means) in enumerate(found[:1] if alike else found):
        look: dict[str, Any] = {"color": GREY if alike else colour, "linestyle": style}
        axes.plot(places, means, linewidth=1.4, label=None if place else text, **look)


def _means(points: Sequence[Point], baseline: str) -> list[float]:
    return [point.baselines[baseline].mean for point in points]


def _frame(axes: Axes, x: str, metric: str) -> None:
    axes.set_xlabel(words(x), fontsize=9)
    axes.set_ylabel(_metric_words(metric), fontsize=9)
    axes.tick_params(labelsize=8)
    if metric in SHARES:
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.05)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _metric_words(metric: str) -> str:
    return {"exact": "exact recall"}.get(metric, metric.replace("_", " "))


def _free(sweep: Sweep, at: Mapping[str, Any] | None) -> list[str]:
    """Return the knobs of several values that `at` leaves open."""
    return [n for n, values in sweep.knobs.items() if len(values) > 1 and n not in (at or {})]


def _axes_of(
    sweep: Sweep, x: str | None, by: str | None, at: Mapping[str, Any] | None
) -> tuple[str, str | None]:
    free = _free(sweep, at)
    if x is None:
        numbers = [name for name in free if name != by and _numeric(sweep.knobs[name])]
        x = numbers[-1] if numbers else next(iter(sweep.knobs))
    if by is None:
        by = next((name for name in free if name != x), None)
    open_ones = [name for name in free if name not in (x, by)]
    unknown = [name for name in (x, by) if name is not None and name not in sweep.knobs]
    if unknown:
        need = f"knobs are {', '.join(sweep.knobs)}"
        raise Invalid("curves", [Fault(name, "no knob of the sweep", need) for name in unknown])
    if open_ones:
        need = "must be fixed by at={...}: a curve has one knob along x and one for its lines"
        faults = [Fault(name, str(sweep.knobs[name]), need) for name in open_ones]
        raise Invalid("curves", faults)
    return x, by


def _require_two(sweep: Sweep, x: str | None, y: str | None, free: Sequence[str]) -> None:
    good = [n for n in (x, y) if n and _numeric(sweep.knobs.get(n, ("",)))]
    left = [name for name in free if name not in (x, y)]
    if len(good) < 2 or left:
        need = "must leave two knobs of numbers; fix others by at={...}"
        raise Invalid("phase", [Fault("knobs", str(dict(sweep.knobs)), need)])


def _numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _fine(places: Sequence[Any]) -> NDArray[np.float64]:
    return np.linspace(min(places), max(places), _FINE)


def _edges(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the borders of cells around sorted values, half way between neighbours."""
    centres = np.sort(np.asarray(values, dtype=np.float64))
    middle = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middle[0], 2 * centres[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
