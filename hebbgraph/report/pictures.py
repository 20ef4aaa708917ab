"""Pictures of recalls and of what they cost, on Axes of yours or on a new Figure.

Every function takes ``ax=None`` and returns the Axes. No pyplot: neither the back end nor the
settings of matplotlib are touched. Colours are those of M. Okabe and K. Ito, "Color universal
design", 2008, which people of all kinds of colour vision can tell apart.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.energy import EnergyReport
from hebbgraph.energy.band import Band, format_energy
from hebbgraph.errors import Unavailable
from hebbgraph.harness.compare import Comparison
from hebbgraph.harness.recall_report import Example, RecallReport
from hebbgraph.metrics import Interval
from hebbgraph.report.words import basis_words, priced

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"

#: A unit that is off or on as in the target; on, off where it should not be; no unit at all.
CELLS = ("#E8E8E8", "#222222", VERMILLION, SKY, "#FFFFFF")

#: How far a figure can be trusted, by colour.
BASIS_COLOURS = {
    "silicon_measured": GREEN,
    "silicon_fit": BLUE,
    "pre_silicon_sim": SKY,
    "datasheet": PURPLE,
    "vendor_claim": VERMILLION,
    "analytic": ORANGE,
    "assumption": YELLOW,
}

#: Up to so many units, a raster has a mark of its own for each.
MARKED_UNITS = 128

#: Steps shown between cue and recall.
EARLY_STEPS = (1, 2, 3)


def require() -> None:
    """Raise `Unavailable` with the remedy if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        text = 'pictures: matplotlib is not installed; pip install "hebbgraph[plot]"'
        raise Unavailable(text) from error


@contextlib.contextmanager
def defaults() -> Iterator[None]:
    """Draw with matplotlib's own settings: a style of the user's is back on leaving.

    It must not put white text on our white page.
    """
    from matplotlib import rc_context, rcParamsDefault

    settings = {k: v for k, v in rcParamsDefault.items() if not k.startswith(("backend", "_"))}
    with rc_context(settings):
        yield


