"""Pictures of a placement: the cores of the chips, coloured by process, by load or by work.

As in `hebbgraph.report.pictures`, every function takes ``ax=None`` and returns the Axes, and the
colours can be told apart with all kinds of colour vision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.placement import LOADS, UNLIMITED, WORDS, Layout, Placement, Traffic, limits_of
from hebbgraph.report import pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What colours stand for: the population, the fullest of the four limits, synaptic operations.
By = Literal["process", "load", "work"]
BYS: tuple[By, ...] = get_args(By)
#: Colours of populations, in the order of the graph; further ones share the last.
COLOURS = (
    *(pictures.BLUE, pictures.ORANGE, pictures.GREEN, pictures.SKY, pictures.VERMILLION),
    *(pictures.PURPLE, pictures.YELLOW, pictures.GREY),
)
#: A core that holds nothing, and the colours of shares from 0 to 1 (perceptually uniform).
EMPTY, SCALE = "#F2F2F2", "cividis"
#: The border of a tile.
EDGE = "#BBBBBB"
#: Width of a core where a tile is 1 wide.
CORE = 0.44


def chip(
    placement: Placement,
    *,
    by: By = "process",
    traffic: Traffic | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the cores in use at their places on the mesh, chips side by side.

    By ``"process"`` a core has a stripe for each population, as high as its share of the units; by
    ``"load"`` its colour is how full the fullest of its limits is; by ``"work"`` it is the share of
    the busiest core's synaptic operations, from `traffic`. Raises `Invalid` for another `by`, for
    ``"work"`` without traffic, `Unavailable` without matplotlib.
    """
    faults = []
    if by not in BYS:
        faults.append(Fault("by", repr(by), f"must be one of: {', '.join(BYS)}"))
    if by == "work" and traffic is None:
        faults.append(Fault("traffic", "None", 'is needed to draw by "work"'))
    if faults:
        raise Invalid("picture", faults)
    layout = placement.layout or _square(placement)
    chips = max(1, -(-(1 + max(placement.places, default=0)) // layout.per_chip))
    columns = chips * layout.width
    size = max(4.0, 0.45 * columns + 2.2), max(2.4, 0.45 * layout.height + 1.4)
    axes = ax or pictures.figure(*size)[1][0]
    _tiles(axes, layout, chips)
    if by == "process":
        _by_process(axes, placement, layout)
    else:
        shares = _loads(placement) if by == "load" else _work(traffic)
        _by_share(axes, placement, layout, shares, by)
    cores = len(placement.cores)
    what = {"process": "process", "load": "fullest limit", "work": "synaptic operations"}[by]
    title = f"{placement.graph.name} on {placement.hardware.name}: {cores} cores, by {what}"
    axes.set_title(title, fontsize=9)
    axes.set_xlim(-0.1, columns + 0.1)
    axes.set_ylim(layout.height + 0.1, -0.1)
    axes.set_aspect("equal")
    axes.axis("off")
    return axes


def _square(placement: Placement) -> Layout:
    """Return a made-up layout, one core a tile, where a machine's mesh is not known."""
    side = max(1, int(np.ceil(np.sqrt(len(placement.cores)))))
    return Layout(side, side, 1, side * side, (0, 0))


def _tiles(axes: Axes, layout: Layout, chips: int) -> None:
    from matplotlib.patches import Rectangle

    for number in range(chips):
        left = number * layout.width
        frame = Rectangle((left, 0), layout.width, layout.height, fill=False, lw=1.5, ec="#444444")
        axes.add_patch(frame)
        for tile in range(layout.width * layout.height):
            row, column = divmod(tile, layout.width)
            axes.add_patch(Rectangle((left + column, row), 1, 1, fill=False, lw=0.5, ec=EDGE))
        for place in range(number * layout.per_chip, (number + 1) * layout.per_chip):
            x, y, width, height = _box(layout, place)
            axes.add_patch(Rectangle((x, y), width, height, fc=EMPTY, ec="none"))


def _box(layout: Layout, place: int) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a core: the cores of a tile stand in a square."""
    side = int(np.ceil(np.sqrt(layout.cores_per_tile)))
    at = np.array([place])
    row, column = divmod(place % layout.per_chip % layout.cores_per_tile, side)
    each = 2 * CORE / side
    pad = (1 - 2 * CORE) / (side + 1)
    x = float(layout.columns(at)[0]) + pad + column * (each + pad)
    y = float(layout.rows(at)[0]) + pad + row * (each + pad)
    return x, y, each, each


def _by_process(axes: Axes, placement: Placement, layout: Layout) -> None:
    from matplotlib.patches import Rectangle

    colours = _colours(placement)
    for core, place in enumerate(placement.places):
        here = [share for share in placement.shares if share.core == core]
        units = sum(len(share.units) for share in here)
        x, y, width, height = _box(layout, place)
        for share in here:
            part = height * len(share.units) / units
            axes.add_patch(Rectangle((x, y), width, part, fc=colours[share.path], ec="none"))
            y += part
    named = list(colours)[: len(COLOURS)]
    handles = [Rectangle((0, 0), 1, 1, fc=colours[path]) for path in named]
    labels = list(named)
    if len(colours) > len(named):
        labels[-1] = f"{len(colours) - len(named) + 1} others"
    axes.legend(handles, labels, fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _colours(placement: Placement) -> Mapping[str, str]:
    paths = dict.fromkeys(share.path for share in placement.shares)
    return {path: COLOURS[min(i, len(COLOURS) - 1)] for i, path in enumerate(paths)}


def _loads(placement: Placement) -> NDArray[np.float64]:
    """Return how full the fullest limit of each core is."""
    limit = limits_of(placement.hardware)
    known = [name for name in LOADS if getattr(limit, name) not in (0, UNLIMITED)]
    rows = [[getattr(c, name) / getattr(limit, name) for name in known] for c in placement.cores]
    return np.array([max(row, default=0.0) for row in rows])


def _work(traffic: Traffic | None) -> NDArray[np.float64]:
    """Return the synaptic operations of each core, the busiest being 1."""
    assert traffic is not None
    counts = np.array(traffic.by_core["synops_ac"]) + np.array(traffic.by_core["synops_mac"])
    return counts / max(1, int(counts.max(initial=0)))


def _by_share(
    axes: Axes, placement: Placement, layout: Layout, shares: NDArray[np.float64], by: By
) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    scale = colormaps[SCALE]
    for share, place in zip(shares, placement.places, strict=True):
        x, y, width, height = _box(layout, place)
        over = by == "load" and share > 1
        edge = {"ec": pictures.VERMILLION, "lw": 1.5} if over else {"ec": "none"}
        axes.add_patch(Rectangle((x, y), width, height, fc=scale(min(1.0, share)), **edge))
    figure = axes.figure
    words = "share of the limit that is fullest" if by == "load" else "share of the busiest core"
    if by == "load" and placement.overruns:
        names = ", ".join(sorted({WORDS[o.what][0] for o in placement.overruns}))
        words += f"\n(framed: over {names})"
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), scale), ax=axes, shrink=0.8)
    bar.set_label(words, fontsize=7)
    bar.ax.tick_params(labelsize=7)


__all__ = ["BYS", "chip"]
