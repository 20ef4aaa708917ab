"""Pictures: what they draw, on Axes of the caller's or their own, without any global state."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hebbgraph.energy.band import Band
from hebbgraph.harness.compare import Comparison, RunConfig, compare
from hebbgraph.harness.recall_report import Example
from hebbgraph.report import pictures

pytest.importorskip("matplotlib")

STATES = np.array([[1, -1, 1, 1, -1, -1], [1, 1, 1, 1, -1, -1], [1, 1, 1, 1, -1, -1]], np.int8)
EXAMPLE = Example(seed=0, row=0, cue=STATES[0], target=STATES[2], states=STATES)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    machines = ("loihi1_nahuku", "cpu_generic")
    return compare(
        RunConfig(
            backends=("reference",),
            domains=("float",),
            data="random",
            count=3,
            seeds=(0, 1),
            cues_per_pattern=1,
            steps=6,
            hardware=machines,
        )
    )


def texts(axes: Any) -> list[str]:
    """Return every word in the figure of `axes`."""
    from matplotlib.text import Text

    return [item.get_text() for item in axes.figure.findobj(Text)]


def first_image(axes: Any) -> Any:
    """Return the colours of the first image on `axes`."""
    return axes.get_images()[0].get_array()


def test_recall_shows_cue_steps_recall_and_target() -> None:
    axes: Any = pictures.recall(EXAMPLE, (2, 3))
    words = texts(axes)
    assert [w for w in words if w in ("cue", "step 1", "recalled (step 2)", "stored")] == [
        "cue",
        "step 1",
        "recalled (step 2)",
        "stored",
    ]
    assert "1 wrong" in words
    images = [image.get_array() for image in axes.get_images()]
    assert [image.shape for image in images] == [(2, 3, 3)] * 4
    assert np.allclose(images[2], images[3])
    assert not np.allclose(images[0], images[3])


def test_wrong_units_have_colours_of_their_own() -> None:
    from matplotlib.colors import to_rgb

    state = np.array([1, -1, 1, -1], np.int8)
    target = np.array([1, 1, -1, -1], np.int8)
    example = Example(0, 0, state, target, np.stack([state, state]))
    cue = first_image(pictures.recall(example, (2, 2)))
    off, on, too_many, too_few, _ = (to_rgb(colour) for colour in pictures.CELLS)
    assert np.allclose(cue.reshape(4, 3), [on, too_few, too_many, off])


def test_patterns_without_geometry_become_rows_of_cells() -> None:
    image = first_image(pictures.recall(EXAMPLE, None))
    assert image.shape == (2, 3, 3)
    seven = np.ones((2, 7), np.int8)
    image = first_image(pictures.recall(Example(0, 0, seven[0], seven[0], seven)))
    assert image.shape == (3, 3, 3)
    assert np.allclose(image.reshape(9, 3)[7:], 1)  # no unit there


def test_raster_shows_the_spikes_and_the_rest() -> None:
    axes: Any = pictures.raster(EXAMPLE)
    shown = axes.get_images()[0].get_array()
    assert np.array_equal(shown, EXAMPLE.raster.T)
    assert "at rest from step 1 on" in axes.get_title()


def test_raster_names_a_cycle() -> None:
    states = np.array([[1, -1], [-1, 1], [1, -1], [-1, 1]], np.int8)
    axes: Any = pictures.raster(Example(0, 0, states[0], states[0], states))
    assert "a cycle of two states" in axes.get_title()


def test_energy_bars_say_estimate_machine_basis_and_bound(comparison: Comparison) -> None:
    axes: Any = pictures.energy_bars(comparison)
    words = " ".join(texts(axes))
    for name in ("loihi1_nahuku", "cpu_generic", "estimate", "at least", "fitted to silicon"):
        assert name in words, name
    assert axes.get_xscale() == "log"
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert ["at least" in label for label in labels] == [True, False]


def test_energy_bars_end_at_the_nominal_energy(comparison: Comparison) -> None:
    axes: Any = pictures.energy_bars(comparison)
    reports = comparison.rows[0].energy.values()
    expected = [report.dynamic.nominal / report.episodes for report in reports]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert np.allclose(ends, expected, rtol=1e-12)


def test_energy_bars_stand_a_machine_that_prices_nothing(comparison: Comparison) -> None:
    row = comparison.rows[0]
    free = {n: replace(e, dynamic=Band(), ledger=(), basis=()) for n, e in row.energy.items()}
    axes: Any = pictures.energy_bars(replace(comparison, rows=(replace(row, energy=free),)))
    assert "nothing priced" in " ".join(texts(axes))
    assert pictures.png(axes).startswith(b"\x89PNG")


def test_rules_draw_means_intervals_and_baselines(comparison: Comparison) -> None:
    report = comparison.reports[0]
    axes: Any = pictures.rules({"one": report, "two": report})
    heights = [bar.get_height() for bar in axes.patches]
    one = [report.metrics[name].mean for name in ("exact", "identification", "overlap")]
    base = [report.baselines[name].mean for name in ("nearest_stored", "nearest_mean")]
    assert np.allclose(heights, [*one, *one, *base])
    labels = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
    assert labels == ["one", "two", "1-NN of the cue", "nearest mean"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda _, ax: pictures.recall(EXAMPLE, (2, 3), ax=ax),
        lambda _, ax: pictures.raster(EXAMPLE, ax=ax),
        lambda found, ax: pictures.energy_bars(found, ax=ax),
        lambda found, ax: pictures.rules({"one": found.reports[0]}, ax=ax),
    ],
)
def test_axes_of_the_caller_are_used(comparison: Comparison, draw: Callable[..., Any]) -> None:
    from matplotlib.figure import Figure

    mine = Figure(layout="constrained").subplots()
    assert draw(comparison, mine) is mine
    assert pictures.png(mine).startswith(b"\x89PNG")


def test_pyplot_is_never_imported() -> None:
    code = (
        "import sys, numpy as np; from hebbgraph.report import pictures;"
        "assert 'matplotlib' not in sys.modules;"
        "from hebbgraph.harness.recall_report import Example;"
        "s = np.ones((3, 4), np.int8); axes = pictures.raster(Example(0, 0, s[0], s[0], s));"
        "pictures.png(axes); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
