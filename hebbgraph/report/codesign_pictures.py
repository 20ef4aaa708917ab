"""Pictures of co-design sweeps: what is accurate, what it costs, and how sure that is.

As in `hebbgraph.report.pictures`, every function takes ``ax=None`` and returns the Axes, and the
colours can be told apart with all kinds of colour vision. What rests on prices says "estimate" and
the machine in the picture itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.energy import EnergyReport, energy
from hebbgraph.energy.band import format_energy
from hebbgraph.energy.breakeven import dense_equivalent, spikes_per_synapse
from hebbgraph.energy.sensitivity import sensitivity
from hebbgraph.errors import Fault, Invalid
from hebbgraph.report import pictures
from hebbgraph.report.codesign_axes import (
    COLOURS,
    MARKS,
    MOST,
    arms,
    estimate,
    frame,
    joules,
    legend,
    line_with_band,
    name_axis,
    shade_break_even,
    short,
)
from hebbgraph.report.codesign_tables import cell, knobs
from hebbgraph.sweep.found import Found, Row
from hebbgraph.sweep.objectives import PRICES, Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of components, in the order in which they are stacked.
COMPONENTS = {
    "synapse": pictures.BLUE,
    "neuron": pictures.ORANGE,
    "spike_out": pictures.GREEN,
    "noc": pictures.VERMILLION,
    "memory": pictures.SKY,
    "host": pictures.PURPLE,
    "learning": pictures.YELLOW,
}
FADED = "#C8C8C8"


def pareto(
    found: Found,
    x: Objective | None = None,
    y: Objective | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw two objectives of every point, with intervals on both; what others beat is grey.

    By default `x` is the first price and `y` the first metric of the sweep's objectives. Bars along
    a price are 5 % to 95 % over the ranges of the costs, along a metric the interval over seeds.
    Recalls compete with recalls, continual runs with continual runs. Raises `Invalid` if the sweep
    has no two objectives.
    """
    x, y = _two(found, x, y)
    axes = ax or pictures.figure(6.4, 4.2)[1][0]
    rows = [r for r in found.good if not math.isnan(found.value(r, x)[0] + found.value(r, y)[0])]
    best = found.front((x, y))
    subjects = list(dict.fromkeys(row.point.subject for row in found.good))
    for row in sorted(rows, key=best.__contains__):
        across, up = found.value(row, x), found.value(row, y)
        number = subjects.index(row.point.subject)
        colour = COLOURS[number % len(COLOURS)] if row in best else FADED
        axes.errorbar(
            across[0], up[0], xerr=arms(across), yerr=arms(up), color=colour, capsize=2,
            marker=MARKS[number % len(MARKS)], markersize=5, linewidth=1.0,
            zorder=3 if row in best else 1,
        )  # fmt: skip
    for kind in dict.fromkeys(map(found.kind, best)):
        ends = sorted(
            (found.value(r, x)[0], found.value(r, y)[0]) for r in best if found.kind(r) == kind
        )
        if len(set(ends)) > 1:
            axes.plot(*zip(*ends, strict=True), color=pictures.GREY, linewidth=0.9, zorder=2)
    for number, subject in enumerate(subjects):
        look: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKS[number % len(MARKS)],
        }
        axes.plot([], [], linestyle="", label=subject, **look)
    axes.plot([], [], "o", color=FADED, label="beaten in both, by its kind")
    if any(found.value(row, x)[0] > 0 for row in rows) and x.name in PRICES:
        axes.set_xscale("log")
    name_axis(axes.xaxis, x)
    name_axis(axes.yaxis, y)
    title = f"{len(rows)} points, {len(best)} not beaten: {estimate(x, y)}"
    frame(axes, title)
    legend(axes)
    return axes