def figure(width: float, height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a Figure of its own, in inches, and `rows` Axes below one another."""
    require()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(made)
    return made, list(made.subplots(rows, 1, squeeze=False)[:, 0])


def png(axes: Axes) -> bytes:
    """Return the whole figure of `axes` as a PNG file."""
    picture: Any = axes.figure
    buffer = io.BytesIO()
    picture.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def recall(
    example: Example, image_shape: tuple[int, int] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw one recall: cue, the first steps, the last state, the pattern that was stored.

    Units that differ from the stored pattern are coloured. Patterns without an `image_shape` are
    drawn as rows of cells, unit by unit.
    """
    axes = ax or figure(7, 1.5)[1][0]
    last = len(example.states) - 1
    panels = [("cue", example.cue)]
    panels += [(f"step {t}", example.states[t]) for t in EARLY_STEPS if t < last]
    panels += [(f"recalled (step {last})", example.states[last]), ("stored", example.target)]
    gap = 0.0
    for place, (title, state) in enumerate(panels):
        image = _cells(state, example.target, image_shape)
        height, width = image.shape[:2]
        gap = 0.45 * width
        left = place * (width + gap)
        axes.imshow(image, extent=(left, left + width, height, 0), interpolation="nearest")
        wrong = int((state != example.target).sum())
        below = "" if title == "stored" else f"{wrong} wrong" if wrong else "all right"
        middle = left + width / 2
        axes.text(middle, -0.06 * height, title, ha="center", va="bottom", fontsize=9)
        axes.text(middle, 1.06 * height, below, ha="center", va="top", fontsize=8)
        if place:
            arrow = "\N{RIGHTWARDS ARROW}" if title != "stored" else "vs"
            axes.text(left - gap / 2, height / 2, arrow, ha="center", va="center", fontsize=11)
    axes.set_xlim(-gap / 2, len(panels) * (width + gap) - gap / 2)
    axes.set_ylim(1.25 * height, -0.22 * height)
    axes.axis("off")
    return axes


def _cells(
    state: NDArray[np.int8], target: NDArray[np.int8], image_shape: tuple[int, int] | None
) -> NDArray[np.float64]:
    """Return the colours of a state beside its target, (height, width, 3)."""
    from matplotlib.colors import to_rgb

    kinds = np.where(state == target, state > 0, np.where(state > 0, 2, 3)).astype(np.int64)
    width = image_shape[1] if image_shape else math.ceil(math.sqrt(len(state)))
    kinds = np.pad(kinds, (0, -len(kinds) % width), constant_values=4)
    return np.array([to_rgb(colour) for colour in CELLS])[kinds.reshape(-1, width)]


def recall_key(axes: Axes) -> None:
    """Explain the colours of `recall` below `axes`."""
    from matplotlib.patches import Patch

    names = ("off", "on", "on, should be off", "off, should be on")
    patches = [
        Patch(facecolor=colour, edgecolor=GREY, label=name)
        for colour, name in zip(CELLS, names, strict=False)
    ]
    axes.figure.legend(
        handles=patches, loc="outside lower center", ncols=4, fontsize=8, frameon=False
    )


def raster(example: Example, *, ax: Axes | None = None) -> Axes:
    """Draw the spikes of one recall, a mark per unit and step, and where it came to rest."""
    axes = ax or figure(7, 3.2)[1][0]
    spikes = example.raster
    steps, units = spikes.shape
    axes.imshow(spikes.T, aspect="auto", cmap="Greys", vmin=0, vmax=1.15, interpolation="nearest")
    for step in range(1, steps):
        axes.axvline(step - 0.5, color="white", linewidth=1)
    for unit in range(1, units if units <= MARKED_UNITS else 0):
        axes.axhline(unit - 0.5, color="white", linewidth=0.5)
    rest = metrics.settling(example.states[np.newaxis])
    if rest.settled[0]:
        step = int(rest.steps[0])
        axes.axvline(step - 0.5, color=VERMILLION, linewidth=2, linestyle="--")
        remark = f"at rest from step {step} on"
    else:
        remark = "not at rest at the end" + (", a cycle of two states" * bool(rest.period_two[0]))
    axes.set_title(f"Spikes of one recall of {units} units ({remark})", fontsize=10)
    axes.set_xlabel("step (the cue is shown at step 0)", fontsize=9)
    axes.set_ylabel("unit", fontsize=9)
    axes.set_xticks(range(0, steps, max(1, steps // 10)))
    axes.tick_params(labelsize=8)
    return axes


def energy_bars(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw the dynamic energy per recall on each machine, as estimated: nominal, low to high.

    The colour says what the figures rest on; a lower bound is marked with "at least" and an arrow.
    """
    bars = [
        (f"{report.hardware}" + (f" ({runs})" if runs != "all runs" else ""), report)
        for runs, reports in priced(comparison)
        for report in reports.values()
    ]
    return energy_rows(bars, ax=ax)


def energy_rows(bars: Sequence[tuple[str, EnergyReport]], *, ax: Axes | None = None) -> Axes:
    """Draw energies per recall, a bar each, by what they are called; see `energy_bars`."""
    axes = ax or figure(7, 1.5 + 0.48 * len(bars))[1][0]
    bands = [report.dynamic / max(report.episodes, 1) for _, report in bars]
    floor, ceiling = _decades(bands)
    named: set[str] = set()
    for place, ((_, report), band) in enumerate(zip(bars, bands, strict=True)):
        basis = basis_words(report.basis)
        colour = BASIS_COLOURS[report.basis[0]] if len(report.basis) == 1 else GREY
        label = basis if basis not in named else None
        named.add(basis)
        _bar(axes, place, band, floor, report.lower_bound, {"color": colour, "label": label})
    labels = [f"{name}\n{_price(r, b)}" for (name, r), b in zip(bars, bands, strict=True)]
    axes.set_yticks(range(len(bars)), labels, fontsize=8)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(floor, ceiling)
    _energy_words(axes)
    return axes


def _bar(
    axes: Axes, place: int, band: Band, floor: float, open_ended: bool, look: dict[str, Any]
) -> None:
    if band.nominal > 0:
        axes.barh(place, band.nominal - floor, left=floor, height=0.55, **look)
    if band.high > 0:
        low = max(band.low, floor)
        axes.plot([low, band.high], [place, place], color="#222222", linewidth=1.6, zorder=3)
        marks = [(low, "|"), (band.high, ">" if open_ended else "|")]
        for x, mark in marks:
            axes.plot([x], [place], mark, color="#222222", markersize=7, zorder=3)


def _price(report: EnergyReport, band: Band) -> str:
    if band.high == 0:
        return "nothing priced"
    return ("at least " if report.lower_bound else "") + band.text("J").partition(" (")[0]


def _decades(bands: list[Band]) -> tuple[float, float]:
    """Return powers of ten around everything that is above 0."""
    values = [x for band in bands for x in (band.low, band.nominal, band.high) if x > 0]
    if not values:
        return 1e-12, 1.0
    low, high = math.log10(min(values)), math.log10(max(values))
    return 10.0 ** math.floor(low - 0.3), 10.0 ** math.ceil(high + 0.1)


def _energy_words(axes: Axes) -> None:
    axes.set_title("Dynamic energy per recall: estimates, not measurements", fontsize=10)
    words = "estimate per recall, log axis\nbar: nominal   line: low to high   arrow: at least"
    axes.set_xlabel(words, fontsize=8)
    axes.xaxis.set_major_formatter(lambda joules, _: format_energy(joules).replace(".0 ", " "))
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.figure.legend(
            handles, labels, title="what the figures rest on", title_fontsize=8, fontsize=8,
            loc="outside lower center", ncols=3, frameon=False,
        )  # fmt: skip


#: What `rules` shows, with its colours.
RULE_METRICS = {
    "exact": ("exact recall", BLUE),
    "identification": ("recall accuracy (identification)", ORANGE),
    "overlap": ("overlap", GREEN),
}


def rules(reports: Mapping[str, RecallReport], *, ax: Axes | None = None) -> Axes:
    """Draw exact recall, identification and overlap, with intervals, of `reports` by name.

    The baselines of the first report stand beside them: the nearest stored pattern of the raw cue
    (1-NN), and the nearest mean (the share of right classes where the data have classes).
    """
    axes = ax or figure(7, 3.4)[1][0]
    width, lowest = 0.27, 0.0
    for place, report in enumerate(reports.values()):
        for slot, (name, (label, colour)) in enumerate(RULE_METRICS.items()):
            text = label if place == 0 else None
            x = place + (slot - 1) * width
            value = report.metrics[name]
            lowest = min(lowest, value.mean)
            _column(axes, x, value, 0.9 * width, {"color": colour, "label": text})
    names = list(reports)
    first = next(iter(reports.values()), None)
    if first is not None:
        by_class = "\n(class)" if "class_accuracy" in first.metrics else ""
        shown = {"nearest_stored": "1-NN\nof the cue", "nearest_mean": f"nearest mean{by_class}"}
        for name, label in shown.items():
            look = {"color": GREY, "label": "baseline" if name == "nearest_stored" else None}
            _column(axes, len(names), first.baselines[name], width, look)
            names.append(label)
    axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=8)
    axes.set_ylim(min(0.0, lowest * 1.15), 1.12)
    axes.set_ylabel("mean over seeds", fontsize=9)
    axes.tick_params(axis="y", labelsize=8)
    axes.axhline(0, color="#222222", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, fontsize=8, frameon=False)
    return axes


def _column(axes: Axes, x: float, value: Interval, width: float, look: dict[str, Any]) -> None:
    """Draw a bar with its interval and its number."""
    if value.n == 0:
        return
    axes.bar(x, value.mean, width, **look)
    top = max(value.mean, 0.0)
    if value.n > 1:
        axes.plot([x, x], [value.low, value.high], color="#222222", linewidth=1.4, zorder=3)
        top = max(top, value.high)
    axes.text(x, top + 0.015, f"{value.mean:.2f}", ha="center", va="bottom", fontsize=7)
