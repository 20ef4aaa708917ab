"""codesign_page: a co-design sweep as pictures and one HTML file that needs nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from hebbgraph import __version__, runfolder
from hebbgraph.report import Picture, codesign_pictures, pictures, require, templates
from hebbgraph.report.bench_page import environment_table
from hebbgraph.report.codesign_tables import every, failures, front, headline
from hebbgraph.report.tables import Table
from hebbgraph.sweep.found import Found
from hebbgraph.sweep.objectives import Objective

#: Rows of the table of all points; the CSV has the others.
SHOWN = 400


def codesign_files(found: Found, environment: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """Return report.html and pictures/*.png by relative path; the same input, the same bytes.

    Raises `Unavailable` if a package is missing.
    """
    require()
    with pictures.defaults():
        shown = list(_pictures(found)) if found.good else []
    everything = every(found)
    content = {
        "title": f"Co-design: {found.plan.spec.name}",
        "version": __version__,
        "words": headline(found),
        "front": front(found),
        "failures": failures(found),
        "pictures": shown,
        "points": Table(everything.head, everything.rows[:SHOWN]),
        "left": max(0, len(everything.rows) - SHOWN),
        "setting": _setting(found),
        "machines": _machines(found),
        "environment": environment_table(environment or runfolder.environment()),
    }
    page = str(templates(None).get_template("codesign.html.j2").render(content))
    return {"report.html": page.encode()} | {picture.path: picture.png for picture in shown}


def _pictures(found: Found) -> Iterator[Picture]:
    """Yield every picture that the sweep has the points for."""
    objectives = found.plan.objectives
    prices = [o for o in objectives if o.machine] or [
        Objective("energy", machine.name, True) for machine in found.plan.machines[:1]
    ]
    metrics = [o for o in objectives if not o.machine]
    for price, metric in itertools.product(prices, metrics):
        caption = (
            f"{metric.name} against {price.label}: bars along the price are 5 % to 95 % over the"
            " ranges of the costs, along the metric the interval over seeds; grey is beaten."
        )
        axes = codesign_pictures.pareto(found, price, metric)
        yield _picture(f"pareto-{metric.name}-{price.name}-{price.machine}", axes, caption)
    yield from _maps(found)
    for machine in dict.fromkeys(o.machine for o in prices):
        yield from _of_machine(found, machine)


def _maps(found: Found) -> Iterator[Picture]:
    """Yield a map of every objective over every two knobs that are widths of numbers."""
    for subject in dict.fromkeys(row.point.subject for row in found.good):
        rows = [row for row in found.good if row.point.subject == subject]
        names = list(dict.fromkeys(name for row in rows for name in row.point.at))
        several = [n for n in names if len({str(r.point.at.get(n)) for r in rows}) > 1]
        bits = [n for n in several if n.endswith("bits")]
        pairs = list(itertools.combinations(bits if len(bits) > 1 else several, 2))[:3]
        for (x, y), objective in itertools.product(pairs, found.plan.objectives):
            axes = codesign_pictures.heat_map(found, x, y, objective, subject=subject)
            caption = f"{objective.label} of {subject} over {x} and {y}."
            yield _picture(f"map-{subject}-{x}-{y}-{objective.label}", axes, caption)


def _of_machine(found: Found, machine: str) -> Iterator[Picture]:
    first = codesign_pictures.cheapest(found, machine)
    turned = {name for row in found.good for name in row.point.at}
    if first:
        axes = codesign_pictures.tornado(first[0].priced[machine].report)
        text = "How far each cost alone moves the energy of the cheapest point shown."
        yield _picture(f"tornado-{machine}", axes, text)
        axes = codesign_pictures.rank_stability(found, machine)
        text = "How often each point takes each rank by energy, over draws of the costs."
        yield _picture(f"ranks-{machine}", axes, text)
        axes = codesign_pictures.breakdown(found, machine)
        yield _picture(f"breakdown-{machine}", axes, "What the dynamic energy consists of.")
    if "steps" in turned:
        axes = codesign_pictures.energy_against_steps(found, machine)
        yield _picture(f"steps-{machine}", axes, "Energy against steps, and the break-even band.")
    if {"load", "count"} & turned and any("stored_bits" in row.metrics for row in found.good):
        axes = codesign_pictures.capacity(found, machine)
        yield _picture(f"capacity-{machine}", axes, "What can be recalled against its energy.")
    if "neurons_per_core" in turned and any(r.priced[machine].placed for r in found.good):
        axes = codesign_pictures.core_size(found, machine)
        text = "Cores, packets and energy against the neurons that a core holds."
        yield _picture(f"cores-{machine}", axes, text)


def _picture(name: str, axes: Any, caption: str) -> Picture:
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in name)
    return Picture(f"pictures/{safe}.png", caption, pictures.png(axes))


def _setting(found: Found) -> Table:
    plan = found.plan
    rows = [("strategy", plan.spec.strategy.kind), ("seeds", ", ".join(map(str, plan.seeds)))]
    for name, subject in plan.spec.subjects.items():
        what = subject.model or f"{subject.method} on {subject.preset}"
        settings = ", ".join(f"{k} {v}" for k, v in subject.settings.items())
        rows.append((name, f"{what}; {settings}" if settings else what))
    rows += [(name, str(values)) for name, values in plan.knobs.items()]
    rows.append(("objectives", ", ".join(o.label for o in plan.objectives)))
    rows.append(("placed on cores", "yes" if plan.placing else "no"))
    return Table(("what", "value"), tuple(rows))


def _machines(found: Found) -> Table:
    rows = tuple((m.name, m.title, m.content_hash[:16]) for m in found.plan.machines)
    notes = ("A row's machine differs from this where architecture knobs change it.",)
    return Table(("machine", "what it is", "SHA-256"), rows, notes)
