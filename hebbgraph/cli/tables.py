"""Results as tables on the terminal."""

from __future__ import annotations

import shutil
import sys

from rich.console import Console
from rich.table import Table

from hebbgraph.harness.compare import Comparison, Row, Survey
from hebbgraph.report.words import interval, priced, verdict

#: Columns where the output is no terminal.
PLAIN_WIDTH = 160


def console() -> Console:
    """Return a console as wide as the terminal, or wide enough for a table in a file.

    Without markup: a remedy such as ``hebbgraph[brian2]`` is to be printed as it is.
    """
    if sys.stdout.isatty():
        return Console(markup=False)
    columns = shutil.get_terminal_size((PLAIN_WIDTH, 40)).columns
    return Console(width=max(columns, PLAIN_WIDTH), markup=False)


def print_comparison(comparison: Comparison) -> None:
    """Print accuracy and agreement of every engine and domain, then energy by machine."""
    out = console()
    out.print(_accuracy(comparison))
    if comparison.config.hardware and comparison.reports:
        out.print(_energy(comparison))
    for row in comparison.rows:
        if row.measured:
            out.print(f"measured here, {row.backend} {row.domain}: {row.measured}")
    outcome = verdict(comparison)
    out.print(outcome.headline, *outcome.details, sep="\n")


def print_ledgers(comparison: Comparison) -> None:
    """Print the ledger of every machine, once for all runs with the same counts."""
    for held, prices in priced(comparison):
        for report in prices.values():
            print(f"{held}, {report.explain()}", end="\n\n")


def print_survey(survey: Survey) -> None:
    """Print one line per learning rule, the baselines below."""
    table = Table(title=survey.title, title_justify="left")
    names = ("identification", "exact", "overlap", "mean_image_overlap", "spurious", "mixture")
    for column in ("memory", "accuracy", *names[1:]):
        table.add_column(column.replace("_", " "))
    for rule, report in survey.reports.items():
        table.add_row(rule, *(interval(report.metrics[name], 2) for name in names))
    first = next(iter(survey.reports.values()))
    table.add_section()
    for name, value in first.baselines.items():
        table.add_row(f"baseline: {name.replace('_', ' ')}", interval(value, 2))
    console().print(table)


def _accuracy(comparison: Comparison) -> Table:
    config = comparison.config
    title = (
        f"{config.model} on {config.data}: {config.count} patterns, {config.corruption} "
        f"{config.level:g}, {len(config.seeds)} seeds, 95 % intervals over seeds"
    )
    table = Table(title=title, title_justify="left")
    columns = ("engine", "domain", "recall accuracy", "overlap", "steps", "spikes", "synops")
    for column in columns:
        table.add_column(column, no_wrap=column in ("engine", "domain"))
    table.add_column("wall", justify="right")
    table.add_column("agreement with the reference", overflow="fold")
    for row in comparison.rows:
        table.add_row(row.backend, row.domain, *_cells(row), row.agreement)
    return table


def _cells(row: Row) -> list[str]:
    if row.report is None:
        return ["-"] * 6
    metrics = row.report.metrics
    wall = sum(row.report.per_seed["wall_seconds"])
    return [
        interval(metrics["identification"], 3),
        interval(metrics["overlap"], 3),
        interval(metrics["steps_to_settle"], 1),
        f"{metrics['spikes_per_recall'].mean:,.0f}",
        f"{metrics['synops_per_recall'].mean:,.0f}",
        f"{wall:.2f} s",
    ]


def _energy(comparison: Comparison) -> Table:
    """Return the prices; engines with equal counters share a line, since counts decide them."""
    title = "dynamic energy per recall: nominal estimate (low to high); >= marks a lower bound"
    table = Table(title=title, title_justify="left")
    for column in ("engine", "domain", *comparison.config.hardware):
        table.add_column(column)
    groups: list[list[Row]] = []
    for row in comparison.rows:
        same = [g for g in groups if _prices_alike(g[0], row)]
        if same:
            same[0].append(row)
        elif row.report:
            groups.append([row])
    for group in groups:
        engines = "\n".join(row.backend for row in group)
        cells = [_priced(group[0], name) for name in comparison.config.hardware]
        table.add_row(engines, group[0].domain, *cells)
    return table


def _prices_alike(one: Row, other: Row) -> bool:
    if one.report is None or other.report is None or one.domain != other.domain:
        return False
    return one.report.counters == other.report.counters


def _priced(row: Row, name: str) -> str:
    report = row.energy[name]
    band = report.per_episode(report.dynamic)
    least = ">= " if report.lower_bound else ""
    return "-" if band is None else f"{least}{band.text('J')}"
