"""Report: a comparison as Markdown, as one HTML file that needs nothing else, and its pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hebbgraph import __version__, runfolder
from hebbgraph.draw import tree
from hebbgraph.errors import Unavailable
from hebbgraph.harness.compare import Comparison, Survey
from hebbgraph.harness.recall_report import RecallReport
from hebbgraph.metrics import settling
from hebbgraph.report import pictures, tables
from hebbgraph.report.words import baseline_words, survey_words, task_words, verdict

#: Recalls shown.
EXAMPLES = 3


@dataclass(frozen=True)
class Picture:
    """A PNG file of the run folder, and what it shows."""

    #: Relative to the folder.
    path: str
    #: What can be seen, for those who cannot see it.
    caption: str
    png: bytes

    @property
    def uri(self) -> str:
        """Return the whole picture as an address, so that a page needs no other file."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def require() -> None:
    """Raise `Unavailable` with the remedy if a report cannot be made; ask before a long run."""
    pictures.require()
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        text = 'report: jinja2 is not installed; pip install "hebbgraph[plot]"'
        raise Unavailable(text) from error


def render(
    comparison: Comparison,
    surveys: Sequence[Survey] = (),
    environment: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """Return the files of a report by relative path: report.md, report.html, pictures/*.png.

    `environment` is what `hebbgraph.runfolder.environment` returns, and is asked for if left out.
    The same input gives the same bytes. Raises `Unavailable` if matplotlib or jinja2 is missing.
    """
    require()
    with pictures.defaults():
        shown = _pictures(comparison)
        surveyed = [_survey(survey, n) for n, survey in enumerate(surveys, 1) if survey.reports]
    content = _content(comparison, environment or runfolder.environment())
    content |= {"pictures": shown, "surveys": surveyed}
    files = {
        "report.md": templates(_markdown_safe).get_template("report.md.j2").render(content),
        "report.html": templates(None).get_template("report.html.j2").render(content),
    }
    every = [*shown, *(survey["picture"] for survey in surveyed)]
    texts = {path: text.encode() for path, text in files.items()}
    return texts | {picture.path: picture.png for picture in every}


def _content(comparison: Comparison, environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that the templates show, but the pictures and surveys."""
    config, reports = comparison.config, comparison.reports
    first = reports[0] if reports else None
    return {
        "title": f"{config.model} on {config.data}",
        "version": __version__,
        "task": task_words(comparison),
        "verdict": verdict(comparison),
        "engines": tables.engines(comparison),
        "energy": tables.energy(comparison),
        "conditions": tables.conditions(comparison),
        "measured": tables.measured(comparison),
        "baseline_words": baseline_words(first) if first else [],
        "baselines": tables.baselines(first) if first else None,
        "approximations": tables.approximations(reports),
        "environment": tables.environment(environment, comparison),
        "provenance": tables.provenance(comparison),
        "graph_hash": comparison.graph.content_hash,
        "tree": tree(comparison.graph),
        "machines": tables.machines(comparison),
    }


def _pictures(comparison: Comparison) -> list[Picture]:
    """Return the pictures of the first run that has any, and the energies of all."""
    found: list[Picture] = []
    for report in comparison.reports[:1]:
        if report.examples:
            found += [_recalls(report), _raster(report)]
    if any(row.energy for row in comparison.rows):
        axes = pictures.energy_bars(comparison)
        caption = (
            "Estimated dynamic energy per recall on each machine, on a log axis. Machines whose"
            " figures rest on different grounds (colours) are compared with care."
        )
        found.append(Picture("pictures/energy.png", caption, pictures.png(axes)))
    return found


def _recalls(report: RecallReport) -> Picture:
    """Return some recalls below one another."""
    examples = report.examples[:EXAMPLES]
    _, rows = pictures.figure(7, 0.4 + 1.3 * len(examples), len(examples))
    for example, axes in zip(examples, rows, strict=True):
        pictures.recall(example, report.task.data.image_shape, ax=axes)
    pictures.recall_key(rows[-1])
    wrong = [int((e.states[-1] != e.target).sum()) for e in examples]
    caption = (
        f"From the cue to the recall on {report.backend}, {report.domain}, seed"
        f" {examples[0].seed}: {len(examples)} of {report.recalls} recalls, spread over the stored"
        f" patterns; {', '.join(map(str, wrong))} units wrong at the end."
    )
    return Picture("pictures/recall.png", caption, pictures.png(rows[-1]))


def _raster(report: RecallReport) -> Picture:
    """Return the spikes of that one of the recalls shown that came to rest last."""
    examples = report.examples[:EXAMPLES]
    rest = [int(settling(example.states[np.newaxis]).steps[0]) for example in examples]
    number = int(np.argmax(rest))
    axes = pictures.raster(examples[number])
    caption = (
        f"Spikes of recall {number + 1} of these {len(examples)}, the last to come to rest."
        " A unit that stands for +1 spikes at every step."
    )
    return Picture("pictures/raster.png", caption, pictures.png(axes))


def _survey(survey: Survey, number: int) -> dict[str, Any]:
    axes = pictures.rules(survey.reports)
    title = survey.title[:1].upper() + survey.title[1:]
    caption = f"{title}: mean over seeds with 95 % intervals, baselines in grey."
    return {
        "title": title,
        "words": survey_words(survey),
        "table": tables.survey(survey),
        "picture": Picture(f"pictures/rules-{number}.png", caption, pictures.png(axes)),
    }


def templates(escape: Any) -> Any:
    """Return the shipped templates; `escape` is their filter ``md``, None for those of HTML."""
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.PackageLoader("hebbgraph.report", "templates"),
        autoescape=escape is None,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["md"] = escape
    return found


def _markdown_safe(text: str) -> str:
    """Return `text` on one line, without meaning to Markdown, in a table or out of one."""
    safe = "".join(f"\\{letter}" if letter in "\\`*<>|&#" else letter for letter in str(text))
    return " ".join(safe.replace("](", "]\\(").split())