def heat_map(
    found: Found,
    x: str,
    y: str,
    objective: Objective | None = None,
    *,
    subject: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw an objective as colour over two knobs, such as bits and bits, with its value in cells.

    Points that differ in other knobs are averaged, and the title says over how many. Raises
    `Invalid` for a knob that the sweep does not have.
    """
    _require_knobs(found, x, y)
    chosen = objective or found.plan.objectives[0]
    rows = [row for row in found.good if subject in (None, row.point.subject)]
    columns, lines = (_values(rows, name) for name in (x, y))
    cells: dict[tuple[int, int], list[float]] = {}
    for row in rows:
        if x in row.point.at and y in row.point.at:
            place = lines.index(row.point.at[y]), columns.index(row.point.at[x])
            cells.setdefault(place, []).append(found.value(row, chosen)[0])
    grid = np.full((max(1, len(lines)), max(1, len(columns))), np.nan)
    for place, values in cells.items():
        known = [v for v in values if not math.isnan(v)]
        grid[place] = np.mean(known) if known else np.nan
    axes = (
        ax
        or pictures.figure(2.4 + 0.75 * max(4, len(columns)), 1.8 + 0.5 * max(2, len(lines)))[1][0]
    )
    price = PRICES.get(chosen.name, "")
    image = axes.imshow(grid, cmap="cividis", aspect="auto", origin="lower")
    low, high = (
        float(f(grid)) if not np.isnan(grid).all() else 0.0 for f in (np.nanmin, np.nanmax)
    )
    for (i, j), value in np.ndenumerate(grid):
        dark = math.isnan(value) or value < (low + high) / 2
        text = "-" if math.isnan(value) else short(value, price)
        axes.text(j, i, text, ha="center", va="center", fontsize=7, color="w" if dark else "k")
    bar = axes.figure.colorbar(image, ax=axes)
    bar.set_label(chosen.label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    if price == "J":
        bar.ax.yaxis.set_major_formatter(joules)
    axes.set_xticks(range(len(columns)), [cell(v) for v in columns])
    axes.set_yticks(range(len(lines)), [cell(v) for v in lines])
    axes.set_xlabel(x.replace("_", " "), fontsize=9)
    axes.set_ylabel(y.replace("_", " "), fontsize=9)
    axes.tick_params(labelsize=8)
    most = max((len(v) for v in cells.values()), default=0)
    over = f"\nmean of {most} points a cell" if most > 1 else ""
    kind = f": {estimate(chosen)}" if chosen.machine else ""
    axes.set_title(f"{chosen.name}{f' of {subject}' if subject else ''}{kind}{over}", fontsize=9)
    return axes


def tornado(report: EnergyReport, *, most: int = MOST, ax: Axes | None = None) -> Axes:
    """Draw how far each cost alone moves the dynamic energy of one episode, the widest on top."""
    swings = [swing for swing in sensitivity(report) if swing.width > 0][:most]
    axes = ax or pictures.figure(6.4, 1.4 + 0.32 * max(2, len(swings)))[1][0]
    per = max(1, report.episodes)
    for place, swing in enumerate(swings):
        for end, colour in ((swing.low, pictures.SKY), (swing.high, pictures.ORANGE)):
            axes.barh(place, (end - swing.nominal) / per, left=swing.nominal / per, color=colour)
    names = [f"{s.counter.replace('_', ' ')} ({s.component})" for s in swings]
    axes.set_yticks(range(len(swings)), names, fontsize=8)
    axes.invert_yaxis()
    nominal = report.dynamic.nominal / per
    axes.axvline(nominal, color="#222222", linewidth=0.9)
    axes.xaxis.set_major_formatter(joules)
    axes.set_xlabel("dynamic energy per episode, one cost low (blue) or high (orange)", fontsize=8)
    title = f"what the estimate {format_energy(nominal)} hangs on, {report.hardware}"
    frame(axes, title)
    return axes


def rank_stability(
    found: Found, machine: str, rows: Sequence[Row] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw how likely each point is the cheapest, second, ... of those shown, over all draws.

    By default those on the front, or the cheapest, `MOST` at most. Every draw prices all points
    with the same costs.
    """
    shown = cheapest(found, machine, rows)
    axes = ax or pictures.figure(2.6 + 0.42 * len(shown), 1.8 + 0.3 * len(shown))[1][0]
    share = np.zeros((len(shown), len(shown)))
    if shown:
        share = _ranks(found.drawn(shown, machine))
        axes.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(share):
        if value >= 0.005:
            colour = "w" if value < 0.5 else "k"
            text = f"{100 * value:.0f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_yticks(range(len(shown)), _labels(found, shown), fontsize=7)
    axes.set_xticks(range(len(shown)), [str(n + 1) for n in range(len(shown))], fontsize=7)
    axes.set_xlabel("rank by dynamic energy, % of draws of the costs", fontsize=8)
    axes.set_title(f"how sure the order is: estimates, {machine}", fontsize=9)
    return axes


def breakdown(
    found: Found, machine: str, rows: Sequence[Row] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw what the dynamic energy of an episode consists of, a stacked bar for each point."""
    shown = cheapest(found, machine, rows)
    axes = ax or pictures.figure(7.0, 1.6 + 0.32 * max(2, len(shown)))[1][0]
    named: set[str] = set()
    for place, row in enumerate(shown):
        report = row.priced[machine].report
        left, per = 0.0, max(1, report.episodes)
        for name, colour in COMPONENTS.items():
            band = report.components.get(name)
            if band is None or name == "learning":
                continue
            width = band.nominal / per
            label = name if name not in named else None
            named.add(name)
            axes.barh(place, width, left=left, color=colour, label=label, height=0.7)
            left += width
        total = report.dynamic / per
        axes.plot([total.low, total.high], [place, place], color="#222222", linewidth=1.2)
    axes.set_yticks(range(len(shown)), _labels(found, shown), fontsize=7)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(joules)
    axes.set_xlabel("dynamic energy per episode; line: low to high", fontsize=8)
    frame(axes, f"what energy goes to: estimates, {machine}")
    legend(axes)
    return axes


def energy_against_steps(found: Found, machine: str, *, ax: Axes | None = None) -> Axes:
    """Draw energy per episode against the steps T of an episode, and where spiking breaks even.

    The band is where a synapse carries 0.15 to 1.38 spikes per inference (Dampfhoffer et al.
    2023): to its left spiking pays against an efficient artificial network, to its right it does
    not. Where the machine prices it, the dashed line is a dense network of the same shape that runs
    once (Lemaire et al. 2022).
    """
    axes = ax or pictures.figure(6.2, 3.8)[1][0]
    rates: list[tuple[float, float]] = []
    lines: dict[str, list[tuple[float, tuple[float, float, float]]]] = {}
    dense: list[float] = []
    price = Objective("energy", machine, True)
    for row in found.good:
        counters = row.counters
        if counters is None or not counters.episodes:
            continue
        steps = counters.timesteps / counters.episodes
        lines.setdefault(_family(found, row), []).append((steps, found.value(row, price)))
        rate = spikes_per_synapse(counters).value
        if rate is not None:
            rates.append((steps, rate / steps))
        once = energy(dense_equivalent(counters), _machine(found, machine), allow_synthetic=True)
        if not once.unpriced and once.dynamic.nominal > 0:
            dense.append(once.dynamic.nominal / counters.episodes)
    for number, (label, points) in enumerate(lines.items()):
        points.sort()
        at, values = zip(*points, strict=True)
        line_with_band(axes, at, values, number, label)
    if rates:
        shade_break_even(axes, float(np.median([each for _, each in rates])))
    if dense:
        label = "dense network, one pass (estimate)"
        axes.axhline(float(np.median(dense)), color="#222222", linestyle="--", label=label)
    axes.set_xlabel("steps T of an episode", fontsize=9)
    name_axis(axes.yaxis, price)
    frame(axes, f"energy against T: estimates, {machine}")
    legend(axes)
    return axes


def capacity(
    found: Found, machine: str, metric: str = "stored_bits", *, ax: Axes | None = None
) -> Axes:
    """Draw what a memory can hold against the energy of one recall, with intervals on both."""
    y = Objective(metric, "", False)
    axes = pareto(found, Objective("energy", machine, True), y, ax=ax)
    axes.set_title(f"{metric.replace('_', ' ')} against energy: estimates, {machine}", fontsize=9)
    return axes


def core_size(
    found: Found, machine: str, knob: str = "neurons_per_core", *, ax: Axes | None = None
) -> Axes:
    """Draw cores, packets and energy against the size of a core, relative to the largest size.

    Means over the points of each size. Raises `Invalid` if the sweep does not turn `knob`.
    """
    _require_knobs(found, knob)
    axes = ax or pictures.figure(6.2, 3.8)[1][0]
    rows = [row for row in found.good if knob in row.point.at]
    sizes = _values(rows, knob)
    for number, (name, label) in enumerate(
        (("cores", "cores"), ("packets", "packets per episode"), ("energy", "energy (estimate)"))
    ):
        objective = Objective(name, machine, True)
        each = [
            [found.value(row, objective)[0] for row in rows if row.point.at[knob] == size]
            for size in sizes
        ]
        known = [[v for v in values if not math.isnan(v)] for values in each]
        means = np.array([np.mean(values) if values else np.nan for values in known])
        if np.isnan(means).all() or not means[-1] > 0:
            continue
        unit = PRICES[name]
        text = f"{label}, {short(float(means[-1]), unit)} at {cell(sizes[-1])}"
        look: dict[str, Any] = {"color": COLOURS[number], "marker": MARKS[number]}
        axes.plot(sizes, means / means[-1], label=text, **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [cell(v) for v in sizes])
    axes.minorticks_off()
    axes.set_xlabel(knob.replace("_", " "), fontsize=9)
    axes.set_ylabel("relative to the largest core", fontsize=9)
    frame(axes, f"core size: estimates, {machine}")
    legend(axes)
    return axes


# --- inside ------------------------------------------------------------------------------------


def _two(found: Found, x: Objective | None, y: Objective | None) -> tuple[Objective, Objective]:
    every = found.plan.objectives
    x = x or next((o for o in every if o.machine), None) or (every[1] if len(every) > 1 else None)
    y = y or next((o for o in every if o != x), None)
    if x is None or y is None:
        got = ", ".join(o.label for o in every)
        need = "a front needs two objectives, such as accuracy and energy"
        raise Invalid("pareto", [Fault("objectives", got, need)])
    return x, y


def cheapest(found: Found, machine: str, rows: Sequence[Row] | None = None) -> list[Row]:
    """Return the rows to show, cheapest first."""
    price = Objective("energy", machine, True)
    given = rows if rows is not None else found.front() if len(found.front()) > 1 else found.good
    known = [row for row in given if machine in row.priced]
    known.sort(key=lambda row: (found.value(row, price)[0], row.point.key))
    return known[:MOST]


def _labels(found: Found, rows: Sequence[Row]) -> list[str]:
    """Return what tells rows apart: the subject and the knobs that differ among them."""
    several = len({row.point.subject for row in rows}) > 1
    differ = [name for name in knobs(found) if len({str(r.point.at.get(name)) for r in rows}) > 1]
    found_labels = []
    for row in rows:
        parts = [row.point.subject] if several or not differ else []
        parts += [f"{n.replace('_', ' ')} {cell(row.point.at.get(n))}" for n in differ]
        found_labels.append(", ".join(parts))
    return found_labels


def _family(found: Found, row: Row) -> str:
    """Return what a row is but for its steps."""
    names = [n for n in knobs(found) if n != "steps" and len(_values(found.good, n)) > 1]
    parts = [f"{n.replace('_', ' ')} {cell(row.point.at.get(n))}" for n in names]
    return ", ".join([row.point.subject, *parts])


def _values(rows: Sequence[Row], knob: str) -> list[Any]:
    """Return the values of a knob, numbers in order."""
    values = list(dict.fromkeys(row.point.at[knob] for row in rows if knob in row.point.at))
    numbers = all(isinstance(v, int | float) for v in values)
    return sorted(values) if numbers else values


def _require_knobs(found: Found, *names: str) -> None:
    known = knobs(found)
    need = f"knobs of the sweep are: {', '.join(known) or 'none'}"
    faults = [Fault(name, "no knob of the sweep", need) for name in names if name not in known]
    if faults:
        raise Invalid("picture", faults)


def _machine(found: Found, name: str) -> Any:
    return next(machine for machine in found.plan.machines if machine.name == name)


def _ranks(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P[row, rank] from draws (rows, draws); rows that tie share their ranks."""
    less = (drawn[:, None] > drawn[None]).sum(axis=1)
    alike = (drawn[:, None] == drawn[None]).sum(axis=1)
    ranks = np.arange(len(drawn))[None, :, None]
    within = (ranks >= less[:, None]) & (ranks < (less + alike)[:, None])
    return np.asarray((within / alike[:, None]).mean(axis=2))
