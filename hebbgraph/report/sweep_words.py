"""What a sweep says in sentences: collapse, the baselines, where a curve breaks down, its cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hebbgraph.harness.sweep import Point, Sweep
from hebbgraph.report.words import (
    against,
    baseline_words,
    collapses,
    interval,
    listed,
    plural,
)


def sweep_words(sweep: Sweep) -> list[str]:
    """Return what was run, where recall collapses onto the mean image, and what 1-NN makes of it.

    On data sets both baselines are named for every point; random patterns have no classes, and
    no mean image to speak of.
    """
    sentences = [_what(sweep)]
    real = [point for point in sweep.points if point.trial.data is not None]
    if not real:
        return [*sentences, *_judged(sweep.points, "identification", "nearest_stored", "1-NN")]
    fallen = [point for point in real if collapses(point)]
    if fallen:
        sentences.append(_collapse(fallen, len(real)))
    sentences += _judged(real, "identification", "nearest_stored", "1-NN of the raw cue")
    if "class_accuracy" in real[0].metrics:
        sentences += _judged(real, "class_accuracy", "nearest_mean", "the nearest class mean")
    return sentences


def point_words(point: Point) -> list[str]:
    """Return what one point is worth beside its baselines, with the numbers."""
    collapse = [_collapse([point], 1)] if point.trial.data and collapses(point) else []
    return [*collapse, *baseline_words(point)]


def place(point: Point) -> str:
    """Return where a point lies: ``"load 0.1, level 0.2"``."""
    return ", ".join(f"{_words(name)} {_text(v)}" for name, v in point.at.items())


def _what(sweep: Sweep) -> str:
    base, grid = sweep.base, " x ".join(str(len(values)) for values in sweep.knobs.values())
    point = sweep.points[0]
    data = point.trial.data.name if point.trial.data else "random patterns"
    return (
        f"{base.name} on {data}: {grid} points over {listed(sweep.knobs)},"
        f" {plural(len(sweep.seeds), 'seed')}, each its own network;"
        f" {sum(p.recalls for p in sweep.points):,} recalls."
    )


def _collapse(fallen: Sequence[Point], total: int) -> str:
    worst = max(fallen, key=lambda point: point.metrics["mean_image_overlap"].mean)
    overlap = interval(worst.metrics["mean_image_overlap"], 2)
    return (
        f"{worst.trial.name} collapses onto the mean image at {len(fallen)} of"
        f" {plural(total, 'point')} ({_places(fallen)}): the final states overlap the sign of the"
        f" mean stored pattern by {overlap}. Whatever the cue, it recalls what the patterns have in"
        " common."
    )


def _judged(points: Sequence[Point], metric: str, baseline: str, name: str) -> list[str]:
    """Return one sentence for each verdict on the baseline, with the points it holds for."""
    held: dict[str, list[Point]] = {}
    for point in points:
        text = against(point.metrics[metric], point.baselines[baseline])
        held.setdefault(text.replace("the baseline", name), []).append(point)
    sentences = []
    for text, alike in held.items():
        ours = [point.metrics[metric].mean for point in alike]
        theirs = [point.baselines[baseline].mean for point in alike]
        sentences.append(
            f"{metric.replace('_', ' ')} {_range(ours)}, {name} {_range(theirs)}: {text}"
            f" ({_places(alike)})."
        )
    return sentences


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _places(points: Sequence[Point]) -> str:
    """Return where points lie; those that differ in the last knob only are told together."""
    *others, last = points[0].at or {"": ""}
    groups: dict[str, list[str]] = {}
    for point in points:
        head = ", ".join(f"{_words(name)} {_text(point.at[name])}" for name in others)
        groups.setdefault(head, []).append(_text(point.at.get(last, "")))
    told = [f"{head}{', ' if head else ''}{_words(last)} {listed(v)}" for head, v in groups.items()]
    return "; ".join(told).strip() or "the only point"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
