"""Pictures and words of sweeps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hebbgraph.data import PatternSet, random_patterns
from hebbgraph.errors import Invalid
from hebbgraph.harness.cost import recall_costs
from hebbgraph.harness.sweep import Sweep, sweep
from hebbgraph.harness.trial import trial
from hebbgraph.models import hopfield
from hebbgraph.report import pictures, sweep_pictures
from hebbgraph.report.sweep_words import point_words, sweep_words

pytest.importorskip("matplotlib")


def alike(size: int = 60) -> PatternSet:
    """Return labelled patterns that are strongly correlated, as images are."""
    rng = np.random.default_rng(0)
    common = np.where(rng.random(size) < 0.5, 1, -1)
    patterns = np.where(rng.random((40, size)) < 0.15, -common, common)
    return PatternSet("alike", patterns, labels=np.arange(40) % 4)


@pytest.fixture(scope="module")
def images() -> Sweep:
    base = trial(hopfield.FAMILY, name="hopfield", data=alike(), count=8, steps=8)
    knobs = {"rule": ("hebbian", "pseudo_inverse"), "level": (0.0, 0.1, 0.2)}
    return sweep(base, knobs, seeds=(0, 1, 2))


@pytest.fixture(scope="module")
def phases() -> Sweep:
    base = trial(hopfield.FAMILY, name="hopfield", units=40, steps=6, rule="hebbian")
    knobs = {"load": (0.05, 0.1, 0.3), "level": (0.3, 0.0), "weight_bits": (8, 4)}
    return sweep(base, knobs, seeds=(0, 1))


def labels(axes: Any) -> list[str]:
    return list(axes.get_legend_handles_labels()[1])


def test_curves_have_lines_intervals_baselines_and_rings(images: Sweep) -> None:
    axes = sweep_pictures.curves(images, "identification")
    told = labels(axes)
    assert told.count("1-NN of the cue") == 1
    assert "nearest class mean of the cue (class)" in told
    assert "collapsed onto the mean image" in told
    assert "rule hebbian" in told
    drawn: Any = axes.containers[1]
    assert drawn.lines[0].get_xdata().tolist() == [0.0, 0.1, 0.2]
    assert drawn.lines[0].get_ydata().tolist() == images.means("identification")[1].tolist()
    assert axes.get_xlabel() == "corruption of the cue"
    assert len(pictures.png(axes)) > 5000


def test_overlap_has_no_baseline_and_axes_may_be_the_callers(images: Sweep) -> None:
    (axes,) = pictures.figure(3, 2)[1]
    assert sweep_pictures.curves(images, x="level", by="rule", ax=axes) is axes
    assert not [text for text in labels(axes) if "cue" in text]


def test_theory_is_one_black_line_or_one_per_line(phases: Sweep) -> None:
    fixed = {"weight_bits": 8}
    alike = sweep_pictures.curves(phases, x="load", at=fixed, theory=lambda a, _: 1 - a)
    assert labels(alike).count("theory") == 1
    apart = sweep_pictures.curves(phases, x="load", at=fixed, theory=lambda a, b: 1 - a * b)
    plain = sweep_pictures.curves(phases, x="load", at=fixed)
    assert len(apart.lines) - len(plain.lines) == 2
    assert len(alike.lines) - len(plain.lines) == 1


def test_a_curve_says_which_knobs_are_open(phases: Sweep) -> None:
    with pytest.raises(Invalid, match="level: must be fixed by at="):
        sweep_pictures.curves(phases, x="load", by="weight_bits")
    with pytest.raises(Invalid, match="no knob of the sweep"):
        sweep_pictures.curves(phases, x="temperature", at={"level": 0.0, "weight_bits": 8})
    with pytest.raises(Invalid, match="metrics are"):
        sweep_pictures.curves(phases, "accuracy")


def test_a_phase_diagram_is_sorted_and_has_the_theory_on_it(phases: Sweep) -> None:
    def theory(load: float) -> float:
        return 0.4 - load if load < 0.2 else math.nan

    axes = sweep_pictures.phase(phases, at={"weight_bits": 8}, theory=theory)
    mesh: Any = axes.collections[0]
    grid = mesh.get_array().reshape(2, 3)
    ours = phases.means("overlap")[:, :, 0]
    assert np.allclose(grid, ours[:, ::-1].T)  # levels rise upwards
    assert axes.get_xlabel() == "load K / N"
    assert axes.get_ylabel() == "corruption of the cue"
    assert labels(axes) == ["theory"]
    assert axes.get_xlim() == pytest.approx((0.025, 0.4))
    assert len(pictures.png(axes)) > 5000
    upright = sweep_pictures.phase(phases, at={"weight_bits": 8}, theory=theory, along="y")
    assert upright.lines[0].get_ydata()[0] == upright.get_ylim()[0]  # type: ignore[index]
    turned = sweep_pictures.phase(phases, x="level", y="load", at={"weight_bits": 8})
    assert turned.get_xlabel() == "corruption of the cue"


def test_a_phase_diagram_needs_two_numbers(images: Sweep, phases: Sweep) -> None:
    with pytest.raises(Invalid, match="must leave two knobs of numbers"):
        sweep_pictures.phase(images)
    with pytest.raises(Invalid, match="must leave two knobs of numbers"):
        sweep_pictures.phase(phases)


def test_costs_are_bars_with_what_a_bit_costs(phases: Sweep) -> None:
    found = recall_costs(phases.points[0])
    axes = sweep_pictures.costs(found)
    texts = [text.get_text() for text in axes.get_yticklabels()]
    assert len(texts) == len(found)
    assert all("per stored bit" in text for text in texts)
    assert any("at least" in text for text in texts)


def test_words_tell_of_the_collapse_and_of_both_baselines(images: Sweep) -> None:
    told = " ".join(sweep_words(images))
    assert "hopfield on alike: 2 x 3 points over rule and level, 3 seeds" in told
    assert "hopfield collapses onto the mean image at 3 of 6 points (rule hebbian" in told
    assert "pseudo" not in told.partition("the final states overlap")[0].partition("collapses")[2]
    assert "the memory is worse than 1-NN of the raw cue (rule hebbian" in told
    assert "the nearest class mean" in told
    first = point_words(images.where(rule="hebbian", level=0.1)[0])
    assert first[0].startswith("hopfield collapses onto the mean image at 1 of 1 point")
    assert "(1-NN) is the right one" in first[1]
    assert len(point_words(images.where(rule="pseudo_inverse", level=0.1)[0])) == 2


def test_random_patterns_have_no_mean_image_to_collapse_onto(phases: Sweep) -> None:
    told = " ".join(sweep_words(phases))
    assert "collapse" not in told
    assert "class" not in told
    assert "1-NN 1.00" in told
    assert point_words(phases.points[0])[0].startswith("The nearest stored pattern")


def test_one_seed_has_no_interval() -> None:
    base = trial(hopfield.FAMILY, data=random_patterns(10, 20, seed=0), count=2)
    found = sweep(base, {"level": (0.0, 0.1)}, seeds=(0,))
    assert len(pictures.png(sweep_pictures.curves(found))) > 3000
    assert "cannot be judged" in " ".join(sweep_words(found)) or "as good as" in " ".join(
        sweep_words(found)
    )
