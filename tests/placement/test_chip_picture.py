"""The picture of a chip, read back from its patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.errors import Invalid
from hebbgraph.hardware import load
from hebbgraph.placement import place, traffic
from hebbgraph.report import pictures
from hebbgraph.report.chip import COLOURS, EMPTY, chip
from tests.check.machines import machine, tiny
from tests.placement.nets import chain, layered, spikes

colors = pytest.importorskip("matplotlib.colors")


def cores(axes: Any) -> dict[tuple[int, int], set[str]]:
    """Return the colours of filled patches by tile (column, row), empty cores left out."""
    found: dict[tuple[int, int], set[str]] = {}
    for patch in axes.patches:
        colour = colors.to_hex(patch.get_facecolor()).upper()
        if patch.get_fill() and colour != EMPTY:
            at = (int(patch.get_x()), int(patch.get_y()))
            found.setdefault(at, set()).add(colour)
    return found


def test_cores_are_drawn_where_they_lie_in_the_colours_of_their_processes() -> None:
    placement = place(layered(100, 400, 300), load("loihi1_nahuku"))
    layout = placement.layout
    assert layout is not None
    expected: dict[tuple[int, int], set[str]] = {}
    for share in placement.shares:
        at = np.array([placement.places[share.core]])
        tile = (int(layout.columns(at)[0]), int(layout.rows(at)[0]))
        colour = COLOURS[0] if share.path == "layer1" else COLOURS[1]
        expected.setdefault(tile, set()).add(colour.upper())
    axes = chip(placement)
    assert cores(axes) == expected
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["layer1", "layer2"]
    assert "loihi1_nahuku" in axes.get_title()
    assert pictures.png(axes).startswith(b"\x89PNG")


def test_load_is_that_of_the_fullest_limit_and_overruns_are_framed() -> None:
    from matplotlib import colormaps

    hardware = tiny(10, 2**20, 8, 99)
    placement = place(layered(12, 4), hardware)  # 12 axons in of 8
    assert placement.overruns
    axes = chip(placement, by="load")
    framed = [p for p in axes.patches if colors.to_hex(p.get_edgecolor()) == "#d55e00"]
    assert len(framed) == len(placement.cores)
    fits = place(layered(12, 4), tiny(10, 2**20, 48, 99))
    (shade,) = cores(chip(fits, by="load")).values()
    assert shade == {colors.to_hex(colormaps["cividis"](4 / 10)).upper()}  # 4 of 10 neurons


def test_work_is_drawn_from_traffic_on_given_axes() -> None:
    graph = chain(0)
    result = hg.compile(graph).run(spikes(graph, 1, 6, 0.3), steps=6)
    placement = place(graph, tiny(8, 2**20, 99, 99))
    given = pictures.figure(5, 3)[1][0]
    assert chip(placement, by="work", traffic=traffic(placement, result), ax=given) is given
    for arguments, words in (({"by": "work"}, "traffic"), ({"by": "heat"}, "process, load, work")):
        with pytest.raises(Invalid, match=words):
            chip(placement, **arguments)  # type: ignore[arg-type]


def test_many_populations_several_chips_and_no_mesh_can_be_drawn() -> None:
    graph = layered(*([4] * 13))
    axes = chip(place(graph, machine(limits={"cores": 8, "neurons_per_core": 4})))
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_texts()[-1].get_text() == "5 others"
    assert max(column for column, _ in cores(axes)) >= 8  # on the second chip
    assert len(cores(chip(place(graph, machine(mesh=None))))) == 1
