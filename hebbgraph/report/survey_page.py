"""survey_page: `hebbgraph survey` as pictures and one HTML file that needs nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from hebbgraph import __version__, runfolder
from hebbgraph.harness.sweep import SWEEP_METRICS, Sweep
from hebbgraph.report import Picture, pictures, require, sweep_pictures, templates
from hebbgraph.report.bench_page import environment_table
from hebbgraph.report.survey_report import SurveyReport, best_point, cost_table, short, table
from hebbgraph.report.sweep_words import place
from hebbgraph.report.tables import Table

#: What is drawn, each in a picture of its own, where it was measured.
DRAWN = ("overlap", "identification", "class_accuracy")
CURVES = "mean over seeds with 95 % intervals"


def survey_files(
    found: SurveyReport, environment: Mapping[str, Any] | None = None
) -> dict[str, bytes]:
    """Return report.html and pictures/*.png by relative path.

    The same input gives the same bytes. Raises `Unavailable` if a package is missing.
    """
    require()
    with pictures.defaults():
        shown = _pictures(found)
    content = {
        "title": found.title[:1].upper() + found.title[1:],
        "version": __version__,
        "words": found.words(),
        "pictures": shown,
        "table": table(found),
        "costs": cost_table(found) if found.costs else None,
        "base": _base(found.sweep),
        "environment": environment_table(environment or runfolder.environment()),
    }
    page = str(templates(None).get_template("survey.html.j2").render(content))
    return {"report.html": page.encode()} | {picture.path: picture.png for picture in shown}


def _pictures(found: SurveyReport) -> list[Picture]:
    """Return a picture of every metric, for each setting of the knobs that have no axis."""
    shown = []
    measured = found.sweep.points[0].metrics
    for at, metric in itertools.product(_facets(found), DRAWN):
        if metric not in measured:
            continue
        draw = _phase if found.kind == "phase" else _curves
        axes = draw(found, metric, at)
        setting = ", ".join(f"{name} {short(value)}" for name, value in at.items())
        if setting:
            axes.set_title(setting, fontsize=9)
        words = f"{metric.replace('_', ' ').capitalize()}{f' at {setting}' if setting else ''}"
        drawn = "as colour" if found.kind == "phase" else CURVES
        caption = f"{words} ({SWEEP_METRICS[metric]}), {drawn}."
        name = "-".join([metric, *(f"{k}-{short(v)}" for k, v in at.items())])
        shown.append(Picture(f"pictures/{_safe(name)}.png", caption, pictures.png(axes)))
    if found.costs:
        shown.append(_costs(found))
    return shown


def _axes(found: SurveyReport) -> tuple[str, str | None, list[str]]:
    """Return the knob along x, that of the lines or along y, and those that are left."""
    *others, x = found.sweep.knobs
    wide = [name for name in others if len(found.sweep.knobs[name]) > 1]
    if found.kind == "phase":
        wide = others  # both axes are drawn, whatever they hold
        return wide[-1], x, wide[:-1]
    return x, wide[-1] if wide else None, wide[:-1]


def _facets(found: SurveyReport) -> list[dict[str, Any]]:
    left = _axes(found)[2]
    values = (found.sweep.knobs[name] for name in left)
    return [dict(zip(left, chosen, strict=True)) for chosen in itertools.product(*values)]


def _curves(found: SurveyReport, metric: str, at: Mapping[str, Any]) -> Any:
    x, by, _ = _axes(found)
    line, base = found.theory if metric == "overlap" else None, found.sweep.base

    def theory(value: float, other: Any = None) -> float:
        assert line is not None
        return line.at(base, {**at, x: value, **({by: other} if by else {})})

    return sweep_pictures.curves(
        found.sweep, metric, x=x, by=by, at=at, theory=theory if line else None
    )


def _phase(found: SurveyReport, metric: str, at: Mapping[str, Any]) -> Any:
    x, y, _ = _axes(found)
    edge: Callable[[float], float] | None = found.theory.edge if found.theory else None
    if {x, y} != {"load", "temperature"}:
        edge = None
    along: Any = "y" if x == "load" else "x"
    return sweep_pictures.phase(found.sweep, metric, x=x, y=y, at=at, theory=edge, along=along)


def _costs(found: SurveyReport) -> Picture:
    best = best_point(found)
    costs = found.costs[found.sweep.points.index(best)]
    axes = sweep_pictures.costs(costs)
    caption = (
        f"Estimated dynamic energy of one recall on each machine at {place(best)}, where most bits"
        " are stored that can be recalled; bars nominal, lines low to high."
    )
    return Picture("pictures/costs.png", caption, pictures.png(axes))


def _base(sweep: Sweep) -> Table:
    """Return what all points have in common."""
    first = sweep.points[0].trial.as_dict()
    told = {name: value for name, value in first.items() if name not in (*sweep.knobs, "options")}
    if "load" in sweep.knobs:
        told.pop("count")
    own = {name: v for name, v in told.pop("parameters").items() if name not in sweep.knobs}
    told["parameters"] = ", ".join(f"{name}={value}" for name, value in own.items()) or "defaults"
    told["data"] = told.get("data", [None])[0] if told.get("data") else "random patterns"
    rows = [(name.replace("_", " "), short(v)) for name, v in told.items() if v is not None]
    rows += [(name, ", ".join(map(short, values))) for name, values in sweep.knobs.items()]
    rows.append(("seeds", ", ".join(map(str, sweep.seeds))))
    return Table(("setting", "value"), tuple(rows))


def _safe(name: str) -> str:
    """Return `name` with nothing in it that a file's name should not have."""
    return "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in name)
